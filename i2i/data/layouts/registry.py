"""All layouts that are recognized, in the order in which they are tried."""

from i2i.data.layouts import FOLDER_LAYOUTS
from i2i.data.layouts.celeba import ATTRIBUTE_LIST
from i2i.data.layouts.hf_datasets import HF_DATASETS
from i2i.data.layouts.manifest import MANIFESTS

LAYOUTS = (*FOLDER_LAYOUTS, ATTRIBUTE_LIST, *MANIFESTS, *HF_DATASETS)

"""Which images a place holds: splits, domains and pairs, recognised from how it is laid out.

    <split>/<domain>/*                    any number of domains
    <domain>/<split>/*                    the same, the other way round
    trainA/ trainB/ testA/ testB/         two domains, A and B
    <split>/*                             aligned pairs side by side: A is the left half, B the right

A file `i2i.json` beside the splits can say more: `{"name": ..., "domains": [...], "paired": true}`. Layouts that more
than folders make have files of their own here: attribute lists, manifests, archives, Hugging Face's data sets.
"""

from i2i.data.image_files.image_file import ImageFile
from i2i.data.layouts.by_domain import check_names, domain_data, own_name, with_own_names
from i2i.data.layouts.data_set import DataSet, join
from i2i.data.layouts.folder_layouts import FOLDER_LAYOUTS, scan
from i2i.data.layouts.i2i_json import CARD
from i2i.data.layouts.recognize import Choices, Layout, recognize

__all__ = [
    "CARD",
    "FOLDER_LAYOUTS",
    "Choices",
    "DataSet",
    "ImageFile",
    "Layout",
    "check_names",
    "domain_data",
    "join",
    "own_name",
    "recognize",
    "scan",
    "with_own_names",
]

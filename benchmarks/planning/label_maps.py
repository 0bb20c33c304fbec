"""Which domain of a bench is a label map: as the settings say, the data's card, or its few exact colors."""

from collections.abc import Mapping, Sequence

import numpy as np

from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.suite.schema import ScoringConfig
from i2i.data.image_files.images import read_image
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.layouts.i2i_json import read_card
from i2i.errors import UserError, unknown
from i2i.metrics.segmentation.palette import Palette, exact_colors

NONE = "none"
LOOKED_AT = 8  # images of a domain, to see whether it has few colors
LEARNT_FROM = 64  # label maps, evenly spread over the training split


def label_map_of(scoring: ScoringConfig, data: DataSet, split: str) -> LabelMap | None:
    """The domain that is a label map and its palette; None if there is none.

    Args:
        scoring: what the settings say of it.
        data: the images.
        split: whose label maps the palette is learnt from.

    Raises:
        UserError: a domain that is not there, data without pairs, which say what a label map shows, or a palette that
            is none.
    """
    card = read_card(data.root) if data.root.is_dir() else None
    declared = scoring.label_map or (card.label_map if card else None)
    if declared == NONE or (declared is None and not data.paired):
        return None
    domain = declared or _found(data, split)
    if domain is None:
        return None
    if domain not in data.domains:
        raise unknown("domain", domain, data.domains)
    if not data.paired:
        raise UserError(
            f"{domain} is declared a label map, but {data.name} has no pairs, and label maps are scored by them\n"
            "leave --label-maps out, or declare the pairs with --set data.paired=true"
        )
    return LabelMap(domain, _palette(scoring.palette or (card.palette if card else None), data, split, domain))


def _palette(given: Mapping[str, Sequence[int]] | None, data: DataSet, split: str, domain: str) -> Palette:
    if given:
        return Palette.given(given)
    images = data.images(split, domain)
    step = max(1, len(images) // LEARNT_FROM)
    return Palette.learnt(_decoded(images[::step][:LEARNT_FROM]))


def _found(data: DataSet, split: str) -> str | None:
    """The one domain whose images have few exact colors, where no other has."""
    if data.native or any(one.has_attributes for one in data.labels.sets):
        return None
    colors = {domain: exact_colors(_decoded(data.images(split, domain)[:LOOKED_AT])) for domain in data.domains}
    few = [domain for domain, count in colors.items() if count is not None]
    return few[0] if len(few) == 1 and (colors[few[0]] or 0) > 1 else None


def _decoded(images: Sequence[ImageFile]) -> list[np.ndarray]:
    """uint8 [H, W, 3] each, as large as they are."""
    return [np.asarray(read_image(image.path, image.half).convert("RGB")) for image in images]

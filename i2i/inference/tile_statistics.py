"""Statistics of an image that is too large to pass at once, for norms that hold them in all of its tiles.

A reduced image stands in for the image at first, as in the thumbnail instance normalisation of Chen et al. (AAAI
2022, "Towards Ultra-Resolution Neural Style Transfer via Thumbnail Instance Normalization"). Its statistics are like
the image's, and not equal. What is missing is measured and corrected, which is our own addition:

1. All tiles pass, the norms hold the estimate, and what each norm is given of the image is measured.
2. The reduced image had other moments at that norm behind the same norms before it. The difference is the norm's
   `Correction`.
3. The reduced image passes again, and each norm corrects its moments. So a norm also sees what corrections before it
   change, and that is the next estimate.

Where the estimate is right the tiles find it again, so it stays. The plain repetition of the first step, with what the
tiles found as the next estimate, goes astray: every norm would answer to those before it as they had been a pass ago.
"""

from torch import Tensor, nn

from i2i.inference.norm_statistics import (
    Correction,
    Moments,
    Statistics,
    corrected_statistics,
    found_statistics,
    held_statistics,
)
from i2i.inference.tiling import Translate, in_full, reduced, tiles

PASSES = 2
"""How often all tiles pass before they are translated, unless told otherwise."""


def image_statistics(
    network: nn.Module,
    translate: Translate,
    image: Tensor,
    multiple: int,
    smallest: tuple[int, int],
    side: int,
    passes: int = PASSES,
) -> Statistics:
    """What norms would be given of [1, C, H, W], translated at most `side` squared pixels at a time.

    Args:
        network: whose norms; `translate` uses it.
        translate: given the reduced image and tiles.
        image: the whole one.
        multiple: as in `in_tiles`.
        smallest: as in `in_tiles`.
        side: of tiles, pixels.
        passes: of all tiles; each takes the time of a translation and brings the statistics nearer. None are needed
            by an image that has no more pixels than a tile.

    Raises:
        UserError: for a side that is too small.
    """
    small = reduced(image, side)
    with found_statistics(network) as own:
        in_full(small, translate, multiple, smallest)
    estimate = own
    for _ in range(0 if small is image else passes):
        with held_statistics(estimate):
            found = of_tiles(network, translate, image, multiple, smallest, side)
        corrections = {norm: Correction.between(own[norm], found[norm], norm.eps) for norm in found}
        with found_statistics(network) as own, corrected_statistics(own, corrections) as estimate:
            in_full(small, translate, multiple, smallest)
    return estimate


def of_tiles(
    network: nn.Module, translate: Translate, image: Tensor, multiple: int, smallest: tuple[int, int], side: int
) -> Statistics:
    """What norms are given of the image when it passes in tiles, every place counted once."""
    parts: list[Statistics] = []
    for tile, part in tiles(image, multiple, smallest, side):
        with found_statistics(network, part) as statistics:
            translate(tile)
        parts.append(statistics)
    norms = dict.fromkeys(norm for statistics in parts for norm in statistics)
    return {norm: Moments.together(some[norm] for some in parts if norm in some) for norm in norms}

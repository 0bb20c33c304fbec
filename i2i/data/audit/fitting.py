"""What it costs image files of other proportions to be fitted to the image size, in one line."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from i2i.data.image_files.images import Preprocess, read_size
from i2i.data.layouts import ImageFile

Size = tuple[int, int]
"""Height and width in pixels."""

NOTICED = 0.005
"""Smaller shares are taken for none, such as what rounding to whole pixels takes."""

# Of several images, of the one that loses most, and of one alone.
EFFECTS = {
    "crop": ("lose {:.0%} of a side on average", "loses {:.0%} of its {}", "loses {:.0%} of its {}"),
    "resize": ("are squeezed by {:.0%} on average", "by {:.0%} of its {}", "is squeezed by {:.0%} of its {}"),
    "pad": (
        "become {:.0%} border on average",
        "{:.0%}, for it fills only the {}",
        "becomes {:.0%} border, for it fills only the {}",
    ),
}


def sizes_of(images: Sequence[ImageFile]) -> list[Size]:
    """Heights and widths from the headers of the files; UserError naming the first that has none."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda image: read_size(image.path, image.half, image.native), images))


def lost_share(size: Size, image_size: Size) -> tuple[float, str]:
    """By which share which side, width or height, is too long for the proportions of the image.

    A file as high as the image would have to lose 1 - image width / width of its width, as much is how far its
    width is squeezed, and as much of an image that holds all of it is border.
    """
    too_wide = (size[1] * image_size[0]) / (size[0] * image_size[1])
    return (1 - 1 / too_wide, "width") if too_wide > 1 else (1 - too_wide, "height")


def fitting_line(sizes: Sequence[Size], preprocess: Preprocess) -> str:
    """How many of the images lose something, how much on average, and the one that loses most.

    Args:
        sizes: of the images, at least one.
        preprocess: what is done to them.
    """
    height, width = preprocess.image_size
    start = f"fit {preprocess.fit} to {height}x{width} px:"
    shares_and_sides = [lost_share(size, preprocess.image_size) for size in sizes]
    affected = [share for share, _ in shares_and_sides if share >= NOTICED]
    if not affected:
        all_have = "the image has" if len(sizes) == 1 else f"of {len(sizes)} images all have"
        return f"{start} nothing is lost, {all_have} these proportions"
    (share, side), (tall, wide) = max(zip(shares_and_sides, sizes, strict=True))
    many, most, alone = EFFECTS[preprocess.fit]
    if len(sizes) == 1:
        return f"{start} the image, {wide} wide and {tall} high, {alone.format(share, side)}"
    return (
        f"{start} {len(affected)} of {len(sizes)} images {many.format(sum(affected) / len(affected))}, "
        f"one {wide} wide and {tall} high {most.format(share, side)}"
    )

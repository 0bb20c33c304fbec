"""How well near-duplicates are told from other images: copies found, and different images taken for the same.

python -m i2i.benchmarks.studies.near_duplicates photos/train/horse
"""

import argparse
import io
import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from i2i.data.audit.near_duplicates import Fingerprint, nearest
from i2i.data.image_files.images import read_image
from i2i.data.layouts.image_folder import ImageFolder

IMAGES = 300


def main() -> None:
    """Print, for each kind of copy, how many are found; and how many images look like another of the folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="images, in folders of any depth")
    paths = ImageFolder(parser.parse_args().folder).paths
    chosen = random.Random(0).sample(paths, min(IMAGES, len(paths)))
    shown = [(image, own) for path in chosen if (own := Fingerprint.of(image := read_image(path).convert("RGB")))]
    prints = [own for _, own in shown]
    alike = [place for place, match in enumerate(nearest(prints, prints, earlier=True)) if match is not None]
    print(f"{len(alike)} of {len(prints)} images look like another: {', '.join(chosen[n].name for n in alike[:5])}")
    for name, change in COPIES.items():
        found = sum(_found(change(image), own) for image, own in shown)
        print(f"{name}: {found} of {len(shown)} found")


def _found(copy: Image.Image, original: Fingerprint) -> bool:
    own = Fingerprint.of(copy)
    return own is not None and nearest([own], [original]) == [0]


def _jpeg(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=20)
    return Image.open(file)


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((round(0.02 * width), round(0.02 * height), round(0.98 * width), round(0.98 * height)))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 20": _jpeg,
    "grey": lambda image: image.convert("L"),
    "a tenth brighter": lambda image: image.point(lambda value: min(255, round(1.1 * value))),
    "64 pixels": lambda image: image.resize((64, 64), Image.Resampling.BICUBIC),
    "2 % less on each side": _cropped,
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}

if __name__ == "__main__":
    main()

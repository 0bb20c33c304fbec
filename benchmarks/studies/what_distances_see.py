"""How far a distance of sets takes the ground truth with small faults to be, beside images that nobody translated.

    python benchmarks/studies/what_distances_see.py --extractor imagenet

For two domains of `seasons`, drawn by the program: distances from real images of other scenes of the target to the
ground truth as it is, blurred, or with grain or a faint grid, and to the input as it is.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageFilter

from i2i.data.synthetic.embedded import EMBEDDED
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.kernel import kernel_distance


def drawn(domain: str, side: int, scenes: range) -> np.ndarray:
    """Scenes of a domain, uint8 [N, side, side, 3]."""
    return np.stack([EMBEDDED["seasons"].draw(scene, domain, (side, side), 0) for scene in scenes])


def blurred(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    """A Gaussian blur of so many pixels."""
    blur = ImageFilter.GaussianBlur(sigma)
    return lambda images: np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images])


def grained(std: float) -> Callable[[np.ndarray], np.ndarray]:
    """Normal noise in every channel value, of so many levels of 255."""
    return lambda images: _levels(images + std * np.random.default_rng(0).standard_normal(images.shape))


def gridded(levels: float) -> Callable[[np.ndarray], np.ndarray]:
    """A pixel of every two by two lighter by so many levels of 255, as upsampling leaves it."""

    def change(images: np.ndarray) -> np.ndarray:
        grid = np.zeros(images.shape[1:3])
        grid[::2, ::2] = levels
        return _levels(images + grid[..., None])

    return change


def _levels(values: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return found


FAULTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ground truth": lambda images: images,
    "ground truth, blur of 0.5 pixels": blurred(0.5),
    "ground truth, blur of 1 pixel": blurred(1.0),
    "ground truth, blur of 2 pixels": blurred(2.0),
    "ground truth, grain of 4 levels": grained(4),
    "ground truth, grain of 8 levels": grained(8),
    "ground truth, grain of 16 levels": grained(16),
    "ground truth, a grid of 16 levels": gridded(16),
}


def main() -> None:
    """Print a row per fault: PSNR to the ground truth, Frechet and kernel distance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extractor", default="imagenet")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--source", default="summer")
    parser.add_argument("--target", default="night")
    options = parser.parse_args()
    count, extractor = options.images, parse_extractor(options.extractor).build()
    truth = drawn(options.target, options.side, range(count))
    rows = {name: change(truth) for name, change in FAULTS.items()}
    rows["input, untouched"] = drawn(options.source, options.side, range(count))
    real = features(extractor, drawn(options.target, options.side, range(count, 2 * count)))
    print("| images | PSNR, dB | Frechet distance | kernel distance |\n| --- | ---: | ---: | ---: |")
    for name, images in rows.items():
        own, error = features(extractor, images), np.mean((images.astype(float) - truth) ** 2)
        psnr = f"{10 * np.log10(255**2 / error):.2f}" if error else "–"
        distance, kernel = frechet_distance_between(own, real), kernel_distance(own, real).value
        print(f"| {name} | {psnr} | {distance:.1f} | {kernel:.3f} |", flush=True)


def features(extractor: Callable[[torch.Tensor], torch.Tensor], images: np.ndarray) -> np.ndarray:
    """Features [N, d] of images uint8 [N, H, W, 3]."""
    return extractor(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()).numpy()


if __name__ == "__main__":
    main()

"""Measures of sets by other people's packages, for the numbers that the tests compare with.

    pip install pytorchfwd POT
    python benchmarks/studies/set_references.py

pytorchfwd is the code of the paper of the wavelet distance; POT has sliced Wasserstein distances, of which MIND is one,
squared and scaled.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

COUNTS, SIDE, WIDTH = (20, 24), 32, 12


def images(seed: int, count: int) -> np.ndarray:
    """Random images uint8 [count, SIDE, SIDE, 3], smooth in places: blocks of 4 pixels and noise."""
    random = np.random.default_rng(seed)
    blocks = random.integers(0, 200, (count, SIDE // 4, SIDE // 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    return (blocks + random.integers(0, 30 + 20 * seed, (count, SIDE, SIDE, 3))).astype(np.uint8)


def features(seed: int, count: int) -> np.ndarray:
    """Random features [count, WIDTH], of unlike spread."""
    random = np.random.default_rng(seed)
    return random.standard_normal((count, WIDTH)) * np.arange(1, WIDTH + 1) + 0.5 * seed


def main() -> None:
    """Print the reference values."""
    import ot
    from pytorchfwd import fwd

    fwd.NUM_PROCESSES = 0  # of its loader

    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        folders = [Path(place, str(seed)) for seed in (0, 1)]
        for seed, (folder, count) in enumerate(zip(folders, COUNTS, strict=True)):
            folder.mkdir()
            for number, pixels in enumerate(images(seed, count)):
                Image.fromarray(pixels).save(folder / f"{number:03d}.png")
        wavelet = fwd.compute_fwd([*map(str, folders)], "Haar", 4, False, 128, None)
    print(f"FWD, pytorchfwd: {wavelet:.10f}")
    lines = np.random.default_rng(0).standard_normal((WIDTH, 50))
    lines /= np.linalg.norm(lines, axis=0)
    for count in COUNTS:
        sliced = ot.sliced_wasserstein_distance(features(0, COUNTS[0]), features(1, count), projections=lines, p=2)
        print(f"MIND of {COUNTS[0]} and {count}, POT: {3 * WIDTH * sliced**2:.10f}")


if __name__ == "__main__":
    main()

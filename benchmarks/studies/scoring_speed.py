"""Seconds of each measure that a bench takes of one direction.

    python benchmarks/studies/scoring_speed.py        # 60 and 200 images of 64 px, an untrained classifier
    python benchmarks/studies/scoring_speed.py --gan-train 6144

The images are drawn summers and nights. Seconds are of processor time, on one thread, so that other work on the
machine counts little; the fastest of three runs counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from i2i.benchmarks.evaluation.direction_scores import confusion
from i2i.benchmarks.evaluation.gan_train import gan_train
from i2i.data.image_files.images import Preprocess, write_image
from i2i.data.layouts import ImageFile
from i2i.data.synthetic.embedded import EMBEDDED
from i2i.labels import LabelSpace
from i2i.metrics.bootstrap import mean_interval
from i2i.metrics.content import cosine_distances
from i2i.metrics.features.domain_classifier import DomainClassifier, classify, train_classifier
from i2i.metrics.features.inception import ClassifierExtractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.frechet_by_n import distances_of_parts
from i2i.metrics.frechet_interval import frechet_intervals
from i2i.metrics.health import flags
from i2i.metrics.image_scores import features_of, read_pixels
from i2i.metrics.kernel import kernel_distance
from i2i.metrics.paired import l1, psnr, ssim

WAYS = (("summer", "night"), ("night", "summer"))
REPEATS = 3


def main() -> None:
    """Print a line for each measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, nargs="+", default=[60, 200])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--gan-train", type=int, metavar="IMAGES", help="time this as well, shown so many images")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        for n in arguments.images:
            seconds = {
                name: _seconds(work) for name, work in _work(Path(folder), n, arguments.side, arguments.gan_train)
            }
            for name, seconds_taken in seconds.items():
                print(f"{n:5d} {name:42} {seconds_taken:8.3f}", flush=True)


def _work(folder: Path, n: int, side: int, images: int | None) -> list[tuple[str, Callable[[], Any]]]:
    fakes, reals = (_drawn(domain, n, side) for domain in WAYS[0])
    files = _written(folder, fakes)
    classifier = DomainClassifier(LabelSpace.of_domains(WAYS[0]), (side, side))
    extractor = ClassifierExtractor(classifier)
    x, y = (features_of(extractor, pixels) for pixels in (fakes, reals))
    logits, singles = classify(classifier, fakes), l1(fakes, reals)
    work: list[tuple[str, Callable[[], Any]]] = [
        ("reading", lambda: read_pixels(files, Preprocess((side, side)))),
        ("features", lambda: features_of(extractor, fakes)),
        ("accuracy", lambda: classify(classifier, fakes)),
        ("Frechet distance", lambda: frechet_distance_between(x, y)),
        ("PSNR, L1", lambda: (psnr(fakes, reals), l1(fakes, reals))),
        ("SSIM", lambda: ssim(fakes, reals)),
        ("KID with std", lambda: kernel_distance(x, y, subset_size=n // 2)),
        ("Frechet distance at n/8, n/4, n/2", lambda: distances_of_parts(x, y)),
        ("interval of the Frechet distance", lambda: frechet_intervals(x, y)),
        ("interval of one mean", lambda: mean_interval(singles.numpy())),
        ("content in features", lambda: cosine_distances(x, y)),
        ("confusion", lambda: confusion(classifier.labels, "night", logits)),
        ("flags", lambda: flags(fakes, reals, reals, [reals])),
    ]
    if images is not None:
        work.append(("GAN-train, two directions", lambda: _gan_train(fakes, reals, images)))
    return work


def _gan_train(fakes: Tensor, reals: Tensor, images: int) -> None:
    def learn(pixels: Tensor, labels: Tensor, space: LabelSpace) -> DomainClassifier:
        return train_classifier(pixels, labels, space, images=images)

    made = dict(zip(WAYS, (reals, fakes), strict=True))
    gan_train(made, {"summer": fakes, "night": reals}, LabelSpace.of_domains(WAYS[0]), learn)


def _drawn(domain: str, n: int, side: int) -> Tensor:
    draw = EMBEDDED["seasons"].draw
    arrays = [torch.from_numpy(draw(scene, domain, (side, side), 0)) for scene in range(n)]
    return torch.stack(arrays).permute(0, 3, 1, 2).contiguous()


def _written(folder: Path, pixels: Tensor) -> list[ImageFile]:
    images = [ImageFile(folder / f"{number}.png") for number in range(len(pixels))]
    for image, own in zip(images, pixels, strict=True):
        write_image(image.path, own.permute(1, 2, 0).numpy())
    return images


def _seconds(work: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
        if seconds[0] > 1:  # long enough to be known from one run
            break
    return min(seconds)


if __name__ == "__main__":
    main()

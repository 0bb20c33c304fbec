"""The measures of a bench, taken from folders of PNG files and the real pictures of the data set."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from i2i.benchmarks.plan import direction_name
from i2i.config import RunConfig, Settings
from i2i.data.images import Preprocess
from i2i.data.layouts import DataSet, Picture
from i2i.data.pictures import load_pixels
from i2i.data.sources import open_data
from i2i.metrics.classifier import DomainClassifier, judge
from i2i.metrics.features import ClassifierExtractor, Extractor, InceptionExtractor
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.paired import psnr, ssim
from i2i.runs import run_config

BATCH = 64

Row = dict[str, Any]
"""`source`, `target`, `metric`, `value` and `n`, the number of scored pictures."""


class Scorer:
    """Scores translations, and real pictures for comparison.

    Args:
        settings: data settings.
        classifier: file of the trained domain classifier.
        inception: file of Inception weights; None: distances in the classifier's features.
        device: where to compute.

    Attributes:
        data: the real pictures.
        features: `name`, `dimensions` and `sha256` of the weights behind the Frechet distance.
    """

    def __init__(self, settings: Settings, classifier: Path, inception: Path | None, device: torch.device) -> None:
        self._config = run_config("identity", settings)
        self.data = open_data(self._config.data)
        self._judge = DomainClassifier.load(classifier, device=device)
        self._extractor: Extractor = (
            InceptionExtractor(inception, device=device) if inception else ClassifierExtractor(self._judge)
        )
        with (inception or classifier).open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        self.features = {"name": self._extractor.name, "dimensions": self._extractor.dimensions, "sha256": checksum}

    def translations(self, folder: Path, source: str, target: str) -> list[Row]:
        """Scores of `folder/<source>2<target>/` against the real test pictures of the target."""
        test = self._config.data.test_split
        place = folder / direction_name((source, target))
        fakes = read_pixels(
            [Picture(place / f"{picture.stem}.png") for picture in self.data.pictures(test, source)], self._config
        )
        reals = real_pixels(self.data, self._config, test, target)
        scores = self._against(fakes, reals, target)
        if self.data.paired:
            scores |= {"psnr": float(psnr(fakes, reals).mean()), "ssim": float(ssim(fakes, reals).mean())}
        return _rows(source, target, scores, len(fakes))

    def real(self, domain: str) -> list[Row]:
        """The ceiling: real test pictures judged, and compared with the real training pictures of their domain."""
        splits = (self._config.data.test_split, self._config.data.train_split)
        test, training = (real_pixels(self.data, self._config, split, domain) for split in splits)
        return _rows(domain, domain, self._against(test, training, domain), len(test))

    def _against(self, judged: Tensor, reference: Tensor, target: str) -> dict[str, float]:
        shown = self._judge.labels.shows(target, judge(self._judge, judged))
        return {
            "accuracy": float(shown.double().mean()),
            self._extractor.name: frechet_distance_between(self._features(judged), self._features(reference)),
        }

    def _features(self, pixels: Tensor) -> np.ndarray:
        parts = [self._extractor(pixels[start : start + BATCH]).cpu() for start in range(0, len(pixels), BATCH)]
        return torch.cat(parts).numpy()


def real_pixels(data: DataSet, config: RunConfig, split: str, domain: str) -> Tensor:
    """The real pictures of a domain, uint8 [N, 3, H, W]."""
    return read_pixels(data.pictures(split, domain), config)


def read_pixels(pictures: Sequence[Picture], config: RunConfig) -> Tensor:
    """uint8 [N, 3, H, W]; greyscale pictures become grey RGB, which is what scorers take."""
    pixels = load_pixels(pictures, Preprocess(config.data.image_size))
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _rows(source: str, target: str, scores: Mapping[str, float], n: int) -> list[Row]:
    return [
        {"source": source, "target": target, "metric": metric, "value": value, "n": n}
        for metric, value in scores.items()
    ]

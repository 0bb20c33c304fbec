"""The measures of a bench, taken from folders of PNG files and the real pictures of the data set."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.benchmarks.plan import direction_name
from i2i.config import RunConfig, Settings
from i2i.data.layouts import DataSet, Picture
from i2i.data.sources import open_data
from i2i.files import sha256
from i2i.metrics.classifier import DomainClassifier, judge
from i2i.metrics.extractors import parse_extractor
from i2i.metrics.features import ClassifierExtractor, Extractor
from i2i.runs import run_config
from i2i.scoring import against_truth, distance, features_of, read_pixels

Row = dict[str, Any]
"""`source`, `target`, `metric`, `value` and `n`, the number of scored pictures."""


class Scorer:
    """Scores translations, and real pictures for comparison.

    Args:
        settings: data settings.
        classifier: file of the trained domain classifier.
        extractor: of the features to take distances in; None: the classifier's.
        device: where to compute.

    Attributes:
        data: the real pictures.
        features: `name`, `dimensions` and `sha256` of the weights behind the Frechet distance.
    """

    def __init__(self, settings: Settings, classifier: Path, extractor: str | None, device: torch.device) -> None:
        self._config = run_config("identity", settings)
        self.data = open_data(self._config.data)
        self._judge = DomainClassifier.load(classifier, device=device)
        spec = parse_extractor(extractor) if extractor else None
        self._extractor: Extractor = spec.build(device) if spec else ClassifierExtractor(self._judge)
        self.features = {
            "name": self._extractor.name,
            "dimensions": self._extractor.dimensions,
            "sha256": sha256(spec.weights if spec else classifier),
        }

    def translations(self, folder: Path, source: str, target: str) -> list[Row]:
        """Scores of `folder/<source>2<target>/` against the real test pictures of the target."""
        test = self._config.data.test_split
        place = folder / direction_name((source, target))
        fakes = read_pixels(
            [Picture(place / f"{picture.stem}.png") for picture in self.data.pictures(test, source)],
            self._config.data.image_size,
        )
        reals = real_pixels(self.data, self._config, test, target)
        scores = self._against(fakes, reals, target)
        if self.data.paired:
            scores |= against_truth(fakes, reals)
        return _rows(source, target, scores, len(fakes))

    def real(self, domain: str) -> list[Row]:
        """The ceiling: real test pictures judged, and compared with the real training pictures of their domain."""
        splits = (self._config.data.test_split, self._config.data.train_split)
        test, training = (real_pixels(self.data, self._config, split, domain) for split in splits)
        return _rows(domain, domain, self._against(test, training, domain), len(test))

    def _against(self, judged: Tensor, reference: Tensor, target: str) -> dict[str, float]:
        shown = self._judge.labels.shows(target, judge(self._judge, judged))
        features = [features_of(self._extractor, pixels) for pixels in (judged, reference)]
        return {"accuracy": float(shown.double().mean()), **distance(self._extractor, *features)}


def real_pixels(data: DataSet, config: RunConfig, split: str, domain: str) -> Tensor:
    """The real pictures of a domain, uint8 [N, 3, H, W]."""
    return read_pixels(data.pictures(split, domain), config.data.image_size)


def _rows(source: str, target: str, scores: Mapping[str, float], n: int) -> list[Row]:
    return [
        {"source": source, "target": target, "metric": metric, "value": value, "n": n}
        for metric, value in scores.items()
    ]

"""A domain classifier for tests of scores."""

from pathlib import Path

import torch

from i2i.labels import LabelSpace
from i2i.metrics.features.domain_classifier import DomainClassifier


def untrained_classifier(path: Path, domains: tuple[str, ...], side: int, seed: int = 0) -> Path:
    """The file of a classifier; its weights are random, which is as good for equal numbers."""
    torch.manual_seed(seed)
    DomainClassifier(LabelSpace.of_domains(domains), (side, side)).save(path)
    return path

"""How the classifiers of a bench are trained: as its suite says, from scratch or from ImageNet weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.errors import UserError
from i2i.metrics.features.domain_classifier import DomainClassifier, train_classifier
from i2i.metrics.features.efficientnet_lite import NETWORK, start_from
from i2i.metrics.features.extractors import parse_extractor


def learner(options: ClassifierConfig, *, bf16: bool, device: torch.device) -> Callable[..., DomainClassifier]:
    """`train_classifier` with the options of a suite; UserError if the weights to start from are not there."""
    learn = partial(train_classifier, images=options.images, blur=options.blur, bf16=bf16, device=device)
    weights = starting_weights(options)
    if weights is None:
        return partial(learn, backbone=options.backbone)
    return partial(learn, backbone=NETWORK, start=partial(start_from, weights=weights))


def starting_weights(options: ClassifierConfig) -> Path | None:
    """The file of the weights that training starts from; None: from scratch.

    Raises:
        UserError: the weights are not there, or another backbone is chosen, which they do not fit.
    """
    if not options.pretrained:
        return None
    if options.backbone not in (NETWORK, ClassifierConfig().backbone):
        raise UserError(
            f"classifier.pretrained starts from the weights of {NETWORK}, and classifier.backbone is "
            f"{options.backbone}: leave one of the two out"
        )
    return parse_extractor("imagenet").weights

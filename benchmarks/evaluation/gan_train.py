"""GAN-train: how well a classifier that has seen nothing but translations knows real images.

Shmelkov, Schmid and Alahari, "How good is my GAN?", 2018, https://arxiv.org/abs/1807.09499, section 3. It falls where
translations look unreal, and also where they all look alike, which accuracy does not see. Their GAN-test, a classifier
of real images classifying the made ones, is the bench's accuracy.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.direction_scores import ends
from i2i.benchmarks.results_folder.score_file import Scores, entries
from i2i.labels import LabelSpace
from i2i.metrics._arrays import Array
from i2i.metrics.bootstrap import share_interval
from i2i.metrics.features.domain_classifier import DomainClassifier, classify

GAN_TRAIN = "gan-train"

Learn = Callable[[Tensor, Tensor, LabelSpace], DomainClassifier]
"""Trains a classifier on pixels [N, 3, H, W], label vectors [N, width] and what these say."""


def gan_train(
    fakes: Mapping[Direction, Tensor], reals: Mapping[str, Tensor], labels: LabelSpace, learn: Learn
) -> Scores:
    """The share of each target's real images that a classifier recognises which was trained on translations.

    Both are test images. So that none is classified whose translation was learnt from, two classifiers are trained: on
    the translations of the first half of each domain, to classify the second half of the real images, and the other
    way round. One classifier learns all targets, so the share is equal for all sources of a target.

    Args:
        fakes: by direction, translations of all images of its source, uint8 [N, 3, H, W], in their order.
        reals: by domain, its real images in their order, uint8 [N, 3, H, W].
        labels: of the data set.
        learn: trains a classifier.

    Returns:
        Rows and intervals; nothing where there are fewer than two targets, a target that does not say everything about
        an image, or a domain of one image.
    """
    scores = Scores()
    targets = tuple(dict.fromkeys(target for _, target in fakes))
    counts = [len(pixels) for pixels in (*fakes.values(), *(reals[target] for target in targets))]
    if len(targets) < 2 or min(counts) < 2 or not all(labels.decides(target) for target in targets):
        return scores
    space = labels.restricted([domain for domain in labels.domains if domain in targets])
    halves = [_recognized(fakes, reals, space, learn, learnt) for learnt in (1, 0)]
    for direction in fakes:
        known = np.concatenate([half[direction[1]] for half in halves])
        share = share_interval(int(known.sum()), len(known))
        scores.rows.extend(entries(direction, [{"metric": GAN_TRAIN, "value": share.estimate, "n": len(known)}]))
        scores.intervals.extend(entries(direction, [ends(GAN_TRAIN, share)]))
    return scores


def _recognized(
    fakes: Mapping[Direction, Tensor], reals: Mapping[str, Tensor], space: LabelSpace, learn: Learn, learnt: int
) -> dict[str, Array]:
    """By domain, which real images of the other half are recognised, if the `learnt` one has been learnt: [N / 2]."""
    own = [(target, _halves(pixels)[learnt]) for (_, target), pixels in fakes.items()]
    pixels = torch.cat([half for _, half in own])
    labels = torch.cat([space.towards(target).expand(len(half), -1) for target, half in own])
    classifier = learn(pixels, labels, space)
    predicted = {domain: classify(classifier, _halves(reals[domain])[1 - learnt]) for domain in space.domains}
    return {domain: space.shows(domain, logits).double().numpy() for domain, logits in predicted.items()}


def _halves(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The first half and the second; pairs, which stand at equal places, are of one half."""
    middle = len(pixels) // 2
    return pixels[:middle], pixels[middle:]

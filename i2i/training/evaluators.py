"""Who scores a training of `i2i train` on the validation split, as train.best_by says."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from i2i.config import RunConfig
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.load_pixels import load_pixels
from i2i.data.layouts import DataSet, ImageFile
from i2i.errors import UserError
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.inception import Extractor
from i2i.metrics.image_scores import ImageValues, against_truth, distances, features_of, read_values
from i2i.training.validation import Evaluator, require_validation
from i2i.translator import Task, Translator

BATCH = 64
PAIRED = ("psnr", "ssim")
"""Metrics that compare a translation with the ground truth."""


def evaluator_of(config: RunConfig, task: Task, data: DataSet, device: torch.device) -> Evaluator | None:
    """Scores the directions of a task on the validation split; None unless train.best_by asks for it.

    Where there is ground truth PSNR and SSIM are taken; with an extractor as `train.best_by` also the Frechet distance
    in its features.

    Raises:
        UserError: if there are no validation images, no ground truth for a metric that needs it, or no such metric.
    """
    by = config.train.best_by
    if by is None:
        return None
    require_validation(config, data)
    if by in PAIRED and not data.paired:
        raise UserError(
            f"train.best_by={by} needs ground truth and {data.name} has none: name an extractor, as in "
            "--set train.best_by=timm:resnet18:FILE"
        )
    scoring = _Scoring(config, task, data, device)
    split, preprocess = config.data.val_split, Preprocess.of(config.data)
    return Evaluator(scoring.metric, scores_of(data, split, preprocess, _within_sets(task), scoring, device))


def scores_of(
    data: DataSet,
    split: str,
    preprocess: Preprocess,
    directions: Sequence[tuple[str, str]],
    score: Callable[[str, str, np.ndarray], Mapping[str, float]],
    device: torch.device,
    sampling_steps: int | None = None,
) -> Callable[[Translator], dict[str, float]]:
    """Scores of a translator on a split: by metric, means over the directions.

    Args:
        data: the images.
        split: which of them are translated.
        preprocess: how they become images.
        directions: pairs of source and target.
        score: of a source, a target and the translations, [N, H, W, C] as files hold them, in the order of the split.
        device: where to translate.
        sampling_steps: of an iterative method; None: its own number.
    """

    def scored(translator: Translator, source: str, target: str) -> Mapping[str, float]:
        images = data.images(split, source)
        sides = preprocess.of_domain(source), preprocess.of_domain(target)
        pixels = load_pixels(images, sides[0])
        described = described_as(data, images, source, target)
        seeds = translator.seeds_of(image.stem for image in images)
        translate = partial(translator.translate, sampling_steps=sampling_steps)
        translated = translate_pixels(translate, pixels, (source, target), sides, described, seeds, device)
        return score(source, target, translated)

    return lambda translator: _means([scored(translator, *direction) for direction in directions])


def _means(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By metric over those that have it."""
    values: dict[str, list[float]] = {}
    for scores in found:
        for metric, value in scores.items():
            values.setdefault(metric, []).append(value)
    return {metric: sum(own) / len(own) for metric, own in values.items()}


class _Scoring:
    """Scores of the translations of one direction."""

    def __init__(self, config: RunConfig, task: Task, data: DataSet, device: torch.device) -> None:
        by = config.train.best_by or ""
        self._data, self._split = data, config.data.val_split
        self._extractor = None if by in PAIRED else _extractor(by, device)
        self.metric = by if self._extractor is None else self._extractor.name
        self._preprocess = Preprocess.of(config.data)
        self._reals = {name: read_values(self._images(name), self._preprocess.of_domain(name)) for name in task.domains}
        self._features = {
            name: features_of(self._extractor, reals.pixels) for name, reals in self._reals.items() if self._extractor
        }

    def __call__(self, source: str, target: str, translated: np.ndarray) -> Mapping[str, float]:
        fakes = ImageValues.of(translated, self._preprocess.of_domain(target))
        singles = against_truth(fakes, self._reals[target]) if self._data.paired else {}
        scores = {metric: float(values.mean()) for metric, values in singles.items()}
        if self._extractor is not None:
            features = features_of(self._extractor, fakes.pixels)
            scores |= distances(self._extractor.name, features, self._features[target]).values()
        return scores

    def _images(self, domain: str) -> Sequence[ImageFile]:
        return self._data.images(self._split, domain)


def translate_pixels(
    translate: Callable[..., Tensor],
    pixels: np.ndarray,
    direction: tuple[str, str],
    sides: tuple[Preprocess, Preprocess],
    described: Sequence[str] | None,
    seeds: Sequence[int] | None,
    device: torch.device,
) -> np.ndarray:
    """Translations of images, both [N, H, W, C]; `described` and `seeds` are those that `translate` takes.

    `sides` are how files of the source become images, and images of the target files.
    """
    parts = []
    for start in range(0, len(pixels), BATCH):
        some = slice(start, start + BATCH)
        images = sides[0].to_images(pixels[some]).to(device)
        own, noise = (given[some] if given is not None else None for given in (described, seeds))
        parts.append(sides[1].to_arrays(translate(images, *direction, own, seeds=noise)))
    return np.concatenate(parts)


def described_as(data: DataSet, images: Sequence[ImageFile], source: str, target: str) -> list[str] | None:
    """What images have in the target's data set, if they are of it and it lists attributes."""
    own = data.labels.set_of(target)
    if not own.has_attributes or data.labels.set_of(source) is not own:
        return None
    return [",".join(image.attributes) for image in images]


def _extractor(by: str, device: torch.device) -> Extractor:
    try:
        return parse_extractor(by).build(device)
    except UserError as error:
        raise UserError(f"train.best_by={by} is none of {', '.join(PAIRED)} and no extractor: {error}") from None


def _within_sets(task: Task) -> list[tuple[str, str]]:
    """Directions within a data set; those from one set to another have no reference of their own."""
    position = task.labels.position
    return [(source, target) for source, target in task.directions if position(source) == position(target)]

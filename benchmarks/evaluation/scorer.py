"""The measures of a bench, taken from folders of translations and the real images of the data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.classifier_training import learner
from i2i.benchmarks.evaluation.direction_scores import ACCURACY, confusion, flag_entry, of_images, of_sets
from i2i.benchmarks.evaluation.gan_train import gan_train
from i2i.benchmarks.evaluation.label_map_scores import LabelMap, LabelMapScores
from i2i.benchmarks.evaluation.real_features import OF_THIS_PROCESS
from i2i.benchmarks.evaluation.translate import CYCLE, FINITE, NOTED
from i2i.benchmarks.results_folder.partial import present
from i2i.benchmarks.results_folder.results_folder import of_sample
from i2i.benchmarks.results_folder.score_file import Scores, entries, read_images
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.layouts import ImageFile
from i2i.data.open import open_data, pixel_cache
from i2i.metrics._arrays import Array
from i2i.metrics.content import cosine_distances, cosine_diversity
from i2i.metrics.features.domain_classifier import DomainClassifier, classify
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.inception import ClassifierExtractor, Extractor
from i2i.metrics.frechet_interval import Reals
from i2i.metrics.health import FEWEST, Flag, diverged, flags
from i2i.metrics.image_scores import (
    BATCH,
    ImageValues,
    against_input,
    against_truth,
    features_of,
    read_pixels,
    read_values,
)
from i2i.metrics.lpips import parse_lpips
from i2i.metrics.registry import content_name, diversity_name, perceptual_name
from i2i.metrics.sets.measures import ImageSet, of_requested_sets
from i2i.metrics.sets.names import SetMeasure
from i2i.utils.fingerprint import sha256
from i2i.utils.joined_names import direction_name


class ScoredImages(NamedTuple):
    """Images of one domain: names, pixels and values, features [N, d]."""

    stems: list[str]
    values: ImageValues
    features: np.ndarray

    @property
    def pixels(self) -> Tensor:
        """uint8 [N, 3, H, W]."""
        return self.values.pixels

    def at(self, places: Sequence[int]) -> "ScoredImages":
        """Those at some places."""
        return ScoredImages([self.stems[place] for place in places], self.values.at(places), self.features[places])


@dataclass(frozen=True)
class Scoring:
    """What scores are taken with.

    Attributes:
        data: settings of the real images.
        classifier: file of the trained domain classifier.
        extractor: of the features to take distances in; None: the classifier's.
        lpips: network and files of LPIPS; None: it is left out.
        bf16: whether the classifiers of GAN-train are trained in bfloat16.
        sets: measures of sets besides the distances.
        label_map: the domain that is a label map; None: there is none.
        features_only: leave out what needs no features, because the scores in other features have it.
    """

    data: DataConfig
    classifier: Path
    extractor: str | None = None
    lpips: str | None = None
    bf16: bool = False
    sets: tuple[SetMeasure, ...] = ()
    label_map: LabelMap | None = None
    features_only: bool = False

    @property
    def classifies(self) -> bool:
        """Whether the classifier is needed."""
        return not self.features_only or self.extractor is None

    @property
    def perceptual(self) -> bool:
        """Whether features stand in for LPIPS."""
        return self.extractor is not None and self.lpips is None and parse_extractor(self.extractor).is_general


class Scorer:
    """Scores translations, and real images for comparison. Every image is read once.

    Args:
        scoring: what to score with.
        device: where to compute.
        intervals: whether to resample images for them, which is most of the time at a few dozen images.

    Attributes:
        data: the real images.
        preprocess: how they become images.
        features: `name`, `dimensions` and `sha256` of the weights behind the distances.
    """

    def __init__(self, scoring: Scoring, device: torch.device, intervals: bool = True) -> None:
        self._config, self._bf16, self._device = scoring.data, scoring.bf16, device
        self._intervals, self._sets = intervals, scoring.sets
        self.data = open_data(self._config)
        self.preprocess = Preprocess.of(self._config)
        self._trained = scoring.classifier
        spec = parse_extractor(scoring.extractor) if scoring.extractor else None
        self._extractor: Extractor = spec.build(device) if spec else ClassifierExtractor(self._classifier)
        self._has_lpips, self._alone = scoring.lpips is not None, scoring.features_only
        self._lpips = parse_lpips(scoring.lpips).build(device) if scoring.lpips and not self._alone else None
        self._perceptual = scoring.perceptual
        own = scoring.label_map
        self._label_map, self._labels = own, LabelMapScores(own, device, intervals) if own else None
        self.features = {
            "name": self._extractor.name,
            "dimensions": self._extractor.dimensions,
            "sha256": sha256(spec.weights if spec else scoring.classifier),
        }
        decoded = pixel_cache(self._config)  # which translating has filled
        test = self._config.test_split
        self._test = cache(lambda domain: self._read_real(self.data.images(test, domain), domain, decoded))

    @cached_property
    def _classifier(self) -> DomainClassifier:
        """Scores in features of other networks alone do without it."""
        return DomainClassifier.load(self._trained, device=self._device)

    def translations(self, folder: Path, source: str, targets: Sequence[str]) -> Scores:
        """Scores of `folder/<source>2<target>/`, for each target, against the target's real test images."""
        places = self._present(folder, source)
        fakes = {target: self._fakes(folder, (source, target)) for target in targets}
        noted = _noted(folder / NOTED)
        scores = Scores()
        for target, own in fakes.items():
            others = [other.pixels for name, other in fakes.items() if name != target]
            scores.add(self._direction((source, target), own, places, others, noted.get((source, target), {})))
        return scores

    def diversity(self, folder: Path, direction: Direction, samples: int) -> Scores:
        """How far apart the translations of each image are: by LPIPS or, without it, in the extractor's features.

        Nothing of a method that turned out to give one translation of each image.
        """
        files, preprocess = self._files(folder, direction), self.preprocess.of_written(direction[1])
        if not of_sample(folder, 1).is_dir() or (self._alone and self._has_lpips):
            return Scores()
        parts = [
            self._diversity(
                [read_pixels(self._sampled(folder, direction, some, sample), preprocess) for sample in range(samples)]
            )
            for some in (files[start : start + BATCH] for start in range(0, len(files), BATCH))
        ]
        name = f"diversity-{self._lpips.name}" if self._lpips else diversity_name(self._extractor.name)
        values = {name: np.concatenate(parts)}
        return of_images(direction, [image.stem for image in files], values, self._intervals)

    def _sampled(self, folder: Path, direction: Direction, first: Sequence[ImageFile], sample: int) -> list[ImageFile]:
        place = of_sample(folder, sample) / direction_name(direction)
        return [ImageFile(place / image.path.name) for image in first]

    def _diversity(self, samples: Sequence[Tensor]) -> Array:
        """Of each image [N], from samples uint8 [N, 3, H, W]."""
        if self._lpips:
            values: Array = self._lpips.diversity(torch.stack(list(samples), dim=1)).double().cpu().numpy()
            return values
        return cosine_diversity([features_of(self._extractor, pixels) for pixels in samples])

    def pixels(self, source: str, target: str, translated: np.ndarray) -> Scores:
        """The same of translations that are no files, [N, H, W, C] as these hold them, of all the test images."""
        images = self.data.images(self._config.test_split, source)
        fakes = self._with_features(images, ImageValues.of(translated, self.preprocess.of_written(target)))
        return self._direction((source, target), fakes, range(len(images)), [], {})

    def real(self, domain: str) -> Scores:
        """The ceiling: real test images classified, and compared with as many real training images of their domain.

        Distances depend on the number of images, so both sides have as many as the split with fewer of them.
        """
        test, training = self._test(domain), self.data.images(self._config.train_split, domain)
        count = min(len(test.stems), len(training))
        some = [training[place] for place in _some(len(training), count)]
        others = self._read_real(some, domain)
        direction = (domain, domain)
        scores = Scores() if self._alone else self._classified(direction, test)
        scores.add(self._compared(direction, test.at(_some(len(test.stems), count)), others, "drawn"))
        if self._labels and self._label_map and domain != self._label_map.domain:
            label_maps = self._test(self._label_map.domain)
            scores.add(self._labels.of_photos(direction, test.stems, test.pixels, label_maps.pixels))
        return scores

    def learnt_from(self, folder: Path, directions: Sequence[Direction], options: ClassifierConfig) -> Scores:
        """GAN-train of a method's translations, by classifiers with `options` of the suite's.

        It is not measured where some translations are missing: the halves of the test images would not correspond.
        """
        counts = {source: len(self.data.images(self._config.test_split, source)) for source, _ in directions}
        if any(len(self._present(folder, source)) < count for source, count in counts.items()):
            return Scores()
        fakes = {
            direction: read_pixels(self._files(folder, direction), self.preprocess.of_written(direction[1]))
            for direction in directions
        }
        return self._learnt_from(fakes, options)

    def learnt_from_real(self, options: ClassifierConfig) -> Scores:
        """The same of the real test images, which the other half of them has to recognise."""
        return self._learnt_from({(domain, domain): self._test(domain).pixels for domain in self.data.domains}, options)

    def _learnt_from(self, fakes: Mapping[Direction, Tensor], options: ClassifierConfig) -> Scores:
        learn = learner(options, bf16=self._bf16, device=self._device)
        reals = {target: self._test(target).pixels for _, target in fakes}
        return gan_train(fakes, reals, self.data.labels, learn)

    def _direction(
        self,
        direction: Direction,
        fakes: ScoredImages,
        places: Sequence[int],
        others: Sequence[Tensor],
        noted: Mapping[str, Array],
    ) -> Scores:
        inputs, reals = self._test(direction[0]).at(places), self._test(direction[1])
        truth = reals.at(places) if self.data.paired else None
        pairs: Reals = "paired" if truth and len(fakes.stems) == len(reals.stems) else "drawn"
        if self._alone:
            scores = self._compared(direction, fakes, reals, pairs)
            scores.add(of_images(direction, fakes.stems, self._in_features(fakes, inputs, truth), self._intervals))
            return scores
        scores = self._classified(direction, fakes)
        scores.add(self._compared(direction, fakes, reals, pairs))
        singles = against_truth(fakes.values, truth.values, self._lpips) if truth else {}
        in_features = self._in_features(fakes, inputs, truth)
        content = content_name(self._extractor.name)
        singles |= {metric: values for metric, values in in_features.items() if metric != content}
        singles |= against_input(fakes.pixels, inputs.pixels, self._lpips)
        singles[content] = in_features[content]
        if CYCLE in noted:
            singles[CYCLE] = noted[CYCLE]
        scores.add(of_images(direction, fakes.stems, singles, self._intervals))
        if self._labels:
            scores.add(self._labels.of(direction, fakes.stems, fakes.pixels, inputs.pixels, reals.at(places).pixels))
        found: list[Flag] = []
        if min(len(fakes.stems), len(reals.stems)) >= FEWEST:
            found = flags(inputs.pixels, fakes.pixels, reals.pixels, others)
        if FINITE in noted:
            found.append(diverged(1 - float(noted[FINITE].mean())))
        scores.flags.extend(entries(direction, map(flag_entry, found)))
        return scores

    def _in_features(self, fakes: ScoredImages, inputs: ScoredImages, truth: ScoredImages | None) -> dict[str, Array]:
        """Distance of each translation to its ground truth, where features stand in for LPIPS, and to its input."""
        others = {content_name: inputs}
        if self._perceptual and truth:
            others = {perceptual_name: truth, **others}
        own = self._extractor.name
        return {name(own): cosine_distances(fakes.features, other.features) for name, other in others.items()}

    def _classified(self, direction: Direction, scored: ScoredImages) -> Scores:
        """What the classifier takes images for that should be of a domain."""
        logits, labels = classify(self._classifier, scored.pixels), self._classifier.labels
        accuracy = labels.shows(direction[1], logits).double().numpy()
        scores = of_images(direction, scored.stems, {ACCURACY: accuracy}, self._intervals)
        scores.confusion.extend(entries(direction, [{"predicted": confusion(labels, direction[1], logits)}]))
        return scores

    def _compared(self, direction: Direction, scored: ScoredImages, reference: ScoredImages, reals: Reals) -> Scores:
        """How far all images together are from real ones."""
        features, name = (scored.features, reference.features), self._extractor.name
        scores = of_sets(direction, name, *features, reals, self._intervals)
        sets = (ImageSet(some.features, some.pixels) for some in (scored, reference))
        found, n = of_requested_sets(self._sets, name, *sets), len(scored.stems)
        scores.rows.extend(
            entries(direction, ({"metric": metric, "value": value, "n": n} for metric, value in found.items()))
        )
        return scores

    def _files(self, folder: Path, direction: Direction) -> list[ImageFile]:
        images, place = self.data.images(self._config.test_split, direction[0]), folder / direction_name(direction)
        suffix = self.preprocess.of_written(direction[1]).suffix
        return [
            ImageFile(place / f"{images[position].stem}{suffix}") for position in self._present(folder, direction[0])
        ]

    def _present(self, folder: Path, source: str) -> list[int]:
        return present(folder, source, self.data.images(self._config.test_split, source))

    def _fakes(self, folder: Path, direction: Direction) -> ScoredImages:
        files = self._files(folder, direction)
        return self._with_features(files, read_values(files, self.preprocess.of_written(direction[1])))

    def _read_real(self, images: Sequence[ImageFile], domain: str, decoded: PixelCache | None = None) -> ScoredImages:
        values = read_values(images, self.preprocess.of_domain(domain), decoded)
        return self._with_features(images, values, keep=True)

    def _with_features(self, images: Sequence[ImageFile], values: ImageValues, keep: bool = False) -> ScoredImages:
        network = f"{self.features['sha256']} {self._extractor.name} {self._device}"
        features = OF_THIS_PROCESS.of(network, values.pixels, partial(features_of, self._extractor), keep)
        return ScoredImages([image.stem for image in images], values, features)


def _some(total: int, count: int) -> list[int]:
    """Which `count` of so many images stand for them all: drawn at random, the same ones every time."""
    return sorted(np.random.default_rng(0).choice(total, count, replace=False).tolist())


def _noted(path: Path) -> dict[Direction, dict[str, Array]]:
    """By direction and metric, values in the order of the images."""
    values: dict[Direction, dict[str, list[float]]] = {}
    for source, target, _, metric, value in read_images(path).itertuples(index=False, name=None):
        values.setdefault((source, target), {}).setdefault(metric, []).append(value)
    return {direction: {metric: np.array(own) for metric, own in found.items()} for direction, found in values.items()}

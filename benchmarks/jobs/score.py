"""Scoring: of translations, and of real images for comparison."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.benchmarks.job import Job, Report
from i2i.benchmarks.jobs.unchanged_inputs import InputState
from i2i.benchmarks.results_folder.score_file import Scores
from i2i.benchmarks.results_folder.staleness import DONE, StoredResult
from i2i.benchmarks.suite.schema import ClassifierConfig


@dataclass(frozen=True, kw_only=True)
class _ScoreJob(Job):
    """What scoring has in common.

    Attributes:
        out: the file of scores.
        scoring: what they are taken with.
        gan_train: the classifiers of GAN-train; None: it is not measured.
        inputs: the state at planning of the images that are read; None: unknown.
    """

    out: Path
    scoring: Scoring
    gan_train: ClassifierConfig | None = None
    inputs: InputState | None = None

    @property
    def sources(self) -> Mapping[str, StoredResult]:
        """By kind the results that are measured, on whose contents the scores depend."""
        own = self.scoring.label_map
        segmenter = {"segmenter": StoredResult.of_folder(own.segmenter.parent)} if own and own.segmenter else {}
        classifier = (
            {"classifier": StoredResult.of_folder(self.scoring.classifier.parent)} if self.scoring.classifies else {}
        )
        return classifier | segmenter

    @property
    def result(self) -> StoredResult:
        """The file of scores."""
        return StoredResult.of_scores(self.out, self.sources)

    def perform(self, report: Report, device: torch.device) -> None:
        """Score, unless that is done; UserError if the images change meanwhile, or what is scored is damaged."""
        place = self.result
        if place.state(self.key) == DONE:
            return
        place.make_room(self.key)
        made_from = place.identities()
        scorer = Scorer(self.scoring, device)
        scores = self.scores(scorer, report)
        if self.inputs:
            self.inputs.check(scorer.data)
        scores.write(self.out, self.key, scorer.features, made_from)

    @abstractmethod
    def scores(self, scorer: Scorer, report: Report) -> Scores:
        """All that is measured."""


@dataclass(frozen=True, kw_only=True)
class Score(_ScoreJob):
    """Score the PNG folders of one method and seed.

    Attributes:
        translations: holds a folder for each direction.
        directions: which of them.
        samples: how many translations there are of each image, of which the first is scored.
    """

    translations: Path
    directions: Sequence[Direction]
    samples: int = 1

    @property
    def sources(self) -> Mapping[str, StoredResult]:
        """The translations, and the classifier."""
        return {"translations": StoredResult.of_folder(self.translations), **super().sources}

    def scores(self, scorer: Scorer, report: Report) -> Scores:
        """Of every direction, those of a source together."""
        scores, targets = Scores(), dict[str, list[str]]()
        for source, target in self.directions:
            targets.setdefault(source, []).append(target)
        for number, (source, own) in enumerate(targets.items(), 1):
            scores.add(scorer.translations(self.translations, source, own))
            for target in own if self.samples > 1 else ():
                scores.add(scorer.diversity(self.translations, (source, target), self.samples))
            report(f"{number} of {len(targets)} domains")
        if self.gan_train is not None:
            scores.add(scorer.learnt_from(self.translations, self.directions, self.gan_train))
        return scores


@dataclass(frozen=True, kw_only=True)
class ScoreReal(_ScoreJob):
    """Score the real images of every domain."""

    def scores(self, scorer: Scorer, report: Report) -> Scores:
        """Of every domain."""
        scores = Scores()
        for domain in scorer.data.domains:
            scores.add(scorer.real(domain))
        if self.gan_train is not None:
            scores.add(scorer.learnt_from_real(self.gan_train))
        return scores

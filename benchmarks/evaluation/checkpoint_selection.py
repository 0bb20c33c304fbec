"""Scores of a training on the validation split, taken as the bench takes those of the test split."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.training.evaluators import scores_of
from i2i.training.validation import Evaluator


@dataclass(frozen=True)
class Evaluation:
    """How a training is evaluated on the validation split.

    Attributes:
        scoring: what scores are taken with.
        metric: by which weights are best.
        directions: those that the training serves; scores are means over them.
        sampling_steps: of an iterative method; None: its own number.
    """

    scoring: Scoring
    metric: str
    directions: tuple[Direction, ...]
    sampling_steps: int | None = None


def bench_evaluator(evaluation: Evaluation, device: torch.device) -> Evaluator:
    """Evaluates a training run by the bench's own scores, with the validation split in the place of the test split.

    None of the test images are read for it. `device` is where to translate and score.
    """
    data = evaluation.scoring.data
    split = data.val_split
    validation = replace(evaluation.scoring, data=data.model_copy(update={"test_split": split}))
    scoring = Scorer(validation, device, intervals=False)

    def score(source: str, target: str, translated: np.ndarray) -> dict[str, float]:
        return {row["metric"]: row["value"] for row in scoring.pixels(source, target, translated).rows}

    directions, steps = evaluation.directions, evaluation.sampling_steps
    scores = scores_of(scoring.data, split, scoring.preprocess, directions, score, device, steps)
    return Evaluator(evaluation.metric, scores)

"""Scores of a training on the validation split, taken as the bench takes those of the test split."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from i2i.benchmarks.evaluation.scorer import Scorer
from i2i.benchmarks.plan import Direction
from i2i.config import DataConfig, merge
from i2i.training.evaluators import scores_of
from i2i.training.validation import Judge


def bench_judge(scorer: Mapping[str, Any], metric: str, directions: Iterable[Direction], device: torch.device) -> Judge:
    """Judges a training by the bench's own scores, with the validation split in the place of the test split.

    Args:
        scorer: arguments of `Scorer`.
        metric: by which weights are best; None of the test pictures are read for it.
        directions: those that the training serves; scores are means over them.
        device: where to translate and score.
    """
    split = DataConfig.model_validate(scorer["settings"]["data"]).val_split
    settings = merge(scorer["settings"], {"data": {"test_split": split}})
    scoring = Scorer(**{**scorer, "settings": settings}, device=device, intervals=False)

    def score(source: str, target: str, translated: np.ndarray) -> dict[str, float]:
        return {row["metric"]: row["value"] for row in scoring.pixels(source, target, translated).rows}

    return Judge(metric, scores_of(scoring.data, split, scoring.preprocess, tuple(directions), score, device))

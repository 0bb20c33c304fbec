"""Scores of a training on the validation split, taken as the bench takes those of the test split."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.benchmarks.folder.score_file import Entry
from i2i.benchmarks.plan import Direction
from i2i.data.decoding.images import write_picture
from i2i.data.decoding.load_pixels import load_pixels
from i2i.training.evaluators import described_as, translate_pixels
from i2i.training.validation import Judge
from i2i.translator import Translator
from i2i.utils.joined_names import direction_name


@dataclass(frozen=True)
class Judging:
    """How a training is evaluated on the validation split.

    Attributes:
        scoring: what scores are taken with.
        metric: by which weights are best.
        directions: those that the training serves; scores are means over them.
    """

    scoring: Scoring
    metric: str
    directions: tuple[Direction, ...]


def bench_judge(judging: Judging, device: torch.device) -> Judge:
    """Judges a training by the bench's own scores, with the validation split in the place of the test split.

    None of the test pictures are read for it. `device` is where to translate and score.
    """
    data = judging.scoring.data
    split = data.val_split
    validation = replace(judging.scoring, data=data.model_copy(update={"test_split": split}))
    scoring = Scorer(validation, device, intervals=False)

    def scores(translator: Translator) -> dict[str, float]:
        with TemporaryDirectory() as place:
            rows = [
                row
                for way in judging.directions
                for row in _scored(scoring, translator, Path(place), split, way, device)
            ]
        return _means(rows)

    return Judge(judging.metric, scores)


def _scored(
    scoring: Scorer, translator: Translator, place: Path, split: str, way: Direction, device: torch.device
) -> list[Entry]:
    """Rows of a direction, from PNG files, as translations of the test split are scored."""
    task, (source, target) = translator.task, way
    pictures = scoring.data.pictures(split, source)
    preprocess = replace(scoring.preprocess, image_size=task.image_size, channels=task.channels)
    pixels = load_pixels(pictures, preprocess)
    described = described_as(scoring.data, pictures, source, target)
    folder = place / direction_name(way)
    folder.mkdir()
    translated = translate_pixels(translator, pixels, source, target, described, device)
    for picture, made in zip(pictures, translated, strict=True):
        write_picture(folder / f"{picture.stem}.png", made)
    return scoring.translations(place, source, [target]).rows


def _means(rows: Iterable[Entry]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row["metric"], []).append(row["value"])
    return {metric: sum(found) / len(found) for metric, found in values.items()}

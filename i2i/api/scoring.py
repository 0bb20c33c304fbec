"""`i2i.score`: what `i2i score` does, with the numbers as a mapping."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from i2i.api.arguments import Place, listed, path_of, size_text
from i2i.api.html import page_text
from i2i.api.python_messages import pythonic
from i2i.config import Limits
from i2i.errors import UserError
from i2i.metrics.folder_label_maps import read_palette, score_label_maps
from i2i.metrics.folder_scores import Folders, FolderScores, parse_range, parse_size, score_folders
from i2i.metrics.sets.names import SetMeasure, parse_measures
from i2i.training.device import choose_device
from i2i.utils.given_paths import given_path


class Scores(Mapping[str, float]):
    """Numbers by metric; a notebook shows them as a table with the warnings.

    Attributes:
        found: all that `i2i score` reports: facts, measures with their n, flags, notes.
    """

    def __init__(self, found: FolderScores) -> None:
        self.found = found
        self._values = {measure.metric: measure.value for measure in found.measures}

    def __getitem__(self, metric: str) -> float:
        return self._values[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return self.found.text()

    @property
    def table(self) -> pd.DataFrame:
        """A row for each metric: its value and the number of translations it is over."""
        rows = [(one.metric, one.value, one.n) for one in self.found.measures]
        return pd.DataFrame(rows, columns=["metric", "value", "n"]).set_index("metric")

    def _repr_html_(self) -> str:
        raised = [flag.name for flag in self.found.flags if flag.raised]
        notes = [*self.found.notes, *([f"health: {', '.join(raised)}"] if raised else [])]
        return self.table.to_html(float_format="{:.4g}".format) + "".join(map(page_text, notes))


@pythonic
def score(
    fake: Place,
    real: Place,
    metrics: str | Sequence[str] = "",
    *,
    source: Place | None = None,
    truth: Place | None = None,
    paired: bool = False,
    extractor: str | None = None,
    lpips: str | None = None,
    size: int | str | tuple[int, int] | None = None,
    label_maps: bool = False,
    palette: Place | None = None,
    value_range: tuple[float, float] | None = None,
    intersection: bool = False,
    device: str | None = None,
) -> Scores:
    """Score a folder of translations, of any origin, as `i2i score` with the same options does.

    Example: `i2i.score("out/", "photos/test/zebra", source="photos/test/horse")["accuracy"]`.

    Args:
        fake: folder of translations.
        real: real images of the target domain.
        metrics: also these: prdc, mind, cmmd, fwd.
        source: the translated images, of the translations' names.
        truth: the ground truth, under the translations' names.
        paired: the ground truth is the images of `real`.
        extractor: features for distances, as `--extractor` takes them.
        lpips: as `--lpips` takes it.
        size: score at this size, pixels; None: the translations'.
        label_maps: the translations are label maps: also compare classes with the truth.
        palette: file with the colors of the classes, JSON; None: they are learnt.
        value_range: score values as the files hold them, of any depth and number of channels, in this range.
        intersection: leave out what has no counterpart of its name.
        device: cuda, cuda:1, mps or cpu; None: the best there is.

    Raises:
        UserError: for folders that cannot be compared, or what is no metric.
    """
    folders = given_folders(
        given_path("fake", fake), given_path("real", real), path_of("source", source), path_of("truth", truth), paired
    )
    scorers = (extractor, lpips, parse_measures(listed(metrics) or ""))
    classes = Classes(label_maps, path_of("palette", palette))
    at, within = parse_size(size_text(size)), parse_range(listed(value_range))
    found = scored(folders, classes, at, intersection, choose_device(device), *scorers, value_range=within)
    return Scores(found)


@dataclass(frozen=True)
class Classes:
    """Whether translations are label maps, and the file with the colors of their classes; None: these are learnt."""

    compared: bool = False
    palette: Path | None = None


def given_folders(fake: Path, real: Path, source: Path | None, truth: Path | None, paired: bool) -> Folders:
    """The folders to compare; UserError if the ground truth is named twice."""
    if paired and truth is not None:
        raise UserError("--paired takes the ground truth from --real, --truth from a folder: leave one out")
    return Folders(fake, real, source, real if paired else truth)


def scored(
    folders: Folders,
    classes: Classes,
    size: tuple[int, int] | None,
    intersection: bool,
    device: torch.device,
    extractor: str | None,
    lpips: str | None,
    measures: tuple[SetMeasure, ...],
    value_range: Limits | None = None,
) -> FolderScores:
    """What the command and the function find."""
    if classes.palette is not None and not classes.compared:
        raise UserError("--palette names the colors of label maps: say --label-maps, or leave it out")
    if value_range is not None and classes.compared:
        raise UserError("--range scores values and --label-maps classes: leave one out")
    colors = read_palette(classes.palette) if classes.palette else None
    labels = score_label_maps(folders, colors, size, intersection) if classes.compared else ({}, [])
    found = score_folders(folders, extractor, size, intersection, device, lpips, measures, value_range)
    return found.with_more(*labels)

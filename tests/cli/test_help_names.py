"""Help texts and tables of the documentation list all names that the code knows."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import get_args

import pytest
import typer

from i2i.benchmarks.analysis.groups import By
from i2i.benchmarks.execution.executors import EXECUTORS
from i2i.benchmarks.human_study.answer_key import MODES
from i2i.benchmarks.job_id import STAGES
from i2i.benchmarks.suite.schema import ScoringConfig
from i2i.cli import app
from i2i.cli.report import LAYOUTS as GRID_LAYOUTS
from i2i.config import DataConfig, Fit, Section, TrainConfig
from i2i.conversion.formats import FORMATS
from i2i.data.layouts.registry import LAYOUTS
from i2i.metrics.features import extractors, pretrained
from i2i.metrics.lpips import NETWORKS
from i2i.metrics.sets.names import SET_MEASURES
from i2i.presets.methods import WEIGHTS
from i2i.runs.checkpoint import Weights
from i2i.tracking.registry import TRACKERS

DOCS = Path(__file__).parents[2] / "docs"


def option_text(command: str, name: str) -> str:
    """Everything that the help of `command` says of a parameter."""
    found = typer.main.get_command(app)
    for part in command.split():
        found = found.commands[part]  # type: ignore[attr-defined]
    parameter = next(one for one in found.params if one.name == name)
    return f"{parameter.metavar or ''} {parameter.help}"  # type: ignore[attr-defined]


def listed_in(page: str, heading: str, column: int) -> set[str]:
    """Names in backticks in a column of the table below the row that begins with `heading`."""
    text = (DOCS / page).read_text()
    rows = text[text.index(f"| {heading}") :].split("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[column + 1])}


@pytest.mark.parametrize(
    ("command", "name", "known"),
    [
        ("bench", "only", STAGES),
        ("bench", "checkpoint", WEIGHTS),
        ("bench", "executor", EXECUTORS),
        ("bench", "table", set(get_args(By)) - {"auto"}),
        ("bench", "track", TRACKERS),
        ("train", "track", TRACKERS),
        ("train", "on_nan", get_args(TrainConfig.model_fields["on_nan"].annotation)),
        ("bench", "extractor", {*extractors.FILES, *extractors.NETWORKS}),
        ("score", "extractor", {*extractors.FILES, *extractors.NETWORKS}),
        ("score", "metrics", SET_MEASURES),
        ("score", "lpips", NETWORKS),
        ("weights get", "names", pretrained.SETS),
        ("export", "format", FORMATS),
        ("grid", "layout", GRID_LAYOUTS),
        ("study make", "mode", MODES),
        *((command, "weights", get_args(Weights)) for command in ("translate", "video", "interpolate")),
    ],
)
def test_help_names_all_choices(command: str, name: str, known: Collection[str]) -> None:
    words = set(re.findall(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", option_text(command, name)))
    assert not {*known} - words, f"i2i {command}: the help of {name} lacks them"


def test_the_page_on_data_lists_all_layouts() -> None:
    assert listed_in("data.md", "Layout", 2) == {layout.name for layout in LAYOUTS}


def test_the_page_on_scoring_explains_all_measures_of_sets() -> None:
    text = (DOCS / "scoring.md").read_text()
    assert f"`--metrics {','.join(SET_MEASURES)}`" in text


@pytest.mark.parametrize(
    ("section", "name", "known"),
    [(ScoringConfig, "metrics", SET_MEASURES), (DataConfig, "fit", get_args(Fit))],
)
def test_descriptions_of_settings_name_all_choices(section: type[Section], name: str, known: tuple[str, ...]) -> None:
    assert all(choice in (section.model_fields[name].description or "") for choice in known)

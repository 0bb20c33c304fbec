"""Names that break carelessly written programs go through training, translation and the bench unharmed."""

import csv
import re
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i import cli
from i2i.utils.text import from_csv_cell
from tests.support import in_process

DOMAINS = ('"a<b>&', "-x, y=1", "ü\nß|$_{\\")
FOLDER = "-pho'tos <i>\n\"ö"
SIDE = 16
TINY = ["model.width=2", "model.discriminator_width=2", "model.blocks=0", "model.layers=1"]


def i2i(*arguments: object) -> None:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
        cli.main()
        sys.exit(0)
    assert not stop.value.code, arguments


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for number, domain in enumerate(DOMAINS):
            place = tmp_path / FOLDER / split / domain
            place.mkdir(parents=True)
            for position in range(4):
                pixels = rng.integers(60 * number, 60 * number + 60, (SIDE, SIDE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"-<{position}>\n'.png")
    return Path(FOLDER)


def settings(*assignments: str) -> list[str]:
    return [part for assignment in assignments for part in ("--set", assignment)]


@pytest.mark.slow
def test_nasty_names_survive_training_and_translation(data, tmp_path):
    sized = settings(f"data.image_size={SIDE}", "train.images=8", "train.batch_size=4", *TINY)
    i2i("train", "--model", "stargan", "--data", data, "--device", "cpu", *sized)
    run = Path("runs") / f"stargan-{FOLDER}"
    for number, target in enumerate(DOMAINS):
        inputs = data.absolute() / "test" / DOMAINS[0]
        i2i("translate", run, inputs, "--target", target, "--out", tmp_path / f"-out{number}", "--device", "cpu")
        made = sorted(path.name for path in (tmp_path / f"-out{number}").iterdir())
        assert made == [f"-<{position}>\n'.png" for position in range(4)]


@pytest.mark.slow
def test_nasty_names_survive_the_bench_and_its_report(data, tmp_path, capsys):
    small = ["budget.images=8", "classifier.images=64", f"data.image_size={SIDE}"]
    small += [f"stargan.{setting.removeprefix('model.')}" for setting in TINY]
    assert (
        in_process.bench("-b", "--models=stargan", "--data", data, "--device=cpu", *settings(*small), draws=True) == 0
    )
    with Path("-b/results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {from_csv_cell(row["source"]) for row in rows} == set(DOMAINS)
    assert {from_csv_cell(row["dataset"]) for row in rows} == {FOLDER}
    folders = {path.name for path in Path("-b/translations/stargan/seed0").iterdir() if path.is_dir()}
    assert folders == {f"{a}2{b}" for a in DOMAINS for b in DOMAINS if a != b}
    written = [path for path in Path("-b").iterdir() if path.suffix in (".md", ".html")]
    assert Path("-b/table.md") in written
    for path in written:
        assert not re.search(r"(?<!\\)<b>&|(?<!\\)<i>|(?<!\\)<\d>", path.read_text()), path
    lines = Path("-b/table.md").read_text().splitlines()
    tables = [[*rows] for is_row, rows in groupby(lines, lambda line: line.startswith("| ")) if is_row]
    assert sum("→" in row for rows in tables for row in rows) >= 6
    assert all(len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1 for rows in tables)
    assert lines[0] == r"""# -pho'tos \<i>\\n"ö: stargan, identity, reinhard"""
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("data: ")]
    assert r"ü\nß|$_{\ 4; names are equal" in line

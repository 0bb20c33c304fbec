"""What functions give back: the results of the commands, as objects that a notebook shows."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import i2i
from i2i.errors import UserError
from i2i.runs.load import require_checkpoint
from tests.support.in_process import command

SETTINGS = {
    "data": {"scenes": 4, "test_scenes": 2, "domains": ["summer", "winter"]},
    "model": {"width": 2, "discriminator_width": 2, "blocks": 1, "layers": 1, "n_critic": 1},
    "train": {"images": 16, "log_every": 1, "sample_every": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("trained") / "run"
    return i2i.train("stargan", out=out, size=16, settings=SETTINGS, device="cpu")


@pytest.mark.integration
def test_a_training_gives_the_bits_of_the_command(run, tmp_path):
    values = [(f"{section}.{name}", value) for section, own in SETTINGS.items() for name, value in own.items()]
    line = ["train", "--model", "stargan", "--size", "16", "--device", "cpu", "--out", tmp_path / "run"]
    assert command(*line, *(f"--set={name}={json.dumps(value)}" for name, value in values)) == 0
    ours, theirs = (require_checkpoint(folder) for folder in (run.folder, tmp_path / "run"))
    assert ours.settings == theirs.settings
    for name in ours.weights():
        assert ours.weights()[name].equal(theirs.weights()[name])


@pytest.mark.integration
def test_a_run_has_its_history_and_samples_and_stands_for_its_folder(run):
    last = require_checkpoint(run.folder).position
    assert list(run.history.index) == list(range(1, last.step + 1))
    assert run.history["images"].iloc[-1] == last.images == 16
    assert run.history.filter(like="losses.").notna().all().all()
    assert len(run.samples) >= 1
    assert run.samples[-1].size == Image.open(sorted((run.folder / "samples").glob("*.png"))[-1]).size
    shown = run._repr_html_()
    assert f"stargan on summer, winter: {last.step} of {last.steps} steps, 16 images" in shown
    assert "data:image/png;base64," in shown
    photo = np.zeros((20, 20, 3), np.uint8)
    assert run.load().translate(photo, "winter") == i2i.translate(run, photo, "winter")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("folders")
    random = np.random.default_rng(0)
    for folder in ("fake", "real"):
        (place / folder).mkdir()
        for name in "ab":
            Image.fromarray(random.integers(0, 256, (16, 16, 3), np.uint8)).save(place / folder / f"{name}.png")
    return place


def test_scores_are_those_of_the_command_as_a_mapping(folders, tmp_path, capsys):
    fake, real = folders / "fake", folders / "real"
    scores = i2i.score(fake, real, paired=True, device="cpu")
    assert (
        command("score", "--fake", fake, "--real", real, "--paired", "--json", tmp_path / "x.json", "--device=cpu") == 0
    )
    found = {one["metric"]: one["value"] for one in json.loads((tmp_path / "x.json").read_text())["metrics"]}
    assert dict(scores) == found
    assert scores["psnr"] == scores.table["value"]["psnr"] == found["psnr"]
    assert repr(scores) in capsys.readouterr().out
    assert "<td>2</td>" in scores._repr_html_()


def test_a_folder_without_a_report_has_no_table_and_no_grid(tmp_path):
    empty = i2i.FinishedBench(tmp_path)
    for look in (lambda: empty.table, lambda: empty.grid):
        with pytest.raises(UserError, match=f"finish the bench with i2i bench --out {tmp_path}"):
            look()


@pytest.fixture
def reported(tmp_path):
    """A results folder with the parts of a report that are shown."""
    score = {"mean": 0.25, "deviation": None}
    results = {
        "metrics": {"psnr": {"title": "PSNR, dB ↑"}, "l1": {"title": "L1 ↓"}},
        "models": {"a<b": {"scores": {"psnr": score, "l1": score}}, "real": {"scores": {}}},
        "failed": {"train cut/seed0/all": "Traceback\nRuntimeError: no <luck>"},
    }
    (tmp_path / "results.json").write_text(json.dumps(results))
    (tmp_path / "table.md").write_text("# x: a\n\n| model |\n\n- Means.\n\n## Costs\n\n| model |\n")
    (tmp_path / "results.csv").write_text("dataset,model,seed,source,target,metric,value,n\nx,'=a,0,s,t,psnr,0.25,3\n")
    Image.new("RGB", (4, 3)).save(tmp_path / "grid.png")
    return i2i.FinishedBench(tmp_path)


def test_a_bench_has_its_table_scores_grid_and_page(reported):
    assert reported.table.index.tolist() == ["a<b", "real"]
    assert reported.table.loc["a<b"].to_dict() == {"psnr": 0.25, "l1": 0.25}
    assert reported.table.loc["real"].isna().all()
    assert reported.scores.iloc[0].to_dict()["model"] == "=a"
    assert reported.grid.size == (4, 3)
    assert reported.report == Path(reported.folder) / "report.html"
    assert list(reported.failed) == ["train cut/seed0/all"]


def test_a_notebook_shows_the_table_the_grid_and_what_failed(reported):
    shown = reported._repr_html_()
    assert "<td>0.25</td>" in shown
    assert "PSNR, dB ↑" in shown
    assert "a&lt;b" in shown
    assert "failed: train cut/seed0/all: RuntimeError: no &lt;luck&gt;" in shown
    assert "data:image/png;base64," in shown
    assert reported._repr_markdown_() == "# x: a\n\n| model |\n\n- Means.\n"

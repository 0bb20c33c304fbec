"""Label maps in folders are scored class by class, and what cannot be compared is refused with the remedy."""

import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import cli
from i2i.errors import UserError
from i2i.metrics.folder_label_maps import read_palette, score_label_maps
from i2i.metrics.folder_scores import Folders
from i2i.metrics.registry import SEGMENTATION
from i2i.metrics.segmentation.palette import Palette
from i2i.metrics.segmentation.scores import agreement

COLORS = {"sky": [0, 120, 240], "road": [128, 64, 128], "void": [0, 0, 0]}
SIDE = 12


@pytest.fixture
def folders(tmp_path):
    """Translations whose classes are right but in the last rows, in colors a little off."""
    random = np.random.default_rng(0)
    for number in range(3):
        classes = random.integers(0, 3, (SIDE // 4, SIDE // 4)).repeat(4, axis=0).repeat(4, axis=1)
        found = np.where(np.arange(SIDE)[:, None] < 8, classes, 0)
        for name, shown, off in (("truth", classes, 0), ("fake", found, 9)):
            pixels = np.array(list(COLORS.values()), np.uint8)[shown] + np.uint8(off)
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    return Folders(tmp_path / "fake", tmp_path / "truth", truth=tmp_path / "truth")


def classes_in(folder, palette):
    pixels = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.iterdir())])
    return palette.classes(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous())


def test_scores_are_those_of_the_bench_where_void_is_not_scored(folders):
    palette = Palette.given(COLORS)
    scores, notes = score_label_maps(folders, palette)
    expected = agreement(classes_in(folders.fake, palette), classes_in(folders.truth, palette), palette.scored)
    assert list(scores) == list(SEGMENTATION)
    assert scores["mean-iou"] == expected.mean_iou < 1
    assert scores["class-accuracy"] == expected.class_accuracy
    assert scores["pixel-accuracy"] == pytest.approx(float(expected.pixel_accuracy.nanmean()))
    assert notes == ["label maps of 3 classes, given"]
    learnt, notes = score_label_maps(folders, None)  # then black is a class as others are
    assert notes == ["label maps of 3 classes, learnt from the truth"]
    assert learnt != scores
    same, _ = score_label_maps(Folders(folders.truth, folders.real, truth=folders.truth), palette)
    assert set(same.values()) == {1.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            '{"sky": [1, 2, 3], "sea": [1, 2, 3]}',
            r"sky and sea are both \[1, 2, 3\]\ngive each class a color of its own",
        ),
        ('{"sky": [1, 2, 3]}', "has 2 to 64 colors, not 1"),
        ('{"sky": [1, 2, 300], "sea": [0, 0, 0]}', "sky is .*: write red, green and blue"),
        ('{"sky": "blue"}', "is no palette\nwrite a color by class"),
        ("[1, 2]", "is no palette\nwrite a color by class"),
        ("sky: blue", "is no palette\nwrite a color by class"),
        (None, "cannot be read .*\nname a file with --palette"),
    ],
)
def test_what_is_no_palette_is_refused(tmp_path, text, says):
    if text is not None:
        (tmp_path / "palette.json").write_text(text)
    with pytest.raises(UserError, match=says):
        read_palette(tmp_path / "palette.json")


def test_label_maps_of_another_size_are_scaled_only_where_that_is_asked_for(folders):
    with Image.open(folders.truth / "1.png") as image:
        image.resize((2 * SIDE, 2 * SIDE), Image.Resampling.NEAREST).save(folders.truth / "1.png")
    with pytest.raises(UserError, match=r"1.png has 24x24 pixels, its translation 12x12\nscale both with --size 12x12"):
        score_label_maps(folders, Palette.given(COLORS))
    assert score_label_maps(folders, Palette.given(COLORS), (SIDE, SIDE))


def test_label_maps_need_a_truth_that_shows_classes(folders):
    with pytest.raises(UserError, match="give them with --truth DIR, or say --paired"):
        score_label_maps(Folders(folders.fake, folders.real), None)
    for path in folders.truth.iterdir():
        Image.fromarray(np.zeros((SIDE, SIDE, 3), np.uint8)).save(path)
    with pytest.raises(UserError, match="shows nothing but void"):
        score_label_maps(folders, Palette.given(COLORS))
    with pytest.raises(UserError, match="label maps have 2 to 64 colors, but 1 were found"):
        score_label_maps(folders, None)


def test_the_command_prints_and_writes_them(folders, tmp_path, monkeypatch, capsys):
    (tmp_path / "palette.json").write_text(json.dumps(COLORS))
    places = ["--fake", str(folders.fake), "--real", str(folders.truth), "--paired", "--json", str(tmp_path / "x.json")]
    asked = [*places, "--device", "cpu", "--palette", str(tmp_path / "palette.json")]
    monkeypatch.setattr(sys, "argv", ["i2i", "score", *asked, "--label-maps"])
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.main()
    assert "mean IoU ↑" in capsys.readouterr().out
    written = {one["metric"]: one["value"] for one in json.loads((tmp_path / "x.json").read_text())["metrics"]}
    assert written["mean-iou"] == score_label_maps(folders, Palette.given(COLORS))[0]["mean-iou"]
    monkeypatch.setattr(sys, "argv", ["i2i", "score", *asked])
    with pytest.raises(SystemExit, match=r"^2$"):
        cli.main()
    assert "say --label-maps, or leave it out" in capsys.readouterr().err

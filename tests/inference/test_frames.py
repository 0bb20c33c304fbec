"""Frames in, frames out: order and names are kept, the noise is the same for all, and flicker is measured."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import i2i
from i2i.errors import UserError
from i2i.inference.frames import Flicker, check_places, in_order
from tests.support.exported import make_run
from tests.support.in_process import command

with_video = pytest.mark.skipif(find_spec("av") is None, reason="pip install 'i2i[video]'")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "munit"
    make_run(folder, "munit")
    return folder


@pytest.fixture
def frames(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (1, 2, 10):
        Image.new("RGB", (64, 64), (number * 20, 0, 0)).save(folder / f"f{number}.png")
    return folder


def arrays(folder):
    return {path.name: np.asarray(Image.open(path)).astype(int) for path in Path(folder).iterdir()}


def test_frames_have_the_order_of_their_numbers():
    names = [Path(name) for name in ("b/f2.png", "a/f10.png", "a/f2.png", "a/f1.png", "a/x.png")]
    assert [str(name) for name in sorted(names, key=in_order)] == [
        "a/f1.png",
        "a/f2.png",
        "a/f10.png",
        "a/x.png",
        "b/f2.png",
    ]


def test_names_stay_the_noise_is_one_and_flicker_is_what_changes_from_frame_to_frame(run, frames, tmp_path):
    loaded = i2i.load(run)
    found = loaded.translate_frames(frames, "dusk", tmp_path / "out", source="dawn", seed=3)
    made = arrays(tmp_path / "out")
    assert set(made) == {"f1.png", "f2.png", "f10.png"}
    change = [np.abs(made["f2.png"] - made["f1.png"]).mean(), np.abs(made["f10.png"] - made["f2.png"]).mean()]
    assert found.after == pytest.approx(np.mean(change) / 255)
    assert found.before == pytest.approx((20 + 160) / 2 / 3 / 255)
    assert found.frames == 3
    Image.new("RGB", (64, 64), (20, 0, 0)).save(frames / "f2.png")
    loaded.translate_frames(frames, "dusk", tmp_path / "again", source="dawn", seed=3)
    same = arrays(tmp_path / "again")
    assert (same["f1.png"] == same["f2.png"]).all()  # two equal frames, whatever their names are
    assert (same["f1.png"] == made["f1.png"]).all()


def test_flicker_is_told_in_a_sentence():
    assert "by 0.0100 on average and the output by 0.0250, 2.50 times as much" in str(Flicker(3, 0.01, 0.025))
    assert "times as much" not in str(Flicker(3, 0.0, 0.025))
    assert str(Flicker(1)) == "one frame, which cannot flicker"


@pytest.mark.integration
@with_video
def test_a_video_becomes_a_video_of_its_speed_or_frames(run, frames, tmp_path, capsys):
    from i2i.inference.video_files import frames_of, frames_per_second

    line = ["--target", "dusk", "--source", "dawn", "--device", "cpu", "--out"]
    assert command("video", run, frames, *line, tmp_path / "a.mp4", "--rate", "12") == 0
    assert "translated 3 frames to dusk" in capsys.readouterr().out
    assert command("video", run, tmp_path / "a.mp4", *line, tmp_path / "b.mkv") == 0
    assert frames_per_second(tmp_path / "b.mkv") == 12
    assert [pixels.shape for pixels in frames_of(tmp_path / "b.mkv")] == [(64, 64, 3)] * 3
    assert command("video", run, tmp_path / "a.mp4", *line, tmp_path / "out") == 0
    assert sorted(arrays(tmp_path / "out")) == ["000001.png", "000002.png", "000003.png"]


@with_video
def test_what_cannot_be_read_or_written_is_refused_and_nothing_is_replaced(run, frames, tmp_path):
    loaded, text, taken = i2i.load(run), tmp_path / "text.mp4", tmp_path / "taken.mp4"
    text.write_text("no video")
    taken.touch()
    for given, out, told in (
        (text, tmp_path / "x", "cannot be read as a video"),
        (tmp_path / "gone.mp4", tmp_path / "x", "there is no video"),
        (frames, tmp_path / "x.avi", r"name \.mp4, \.mov, \.mkv, or a folder of frames without suffix"),
        (frames, taken, "add overwrite=True"),
        (frames, frames, "which is read: choose another place, outside of it"),
    ):
        with pytest.raises(UserError, match=told):
            loaded.translate_frames(given, "dusk", out, source="dawn")
    Image.new("RGB", (32, 64)).save(frames / "f10.png")
    with pytest.raises(UserError, match="64x64 and 64x32 pixels, and a video has one size: name a folder with out"):
        loaded.translate_frames(frames, "dusk", tmp_path / "odd.mp4", source="dawn", full_resolution=True)
    for path in frames.iterdir():
        Image.new("RGB", (33, 64)).save(path)
    with pytest.raises(UserError, match="even sides, and a frame has 64x33 pixels: name a folder with out"):
        loaded.translate_frames(frames, "dusk", tmp_path / "odd.mp4", source="dawn", full_resolution=True)
    assert not (tmp_path / "odd.mp4").exists()


@with_video
@pytest.mark.parametrize("by", ["its name", "another spelling", "symbolic link", "hard link"])
def test_a_video_never_replaces_the_one_it_is_made_of(run, tmp_path, by):
    given, out = tmp_path / "v.mp4", tmp_path / "w.mp4"
    given.write_text("a film")
    if by == "symbolic link":
        out.symlink_to(given)
    elif by == "hard link":
        os.link(given, out)
    else:
        out = given if by == "its name" else tmp_path / "x/../v.mp4"
        (tmp_path / "x").mkdir()
    for overwrite in (False, True):
        with pytest.raises(UserError, match=r"is one of the images to translate: choose another out$"):
            i2i.load(run).translate_frames(given, "dusk", out, source="dawn", overwrite=overwrite)
    assert given.read_text() == "a film"


@pytest.mark.parametrize("out", ["frames", "frames/more", "x/../frames"])
def test_frames_are_never_written_among_those_they_are_made_of(run, frames, tmp_path, out):
    (tmp_path / "x").mkdir()
    before = {path.name: path.read_bytes() for path in frames.iterdir()}
    with pytest.raises(UserError, match="frames, which is read: choose another place, outside of it"):
        i2i.load(run).translate_frames(frames, "dusk", tmp_path / out, source="dawn", overwrite=True)
    with pytest.raises(UserError, match=r"f1\.png is one of the images to translate"):
        i2i.load(run).translate_frames(frames / "f1.png", "dusk", frames, source="dawn", overwrite=True)
    with pytest.raises(UserError, match=r"f1\.png is a reference image"):
        reference = {"reference": frames / "f1.png", "overwrite": True}
        check_places(frames / "f1.png", tmp_path / "new", **reference)
        check_places(_copied(frames, tmp_path / "copy"), frames, **reference)
    assert {path.name: path.read_bytes() for path in frames.iterdir()} == before


def _copied(frames, place):
    return shutil.copytree(frames, place)


@pytest.mark.parametrize("suffix", [".gif", ".GIF", ".webp", ".png", ".avi", ".wmv", ".mpeg"])
def test_no_folder_of_frames_has_the_name_of_a_file_of_another_kind(run, frames, tmp_path, suffix):
    told = r"is no video that is written here: name \.mp4, \.mov, \.mkv, or a folder of frames without suffix"
    with pytest.raises(UserError, match=told):
        i2i.load(run).translate_frames(frames, "dusk", tmp_path / f"v{suffix}", source="dawn")
    assert not (tmp_path / f"v{suffix}").exists()


def test_without_the_extra_frames_are_asked_for(run, frames, tmp_path, monkeypatch):
    monkeypatch.setattr("i2i.inference.video_files.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'i2i\[video\]', or give frames"):
        i2i.load(run).translate_frames(frames, "dusk", tmp_path / "x.mp4", source="dawn")

"""Finished parts of a bench: damage is told and mended by the same command, and nothing is lost unasked."""

import errno
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.execution import job_runner
from i2i.benchmarks.results_folder import result_records
from i2i.data.training_images import TrainingImages
from tests.support import in_process
from tests.support.in_process import SETTINGS

pytestmark = pytest.mark.slow
bench = partial(in_process.bench, draws=True)

WORK = "--only=train,translate,classifier,score"
TRAINING = "trainings/stargan/seed0/all"
CHECKPOINTS = f"{TRAINING}/checkpoints"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "bench"
    assert bench(out, *SETTINGS) == 0
    return out


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished bench that a test may change."""
    return shutil.copytree(finished, tmp_path / "bench", copy_function=shutil.copy2)


def scored(out):
    return (out / "results.csv").read_text()


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


def flip(path):
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 2] ^= 1
    path.write_bytes(changed)


def shrink(path):
    Image.open(path).resize((8, 8)).save(path)


def repaint(path):
    Image.fromarray(255 - np.asarray(Image.open(path))).save(path)


DAMAGES = {
    "translations of stargan, seed 0": ("translations/stargan/seed0/summer2winter/00005.png", shrink),
    "translations of identity, seed 0": ("translations/identity/seed0/winter2summer/00004.png", repaint),
    "translations of reinhard, seed 0": ("translations/reinhard/seed0/key.json", flip),
    "domain classifier": ("classifier/classifier.safetensors", cut),
    "scores of stargan, seed 0": ("scores/stargan-seed0.json", cut),
    "scores of identity, seed 0": ("scores/identity-seed0.images.csv", flip),
    "scores of real images": ("scores/real.json", flip),
    "stargan/seed0/all": (f"{CHECKPOINTS}/00000006/model.safetensors", flip),
    "reinhard/seed0/all": ("trainings/reinhard/seed0/all/checkpoints/00000000/checkpoint.json", cut),
}


def test_damaged_parts_are_told_and_made_again_by_the_same_command_and_never_reported(copied, capsys):
    before = scored(copied)
    for file, damage in DAMAGES.values():
        damage(copied / file)
    for name in ("table.md", "grid.png", "report.html"):
        cut(copied / name)
    assert bench(copied, "--collect") == 1
    said = capsys.readouterr().err
    for job in DAMAGES:
        assert f"{job}: damaged: " in said
    assert not {"stargan", "identity", "real"} & {row.split(",")[1] for row in scored(copied).splitlines()}
    assert bench(copied) == 0
    said = capsys.readouterr().err
    assert said.count("it is made again") == len(DAMAGES)
    assert "Traceback" not in said
    assert scored(copied) == before
    states = contents(copied)
    assert bench(copied) == 0
    assert contents(copied) == states


def test_damaged_files_of_the_report_are_written_again(copied):
    before = {name: (copied / name).read_bytes() for name in ("table.md", "results.csv", "grid.png", "cost.pdf")}
    before["report.html"] = (copied / "report.html").read_bytes()
    for name in before:
        cut(copied / name)
    assert bench(copied) == 0
    assert {name: (copied / name).read_bytes() for name in before} == before


def test_a_training_of_which_no_checkpoint_is_sound_is_set_aside_and_trained_again(copied, capsys):
    before = scored(copied)
    for folder in (copied / CHECKPOINTS).iterdir():
        cut(folder / "training.pt")
    assert bench(copied) == 0
    assert "set-aside" in capsys.readouterr().err
    assert (copied / "trainings/stargan/seed0/set-aside/1/all/key.json").is_file()
    assert scored(copied) == before


def test_a_damaged_key_loses_no_training(copied, capsys):
    before = contents(copied / CHECKPOINTS)
    flip(copied / TRAINING / "key.json")
    assert bench(copied, WORK) == 0
    aside, said = copied / "trainings/stargan/seed0/set-aside/1/all", capsys.readouterr().err
    assert "stargan/seed0/all: damaged: key.json is not as it was written; it is made again" in said
    assert f"key.json is not as it was written. It is kept as {aside}; remove that" in said
    assert contents(aside / "checkpoints") == before


def test_a_key_that_cannot_be_read_for_a_moment_is_an_error_and_nothing_changes(copied, monkeypatch, capsys):
    read = Path.read_bytes

    def hiccup(path):
        if path.name == "key.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(path)

    before = contents(copied)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", hiccup)
        assert bench(copied) == 2
    said = capsys.readouterr().err
    assert "key.json cannot be read (Input/output error)" in said
    assert "Traceback" not in said
    assert contents(copied) == before
    assert bench(copied) == 0
    assert contents(copied) == before


def test_other_settings_set_the_finished_training_aside_and_tell(copied, capsys):
    before = contents(copied / TRAINING)
    assert bench(copied, "--budget", "images=32", WORK) == 0
    aside = copied / "trainings/stargan/seed0/set-aside/1/all"
    assert f"{aside}; remove that" in capsys.readouterr().err
    assert contents(aside) == before
    for kept in ("translations/stargan/set-aside/1/seed0/key.json", "scores/set-aside/1/stargan-seed0.json"):
        assert (copied / kept).is_file()
    assert not list(copied.glob("classifier/set-aside"))


@pytest.fixture
def images(tmp_path):
    """A data folder, with a function that adds an image of a domain to a split."""
    rng, folder = np.random.default_rng(0), tmp_path / "sky"

    def add(split, domain, name):
        place = folder / split / domain / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).save(place)

    for split in ("train", "test"):
        for domain in ("dawn", "day", "dusk"):
            for number in range(3):
                add(split, domain, f"{domain}{number}")  # names of their own: no pairs
    return folder, add


def test_images_that_no_training_uses_make_none_again(images, tmp_path, capsys):
    folder, add = images
    out, settings = tmp_path / "bench", [one for one in SETTINGS if "data." not in one]
    arguments = [*settings, "--models=cyclegan,stargan", "--data", folder, "--size=16", WORK]
    small = ["--set=cyclegan.width=2", "--set=cyclegan.discriminator_width=2", "--set=cyclegan.layers=1"]
    arguments += [*small, "--set=cyclegan.blocks=1", "--set=train.batch_size=1"]
    assert bench(out, *arguments) == 0
    before = contents(out / "trainings")
    add("val", "day", "v")
    add("spare", "day", "s")
    capsys.readouterr()
    assert bench(out, WORK) == 0
    assert "jobs of" not in capsys.readouterr().err
    add("test", "day", "z")
    assert bench(out, WORK) == 2
    assert "was made from other images" in capsys.readouterr().err
    assert bench(out, "--data", folder, WORK) == 0
    assert contents(out / "trainings") == before
    assert "domain classifier" not in capsys.readouterr().err
    add("train", "day", "z")
    assert bench(out, "--data", folder, WORK) == 0
    said = capsys.readouterr().err
    assert len(list(out.glob("trainings/cyclegan/seed0/set-aside/1/*"))) == 2
    assert (out / "trainings/cyclegan/seed0/dawn-dusk/key.json").read_bytes() == before[
        Path("cyclegan/seed0/dawn-dusk/key.json")
    ]
    assert "stargan/seed0/all: " in said


def test_after_a_power_cut_the_same_command_mends_the_bench(tmp_path, monkeypatch, capsys, finished):
    """Whatever was written and not synced is empty."""
    synced, sync = set(), os.fsync

    def fsync(descriptor):
        sync(descriptor)
        synced.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    out = tmp_path / "bench"
    assert bench(out, *SETTINGS) == 0
    lost = [path for path in out.rglob("*") if path.is_file() and path.stat().st_ino not in synced]
    assert any(path.suffix == ".png" for path in lost)
    for path in lost:
        path.write_bytes(b"")
    capsys.readouterr()
    assert bench(out, "--collect") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert bench(out) == 0
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "translations of stargan, seed 0: damaged: " in said
    assert scored(out) == scored(finished)
    sound = [result_records.read_record(path) for path in out.rglob("key.json")]
    assert all(
        result_records.first_fault(path.parent, record.files) is None
        for path, record in zip(out.rglob("key.json"), sound, strict=True)
    )


def test_images_that_change_while_a_bench_runs_are_named_and_nothing_is_made_of_them(
    images, tmp_path, capsys, monkeypatch
):
    folder, add = images
    out, settings = tmp_path / "bench", [one for one in SETTINGS if "data." not in one]
    arguments = [*settings, "--data", folder, "--size=16", WORK]
    run = job_runner.Runner.__call__

    def changing(runner, job, report):
        if str(job.id) == "translations of stargan, seed 0":
            add("test", "day", "day1")
        if str(job.id) == "scores of real images":
            add("train", "dusk", "new")
        run(runner, job, report)

    monkeypatch.setattr(job_runner.Runner, "__call__", changing)
    assert bench(out, *arguments) == 1
    said = capsys.readouterr().err
    assert f"failed: translations of stargan, seed 0: {folder}/test/day/day1.png changed while the bench ran" in said
    assert f"{folder}/train/dusk/new.png" in said
    assert "Traceback" not in said
    assert not (out / "translations/stargan/seed0/key.json").exists()
    assert not (out / "scores/real.json").exists()
    assert (out / "trainings/stargan/seed0/all/key.json").is_file()


def test_images_that_change_while_they_are_decoded_are_not_trained_on(images, tmp_path, capsys, monkeypatch):
    folder, _ = images
    out, settings = tmp_path / "bench", [one for one in SETTINGS if "data." not in one]
    load = TrainingImages.load

    def changing(*arguments, **options):
        loaded = load(*arguments, **options)
        (folder / "train/day/day2.png").unlink()
        return loaded

    monkeypatch.setattr(TrainingImages, "load", changing)
    assert bench(out, *settings, "--data", folder, "--size=16", "--only=train") == 1
    assert "train/day/day2.png changed while the bench ran" in capsys.readouterr().err
    assert not list(out.glob("trainings/*/*/*/checkpoints/[0-9]*"))

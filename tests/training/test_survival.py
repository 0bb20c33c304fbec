"""What can befall a training: damage, death, a full disk, values that are not finite, rivals, changed images."""

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import cli, registry
from i2i.data.data_record import DataRecord
from i2i.data.image_files.images import write_image
from i2i.data.layouts import scan
from i2i.errors import Damaged, DiskFull, TrainingError, UserError
from i2i.runs.folder import CHECKPOINTS, intact_checkpoint, newest_checkpoint, set_aside_damaged
from i2i.runs.load import require_checkpoint
from i2i.runs.lock import sole_training
from i2i.testing import CPU, STEPS, Subject
from i2i.training import trainer as trainer_module
from i2i.training.callbacks.base import Callback
from i2i.training.callbacks.metrics_file import MetricsFile
from i2i.training.callbacks.sample_grids import SampleGrids
from i2i.training.rollback import MAX_ROLLBACKS
from i2i.training.trainer import Trainer
from i2i.utils import locks
from i2i.utils.checksums import SEAL
from tests.support import in_process
from tests.training.test_trainer import run_command

KILLS = int(os.environ.get("I2I_TEST_KILLS", "4"))
"""How often the training of the slow test is killed; `I2I_TEST_KILLS=20` is the long form."""

SMALL = [
    f"--set={setting}"
    for setting in (
        "data.image_size=16",
        "model.width=2",
        "model.discriminator_width=2",
        "model.blocks=1",
        "model.layers=1",
        "train.batch_size=1",
        "train.checkpoint_every=2",
        "train.log_every=1",
    )
]


def trainer(run, callbacks=(), **train):
    subject = Subject(registry.get("cyclegan"))
    return Trainer(run, subject.config(**train), subject.task, subject.training_images(), CPU, callbacks)


def weights_of(run):
    return require_checkpoint(run).weights()


def assert_same_weights(run, other):
    ours, theirs = weights_of(run), weights_of(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


class At(Callback):
    """Calls a function after a step."""

    def __init__(self, step, function):
        self.step, self.function = step, function

    def on_step(self, position):
        if position.step == self.step:
            self.function()


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs a command line in this process, in a folder of its own; gives status and standard error."""
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["i2i", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as stopped:
            status = stopped.code or 0
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return status, said

    return run


def last_word(said):
    """The one or two lines in which the program says why it has stopped."""
    word = said.rpartition("i2i: ")[2]
    assert word.count("\n") <= 2
    return word


def data_set(root, images=3):
    rng = np.random.default_rng(0)
    for place in ("train/dawn", "train/dusk", "test/dawn", "test/dusk"):
        (root / place).mkdir(parents=True)
        for number in range(images):
            Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(root / place / f"{number}.png")
    return root


def options_of(images):
    """Of a training of `images / 2` steps on the folder `sky`."""
    return ["--model", "cyclegan", "--data", "sky", *SMALL, f"--set=train.images={images}", "--device", "cpu"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Trains once for each number of images; gives the run folder. Its images lie beside it and stay as they are."""
    done = {}

    def of(images):
        if images not in done:
            folder = tmp_path_factory.mktemp("trained")
            data_set(folder / "sky")
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                assert in_process.command("train", *options_of(images), "--out", "run") == 0
            done[images] = folder / "run"
        return done[images]

    return of


@pytest.fixture
def given_run(command, trained):
    """Puts a trained run folder, and images as those it learnt from, into the folder of the command."""

    def put(images=16):
        data_set(Path("sky"))
        return Path(shutil.copytree(trained(images), "run"))

    return put


def train(command, out="run", images=16):
    """The same for tests that change the images or say how long: a training of their own."""
    if not Path("sky").exists():
        data_set(Path("sky"))
    status, said = command("train", *options_of(images), "--out", out)
    assert status == 0, said
    return Path(out)


def forget_newest(run):
    """Let a finished training stop at its checkpoint before the last."""
    shutil.rmtree(require_checkpoint(run).folder)


def flip(path, position, bits=0x01):
    contents = bytearray(path.read_bytes())
    contents[position] ^= bits
    path.write_bytes(contents)


# Damage


@pytest.fixture(scope="module")
def two_checkpoints(tmp_path_factory):
    """A run folder with those of the steps 3 and 6, weights averaged."""
    run = tmp_path_factory.mktemp("two") / "run"
    trainer(run, checkpoint_every=3, ema=0.9).train()
    assert len(list((run / CHECKPOINTS).iterdir())) == 2
    return run


@pytest.fixture
def newest(two_checkpoints, tmp_path):
    """The folder of the newest checkpoint, in a copy that a test may spoil."""
    return require_checkpoint(Path(shutil.copytree(two_checkpoints, tmp_path / "run"))).folder


FILES = ("checkpoint.json", "ema.safetensors", "model.safetensors", "training.pt")


def classes_of(path):
    """A byte position in every part of a file: of headers, indices, tensor data and ends."""
    contents = path.read_bytes()
    size = len(contents)
    if path.suffix == ".safetensors":
        header = int.from_bytes(contents[:8], "little")
        return [*range(8), 8, 8 + header // 2, 7 + header, 8 + header, (8 + header + size) // 2, size - 1]
    if path.suffix == ".pt":
        central = contents.index(b"PK\x01\x02")
        end = contents.index(b"PK\x05\x06")
        return [
            0,
            4,
            30,
            contents.index(b"data.pkl"),
            200,
            size // 2,
            central - 1,
            central,
            central + 16,
            end,
            size - 1,
        ]
    return list(range(size))


@pytest.mark.integration
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_part_of_any_file_is_found_and_the_checkpoint_before_taken(newest, name):
    run, path = newest.parents[1], newest / name
    contents = path.read_bytes()
    positions = {*classes_of(path), *range(0, len(contents), max(1, len(contents) // 200))}
    for position, bits in zip(sorted(positions), cycle((0x01, 0x20, 0xFF)), strict=False):
        flip(path, position, bits)
        checkpoint, damages = intact_checkpoint(run)
        assert checkpoint.position.step == 3, (position, bits)
        assert [str(path) in damage.what for damage in damages] == [True]
        path.write_bytes(contents)
    assert intact_checkpoint(run)[0].position.step == STEPS


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_lengthened_or_missing_file_is_found(newest, name):
    run, path = newest.parents[1], newest / name
    contents = path.read_bytes()
    for spoilt in (b"", contents[:1], contents[:8], contents[: len(contents) // 2], contents[:-1], contents + b"\0"):
        path.write_bytes(spoilt)
        checkpoint, (damage,) = intact_checkpoint(run)
        assert checkpoint.position.step == 3
        assert str(path) in damage.what
    path.unlink()
    assert intact_checkpoint(run)[0].position.step == 3


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_a_damaged_file_is_loaded(newest, name):
    flip(newest / name, 600)
    with pytest.raises(Damaged, match=f"{name} cannot be .*:\nremove .* to use that of step 3, or train on from there"):
        checkpoint = newest_checkpoint(newest.parents[1])
        checkpoint.weights("ema")
        checkpoint.training()


def test_if_both_checkpoints_are_damaged_there_is_nothing_to_go_on_from(newest):
    for folder in newest.parent.iterdir():
        flip(folder / "model.safetensors", 100)
    with pytest.raises(Damaged, match=r"and so is the one before it:\nremove .*run and train or import again"):
        set_aside_damaged(newest.parents[1])
    assert len(list(newest.parent.iterdir())) == 2


def test_a_checkpoint_of_before_there_were_checksums_is_read(newest):
    path = newest / "checkpoint.json"
    meta = json.loads(path.read_text())
    del meta["files"], meta[SEAL]
    path.write_text(json.dumps(meta))
    checkpoint, damages = intact_checkpoint(newest.parents[1])
    assert (checkpoint.position.step, damages) == (STEPS, ())
    assert checkpoint.weights()
    (newest / "model.safetensors").write_bytes((newest / "model.safetensors").read_bytes()[:-1])
    assert intact_checkpoint(newest.parents[1])[0].position.step == 3


def test_an_entry_of_checkpoint_json_cannot_lose_its_checksum_unnoticed(newest):
    path = newest / "checkpoint.json"
    meta = json.loads(path.read_text())
    del meta[SEAL]
    path.write_text(json.dumps(meta, indent=1))
    assert intact_checkpoint(newest.parents[1])[0].position.step == 3


@pytest.mark.integration
@pytest.mark.parametrize("name", ["checkpoint.json", "model.safetensors", "training.pt", "data.json"])
def test_resume_takes_the_checkpoint_before_a_damaged_one_says_so_and_ends_with_the_same_bits(command, given_run, name):
    run = given_run()
    shutil.copytree(run, "undisturbed")
    flip(run / CHECKPOINTS / "00000008" / name, 100)
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 0, said
    assert f"i2i: run/checkpoints/00000008/{name} cannot be" in said
    assert "going on from step 6; the damaged one is kept as run/checkpoints/damaged-00000008" in said
    assert "resuming at step 6 of 8" in said
    assert_same_weights(run, Path("undisturbed"))
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 9))


@pytest.mark.parametrize(
    "arguments",
    [
        ["translate", "run", "sky/test/dawn", "--target", "dusk", "--out", "new", "--device", "cpu"],
        ["export", "run", "--format", "safetensors", "--out", "new"],
        ["export", "run", "--format", "reference", "--out", "new"],
        ["train", "--init", "run", "--data", "sky", "--out", "new", "--device", "cpu"],
    ],
)
def test_commands_that_use_a_damaged_checkpoint_name_file_and_remedy_and_write_nothing(command, given_run, arguments):
    run = given_run(images=8)
    flip(run / CHECKPOINTS / "00000004" / "model.safetensors", -1)
    status, said = command(*arguments)
    assert status == 2
    word = last_word(said)
    assert "run/checkpoints/00000004/model.safetensors cannot be loaded" in word
    assert (
        "remove run/checkpoints/00000004 to use that of step 2, or train on from there with i2i train --resume run"
        in word
    )
    assert not Path("new").exists()


# Death


def newest_step(run):
    return max((int(path.name) for path in (run / CHECKPOINTS).glob("[0-9]*")), default=0)


@pytest.mark.slow
def test_killed_at_random_moments_a_training_ends_with_the_same_bits(tmp_path):
    """A checkpoint after every step; every second death waits until one is being written."""
    data_set(tmp_path / "sky")
    options = ["--model", "cyclegan", "--data", "sky", *SMALL, "--set=train.checkpoint_every=1"]
    options += [f"--set=train.images={24 * max(KILLS, 4)}", "--set=train.sample_every=20", "--device=cpu"]
    undisturbed = run_command(tmp_path, "train", *options, "--out", "undisturbed")
    assert undisturbed.wait() == 0, undisturbed.said()
    run, rng, writing = tmp_path / "run", np.random.default_rng(5), 0
    process = run_command(tmp_path, "train", *options, "--out", "run")

    def wait_until(condition):
        deadline = time.monotonic() + 120
        while not condition():
            assert process.poll() is None, process.said()
            assert time.monotonic() < deadline

    for number in range(KILLS):
        reached = newest_step(run)
        wait_until(lambda reached=reached: newest_step(run) > reached)
        time.sleep(float(rng.uniform(0, 0.1)))
        if number % 2:
            wait_until(lambda: list((run / CHECKPOINTS).glob(".*.part")))
        process.kill()
        process.wait()
        writing += bool(list((run / CHECKPOINTS).glob(".*")))
        checkpoint, damages = intact_checkpoint(run)
        assert not damages
        assert checkpoint.folder == newest_checkpoint(run).folder
        process = run_command(tmp_path, "train", "--resume", "run", "--device=cpu")
    output = process.communicate()[0]
    print(f"{writing} of {KILLS} kills fell into the writing of a checkpoint")
    assert process.returncode == 0, output
    assert_same_weights(run, tmp_path / "undisturbed")
    ours, theirs = (require_checkpoint(tmp_path / name).training() for name in ("run", "undisturbed"))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    logs = [
        [json.loads(line)["losses"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("run", "undisturbed")
    ]
    assert logs[0] == logs[1]
    assert not list((run / CHECKPOINTS).glob(".*"))


@pytest.mark.integration
def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    for name in (".00000099.part", ".00000001.old"):
        (tmp_path / CHECKPOINTS / name).mkdir(parents=True)
    trainer(tmp_path).train()
    assert [path.name for path in (tmp_path / CHECKPOINTS).iterdir()] == [f"{STEPS:08d}"]


# A full disk


@contextmanager
def small_disk(place, size):
    """A file system of so many bytes; skips the test where none can be mounted."""
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: it takes root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place):
    """Take all the room there is; gives the file that has it."""
    path = place / "ballast"
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 12))
    return path


@pytest.mark.integration
@pytest.mark.parametrize("what", ["checkpoint", "sample"])
def test_a_disk_that_is_full_when_something_is_written_stops_the_run_and_leaves_the_last_checkpoint(tmp_path, what):
    intervals = {"checkpoint_every": 2, "sample_every": 3 if what == "sample" else 0}
    trainer(tmp_path / "undisturbed", **intervals).train()
    with small_disk(tmp_path / "disk", "16m") as disk:
        run = disk / "run"
        stopped = trainer(run, **intervals)
        grids = SampleGrids(run, stopped.images, stopped.translator.task.domains)
        stopped.callbacks = (At(3, lambda: fill(disk)), grids)
        with pytest.raises(DiskFull) as raised:
            stopped.train()
        step = 3 if what == "sample" else 4
        assert str(raised.value) == (
            f"training stopped at step {step}: the disk of {run} is full; the checkpoint of step 2 is good, "
            f"make room and go on with: i2i train --resume {run}"
        )
        assert [path.name for path in (run / CHECKPOINTS).iterdir()] == ["00000002"]
        assert not [path for path in run.rglob("*") if path.name.endswith(".part")]
        assert intact_checkpoint(run)[0].position.step == 2
        (disk / "ballast").unlink()
        trainer(run, **intervals).train()
        assert_same_weights(run, tmp_path / "undisturbed")


def test_a_log_that_cannot_be_written_stops_the_run_and_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    stopped = trainer(tmp_path, checkpoint_every=2, log_every=1)
    log = MetricsFile(tmp_path, 0)

    def full(line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stopped.callbacks = (At(3, lambda: monkeypatch.setattr(log, "_append", full)), log)
    with pytest.raises(DiskFull, match=r"stopped at step 3: the disk of .* is full; the checkpoint of step 2 is good"):
        stopped.train()
    assert intact_checkpoint(tmp_path)[0].position.step == 2


def test_a_line_of_the_log_that_does_not_fit_is_taken_back(tmp_path, monkeypatch):
    log = MetricsFile(tmp_path, 0)
    log._append({"step": 1})

    def half(line):
        file = log._path.open("a")
        file.write('{"step": 2, "ha')
        file.close()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(json, "dumps", half)
    with pytest.raises(OSError, match="No space left"):
        log._append({"step": 2})
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n'


@pytest.mark.integration
@pytest.mark.parametrize(
    ("size", "width"),
    [
        ("64k", 2),
        pytest.param("1800k", 24, id="the weights do not fit"),
        pytest.param("4m", 24, id="the state does not"),
    ],
)
def test_a_disk_that_is_too_small_is_told_in_one_line(command, tmp_path, size, width):
    """Also one with more than a megabyte of room before the checkpoint, and again after it."""
    data_set(tmp_path / "sky")
    widths = [f"--set=model.width={width}", f"--set=model.discriminator_width={width}"]
    with small_disk(tmp_path / "disk", size):
        options = ["--model", "cyclegan", "--data", "sky", *SMALL, *widths, "--set=train.images=16", "--device", "cpu"]
        status, said = command("train", *options, "--out", "disk/run")
        assert status == 1
        word = "training stopped at step 2: the disk of disk/run is full; no checkpoint yet, make room\n"
        assert last_word(said) == word
        assert not list(Path("disk/run/checkpoints").iterdir())


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["translate", "run", "sky/test/dawn", "--target", "dusk", "--device", "cpu", "--out", "disk/new"], None),
        (["export", "run", "--format", "hub", "--out", "disk/new"], "disk/new"),
        (["export", "run", "--format", "reference", "--out", "disk/new"], "disk/new"),
        (["data", "prepare", "sky", "--size", "16", "--out", "disk/new"], "disk/new"),
        (["data", "make", "seasons", "--size=32", "--scenes=2", "--test-scenes=1", "--out", "disk/new"], "disk/new"),
        (["data", "check", "sky", "--size=16", "--no-trial", "--sheet", "disk/new.png"], "disk/new.png"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_other_commands_tell_a_full_disk_in_a_line_and_leave_nothing(command, given_run, tmp_path, arguments, place):
    given_run(images=4)
    with small_disk(tmp_path / "disk", "64k"):
        fill(tmp_path / "disk")
        status, said = command(*arguments)
        left = {path.name for path in Path("disk").iterdir()} - {"ballast"}
    assert status == 1
    word = last_word(said)
    assert word.endswith("is full: make room and run it again\n")
    if place is not None:
        assert word.startswith(f"the disk of {place} ")
        assert not left


# Values that are not finite


def poison_batches(monkeypatch, step, spared=lambda training: False):
    """One NaN in the images of a step."""
    draw = Trainer._draw

    def poisoned(self, number):
        batches = draw(self, number)
        if number == step - 1 and not spared(self):
            batches[0].a[0, 0, 0, 0] = torch.nan
        return batches

    monkeypatch.setattr(Trainer, "_draw", poisoned)


def kept_parameters(network):
    return {name: value.detach().clone() for name, value in network.named_parameters()}


@pytest.mark.integration
def test_a_nan_in_a_batch_stops_before_the_optimizer_steps(tmp_path, monkeypatch):
    poison_batches(monkeypatch, step=5)
    kept = []
    run = trainer(tmp_path, checkpoint_every=2, log_every=1)
    run.callbacks = (At(4, lambda: kept.append(kept_parameters(run.translator))),)
    with pytest.raises(TrainingError) as stopped:
        run.train()
    assert "training stopped: phase 'generators' of step 5 was not finite (adversarial_a " in str(stopped.value)
    assert f"the checkpoint of step 4 is good in {tmp_path}" in str(stopped.value)
    assert f"go on with i2i train --resume {tmp_path} --on-nan rollback" in str(stopped.value)
    assert all(torch.equal(value, kept[0][name]) for name, value in run.translator.named_parameters())


@pytest.mark.integration
def test_a_nan_in_a_gradient_stops_before_the_optimizer_of_its_phase_steps(tmp_path):
    run = trainer(tmp_path, checkpoint_every=2, log_every=1)
    discriminator, kept = run.translator.discriminator_b, []
    last = list(discriminator.parameters())[-1]

    def arm():
        kept.append(kept_parameters(discriminator))
        last.register_hook(lambda gradient: gradient * torch.nan)

    run.callbacks = (At(4, arm),)
    with pytest.raises(TrainingError, match="phase 'discriminators' of step 5 was not finite"):
        run.train()
    assert all(torch.equal(value, kept[0][name]) for name, value in discriminator.named_parameters())
    assert newest_checkpoint(tmp_path).position.step == 4


def logged(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def rolling(run, callbacks=(), **train):
    started = trainer(run, on_nan="rollback", log_every=1, **train)
    started.callbacks = (MetricsFile(run, started.position.step), *callbacks)
    return started


def spared_after(rollbacks):
    return lambda training: training.rollbacks >= rollbacks


@pytest.mark.integration
def test_rollback_returns_to_the_last_checkpoint_and_goes_on_in_another_order(tmp_path, monkeypatch):
    orders, take_step = [], trainer_module.training_step

    def noted(translator, optimizers, batches, step, *others, **processes):
        orders.append((step, batches))
        return take_step(translator, optimizers, batches, step, *others, **processes)

    monkeypatch.setattr(trainer_module, "training_step", noted)
    poison_batches(monkeypatch, step=4, spared=spared_after(1))
    rolling(tmp_path, checkpoint_every=2).train()
    assert [step for step, _ in orders] == [0, 1, 2, 3, 2, 3, 4, 5]
    first, again = (batches[0] for step, batches in orders if step == 2)
    assert not torch.equal(first.a, again.a)
    assert require_checkpoint(tmp_path).rollbacks == 1
    assert [line["step"] for line in logged(tmp_path)] == [1, 2, 3, 3, 4, 5, 6]
    (line,) = [line for line in logged(tmp_path) if "rollback" in line]
    assert line["rollback"] == 1
    assert line["reason"].startswith("phase 'generators' of step 4 was not finite (adversarial_a ")
    for name, value in weights_of(tmp_path).items():
        assert value.isfinite().all(), name


@pytest.fixture(scope="module")
def twice_returned(tmp_path_factory):
    """A training that returned twice and that nothing else disturbed."""
    run = tmp_path_factory.mktemp("twice") / "undisturbed"
    with pytest.MonkeyPatch.context() as patch:
        poison_batches(patch, step=4, spared=spared_after(2))
        rolling(run, checkpoint_every=2).train()
    return run


@pytest.mark.integration
@pytest.mark.parametrize("stop", [3, 4, 5])
def test_a_training_with_rollbacks_that_breaks_off_ends_with_the_same_bits(tmp_path, monkeypatch, twice_returned, stop):
    """It breaks off in the steps after the second return, before and after the next checkpoint."""
    poison_batches(monkeypatch, step=4, spared=spared_after(2))

    class BreakOff(Callback):
        def on_step(self, position):
            if position.step == stop and broken.rollbacks == 2:
                raise InterruptedError

    broken = rolling(tmp_path / "run", (BreakOff(),), checkpoint_every=2)
    with suppress(InterruptedError):
        broken.train()
    assert newest_checkpoint(tmp_path / "run").rollbacks == (2 if stop == 5 else 0)
    rolling(tmp_path / "run", checkpoint_every=2).train()
    assert_same_weights(tmp_path / "run", twice_returned)
    assert require_checkpoint(tmp_path / "run").rollbacks == 2
    lines = [
        [(line["step"], line.get("rollback")) for line in logged(run)] for run in (tmp_path / "run", twice_returned)
    ]
    assert lines[0] == lines[1]


@pytest.mark.integration
def test_without_a_checkpoint_rollback_returns_to_the_start(tmp_path, monkeypatch):
    poison_batches(monkeypatch, step=2, spared=spared_after(1))
    rolling(tmp_path, checkpoint_every=100).train()
    assert require_checkpoint(tmp_path).rollbacks == 1


@pytest.mark.integration
def test_after_three_rollbacks_training_stops_with_the_reason(tmp_path, monkeypatch):
    poison_batches(monkeypatch, step=4)
    with pytest.raises(TrainingError) as stopped:
        rolling(tmp_path, checkpoint_every=2).train()
    assert "phase 'generators' of step 4 was not finite (adversarial_a " in str(stopped.value)
    assert f"after {MAX_ROLLBACKS} rollbacks; the checkpoint of step 2 is good" in str(stopped.value)
    assert "--on-nan" not in str(stopped.value)
    assert [line["rollback"] for line in logged(tmp_path) if "rollback" in line] == [1, 2, 3]


@pytest.mark.integration
def test_rollback_changes_nothing_where_everything_is_finite(tmp_path):
    rolling(tmp_path / "rollback").train()
    trainer(tmp_path / "stop").train()
    assert_same_weights(tmp_path / "rollback", tmp_path / "stop")


@pytest.mark.integration
def test_a_stopped_training_is_resumed_with_rollback(command, given_run, monkeypatch):
    run = given_run()
    forget_newest(run)
    poison_batches(monkeypatch, step=8, spared=spared_after(1))
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 1
    assert "go on with i2i train --resume run --on-nan rollback" in last_word(said)
    status, said = command("train", "--resume", run, "--on-nan", "rollback", "--device", "cpu")
    assert status == 0, said
    assert "back to step 6 with another data order (1 of 3)" in said
    assert require_checkpoint(run).settings["train"]["on_nan"] == "rollback"


def test_an_unknown_way_with_faults_is_refused(command):
    status, said = command("train", "--model", "stargan", "--on-nan", "ignore")
    assert status == 2
    assert "train.on_nan='ignore' does not fit: Input should be 'stop' or 'rollback'" in last_word(said)


# Rivals

HOLDER = """
import sys, time
from pathlib import Path
from i2i.runs.lock import sole_training
with sole_training(Path(sys.argv[1])):
    print("has it", flush=True)
    time.sleep(60)
"""

needs_locks = pytest.mark.skipif(not locks.available(), reason="this system has no file locks")


@pytest.mark.slow
@needs_locks
def test_a_second_training_in_a_run_folder_is_refused_until_the_first_is_dead(command, given_run):
    run = given_run()
    forget_newest(run)
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, run], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "has it\n"
        before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
        status, said = command("train", "--resume", run, "--device", "cpu")
        assert status == 2
        assert last_word(said) == (
            f"run is being trained by process {holder.pid} on {platform.node()}: wait for its end, stop it, "
            "or choose another --out\n"
        )
        assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    finally:
        holder.kill()
        holder.wait()
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 0, said
    assert not (run / ".lock").exists()


@needs_locks
def test_a_folder_in_which_nothing_was_trained_is_not_left_behind(tmp_path):
    with sole_training(tmp_path / "runs" / "one"):
        assert (tmp_path / "runs" / "one").is_dir()
    assert not (tmp_path / "runs").exists()
    (tmp_path / "there").mkdir()
    with sole_training(tmp_path / "there"), pytest.raises(UserError), sole_training(tmp_path / "there"):
        raise AssertionError("two have the folder")
    assert (tmp_path / "there").is_dir()


@needs_locks
def test_a_lock_on_a_file_that_is_gone_does_not_count(tmp_path):
    lock = locks.Lock(tmp_path / "lock")
    assert lock.exclusive()
    assert lock.is_in_place()
    (tmp_path / "lock").unlink()
    assert not lock.is_in_place()
    (tmp_path / "lock").touch()
    assert not lock.is_in_place()
    lock.release()


# Changed images


def image(path, color):
    write_image(Path(path), np.full((16, 16, 3), color, np.uint8))


CHANGES = {
    "train/dawn, 3 images before and 4 now: 1 added (new.png)": lambda: image("sky/train/dawn/new.png", 3),
    "train/dusk, 3 images before and 2 now: 1 removed (1.png)": lambda: Path("sky/train/dusk/1.png").unlink(),
    "train/dusk, 3 images before and 3 now: 1 changed (2.png)": lambda: image("sky/train/dusk/2.png", 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("difference", CHANGES)
def test_images_that_changed_since_the_checkpoint_are_told_and_refused_unless_accepted(command, difference):
    run = train(command)
    forget_newest(run)
    CHANGES[difference]()
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 2
    assert last_word(said) == (
        f"{Path('sky').absolute()} has changed since the checkpoint of step 6: {difference}. "
        "Put the images back, or go on with those there are by --accept-data\n"
    )
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    status, said = command("train", "--resume", run, "--accept-data", "--device", "cpu")
    assert status == 0, said
    assert require_checkpoint(run).data() == DataRecord.of(scan(Path("sky")), ["train"])


@pytest.mark.integration
def test_images_of_other_splits_may_change(command):
    run = train(command)
    forget_newest(run)
    image("sky/test/dawn/new.png", 3)
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 0, said


def test_many_changes_are_counted_and_a_few_named(tmp_path):
    before = DataRecord.of(scan(data_set(tmp_path / "sky", images=9)), ["train", "test"])
    for number in range(5):
        image(tmp_path / f"sky/test/dusk/{number}.png", 3)
    now = DataRecord.of(scan(tmp_path / "sky"), ["train", "test"])
    assert now.changes_since(before) == "test/dusk, 9 images before and 9 now: 5 changed (0.png, 1.png, 2.png, ...)"
    assert now.fingerprint != before.fingerprint
    assert DataRecord.from_text(before.text) == before
    assert before.changes_since(before) == ""


def test_accepting_data_without_a_training_to_go_on_with_is_refused(command):
    status, said = command("train", "--model", "stargan", "--accept-data")
    assert status == 2
    assert "give it with --resume RUN" in last_word(said)

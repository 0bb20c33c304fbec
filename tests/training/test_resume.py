"""Training runs that go on: with a longer budget, on moved data, after a cut, without a terminal or memory."""

import json
import os
import pty
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from i2i import registry
from i2i.data.image_files.images import Preprocess
from i2i.errors import OutOfMemory, UserError
from i2i.inference.translate_files import resized
from i2i.runs.folder import newest_checkpoint
from i2i.runs.load import require_checkpoint
from i2i.testing import CPU, STEPS, Subject
from i2i.training.callbacks.base import Callback
from i2i.training.callbacks.metrics_file import MetricsFile
from i2i.training.callbacks.sample_grids import SampleGrids
from i2i.training.trainer import Trainer
from i2i.utils.atomic_write import sync_to_disk
from i2i.utils.memory import asked_for, explained_memory_errors, is_out_of_memory
from tests.training import test_survival
from tests.training.test_survival import SMALL, At, assert_same_weights, data_set, train

command = test_survival.command  # a fixture


def trainer(run, **train):
    subject = Subject(registry.get("cyclegan"))
    images = subject.training_images()
    made = Trainer(run, subject.config(**train), subject.task, images, CPU)
    made.callbacks = (
        MetricsFile(run, made.position.step),
        SampleGrids(run, images, subject.task.domains, made.position.step),
    )
    return made


def log_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


# A longer budget


@pytest.mark.slow
def test_a_finished_training_goes_on_with_a_longer_budget_whose_schedule_holds_from_there(command):
    run = train(command, images=8)
    status, said = command("train", "--resume", run, "--device=cpu", "--set=train.images=16")
    assert status == 0, said
    checkpoint = require_checkpoint(run)
    assert (checkpoint.position.step, checkpoint.position.steps) == (8, 8)
    assert checkpoint.settings["train"]["images"] == 16
    assert "images: 16" in (run / "config.yaml").read_text()
    assert [(one.step, one.images) for one in checkpoint.facts.budgets] == [(4, 8)]
    rates = {line["step"]: next(iter(line["learning_rates"].values())) for line in log_of(run)}
    assert list(rates) == list(range(1, 9))
    assert rates[4] < rates[5]  # the rate of the longer training at that step
    whole = train(command, out="whole", images=16)
    assert rates[8] == next(iter(log_of(whole)[-1]["learning_rates"].values()))


@pytest.mark.integration
def test_a_budget_that_is_over_or_belongs_to_a_bench_is_not_extended(command):
    run = train(command, images=8)
    for images in (2, 8):
        status, said = command("train", "--resume", run, "--device=cpu", f"--set=train.images={images}")
        assert status == 2
        assert "run is finished: step 4 of 4, 8 images. Train on with a larger budget" in said
    (run / "key.json").write_text("{}")
    status, said = command("train", "--resume", run, "--device=cpu", "--set=train.images=16")
    assert (status, "belongs to a bench" in said) == (2, True)
    assert require_checkpoint(run).settings["train"]["images"] == 8


@pytest.mark.slow
def test_a_batch_can_be_computed_in_smaller_parts_from_a_checkpoint_on(command):
    run = train(command, images=16)
    shutil.rmtree(require_checkpoint(run).folder)
    rest = require_checkpoint(run)
    assert rest.position.step == 6
    status, said = command(
        "train", "--resume", run, "--device=cpu", "--set=train.accumulate=1", "--set=train.log_every=2"
    )
    assert status == 0, said
    assert [line["step"] for line in log_of(run)] == [1, 2, 3, 4, 5, 6, 8]


# Data that have moved


@pytest.mark.slow
def test_a_training_goes_on_when_its_data_lie_elsewhere_and_not_on_others(command):
    run = train(command, images=16)
    shutil.copytree(run, "undisturbed")
    shutil.rmtree(require_checkpoint(run).folder)
    Path("sky").rename("moved")
    status, said = command("train", "--resume", run, "--device=cpu")
    assert (status, "they have moved, say where to with i2i train --resume run --data DIR" in said) == (2, True)
    status, said = command("train", "--resume", run, "--device=cpu", "--data", data_set(Path("other"), images=2))
    assert (status, "has changed since the checkpoint" in said) == (2, True)
    status, said = command("train", "--resume", run, "--device=cpu", "--data", "moved")
    assert status == 0, said
    assert_same_weights(run, Path("undisturbed"))
    assert require_checkpoint(run).settings["data"]["path"] == str(Path("moved").absolute())


@pytest.mark.integration
def test_what_was_left_out_stays_left_out_where_the_data_have_moved(command):
    (data_set(Path("sky")) / "train/dusk/1.png").write_bytes(b"no image")
    options = ["--model", "cyclegan", "--data", "sky", *SMALL, "--set=train.images=16", "--device=cpu", "--skip-bad"]
    assert command("train", *options, "--out", "run")[0] == 0
    shutil.rmtree(require_checkpoint(Path("run")).folder)
    Path("sky").rename("moved")
    status, said = command("train", "--resume", "run", "--device=cpu", "--data", "moved")
    assert status == 0, said


# A log that is exact


class Cut(Exception):
    pass


def cut():
    raise Cut


@pytest.mark.integration
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_lines_and_samples_after_a_cut_at_any_step_are_those_of_a_training_that_nothing_disturbed(tmp_path, step):
    settings = {"log_every": 4, "sample_every": 2, "checkpoint_every": 2}
    trainer(tmp_path / "whole", **settings).train()
    broken = trainer(tmp_path / "run", **settings)
    broken.callbacks = (*broken.callbacks, At(step, cut))
    with pytest.raises(Cut):
        broken.train()
    with (tmp_path / "run/metrics.jsonl").open("ab") as log:  # what a power cut may leave
        log.write(b'{"step": 5, "los' + b"\0" * 100)
    (tmp_path / "run/samples").mkdir(exist_ok=True)
    (tmp_path / "run/samples/00000099.png").write_bytes(b"")
    trainer(tmp_path / "run", **settings).train()
    ours, theirs = ([(line["step"], line["losses"]) for line in log_of(tmp_path / name)] for name in ("run", "whole"))
    assert ours == theirs
    ours, theirs = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "samples").iterdir()} for name in ("run", "whole")
    )
    assert ours == theirs
    assert len(ours) == 3


@pytest.mark.integration
def test_what_a_checkpoint_vouches_for_is_on_the_disk_before_it(tmp_path, monkeypatch):
    from i2i.training import trainer as trainer_module
    from i2i.training.callbacks import metrics_file, sample_grids

    order = []
    for module in (metrics_file, sample_grids):
        monkeypatch.setattr(module, "sync_to_disk", lambda path: (order.append(path.name), sync_to_disk(path)))
    save = trainer_module.save_checkpoint
    monkeypatch.setattr(
        trainer_module, "save_checkpoint", lambda *a, **b: (order.append("checkpoint"), save(*a, **b))[1]
    )
    trainer(tmp_path / "run", log_every=1, sample_every=3, checkpoint_every=3).train()
    assert order == [
        "00000003.png",
        "metrics.jsonl",
        "run",
        "checkpoint",
        "00000006.png",
        "metrics.jsonl",
        "run",
        "checkpoint",
    ]


# Memory


class Greedy(Callback):
    """Asks for more memory than there is, as a step may."""

    def on_step(self, position):
        if position.step == 3:
            torch.empty(2**55)


def test_a_training_without_memory_ends_in_one_line_with_what_takes_less(tmp_path):
    stopped = trainer(tmp_path / "run", checkpoint_every=2)
    stopped.callbacks = (*stopped.callbacks, Greedy())
    with pytest.raises(OutOfMemory) as told:
        stopped.train()
    text = str(told.value)
    assert re.search(
        r"stopped at step 3: there is not enough memory on cpu \(.*allocate.*\); the checkpoint of step 2 is", text
    )
    assert f"i2i train --resume {tmp_path / 'run'} with --set train.accumulate=2" in text
    assert "smaller train.batch_size or data.image_size, or train.precision=bf16" in text
    assert newest_checkpoint(tmp_path / "run").position.step == 2


def failing(size):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 1 GiB")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: torch.empty(2**55),
        lambda: bytearray(2**62),
        lambda: __import__("numpy").empty(2**55),
        lambda: failing(1),
        lambda: (_ for _ in ()).throw(OSError(12, "Cannot allocate memory")),
        lambda: (_ for _ in ()).throw(
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")
        ),
    ],
)
def test_want_of_memory_is_known_in_the_words_of_every_library(ask):
    with (
        pytest.raises(OutOfMemory, match=r"^it: there is not enough memory.*: do less$"),
        explained_memory_errors("it", "do less"),
    ):
        ask()


def test_of_a_gpu_without_memory_it_is_told_what_was_asked_and_what_there_is():
    error = torch.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which 1.20 GiB is "
        "free. Process 1 has 6.80 GiB memory in use."
    )
    expected = "Tried to allocate 2.00 GiB; GPU 0 has a total capacity of 8.00 GiB of which 1.20 GiB is free"
    assert asked_for(error) == f" ({expected})"
    assert asked_for(MemoryError()) == ""


def test_other_errors_are_not_taken_for_want_of_memory():
    for error in (RuntimeError("shape mismatch"), ValueError("out of memory"), OSError(13, "denied"), KeyError("x")):
        assert not is_out_of_memory(error)


# Values that are not finite


def test_a_translation_that_is_not_finite_is_told_with_its_image_and_not_written(tmp_path):
    data_set(tmp_path / "sky")
    paths = sorted((tmp_path / "sky/test/dawn").iterdir())

    class Spoilt:
        def of_files(self, paths):
            return self

        def __call__(self, images):
            images = images.clone()
            images[1, 0, 0, :5] = float("inf")
            return images

    with pytest.raises(UserError, match=r"makes 5 of 768 values of .*1\.png not finite, and no black image"):
        resized(Spoilt(), Preprocess((16, 16)))(paths)


# Starting at once


@pytest.mark.integration
def test_of_two_training_runs_started_at_once_into_one_folder_the_second_is_refused(command, monkeypatch):
    """The second has looked at the folder before the first wrote into it, and comes to it when the first has ended."""
    from i2i.api import train_cases

    seen, real = [], train_cases.check_new

    def first_comes_between(run):
        seen.append(run)
        real(run)
        if len(seen) == 1:
            shutil.copytree(train(command, out="first", images=4), run)

    data_set(Path("sky"))
    monkeypatch.setattr(train_cases, "check_new", first_comes_between)
    options = ["--model", "cyclegan", "--data", "sky", *SMALL, "--set=train.images=16", "--device=cpu", "--out", "run"]
    status, said = command("train", *options)
    assert (status, "run holds a training already" in said) == (2, True)
    assert require_checkpoint(Path("run")).settings["train"]["images"] == 4


@pytest.mark.integration
def test_a_run_that_is_not_finished_is_translated_and_that_is_told(command):
    run = train(command, images=8)
    arguments = ["translate", run, "sky/test/dawn", "--target", "dusk", "--device=cpu", "--out"]
    assert "not finished" not in command(*arguments, "one")[1]
    shutil.rmtree(require_checkpoint(run).folder)
    status, said = command(*arguments, "two")
    assert status == 0
    assert "run is at step 2 of 4: its training is not finished\n" in said


# A terminal that is gone


@pytest.mark.slow
def test_a_training_that_loses_its_terminal_writes_a_checkpoint(tmp_path):
    data_set(tmp_path / "sky")
    ours, theirs = pty.openpty()
    options = ["--model", "cyclegan", "--data", "sky", *SMALL, "--set=train.images=100000", "--device=cpu"]
    environment = {**os.environ, "I2I_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    process = os.fork()
    if not process:
        os.close(ours)
        os.login_tty(theirs)
        os.chdir(tmp_path)
        os.execvpe(sys.executable, [sys.executable, "-m", "i2i", "train", *options, "--out", "run"], environment)
    os.close(theirs)
    deadline = time.monotonic() + 120
    while newest_checkpoint(tmp_path / "run") is None:
        os.read(ours, 4096)
        assert time.monotonic() < deadline
    os.close(ours)
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    step = require_checkpoint(tmp_path / "run").position.step
    assert log_of(tmp_path / "run")[-1]["step"] <= step

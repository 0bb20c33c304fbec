"""What `i2i data check` measures of models: steps that are those of a training, in a process of their own."""

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from i2i import registry
from i2i.config import DataConfig
from i2i.data.image_files.images import Preprocess
from i2i.data.open import open_data
from i2i.data.training_images import TrainingImages
from i2i.errors import TrainingError
from i2i.training import profiling
from i2i.training.profiling import TIMED, Trial, kinds_of_steps, measure, try_out
from i2i.training.setup import run_config, task_of
from i2i.training.steps.cuda_graphs import WARM_UPS, _CapturedPhase
from i2i.training.trainer import build_translator
from i2i.translator import Task
from tests.robustness.test_bad_input import data_set, run
from tests.support.preloaded import Preloaded

CPU = torch.device("cpu")
TINY = {"data": {"image_size": 16}, "train": {"images": 40, "batch_size": 2}}


def config_of(name: str, **train: object):
    model = dict(registry.get(name).test_settings)
    if name == "stargan":
        model["n_critic"] = 5
    return run_config(name, {**TINY, "model": model, "train": {**TINY["train"], **train}})


@pytest.fixture
def sky(tmp_path: Path):
    return open_data(DataConfig(path=data_set(tmp_path / "sky", paired=True)))


def test_every_kind_of_step_is_tried(sky):
    task = Task.covering(registry.get("stargan").coverage, ("dawn", "dusk"), (16, 16))
    critics, both = kinds_of_steps(build_translator(config_of("stargan"), task)).values()
    assert (len(critics), len(both)) == (4, 1)


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "stargan"])
def test_the_whole_is_what_a_step_takes_times_the_steps(sky, name):
    config = config_of(name)
    found = measure(config, task_of(config, sky), sky, CPU)
    assert found.steps == 40 // (2 * registry.get(name).batch.images_per_item)
    assert found.seconds == pytest.approx(found.steps * found.seconds_per_step)
    assert found.seconds_per_step > 0


def test_of_a_budget_of_time_the_steps_are_estimated(sky):
    config = config_of("pix2pix", images=None, seconds=50.0)
    found = measure(config, task_of(config, sky), sky, CPU)
    assert found.seconds == 50
    assert found.steps == pytest.approx(50 / found.seconds_per_step, abs=1)


def test_rare_steps_count_for_their_share(monkeypatch):
    translator = build_translator(
        config_of("stargan"), Task.covering(registry.get("stargan").coverage, ("dawn", "dusk"), (16, 16))
    )
    monkeypatch.setattr(profiling.time, "perf_counter", lambda: ticks["now"])
    ticks = {"now": 0.0}

    def run_step(step: int) -> None:
        ticks["now"] += 6.0 if (step + 1) % 5 == 0 else 1.0

    assert profiling._mean_seconds(translator, run_step) == pytest.approx((4 * 1.0 + 6.0) / 5)


@pytest.mark.slow
@pytest.mark.usefixtures("preloaded_processes")
def test_a_trial_runs_in_a_process_of_its_own_and_counts_its_memory(sky):
    config = config_of("pix2pix")
    found = try_out(config, task_of(config, sky), sky, CPU)
    assert isinstance(found, Trial)
    assert 50 * 2**20 < found.memory < 2**32


def test_the_trial_makes_of_images_what_the_training_would(sky, monkeypatch):
    drawn = []
    config = config_of("pix2pix")
    config = config.model_copy(update={"data": config.data.model_copy(update={"fit": "pad", "background": "teal"})})
    load = TrainingImages.load
    monkeypatch.setattr(TrainingImages, "load", lambda *of, **more: drawn.append(of[2]) or load(*of, **more))
    measure(config, task_of(config, sky), sky, CPU)
    assert drawn == [Preprocess.of(config.data)]


@pytest.mark.parametrize(("name", "round_length"), [("pix2pix", 1), ("stargan", 5)])
def test_steps_by_graphs_are_captured_ahead_of_the_clock(sky, monkeypatch, name, round_length):
    config, taken = config_of(name), []
    monkeypatch.setattr(profiling, "captured_steps", lambda *_: lambda batches, step, progress: taken.append(step))
    measure(config, task_of(config, sky), sky, CPU, begin=lambda: taken.append("begin"))
    ahead, (warm, *timed) = taken[: taken.index("begin")], taken[taken.index("begin") + 1 :]
    assert ahead == list(range((WARM_UPS + 1) * round_length))
    assert [warm, *timed[:TIMED]] == [0] * (TIMED + 1)


def test_a_step_that_no_graph_can_hold_is_an_answer_where_graphs_are_asked_for(sky, monkeypatch):
    def refuse(batches, step, progress):
        raise TrainingError("train.graphs=on: phase 'generator' cannot be captured")

    config, sent = config_of("pix2pix"), []
    monkeypatch.setattr(profiling, "captured_steps", lambda *_: refuse)
    connection = SimpleNamespace(send=sent.append)
    profiling._work(connection, None, config.name, config.settings(), task_of(config, sky), sky, "cpu")
    assert sent == [(TrainingError, "train.graphs=on: phase 'generator' cannot be captured")]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", ["pix2pix", "stargan"])
def test_on_a_gpu_steps_are_measured_as_they_are_trained(sky, monkeypatch, name):
    config, replayed = config_of(name), []
    replay = _CapturedPhase.replay
    monkeypatch.setattr(_CapturedPhase, "replay", lambda self, *of: replayed.append(self) or replay(self, *of))
    assert measure(config, task_of(config, sky), sky, torch.device("cuda")).seconds_per_step > 0
    assert len(replayed) > TIMED


def die(*arguments: object) -> None:
    os._exit(9)


@pytest.mark.slow
@pytest.mark.usefixtures("preloaded_processes")
def test_a_process_that_dies_is_an_answer(sky, monkeypatch):
    monkeypatch.setattr(profiling, "_work", die)
    config = config_of("pix2pix")
    with pytest.raises(TrainingError, match="its process died with status 9"):
        try_out(config, task_of(config, sky), sky, CPU)


@pytest.mark.slow
@pytest.mark.usefixtures("preloaded_processes")
def test_the_check_prints_and_records_the_estimate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data_set(tmp_path / "sky", paired=True)
    changes = ["train.images=40", "model.width=2", "model.discriminator_width=2", "model.layers=1"]
    options = [word for change in changes for word in ("--set", change)]
    arguments = ["sky", "--size", 16, "--models", "pix2pix", "--device", "cpu", "--json", "found.json", *options]
    run("data", "check", *arguments)
    said = capsys.readouterr()
    assert "trying pix2pix on cpu" in said.err
    assert "estimate on cpu for 40 images: " in said.out
    (verdict,) = json.loads(Path("found.json").read_text())["models"]
    assert verdict["trial"]["steps"] == 20
    assert verdict["trial"]["memory"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "send", "last"),
    [(signal.SIGINT, os.killpg, "i2i: stopped by Ctrl-C\n"), (signal.SIGTERM, os.kill, "trying cyclegan on cpu\n")],
)
def test_the_process_of_a_trial_takes_nothing_from_the_keyboard_and_ends_with_the_command(tmp_path, number, send, last):
    """As the terminal does it, Ctrl-C goes to all processes; it comes while the new one imports torch."""
    data_set(tmp_path / "sky", paired=True)
    command = ["-m", "i2i", "data", "check", "sky", "--size", 32, "--models", "cyclegan", "--device", "cpu"]
    process = Preloaded(command, env=os.environ, cwd=tmp_path, start_new_session=True)
    while "trying" not in process.said():
        assert process.poll() is None, process.said()
        time.sleep(0.05)
    time.sleep(0.4)
    send(process.pid, number)
    assert process.wait(10) == (130 if number == signal.SIGINT else -number)
    with pytest.raises(ProcessLookupError):  # within the seconds that importing takes
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    assert process.said().endswith(last)
    assert "Traceback" not in process.said()

"""Budgets in images, in updates of the generators and in seconds, each alone, and what a schedule makes of them."""

import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
import torch

from i2i import cli, registry
from i2i.config import TrainConfig, merge
from i2i.errors import UserError
from i2i.runs.load import load_translator, require_checkpoint
from i2i.testing import BATCH_SIZE, CPU, Subject
from i2i.training import resume
from i2i.training.budget import TrainingBudget, training_budget
from i2i.training.callbacks.base import Callback
from i2i.training.resume import open_for_resume
from i2i.training.setup import check_trainable, run_config
from i2i.training.trainer import Trainer
from i2i.translator import Coverage, LinearDecay, Task

MODELS = ["pix2pix", "cyclegan", "stargan"]


def trainer(run, name="cyclegan", callbacks=(), **train):
    subject = Subject(registry.get(name))
    return Trainer(run, subject.config(images=None, **train), subject.task, subject.training_images(), CPU, callbacks)


class Clock(Callback):
    """Stops a training after so many steps, and keeps the learning rates."""

    def __init__(self, stop_after=None):
        self.stop_after, self.positions, self.rates = stop_after, [], []

    def on_record(self, record):
        self.rates.append(next(iter(record.learning_rates.values())))

    def on_step(self, position):
        self.positions.append(position)
        if position.step == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def steady(monkeypatch):
    """A clock by which every step takes a second."""
    ticks = iter(range(1_000_000))
    monkeypatch.setattr("i2i.training.trainer.time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))


@pytest.mark.parametrize(("name", "images", "steps"), [("cyclegan", 9, 3), ("cyclegan", 8, 2), ("stargan", 9, 5)])
def test_a_budget_of_images_is_shown_in_whole_steps_the_last_one_included(name, images, steps):
    """Batches of two; of CycleGAN that is four images."""
    subject = Subject(registry.get(name))
    assert training_budget(subject.config(images=images), subject.build()) == TrainingBudget(steps)


@pytest.mark.parametrize("name", MODELS)
def test_a_budget_of_updates_counts_the_generators_steps(tmp_path, name):
    """Adam counts its steps itself."""
    cls, run = registry.get(name), trainer(tmp_path, name, updates=3)
    run.train()
    counted = {
        name: {int(state["step"]) for state in optimizer.state.values()} for name, optimizer in run.optimizers.items()
    }
    declared = run.translator.optimizers().items()
    generators = next(name for name, optimizer in declared if optimizer.networks == cls.generators)
    assert counted[generators] == {3}
    critics = 3 * getattr(run.config.model, "n_critic", 1)
    assert all(steps == {critics} for phase, steps in counted.items() if phase != generators)
    assert run.position.step == critics
    assert run.position.images == critics * BATCH_SIZE * cls.batch.images_per_item


def test_updates_are_refused_where_nobody_says_what_translates(monkeypatch):
    cls = registry.get("cyclegan")
    config = run_config("cyclegan", {"train": {"updates": 3}})
    monkeypatch.setattr(cls, "generators", ())
    with pytest.raises(UserError, match="give the budget in images or seconds"):
        check_trainable(config, Task.covering(Coverage.PAIR, ("a", "b"), (256, 256)))


def test_a_method_that_learns_nothing_has_no_steps_in_any_unit():
    cls = registry.get("identity")
    for budget in ({"images": 5}, {"updates": 5}, {"seconds": 5}):
        config = run_config("identity", {"train": budget})
        task = Task.covering(cls.coverage, ("a", "b"), (16, 16))
        assert training_budget(config, check_trainable(config, task)) == TrainingBudget(0)


@pytest.mark.integration
def test_a_training_stops_when_its_seconds_are_over_and_goes_on_after_resume(tmp_path, steady):
    whole, half, rest = Clock(), Clock(stop_after=3), Clock()
    trainer(tmp_path / "whole", callbacks=(whole,), seconds=5.5, checkpoint_every=3).train()
    assert [position.seconds for position in whole.positions] == [1, 2, 3, 4, 5, 6]
    with suppress(KeyboardInterrupt):
        trainer(tmp_path / "parts", callbacks=(half,), seconds=5.5, checkpoint_every=1).train()
    # The checkpoint is of the second step: the third was broken off ahead of its own.
    parts = require_checkpoint(tmp_path / "parts")
    assert (parts.position.seconds, parts.finished) == (2.0, False)
    trainer(tmp_path / "parts", callbacks=(rest,), seconds=5.5).train()
    assert [position.step for position in rest.positions] == [3, 4, 5, 6]
    last = require_checkpoint(tmp_path / "parts")
    assert (last.position.step, last.position.steps, last.position.seconds) == (6, 6, 6.0)
    assert last.finished
    first, second = (load_translator(tmp_path / name)[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.integration
def test_the_steps_to_do_in_a_time_are_estimated_from_those_done(tmp_path, steady):
    clock = Clock()
    trainer(tmp_path, callbacks=(clock,), seconds=4).train()
    assert [position.steps for position in clock.positions] == [4, 4, 4, 4]
    assert [position.finished for position in clock.positions] == [False, False, False, True]
    assert TrainingBudget(None, 10.0).planned(step=1, seconds=9.9) == 2
    assert TrainingBudget(None, 10.0).planned(step=1, seconds=10.0) == 1
    assert TrainingBudget(None, 10.0).planned(step=0, seconds=0.0) == 1


@pytest.mark.integration
def test_the_learning_rate_falls_by_the_share_of_the_time(tmp_path, steady):
    """As over eight steps, since each takes an eighth of the time."""
    by_time, by_steps = Clock(), Clock()
    trainer(tmp_path / "time", callbacks=(by_time,), seconds=8, log_every=1).train()
    trainer(tmp_path / "steps", callbacks=(by_steps,), updates=8, log_every=1).train()
    assert by_time.rates == by_steps.rates
    assert by_time.rates[0] > by_time.rates[-1] > 0
    assert LinearDecay(0.5).factor(TrainingBudget(None, 0.5).elapsed(9, 0.2), TrainingBudget(None, 0.5).total) == 1


def test_a_part_of_a_training_ends_once(tmp_path):
    steps, time = TrainingBudget(10), TrainingBudget(None, 10.0)
    ends = [step + 1 for step in range(10) if steps.crossed(4, (step, 0.0), (step + 1, 0.0))]
    assert ends == [3, 5, 8, 10]
    assert [second for second in range(1, 12) if time.crossed(4, (0, second - 1.0), (0, float(second)))] == ends
    assert [step + 1 for step in range(2) if TrainingBudget(2).crossed(10, (step, 0.0), (step + 1, 0.0))] == [1, 2]


def test_one_unit_is_chosen_and_the_last_one_said_holds():
    assert TrainConfig().budget == ("images", 200_000)
    assert TrainConfig(seconds=60).budget == ("seconds", 60.0)
    assert merge({"images": 5, "seed": 1}, {"seconds": 7}) == {"seed": 1, "seconds": 7}
    assert merge({"updates": 5}, {"seconds": None, "images": 9}) == {"seconds": None, "images": 9}
    assert merge({"updates": 5}, {"seconds": None}) == {"updates": 5, "seconds": None}
    with pytest.raises(UserError, match=r"setting train does not fit: .* choose one of images=5, seconds=6"):
        run_config("cyclegan", {"train": {"images": 5, "seconds": 6}})
    for budget in ({"updates": 0}, {"seconds": 0}, {"seconds": -1}, {"updates": 1.5}):
        with pytest.raises(UserError, match=rf"setting train\.{next(iter(budget))}="):
            run_config("cyclegan", {"train": budget})


def test_a_budget_keeps_the_key_that_it_had_before_there_were_others():
    """A results folder of before is found again."""
    essentials = run_config("cyclegan", {}).essentials()
    assert "images" in essentials["train"]
    assert not {"updates", "seconds", "best_by", "evaluations"} & set(essentials["train"])
    assert "val_split" not in essentials["data"]
    keys = [run_config("cyclegan", {"train": budget}).key("0") for budget in ({}, {"updates": 7}, {"seconds": 7})]
    assert len(set(keys)) == 3


@pytest.mark.integration
def test_i2i_train_takes_a_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    settings = ["data.image_size=16", "data.scenes=4", "data.test_scenes=2", "model.width=2", "model.blocks=1"]
    settings += ["model.discriminator_width=2", "model.layers=3", "train.seconds=0.3", "train.batch_size=2"]
    command = ["train", "--model", "stargan", "--out", str(tmp_path / "run"), "--device", "cpu"]
    sys.argv = ["i2i", *command, *(f"--set={one}" for one in settings)]
    with suppress(SystemExit):
        cli.main()
    said = capsys.readouterr()
    assert "0 s in steps of 2" in said.err
    position = require_checkpoint(tmp_path / "run").position
    assert position.finished
    assert position.seconds >= 0.3
    assert f"trained {position.step} steps" in said.out
    with pytest.raises(UserError, match=r"larger budget: .* --set train\.seconds="):
        open_for_resume(tmp_path / "run")
    tried = []
    monkeypatch.setattr(resume, "check_trainable", lambda *given: tried.append(given) or check_trainable(*given))
    assert open_for_resume(tmp_path / "run", {"train": {"seconds": 9}})[0].train.seconds == 9
    assert len(tried) == 1  # building a large model takes seconds

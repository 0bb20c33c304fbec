"""Before a long bench starts, a few steps of each method tell how long its training runs take; or nothing is told."""

from multiprocessing import Pipe
from pathlib import Path

import pytest

from i2i import registry
from i2i.benchmarks import bench
from i2i.benchmarks.bench import _Work
from i2i.benchmarks.execution import trials
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.execution.trials import rates, worth_trying
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.jobs.train import Train
from i2i.benchmarks.plan import Plan
from i2i.training.setup import run_config
from tests.robustness.test_bad_input import data_set
from tests.support.facts import plan_facts
from tests.support.job_functions import Nothing

LOCAL = ExecutionOptions(device="cpu", workers=2)


def training(method="a", model="cyclegan", data=None, number=0, amount=4000, unit="images", **train):
    place = {"path": str(data), "image_size": 16} if data else {}
    settings = {
        "model": registry.get(model).test_settings,
        "data": place,
        "train": {"batch_size": 2, unit: amount or 1, **train},
    }
    found = run_config(model, settings).settings()
    del found["model"]["name"]
    return Train(
        id=JobId("train", method, 0, str(number)),
        key="",
        weight=1 + amount,
        run=Path("nowhere"),
        model=model,
        settings=found,
        domains=("dawn", "dusk"),
    )


def names(jobs):
    return [f"{job.method}/{job.id.part}" for job in jobs]


def test_the_first_training_of_each_method_that_nobody_measured_is_tried():
    jobs = [training("a"), training("a", number=1), training("b", "stargan"), training("idle", "identity", amount=0)]
    assert names(worth_trying(jobs, [])) == ["a/0", "b/0"]
    assert names(worth_trying(jobs, [training("a", number=7)])) == ["b/0"]
    assert names(worth_trying(jobs, [Nothing(id=JobId("score", "a", 0))])) == ["a/0", "b/0"]


@pytest.mark.parametrize(
    ("unit", "amount", "worth"),
    [
        ("images", 796, False),
        ("images", 800, True),
        ("updates", 199, False),
        ("updates", 200, True),
        ("seconds", 9, True),
    ],
)
def test_where_all_training_runs_are_short_there_is_no_trial(unit, amount, worth):
    """A step of CycleGAN in batches of two shows four images."""
    assert bool(worth_trying([training(amount=amount, unit=unit)], [])) is worth


@pytest.mark.integration
def test_the_few_steps_are_scaled_to_the_whole_training_and_write_nothing(tmp_path):
    data = data_set(tmp_path / "sky")
    few, many = training(data=data, amount=400), training(data=data, amount=4_000_000)
    before = sorted(tmp_path.rglob("*"))
    seconds = [trials._seconds(job, "cpu") for job in (few, many)]
    assert 0 < 100 * seconds[0] < seconds[1]
    assert sorted(tmp_path.rglob("*")) == before


def test_what_cannot_be_tried_is_unknown(tmp_path):
    assert trials._seconds(training(data=tmp_path / "nowhere"), "cpu") is None


@pytest.mark.slow
def test_a_process_of_its_own_tries_one_after_the_other(tmp_path):
    data = data_set(tmp_path / "sky")
    found = rates(
        [training("a", data=data), training("gone", data=tmp_path / "no"), training("b", data=data)], "cpu", 1
    )
    assert (list(found), found["gone"]) == (["a", "gone", "b"], None)
    assert found["a"] > 0 < found["b"]


def test_a_process_that_is_slow_or_dies_tells_what_it_had_told(monkeypatch):
    monkeypatch.setattr(trials, "SECONDS", 0.01)
    for ended in (False, True):
        ours, theirs = Pipe(duplex=False)
        for answer in ("ready", 1.5, None):
            theirs.send(answer)
        if ended:
            theirs.close()
        assert list(trials._received(ours, 4)) == [1.5, None]


@pytest.fixture
def tried(monkeypatch):
    """Methods that were tried, in place of trying them: a takes 2 s, others cannot be told."""
    asked = []

    def instead(jobs, device, threads):
        asked.extend(job.method for job in jobs)
        return {job.method: 2 / job.weight if job.method == "a" else None for job in jobs}

    monkeypatch.setattr(bench, "rates", instead)
    return asked


def estimate_of(tmp_path, *jobs, execution=LOCAL, trial=True):
    work = _Work(Plan(tmp_path, "sky", (), (), (), {}, (), plan_facts()), (), execution, trial)
    estimate = bench.Estimate(jobs, at_a_time=execution.at_a_time)
    work._try_out(estimate)
    return estimate.text(), work._measured_by(estimate)


def test_a_bench_tells_ahead_what_was_tried_and_what_it_does_not_count(tmp_path, tried, capsys):
    jobs = [
        training("a"),
        training("b"),
        training("idle", "identity", amount=0),
        Nothing(id=JobId("translate", "a", 0)),
    ]
    text, rests_on = estimate_of(tmp_path, *jobs)
    assert tried == ["a", "b"]
    assert text == "about 2 s left, not counting: train of b, translate"
    assert rests_on == ", by a few steps of each model, on 2 workers"
    assert "a few steps of a, b, to tell how long it takes (--no-trial leaves that out)" in capsys.readouterr().err


def test_nothing_is_told_where_nothing_could_be_measured(tmp_path, tried):
    assert estimate_of(tmp_path, training("b"), training("idle", "identity", amount=0))[0] == ""
    assert tried == ["b"]


def test_nothing_is_tried_where_it_is_not_asked_for_or_jobs_run_elsewhere(tmp_path, tried, monkeypatch, capsys):
    assert estimate_of(tmp_path, training("a"), trial=False)[0] == ""
    monkeypatch.setattr(ExecutionOptions, "is_local", False)
    assert estimate_of(tmp_path, training("a"))[0] == ""
    assert (tried, capsys.readouterr().err) == ([], "")

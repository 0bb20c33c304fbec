"""Before a long bench starts, a few steps of each method tell how long its training runs take; or nothing is told."""

import multiprocessing
from pathlib import Path

import pytest

from i2i import registry
from i2i.benchmarks import bench
from i2i.benchmarks.bench import _Work
from i2i.benchmarks.execution import trials
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.execution.local_executor import LocalExecutor
from i2i.benchmarks.execution.scheduler import run_jobs
from i2i.benchmarks.execution.trials import rates, worth_trying
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.jobs.train import Train
from i2i.benchmarks.plan import Plan
from i2i.training.setup import run_config
from tests.robustness.test_bad_input import data_set
from tests.support.facts import plan_facts
from tests.support.job_functions import Nothing, Write, few_steps, named
from tests.support.job_functions import run as run_plainly

LOCAL = ExecutionOptions(device="cpu", workers=2)


class Quiet:
    """A listener that hears nothing."""

    def started(self, job):
        pass

    def progressed(self, job, text):
        pass

    def ended(self, job, error):
        pass


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
    before, reported = sorted(tmp_path.rglob("*")), []
    seconds = [float(trials.few_steps("cpu", job, reported.append)) for job in (few, many)]
    assert 0 < 100 * seconds[0] < seconds[1]
    assert len(reported) == 2
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_workers_try_the_models_and_then_do_the_jobs(tmp_path, preloaded_processes):
    data, executor = data_set(tmp_path / "sky"), LocalExecutor(run_plainly, [None, None], 1)
    found = rates(
        [training("a", data=data), training("gone", data=tmp_path / "no"), training("b", data=data)], executor, "cpu"
    )
    assert (list(found), found["gone"]) == (["a", "gone", "b"], None)
    assert found["a"] > 0 < found["b"]
    workers = {worker.pid for worker in multiprocessing.active_children()}
    written = [tmp_path / str(number) for number in range(4)]
    assert not run_jobs([Write(id=named(path.name), path=path) for path in written], executor, Quiet()).errors
    assert {int(path.read_text()) for path in written} <= workers


@pytest.mark.slow
@pytest.mark.parametrize("method", ["slow", "big"])
def test_a_trial_that_does_not_end_or_kills_its_worker_leaves_workers_for_the_jobs(
    tmp_path, preloaded_processes, monkeypatch, method
):
    """After one that takes too long no other is begun, since all may be as slow."""
    monkeypatch.setattr(trials, "few_steps", few_steps)
    monkeypatch.setattr(trials, "SECONDS", 0.5)
    executor, jobs = LocalExecutor(run_plainly, [None], 1), [training("a"), training(method), training("b")]
    known = 3.0 / jobs[0].weight
    assert rates(jobs, executor, "cpu") == {"a": known, method: None, "b": None if method == "slow" else known}
    job = Write(id=named("job"), path=tmp_path / "job")
    assert not run_jobs([job], executor, Quiet()).errors
    assert job.path.exists()
    assert not multiprocessing.active_children()


@pytest.fixture
def tried(monkeypatch):
    """Methods that were tried, in place of trying them: a takes 2 s, others cannot be told."""
    asked = []

    def instead(jobs, executor, device):
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

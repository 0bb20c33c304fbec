"""Worker processes stay alive between jobs, and a job that fails takes only what needs it along."""

import pytest
import torch
from safetensors.torch import load_file

from i2i.benchmarks.execution.local_executor import LocalExecutor
from i2i.benchmarks.execution.scheduler import Outcome, run_jobs
from i2i.runs.folder import newest_checkpoint
from tests.support.job_functions import BeKilledOnce, Crash, Die, Refuse, TrainBeside, Write, WriteGpus, by_name, named
from tests.support.job_functions import run as run_plainly

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("preloaded_processes")]


class Listener:
    def __init__(self):
        self.order, self.errors, self.losses, self.notes = [], {}, {}, {}

    def started(self, job):
        self.order.append(job.method)

    def progressed(self, job, text):
        pass

    def noted(self, job, text):
        self.notes.setdefault(job.method, []).append(text)

    def lost(self, job, reason):
        self.losses.setdefault(job.method, []).append(reason)

    def ended(self, job, error):
        if error:
            self.errors[job.method] = error


def named_outcome(outcome):
    return Outcome(by_name(outcome.errors), by_name(outcome.not_run))


def run(jobs, workers=1):
    listener = Listener()
    return named_outcome(run_jobs(jobs, LocalExecutor(run_plainly, [None] * workers, 1), listener)), listener


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, preloaded_processes):
    """One run of jobs of every kind: good, failing in three ways, and hopeless."""
    folder = tmp_path_factory.mktemp("jobs")
    jobs = [
        Write(id=named("light"), path=folder / "light"),
        Write(
            id=named("after light"),
            path=folder / "after light",
            needs=(named("light"), named("done long ago")),
            weight=99,
        ),
        Write(id=named("heavy"), path=folder / "heavy", weight=5),
        Refuse(id=named("refused"), weight=4),
        Crash(id=named("crashed"), weight=3),
        Die(id=named("died"), path=folder.with_suffix(".died"), weight=2),
        BeKilledOnce(id=named("killed once"), path=folder / "killed once", weight=1),
        Write(id=named("hopeless"), path=folder / "hopeless", needs=(named("refused"),)),
        Write(id=named("more hopeless"), path=folder / "more hopeless", needs=(named("hopeless"),)),
    ]
    return *run(jobs), folder


def test_a_failing_job_does_not_stop_the_others(outcome):
    result, _, folder = outcome
    assert sorted(path.name for path in folder.iterdir()) == ["after light", "heavy", "killed once", "light"]
    assert result.errors.keys() == {"refused", "crashed", "died"}


def test_each_failure_says_what_happened(outcome):
    result, listener, _ = outcome
    assert result.errors["refused"] == "there is no such thing"
    assert "RuntimeError: an unforeseen thing" in result.errors["crashed"]
    assert result.errors["died"] == "its process died with status 9, each of 3 times that it was started"
    assert result.not_run == {
        "hopeless": "not run, because scores of refused, seed 0 failed",
        "more hopeless": "not run, because scores of hopeless, seed 0 failed",
    }
    assert listener.errors == result.errors | result.not_run


def test_heavy_jobs_start_first_and_none_before_what_it_needs(outcome):
    order = outcome[1].order
    assert order[0] == "heavy"
    assert order.index("light") < order.index("after light")


def test_one_process_runs_many_jobs(outcome):
    folder = outcome[2]
    assert (folder / "light").read_text() == (folder / "after light").read_text()
    assert (folder / "heavy").read_text() != (folder / "light").read_text()  # `died` lay between them


def test_a_job_whose_process_is_killed_starts_again_and_the_reason_is_told(outcome):
    result, listener, folder = outcome
    assert "killed once" not in result.errors
    assert len((folder / "killed once").read_text().split()) == 2
    assert listener.losses["killed once"] == [
        "its process was killed by SIGKILL (out of memory?); it starts again (1 of 2 retries)"
    ]


def test_a_job_that_always_dies_starts_three_times(outcome):
    _, listener, folder = outcome
    assert len(folder.with_suffix(".died").read_text().split()) == 3
    assert len(listener.losses["died"]) == 2


def test_each_process_sees_a_gpu_of_its_own(tmp_path):
    jobs = [WriteGpus(id=named(name), path=tmp_path / name) for name in ("one", "two")]
    run_jobs(jobs, LocalExecutor(run_plainly, ["3", "7"], 1), Listener())
    assert {path.read_text() for path in tmp_path.iterdir()} == {"3", "7"}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_trainings_side_by_side_on_one_gpu_learn_what_they_learn_alone(tmp_path, device="cuda"):
    """As nearly as trainings alone do again: some sums of a GPU come in another order every time."""
    slots = ["0", "0"] if device == "cuda" else [None, None]
    names, pair = ("alone", "again", "one", "other"), (tmp_path / "one", tmp_path / "other")
    jobs = [
        TrainBeside(id=named(name), path=tmp_path / name, others=pair if number > 1 else (), device=device)
        for number, name in enumerate(names)
    ]
    for some, at_a_time in ((jobs[:2], 1), (jobs[2:], 2)):
        assert run_jobs(some, LocalExecutor(run_plainly, slots[:at_a_time], 1), Listener()) == Outcome()
    one, other = (tuple(map(float, (path / "times.txt").read_text().split())) for path in pair)
    assert max(one[0], other[0]) < min(one[1], other[1])  # they did run at the same time
    weights = {name: load_file(newest_checkpoint(tmp_path / name).folder / "model.safetensors") for name in names}
    apart = {name: _furthest(weights["alone"], weights[name]) for name in names}
    assert max(apart["one"], apart["other"]) <= 1e-4 + 10 * apart["again"]


def _furthest(ours, theirs):
    return max(float((value - theirs[name]).abs().max()) for name, value in ours.items())

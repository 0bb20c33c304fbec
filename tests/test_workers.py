"""Worker processes stay alive between jobs, and a job that fails takes only what needs it along."""

import pytest

from i2i.benchmarks.plan import Job
from i2i.benchmarks.workers import run_jobs


class Listener:
    def __init__(self):
        self.order, self.errors = [], {}

    def started(self, job):
        self.order.append(job.name)

    def progressed(self, job, text):
        pass

    def ended(self, job, error):
        if error:
            self.errors[job.name] = error


def run(jobs, workers=1):
    listener = Listener()
    return run_jobs(jobs, "tests.job_functions", workers, 1, listener), listener


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """One run of jobs of every kind: good, failing in three ways, and hopeless."""
    folder = tmp_path_factory.mktemp("jobs")
    jobs = [
        Job("light", "write", {"path": folder / "light"}),
        Job("after light", "write", {"path": folder / "after light"}, needs=("light", "done long ago"), weight=99),
        Job("heavy", "write", {"path": folder / "heavy"}, weight=5),
        Job("refused", "refuse", {}, weight=4),
        Job("crashed", "crash", {}, weight=3),
        Job("died", "die", {}, weight=2),
        Job("hopeless", "write", {"path": folder / "hopeless"}, needs=("refused",)),
        Job("more hopeless", "write", {"path": folder / "more hopeless"}, needs=("hopeless",)),
    ]
    return *run(jobs), folder


def test_a_failing_job_does_not_stop_the_others(outcome):
    result, _, folder = outcome
    assert sorted(path.name for path in folder.iterdir()) == ["after light", "heavy", "light"]
    assert result.errors.keys() == {"refused", "crashed", "died"}


def test_each_failure_says_what_happened(outcome):
    result, listener, _ = outcome
    assert result.errors["refused"] == "there is no such thing"
    assert "RuntimeError: an unforeseen thing" in result.errors["crashed"]
    assert "died with status 9" in result.errors["died"]
    assert result.not_run == {
        "hopeless": "not run, because refused failed",
        "more hopeless": "not run, because hopeless failed",
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

"""The order of jobs, retries and what is told, whatever the executor."""

import pytest

from i2i.benchmarks.execution.scheduler import Event, run_jobs
from tests.bench.test_local_executor import Listener, named_outcome
from tests.support.job_functions import Nothing, by_name, named


class Scripted:
    """Ends jobs as it is told, in the order of their starts; those without a script are done at once."""

    def __init__(self, room=1, **endings):
        self.room, self.endings = room, endings
        self.starts, self.running, self.stopped = [], [], False

    def free(self):
        return len(self.running) < self.room

    def start(self, job):
        assert self.free()
        self.starts.append(job.method)
        self.running.append(job.id)

    def events(self):
        assert self.running, "asked although nothing runs"
        job = self.running.pop(0)
        name = job.method
        kind = next(self.endings[name]) if name in self.endings else "done"
        return [Event(job, "started"), Event(job, kind, "" if kind == "done" else f"{name} is {kind}")]

    def stop(self):
        self.stopped = True


def test_a_lost_job_goes_before_those_that_wait():
    executor, listener = Scripted(one=iter(["lost", "done"])), Listener()
    outcome = run_jobs([Nothing(id=named("one"), weight=2), Nothing(id=named("two"), weight=1)], executor, listener)
    assert executor.starts == ["one", "one", "two"]
    assert listener.losses == {"one": ["one is lost; it starts again (1 of 2 retries)"]}
    assert not outcome.errors


def test_a_job_that_is_lost_each_time_fails_with_the_reason_and_takes_along_what_needs_it():
    executor, listener = Scripted(one=iter(["lost"] * 9)), Listener()
    outcome = named_outcome(
        run_jobs([Nothing(id=named("one")), Nothing(id=named("two"), needs=(named("one"),))], executor, listener)
    )
    assert executor.starts == ["one"] * 3
    assert outcome.errors == {"one": "one is lost, each of 3 times that it was started"}
    assert outcome.not_run == {"two": "not run, because scores of one, seed 0 failed"}
    assert listener.errors == outcome.errors | outcome.not_run


def test_an_error_is_not_tried_again():
    executor = Scripted(one=iter(["failed"] * 9))
    assert by_name(run_jobs([Nothing(id=named("one"))], executor, Listener()).errors) == {"one": "one is failed"}
    assert executor.starts == ["one"]


def test_as_many_jobs_run_as_the_executor_takes():
    executor = Scripted(room=2)
    run_jobs(
        [Nothing(id=named(name), needs=needs) for name, needs in (("a", ()), ("b", (named("a"),)), ("c", ()))],
        executor,
        Listener(),
    )
    assert executor.starts == ["a", "c", "b"]


def test_the_executor_is_stopped_when_somebody_interrupts():
    executor, listener = Scripted(), Listener()
    listener.started = lambda job: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run_jobs([Nothing(id=named("one"))], executor, listener)
    assert executor.stopped

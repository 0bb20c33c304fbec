"""The time left is what was measured of jobs of the same kind, and of kinds without any nothing is said."""

import pytest

from i2i.benchmarks.execution.estimate import Estimate
from i2i.benchmarks.job_id import JobId
from tests.support.job_functions import Nothing


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def job(name, kind="train", method="a", weight=100.0):
    return Nothing(id=JobId(kind, method, 0, name), weight=weight)


@pytest.fixture
def clock():
    return Clock()


def test_nothing_is_said_before_anything_was_measured(clock):
    estimate = Estimate([job("one"), job("two")], clock=clock)
    assert estimate.text() == ""
    estimate.started(job("one"))
    clock.now = 50
    assert estimate.text() == ""
    estimate.progressed(job("one"), "3%, 12 images/s, 5 min left")
    assert estimate.text() == ""


def test_a_running_job_tells_how_long_it_and_its_like_take(clock):
    estimate = Estimate([job("one"), job("two"), job("half", weight=50)], clock=clock)
    estimate.started(job("one"))
    clock.now = 30
    estimate.progressed(job("one"), "25%, 12 images/s, 5 min left")
    assert estimate.text() == "about 4 min 30 s left"  # 90 + 120 + 60
    clock.now = 150
    estimate.ended(job("one"), well=True)
    assert estimate.text() == "about 3 min 45 s left"  # it took 150 in the end: 150 + 75


def test_jobs_side_by_side_share_the_time_but_none_is_shorter_than_itself(clock):
    estimate = Estimate([job("one"), job("two"), job("long", weight=500)], [(job("zero"), 10)], clock)
    estimate.started(job("one"))
    estimate.started(job("two"))
    assert estimate.text() == "about 50 s left"


def test_a_method_is_measured_by_its_own_and_else_by_others(clock):
    measured = [(job("a1"), 10), (job("b1", method="b"), 40)]
    assert Estimate([job("a2")], measured, clock).text() == "about 10 s left"
    assert Estimate([job("b2", method="b")], measured, clock).text() == "about 40 s left"
    assert Estimate([job("c2", method="c")], measured, clock).text() == "about 25 s left"


def test_kinds_that_were_not_measured_are_named_and_not_counted(clock):
    left = [job("a2"), job("scores", "score", weight=0), job("real", "score_real", None, weight=0)]
    assert Estimate(left, [(job("a1"), 10)], clock).text() == "about 10 s left, not counting: score"
    measured = [(job("a1"), 10), (job("earlier", "score", "b", weight=0), 7)]
    assert Estimate(left, measured, clock).text() == "about 24 s left"  # real images are scored like others


def test_no_time_is_told_where_all_that_is_left_was_not_measured(clock):
    estimate = Estimate([job("one"), job("two", "score", weight=0)], [(job("zero"), 10)], clock)
    estimate.started(job("one"))
    clock.now = 9.5
    assert estimate.text() == ""
    clock.now = 5
    assert estimate.text() == "about 5 s left, not counting: score"
    assert Estimate([job("one")], [(job("zero"), 0.1)], clock).text() == "about 0 s left"


def test_failed_jobs_measure_nothing_and_lost_ones_wait_again(clock):
    estimate = Estimate([job("one"), job("two")], clock=clock)
    estimate.started(job("one"))
    estimate.progressed(job("one"), "2 of 4 directions")
    clock.now = 20
    estimate.stopped(job("one"))
    assert estimate.text() == ""
    estimate.started(job("one"))
    clock.now = 30
    estimate.ended(job("one"), well=False)
    assert estimate.text() == ""


def test_a_few_steps_tell_of_training_runs_until_they_are_measured(clock):
    left = [job("a1"), job("a2"), job("b1", method="b"), job("pages", "translate", weight=0)]
    estimate = Estimate(left, clock=clock, tried={"a": 0.5, "b": 2.0}, at_a_time=2)
    assert estimate.text() == "about 3 min 20 s left, not counting: translate"  # b1 alone; all would be 150 a worker
    estimate.started(job("b1", method="b"))
    clock.now = 30
    estimate.progressed(job("b1", method="b"), "50%, 12 images/s, 30 s left")
    assert estimate.text() == "about 1 min 5 s left, not counting: translate"  # half of 30 + 50 + 50
    estimate.ended(job("b1", method="b"), well=True)
    assert estimate.text() == "about 50 s left, not counting: translate"  # a is not taken to be like b


def test_a_method_whose_steps_could_not_be_measured_is_named(clock):
    left = [job("a1"), job("b1", method="b")]
    assert (
        Estimate(left, clock=clock, tried={"a": 0.5, "b": None}).text() == "about 50 s left, not counting: train of b"
    )


def test_what_was_measured_replaces_what_was_tried(clock):
    assert Estimate([job("a2")], [(job("a1"), 10)], clock, tried={"a": 0.5}).text() == "about 10 s left"

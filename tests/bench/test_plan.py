"""The plan serves every direction with as few training runs as the method allows, and spends the budget given."""

from pathlib import Path

import pytest

from i2i.benchmarks.directions import expand
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.labels import LabelSpace
from tests.support.facts import plan_facts
from tests.support.job_functions import Nothing

NAMES = tuple("abcdef")


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize(
    ("coverage", "count"),
    [("direction", lambda k: k * (k - 1)), ("pair", lambda k: k * (k - 1) // 2), ("all", lambda k: 1)],
)
def test_k_domains_need_the_known_number_of_training_runs(k, coverage, count):
    domains = NAMES[:k]
    training_runs = expand("m", coverage, domains, LabelSpace.of_domains(domains).directions, 1000, "dataset", 0)
    assert len(training_runs) == count(k)
    served = [direction for training in training_runs for direction in training.serves]
    assert sorted(served) == sorted(LabelSpace.of_domains(domains).directions)
    assert len({training.folder for training in training_runs}) == len(training_runs)


@pytest.mark.parametrize("coverage", ["direction", "pair", "all"])
def test_budget_per_data_set_is_divided_and_per_task_is_not(coverage):
    domains = NAMES[:3]
    for per, total in (("dataset", 600), ("task", None)):
        training_runs = expand("m", coverage, domains, LabelSpace.of_domains(domains).directions, 600, per, 0)
        assert sum(t.amount for t in training_runs) == (total or 600 * len(training_runs))


def test_chosen_directions_leave_out_the_other_training_runs():
    chosen = (("a", "b"), ("b", "a"), ("c", "a"))
    pairs = expand("m", "pair", NAMES[:3], chosen, 100, "dataset", 0)
    assert [training.domains for training in pairs] == [("a", "b"), ("a", "c")]
    assert [training.serves for training in pairs] == [(("a", "b"), ("b", "a")), (("c", "a"),)]
    single = expand("m", "direction", NAMES[:3], chosen, 100, "dataset", 0)
    assert [training.folder.name for training in single] == ["a2b", "b2a", "c2a"]


@pytest.mark.parametrize("per", ["dataset", "task"])
@pytest.mark.parametrize(("images", "share"), [(0, 0), (1, 1)])
def test_every_training_of_a_method_that_learns_is_shown_an_image_and_of_others_none(images, share, per):
    training_runs = expand("m", "direction", NAMES[:3], LabelSpace.of_domains(NAMES[:3]).directions, images, per, 0)
    assert {training.amount for training in training_runs} == {share}


def test_dry_run_has_one_line_per_job_and_one_per_skipped_model():
    ways = LabelSpace.of_domains(NAMES[:2]).directions
    training_runs = expand("m", "all", NAMES[:2], ways, 1234, "dataset", 0)
    jobs = (Nothing(id=training_runs[0].id), Nothing(id=JobId("score", "m", 0)))
    plan = Plan(
        Path("out"),
        "data",
        NAMES[:2],
        LabelSpace.of_domains(NAMES[:2]).directions,
        training_runs,
        {"pix2pix": "no pairs"},
        jobs,
        plan_facts(),
    )
    assert plan.lines() == [
        "skip       pix2pix: no pairs",
        "train      m/seed0/all  (1,234 images)",
        "score      scores of m, seed 0",
        "report     out",
    ]

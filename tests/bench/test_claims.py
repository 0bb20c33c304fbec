"""A claim is called shown only if the scores of the bench have its ordering, in the direction of its metric."""

import pandas as pd
import pytest

from i2i.benchmarks.analysis.results import COLUMNS, Results
from i2i.benchmarks.directions import expand
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.markdown import claim_lines, markdown
from i2i.benchmarks.suite.claims import Claim, metric_of, verdict_on
from i2i.benchmarks.suite.schema import Suite
from i2i.labels import LabelSpace
from tests.support.facts import plan_facts

PAIR = Claim(metric="psnr", order=("both", "gan"), says="L1 helps")
CHAIN = Claim(metric="psnr", order=("both", "l1", "gan"), says="both help")


@pytest.mark.parametrize(
    ("claim", "means", "higher", "verdict"),
    [
        (PAIR, {"both": 24.1, "gan": 20.3}, True, "shown: both 24.10 > gan 20.30"),
        (PAIR, {"both": 20.3, "gan": 24.1}, True, "not shown: both 20.30 < gan 24.10"),
        (PAIR, {"both": 20.3, "gan": 24.1}, False, "shown: both 20.30 < gan 24.10"),
        (PAIR, {"both": 24.1, "gan": 20.3}, False, "not shown: both 24.10 > gan 20.30"),
        (PAIR, {"both": 24.104, "gan": 24.101}, True, "not shown: both 24.10 = gan 24.10"),
        (CHAIN, {"both": 3, "l1": 2, "gan": 1}, True, "shown: both 3.00 > l1 2.00 > gan 1.00"),
        (CHAIN, {"both": 3, "l1": 1, "gan": 2}, True, "not shown: both 3.00 > l1 1.00 < gan 2.00"),
        (PAIR, {"both": 24.1}, True, "not tested: this bench has no psnr of gan"),
        (PAIR, {"both": float("nan"), "gan": 20.3}, True, "not tested: this bench has no psnr of both"),
    ],
)
def test_an_ordering_is_confirmed_or_denied_in_words(claim, means, higher, verdict):
    assert verdict_on(claim, means, higher, 2) == verdict


@pytest.mark.parametrize("name", ["fid", "FD-domain-classifier", "FD-efficientnet_lite0-57934424"])
def test_a_claim_about_the_distance_is_about_whichever_the_bench_has(name):
    claim = Claim(metric="FD", order=("both", "gan"), says="L1 helps")
    assert metric_of(claim, ["accuracy", "KID-x", name, "FD-other"]) == name
    assert metric_of(claim, ["accuracy"]) == "FD"
    assert metric_of(PAIR, ["accuracy", name]) == "psnr"


def report(tmp_path, scores: dict[tuple[str, str, int], float], claims: list[Claim], seeds: tuple[int, ...] = (0,)):
    """Plan and results of a bench with these values by method, metric and seed."""
    domains = ("a", "b")
    names = dict.fromkeys(name for name, _, _ in scores)
    suite = Suite(models=("pix2pix",), claims=tuple(claims), seeds=seeds)
    facts = {
        "dataset": "made up",
        "fingerprint": "0" * 16,
        "image_size": "16x16",
        "budget": suite.budget.model_dump(),
        "suite": suite.model_dump(mode="json"),
    }
    ways = LabelSpace.of_domains(domains).directions
    training_runs = [
        training
        for name in names
        for seed in seeds
        for training in expand(name, "pair", domains, ways, 10, "dataset", seed)
    ]
    plan = Plan(
        tmp_path,
        "made up",
        domains,
        LabelSpace.of_domains(domains).directions,
        tuple(training_runs),
        {},
        (),
        plan_facts(**facts),
    )
    rows = [
        ("made up", name, seed, source, target, metric, value + offset, 5)
        for (name, metric, seed), value in scores.items()
        for (source, target), offset in zip(plan.directions, (-1, 1), strict=True)
    ]
    return plan, Results(pd.DataFrame(rows, columns=COLUMNS), {}, {})


@pytest.mark.parametrize(
    ("metric", "better", "worse", "sign"),
    [("psnr", 24.1, 20.3, ">"), ("FD-domain-classifier", 1.5, 5.25, "<"), ("fid", 50, 60, "<")],
)
def test_the_report_knows_which_direction_of_a_metric_is_better(tmp_path, metric, better, worse, sign):
    claim = Claim(metric=metric, order=("both", "gan"), says="L1 helps")
    for first, second, word in ((better, worse, "shown"), (worse, better, "not shown")):
        plan, results = report(tmp_path, {("both", metric, 0): first, ("gan", metric, 0): second}, [claim])
        (line,) = claim_lines(plan, results)
        assert line.startswith(f"L1 helps: {word}: both {first:.2f} ")
        assert (f" {sign} gan" in line) == (word == "shown")


def test_verdicts_stand_below_the_table_with_a_warning_about_a_single_seed(tmp_path):
    scores = {("both", "psnr", 0): 24.1, ("gan", "psnr", 0): 20.3}
    other = Claim(metric="ssim", order=("gan", "both"), says="GAN is sharper")
    text = markdown(*report(tmp_path, scores, [PAIR, other]))
    table, section = text.split("## Claims")
    assert "| both |" in table
    assert "- L1 helps: shown: both 24.10 > gan 20.30 (PSNR, dB ↑)" in section
    assert "- GAN is sharper: not tested: this bench has no ssim of gan, both (SSIM ↑)" in section
    assert "One seed" in section


def test_several_seeds_are_scored_by_their_mean(tmp_path):
    scores = {("both", "psnr", 0): 20, ("both", "psnr", 1): 26, ("gan", "psnr", 0): 21, ("gan", "psnr", 1): 22}
    plan, results = report(tmp_path, scores, [PAIR], seeds=(0, 1))
    assert claim_lines(plan, results) == ["L1 helps: shown: both 23.00 > gan 21.50 (PSNR, dB ↑)"]
    assert "One seed" not in markdown(plan, results)


def test_scores_of_several_seeds_have_the_deviation_of_the_seeds_means(tmp_path):
    """Directions differ by 2 here, which must not count as a deviation between seeds."""
    scores = {("both", "psnr", 0): 20, ("both", "psnr", 1): 26, ("gan", "psnr", 0): 21}
    text = markdown(*report(tmp_path, scores, [], seeds=(0, 1)))
    table, _, by_direction = text.partition("## PSNR, dB ↑ by direction")
    assert "| **23.00 ± 4.24** ‡ |" in next(line for line in table.splitlines() if line.startswith("| both |"))
    assert "| 21.00 |" in next(line for line in table.splitlines() if line.startswith("| gan |"))
    assert "| a → b | 22.00 ± 4.24 | 20.00 |" in by_direction
    assert "± standard deviation over 2 seeds (0, 1;" in table
    assert "gan: only 1 of 2 seeds were finished" in table
    assert "both: only" not in table


def test_a_single_seed_has_no_deviation(tmp_path):
    text = markdown(*report(tmp_path, {("both", "psnr", 0): 20}, []))
    assert "| 20.00 |" in text
    assert "±" not in text


def test_a_suite_without_claims_has_no_section_for_them(tmp_path):
    assert "Claims" not in markdown(*report(tmp_path, {("both", "psnr", 0): 24.1}, []))

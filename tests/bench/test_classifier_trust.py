"""A classifier that hardly knows real images ranks nobody, and every table says so."""

from dataclasses import replace

import pandas as pd
import pytest

from i2i.benchmarks.analysis.classifier_trust import doubts
from i2i.benchmarks.analysis.frames import Details
from i2i.benchmarks.analysis.significance import signs
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.figures.cost_and_size import cost_figure
from i2i.benchmarks.report.figures.heat_maps import heat_maps
from i2i.benchmarks.report.figures.learning_curves import figure as curves
from i2i.benchmarks.report.html.content import facts
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.report.terminal_table import shown
from tests.bench.test_outputs import PROTOCOL, made_up

RESTING = {"accuracy", "FD-domain-classifier", "KID-domain-classifier", "content-domain-classifier"}


def classified(tmp_path, real, one=0.5, two=0.4, domains=("a", "b"), n=60, extra=()):
    """A bench in which real images and two translators have these accuracies."""
    scores = {("one", "accuracy"): [one], ("two", "accuracy"): [two], ("real", "accuracy"): [real]}
    for name in ("one", "two"):
        scores |= {(name, metric): [1.0 + len(name)] for metric in (*(RESTING - {"accuracy"}), "psnr", "fid", *extra)}
    plan, results = made_up(tmp_path, scores, domains=domains)
    return plan, replace(results, scores=results.scores.assign(n=n))


def doubted(tmp_path, real, *accuracies, **options):
    return set(doubts(*classified(tmp_path, real, *accuracies, **options), ["one", "two"]))


@pytest.mark.parametrize(
    ("real", "options", "expected"),
    [
        (0.5, {}, RESTING),
        (0.794, {}, RESTING),  # its interval ends at 0.713, halfway is 0.75
        (0.9, {}, set()),
        (1.0, {}, set()),
        (1.0, {"n": 4}, RESTING),  # eight images of eight say no more than 0.676
        (1.0, {"n": 6}, set()),
        (0.55, {"domains": ("a", "b", "c"), "n": 100}, RESTING),  # guessing gets a third, halfway is two thirds
        (0.75, {"domains": ("a", "b", "c"), "n": 100}, set()),
        (0.75, {"domains": ("a", "b"), "n": 100}, RESTING),
    ],
)
def test_the_interval_of_real_images_must_reach_halfway_from_guessing_to_one(tmp_path, real, options, expected):
    assert doubted(tmp_path, real, **options) == expected


def test_translations_that_score_above_real_images_are_not_ranked_by_it_but_by_distances(tmp_path):
    assert doubted(tmp_path, 0.9, 0.99) == {"accuracy"}
    assert doubted(tmp_path, 0.9, 0.91) == set()
    assert doubted(tmp_path, 1.0, 1.0) == set()


def test_features_of_other_networks_and_closeness_to_the_truth_are_never_in_doubt(tmp_path):
    assert doubted(tmp_path, 0.5, extra=("FD-timm-x", "FD-domain-classifier-1a2b3c4d")) == RESTING


def test_gan_train_answers_for_itself(tmp_path):
    plan, results = classified(tmp_path, 1.0, extra=("gan-train",))
    bad = {"dataset": "d", "model": "real", "seed": 0, "metric": "gan-train", "value": 0.5, "n": 60}
    rows = [{**bad, "source": domain, "target": domain} for domain in ("a", "b")]
    scores = pd.concat([results.scores, pd.DataFrame(rows)], ignore_index=True)
    assert set(doubts(plan, replace(results, scores=scores), ["one", "two"])) == {"gan-train"}


def test_guessing_is_by_the_answers_there_are_to_a_domain(tmp_path):
    """Of six attributes each is there or not: guessing is right of half, not of a sixth."""
    plan, results = classified(tmp_path, 0.65, domains=tuple("abcdef"), n=300)
    assert doubts(plan, results, []) == {}
    row = {"model": "real", "seed": 0, "count": 1}
    rows = [{**row, "source": d, "target": d, "predicted": f"{sign}{d}"} for d in "abcdef" for sign in "+-"]
    details = replace(Details.gather(), confusion=pd.DataFrame(rows))
    assert set(doubts(plan, replace(results, details=details), [])) == RESTING


def test_without_real_images_nothing_is_doubted(tmp_path):
    plan, results = classified(tmp_path, 0.5)
    scores = results.scores[results.scores["model"] != "real"]
    assert doubts(plan, replace(results, scores=scores), ["one"]) == {}


@pytest.mark.integration
def test_every_table_warns_and_prints_nothing_bold_that_rests_on_such_a_classifier(tmp_path):
    plan, results = classified(tmp_path, 0.5, 0.9)
    warning = "the domain classifier recognises 0.500 of the real test images (95% interval"
    text = markdown(plan, results)
    assert f"- Warning (!): {warning}" in text
    header, _, one, two = text.splitlines()[2:6]
    cells = {head.strip(): cell.strip() for head, cell in zip(header.split("|"), one.split("|"), strict=True)}
    assert cells["accuracy ↑ (!)"] == "0.900"
    assert cells["FD-domain-classifier ↓ (!)"] == "4.00"
    assert (cells["FID ↓"], "**4.00**" in two) == ("**4.00** ‡", True)
    tex = latex.table(plan, results, PROTOCOL)
    assert r"Warning (!): the domain classifier recognises 0.500" in tex
    assert r"$\mathbf{0.900}$" not in tex and "$0.900$" in tex
    terminal = shown(plan, results).text("x", 200)
    assert warning in terminal.replace("\n", " ")
    assert "0.900*" not in terminal and " 0.900 " in terminal
    page = facts(plan, results, {"fingerprint": PROTOCOL})
    (line,) = page["warnings"]
    assert warning in line
    place = [metric["title"] for metric in page["metrics"]].index("accuracy ↑")
    assert page["metrics"][place]["sign"] == " (!)"
    assert all("rank" not in row[place] and "mark" not in row[place] for view in page["views"] for row in view["rows"])
    found = {one["metric"]: one["doubt"] for one in results_json(plan, results, PROTOCOL)["comparisons"]}
    assert warning in found["accuracy"] and found["psnr"] is None


def words(figure):
    texts = [text.get_text() for text in figure.texts]
    return [" ".join(text.split()) for text in (*texts, *(axes.get_ylabel() for axes in figure.axes)) if text]


@pytest.mark.integration
@pytest.mark.parametrize(("real", "marked"), [(0.5, True), (1.0, False)])
def test_every_figure_marks_the_metrics_that_rest_on_such_a_classifier(tmp_path, real, marked):
    plan, results = classified(tmp_path, real, domains=("a", "b", "c"), n=100)
    told = [text for text in words(heat_maps(plan, results)) if "(!)" in text]
    assert len(told) == (len(RESTING) if marked else 0)
    assert not [text for text in told if "PSNR" in text or text.startswith("FID")]
    alone = replace(results, scores=results.scores[results.scores["metric"] != "fid"])
    (label,) = [text for text in words(cost_figure(plan, alone)) if "is better" in text]
    assert label == f"FD-domain-classifier{' (!)' * marked} (lower is better)"
    once = dict.fromkeys(("model", "training"), "one") | {"metric": "accuracy", "seed": 0}
    course = pd.DataFrame([{**once, **dict.fromkeys(("evaluation", "images", "value"), n)} for n in (1, 2)])
    (label,) = [text for text in words(curves(course, "images", signs(plan, results))) if "is better" in text]
    assert label == f"accuracy{' (!)' * marked} (higher is better)"


def test_who_always_answers_alike_is_not_trusted_by_a_table_of_one_target(tmp_path):
    plan, results = classified(tmp_path, 1.0)
    wrong = (results.scores["model"] == "real") & (results.scores["target"] == "b")
    results.scores.loc[wrong, "value"] = 0.0
    text = markdown(plan, results, by="direction")
    assert "accuracy ↑ (!)" in text.splitlines()[2]
    assert "recognises 0.500" in text

"""Intervals, warnings, predictions, distances of fewer images reach tables, JSON, figures; without, nothing breaks."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import pandas as pd
import pytest

from i2i.benchmarks.analysis.frames import Details, ScoreFrames
from i2i.benchmarks.analysis.results import collect
from i2i.benchmarks.job_id import REAL_SCORES, JobId
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.detail_tables import curve, health
from i2i.benchmarks.report.figures import redraw
from i2i.benchmarks.report.figures.confusion_maps import confusion_maps
from i2i.benchmarks.report.figures.cost_and_size import size_figure
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.report.terminal_table import shown
from tests.bench.test_outputs import PROTOCOL, made_up
from tests.support.facts import with_facts

DISTANCES = {(name, metric): [1.0] for name in ("one", "two") for metric in ("accuracy", "FD-x", "KID-x", "psnr")}
WAYS = [("a", "b"), ("b", "a")]
REAL = {"real_version": 2}


def flag(raised: bool, way=("a", "b"), name="copied"):
    place = {"source": way[0], "target": way[1], "flag": name}
    return {
        **place,
        "value": 0.04,
        "threshold": 0.1,
        "above": False,
        "raised": raised,
        "says": "the outputs are inputs",
    }


def contents():
    """A score file with everything in it."""
    ways = [{"source": source, "target": target} for source, target in WAYS]
    return {
        "key": "k",
        "features": None,
        "rows": [{**way, "metric": metric, "value": 1.0, "n": 60} for way in ways for metric in ("FD-x", "psnr")],
        "intervals": [{**way, "metric": "FD-x", "low": 0.5, "high": 1.75, "level": 0.95} for way in ways],
        "flags": [flag(True), flag(False, ("b", "a")), flag(False, name="noise"), flag(False, ("b", "a"), "noise")],
        "confusion": [{**way, "predicted": {way["source"]: 45, way["target"]: 15}} for way in ways],
        "spreads": [{**way, "metric": "KID-x", "deviation": 0.25, "subset": 50} for way in ways],
        "by_n": [{**way, "metric": "FD-x", "n": n, "value": 60 / n} for way in ways for n in (15, 30, 60)],
    }


def told(tmp_path, seeds=1, reference=(), **changes):
    """Plan and results of the methods one and two, the first with all details."""
    scores = {place: values * seeds for place, values in DISTANCES.items()}
    plan, results = made_up(tmp_path, scores, domains=("a", "b"), reference=reference)
    files = [ScoreFrames("one", seed, {**contents(), **changes}, tmp_path / "none.csv") for seed in range(seeds)]
    return plan, replace(results, details=Details.gather(files))


def test_score_files_are_read_with_all_that_they_hold(tmp_path):
    plan, _ = told(tmp_path)
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "one-seed0.json").write_text(json.dumps(contents()))
    table = "source,target,image,metric,value\na,b,007,psnr,21.5\na,b,NA,psnr,inf\nb,a,007,psnr,nan\n"
    (tmp_path / "scores" / "one-seed0.images.csv").write_text(table)
    results = collect(plan, {})
    assert results.methods == ["one"]
    assert len(results.details.flags) == 4
    images = results.details.images
    assert list(images["image"]) == ["007", "NA", "007"]
    assert images["value"].tolist() == pytest.approx([21.5, float("inf"), float("nan")], nan_ok=True)
    assert set(images["model"]) == {"one"}


def test_scores_of_a_job_that_failed_or_is_not_done_are_not_read_though_they_lie_there(tmp_path):
    plan, _ = told(tmp_path, seeds=2)
    (tmp_path / "scores").mkdir()
    for name in ("one-seed0", "one-seed1", "two-seed0", "real"):
        (tmp_path / "scores" / f"{name}.json").write_text(json.dumps(contents()))
    results = collect(plan, {JobId("score", "one", 1): "no room"}, {REAL_SCORES: "to do"})
    assert results.rows == ["one", "two"]
    assert set(results.scores["seed"]) == {0}
    assert set(results.details.flags["model"]) == {"one", "two"}
    text = markdown(plan, results)
    for name in ("one", "two"):
        assert f"{name}: only 1 of 2 seeds were finished." in text
    assert "were finished" not in markdown(plan, replace(results, scores=told(tmp_path, seeds=2)[1].scores))


@pytest.mark.parametrize(("numbers", "said"), [([60, 60], "60 of a domain"), ([12, 60], "12 to 60 of a domain")])
def test_the_caption_tells_how_many_images_the_row_real_compares(tmp_path, numbers, said):
    plan, _ = told(tmp_path)
    rows = [
        {"source": domain, "target": domain, "metric": "FD-domain-classifier", "value": 1.0, "n": n}
        for domain, n in zip("ab", numbers, strict=True)
    ]
    (tmp_path / "scores").mkdir()
    for name, own in (("one-seed0", [{**row, "n": 7} for row in rows]), ("real", rows)):
        (tmp_path / "scores" / f"{name}.json").write_text(json.dumps({**contents(), "rows": own}))
    older, newer = (markdown(with_facts(plan, **facts), collect(plan, {})) for facts in ({}, REAL))
    assert f"row `real`: training against test images, {said} on either side" in newer
    assert "row `real`: training against test images)" in older


def test_older_score_files_leave_the_parts_out(tmp_path):
    plan, _ = told(tmp_path)
    (tmp_path / "scores").mkdir()
    rows = {"key": "k", "rows": contents()["rows"]}
    for name in ("one", "two"):
        (tmp_path / "scores" / f"{name}-seed0.json").write_text(json.dumps(rows))
    results = collect(plan, {})
    text = markdown(plan, results)
    for part in ("health", "Health", "taken for", "number of images\n", "brackets"):
        assert part not in text
    assert "flags" not in results_json(plan, results, PROTOCOL)["models"]["one"]
    assert {"cost.png", "cost.pdf", "cost.svg"} >= set(redraw.draw(plan, results))
    assert "Health" not in latex.table(plan, results, PROTOCOL)


@pytest.mark.integration
def test_the_health_column_says_what_went_up_and_how_often(tmp_path):
    plan, results = told(tmp_path)
    assert health(results, "one") == "copied in 1 of 2"
    assert health(results, "two") == "–"
    fine = told(tmp_path, flags=[flag(False)])[1]
    assert health(fine, "one") == "ok"
    everywhere = told(tmp_path, flags=[flag(True), flag(True, ("b", "a")), flag(True, name="noise")])[1]
    assert health(everywhere, "one") == "copied, noise"
    text = markdown(plan, results)
    assert "| copied in 1 of 2 |" in text
    assert text.count("| one | a → b | copied | 0.04 | below 0.1 | the outputs are inputs |") == 1
    assert "| one | b → a | copied" not in text
    assert "No warning." in markdown(plan, fine)
    assert "copied in 1 of 2" in latex.table(plan, results, PROTOCOL)
    assert "copied" in shown(plan, results).text("x", 100)


@pytest.mark.integration
def test_few_images_put_kid_first_and_are_warned_of(tmp_path):
    plan, results = told(tmp_path)
    assert results.metrics == ["accuracy", "KID-x", "FD-x", "psnr"]
    assert "Warning: with 5 images a direction (below 2,048)" in markdown(plan, results)
    assert "Fewer than 2,048 images" in latex.table(plan, results, PROTOCOL)
    many = replace(results, scores=results.scores.assign(n=2048))
    assert many.metrics == ["accuracy", "FD-x", "KID-x", "psnr"]
    assert "Warning" not in markdown(plan, many)


def test_intervals_stand_beside_the_scores_of_their_direction(tmp_path):
    plan, results = told(tmp_path)
    _, _, section = markdown(plan, results).partition("## FD-x ↓ by direction")
    assert "| a → b | 1.00 [0.50, 1.75] | 1.00 |" in section
    assert "the interval (95%) for the distance of other test images, equally many" in section
    found = results_json(plan, results, PROTOCOL)["models"]["one"]["scores"]["FD-x"]["directions"]["a2b"]
    assert found["intervals"] == {"0": {"low": 0.5, "high": 1.75, "level": 0.95}}


@pytest.mark.integration
def test_predictions_are_counted_over_the_seeds(tmp_path):
    plan, results = told(tmp_path, seeds=2)
    text = markdown(plan, results)
    assert "| model | direction | a | b |" in text
    assert "| one | a → b | 90 | 30 |" in text
    assert "| one | b → a | 30 | 90 |" in text
    assert len(results_json(plan, results, PROTOCOL)["models"]["one"]["confusion"]) == 8


def test_the_map_of_predictions_has_directions_down_and_shares_of_domains_across(tmp_path):
    figure = confusion_maps(*told(tmp_path))
    (shares,) = [axes.images[0].get_array().tolist() for axes in figure.axes if axes.images]
    assert shares == [[0.75, 0.25], [0.25, 0.75]]
    frames = [patch.get_xy() for patch in figure.axes[0].patches]
    assert frames == [(0.5, -0.5), (-0.5, 0.5)]
    assert confusion_maps(*made_up(tmp_path, DISTANCES)) is None


def test_distances_of_fewer_images_are_means_over_directions_at_numbers_that_all_have(tmp_path):
    plan, results = told(tmp_path)
    assert curve(results, "FD-x", "one") == {15: 4.0, 30: 2.0, 60: 1.0}
    fewer = [row for row in contents()["by_n"] if (row["source"], row["n"]) != ("b", 60)]
    assert list(curve(told(tmp_path, by_n=fewer)[1], "FD-x", "one")) == [15, 30]
    assert "| model | 15 | 30 | 60 |\n| --- | ---: | ---: | ---: |\n| one | 4.00 | 2.00 | 1.00 |" in markdown(
        plan, results
    )
    (axes,) = size_figure(plan, results).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[15, 4], [30, 2], [60, 1]]
    assert axes.get_xscale() == "log"


def test_json_has_every_test_with_its_corrected_p_value(tmp_path):
    plan, results = told(tmp_path)
    rows = [("one", 0, *way, str(i), "psnr", 1.0) for way in WAYS for i in range(8)]
    rows += [("two", 0, *way, str(i), "psnr", 1.0 + i) for way in WAYS for i in range(8)]
    columns = ["model", "seed", "source", "target", "image", "metric", "value"]
    results = replace(results, details=replace(results.details, images=pd.DataFrame(rows, columns=columns)))
    found = results_json(plan, results, PROTOCOL)
    json.dumps(found, allow_nan=False)
    by_metric = {comparison["metric"]: comparison for comparison in found["comparisons"]}
    assert by_metric["FD-x"]["tests"] == []
    assert not by_metric["FD-x"]["tested"]
    assert by_metric["psnr"]["tests"] == [
        {"a": "one", "b": "two", "over": "images", "n": 8, "p": 2 / 2**7, "p_corrected": 2 / 2**7}
    ]
    assert found["models"]["one"]["by_n"][0] == {
        "seed": 0,
        "source": "a",
        "target": "b",
        "metric": "FD-x",
        "n": 15,
        "value": 4.0,
    }


@pytest.mark.slow
def test_figures_are_drawn_again_only_if_the_results_or_a_file_changed(tmp_path):
    plan, results = told(tmp_path)
    names = redraw.draw(plan, results)
    assert {"confusion.png", "sizes.pdf", "cost.png"} <= set(names)

    def times():
        return {name: (tmp_path / name).stat().st_mtime_ns for name in names}

    before = times()
    assert redraw.draw(plan, results) == names
    assert times() == before
    (tmp_path / "cost.png").write_bytes(b"something else")
    redraw.draw(plan, results)
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")
    assert times()["sizes.png"] == before["sizes.png"]
    changed = replace(results, scores=results.scores.assign(value=2.0))
    redraw.draw(plan, changed)
    assert times()["sizes.png"] != before["sizes.png"]


@pytest.mark.integration
def test_many_columns_go_on_below_and_fit_the_page_of_a_bare_article(tmp_path):
    compiler = shutil.which("pdflatex")
    if compiler is None:
        pytest.skip("pdflatex is not installed")
    metrics = [
        "accuracy",
        "KID-domain-classifier",
        "FD-domain-classifier",
        "psnr",
        "ssim",
        "l1",
        "content-ssim",
        "cycle",
    ]
    scores = {(name, metric): [1.0, 2.5] for name in ("pix2pix", "a rather long name") for metric in metrics}
    plan, results = made_up(tmp_path, scores)
    text = latex.table(plan, results, PROTOCOL, "target")
    assert text.count(r"\begin{tabular}") > 1
    assert re.findall(r"\\emph\{(.)\}", text)[:3] == ["a", "b", "c"]
    (tmp_path / "table.tex").write_text(text, encoding="utf-8")
    head = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
    (tmp_path / "paper.tex").write_text(head + "\\input{table.tex}\n\\end{document}\n")
    command = [compiler, "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout

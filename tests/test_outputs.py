"""Tables, figures and JSON of made-up results say what the results say, whatever the names are."""

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from i2i.benchmarks import figures, latex
from i2i.benchmarks.as_json import results_json
from i2i.benchmarks.costs import Costs
from i2i.benchmarks.curves import cost_figure, main_metric
from i2i.benchmarks.heat_maps import heat_maps
from i2i.benchmarks.plan import Plan, expand
from i2i.benchmarks.report import markdown
from i2i.benchmarks.results import COLUMNS, Results
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.benchmarks.suite import Suite
from i2i.labels import LabelSpace

PROTOCOL = "0123456789abcdef"


def made_up(
    tmp_path,
    scores: dict[tuple[str, str], list[float]],
    domains=("a", "b", "c"),
    dataset="made up",
    reference=(),
    untrained=(),
):
    """Plan and results with these values by contestant and metric, one per seed, the same in every direction."""
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
        "reference_rows": list(reference),
    }
    trainings = [
        training
        for name in names
        for seed in seeds
        for training in expand(name, "all", domains, directions, 10, "dataset", seed)
    ]
    plan = Plan(tmp_path, dataset, domains, directions, tuple(trainings), {}, (), facts)
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
    assert rows["two"][-2:] == [r"$\mathbf{25.10} \pm 0.14$", r"$\underline{9.00} \pm 0.00^{\dagger}$"]
    assert rows["one"][-2:] == [r"$\underline{21.00} \pm 1.41^{\dagger}$", r"$\mathbf{6.00} \pm 1.41$"]
    assert rows["three"][-2:] == [r"$19.00 \pm 0.00$", r"$\mathbf{6.00} \pm 0.00$"]
    assert rows["copy"][-2:] == [r"$99.00 \pm 0.00$", "--"]
    assert rows["real"][-2:] == ["--", "$0.50$"]
    assert rows["one"][:4] == ["2", "3.00", "40.0", "60"]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b & 50% #1", r"a\_b \& 50\% \#1"),
        (r"$x^2$ {~} \end", r"\$x\textasciicircum{}2\$ \{\textasciitilde{}\} \textbackslash{}end"),
        ("été naïve", r"\'{e}t\'{e} na\"{\i}ve".replace(r"\i", "i")),
        ("↑ ±", r"$\uparrow$ $\pm$"),
        ("犬\n", "[U+72AC] "),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
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


def test_the_deviation_is_that_of_a_sample():
    values = [1.0, 2.0, 4.5]
    assert Score(dict(enumerate(values))).deviation == pytest.approx(np.std(values, ddof=1))


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
    return [np.ma.filled(axes.images[0].get_array(), np.nan) for axes in figure.axes if axes.images]


def test_heat_maps_have_a_row_per_metric_a_column_per_contestant_and_a_blank_diagonal(tmp_path):
    figure = heat_maps(*made_up(tmp_path, SCORES))
    maps = maps_of(figure)
    assert len(maps) == 2 * 4
    away = ~np.eye(3, dtype=bool)
    assert all(np.isnan(np.diag(values)).all() for values in maps)
    assert (maps[0][away] == 21).all()
    assert maps[1][away] == pytest.approx(25.1)
    limits = {axes.images[0].get_clim() for axes in figure.axes if axes.images}
    assert limits == {(19.0, 99.0), (6.0, 9.0)}
    texts = {text.get_text() for text in figure.texts} | {axes.get_title() for axes in figure.axes}
    assert {"PSNR, dB\N{NO-BREAK SPACE}↑", "FID\N{NO-BREAK SPACE}↓", "one", "two", "three", "copy"} <= texts


def test_colours_of_heat_maps_end_where_translators_do_and_not_with_a_reference_row(tmp_path):
    figure = heat_maps(*made_up(tmp_path, SCORES, reference=["copy"]))
    limits = {axes.images[0].get_clim() for axes in figure.axes if axes.images}
    assert limits == {(19.0, 25.1), (6.0, 9.0)}


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


def test_names_of_what_was_not_trained_stand_beside_the_points(tmp_path):
    figure = cost_figure(*made_up(tmp_path, {**SCORES, ("copy", "fid"): [9.0, 9.0]}, untrained=["copy"]))
    (axes,) = figure.axes
    (level,) = [text for text in axes.texts if "not trained" in text.get_text()]
    (box,) = extents(figure, [level])
    assert axes.get_window_extent().x1 < box.x0 and box.x1 <= figure.bbox.x1


def test_source_runs_down_and_target_to_the_right(tmp_path):
    plan, results = made_up(tmp_path, {("one", "psnr"): [1.0]})
    results.scores.loc[(results.scores["source"] == "a") & (results.scores["target"] == "c"), "value"] = 7.0
    assert maps_of(heat_maps(plan, results))[0][0, 2] == 7


def test_two_domains_have_no_heat_maps_and_those_of_before_are_removed(tmp_path):
    assert {"heatmaps.png", "heatmaps.pdf", "cost.png", "cost.pdf"} == set(figures.draw(*made_up(tmp_path, SCORES)))
    assert figures.draw(*made_up(tmp_path, SCORES, ("a", "b"))) == ["cost.png", "cost.pdf"]
    assert not list(tmp_path.glob("heatmaps.*"))
    assert (tmp_path / "cost.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(tmp_path / "cost.png") as picture:
        assert min(picture.size) >= 1000


def test_the_cost_figure_names_every_contestant_and_its_seconds(tmp_path):
    axes = cost_figure(*made_up(tmp_path, SCORES, reference=["copy"])).axes[0]
    assert {text.get_text(): text.xy for text in axes.texts} == {
        "one": (60, 6),
        "two": (61, 9),
        "three": (62, pytest.approx(6, abs=1e-2)),
    }
    assert "FID (lower is better)" in axes.get_ylabel()


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
    assert figures.draw(plan, nothing) == []
    assert "- everything: failed" in markdown(plan, nothing)

"""One name with everything in it goes through every file that shows names, and acts in none of them."""

import ast
import csv
import io
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import i2i
from i2i.benchmarks.analysis.csv_frames import as_csv
from i2i.benchmarks.analysis.learning_curves import COURSE
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.figures import learning_curves
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.results_folder.score_file import read_images, write_images
from i2i.conversion import model_card
from i2i.training.validation import COLUMNS
from tests.bench.test_outputs import PROTOCOL, made_up

NASTY = "=1+1|<img src=x>\n# [x](http://y) ![z](w) `~~` **b** $x$ \x1b[2J\u202e {%} \\end"
ACTIONS = {"link_open", "image", "html_inline", "html_block", "s_open", "strong_open", "em_open"}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def parsed(text: str) -> list[Token]:
    """The tokens of Markdown, those within lines too."""
    return [token for block in PARSER.parse(text) for token in (block, *(block.children or ()))]


def actions(text: str) -> list[str]:
    """What acts in Markdown, and what a terminal would obey."""
    return [token.type for token in parsed(text) if token.type in ACTIONS] + [
        char for char in "\x1b\u202e" if char in text
    ]


@pytest.fixture
def bench(tmp_path):
    domains = (f"a{NASTY}", f"b{NASTY}")
    return made_up(tmp_path, {(NASTY, "psnr"): [20.0], ("two", "psnr"): [25.0]}, domains, NASTY)


def test_a_name_does_not_act_in_the_markdown_of_a_bench(bench):
    text = markdown(*bench)
    assert actions(text) == ["strong_open"]  # of the best score
    assert "**25.00**" in text
    head, *rows = "".join(f" {token.type}" for token in parsed(text)).split("tr_open")[1:4]
    assert {row.count("td_open") for row in rows} == {head.count("th_open")}


def test_a_name_does_not_act_in_latex(bench):
    text = latex.table(*bench, PROTOCOL)
    assert not [part for part in ("\x1b", "\u202e", r" \end", "$x$", "{%}") if part in text]


def test_a_name_is_no_formula_in_any_table_and_is_read_back(bench, tmp_path):
    _, results = bench
    cells = [cell for row in csv.reader(io.StringIO(as_csv(results.scores))) for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]
    entries = [{"source": NASTY, "target": "-b", "image": "@x", "metric": "psnr", "value": -1.5}]
    write_images(tmp_path / "x.csv", entries)
    assert "\n=" not in (tmp_path / "x.csv").read_text()
    assert read_images(tmp_path / "x.csv").to_dict("records") == entries


def test_a_name_is_found_in_a_table_of_scores_that_was_written(bench, tmp_path):
    plan, results = bench
    (tmp_path / "results.csv").write_text(as_csv(results.scores))
    facts = {"settings": {"model": {"name": NASTY}}, "task": {"directions": [list(way) for way in plan.directions]}}
    rows = model_card.read_scores(model_card.CardOptions(scores=tmp_path / "results.csv"), facts)
    assert {(row["model"], row["source"]) for row in rows} == {(NASTY, source) for source, _ in plan.directions}
    assert not actions(model_card._table(rows))


def test_a_name_does_not_act_in_a_model_card():
    domains = [f"a{NASTY}", f"b{NASTY}"]
    facts = {
        "settings": {"model": {"name": NASTY}, "data": {"path": f"```\n{NASTY}\n"}},
        "task": {"domains": domains, "directions": [domains], "image_size": [16, 16], "channels": 3},
        "data": {"name": NASTY, "drawn": False, "counts": {"train": dict.fromkeys(domains, 2)}},
        "parameters": 1,
        "inference": "dropout off",
        "i2i": "0",
        **dict.fromkeys(("step", "steps", "images", "seconds"), 1),
    }
    text = model_card.card(facts, model_card.CardOptions(license=NASTY), (), "")
    _, front, body = text.split("---\n", 2)
    assert "\x1b" not in front
    assert not actions(body)
    assert [token.tag for token in parsed(body) if token.type == "heading_open"] == ["h1", *["h2"] * 4]
    (settings,) = [token.content for token in parsed(body) if token.type == "fence"]
    assert yaml.safe_load(settings) == facts["settings"]


def test_a_name_is_no_formula_of_matplotlib():
    rows = [
        {**dict.fromkeys(COLUMNS, 1), "model": name, "seed": 0, "training": "x", "evaluation": n, "metric": "psnr"}
        for name in ("$x^2$", r"$\frac$")
        for n in (0, 1)
    ]
    drawn = learning_curves.figure(pd.DataFrame(rows, columns=COURSE), "images")
    drawn.draw_without_rendering()


@pytest.mark.integration
def test_nothing_is_printed_past_the_one_way_out():
    """Scripts that measure print their own numbers; a dying process has its own words."""
    root = Path(i2i.__file__).parent
    files = [path for folder, _, names in os.walk(root, followlinks=True) for path in (Path(folder, n) for n in names)]
    sources = {path: path.read_text() for path in files if path.suffix == ".py" and path.name != "heartbeats.py"}
    calls = [
        path.name
        for path, text in sources.items()
        if "__main__" not in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []

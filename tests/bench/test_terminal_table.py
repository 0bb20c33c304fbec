"""The result table on the terminal fits it, keeps words and numbers whole, and says what it leaves out."""

import re

import pytest

from i2i.benchmarks.report.terminal import TerminalTable
from i2i.benchmarks.report.terminal_table import LEGEND, shown
from i2i.utils.text import terminal
from i2i.utils.text_table import fitted_table
from tests.bench.test_frames import told
from tests.bench.test_outputs import made_up

METRICS = ["accuracy", "KID-domain-classifier", "FD-domain-classifier", "psnr", "ssim", "l1", "content-ssim", "cycle"]


def wide(tmp_path):
    names = ("pix2pix", "cyclegan-without-identity", "stargan")
    return shown(*made_up(tmp_path, {(name, metric): [0.5, 0.75] for name in names for metric in METRICS}))


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_the_table_is_no_wider_than_the_terminal_and_breaks_no_word(tmp_path, width):
    text = wide(tmp_path).text("bench/x/table.md", width)
    assert max(map(len, text.splitlines())) <= width
    words = set(re.findall(r"[\w.±*-]+", text))
    assert {"pix2pix", "stargan", "0.625", "accuracy"} <= words
    assert {"cyclegan-without-identity"} <= words or "cyclegan-without-identit" not in text
    cells = [cell.strip() for line in text.splitlines() if line.startswith("│") for cell in line.strip("│").split("│")]
    assert not [cell for cell in cells if re.fullmatch(r"[\d.]+ ±", cell)]


@pytest.mark.parametrize("width", [60, 80, 140])
def test_nothing_in_the_table_is_an_escape_where_names_hold_none(tmp_path, width):
    text = wide(tmp_path).text("bench/x/table.md", width)
    assert "↑" in text
    assert terminal(text) == text


@pytest.mark.parametrize("width", [20, 24, 28, 32, 40, 60, 140])
def test_marks_are_explained_only_where_the_table_shows_them(tmp_path, width):
    scores = {(name, "accuracy"): [0.5] for name in ("one", "two", "real")}  # nobody is ranked by guessing
    scores |= {("one", "psnr"): [20.0], ("two", "psnr"): [21.0], ("one", "kid"): [-0.1], ("two", "kid"): [3.0]}
    text = shown(*made_up(tmp_path, scores)).text("t", width)
    table = "".join(line for line in text.splitlines() if line.startswith("│"))
    for mark, says in LEGEND.items():
        assert (mark in table) == (f"{mark} {says}" in " ".join(text.split()))


def left_out(table, width):
    text = " ".join(table.text("bench/x/table.md", width).split())
    told = re.search(r"No room for (.*?): bench/x/table.md has all columns", text)
    return told[1].split("; ") if told else []


@pytest.mark.integration
def test_columns_go_in_the_order_that_is_stated_and_the_file_with_all_of_them_is_named(tmp_path):
    table = wide(tmp_path)
    _, _, *metrics, n = table.header
    order = [n, *reversed(metrics)]
    seen = [left_out(table, width) for width in range(300, 40, -4)]
    assert len({len(names) for names in seen}) > 4
    assert all(set(names) == set(order[: len(names)]) for names in seen)


def test_health_is_the_last_to_go_but_one_score(tmp_path):
    table = shown(*told(tmp_path))
    spare = [table.header[place] for place in table.spare]
    assert (spare[0], spare[-1]) == ("n", "health")
    assert table.header[1] not in spare


def test_a_table_is_printed_for_the_terminal_of_the_moment_from_what_was_written_down(tmp_path):
    table = wide(tmp_path)
    again = TerminalTable.model_validate_json(table.model_dump_json())
    assert again.text("t", 80) == table.text("t", 80) != table.text("t", 120)


def test_words_wrap_and_escapes_of_terminals_are_written_out():
    text, left = fitted_table(["name", "says"], [["a\x1b[2J", "some longer words in a row"]], [], [], 30)
    assert (left, "\x1b" in text, r"\x1b[2J" in text) == ([], False, True)
    assert max(map(len, text.splitlines())) <= 30
    assert "some longer" in text and "row" in text

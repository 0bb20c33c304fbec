"""Words from outside act in no medium that shows them."""

import doctest

import pytest

from i2i import texts
from i2i.texts import csv_cell, from_csv_cell, markdown, one_line, terminal


def test_the_examples_of_the_docstrings():
    assert doctest.testmod(texts).failed == 0


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "\x9b2J", "a\u202eb", "\udcff", "\x07", "a\u2028b"])
def test_nothing_that_acts_reaches_a_terminal(text):
    for shown in (one_line(text), terminal(text), markdown(text)):
        assert shown.isprintable()
        shown.encode()


def test_text_of_several_lines_keeps_them_and_nothing_else():
    assert terminal("a\nb\x1b[2J") == "a\nb\\x1b[2J"
    assert one_line("a\nb") == "a\\nb"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "''x", "plain", "", "a=b"])
def test_a_cell_is_no_formula_and_its_text_comes_back(text):
    assert not csv_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert from_csv_cell(csv_cell(text)) == text

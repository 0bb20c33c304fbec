"""Words from outside act in no medium that shows them."""

import pytest

from i2i.utils.text import code, csv_cell, csv_row, fenced, from_csv_cell, markdown, one_line, prose, terminal

ACTING = [
    "**bold**",
    "_emphasis_",
    "[a](javascript:x)",
    "![a](http://x/y.png)",
    "[a]: http://x",
    "[a][b]",
    "<img src=x>",
    "<http://x>",
    "a|b",
    "`code`",
    "~~gone~~",
    "$x^2$",
    "&lt;",
    "&#60;",
    "http://x.y",
    "https://x.y",
    "www.x.y",
    "# heading",
    "> quote",
    "- item",
    "+ item",
    "12) item",
    "1. item",
    "---",
    "===",
    "\\*",
]


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "\x9b2J", "a\u202eb", "\udcff", "\x07", "a\u2028b"])
def test_nothing_that_acts_reaches_a_terminal(text):
    for shown in (one_line(text), terminal(text), markdown(text), prose(text), code(text)):
        assert shown.isprintable()
        shown.encode()


def test_text_of_several_lines_keeps_them_and_nothing_else():
    assert terminal("a\nb\x1b[2J") == "a\nb\\x1b[2J"
    assert one_line("a\nb") == "a\\nb"


def without_escapes(text: str) -> str:
    """What is left of Markdown once every escaped character is gone."""
    kept = iter(text)
    return "".join(char for char in kept if char != "\\" or not next(kept, ""))


@pytest.mark.parametrize("text", ACTING)
def test_what_acts_in_markdown_is_escaped_and_nothing_is_lost(text):
    shown = markdown(text)
    assert shown != text
    assert without_escapes(shown) not in (text, *ACTING)
    assert "".join(char for char in shown if char != "\\") == text.replace("\\", "")


@pytest.mark.parametrize(
    "text", ["Black_Hair", "-0.50", "a - b", "1.00 [0.50, 1.75]", "x > y", "R&B", "20.5", "C#", "a.b"]
)
def test_what_does_not_act_stays_readable(text):
    assert markdown(text) == prose(text) == text


@pytest.mark.parametrize("name", ["a`b", "``", "` <img> `", "`x", "<b>`", "a`**b**`c"])
def test_a_name_with_backticks_opens_nothing_in_a_sentence(name):
    outside = "".join(without_escapes(prose(f"{name}: is `n`.")).split("`")[::2])
    assert "<" not in outside
    assert "**" not in outside


@pytest.mark.parametrize("text", ["a", "a`b", "`", "``a", "a ```` b"])
def test_code_ends_where_it_ends(text):
    ticks = len(shown := code(text)) - len(shown.lstrip("`"))
    assert "`" * ticks not in shown[ticks:-ticks]
    lines = fenced(f"x\n{text}\n```\n", "yaml").split("\n")
    assert [line for line in lines if line.strip("`") == "" and len(line) >= len(lines[-1])] == [lines[-1]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "'=1", "''x", "plain", "", "a=b"])
def test_a_cell_is_no_formula_and_its_text_comes_back(text):
    assert not csv_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert from_csv_cell(csv_cell(text)) == text


def test_numbers_in_a_row_stay_numbers():
    assert csv_row({"image": "-1", "value": -1.5}) == {"image": "'-1", "value": -1.5}

"""Tables on the terminal."""

from i2i.utils.text_table import WIDTH, text_table


def test_cells_are_shown_as_they_are_and_long_ones_are_folded_and_not_cut():
    long = "x" * 200
    text = text_table(["name", "[bold]n"], [["[red]one[/red]", 12], [long, 3]], right=[1], title="all")
    lines = text.splitlines()
    assert lines[0].strip() == "all"
    assert "[red]one[/red]" in text and "[bold]n" in text
    assert text.count("x") == 200
    assert max(map(len, lines)) <= WIDTH


def test_numbers_stand_on_the_right():
    (one,) = [line for line in text_table(["a", "b"], [["1", "2"], ["100", "200"]], [1]).splitlines() if " 2 " in line]
    assert one == "│ 1   │   2 │"

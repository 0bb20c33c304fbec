"""Figures are read at print size: numbers, names and maps do not lie on one another."""

from itertools import combinations, pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.critical_difference import critical_difference
from i2i.benchmarks.report.figures.sheet import Sheet
from i2i.benchmarks.report.figures.style import broken, name_powers


@pytest.mark.parametrize("way", ["x", "y"])
@pytest.mark.parametrize(("low", "high"), [(28, 388), (17, 620), (0.02, 0.9), (9, 101), (3, 40_000), (1e-4, 1e5)])
def test_numbers_of_a_logarithmic_axis_are_several_and_do_not_overlap(way, low, high):
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.add_subplot()
    axes.tick_params(labelsize=8)
    axis = {"x": axes.xaxis, "y": axes.yaxis}[way]
    getattr(axes, f"set_{way}scale")("log")
    getattr(axes, f"set_{way}lim")(low / 1.6, high * 1.6)
    name_powers(axis)
    canvas.draw()
    labels = [tick.label1 for tick in axis.get_major_ticks() + axis.get_minor_ticks() if tick.label1.get_text()]
    boxes = [
        label.get_window_extent()
        for label in labels
        if low / 1.6 <= float(label.get_text().replace(",", "")) <= high * 1.6
    ]
    spans = sorted((box.x0, box.x1) if way == "x" else (box.y0, box.y1) for box in boxes)
    assert len(spans) >= 2
    assert all(one[1] < other[0] for one, other in pairwise(spans))


@pytest.mark.integration
@pytest.mark.parametrize(("rows", "side"), [(1, 1.0), (1, 13.4), (4, 1.5)])
@pytest.mark.parametrize("methods", [1, 6, 14])
def test_maps_of_any_number_of_methods_stand_apart_on_a_sheet_that_shrinks_least(rows, side, methods):
    sheet = Sheet(rows, methods, min(side, 1.9), side, 1.5, 1.2)
    axes = [sheet.place(row, method) for row in range(rows) for method in range(methods)]
    axes += [bar for row in range(rows) for bar in sheet.bars(row)]
    boxes = [one.get_window_extent() for one in axes]
    assert all(sheet.figure.bbox.x0 < box.x0 and box.x1 < sheet.figure.bbox.x1 for box in boxes)
    assert all(sheet.figure.bbox.y0 < box.y0 and box.y1 < sheet.figure.bbox.y1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    if rows == 1 and side == 1.0:
        across, up = sheet.figure.get_size_inches()
        assert max(across / 8.5, up / 11) < 1.05


def test_bands_of_maps_are_filled_alike():
    assert Sheet(7, 12, 1.28, 1.28, 1.7, 1.7).columns == 6


PAGE_LETTERS = 7  # points that letters of nine have in the text of a page of 8.5 by 11 inches


@pytest.mark.parametrize(("rows", "methods"), [(1, 1), (3, 6), (10, 2), (10, 12), (1, 40)])
@pytest.mark.parametrize("side", [0.5, 1.28, 3.0, 9.0])
def test_pages_hold_every_map_once_in_letters_of_five_points_where_one_map_allows_it(rows, methods, side):
    pages = Sheet(rows, methods, side, side, 1.7, 1.7).pages() or [(range(rows), range(methods))]
    held = [(row, method) for some, others in pages for row in some for method in others]
    assert sorted(held) == [(row, method) for row in range(rows) for method in range(methods)]
    for some, others in pages:
        across, up = Sheet(len(some), len(others), side, side, 1.7, 1.7).figure.get_size_inches()
        assert PAGE_LETTERS / max(across / 8.5, up / 11, 1) >= 5 or len(some) == len(others) == 1


def test_a_sheet_that_fits_is_not_parted():
    assert Sheet(2, 3, 1.0, 1.0, 1.0, 1.0).pages() == []


def test_names_beside_critical_differences_stand_apart():
    names = [f"stargan-{'x' * place}-without-cycle-consistency_loss" for place in range(1, 13)]
    figure = critical_difference(names, list(range(1, 13)), 5.89, "Mean rank")
    figure.canvas.draw()
    texts = [text for text in figure.axes[0].texts if text.get_text().strip()]
    boxes = [text.get_window_extent() for text in texts]
    assert sum("stargan" in text.get_text() for text in texts) == 12
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


@pytest.mark.parametrize(
    ("name", "letters", "lines"),
    [
        ("stargan", 20, ["stargan"]),
        ("van_gogh_late_period", 12, ["van_gogh_", "late_period"]),
        ("photo → winter", 9, ["photo →", "winter"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("", 3, [""]),
        ("_a", 5, ["_a"]),
    ],
)
def test_names_are_broken_after_their_parts_and_lose_nothing(name, letters, lines):
    assert broken(name, letters).split("\n") == lines
    assert "".join(lines).replace(" ", "") == name.replace(" ", "")

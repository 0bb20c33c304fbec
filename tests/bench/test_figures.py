"""Figures are read at print size: no two numbers of an axis lie on one another."""

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from i2i.benchmarks.report.figures.style import name_powers


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

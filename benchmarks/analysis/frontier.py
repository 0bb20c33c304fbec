"""Which methods are worth their cost: those that nothing as cheap is better than."""

from collections.abc import Mapping


def frontier(points: Mapping[str, tuple[float, float]], higher_is_better: bool) -> list[str]:
    """The Pareto frontier: names without another that costs no more and is better, or is as good and costs less.

    Args:
        points: by name, cost and value.
        higher_is_better: of values.

    Returns:
        The names, the cheapest first; their values get better from one to the next. Of equal points the first.
    """
    sign = -1 if higher_is_better else 1
    found, best = [], float("inf")
    for name, (_, value) in sorted(points.items(), key=lambda item: (item[1][0], sign * item[1][1])):
        if sign * value < best:
            found.append(name)
            best = sign * value
    return found

"""How a method looks in figures: a colour and a marker that go with its name, in every figure and every bench."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#332288", "#882255")
"""Told apart with any kind of colour vision: six of Okabe and Ito's, and two dark ones of Tol's."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
PAIRS = len(COLORS) * len(MARKERS)
SALT = 10205
"""Such that pix2pix, CycleGAN, StarGAN and the baselines have colours and markers of their own."""


@dataclass(frozen=True)
class Style:
    """A colour and a marker, as matplotlib takes them."""

    color: str
    marker: str


def styles(names: Iterable[str]) -> dict[str, Style]:
    """The style of each method: its name alone decides.

    Where two of them have the same, the later in the alphabet takes the next marker and, after all of these, the next
    colour; more than 64 repeat.
    """
    found: dict[str, Style] = {}
    for name in sorted(set(names)):
        first = _number(name)
        own = [_style(first + step) for step in range(PAIRS)]
        found[name] = next((style for style in own if style not in found.values()), own[0])
    return found


def _number(name: str) -> int:
    """Where a name's style stands among all pairs."""
    color, marker = sha256(f"{SALT} {name}".encode(errors="surrogateescape")).digest()[:2]
    return color % len(COLORS) * len(MARKERS) + marker % len(MARKERS)


def _style(number: int) -> Style:
    return Style(COLORS[number // len(MARKERS) % len(COLORS)], MARKERS[number % len(MARKERS)])

"""Which methods each trial compares, in which direction, of which image and in which positions: balanced by counting.

Every choice is among the options that were taken least often, by this rater and then by all, and a seeded one among
equals. So a rater who stops early leaves balanced answers too, and no rater has to see everything (incomplete blocks).
"""

import random
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import TypeVar

from i2i.benchmarks.directions import Direction

Option = TypeVar("Option", bound=Hashable)
Block = tuple[str, ...]


@dataclass(frozen=True)
class Stimulus:
    """An image in a direction, and the methods by position."""

    direction: Direction
    image: int
    methods: Block


@dataclass
class Design:
    """The choices for all raters of a study, one rater after the other.

    Attributes:
        blocks: the groups of methods that can stand in a trial.
        images: by direction, how many inputs there are.
        random: decides among equals.
        of_rater: what this rater has seen, which two designs can share; `next_rater` clears it.
    """

    blocks: Sequence[Block]
    images: dict[Direction, int]
    random: random.Random
    of_rater: Counter[Hashable] = field(default_factory=Counter)
    _of_all: Counter[Hashable] = field(default_factory=Counter)

    def next_rater(self) -> None:
        """Begin another rater, who has seen nothing."""
        self.of_rater.clear()

    def draw(self) -> Stimulus:
        """The next trial of the rater."""
        members = self._least(self.blocks, lambda block: [*block, *combinations(sorted(block), 2)])
        direction = self._least(
            list(self.images), lambda direction: [direction, *((direction, method) for method in members)]
        )
        image = self._least(range(self.images[direction]), lambda number: [(direction, number)])
        order = self._least(list(permutations(members)), lambda order: list(enumerate(order)))
        return Stimulus(direction, image, order)

    def _least(self, options: Sequence[Option], counted: Callable[[Option], Iterable[Hashable]]) -> Option:
        """The option whose parts were taken least often, which are then counted."""
        costs = [self._cost(counted(option)) for option in options]
        least = min(costs)
        chosen = self.random.choice([option for option, cost in zip(options, costs, strict=True) if cost == least])
        parts = list(counted(chosen))
        self.of_rater.update(parts)
        self._of_all.update(parts)
        return chosen

    def _cost(self, parts: Iterable[Hashable]) -> tuple[int, int]:
        listed = list(parts)
        return sum(self.of_rater[part] for part in listed), sum(self._of_all[part] for part in listed)


def blocks_of(methods: Sequence[str], size: int) -> list[Block]:
    """All groups of so many different methods."""
    return list(combinations(methods, size))

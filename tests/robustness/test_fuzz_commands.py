"""Random command lines end in words; `tests/robustness/fuzz_commands.py` has more of them."""

import random
import sys

import pytest

from tests.robustness import fuzz_commands
from tests.robustness.fuzz_commands import ALL, command_line, fault, faults
from tests.robustness.test_bad_input import place as place


@pytest.mark.slow
def test_random_command_lines_end_in_words(place):
    fuzz_commands.prepare(place)
    assert list(faults(seed=0, count=25)) == []


def test_every_command_is_tried():
    rng = random.Random(0)
    lines = [command_line(rng) for _ in range(400)]
    assert {words for words, _ in ALL} <= {tuple(line[: len(words)]) for words, _ in ALL for line in lines}


def test_a_mistake_of_the_program_is_a_fault(place, monkeypatch):
    def broken(**options: object) -> None:
        raise KeyError("gone")

    monkeypatch.setattr(sys.modules["i2i.cli"], "_program", lambda: broken)
    assert "KeyError" in (fault(["models"]) or "")

"""Votes and entries come from others: with any contents and a right checksum they end in words, or are read."""

import json
import random

import pytest

from i2i.benchmarks.board.compare import grouped
from i2i.benchmarks.board.entry import read_entry
from i2i.benchmarks.board.write import write
from i2i.benchmarks.human_study.answer_key import AnswerKey, Trial
from i2i.benchmarks.human_study.findings import findings
from i2i.benchmarks.human_study.rules import Rules
from i2i.benchmarks.human_study.votes import read_all
from i2i.config import stable_hash
from i2i.errors import UserError
from i2i.utils.checksums import sealed
from tests.bench.test_board import entry
from tests.support.raters import saved, votes

VALUES = (None, True, -1, 0, 3.5, 1e300, 2**70, "", "1", "x" * 300, "\x1b[2J</script>", [], [1], {}, {"a": 1})


def key_of(raters=2):
    trials = [
        Trial(kind=kind, question="better", source="a", target="b", image=f"{n}", methods=("x", "y"), right=right)
        for n, (kind, right) in enumerate([("scored", None)] * 6 + [("vigilance", 0)])
    ]
    return AnswerKey(
        format=1,
        i2i="0",
        study="s",
        mode="preference",
        bench="bench",
        dataset="d",
        fingerprint="f",
        seed=0,
        methods=("x", "y"),
        baselines=(),
        translations={},
        rules=Rules(),
        raters=(tuple(trials),) * raters,
    )


def places(value, way=()):
    """Ways to every value inside of a JSON value."""
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*way, name))


def mutated(value, rng):
    """The value with another one in some place, or without it."""
    value = json.loads(json.dumps(value))
    *way, last = rng.choice([way for way in places(value) if way])
    inner = value
    for name in way:
        inner = inner[name]
    if rng.random() < 0.2:
        del inner[last]
    elif isinstance(inner, dict) and rng.random() < 0.2:
        inner[rng.choice(["x", "-1", "1.5", "\u2028"])] = inner.pop(last)
    else:
        inner[last] = rng.choice(VALUES)
    return value


@pytest.mark.parametrize("seed", range(4))
def test_mutated_votes_are_read_or_refused_in_words(tmp_path, seed):
    rng, key = random.Random(seed), key_of()
    right = votes(key, 1, lambda trial: 0)
    refused = 0
    for _ in range(60):
        (tmp_path / "votes.json").write_text(saved(mutated(right, rng)))
        try:
            findings(key, read_all([tmp_path / "votes.json"], key))
        except UserError as error:
            refused += 1
            assert len(str(error).splitlines()) <= 2
    assert refused > 20


@pytest.mark.parametrize("seed", range(4))
def test_mutated_entries_are_drawn_or_refused_in_words(tmp_path, seed):
    rng, refused = random.Random(seed), 0
    right = entry("s", {"x": 1.0, "y": 2.0, "real": 3.0}, seeds=2).model_dump(mode="json", exclude={"checksum"})
    other = entry("t", {"x": 1.0, "y": 2.0, "real": 3.0}, seeds=2)
    for _ in range(40):
        contents = mutated(right, rng)
        if "protocol" in contents and rng.random() < 0.9:
            contents["fingerprint"] = stable_hash(contents["protocol"])
        (tmp_path / "entry.json").write_bytes(sealed(contents))
        try:
            write(grouped([read_entry(tmp_path / "entry.json"), other]), tmp_path / "board", "Both")
        except UserError as error:
            refused += 1
            assert len(str(error).splitlines()) <= 2
    assert 5 < refused < 40

"""Different directions have different names, and usual ones are `summer2winter`."""

from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i.benchmarks.directions import expand
from i2i.utils.joined_names import alike_names, direction_name, join_names
from tests.robustness.fuzz import fuzzed

HOSTILE = st.text("a2~./-", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("direction", "name"),
    [
        (("summer", "winter"), "summer2winter"),
        (("A", "B"), "A2B"),
        (("blond-hair", "e_coli"), "blond-hair2e_coli"),
        (("summer", "studio2"), "summer2studio2"),
        (("seasons/summer", "styles/pencil"), "seasons.summer2styles.pencil"),
    ],
)
def test_usual_directions_are_called_as_ever(direction, name):
    assert direction_name(direction) == name


@pytest.mark.parametrize(
    "domains",
    [
        ("a", "a2a", "a2a2a"),
        tuple(map(str, range(1, 131))),
        ("set/one", "set.one", "set", "one"),
        ("2", "22", "222", "~2", "~", "~~"),
    ],
    ids=["a2a", "class numbers", "data sets", "digits and escapes"],
)
def test_no_two_directions_share_a_name(domains):
    names = [direction_name(way) for way in permutations(domains, 2)]
    assert len(set(names)) == len(names)


@fuzzed
@given(st.sets(st.tuples(HOSTILE, HOSTILE), min_size=2))
def test_names_are_different_whatever_they_are_joined_of(directions):
    assert len(set(map(direction_name, directions))) == len(directions)
    assert len({join_names(pair, "-") for pair in directions}) == len(directions)


@pytest.mark.parametrize("coverage", ["direction", "pair"])
def test_every_training_has_a_folder_of_its_own(coverage):
    domains = ("a", "a-b", "b", "b-c", "c", "a2b", "2")
    ways = tuple(permutations(domains, 2))
    served = ways if coverage == "direction" else tuple(combinations(domains, 2))
    folders = [training.folder for training in expand("m", coverage, domains, ways, 1, "task", 0)]
    assert len(set(folders)) == len(folders) == len(served)


def test_names_that_some_file_systems_take_for_one_are_found():
    assert alike_names(["A2b", "a2B", "c", "e\u0301", "\u00e9", "c"]) == [["A2b", "a2B"], ["e\u0301", "\u00e9"]]

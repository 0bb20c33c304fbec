"""A bench that goes on tells of methods that its recorded settings do not know, and that are trained as published."""

import json

import pytest

from i2i.benchmarks.results_folder.plan_file import FORMAT
from i2i.benchmarks.suite.overrides import load_suite, notes_on_later_methods
from tests.bench.test_bench import SMALL
from tests.robustness.test_bad_input import run

TINY = [*SMALL, "data.domains=summer,night"]


def recorded_without(*methods):
    """What a bench recorded, in whose suite there were no settings of some methods yet."""
    settings = load_suite("seasons", "pix2pix", {}, TINY).model_dump(mode="json", exclude_unset=True)
    for name in methods:
        del settings["model_settings"][name]
    return settings


@pytest.mark.parametrize(
    ("added", "told"),
    [("+cut", ["cut"]), ("+cut,unsb,cyclegan", ["cut", "unsb"]), ("+cyclegan", []), ("+identity", [])],
)
def test_methods_without_recorded_settings_are_told(added, told):
    lines = notes_on_later_methods(load_suite(recorded_without("cut", "unsb"), added, {}, []))
    assert [line.partition(" settings of ")[2].partition(" in seasons")[0] for line in lines] == told
    assert all(line.endswith("with --suite seasons") for line in lines)


def test_methods_with_settings_of_any_kind_and_suites_of_ones_own_are_not():
    suite = load_suite(recorded_without("cut"), "+cut", {}, [])
    assert notes_on_later_methods(load_suite(suite.model_dump(mode="json"), None, {}, ["cut.width=8"])) == []
    assert notes_on_later_methods(suite.model_copy(update={"name": "mine"})) == []
    assert notes_on_later_methods(load_suite("seasons", "cut", {}, [])) == []


@pytest.mark.integration
def test_the_command_line_says_it_ahead_of_all_else(tmp_path, monkeypatch, capsys):
    """Also where such a method cannot be trained at the size of the small ones, and refuses it."""
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    (tmp_path / "plan.json").write_text(json.dumps({"format": FORMAT, "suite": recorded_without("cut")}))
    assert run("bench", "--out", tmp_path, "--models", "cut", "--dry-run") == 2
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("warning: this bench began before there were settings of cut in seasons")
    assert "cut cannot be trained at 16x16 px" in last

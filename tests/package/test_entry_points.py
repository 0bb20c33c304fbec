"""Translators of an installed package are found by its entry points, and a broken one hinders no other."""

import importlib
import sys

import pytest
import torch

import i2i
from i2i import cli, registry
from i2i.benchmarks.results_folder.staleness import training_key
from i2i.errors import UserError
from i2i.testing import Subject, the_seed_decides_the_weights, translation_does_not_depend_on_the_batch
from i2i.training.setup import run_config
from tests.inference.test_requests import STYLED

ENTRY_POINTS = """
[i2i.translators]
styled = lab_translators.styled:Styled
broken = lab_translators.broken:Broken
outdated = lab_translators.outdated:Outdated
number = lab_translators.styled:torch
identity = lab_translators.twice:Twice
"""
OUTDATED = STYLED.replace("class Styled", "class Outdated").replace("(self, images, request)", "(self, images, a, b)")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution with a package of translators, as pip would leave it."""
    package, facts = tmp_path / "lab_translators", tmp_path / "lab_translators-1.2.dist-info"
    package.mkdir()
    facts.mkdir()
    (package / "__init__.py").touch()
    (package / "styled.py").write_text(STYLED)
    (package / "twice.py").write_text(STYLED.replace("class Styled", "class Twice"))
    (package / "broken.py").write_text("import nothing_of_that_name\n")
    (package / "outdated.py").write_text(OUTDATED)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-translators\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    registry._discover_packages.cache_clear()
    yield
    registry.unregister("styled")
    registry._PACKAGES.clear()
    registry._UNUSABLE.clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "lab_translators"]:
        del sys.modules[name]


def test_a_translator_of_an_installed_package_is_one_of_the_zoo(installed):
    assert "styled" in registry.names()
    assert registry.package_of("styled") == "lab-translators 1.2"
    assert registry.package_of("cyclegan") is None
    translator = i2i.create("styled", ["a", "b"], image_size=8)
    assert translator.translate(torch.zeros(1, 3, 8, 8), "a", "b").shape == (1, 3, 8, 8)
    subject = Subject(registry.get("styled"))
    translation_does_not_depend_on_the_batch(subject)
    the_seed_decides_the_weights(subject)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken", "No module named 'nothing_of_that_name'"),
        ("outdated", "write generate(self, images, request)"),
        ("number", "lab_translators.styled:torch is no class derived from i2i.translator.Translator"),
    ],
)
def test_one_that_cannot_be_used_is_named_with_its_package_and_the_reason(installed, name, why):
    with pytest.raises(UserError) as refused:
        registry.get(name)
    assert str(refused.value).startswith(f"the translator {name} of lab-translators 1.2 cannot be used: ")
    assert why in str(refused.value)


def test_a_package_cannot_take_the_name_of_a_model(installed):
    assert registry.get("identity").__module__ == "i2i.models.identity"
    assert any("two translators are named 'identity'" in line for line in registry.unusable())


def test_the_list_of_models_has_them_and_notes_what_cannot_be_used(installed, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["i2i", "models"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    out, error = capsys.readouterr()
    assert "\nstyled " in out
    assert error.count("of lab-translators 1.2 cannot be used: ") == 4


def test_another_version_of_a_package_is_trained_again(installed):
    config = run_config("styled", {})
    keys = {training_key(config, "ab", "data", code) for code in (None, "lab-translators 1.2", "lab-translators 1.3")}
    assert len(keys) == 3

"""The documentation site: its generated pages hold what the program has, its tree every page, and it builds."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pytest
import typer

from i2i.cli import app
from i2i.config import TrainConfig
from tests.package.test_docs import PAGES, ROOT
from tests.package.test_public_api import LISTED


@pytest.fixture(scope="module")
def pages():
    """The module that writes them."""
    spec = spec_from_file_location("generated_pages", ROOT / "docs" / "generated_pages.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_command_and_every_option_is_listed(pages):
    text = pages.commands_page()
    found = dict(pages.commands(typer.main.get_command(app), "i2i"))
    assert {"i2i train", "i2i bench", "i2i data check", "i2i models", "i2i models check"} <= set(found)
    for name, command in found.items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        options = [parameter.opts[0] for parameter in command.params if parameter.param_type_name == "option"]
        assert section
        assert all(f"`{option}" in section for option in options), name


def test_every_setting_is_listed_with_its_default(pages):
    text = pages.settings_page()
    assert all(f"| `train.{name}` |" in text for name in TrainConfig.model_fields)
    assert "| `train.channels_last` | `auto` |" in text
    assert "| `budget.per` |" in text
    assert "## Model cyclegan" in text


def test_every_function_of_the_python_api_is_listed(pages):
    text = pages.python_page()
    assert all(f"## {module}\n" in text for module in LISTED)
    assert "::: i2i.api.loading.load\n" in text


def test_links_out_of_the_site_become_plain_text(pages):
    assert pages.on_page_markdown("[changelog](../CHANGELOG.md) [x](../bench.md)") == "changelog [x](../bench.md)"


def test_the_tree_of_the_site_has_every_page_once():
    tree = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")]
    assert {page: tree.count(f": {page}\n") for page in pages} == dict.fromkeys(pages, 1)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="pip install -e '.[docs]'")
def test_the_site_builds_without_a_warning_and_asks_no_other_server(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "reference" / "python.html").read_text()
    assert "An untrained translator" in page
    assert 'src="../javascripts/worker_of_files.js"' in page
    loaded = re.compile(r"""<(?:script|img|link)\b[^>]*\b(?:src|href)=["']?https?:""")
    assert not [path.name for path in tmp_path.rglob("*.html") if loaded.search(path.read_text())]

"""What programs of others may import is declared, listed on one page, and all that our own examples use."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.package.test_docs import PAGES, ROOT, blocks

API = ROOT / "docs" / "api.md"
ROW = re.compile(r"^\| `(i2i[\w.]*)` \| (`.*`) \|$", re.MULTILINE)
LISTED = {module: names.strip("`").split("` `") for module, names in ROW.findall(API.read_text())}
LIGHT = ["i2i", "i2i.conversion", "i2i.data", "i2i.errors", "i2i.metrics", "i2i.runs", "i2i.training"]


def uses(source):
    """Pairs of module and name that a source takes from i2i: by `from ... import`, or as attributes of a module."""
    tree, called = ast.parse(source), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "i2i":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in LISTED:
                    called[alias.asname or alias.name] = whole
                else:
                    yield node.module, alias.name
        elif isinstance(node, ast.Import):
            called |= {alias.asname or "i2i": alias.name for alias in node.names if alias.name.split(".")[0] == "i2i"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in called:
            yield called[node.value.id], node.attr


def private(source):
    return sorted({use for use in uses(source) if use[1] not in LISTED.get(use[0], ())})


@pytest.mark.parametrize("module", LISTED)
def test_the_page_lists_what_the_modules_declare(module):
    found = import_module(module)
    assert sorted(LISTED[module]) == sorted(found.__all__)
    assert all(getattr(found, name) is not None for name in found.__all__)
    assert set(found.__all__) <= set(dir(found)) | set(LISTED[module])


@pytest.mark.parametrize("module", LIGHT)
def test_names_that_are_imported_late_are_those_that_type_checkers_see(module):
    """A package without imports gives the very objects that its `if TYPE_CHECKING` names."""
    source = Path(import_module(module).__file__).read_text()
    stated = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.If)]
    imports = [node for one in stated for node in one.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert set(seen) | {"__version__"} >= set(LISTED[module]) or not seen
    for name, place in seen.items():
        assert find_spec(f"{module}.{name}") is None, "once imported, the module of that name would hide it"
        assert getattr(import_module(module), name) is getattr(import_module(place), name)


@pytest.mark.integration
def test_packages_import_nothing_heavy_until_a_name_is_used():
    script = (
        f"import sys\nfor name in {LIGHT}: __import__(name)\n"
        "print(sorted({'torch', 'numpy', 'pandas', 'PIL', 'pydantic'} & set(sys.modules)))\n"
        "from i2i.training import train_run\nprint(callable(train_run), 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300)
    assert result.stdout.splitlines() == ["[]", "True True"], result.stderr


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match=r"module 'i2i\.training' has no attribute 'train_runs'"):
        _ = import_module("i2i.training").train_runs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_the_docs_use_the_public_api_alone(page):
    assert private("\n".join(blocks(page, "python"))) == []


def test_the_example_of_scores_runs(capsys):
    exec(blocks(API, "python")[-1], {})
    assert capsys.readouterr().out.startswith("PSNR, dB ↑ ")


@pytest.mark.parametrize("path", sorted((ROOT / "models").glob("*.py")), ids=lambda path: path.name)
def test_models_use_the_public_api_alone(path):
    """But for the settings that they share and the names in the authors' own files."""
    ours = ("i2i.interop", "i2i.models")
    assert [use for use in private(path.read_text()) if not use[0].startswith(ours)] == []


def test_a_use_of_something_private_is_seen():
    source = "import i2i\nfrom i2i.training.run import train_run\nfrom i2i import registry\ni2i.api\nregistry.found\n"
    assert private(source) == [("i2i", "api"), ("i2i.registry", "found"), ("i2i.training.run", "train_run")]

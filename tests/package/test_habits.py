"""Habits of the code that can be counted: what a module keeps to itself, how long functions are, where types end."""

import ast

import pytest

from tests.package.test_import_order import SOURCES


def parsed(module):
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_no_module_imports_what_another_keeps_to_itself(module):
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "i2i":
            names = [alias.name for alias in node.names if alias.name.startswith("_") and alias.name != "__version__"]
            assert not names, f"{SOURCES[module]}:{node.lineno} imports {', '.join(names)} of {node.module}"

"""Habits of the code that can be counted: what a module keeps to itself, how long functions are, where types end."""

import ast
from functools import cache
from statistics import median

import pytest

from tests.package.test_import_order import SOURCES, nodes


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_no_module_imports_what_another_keeps_to_itself(module):
    for node in nodes(module):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "i2i":
            names = [alias.name for alias in node.names if alias.name.startswith("_") and alias.name != "__version__"]
            assert not names, f"{SOURCES[module]}:{node.lineno} imports {', '.join(names)} of {node.module}"


LONGEST = 60  # lines of a function
LONGEST_MODEL = 300  # lines of a file in models/
USUAL = 8  # lines of the median function
MOST_ANY = 60  # parameters and results whose type is `Any` or holds it


def functions(module):
    return [node for node in nodes(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@cache
def all_functions():
    return {module: functions(module) for module in SOURCES if not module.startswith("benchmarks.studies")}


def length(function, module):
    """Lines with signature and docstring; of a command or its function without them, which are options and help."""
    body = function.body[ast.get_docstring(function) is not None :] or function.body
    start = body[0].lineno if module.startswith(("cli", "api")) else function.lineno
    return function.end_lineno - start + 1


@pytest.mark.integration
def test_functions_are_short():
    lengths = {
        (module, function.name): length(function, module) for module, own in all_functions().items() for function in own
    }
    assert {place: lines for place, lines in lengths.items() if lines > LONGEST} == {}
    assert median(lengths.values()) <= USUAL


def test_a_model_can_be_read_at_one_sitting():
    lines = {module: len(path.read_text().splitlines()) for module, path in SOURCES.items() if "models." in module}
    assert len(lines) > 12
    assert {module: count for module, count in lines.items() if count > LONGEST_MODEL} == {}


def annotations(function):
    every = function.args
    arguments = (*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg)
    stated = [argument.annotation for argument in arguments if argument] + [function.returns]
    for annotation in filter(None, stated):
        text = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
        yield ast.parse(annotation.value) if text else annotation


def mentions_any(annotation):
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))


@pytest.mark.integration
def test_signatures_say_what_they_take_and_give():
    """`Any` switches the type checker off. A value that is only passed on is an `object`."""
    found = [
        f"{module}.{function.name}"
        for module, own in all_functions().items()
        for function in own
        for annotation in annotations(function)
        if mentions_any(annotation)
    ]
    assert len(found) <= MOST_ANY, "\n".join(found)


def test_any_is_found_wherever_it_stands_in_a_signature():
    source = (
        "def f(a: Any, *b: list[Any], c: 'Mapping[str, Any]' = {}, d: object = Any, **e: int) -> dict[str, Any]: ..."
    )
    (function,) = ast.parse(source).body
    assert [mentions_any(annotation) for annotation in annotations(function)] == [True, True, False, True, False, True]

"""Packages are ordered, and each imports only from those ahead of it, wherever in a file the import stands."""

import ast
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A package imports from itself and from those on earlier lines. Two on one line know nothing of each other.
ORDER = """
errors _lazy _version
utils
config labels nn
losses
data
metrics
interop distributed
translator
registry
models custom_models
presets inference
runs
training
tracking
pages
demo watch
testing conversion
benchmarks.job_id
benchmarks.directions benchmarks.job
benchmarks.suite
benchmarks.plan_facts
benchmarks.plan
benchmarks.results_folder
benchmarks.evaluation
benchmarks.jobs
benchmarks.planning
benchmarks.analysis
benchmarks.human_study
benchmarks.execution
benchmarks.report
benchmarks.board benchmarks.bench
api
cli
benchmarks.studies
"""
RANK = {package: rank for rank, line in enumerate(ORDER.split("\n")) for package in line.split()}
# `i2i/__init__.py` imports `api` inside its functions, for `import i2i` alone, and `__main__` the command line.
ENTRANCES = {"", "__main__"}
MOST_FILES = 20
MOST_ROOT_MODULES = 12


def sources():
    """Every source file by its module's name inside `i2i`."""
    found = {}
    for base, start in (("i2i", ()), ("models", ("models",)), ("benchmarks", ("benchmarks",))):
        for path in sorted((ROOT / base).rglob("*.py")):
            parts = (*start, *path.relative_to(ROOT / base).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__").removesuffix("__init__")] = path
    return found


SOURCES = sources()


@cache
def nodes(module):
    """All nodes of a source file's syntax tree."""
    return tuple(ast.walk(ast.parse(SOURCES[module].read_text(encoding="utf-8"))))


@cache
def imported(module):
    """The modules of `i2i` that a source file imports anywhere, with the lines."""
    path, found = SOURCES[module], []
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports are written in full"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name.removeprefix("i2i.") in SOURCES else node.module for name in whole]
        else:
            continue
        own = [name for name in names if name.split(".")[0] == "i2i"]
        found += ((name.removeprefix("i2i").lstrip("."), node.lineno) for name in own)
    return found


def package(module):
    """The entry of the order that a module belongs to."""
    parts = module.split(".")
    starts = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((start for start in starts if start in RANK), None)


def test_every_module_stands_in_the_order():
    assert {module for module in SOURCES if package(module) is None} == ENTRANCES | {"benchmarks"}


@pytest.mark.parametrize("module", sorted(set(SOURCES) - ENTRANCES))
def test_imports_point_one_way(module):
    own = package(module)
    for other, line in imported(module):
        there = package(other)
        assert there is not None, f"{SOURCES[module]}:{line} imports the entrance of {other or 'i2i'}"
        assert there == own or RANK[there] < RANK[own], f"{SOURCES[module]}:{line} imports {other}"


def test_no_modules_import_each_other_in_a_circle():
    graph = defaultdict(set)
    for module in set(SOURCES) - ENTRANCES:
        graph[module] |= {other for other, _ in imported(module) if other != module}
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_the_framework_names_no_model_and_no_benchmark():
    for module in SOURCES:
        if package(module) not in (None, "models", "api", "cli") and not module.startswith("benchmarks"):
            assert not {"models", "benchmarks"} & {other.split(".")[0] for other, _ in imported(module)}, module


@pytest.mark.parametrize(
    "module",
    [
        "cli.train",
        "api.train_cases",
        "api.train_session",
        "api.training",
        "api.loading",
        "cli.translate",
        "cli.data",
        "cli.export",
    ],
)
def test_what_is_not_about_comparisons_imports_nothing_of_the_bench(module):
    assert [other for other, _ in imported(module) if other.startswith("benchmarks")] == []


def test_packages_are_small_enough_to_be_read_at_a_glance():
    files = defaultdict(list)
    for path in SOURCES.values():
        files[path.parent.relative_to(ROOT)].append(path.name)
    crowded = {str(folder): len(names) for folder, names in files.items() if len(names) > MOST_FILES}
    crowded.pop("models", None)
    assert not crowded
    assert len(files[Path("i2i")]) <= MOST_ROOT_MODULES

"""The package as it is installed: what is in the wheel, and how quickly it answers."""

import configparser
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OUTER = ("i2i", "models", "benchmarks", "configs")
PAGES = {
    "pages": ("html_page.py", "style.css", "tables.js", "charts.js"),
    "watch": ("page.py", "template.html", "watch.css", "watch.js"),
    "benchmarks/report/html": ("page.py", "template.html", "page.js"),
    "benchmarks/board/page": ("template.html", "board.css", "board.js"),
    "benchmarks/human_study/page": ("template.html", "style.css", "page.js"),
}
PAGE = [f"{folder}/{name}" for folder, names in PAGES.items() for name in names]


def python(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=300, **options
    )


QUICK = [
    ["--help"],
    ["--version"],
    ["bench", "--help"],
    ["grid", "--help"],
    ["watch", "--help"],
    ["film", "--help"],
    ["report", "--help"],
    ["train", "--help"],
    ["data", "check", "--help"],
    ["data", "prepare", "--help"],
    ["export", "--help"],
    ["results", "pack", "--help"],
    ["results", "table", "--help"],
    ["study", "make", "--help"],
    ["study", "read", "--help"],
    ["score", "--help"],
    ["weights", "--help"],
    ["weights", "get", "--help"],
    ["configs"],
]
HELP = """
import json, sys
from i2i.cli import main

heavy, before = {"torch", "numpy", "pandas", "matplotlib", "PIL"}, set()
for line in json.loads(sys.argv.pop()):
    sys.argv[1:] = line
    try:
        main()
    except SystemExit:
        pass
    imported = heavy & set(sys.modules)
    print("\\nIMPORTED", json.dumps([line, sorted(imported - before)]))
    before |= imported
"""


@pytest.fixture(scope="module")
def imported_for():
    """By command line, what is heavy and no earlier one has imported, all in one process."""
    result = python("-c", HELP, json.dumps(QUICK))
    said = [json.loads(text.partition(" ")[2]) for text in result.stdout.splitlines() if text.startswith("IMPORTED ")]
    assert len(said) == len(QUICK), result.stdout + result.stderr
    return {tuple(line): names for line, names in said}


@pytest.mark.integration
@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_help_imports_nothing_heavy(arguments, imported_for):
    assert imported_for[tuple(arguments)] == []


@pytest.mark.integration
def test_a_command_searches_no_garbage_as_it_ends():
    """After a report that takes a second. What is registered first runs last."""
    seen = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000))"
    result = python("-c", f"{seen}; from i2i.cli import main; import sys; sys.argv[1:] = ['--version']; main()")
    assert result.stdout.splitlines()[-1:] == ["True"], result.stdout + result.stderr


@pytest.mark.parametrize("name", ["models", "benchmarks"])
def test_models_and_benchmarks_are_no_top_level_packages(name):
    result = python("-c", f"import {name}", cwd=ROOT)
    assert result.returncode == 1
    assert f"i2i.{name}" in result.stderr


def test_every_package_is_installed_but_the_studies():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    folders = {path.parent.relative_to(ROOT) for part in OUTER for path in (ROOT / part).rglob("__init__.py")}
    inner = {folder for folder in folders if folder.parts[:2] not in {("i2i", part) for part in OUTER}}
    names = {".".join(folder.parts if folder.parts[0] == "i2i" else ("i2i", *folder.parts)) for folder in inner}
    assert set(settings["options"]["packages"].split()) == {
        name for name in names if not name.startswith("i2i.benchmarks.studies")
    }


@pytest.mark.slow
def test_wheel_holds_everything_and_nothing_else(tmp_path):
    built = python("-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), str(ROOT))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("i2i-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"i2i"}
    for part in ("models/stargan.py", "benchmarks/plan.py", "configs/bench/quick.yaml", "py.typed", *PAGE):
        assert f"i2i/{part}" in names
    assert not [name for name in names if "studies" in name]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "I2I_CACHE": str(tmp_path / "cache")}
    (tmp_path / "elsewhere").mkdir()
    result = python(
        "-c",
        "import i2i, sys; print(i2i.__file__); from i2i.cli import main; "
        "sys.argv[1:] = ['bench', '--dry-run', '--set', 'data.image_size=32', '--set', 'data.scenes=2', "
        "'--set', 'data.test_scenes=2']; main()",
        cwd=tmp_path / "elsewhere",
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert str(tmp_path / "site") in result.stdout.splitlines()[0]
    assert "train      stargan/seed0/all" in result.stdout

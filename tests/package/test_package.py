"""The package as it is installed: what it imports, in which direction, and how quickly it answers."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "i2i"

# What every part may import.
BASE = {
    "atomic_write",
    "console",
    "documents",
    "errors",
    "joined_names",
    "places",
    "safe_paths",
    "splits",
    "texts",
}

# What a part may import of the others. Parts further down build on those above them.
LAYERS = {
    "text_table": set(),
    "files": set(),
    "config": set(),
    "nn": set(),
    "labels": set(),
    "losses": {"labels"},
    "pool": set(),
    "guard": set(),
    "locks": set(),
    "checksums": {"files"},
    "disk": set(),
    "run_lock": {"locks"},
    "samples": set(),
    "weights": {"files"},
    "downloads": set(),
    "memory": set(),
    "metrics": {"files", "labels", "losses", "memory", "weights"},
    "data": {"checksums", "config", "files", "labels", "locks"},
    "interop": {"nn"},
    "translator": {"config", "data", "interop", "labels"},
    "registry": {"translator"},
    "models": {"data", "interop", "losses", "nn", "pool", "registry", "translator"},
    "own_models": {"data", "registry", "translator"},
    "ema": {"translator"},
    "tensor_files": set(),
    "checkpoint_meta": {"checksums", "config", "labels", "translator"},
    "checkpoint": {
        "checkpoint_meta",
        "checksums",
        "config",
        "data",
        "disk",
        "memory",
        "registry",
        "tensor_files",
        "translator",
    },
    "statistics": set(),
    "tiles": set(),
    "tile_statistics": {"statistics", "tiles"},
    "inference": {"data", "statistics", "tile_statistics", "tiles", "translator"},
    "phase_checks": {"translator"},
    "horizon": {"config", "translator"},
    "epochs": {"config", "data"},
    "validation": {"checkpoint", "config", "data", "metrics", "translator"},
    "heartbeats": set(),
    "processes": {"heartbeats"},
    "training_step": {"guard", "processes", "translator"},
    "training_state": set(),
    "loss_log": {"checkpoint"},
    "trainer": {
        "checkpoint",
        "checkpoint_meta",
        "config",
        "data",
        "disk",
        "ema",
        "guard",
        "horizon",
        "loss_log",
        "memory",
        "processes",
        "registry",
        "training_state",
        "training_step",
        "translator",
        "validation",
    },
    "scoring": {"data", "metrics"},
    "judges": {"config", "data", "metrics", "scoring", "translator", "validation"},
    "tracking": {"checkpoint", "data", "samples", "trainer", "translator"},
    "runs": {
        "checkpoint",
        "config",
        "data",
        "ema",
        "horizon",
        "judges",
        "memory",
        "phase_checks",
        "processes",
        "registry",
        "run_lock",
        "tracking",
        "trainer",
        "translator",
        "validation",
    },
    "resuming": {"checkpoint", "config", "data", "epochs", "horizon", "runs", "translator"},
    "imports": {
        "checkpoint",
        "config",
        "data",
        "files",
        "interop",
        "labels",
        "registry",
        "runs",
        "tensor_files",
        "trainer",
        "translator",
    },
    "folders": set(),
    "preparation": {"config", "data", "folders"},
    "trial": {
        "config",
        "data",
        "guard",
        "horizon",
        "own_models",
        "runs",
        "trainer",
        "training_step",
        "translator",
    },
    "preflight": {
        "checkpoint",
        "config",
        "data",
        "epochs",
        "own_models",
        "registry",
        "runs",
        "tracking",
        "trainer",
        "translator",
        "trial",
    },
    "folder_scores": {"config", "data", "metrics", "scoring", "text_table"},
    "weights_table": {"downloads", "files", "metrics", "weights"},
    "card": {"checkpoint", "config", "data"},
    "hub": {"card", "checkpoint", "checkpoint_meta", "config", "registry", "tensor_files", "translator"},
    "onnx_export": {"card", "checkpoint", "labels", "translator"},
    "reference_export": {"checkpoint", "interop", "registry", "translator"},
    "exports": {"card", "folders", "hub", "onnx_export", "reference_export"},
    "api": {"card", "checkpoint", "folders", "hub", "labels", "memory", "registry", "runs", "trainer", "translator"},
    "testing": {
        "checkpoint",
        "config",
        "data",
        "guard",
        "own_models",
        "registry",
        "trainer",
        "training_step",
        "translator",
    },
    "benchmarks": {
        "checkpoint",
        "checkpoint_meta",
        "checksums",
        "config",
        "data",
        "disk",
        "epochs",
        "files",
        "guard",
        "horizon",
        "inference",
        "labels",
        "judges",
        "locks",
        "metrics",
        "own_models",
        "registry",
        "runs",
        "scoring",
        "statistics",
        "tile_statistics",
        "text_table",
        "tiles",
        "tracking",
        "trainer",
        "training_step",
        "translator",
        "trial",
        "validation",
        "weights",
    },
}
PAGE = [f"benchmarks/page/{name}" for name in ("page.py", "template.html", "style.css", "page.js")]
TOP = {"cli", "__main__", "__init__", "configs"}


def modules():
    for folder, _, names in os.walk(PACKAGE, followlinks=True):
        for path in (Path(folder, name) for name in names if name.endswith(".py")):
            yield path.relative_to(PACKAGE).parts[0].removesuffix(".py"), path


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        if isinstance(node, ast.ImportFrom) and node.module == "i2i":
            names = [f"i2i.{alias.name}" for alias in node.names if alias.name != "__version__"]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("i2i."))


def test_imports_point_one_way():
    seen = set()
    for part, path in modules():
        seen.add(part)
        if part not in TOP:
            wrong = set(imported_parts(path)) - (LAYERS[part] if part not in BASE else set()) - BASE - {part}
            assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"
    assert seen >= LAYERS.keys()


def test_layers_have_no_circle():
    done: set[str] = set()
    for part, below in LAYERS.items():
        assert below <= done, f"{part} is listed ahead of {below - done}"
        done.add(part)


def test_the_framework_names_no_model_and_no_benchmark():
    for part, path in modules():
        if part not in TOP | {"models", "benchmarks"}:
            assert not {"models", "benchmarks"} & set(imported_parts(path)), path


def python(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=300, **options
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["bench", "--help"],
        ["grid", "--help"],
        ["report", "--help"],
        ["train", "--help"],
        ["data", "check", "--help"],
        ["data", "prepare", "--help"],
        ["export", "--help"],
        ["score", "--help"],
        ["weights", "--help"],
        ["weights", "get", "--help"],
        ["configs"],
    ],
)
def test_help_imports_nothing_heavy(arguments):
    script = (
        f"import sys; sys.argv[1:] = {arguments}\nfrom i2i.cli import main\n"
        "try:\n main()\nexcept SystemExit: pass\n"
        "print('HEAVY', sorted({'torch', 'numpy', 'pandas', 'matplotlib', 'PIL'} & set(sys.modules)))"
    )
    result = python("-c", script)
    assert "HEAVY []" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["models", "benchmarks"])
def test_models_and_benchmarks_are_no_top_level_packages(name):
    result = python("-c", f"import {name}", cwd=ROOT)
    assert result.returncode == 1
    assert f"i2i.{name}" in result.stderr


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

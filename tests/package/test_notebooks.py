"""The notebooks run from their first cell to their last, show images and tables, and are kept without outputs."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="pip install -e '.[test]'")

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SHOWN = {
    "first_comparison": {"text/html", "image/png"},
    "papers_table": {"text/html"},
    "your_own_model": {"text/html"},
    "your_own_photos": {"text/html", "image/png"},
}


def code(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_every_notebook_is_expected_here():
    assert {path.stem for path in NOTEBOOKS} == set(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_installs_first_and_holds_no_outputs(path):
    nbformat.validate(nbformat.read(path, 4))
    first, *_ = cells = code(path)
    assert "pip" in first.source
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    for cell in cells:
        ast.parse(cell.source.removeprefix("%%writefile curves.py\n"))


def first_cell(folder, monkeypatch):
    """What the first cell of a notebook in a folder has pip install, where the program is not installed."""
    asked = []
    monkeypatch.chdir(folder)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: asked.append(command[-1]))
    (cell,) = {code(path)[0].source for path in NOTEBOOKS}
    exec(compile(cell, "cell", "exec"), {})
    return asked


def test_a_notebook_installs_the_source_that_it_lies_in(monkeypatch):
    assert first_cell(FOLDER, monkeypatch) == [f"i2i[imagenet] @ {FOLDER.parents[1].as_uri()}"]


def test_a_notebook_without_the_source_asks_where_that_is(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="not around this notebook:\nname its address in SOURCE"):
        first_cell(tmp_path, monkeypatch)


def test_the_model_of_the_notebook_is_that_of_the_tutorial():
    page = (FOLDER / "your_own_model.md").read_text()
    written = next(cell.source for cell in code(FOLDER / "your_own_model.ipynb") if cell.source.startswith("%%write"))
    assert written.removeprefix("%%writefile curves.py\n").strip() in page


@pytest.fixture(scope="module")
def kernel():
    """One for all notebooks, since it imports torch; each starts with empty names, in a folder of its own."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_core.utils import run_sync

    manager = AsyncKernelManager()
    yield manager
    run_sync(manager.shutdown_kernel)(now=True)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("nbclient") is None or find_spec("ipykernel") is None, reason="pip install -e '.[test]'")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_its_figures(path, tmp_path, kernel):
    from nbclient import NotebookClient

    book = nbformat.read(path, 4)
    book.cells.insert(0, nbformat.v4.new_code_cell(f"%reset -f\n%cd -q {tmp_path}"))
    NotebookClient(book, km=kernel, timeout=600).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    shown = {kind for output in outputs if output.output_type != "stream" for kind in output.data}
    assert SHOWN[path.stem] <= shown

"""Nothing that a user may be handed runs code when it is read: no pickle, no YAML objects, no other decoders."""

import ast
import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.data.image_files import open_image
from i2i.data.image_files.images import read_image
from i2i.errors import UserError
from i2i.runs.load import require_checkpoint
from tests.robustness.test_bad_input import SMALL, data_set, run

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("i2i", "models", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
UNSAFE = {
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "joblib.load",
    "dill.load",
    "marshal.load",
    "marshal.loads",
}
UNSAFE |= {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec", "os.system"}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text())
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(one.value) for one in call.keywords if one.arg == name), None)


@pytest.mark.integration
def test_no_source_reads_pickles_or_runs_texts():
    found = [(path.name, name) for path in SOURCES for name, _ in calls(path) if name in UNSAFE]
    assert sorted(found) == [
        ("child_processes.py", "pickle.loads"),  # of the process that started this one, through its own pipe
        ("custom_models.py", "exec"),  # a Python file that the command line names is there to be run
        ("local_executor.py", "pickle.loads"),  # of the process that started this one, through its own pipe
    ]
    assert len(SOURCES) > 100


@pytest.mark.integration
def test_torch_and_numpy_load_without_code_everywhere():
    loads = [(path.name, name, call) for path in SOURCES for name, call in calls(path)]
    torch_loads = [(path, call) for path, name, call in loads if name == "torch.load"]
    assert len(torch_loads) >= 3
    assert not [path for path, call in torch_loads if keyword(call, "weights_only") is not True]
    assert not [
        path for path, name, call in loads if name in ("np.load", "numpy.load") and keyword(call, "allow_pickle")
    ]


class Command:
    """What runs when it is unpickled."""

    def __reduce__(self):
        return (open, ("ran", "w"))


@pytest.mark.integration
def test_checkpoints_are_loaded_without_unpickling(tmp_path, monkeypatch):
    class Refusing(pickle.Unpickler):
        def load(self) -> None:
            raise AssertionError("something is unpickled")

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("something is unpickled")

    data_set(tmp_path / "sky")
    out = tmp_path / "run"
    train = ("train", "--model", "cyclegan", "--data", tmp_path / "sky", "--out", out, "--device", "cpu", *SMALL)
    assert run(*train) == 0
    monkeypatch.setattr(pickle, "Unpickler", Refusing)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    assert run("translate", out, tmp_path / "sky/test/dawn", "--target", "dusk", "--out", tmp_path / "made") == 0
    assert require_checkpoint(out).training()["optimizers"]


def test_a_checkpoint_with_code_in_it_is_refused_and_the_code_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data_set(tmp_path / "sky")
    assert run("train", "--model", "cyclegan", "--data", "sky", "--out", "run", "--device", "cpu", *SMALL) == 0
    checkpoint = require_checkpoint(Path("run"))
    torch.save({"optimizers": Command(), "translator": {}}, checkpoint.folder / "training.pt")
    with pytest.raises(UserError, match=r"training\.pt cannot be loaded"):
        checkpoint.training()
    assert not Path("ran").exists()


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(13_378, 13_378), (65_535, 65_535), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_number_of_pixels(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_header(*size))
    with pytest.raises(UserError, match=r"bomb\.png cannot be read as an image \(.*(pixels|IHDR|PNG)"):
        read_image(tmp_path / "bomb.png")


def test_the_limit_is_our_own_and_names_the_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (tmp_path / "bomb.png").write_bytes(png_header(20_000, 10_000))
    with pytest.raises(UserError, match=r"bomb\.png .*20000x10000 are 200,000,000 pixels and the limit is 178,956,970"):
        read_image(tmp_path / "bomb.png")


def test_large_photographs_are_within_the_limit():
    assert open_image.MAX_PIXELS > 2.5 * 8192 * 8192
    assert open_image.MAX_PIXELS >= 4096 * 4096


@pytest.mark.parametrize("kind", ["EPS", "PCX", "ICO", "TGA"])
def test_formats_beyond_the_documented_are_not_decoded(tmp_path, kind):
    """PIL would call Ghostscript for a .png that holds PostScript."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(file, kind)
    (tmp_path / "x.png").write_bytes(file.getvalue())
    with pytest.raises(UserError, match=r"x\.png .*it is of no known format"):
        read_image(tmp_path / "x.png")

"""Whatever lies in outside data, a parser answers with a result or a UserError, and never with another error."""

import io
import json
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from i2i.benchmarks.report.figures.grid_selection import choose
from i2i.benchmarks.results_folder.finished_bench import Finished
from i2i.config import parse_assignments, read_settings
from i2i.data.image_files import open_image
from i2i.data.image_files.images import Preprocess, read_image
from i2i.data.layouts import ImageFile
from i2i.data.layouts.celeba import LIST, PARTITION, scan_listed
from i2i.data.layouts.listed_names import Inside, refuse_outside
from i2i.data.open import open_place
from i2i.interop.state_dicts import read_networks
from i2i.metrics.features._files import read_state
from i2i.training.setup import run_config
from tests.data.test_layouts import put
from tests.robustness.fuzz import answer, fuzzed
from tests.support.facts import plan_facts


def spliced(whole: bytes) -> st.SearchStrategy[bytes]:
    """A valid file with pieces overwritten, cut out or repeated."""
    place = st.integers(0, len(whole))
    early = st.integers(0, min(200, len(whole)))
    edit = st.tuples(st.one_of(early, place), st.integers(0, 8), st.binary(max_size=8))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        raw = whole
        for start, length, piece in edits:
            raw = raw[:start] + piece + raw[start + length :]
        return raw

    return st.lists(edit, min_size=1, max_size=4).map(apply)


HEADERS = "path split domain pair attributes file_name train val test a.png b.png a/c.png"
words = st.sampled_from(
    [*HEADERS.split(), "../x.png", "/etc/passwd", "C:\\x.png", "", "x" * 300, *'",;%ü\n\r\0\ufeff\u2028']
)
sheets = st.one_of(
    st.lists(st.lists(st.one_of(words, st.text(max_size=5)), max_size=5).map(",".join), max_size=6).map("\n".join),
    st.lists(words, max_size=4).map(lambda tail: "path,split,domain\na.png,train,x\nb.png,train,y\n" + ",".join(tail)),
).map(lambda text: text.encode(errors="surrogatepass"))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    put(tmp_path, "outside.png")
    return put(tmp_path / "root", "a.png", "b.png", "a/c.png")


def stays_inside(data, root: Path) -> bool:
    paths = [one.path for found in data.splits.values() for own in found.values() for one in own]
    return all(path.resolve().is_relative_to(root.resolve()) for path in paths)


@pytest.mark.integration
@fuzzed
@given(raw=st.one_of(sheets, st.binary(max_size=200)))
def test_a_csv_manifest_is_read_or_refused(folder, raw):
    (folder / "x.csv").write_bytes(raw)
    data = answer(open_place, folder / "x.csv")
    assert data is None or stays_inside(data, folder)


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words, st.text(max_size=5))
keys = st.one_of(words, st.text(max_size=5))
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)


@pytest.mark.integration
@fuzzed
@given(lines=st.lists(json_values, max_size=4), tail=st.text(max_size=5))
def test_a_manifest_in_json_lines_is_read_or_refused(folder, lines, tail):
    text = "\n".join([*map(json.dumps, lines), tail])
    (folder / "x.jsonl").write_bytes(text.encode(errors="surrogatepass"))
    data = answer(open_place, folder / "x.jsonl")
    assert data is None or stays_inside(data, folder)


LISTED = "2\nMale Young\na.png 1 -1\nb.png -1 1\n"
listed = st.lists(st.one_of(words, st.sampled_from([" ", "1", "-1", "²", "Male"]), st.text(max_size=3)), max_size=12)


@pytest.mark.integration
@fuzzed
@given(
    attributes=st.one_of(listed.map(" ".join), spliced(LISTED.encode()).map(lambda raw: raw.decode("latin-1"))),
    parts=st.one_of(st.none(), listed.map(" ".join), st.just("a.png 0\nb.png 2\n")),
)
def test_celebas_lists_are_read_or_refused(folder, attributes, parts):
    (folder / LIST).write_bytes(attributes.encode(errors="surrogatepass"))
    (folder / PARTITION).unlink(missing_ok=True)
    if parts is not None:
        (folder / PARTITION).write_bytes(parts.encode(errors="surrogatepass"))
    data = answer(scan_listed, folder, ("Male",))
    assert data is None or stays_inside(data, folder)


member_names = st.one_of(
    st.lists(
        st.sampled_from(["..", ".", "", "a", "train", "C:", "\\", "x" * 300, "b.png", "ü.png", "\0"]), max_size=5
    ).map("/".join),
    st.text(max_size=12),
)


@fuzzed
@given(name=member_names)
def test_a_name_that_is_taken_stays_inside(folder, name):
    if refuse_outside(name) is None:
        assert (folder / name).absolute().is_relative_to(folder)
        path = Path(str(folder / name))
        assert ".." not in path.parts
    found = answer(Inside(folder).file, name, "here")
    assert found is None or found.resolve().is_relative_to(folder.resolve())


def files_below(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "cache" not in path.relative_to(root).parts[:1]}


@pytest.mark.integration
@fuzzed
@given(names=st.lists(member_names, min_size=1, max_size=4), kind=st.sampled_from(["x.zip", "x.tar"]))
def test_members_of_any_name_are_unpacked_into_the_cache_or_refused(folder, names, kind):
    path = folder / kind
    if kind == "x.zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                info = zipfile.ZipInfo("x")
                info.filename = name.replace("\0", "")
                answer_to_write(lambda info=info: archive.writestr(info, b"x"))
    else:
        with tarfile.open(path, "w", errors="surrogateescape") as archive:
            for name in names:
                answer_to_write(lambda name=name: archive.addfile(tarfile.TarInfo(name), io.BytesIO(b"")))
    before = files_below(folder.parent)
    answer(open_place, path)
    assert files_below(folder.parent) == before


def answer_to_write(write) -> None:
    """Some names cannot be written into an archive: then it lacks the member."""
    with suppress(ValueError):
        write()


def packed(kind: str) -> bytes:
    file, image = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(image, "PNG")
    members = [f"{split}/{domain}/1.png" for split in ("train", "test") for domain in "ab"]
    if kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in members:
                archive.writestr(name, image.getvalue())
    else:
        with tarfile.open(fileobj=file, mode=f"w:{kind}") as archive:
            for name in members:
                info = tarfile.TarInfo(name)
                info.size = len(image.getvalue())
                archive.addfile(info, io.BytesIO(image.getvalue()))
    return file.getvalue()


ARCHIVES = {"x.zip": packed("zip"), "x.tar": packed(""), "x.tar.gz": packed("gz"), "x.tar.xz": packed("xz")}


@pytest.mark.integration
@pytest.mark.parametrize("name", ARCHIVES)
def test_a_damaged_archive_is_read_or_refused(folder, name):
    @fuzzed
    @given(raw=spliced(ARCHIVES[name]))
    def check(raw: bytes) -> None:
        (folder / name).write_bytes(raw)
        answer(open_place, folder / name)

    check()


YAML = """
    model data train name image_size domains images : { } [ ] &a *a << !!python/object:os.system !!set !!binary
    !!timestamp !!float ? | > 0x 1e999 2021-99-99 ~ = .inf .nan 1:99 --- ...
"""
yaml_parts = st.sampled_from([*YAML.split(), "- ", "\n  ", *"\n\t\0\ud800", "9" * 5000, "0x" + "f" * 5000, "[" * 999])
yaml_texts = st.one_of(
    st.lists(st.one_of(yaml_parts, st.text(max_size=4)), max_size=14).map("".join),
    st.lists(yaml_parts, max_size=8).map(lambda tail: "train:\n  images: 5\n" + "".join(tail)),
    spliced(b"model: {width: 4}\ndata:\n  image_size: [32, 32]\n  domains: [a, b]\ntrain: {images: 4}\n").map(
        lambda raw: raw.decode("latin-1")
    ),
)


def config_of(path: Path) -> object:
    return run_config("cyclegan", read_settings(path))


@pytest.mark.integration
@fuzzed
@given(text=yaml_texts)
def test_settings_in_yaml_are_read_or_refused(folder, text):
    (folder / "x.yaml").write_bytes(text.encode(errors="surrogatepass"))
    answer(config_of, folder / "x.yaml")


@pytest.mark.integration
@fuzzed
@given(settings=st.dictionaries(st.sampled_from(["model", "data", "train", 5, None]), json_values, max_size=3))
def test_settings_of_any_shape_are_checked_or_refused(settings):
    answer(run_config, "cyclegan", settings)


@pytest.mark.integration
@fuzzed
@given(
    text=yaml_texts, name=st.sampled_from(["train.images", "data.domains", "data.image_size", "model.width", ".", "x"])
)
def test_a_setting_on_the_command_line_is_read_or_refused(text, name):
    answer(lambda: run_config("cyclegan", parse_assignments([f"{name}={text}"])))


WAYS = (("a", "b"), ("b", "a"), ("a", "Ünï/x"))
TEST_IMAGES = {"a": ("1", "two 2", "ü"), "b": ("1", "a2b"), "Ünï/x": ("-",)}


class Grid(Finished):
    """A bench of six test images, without files."""

    data = SimpleNamespace(name="sky", paired=False)

    def __init__(self) -> None:
        super().__init__(Path("results"), plan_facts(directions=WAYS))

    def inputs(self, direction: tuple[str, str]) -> tuple[ImageFile, ...]:
        return tuple(ImageFile(Path(f"{stem}.png")) for stem in TEST_IMAGES[direction[0]])

    def positions(self, direction: tuple[str, str], columns: object = ()) -> list[int]:
        return list(range(len(self.inputs(direction))))


grid_words = st.sampled_from(
    ["1", "two 2", "ü", "a2b", "a2b/1", "b2a/a2b", "/", "a2b/", "../1", "\n", "\r", "\0", "\ufeff"]
)
grid_lists = st.one_of(
    st.lists(st.one_of(grid_words, st.text(max_size=4)), max_size=8).map("".join),
    st.lists(st.one_of(grid_words, st.text(max_size=4)), max_size=8).map("\n".join),
    spliced("a2b/1\ntwo 2\nb2a/a2b\nü\n".encode()).map(lambda raw: raw.decode("latin-1")),
).map(lambda text: text.encode(errors="surrogatepass"))


@pytest.mark.integration
@fuzzed
@given(raw=st.one_of(grid_lists, st.binary(max_size=100)))
def test_a_list_of_rows_names_test_images_or_is_refused(tmp_path, raw):
    (tmp_path / "rows.txt").write_bytes(raw)
    chosen = answer(choose, Grid(), f"files:{tmp_path / 'rows.txt'}", ["input"], 0)
    for row in chosen[0] if chosen else ():
        assert TEST_IMAGES[row.direction[0]][row.position] in raw.decode()


row_counts = st.one_of(
    st.integers().map(str), st.sampled_from(["9" * 5000, "²", "1e9", "٣", " 1", ""]), st.text(max_size=5)
)


@fuzzed
@given(way=st.sampled_from(["random", "worst", "disagree", "", "files", "x"]), count=row_counts)
def test_a_way_to_choose_rows_gives_at_most_so_many_or_is_refused(way, count):
    chosen = answer(choose, Grid(), f"{way}:{count}", ["input"], 0)
    assert chosen is None or 1 <= len(chosen[0]) <= int(count or "6")


def encoded(suffix: str, mode: str, **options: object) -> bytes:
    rng, file = np.random.default_rng(0), io.BytesIO()
    pixels = Image.fromarray(rng.integers(0, 256, (12, 9, 4), dtype=np.uint8), "RGBA")
    exif = Image.Exif()
    exif[0x0112] = 6
    (Image.fromarray(np.arange(108, dtype=np.uint16).reshape(12, 9)) if mode == "I;16" else pixels.convert(mode)).save(
        file, suffix, **({"exif": exif} if suffix != "BMP" and suffix != "PPM" and suffix != "GIF" else {}), **options
    )
    return file.getvalue()


IMAGES = {
    "RGB.png": encoded("PNG", "RGB"),
    "P.png": encoded("PNG", "P"),
    "I16.png": encoded("PNG", "I;16"),
    "RGB.jpg": encoded("JPEG", "RGB"),
    "CMYK.jpg": encoded("JPEG", "CMYK"),
    "progressive.jpg": encoded("JPEG", "RGB", progressive=True),
    "RGB.tif": encoded("TIFF", "RGB"),
    "lzw.tif": encoded("TIFF", "RGB", compression="tiff_lzw"),
    "jpeg.tif": encoded("TIFF", "RGB", compression="jpeg"),
    "RGBA.webp": encoded("WEBP", "RGBA"),
    "lossless.webp": encoded("WEBP", "RGBA", lossless=True),
    "RGB.bmp": encoded("BMP", "RGB"),
    "RGB.ppm": encoded("PPM", "RGB"),
    "P.gif": encoded("GIF", "P"),
}


def pixels_of(path: Path) -> np.ndarray:
    return Preprocess((8, 8))(read_image(path))


STATE = io.BytesIO()
torch.save({"weight": torch.ones(2)}, STATE, _use_new_zipfile_serialization=False)
PICKLES = st.binary(max_size=40) | st.builds(
    lambda at, raw: STATE.getvalue()[:at] + raw, st.integers(0, len(STATE.getvalue())), st.binary(max_size=40)
)


@fuzzed
@given(raw=PICKLES | st.sampled_from([b"train: {images: 4}\n", b"e", b"t", b"R", b"\x80\x02}q\x00u."]))
@pytest.mark.parametrize("read", [read_state, read_networks])
def test_a_file_of_weights_is_read_or_refused(tmp_path, read, raw):
    path = tmp_path / "weights.pth"
    path.write_bytes(raw)
    answer(read, path)


@pytest.mark.integration
@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_image_is_decoded_or_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(
        open_image, "MAX_PIXELS", 1 << 20
    )  # so that a header which claims a large image is quickly done
    path = tmp_path / f"{name}.png"
    path.write_bytes(IMAGES[name])
    assert pixels_of(path).shape == (8, 8, 3)

    @fuzzed
    @given(raw=spliced(IMAGES[name]))
    def check(raw: bytes) -> None:
        path.write_bytes(raw)
        pixels = answer(pixels_of, path)
        assert pixels is None or pixels.shape == (8, 8, 3)

    check()

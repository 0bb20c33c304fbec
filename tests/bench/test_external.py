"""External translations are scored like translations; a folder that does not fit is refused with counts and names."""

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.benchmarks.suite.external import External, parse, survey
from i2i.benchmarks.suite.overrides import load_suite
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import ImageFile
from i2i.errors import UserError
from i2i.metrics.paired import psnr
from tests.support import in_process

SIZE = (16, 24)
WAYS = (("a", "b"), ("a", "c"), ("b", "a"))


def write(path, value, size=SIZE):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), value, np.uint8)).save(path)


@pytest.fixture
def inputs(tmp_path):
    return {(a, b): [ImageFile(tmp_path / a / f"p{number}.jpg") for number in range(5)] for a, b in WAYS}


@pytest.fixture
def folder(tmp_path):
    for a, b in WAYS:
        for number in range(5):
            write(tmp_path / "made" / f"{a}2{b}" / f"p{number}.png", number)
    return tmp_path / "made"


def complaint(folder, inputs, intersection=False):
    with pytest.raises(UserError) as refused:
        survey("DRIT", External(folder=folder, intersection=intersection), inputs, Preprocess(SIZE))
    return str(refused.value)


def test_a_folder_that_holds_every_image_is_taken_whole(folder, inputs):
    found = survey("DRIT", External(folder=folder), inputs, Preprocess(SIZE))
    assert not found.partial
    assert found.counts == {"a2b": 5, "a2c": 5, "b2a": 5}
    assert found.files["a", "c"]["p3"] == folder / "a2c" / "p3.png"


def test_missing_extra_and_differently_sized_images_are_counted_and_three_are_named(folder, inputs):
    for number in range(4):
        (folder / "a2b" / f"p{number}.png").unlink()
    write(folder / "b2a" / "other.png", 0)
    write(folder / "a2c" / "p2.png", 0, (24, 16))
    said = complaint(folder, inputs)
    assert "4 missing (a2b/p0, a2b/p1, a2b/p2, ...)" in said
    assert "1 extra (b2a/other)" in said
    assert "not of 16x24" not in said  # the size of what lacks its counterpart does not matter yet
    write(folder / "b2a" / "p4.png", 0, (24, 16))
    assert "1 not of 16x24 pixels (b2a/p4)" in complaint(folder, inputs)
    assert "1 not of 16x24 pixels (b2a/p4)" in complaint(folder, inputs, intersection=True)


def test_the_intersection_is_what_all_directions_of_a_source_have(folder, inputs):
    (folder / "a2b" / "p0.png").unlink()
    (folder / "a2c" / "p3.png").unlink()
    assert "--intersection" in complaint(folder, inputs)
    found = survey("DRIT", External(folder=folder, intersection=True), inputs, Preprocess(SIZE))
    assert found.partial
    assert found.stems == {"a": ["p1", "p2", "p4"], "b": ["p0", "p1", "p2", "p3", "p4"]}
    assert found.counts == {"a2b": 3, "a2c": 3, "b2a": 5}
    for name in ("p1", "p2"):
        (folder / "a2b" / f"{name}.png").unlink()
    assert "fewer than two of the test images for a2b, a2c" in complaint(folder, inputs, intersection=True)


def test_a_single_direction_needs_no_folder_of_its_own(folder, inputs):
    one = {("a", "b"): inputs["a", "b"]}
    nested = survey("DRIT", External(folder=folder), one, Preprocess(SIZE))
    flat = survey("DRIT", External(folder=folder / "a2b"), one, Preprocess(SIZE))
    assert nested.sha256 == flat.sha256
    assert "there is no folder" in complaint(folder / "a2b", inputs)
    assert "there is no folder" in complaint(folder / "nowhere", one)


def test_the_hash_is_of_the_images_and_not_of_their_place(folder, inputs, tmp_path):
    def digest(place):
        return survey("DRIT", External(folder=place), inputs, Preprocess(SIZE)).sha256

    before = digest(folder)
    shutil.copytree(folder, tmp_path / "copy")
    assert digest(tmp_path / "copy") == before
    write(folder / "a2b" / "p0.png", 9)
    assert digest(folder) != before


def test_two_files_of_one_name_and_broken_ones_are_refused(folder, inputs):
    (folder / "a2b" / "p0.png").write_bytes(b"nothing")
    assert "cannot be read as an image" in complaint(folder, inputs)
    write(folder / "a2b" / "p0.png", 0)
    write(folder / "a2b" / "p0.jpg", 0)
    assert "p0.jpg and p0.png: keep one" in complaint(folder, inputs)


def test_of_another_size_by_its_header_is_told_without_decoding_and_the_others_are_decoded_once(
    folder, inputs, monkeypatch
):
    decoded = []
    size_of = Preprocess.size_of
    monkeypatch.setattr(Preprocess, "size_of", lambda self, path: decoded.append(path) or size_of(self, path))
    survey("DRIT", External(folder=folder), inputs, Preprocess(SIZE))
    assert sorted(decoded) == sorted(folder.glob("*/*.png"))
    large = folder / "a2b" / "p1.png"
    write(large, 0, (24, 16))
    large.write_bytes(large.read_bytes()[:-30])
    assert "1 not of 16x24 pixels (a2b/p1)" in complaint(folder, inputs)
    cut = folder / "a2b" / "p0.png"
    cut.write_bytes(cut.read_bytes()[:-30])
    assert "p0.png cannot be read as an image" in complaint(folder, inputs)


@pytest.mark.parametrize(
    ("texts", "intersection", "complaint"),
    [
        (["results/drit"], False, "must look like NAME=DIR"),
        (["=results"], False, "must look like NAME=DIR"),
        (["A=x", "A=y"], False, "names A twice"),
        ([], True, "name them with --external"),
    ],
)
def test_other_forms_of_the_option_are_refused(texts, intersection, complaint):
    with pytest.raises(UserError, match=complaint):
        parse(texts, intersection)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("cyclegan", "a model or variant"), ("a/b", "cannot be called"), ("real", "cannot be called")],
)
def test_a_taken_or_unfit_name_is_refused(name, complaint, tmp_path):
    with pytest.raises(UserError, match=complaint):
        load_suite("quick", None, {}, []).with_external(parse([f"{name}={tmp_path}"], False))


def test_a_suite_with_external_methods_survives_its_own_settings(tmp_path):
    suite = load_suite("quick", None, {}, []).with_external(parse([f"DRIT={tmp_path}"], True))
    again = load_suite("quick", None, {}, []).model_validate(suite.model_dump(mode="json"))
    assert again.external == {"DRIT": External(folder=tmp_path, intersection=True)}


SMALL = ["data.image_size=16", "data.scenes=6", "data.test_scenes=3", "data.domains=summer,winter"]


DOMAINS, LEFT = ("summer", "winter"), ("00007", "00008")


def pixels(path):
    with Image.open(path) as image:
        return torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)[None]


def bench(out, *arguments):
    settings = [*SMALL, "budget.images=16", "classifier.images=32"]
    return in_process.bench(out, "--models=identity", *(f"--set={text}" for text in settings), *arguments)


def rows_of(out, model):
    with (out / "results.csv").open() as file:
        return [
            {name: value for name, value in row.items() if name != "model"}
            for row in csv.DictReader(file)
            if row["model"] == model
        ]


@pytest.mark.slow
def test_copies_of_the_inputs_score_as_the_model_that_copies_and_cost_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    out, made = tmp_path / "bench", tmp_path / "copies"
    assert bench(out, "--seeds", "2,3") == 0
    for source, target in (("summer", "winter"), ("winter", "summer")):
        shutil.copytree(next((tmp_path / "cache").glob(f"*/test/{source}")), made / f"{source}2{target}")
    trained = {path: path.stat().st_mtime_ns for path in (out / "trainings").rglob("checkpoint.json")}
    assert bench(out, "--seeds", "2,3", "--external", f"Copy={made}") == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "trainings").rglob("checkpoint.json")} == trained
    way_there = [row for row in rows_of(out, "identity") if row["seed"] == "2" and row["metric"] != "cycle"]
    assert rows_of(out, "Copy") == way_there
    found = json.loads((out / "results.json").read_text())
    assert found["models"]["Copy"]["costs"] is None
    table = (out / "table.md").read_text()
    assert "| Copy | – | – | – | – |" in table
    assert "Copy: external translations (copies, sha256 " in table
    assert "only 1 of 2 seeds" not in table
    card = json.loads((out / "protocol.json").read_text())["methods"]["Copy"]
    assert (card["external"], card["intersection"]) == ("copies", False)
    assert card["images"] == {"summer2winter": 3, "winter2summer": 3}

    scored = (out / "scores" / "Copy-seed2.json").stat().st_mtime_ns
    assert bench(out, "--seeds", "2,3", "--external", f"Copy={made}") == 0
    assert (out / "scores" / "Copy-seed2.json").stat().st_mtime_ns == scored
    (made / "summer2winter" / "00006.png").unlink()
    assert bench(out, "--seeds", "2,3", "--external", f"Copy={made}") == 2
    assert "1 missing (summer2winter/00006)" in capfd.readouterr().err
    assert bench(out, "--seeds", "2,3", "--external", f"Copy={made}", "--intersection") == 0
    assert {(row["source"], row["n"]) for row in rows_of(out, "Copy")} == {("summer", "2"), ("winter", "3")}
    assert {row["n"] for row in rows_of(out, "identity")} == {"3"}
    (pairs,) = (path.parent for path in (tmp_path / "cache").glob("*/test"))
    expected = [float(psnr(*(pixels(pairs / "test" / domain / f"{stem}.png") for domain in DOMAINS))) for stem in LEFT]
    (row,) = (row for row in rows_of(out, "Copy") if (row["source"], row["metric"]) == ("summer", "psnr"))
    assert float(row["value"]) == pytest.approx(np.mean(expected), rel=1e-6)

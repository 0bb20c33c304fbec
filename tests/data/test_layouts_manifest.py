"""A manifest says for every image its split, domain, pair or attributes; what does not fit is named by its line."""

import json
from pathlib import Path

import pytest

from i2i.data.layouts import Choices, DataSet
from i2i.data.open import open_place
from i2i.errors import UserError
from tests.data.test_layouts import put

HEADER = "path,split,domain"
LINES = [
    "a/1.png,train,dusk",
    "a/2.png,train,dawn",
    "b/1.png,train,dusk",
    "b/2.png,test,dawn",
    "b/3.png,test,dusk",
]


def written(root: Path, *lines: str, name: str = "photos.csv") -> Path:
    """A manifest beside five images."""
    put(root, "a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/3.png")
    (root / name).write_text("\n".join(lines) + "\n")
    return root / name


def places(data: DataSet, split: str, domain: str) -> list[str]:
    return [image.path.relative_to(data.root).as_posix() for image in data.images(split, domain)]


def test_a_manifest_says_split_and_domain(tmp_path):
    data = open_place(written(tmp_path, HEADER, *LINES))
    assert (data.name, data.layout, data.paired) == ("photos", "a manifest of domains", False)
    assert data.domains == ("dawn", "dusk")
    assert places(data, "train", "dusk") == ["a/1.png", "b/1.png"]
    assert places(data, "test", "dawn") == ["b/2.png"]


def test_images_of_one_name_in_two_folders_stay_apart(tmp_path):
    data = open_place(written(tmp_path, HEADER, *LINES))
    assert [image.stem for image in data.images("train", "dusk")] == ["a%1.png", "b%1.png"]


def test_json_lines_say_the_same(tmp_path):
    rows = [dict(zip(HEADER.split(","), line.split(","), strict=True)) for line in LINES]
    table = open_place(written(tmp_path, *map(json.dumps, rows), "", name="photos.jsonl"))
    assert table.splits == open_place(written(tmp_path, HEADER, *LINES)).splits


def test_a_manifest_in_a_folder_is_found_and_its_card_read(tmp_path):
    root = tmp_path / "sky"
    written(root, HEADER, *LINES, name="manifest.csv")
    (root / "i2i.json").write_text('{"domains": ["dusk", "dawn"]}')
    data = open_place(root)
    assert (data.name, data.domains) == ("sky", ("dusk", "dawn"))


def test_the_metadata_of_an_imagefolder_is_a_manifest_and_its_other_columns_are_left_alone(tmp_path):
    put(tmp_path, "train/1.png", "train/2.png", "validation/3.png")
    lines = ["file_name,text,domain", "train/1.png,one,a", "train/2.png,two,b", "validation/3.png,three,a"]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    data = open_place(tmp_path, Choices("manifest-domains"))
    assert places(data, "train", "b") == ["train/2.png"]
    assert places(data, "val", "a") == ["validation/3.png"]


def test_metadata_about_something_else_is_no_manifest(tmp_path):
    put(tmp_path, "train/a/1.png", "train/b/2.png")
    (tmp_path / "metadata.csv").write_text("file_name,text\ntrain/a/1.png,one\n")
    assert open_place(tmp_path).layout == "a folder per domain"


def test_a_manifest_beside_splits_shows_both_readings(tmp_path):
    put(tmp_path, "train/a/1.png", "train/b/2.png")
    (tmp_path / "manifest.csv").write_text("path,domain\ntrain/a/1.png,x\ntrain/b/2.png,y\n")
    both = r"a folder per domain \(train/a\), or a manifest of domains \(manifest\.csv\): choose with"
    with pytest.raises(UserError, match=both + ".*domains or --set data.layout=manifest-domains"):
        open_place(tmp_path)
    assert open_place(tmp_path, Choices("manifest-domains")).domains == ("x", "y")


def test_equal_entries_of_the_column_pair_are_pairs(tmp_path):
    lines = ["a/1.png,train,dusk,x", "a/2.png,train,dawn,y", "b/1.png,train,dusk,y", "b/2.png,train,dawn,x"]
    data = open_place(written(tmp_path, HEADER + ",pair", *lines))
    assert data.paired
    assert places(data, "train", "dusk") == ["a/1.png", "b/1.png"]
    assert places(data, "train", "dawn") == ["b/2.png", "a/2.png"]


def test_attributes_are_learnt_with_their_own_names(tmp_path):
    lines = ["a/1.png,train,Male;Young", "a/2.png,train,", 'b/1.png,train,"Young, Bald"', "b/2.png,test,Male"]
    data = open_place(written(tmp_path, "path,split,attributes", *lines))
    assert data.domains == ("Bald", "-Bald", "Male", "-Male", "Young", "-Young")
    assert places(data, "train", "Young") == ["a/1.png", "b/1.png"]
    assert places(data, "test", "-Young") == ["b/2.png"]
    chosen = open_place(tmp_path / "photos.csv", Choices(attributes=("Male", "Young"), exclusive=(("Male", "Young"),)))
    assert chosen.domains == ("Male", "Young")
    with pytest.raises(UserError, match="'male'; did you mean 'Male'"):
        open_place(tmp_path / "photos.csv", Choices(attributes=("male",)))


def test_domains_beside_attributes_are_ambiguous(tmp_path):
    table = written(tmp_path, "path,split,domain,attributes", "a/1.png,train,x,Male", "a/2.png,train,y,")
    with pytest.raises(UserError, match=r"a manifest of domains .*, or a manifest of attributes .*: choose with"):
        open_place(table)
    assert open_place(table, Choices("manifest-domains")).domains == ("x", "y")
    assert open_place(table, Choices("manifest-attributes")).domains == ("Male", "-Male")


def faulty(*lines: str, header: str = HEADER) -> list[str]:
    return [header, *LINES, *lines]


FAULTS = {
    "no path": (["pth,split,domain"], "line 1: no column path (found 'pth', 'split', 'domain'): the columns are path,"),
    "a misspelt column": (["path,split,domian"], "line 1: unknown column 'domian'; did you mean 'domain'"),
    "a column twice": (["path,split,split"], "line 1: column 'split' stands twice"),
    "nothing": ([""], "line 1: no column path (found none)"),
    "no rows": ([HEADER], "lists no images: write one per line, below a header"),
    "too few cells": (faulty("b/1.png,train"), "line 7: 2 cells instead of 3: one each for path, split, domain"),
    "an open quote": (faulty('"b/1.png,train,a'), "line 7: unexpected end of data: repair the quotes"),
    "an unknown split": (faulty("c.png,dev,a"), "line 7: split 'dev' is none of train, val, test"),
    "no split": (["path,domain", "a/1.png,x"], "line 2: split '' is none of train, val, test"),
    "no domain": (faulty("c.png,train,"), "line 7: no domain: name one, or attributes, for every image"),
    "an empty path": (faulty(",train,a"), "line 7: no path: name an image"),
    "an absent image": (faulty("c.png,train,a"), "line 7: there is no file 'c.png' in"),
    "no image": (faulty("photos.csv,train,a"), "line 7: 'photos.csv' is no image of a known format: PNG, JPEG"),
    "twice": (faulty("a/1.png,train,a"), "line 7: 'a/1.png' stands in line 2 already"),
    "absolute": (faulty("/etc/1.png,train,a"), "line 7: '/etc/1.png' is an absolute path: names must stay inside"),
    "a drive": (faulty("C:x.png,train,a"), "line 7: 'C:x.png' is an absolute path"),
    "upwards": (faulty("a/../../1.png,train,a"), "line 7: 'a/../../1.png' leads out of the folder by .."),
    "upwards as in Windows": (faulty("a\\..\\1.png,train,a"), "leads out of the folder by .."),
    "half of the pairs": (
        [HEADER + ",pair", "a/1.png,train,a,1", "a/2.png,train,b,"],
        "line 3: no pair, though other lines name one",
    ),
    "a pair without its member": (
        [HEADER + ",pair", "a/1.png,train,a,left", "a/2.png,train,b,right"],
        "in train a and b differ: left, right",
    ),
    "a slash in a domain": ([HEADER, *LINES[:3], "b/2.png,train,x/y"], "'x/y' is no name for a domain"),
    "one domain": ([HEADER, "a/1.png,train,a"], "has only one domain, a"),
    "no attribute": (["path,split,attributes", "a/1.png,train,"], "names no attribute: fill its column"),
    "pairs with attributes": (
        ["path,split,pair,attributes", "a/1.png,train,1,x"],
        "images with attributes are no pairs",
    ),
}


@pytest.mark.parametrize(("lines", "complaint"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_line(tmp_path, lines, complaint):
    with pytest.raises(UserError) as error:
        open_place(written(tmp_path, *lines))
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('{"path": "a/1.png"', "line 2: no JSON"),
        ("[1]", "line 2: no object"),
        ('{"path": 1.5, "split": "train", "domain": "a"}', "line 2: path must be a text"),
        ('{"path": "a/1.png", "split": "train", "attributes": [1]}', "attributes must be a text or a list"),
        ("[" * 100_000, "line 2: no JSON"),
    ],
)
def test_a_fault_in_json_lines_is_named_with_its_line(tmp_path, line, complaint):
    with pytest.raises(UserError, match=complaint):
        open_place(written(tmp_path, '{"path": "a/1.png", "split": "train", "domain": "a"}', line, name="photos.jsonl"))


def test_a_manifest_that_is_no_text_is_named(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"path,split,domain\n\xff\xfe.png,train,a\n")
    with pytest.raises(UserError, match=r"x\.csv cannot be read as text in UTF-8"):
        open_place(tmp_path / "x.csv")


@pytest.mark.parametrize("linked", ["a/link.png", "folder/1.png"])
def test_links_out_of_the_folder_are_refused(tmp_path, linked):
    root = tmp_path / "root"
    table = written(root, HEADER, *LINES, f"{linked},train,dusk")
    put(tmp_path, "outside/1.png")
    (root / "a/link.png").symlink_to(tmp_path / "outside/1.png")
    (root / "folder").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError, match=f"line 7: '{linked}' is a link out of .*: copy the file there"):
        open_place(table)


def test_links_that_stay_inside_are_followed(tmp_path):
    table = written(tmp_path, HEADER, *LINES, "a/link.png,train,dusk")
    (tmp_path / "a/link.png").symlink_to(tmp_path / "b/2.png")
    assert len(open_place(table).images("train", "dusk")) == 3


def test_a_file_that_is_no_manifest_or_archive_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"notes\.txt is a file of no known kind: give a folder, an archive"):
        open_place(tmp_path / "notes.txt")

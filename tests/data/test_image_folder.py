"""Which images a folder holds is decided in one place: by contents, through links, and what is not taken is told."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.data.layouts import scan
from i2i.data.layouts.image_folder import ImageFolder, is_image, left_out_line
from i2i.errors import UserError
from i2i.inference.translate_files import collect, left_out


def put(*paths: Path, format: str = "PNG") -> None:
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 8), 10 * number, np.uint8)).save(path, format=format)


def listed(root: Path) -> list[str]:
    return ["/".join(parts) for parts in ImageFolder(root).images]


def told(root: Path) -> list[str]:
    return [str(group) for group in ImageFolder(root).left_out]


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.jpe", "JPEG"), ("b.JFIF", "JPEG"), ("c.pbm", "PPM"), ("d.dat", "TIFF"), ("e", "WEBP"), ("f.tmp", "GIF")],
)
def test_an_image_is_known_by_its_contents_whatever_its_name(tmp_path, name, format):
    put(tmp_path / name, format=format)
    assert listed(tmp_path) == [name]
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    "contents", [b"BMW and other makes", b"P5 is the fifth point", b"RIFF", b"", b"\x89PNG", b"%!PS", b"<svg/>"]
)
def test_a_file_that_only_begins_like_an_image_is_none_and_told(tmp_path, contents):
    (tmp_path / "notes.txt").write_bytes(contents)
    assert not is_image(tmp_path / "notes.txt")
    assert listed(tmp_path) == []
    assert told(tmp_path) == ["1 file of no image format (notes.txt)"]


def test_a_name_like_an_image_is_taken_so_that_a_broken_file_is_named_and_not_passed_over(tmp_path):
    (tmp_path / "a.png").write_bytes(b"broken")
    assert listed(tmp_path) == ["a.png"]


def test_hidden_files_and_folders_and_those_of_systems_are_neither_taken_nor_told(tmp_path):
    put(tmp_path / "a.png", tmp_path / ".b.png", tmp_path / ".thumbnails/c.png", tmp_path / "__MACOSX/d.png")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    assert listed(tmp_path) == ["a.png"]
    assert told(tmp_path) == []


def test_sub_folders_are_listed_in_the_order_of_their_names(tmp_path):
    put(*(tmp_path / name for name in ("b/2.png", "b/10.png", "a.png", "b/a/1.png", "b-c/1.png")))
    assert listed(tmp_path) == ["a.png", "b/10.png", "b/2.png", "b/a/1.png", "b-c/1.png"]


def test_links_to_folders_and_files_are_followed(tmp_path):
    put(tmp_path / "pool/x/1.png", tmp_path / "one.png")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/day").symlink_to(tmp_path / "pool")
    (tmp_path / "data/night").symlink_to(tmp_path / "pool")
    (tmp_path / "data/one.png").symlink_to(tmp_path / "one.png")
    assert listed(tmp_path / "data") == ["day/x/1.png", "night/x/1.png", "one.png"]


def test_links_that_lead_nowhere_or_round_are_told_and_end(tmp_path):
    put(tmp_path / "data/a/1.png")
    (tmp_path / "data/a/up").symlink_to(tmp_path / "data")
    (tmp_path / "data/a/self").symlink_to(tmp_path / "data/a/self")
    (tmp_path / "data/gone.png").symlink_to(tmp_path / "nowhere.png")
    assert listed(tmp_path / "data") == ["a/1.png"]
    assert told(tmp_path / "data") == [
        "1 link to a folder that it lies in (a/up)",
        "2 links without a target (a/self, gone.png)",
    ]


def test_a_link_above_the_folder_is_walked_once(tmp_path):
    put(tmp_path / "data/a/1.png", tmp_path / "other/2.png")
    (tmp_path / "data/a/up").symlink_to(tmp_path)
    assert listed(tmp_path / "data") == ["a/1.png", "a/up/other/2.png"]
    assert "to a folder that it lies in (a/up/data)" in told(tmp_path / "data")[0]


def test_links_among_folders_do_not_multiply(tmp_path):
    folders = [tmp_path / f"data/{n:02d}" for n in range(20)]
    put(*(folder / "1.png" for folder in folders))
    for before, after in pairwise(folders):
        (before / "x").symlink_to(after)
        (before / "y").symlink_to(after)
    assert len(listed(tmp_path / "data")) < 1_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert told(tmp_path) == ["1 folder that cannot be read (closed)"]


def test_what_is_no_file_is_told_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert told(tmp_path) == ["1 file of no image format (pipe)"]


def test_names_are_relative_and_must_differ(tmp_path):
    put(tmp_path / "x/a.png", tmp_path / "y/a.png")
    assert list(ImageFolder(tmp_path).by_name()) == ["x/a", "y/a"]
    put(tmp_path / "y/a.jpg", format="JPEG")
    with pytest.raises(UserError, match=r"y holds a\.jpg and a\.png: keep one of that name"):
        ImageFolder(tmp_path).by_name()


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    with pytest.raises(UserError, match=r"no images in .*; left out: 1 file of no image format \(a\.svg\)$"):
        ImageFolder(tmp_path).by_name()
    with pytest.raises(UserError, match=r"no images in .*; left out: 1 file of no image format \(a\.svg\)$"):
        collect([tmp_path])


def test_the_line_counts_and_shows_the_first_names(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}\n.txt").write_text("x")
    assert left_out_line(ImageFolder(tmp_path).left_out) == [
        "left out: 5 files of no image format (0\\n.txt, 1\\n.txt, 2\\n.txt and 2 more)"
    ]
    assert left_out_line([]) == []


def test_translation_keeps_the_tree_and_tells_what_it_leaves(tmp_path):
    put(tmp_path / "in/rome/1.png", tmp_path / "in/2.jfif")
    (tmp_path / "in/notes.md").write_text("x")
    assert sorted(name.as_posix() for _, name in collect([tmp_path / "in"])) == ["2.png", "rome/1.png"]
    assert [str(group) for group in left_out([tmp_path / "in", tmp_path / "in/rome/1.png"])] == [
        "1 file of no image format (notes.md)"
    ]


LAYOUTS = {
    "domains": ["train/day/1.png", "train/night/2.png"],
    "splits": ["day/train/1.png", "night/train/2.png"],
    "letters": ["trainA/1.png", "trainB/2.png"],
    "halves": ["train/1.png", "train/2.png"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_tells_what_lies_beside_it(tmp_path, layout):
    put(*(tmp_path / name for name in LAYOUTS[layout]), tmp_path / "extra/3.png", tmp_path / "cover.png")
    (tmp_path / "README.txt").write_text("x")
    (tmp_path / "i2i.json").write_text("{}")
    (tmp_path / LAYOUTS[layout][0]).with_name("gone.png").symlink_to("nowhere")
    line = scan(tmp_path).recognized
    assert "2 images outside of the layout (cover.png, extra/3.png)" in line
    assert "1 file of no image format (README.txt)" in line
    assert "1 link without a target" in line


@pytest.mark.parametrize("layout", ["domains", "splits", "letters"])
def test_sub_folders_of_a_domain_belong_to_it_in_every_layout(tmp_path, layout):
    first, second = LAYOUTS[layout]
    for name in (first, second):
        put(tmp_path / name, (tmp_path / name).with_name("rome") / "forum.png", (tmp_path / name).with_name("oslo.png"))
    data = scan(tmp_path)
    assert [len(data.images("train", domain)) for domain in data.domains] == [3, 3]
    assert data.left_out == ()


def test_pairs_in_sub_folders_are_those_of_equal_paths(tmp_path):
    put(
        *(
            tmp_path / f"train/{domain}/{city}/{name}.png"
            for domain in "ab"
            for city in ("oslo", "rome")
            for name in "xy"
        )
    )
    data = scan(tmp_path)
    assert data.paired
    assert [one.scene for one in data.images("train", "a")] == ["oslo/x", "oslo/y", "rome/x", "rome/y"]
    assert len({one.stem for one in data.images("train", "a")}) == 4


def test_images_of_domains_that_were_not_chosen_are_told(tmp_path):
    put(*(tmp_path / f"train/{domain}/1{domain}.png" for domain in "abc"))
    assert (
        "1 image of domains that were not chosen (train/c/1c.png)" in scan(tmp_path).restricted(("b", "a")).recognized
    )

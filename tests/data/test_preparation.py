"""`i2i data prepare`: what comes out trains as what went in, complete or not at all."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.audit.report import check, inspect_data
from i2i.data.image_files.images import Preprocess, read_image
from i2i.data.layouts import Choices, DataSet
from i2i.data.open import open_data
from i2i.data.preparation.groups import groups_of
from i2i.data.preparation.resize import prepare
from i2i.data.preparation.split import divide
from i2i.data.preparation.unsplit import read_undivided
from i2i.data.training_images import TrainingImages
from tests.data.test_audit import put, scene
from tests.robustness.test_bad_input import contents, run


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data_set(root: Path, *files: str, width: int = 40) -> Path:
    for number, file in enumerate(files):
        put(root / file, scene(number, width, 30))
    return root


FOUR = ("train/dawn/1.jpg", "train/dusk/1.png", "test/dawn/2.png", "test/dusk/3.png")


def prepared(*arguments: object) -> Path:
    assert run("data", "prepare", *arguments, "--out", "out") == 0
    return Path("out")


def names(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def pixels(root: Path, domain: str) -> np.ndarray:
    data = open_data(DataConfig(path=root))
    loaded = TrainingImages.load(data, "train", Preprocess((16, 24)), flip=False)
    return np.concatenate([images.numpy() for images in loaded.centered(domain)])


def test_the_new_folder_trains_as_the_old_one(place):
    data_set(place / "sky", *FOUR)
    out = prepared("sky", "--size", "16x24")
    assert names(out) == sorted([*(str(Path(file).with_suffix(".png")) for file in FOUR), "i2i.json"])
    for domain in ("dawn", "dusk"):
        assert np.array_equal(pixels(out, domain), pixels(place / "sky", domain))
    assert Image.open(out / "train/dawn/1.png").size == (24, 16)
    assert open_data(DataConfig(path=out)).domains == ("dawn", "dusk")


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
def test_images_are_fitted_as_training_would_fit_them(place, fit):
    data_set(place / "sky", *FOUR)
    out = prepared("sky", "--size", "16", "--set", f"data.fit={fit}", "--set", "data.background=teal")
    made = Preprocess((16, 16), fit=fit, background="teal")(read_image(place / "sky/train/dusk/1.png"))
    assert np.array_equal(np.asarray(Image.open(out / "train/dusk/1.png")), made)


def test_halves_become_pairs_of_two_domains(place):
    data_set(place / "sky", "train/x.png", "train/y.jpg", width=80)
    out = prepared("sky", "--size", "16")
    data = open_data(DataConfig(path=out))
    assert data.paired
    assert names(out / "train") == ["A/x.png", "A/y.png", "B/x.png", "B/y.png"]
    left = scene(0, 80, 30).crop((0, 0, 40, 30))
    assert np.array_equal(np.asarray(Image.open(out / "train/A/x.png")), Preprocess((16, 16))(left))


def test_names_that_only_suffixes_tell_apart_stay_apart(place):
    data_set(place / "sky", "train/dawn/1.jpg", "train/dawn/1.png", "train/dawn/1-2.png", "train/dusk/1.png")
    out = prepared("sky", "--size", "16")
    assert len(names(out / "train/dawn")) == 3
    assert {"1.jpg.png", "1.png.png"} < set(names(out / "train/dawn"))


def test_members_of_a_pair_get_the_same_name(place):
    data_set(place / "sky", "train/dawn/1.jpg", "train/dawn/1.png", "train/dusk/1.bmp", "train/dusk/1.tif")
    (place / "sky/i2i.json").write_text('{"paired": true, "domains": ["dusk", "dawn"]}')
    out = prepared("sky", "--size", "16")
    assert names(out / "train/dawn") == names(out / "train/dusk")
    data = open_data(DataConfig(path=out))
    assert (data.paired, data.domains) == (True, ("dusk", "dawn"))


def test_members_of_a_pair_whose_files_have_other_names_are_named_after_the_first(place):
    data_set(place / "sky", "train/dawn/a.png", "train/dusk/b.png")
    data = replace(open_data(DataConfig(path=place / "sky")), paired=True)
    Path("out").mkdir()
    prepare(data, Path("out"), Preprocess((16, 16)))
    assert names(Path("out")) == ["train/dawn/a.png", "train/dusk/a.png"]


def test_jpeg_is_written_where_wanted(place):
    data_set(place / "sky", *FOUR)
    out = prepared("sky", "--size", "16", "--format", "jpeg")
    assert Image.open(out / "train/dusk/1.jpg").format == "JPEG"


@pytest.mark.parametrize("seed", [0, 1])
def test_folders_of_domains_are_divided_by_shares(place, seed):
    data_set(place / "sky", *(f"{domain}/{domain}{number}.png" for domain in ("dawn", "dusk") for number in range(10)))
    out = prepared("sky", "--size", "16", "--split", "0.8,0.1,0.1", "--seed", seed)
    data = open_data(DataConfig(path=out))
    for domain in data.domains:
        split_up = {split: [image.stem for image in data.images(split, domain)] for split in data.splits}
        assert {split: len(own) for split, own in split_up.items()} == {"train": 8, "val": 1, "test": 1}
        assert sorted(name for own in split_up.values() for name in own) == [
            f"{domain}{number}" for number in range(10)
        ]


def test_the_division_depends_on_the_seed_alone(place):
    data_set(place / "sky", *(f"{domain}/{domain}{number}.png" for domain in ("dawn", "dusk") for number in range(10)))
    found = []
    for seed in (0, 0, 1):
        found.append(names(prepared("sky", "--size", "16", "--split", "0.5,0,0.5", "--seed", seed)))
        shutil.rmtree("out")
    assert found[0] == found[1] != found[2]


def test_scenes_of_equal_names_stay_in_the_same_split(place):
    data_set(place / "sky", *(f"{domain}/{number}.png" for domain in ("dawn", "dusk") for number in range(10)))
    out = prepared("sky", "--size", "16", "--split", "0.6,0.2,0.2")
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        assert names(out / split / "dawn") == names(out / split / "dusk")
        assert len(names(out / split / "dawn")) == count


def test_loose_pairs_side_by_side_are_divided_together(place):
    data_set(place / "sky", *(f"{number}.jpg" for number in range(10)), width=80)
    out = prepared("sky", "--size", "16", "--split", "0.6,0.2,0.2")
    data = open_data(DataConfig(path=out))
    assert data.paired
    assert {split: len(found["A"]) for split, found in data.splits.items()} == {"train": 6, "val": 2, "test": 2}
    for split in data.splits:
        assert names(out / split / "A") == names(out / split / "B")
        for name in names(out / split / "B"):
            right = read_image(place / "sky" / f"{Path(name).stem}.jpg", "right")
            assert np.array_equal(np.asarray(Image.open(out / split / "B" / name)), Preprocess((16, 16))(right))


def test_images_too_narrow_for_pairs_are_divided_when_told_that_they_are_some(place, capsys):
    data_set(place / "sky", *(f"{number}.png" for number in range(4)))
    options = ("sky", "--size", 16, "--split", "0.5,0,0.5", "--out", "out")
    said = said_in_refusing(place, capsys, *options)
    assert "4 images lie loose in" in said
    assert "only 1.33 times as wide as high" in said
    assert run("data", "prepare", *options, "--set", "data.layout=halves") == 0
    assert len(names(Path("out/train/A"))) == 2


@pytest.mark.parametrize(("stems", "paired"), [("abcd", True), ("1234", False)])
def test_the_division_keeps_the_pairs_that_names_make_and_makes_none(place, stems, paired):
    data_set(place / "sky", *(f"{domain}/{stem}.png" for domain in ("dawn", "dusk") for stem in stems))
    out = prepared("sky", "--size", "16", "--split", "0.5,0,0.5")
    assert open_data(DataConfig(path=out)).paired == paired


def undivided(root: Path) -> DataSet:
    return read_undivided(root, Choices())


def split_of_each(data: DataSet) -> dict[str, str]:
    return {
        str(one.path.relative_to(data.root)): split
        for split, found in data.splits.items()
        for own in found.values()
        for one in own
    }


@pytest.mark.parametrize("seed", range(4))
def test_no_near_duplicates_and_no_equal_files_come_into_several_splits(place, seed):
    rng = np.random.default_rng(5)
    alike: list[set[str]] = []
    for number in range(14):
        domain = "dawn" if number % 2 else "dusk"
        names = [f"{domain}/{rng.bytes(4).hex()}.{suffix}" for suffix in ("png", "jpg", "png", "bmp")[: 1 + number % 4]]
        names += [f"{'dusk' if domain == 'dawn' else 'dawn'}/{rng.bytes(4).hex()}.jpg"] if number % 3 == 0 else []
        for copy, name in enumerate(names):
            put(place / "sky" / name, scene(number, 48 - 3 * copy, 48 - 3 * copy))
        alike.append(set(names))
    for name in ("dawn/flat1.png", "dusk/flat2.png"):
        put(place / "sky" / name, Image.new("RGB", (40, 40), "teal"))  # of one colour: no looks to compare
    together, told = groups_of(undivided(place / "sky"))
    data = divide(undivided(place / "sky"), (0.6, 0.2, 0.2), seed, together)
    owner = split_of_each(data)
    for names in (*alike, {"dawn/flat1.png", "dusk/flat2.png"}):
        assert len({owner[name] for name in names}) == 1
    assert "near-duplicates, each in one split" in told[-1]
    findings = {one.kind for one in check(inspect_data(data, DataConfig(image_size=(16, 16)))).findings}
    assert not findings & {"leak", "near leak"}


@pytest.mark.parametrize("pattern", ["clip{:02d}_{:04d}", "person{} {}", "walk-{}.take/{}"])
def test_numbered_names_of_one_beginning_stay_in_the_same_split(place, pattern):
    places = [f"{domain}/{domain}" for domain in ("dawn", "dusk")]
    names = [place + pattern.format(n, m) for place in places for n in range(10) for m in (1, 2)]
    data_set(place / "sky", *(f"{name}.png" for name in names))
    data = divide(undivided(place / "sky"), (0.6, 0.2, 0.2), 0, groups_of(undivided(place / "sky"))[0])
    owner = split_of_each(data)
    assert all(owner[f"{name}.png"] == owner[f"{name[:-1]}1.png"] for name in names)
    assert {split: len(found["dawn"]) for split, found in data.splits.items()} == {"train": 12, "val": 4, "test": 4}


def test_few_beginnings_are_cameras_and_divided(place):
    data_set(
        place / "sky", *(f"{d}/{d}{camera}_{n}.png" for d in ("dawn", "dusk") for camera in "xy" for n in range(5))
    )
    assert groups_of(undivided(place / "sky")) == ([], [])


def test_groups_larger_than_what_is_held_out_are_learnt(place):
    data_set(place / "sky", *(f"{domain}/{domain}{number}.png" for domain in ("dawn", "dusk") for number in range(10)))
    whole = undivided(place / "sky")
    large = [one.path for one in whole.splits["train"]["dawn"][3:8]]
    for seed in range(5):
        data = divide(whole, (0.8, 0.1, 0.1), seed, [large])
        assert set(large) <= {one.path for one in data.splits["train"]["dawn"]}
        assert {split: len(found["dawn"]) for split, found in data.splits.items()} == {"train": 8, "val": 1, "test": 1}


def test_scenes_stay_together_although_one_lacks_a_partner(place):
    files = [f"{domain}/{chr(97 + number)}x.png" for domain in ("dawn", "dusk") for number in range(12)]
    data_set(place / "sky", *files[:-1])
    owner = split_of_each(divide(undivided(place / "sky"), (0.6, 0.2, 0.2), 0, groups_of(undivided(place / "sky"))[0]))
    assert all(owner[f"dawn/{name}"] == owner[f"dusk/{name}"] for name in (Path(file).name for file in files[:11]))


def test_images_that_all_belong_together_cannot_be_divided(place, capsys):
    for number in range(4):
        for domain in ("dawn", "dusk"):
            put(place / f"sky/{domain}/{domain}{number}.png", scene(1, 40 + number, 40 + number))
    said = said_in_refusing(place, capsys, "sky", "--size", 16, "--split", "0.5,0,0.5", "--out", "out")
    assert "the images of dawn belong together in 1 group, too few to divide: test would be empty" in said


def test_the_seed_and_the_shares_stand_in_the_new_card(place):
    data_set(place / "sky", *(f"{domain}/{domain}{number}.png" for domain in ("dawn", "dusk") for number in range(4)))
    card = json.loads((prepared("sky", "--size", "16", "--split", "0.5,0,0.5", "--seed", 7) / "i2i.json").read_text())
    assert card["division"] == {"seed": 7, "shares": [0.5, 0, 0.5]}
    assert open_data(DataConfig(path=Path("out"))).domains == ("dawn", "dusk")


def test_what_is_not_prepared_is_told(place, capsys):
    data_set(place / "sky", *FOUR, "train/noon/8.png", "extra/9.png")
    prepared("sky", "--size", "16", "--set", "data.domains=dawn,dusk")
    said = capsys.readouterr().out
    assert "1 image of domains that were not chosen (train/noon/8.png)" in said
    assert "1 image outside of the layout (extra/9.png)" in said


def test_what_is_not_divided_is_told(place, capsys):
    data_set(
        place / "sky", *(f"{domain}/{domain}{number}.png" for domain in ("dawn", "dusk", "noon") for number in "123")
    )
    (place / "sky/i2i.json").write_text('{"domains": ["dawn", "dusk"]}')
    (place / "sky/notes.txt").write_text("none")
    prepared("sky", "--size", "16", "--split", "0.5,0,0.5")
    said = capsys.readouterr().out
    assert "3 images of domains that were not chosen (noon/noon1.png, noon/noon2.png, noon/noon3.png)" in said
    assert "1 file of no image format (notes.txt)" in said


def test_the_contents_of_an_archive_are_divided(place):
    data_set(place / "sky", *(f"{domain}/{number}.png" for domain in ("dawn", "dusk") for number in range(4)))
    shutil.make_archive("sky", "zip", place, "sky")
    out = prepared("sky.zip", "--size", "16", "--split", "0.5,0.25,0.25")
    assert [len(names(out / split / "dusk")) for split in ("train", "val", "test")] == [2, 1, 1]


def celeba(root: Path) -> Path:
    for number in range(4):
        put(root / f"images/{number}.jpg", scene(number, 40, 50))
    rows = ["4", "Male Young Smiling", *(f"{n}.jpg {1 if n % 2 else -1} 1 {-1 if n else 1}" for n in range(4))]
    (root / "list_attr_celeba.txt").write_text("\n".join(rows) + "\n")
    return root


def test_a_list_of_attributes_is_written_again_with_all_of_them(place):
    celeba(place / "faces")
    out = prepared("faces", "--size", "16", "--attributes", "Male,Young")
    assert names(out) == [*(f"images/{n}.png" for n in range(4)), "list_attr_celeba.txt", "list_eval_partition.txt"]
    before, after = (
        open_data(DataConfig(path=root, attributes=("Male", "Young", "Smiling"))) for root in (place / "faces", out)
    )

    assert told(before) == told(after)


def told(data: DataSet) -> dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]]:
    return {
        (split, domain): [(image.stem, image.attributes) for image in own]
        for split, found in data.splits.items()
        for domain, own in found.items()
    }


def test_a_list_of_attributes_without_a_partition_is_divided_by_shares(place):
    celeba(place / "faces")
    out = prepared("faces", "--size", "16", "--attributes", "Male,Young", "--split", "0.5,0.25,0.25")
    parts = [line.split()[1] for line in (out / "list_eval_partition.txt").read_text().splitlines()]
    assert sorted(parts) == ["0", "0", "1", "2"]
    data = open_data(DataConfig(path=out, attributes=("Male", "Young")))
    assert {split: len(found["Young"]) for split, found in data.splits.items()} == {"train": 2, "val": 1, "test": 1}


ROWS = (
    ("a/1.png", "train", "calm;old, rainy"),
    ("b/1.png", "train", "wild"),
    ("a/2.png", "test", "wild,old"),
    ("a/3.png", "test", ""),
    ("a/4.png", "test", 'a "new" one'),
)


def attribute_manifest(path: Path) -> Path:
    data_set(path.parent, *(row[0] for row in ROWS))
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([("path", "split", "attributes"), *ROWS])
    else:
        columns = ("path", "split", "attributes")
        path.write_text("\n".join(json.dumps(dict(zip(columns, row, strict=True))) for row in ROWS))
    return path


@pytest.mark.parametrize("name", ["moods.csv", "moods.jsonl", "manifest.csv", "sky.zip"])
def test_a_manifest_of_attributes_is_written_again_with_all_of_them(place, name):
    packed = name == "sky.zip"
    table = attribute_manifest(place / "sky" / ("manifest.jsonl" if packed else name))
    if packed:
        shutil.make_archive("sky", "zip", place, "sky")
    out = prepared("sky.zip" if packed else table, "--size", "16", "--attributes", "wild")
    assert names(out) == [f"images/{stem}.png" for stem in ("1-2", "1", "2", "3", "4")] + ["manifest.csv"]
    every = ("calm", "old", "rainy", "wild", 'a "new" one')
    before, after = (open_data(DataConfig(path=path, attributes=every)) for path in (table, out))
    renamed = {"a%1.png": "1", "b%1.png": "1-2"}
    assert told(after) == {
        key: [(renamed.get(stem, stem), own) for stem, own in found] for key, found in told(before).items()
    }
    made = Preprocess((16, 16))(read_image(place / "sky/b/1.png"))
    assert np.array_equal(np.asarray(Image.open(out / "images/1-2.png")), made)


def test_bad_images_of_a_manifest_are_left_out_of_its_lines(place):
    table = attribute_manifest(place / "sky/moods.csv")
    (place / "sky/a/2.png").write_bytes(b"no image")
    out = prepared(table, "--size", "16", "--skip-bad")
    assert not (out / "images/2.png").exists()
    assert (out / "manifest.csv").read_text().count("\n") == len(ROWS)


def test_lists_that_tell_splits_are_not_divided(place, capsys):
    table = attribute_manifest(place / "sky/moods.csv")
    (celeba(place / "faces") / "list_eval_partition.txt").write_text("".join(f"{n}.jpg 0\n" for n in range(4)))
    for data in (table, "faces"):
        said = said_in_refusing(place, capsys, data, "--size", 16, "--split", "0.8,0.1,0.1", "--out", "out")
        assert "has splits already: leave --split out" in said


def test_bad_images_are_left_out_where_wanted_and_told(place, capsys):
    data_set(place / "sky", *FOUR, "train/dawn/5.png")
    (place / "sky/train/dawn/5.png").write_bytes(b"no image")
    out = prepared("sky", "--size", "16", "--skip-bad")
    assert names(out / "train/dawn") == ["1.png"]
    assert "train/dawn/5.png cannot be read as an image (it is of no known format)" in capsys.readouterr().out


def said_in_refusing(place: Path, capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 2) -> str:
    before = contents(place)
    assert run("data", "prepare", *arguments) == status
    assert contents(place) == before, "nothing half-written"
    said = capsys.readouterr().err
    assert said.startswith("i2i: ")
    return said


def test_a_bad_image_is_named_and_nothing_is_left_behind(place, capsys):
    data_set(place / "sky", *FOUR)
    path = place / "sky/test/dusk/3.png"
    path.write_bytes(path.read_bytes()[:-400])
    said = said_in_refusing(place, capsys, "sky", "--size", 16, "--out", "out")
    assert "test/dusk/3.png cannot be read as an image" in said


REFUSALS = {
    "not empty": (("--out", "."), ". is the folder you are in"),
    "the data": (("--out", "sky"), "sky, which is read: choose another place, outside of it"),
    "in the data": (("--out", "sky/small"), "sky, which is read: choose another place, outside of it"),
    "splits": (("--split", "0.8,0.1,0.1"), "sky has splits already: leave --split out"),
    "shares": (("--split", "0.8,0.3,0.1"), "--split 0.8,0.3,0.1 must be the shares of train, val and test"),
    "two shares": (("--split", "0.8,0.2"), "which add up to 1"),
    "format": (("--format", "gif"), "--format gif is none: choose png or jpeg"),
    "size": (("--size", "4"), "image sides must be at least 8"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_is_refused(place, capsys, case):
    data_set(place / "sky", *FOUR)
    options, complaint = REFUSALS[case]
    given = {"--size": "16", "--out": "out", **dict([options])}
    arguments = [word for option in given.items() for word in option]
    assert complaint in said_in_refusing(place, capsys, "sky", *arguments)


@pytest.mark.parametrize("folder", ["traina", "my test set", "day_val", "Training", "holdout"])
def test_folders_whose_names_speak_of_splits_are_not_divided(place, capsys, folder):
    data_set(place / "sky", "dawn/1.png", "dusk/2.png", f"{folder}/3.png")
    said = said_in_refusing(place, capsys, "sky", "--size", 16, "--split", "0.5,0,0.5", "--out", "out")
    assert "has splits already: leave --split out" in said


def test_folders_without_splits_are_told_the_option(place, capsys):
    data_set(place / "sky", "dawn/1.png", "dusk/2.png")
    said = said_in_refusing(place, capsys, "sky", "--size", 16, "--out", "out")
    assert "--split 0.8,0.1,0.1" in said


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (("dawn/1.png", "dusk/2.png"), "1 images of a domain are too few to divide into 3 splits"),
        (("dawn/1.png",), "has only one domain, dawn"),
        (("1.png", "dawn/1.png"), "lies beside folders of domains"),
    ],
)
def test_what_cannot_be_divided_is_told(place, capsys, files, complaint):
    data_set(place / "sky", *files)
    options = ("--size", 16, "--split", "0.8,0.1,0.1", "--out", "out")
    assert complaint in said_in_refusing(place, capsys, "sky", *options)


def test_a_full_disk_leaves_nothing_behind(place, capsys, monkeypatch):
    data_set(place / "sky", *FOUR)

    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    said = said_in_refusing(place, capsys, "sky", "--size", 16, "--out", "out", status=1)
    assert said == "i2i: the disk of out is full: make room and run it again\n"


def test_the_card_tells_name_domains_and_pairs(place):
    data_set(place / "sky", *FOUR)
    out = prepared("sky", "--size", "16")
    assert json.loads((out / "i2i.json").read_text()) == {"name": "sky", "domains": ["dawn", "dusk"], "paired": False}

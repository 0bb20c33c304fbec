"""A data folder says by its layout which images belong to which split and domain, or what is wrong with it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.batches import PairedBatch
from i2i.data.layouts import Choices, DataSet, join, scan
from i2i.errors import UserError
from i2i.utils.split_names import lettered, names_a_split, split_of


def put(root: Path, *places: str) -> Path:
    """Write a small image at each place below `root`; returns `root`."""
    for number, place in enumerate(places):
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 8, 3), 10 * number, np.uint8)).save(path)
    return root


def card(root: Path, **entries) -> Path:
    (root / "i2i.json").write_text(json.dumps(entries))
    return root


def names(data: DataSet, split: str, domain: str) -> list[str]:
    return [image.path.relative_to(data.root).as_posix() for image in data.images(split, domain)]


@pytest.fixture
def by_domain(tmp_path) -> Path:
    places = [f"{split}/{domain}/{n}.png" for split in ("train", "test") for domain in ("dusk", "dawn") for n in "12"]
    return put(tmp_path / "sky", *places)


def test_a_folder_per_domain_is_recognized(by_domain):
    put(by_domain, "train/noon/9.jpg", "val/noon/8.jpg")
    data = scan(by_domain)
    assert (data.name, data.layout, data.paired) == ("sky", "a folder per domain", False)
    assert data.domains == ("dawn", "dusk", "noon")
    assert names(data, "train", "dawn") == ["train/dawn/1.png", "train/dawn/2.png"]
    assert names(data, "val", "noon") == ["val/noon/8.jpg"]
    assert str(data) == (
        "sky (a folder per domain) train: dawn 2, dusk 2, noon 1; val: dawn 0, dusk 0, noon 1; "
        "test: dawn 2, dusk 2, noon 0"
    )


def test_train_a_and_train_b_folders_are_recognized(tmp_path):
    data = scan(put(tmp_path, "trainA/1.png", "trainA/2.png", "trainB/7.png", "testA/1.png", "testB/2.png"))
    assert (data.layout, data.paired, data.domains) == ("trainA/trainB folders", False, ("A", "B"))
    assert names(data, "train", "A") == ["trainA/1.png", "trainA/2.png"]
    assert names(data, "test", "B") == ["testB/2.png"]


def test_aligned_images_are_recognized_as_pairs_of_halves(tmp_path):
    data = scan(put(tmp_path, "train/1.jpg", "train/2.jpg", "test/3.jpg"))
    assert (data.layout, data.paired, data.domains) == ("aligned side by side", True, ("A", "B"))
    assert names(data, "train", "A") == names(data, "train", "B") == ["train/1.jpg", "train/2.jpg"]
    assert {image.half for image in data.images("train", "A")} == {"left"}
    assert {image.half for image in data.images("test", "B")} == {"right"}


def test_images_are_sorted_by_name_whatever_the_folder_gives(tmp_path):
    data = scan(put(tmp_path, *(f"train/{domain}/{n}.png" for n in (3, 10, 1, 2) for domain in "ab")))
    assert names(data, "train", "a") == [f"train/a/{n}.png" for n in (1, 10, 2, 3)]


def test_hidden_files_folders_and_other_files_are_no_images(by_domain):
    expected = scan(by_domain)
    put(by_domain, "train/dawn/.1.png", "train/.thumbnails/1.png", ".cache/1.png")
    (by_domain / "train/dawn/notes.txt").write_text("none")
    (by_domain / "train/dawn/folder.png").mkdir()
    assert scan(by_domain) == expected


def test_the_card_gives_name_order_of_domains_and_pairs(by_domain):
    data = scan(card(by_domain, name="heaven", domains=["dusk", "dawn"], paired=True))
    assert (data.name, data.domains, data.paired) == ("heaven", ("dusk", "dawn"), True)
    stems = [[image.stem for image in data.images("train", domain)] for domain in data.domains]
    assert stems[0] == stems[1] == ["1", "2"]


def test_pairs_may_differ_in_their_suffix(by_domain):
    (by_domain / "train/dawn/1.png").rename(by_domain / "train/dawn/1.bmp")
    assert scan(card(by_domain, paired=True)).paired


def test_the_card_may_leave_domains_out(by_domain):
    put(by_domain, "train/noon/9.png")
    assert scan(card(by_domain, domains=["noon", "dawn"])).domains == ("noon", "dawn")


@pytest.mark.parametrize(("extra", "lonely"), [("train/dawn/77.png", "77"), ("train/dawn/1.jpg", "1")])
def test_pairs_that_disagree_are_named(by_domain, extra, lonely):
    put(by_domain, extra)
    with pytest.raises(UserError, match=rf"paired, but in train dawn and dusk differ: {lonely}$"):
        scan(card(by_domain, paired=True))


def test_data_can_be_restricted_to_domains_in_any_order(by_domain):
    put(by_domain, "train/noon/9.png")
    data = scan(by_domain).restricted(("noon", "dawn"))
    assert data.domains == ("noon", "dawn")
    assert names(data, "train", "noon") == ["train/noon/9.png"]


def test_an_unknown_domain_is_refused_with_the_nearest(by_domain):
    with pytest.raises(UserError, match="unknown domain 'dask'; did you mean 'dusk'"):
        scan(by_domain).restricted(("dawn", "dask"))


def test_a_repeated_domain_is_refused(by_domain):
    with pytest.raises(UserError, match=r"data\.domains names 'dawn' 2 times"):
        scan(by_domain).restricted(("dawn", "dawn"))


def test_the_fingerprint_does_not_depend_on_where_the_folder_lies(by_domain):
    before = scan(by_domain).fingerprint()
    assert scan(by_domain).fingerprint() == before
    moved = by_domain.parent / "elsewhere" / "clouds"
    moved.parent.mkdir()
    by_domain.rename(moved)
    assert scan(moved).fingerprint() == before


def renamed(root: Path) -> DataSet:
    (root / "train/dawn/2.png").rename(root / "train/dawn/3.png")
    return scan(root)


def repainted(root: Path) -> DataSet:
    path = root / "test/dusk/1.png"
    path.write_bytes(path.read_bytes() + b"\0")
    return scan(root)


CHANGES = {
    "an image renamed": renamed,
    "a byte more in an image": repainted,
    "an image more": lambda root: scan(put(root, "train/dawn/3.png")),
    "images swapped": lambda root: scan(put(root, "train/dawn/2.png", "train/dawn/1.png")),
    "paired": lambda root: scan(card(root, paired=True)),
    "another order of domains": lambda root: scan(root).restricted(("dusk", "dawn")),
    "fewer domains": lambda root: scan(root).restricted(("dawn",)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_fingerprint_changes_with_names_contents_and_domains(by_domain, change):
    before = scan(by_domain).fingerprint()
    assert change(by_domain).fingerprint() != before


def test_domains_that_are_left_out_do_not_change_the_fingerprint(by_domain):
    before = scan(by_domain).fingerprint()
    put(by_domain, "train/noon/9.png")
    assert scan(by_domain).restricted(("dawn", "dusk")).fingerprint() == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no data folder .*nowhere"):
        scan(tmp_path / "nowhere")


def test_an_empty_folder_is_told_what_is_expected(tmp_path):
    with pytest.raises(UserError, match=r"holds no folders: expected <split>/<domain>"):
        scan(tmp_path)


def test_splits_without_images_are_told_what_is_expected(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(UserError, match=r"holds no images: expected <split>/<domain>"):
        scan(tmp_path)


def test_a_folder_without_splits_is_told_their_names_and_what_was_found(tmp_path):
    with pytest.raises(UserError, match=r"no split folders \(found dawn, dusk\): expected .*train, val and test"):
        scan(put(tmp_path, "dawn/1.png", "dusk/1.png"))


@pytest.mark.parametrize("places", [("train/dawn/1.png", "test/dawn/2.png"), ("trainA/1.png", "testA/1.png")])
def test_a_single_domain_is_refused(tmp_path, places):
    with pytest.raises(UserError, match=r"has only one domain, (dawn|A): translation needs at least two"):
        scan(put(tmp_path, *places))


def test_a_stray_image_beside_domains_does_not_make_them_aligned_pairs(by_domain):
    both = r"read as a folder per domain \(train/dawn\), or aligned side by side \(train/cover\.png\): choose with "
    with pytest.raises(UserError, match=both + "--set data.layout=domains or --set data.layout=halves, or move"):
        scan(put(by_domain, "train/cover.png"))
    assert scan(by_domain, Choices("domains")).domains == ("dawn", "dusk")
    assert names(scan(by_domain, Choices("halves")), "train", "B") == ["train/cover.png"]


@pytest.mark.parametrize("split", ["test", "val"])
def test_a_missing_split_names_the_settings_to_change(tmp_path, split):
    data = scan(put(tmp_path, "train/dawn/1.png", "train/dusk/1.png"))
    with pytest.raises(UserError, match=rf"no split '{split}' \(found train\).*data\.train_split=.*data\.test_split="):
        data.images(split, "dawn")


def test_a_domain_without_images_in_a_split_is_named(by_domain):
    data = scan(put(by_domain, "train/noon/9.png"))
    with pytest.raises(UserError, match="no images of domain 'noon' in its split 'test'"):
        data.images("test", "noon")


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ({"domain": ["dawn"]}, "unknown entry in .*i2i.json: 'domain'; did you mean 'domains'"),
        ({"domains": ["dawn", "dask"]}, "unknown domain in .*i2i.json: 'dask'; did you mean 'dusk'"),
        ({"domains": "dawn"}, "i2i.json holds domains = 'dawn', which does not fit .*:\nwrite "),
        ({"domains": ["dawn", 5]}, r"i2i.json holds domains.1 = 5, which does not fit"),
        ({"domains": ["dawn", "dawn"]}, "names 'dawn' 2 times"),
        ({"domains": ["dawn"]}, "only one domain, dawn"),
        ({"paired": "no"}, "i2i.json holds paired = 'no', which does not fit"),
        ({"name": 7}, "i2i.json holds name = 7, which does not fit"),
        ({"division": {"seed": "0"}}, "i2i.json holds division.seed = '0', which does not fit"),
    ],
)
def test_a_card_that_does_not_fit_names_the_entry(by_domain, entries, complaint):
    with pytest.raises(UserError, match=complaint):
        scan(card(by_domain, **entries))


@pytest.mark.parametrize("name", ["../gone", "a/b", "/root", "..", ".hidden", "", "a\\b", "C:x", "a\nb", "n" * 300])
def test_a_card_names_no_place(by_domain, name):
    with pytest.raises(UserError, match=r"i2i\.json holds name = .*, which does not fit \(the name "):
        scan(card(by_domain, name=name))


@pytest.mark.parametrize("name", ["x/../../gone", "../gone", ".", ""])
def test_no_data_set_has_a_name_that_is_a_path(by_domain, name):
    data = scan(by_domain)
    with pytest.raises(UserError, match="data cannot be called"):
        replace(data, name=name)
    with pytest.raises(UserError, match="data cannot be called"):
        join({name: data})


def test_a_hidden_folder_gives_a_name_that_is_none(tmp_path):
    places = [f"train/{domain}/{n}.png" for domain in ("dusk", "dawn") for n in "12"]
    assert scan(put(tmp_path / ".sky", *places)).name == "sky"


def test_a_card_with_a_byte_order_mark_is_read(by_domain):
    (by_domain / "i2i.json").write_bytes(b"\xef\xbb\xbf" + b'{"name": "heaven"}')
    assert scan(by_domain).name == "heaven"


@pytest.mark.parametrize("text", [b"{", b"\xff\xfe", b"[1]"])
def test_a_broken_card_is_named(by_domain, text):
    (by_domain / "i2i.json").write_bytes(text)
    with pytest.raises(UserError, match=r"i2i\.json .*\nwrite .* or remove it$"):
        scan(by_domain)


def test_splits_in_domains_are_recognized(tmp_path):
    data = scan(put(tmp_path, "dusk/train/x.png", "dawn/train/y.png", "dawn/test/z.png"))
    assert (data.layout, data.domains) == ("a folder per domain, with splits in it", ("dawn", "dusk"))
    assert names(data, "test", "dawn") == ["dawn/test/z.png"]


PORTRAITS = [
    f"{split}/{domain}/{name}.png" for split in ("train", "test") for domain in "ab" for name in ("anna", "bo")
]


CITIES = [f"train{domain}/{city}_{n}.png" for domain in "AB" for city in ("rome", "oslo") for n in (11, 40)]


@pytest.mark.parametrize("places", [PORTRAITS, CITIES, [*PORTRAITS, "val/a/7.png", "val/b/7.png"]])
def test_equal_names_in_all_domains_are_recognized_as_pairs(tmp_path, places):
    data = scan(put(tmp_path, *places))
    assert data.paired
    assert ", equal names, paired)" in data.recognized
    assert not scan(tmp_path, Choices(paired=False)).paired
    assert not scan(card(tmp_path, paired=False)).paired


@pytest.mark.parametrize(("extra", "alone"), [("train/a/carl.png", "train/a/carl"), ("test/b/anna.jpg", "test/b/anna")])
def test_one_name_that_stands_alone_or_twice_makes_data_unpaired_and_is_named(tmp_path, extra, alone):
    data = scan(put(tmp_path, *PORTRAITS, extra))
    assert not data.paired
    assert f"names are equal in all domains but for {alone}: add what is missing or remove what" in data.recognized
    assert alone in PairedBatch.unsuitable(data)
    if extra.startswith("train"):
        with pytest.raises(UserError, match=r"paired, but in train a and b differ: carl$"):
            scan(tmp_path, Choices(paired=True))


def test_many_names_that_stand_alone_are_none_of_pairs(tmp_path):
    assert scan(put(tmp_path, *PORTRAITS, *(f"train/a/{name}.png" for name in ("carl", "dora", "emil")))).hint == ""


@pytest.mark.parametrize("name", ["{}", "{:04d}", "img_{:03d}_small", "{0}-{0}", "2021-03-{:02d}", "frame{}.of.99"])
@pytest.mark.parametrize("numbers", [{"train": (7, 8), "test": (9, 10)}, {"train": (3, 40, 41), "test": (1, 2)}])
def test_equal_numbers_with_gaps_or_without_are_no_pairs_and_the_line_says_how_to_declare_them(tmp_path, name, numbers):
    places = [f"{split}/{domain}/{name.format(n)}.png" for split in numbers for domain in "ab" for n in numbers[split]]
    data = scan(put(tmp_path, *places))
    assert not data.paired
    assert data.recognized.endswith("but only numbers: if they are pairs, --set data.paired=true")
    assert scan(tmp_path, Choices(paired=True)).paired
    reason = PairedBatch.unsuitable(data)
    assert reason is not None
    assert "--set data.paired=true" in reason


@pytest.mark.parametrize("name", ["scene{}b", "{}", "{:04d}", "a{0}-{0}"])
@pytest.mark.parametrize("alone", ["train/a/lonely", "train/a/99", "test/b/scene77b", "train/b/5"])
def test_one_that_stands_alone_among_numbered_pairs_is_named_and_the_line_says_how_to_declare_them(
    tmp_path, name, alone
):
    numbers = {"train": range(8), "test": range(20, 22)}
    places = [f"{split}/{domain}/{name.format(n)}.png" for split in numbers for domain in "ab" for n in numbers[split]]
    data = scan(put(tmp_path, *places, f"{alone}.jpg"))
    assert not data.paired
    assert data.hint == (
        f"names are equal in all domains but for {alone}, but only numbers: if they are pairs, add what is missing or "
        "remove what stands alone, and --set data.paired=true"
    )
    assert scan(tmp_path, Choices(paired=False)).hint == ""


def test_words_in_one_split_make_no_pairs_of_numbers_in_another(tmp_path):
    places = [f"train/{domain}/{n}.png" for domain in "ab" for n in (3, 40)]
    assert not scan(put(tmp_path, *PORTRAITS[4:], *places)).paired


SPELLED = {
    "training_set and test_set": ["training_set/{0}/1.png", "test_set/{0}/2.png"],
    "training and testing": ["training/{0}/1.png", "testing/{0}/2.png"],
    "capitals": ["Train/{0}/1.png", "TEST/{0}/2.png"],
    "splits within": ["{0}/Training/1.png", "{0}/test set/2.png"],
    "small letters": ["train{0}/1.png", "test{0}/2.png"],
    "letters apart": ["Train_{0}/1.png", "testing-{0}/2.png"],
}


@pytest.mark.parametrize("case", SPELLED)
def test_splits_may_be_spelled_in_several_ways(tmp_path, case):
    data = scan(put(tmp_path, *(place.format(domain) for place in SPELLED[case] for domain in "abc")))
    assert tuple(data.splits) == ("train", "test")
    assert [name.lower() for name in data.domains] == ["a", "b", "c"]
    assert data.left_out == ()


@pytest.mark.parametrize("name", ["validation", "valid", "Val", "validation_set"])
def test_a_validation_split_may_be_spelled_in_several_ways_also_in_settings(by_domain, name):
    data = scan(put(by_domain, f"{name}/dawn/8.png", f"{name}/dusk/9.png"))
    assert names(data, DataConfig(val_split=name).val_split, "dusk") == [f"{name}/dusk/9.png"]


@pytest.mark.parametrize("other", ["Train", "training"])
def test_two_spellings_of_one_split_are_refused(by_domain, other):
    with pytest.raises(UserError, match=r"both stand for the split train: move the images of one"):
        scan(put(by_domain, f"{other}/dawn/8.png"))


@pytest.mark.parametrize("name", ["tests", "trains", "trainers", "contest", "value"])
def test_words_that_only_begin_like_splits_are_none(name):
    assert (split_of(name), lettered(name), names_a_split(name)) == (None, None, False)


def test_letters_beside_split_folders_show_both_readings(tmp_path):
    put(tmp_path, "trainA/1.png", "trainB/1.png", "train/dusk/1.png", "train/dawn/1.png")
    both = r"a folder per domain \(train/dawn\), or trainA/trainB folders \(trainA\): choose with .*layout=letters"
    with pytest.raises(UserError, match=both):
        scan(tmp_path)
    assert scan(tmp_path, Choices("letters")).domains == ("A", "B")


def test_a_layout_that_is_unknown_or_does_not_fit_is_refused(by_domain):
    with pytest.raises(UserError, match=r"unknown data.layout 'domain'; did you mean 'domains'"):
        scan(by_domain, Choices("domain"))
    with pytest.raises(UserError, match=r"does not have the layout halves \(aligned side by side\)"):
        scan(by_domain, Choices("halves"))


def test_images_of_one_name_get_translations_of_their_own(by_domain):
    data = scan(put(by_domain, "train/dawn/1.jpg"))
    assert [image.stem for image in data.images("train", "dawn")] == ["1.jpg", "1.png", "2"]


@pytest.mark.parametrize("name", ["x" * 101, "\udcff"])
def test_domains_that_cannot_name_a_folder_of_results_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="no name for a domain or attribute: write one in UTF-8 without /"):
        scan(put(tmp_path, f"train/{name}/1.png", "train/other/1.png"))

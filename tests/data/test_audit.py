"""`i2i data check`: each fault is made by the test, found, named, and decides the exit status."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i.config import DataConfig
from i2i.data.audit import near_duplicates, report
from i2i.data.audit.contact_sheet import COLUMNS, GAP, LABEL_HEIGHT, SIDE
from i2i.data.audit.inspect import inspect_file
from i2i.data.audit.near_duplicates import LEAST_CORRELATION, MOST_BITS, MOST_CANDIDATES, Fingerprint, alike, nearest
from i2i.data.audit.quick_check import warnings
from i2i.data.audit.report import refused
from i2i.data.open import open_data
from i2i.training.feasibility import Verdict, lines, with_models
from tests.robustness.test_bad_input import SMALL, run


def scene(seed: int, width: int = 48, height: int = 48) -> Image.Image:
    """An image with large shapes, unlike that of any other seed."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((width, height), Image.Resampling.BICUBIC)


def put(path: Path, image: Image.Image, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


@pytest.fixture
def sky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two domains, three training images and one test image each; nothing is wrong."""
    monkeypatch.chdir(tmp_path)
    seed = 0
    for split, count in (("train", 3), ("test", 1)):
        for domain in ("dawn", "dusk"):
            for number in range(count):
                seed += 1
                put(tmp_path / "sky" / split / domain / f"{number}.png", scene(seed))
    return tmp_path / "sky"


def report_of(root: Path, size: int = 16) -> report.Report:
    config = DataConfig(path=root, image_size=(size, size))
    return report.check(report.inspect_data(open_data(config), config))


def found(report: report.Report) -> dict[str, tuple[bool, str]]:
    return {one.kind: (one.fault, one.text) for one in report.findings}


def test_nothing_is_found_where_nothing_is_wrong(sky):
    report = report_of(sky)
    assert report.findings == ()
    assert report.lines()[-1] == "nothing is wrong with the files"
    assert report.counts == {"train": {"dawn": 3, "dusk": 3}, "test": {"dawn": 1, "dusk": 1}}


def test_a_broken_file_is_a_fault_and_named(sky):
    (sky / "train/dusk/1.png").write_bytes(b"no image")
    fault, text = found(report_of(sky))["broken"]
    assert fault
    assert "1 file cannot be read" in text
    assert "train/dusk/1.png cannot be read as an image (it is of no known format)" in text
    assert "--skip-bad" in text


def test_a_file_that_is_cut_off_is_broken(sky):
    path = sky / "train/dusk/1.png"
    path.write_bytes(path.read_bytes()[:-400])
    assert found(report_of(sky))["broken"][0]


def test_equal_files_across_splits_are_a_fault_and_within_one_a_warning(sky):
    shutil.copy(sky / "train/dawn/0.png", sky / "test/dusk/9.png")
    shutil.copy(sky / "train/dawn/1.png", sky / "train/dawn/9.png")
    report = report_of(sky)
    assert found(report)["leak"][0]
    assert "1 held-out file of the same contents" in found(report)["leak"][1]
    assert next(one.files for one in report.findings if one.kind == "leak") == (
        ("test/dusk/9.png", "train/dawn/0.png"),
    )
    assert found(report)["repeated"] == (False, "1 file repeated within a split: train/dawn/9.png")


def test_an_image_saved_again_in_another_split_is_a_warning(sky):
    put(sky / "test/dawn/9.jpg", scene(2).resize((90, 90)), quality=60)
    report = report_of(sky)
    assert "leak" not in found(report)
    fault, text = found(report)["near leak"]
    assert not fault
    assert "test/dawn/9.jpg = train/dawn/1.png" in text


def test_near_duplicates_within_a_split_are_only_counted(sky):
    put(sky / "train/dawn/9.jpg", scene(2), quality=60)
    assert found(report_of(sky))["near duplicates"] == (
        False,
        "images looking like an earlier one of their split and domain: train/dawn 1",
    )


def test_a_split_of_one_domain_is_a_fault_in_training_alone(sky):
    shutil.rmtree(sky / "test/dusk")
    assert found(report_of(sky))["one domain"] == (
        False,
        "test: all 1 images are of dawn, none of dusk (dusk lies in train): every split needs images of every domain",
    )
    (sky / "train/dawn").rename(sky.parent / "kept")
    report = report_of(sky)
    assert [(one.kind, one.fault) for one in report.findings] == [("one domain", True), ("one domain", False)]
    assert "train: all 3 images are of dusk, none of dawn (dawn lies in test)" in report.findings[0].text


def test_square_images_lying_in_a_split_are_doubted_to_be_pairs(tmp_path):
    for number in range(3):
        put(tmp_path / f"loose/train/{number}.png", scene(number))
    assert "only 1.00 times as wide as high" in found(report_of(tmp_path / "loose"))["no pairs"][1]
    for number in range(3):
        put(tmp_path / f"pairs/train/{number}.png", scene(number, 96, 48))
    assert "no pairs" not in found(report_of(tmp_path / "pairs"))


def test_sizes_are_those_of_upright_images_and_the_loss_is_that_of_the_crop(sky):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side: 96 wide in the file is 96 high when upright
    put(sky / "train/dawn/9.jpg", scene(77, 96, 24), exif=exif)
    sizes = report_of(sky).sizes
    assert (sizes.height.most, sizes.width.least) == (96, 24)
    assert sizes.not_square == 1
    assert sizes.lost.most == pytest.approx(0.75)
    assert "cropping to 16x16 takes 20% or more of 1 image, at most 75%" in found(report_of(sky))["crop"][1]


def test_halves_are_measured_by_themselves(tmp_path):
    put(tmp_path / "pairs/train/1.png", scene(1, 96, 48))
    sizes = report_of(tmp_path / "pairs").sizes
    assert (sizes.width.most, sizes.aspect.most, sizes.not_square) == (48, 1.0, 0)


def test_images_smaller_than_the_images_are_named(sky):
    put(sky / "train/dawn/9.png", scene(77, 20, 20))
    assert found(report_of(sky, 32))["enlarged"] == (
        False,
        "1 image smaller than 32x32 will be enlarged: train/dawn/9.png",
    )


def test_a_much_larger_domain_is_told(sky):
    for number in range(10, 16):
        put(sky / f"train/dawn/{number}.png", scene(number + 100))
    fault, text = found(report_of(sky))["imbalance"]
    assert not fault
    assert "dawn has 3.0 times as many images in train as dusk (9 and 3)" in text


def test_data_without_a_test_split_are_told(sky):
    shutil.rmtree(sky / "test")
    assert "no test split" in found(report_of(sky))


def test_gray_data_are_told_of_one_channel(sky):
    assert "grey" not in found(report_of(sky))
    for path in sky.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert "--set data.channels=1" in found(report_of(sky))["grey"][1]


def sixteen_bit() -> Image.Image:
    return Image.fromarray((np.arange(48 * 48).reshape(48, 48) * 20).astype(np.uint16))


def turned() -> dict[str, object]:
    exif = Image.Exif()
    exif[0x0112] = 3
    return {"exif": exif}


KINDS = {
    "1": ("a.png", lambda: scene(1).convert("1"), dict),
    "L": ("a.png", lambda: scene(1).convert("L"), dict),
    "LA": ("a.png", lambda: scene(1).convert("LA"), dict),
    "P": ("a.png", lambda: scene(1).convert("P"), dict),
    "CMYK": ("a.jpg", lambda: scene(1).convert("CMYK"), dict),
    "RGBA": ("a.png", lambda: scene(1).convert("RGBA"), dict),
    "16-bit": ("a.png", sixteen_bit, dict),
    "EXIF": ("a.jpg", lambda: scene(1), turned),
    "animated": ("a.webp", lambda: scene(1), lambda: {"save_all": True, "append_images": [scene(2)]}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_file_is_recognized(tmp_path, kind):
    name, image, options = KINDS[kind]
    seen = inspect_file(put(tmp_path / name, image(), **options()))
    assert seen.fault is None
    assert seen.kinds == (kind,)


def test_a_plain_image_is_of_no_kind(tmp_path):
    assert inspect_file(put(tmp_path / "a.png", scene(1))).kinds == ()


def test_kinds_are_counted_and_told_with_what_becomes_of_them(sky):
    put(sky / "train/dawn/8.jpg", scene(50).convert("CMYK"))
    put(sky / "train/dawn/9.jpg", scene(51).convert("CMYK"))
    report = report_of(sky)
    assert report.kinds == {"CMYK": 2}
    assert "files: 10, of which 2 CMYK (converted to RGB)" in report.lines()


def test_the_hash_finds_small_and_compressed_copies_and_no_others(tmp_path):
    originals = [scene(seed, 96, 96) for seed in range(40)]
    copies = [
        Image.open(put(tmp_path / f"{number}.jpg", one.resize((40, 40)), quality=40))
        for number, one in enumerate(originals)
    ]
    prints = [Fingerprint.of(one) for one in originals]
    assert nearest([Fingerprint.of(one) for one in copies], prints) == list(range(40))
    assert nearest(prints, prints, earlier=True) == [None] * 40


def test_an_earlier_twin_is_found_and_not_the_image_itself():
    prints = [Fingerprint.of(scene(seed)) for seed in (1, 2, 1)]
    assert nearest(prints, prints, earlier=True) == [None, None, 0]


def test_images_of_the_same_hash_that_show_different_things_are_told_apart():
    one, other = Fingerprint.of(scene(1)), Fingerprint.of(scene(2))
    near_duplicate = Fingerprint(one.signs, other.thumbnail)
    assert nearest([one], [near_duplicate]) == [None]
    assert nearest([one], [near_duplicate, one]) == [1]


def test_images_of_one_color_are_not_compared():
    assert Fingerprint.of(Image.new("RGB", (48, 48), "teal")) is None


def test_what_is_transparent_does_not_count_as_shown():
    mask = Image.new("L", (48, 48), 255)
    mask.paste(0, (24, 0, 48, 48))
    one, other = scene(1), scene(1)
    other.paste(scene(2).crop((24, 0, 48, 48)), (24, 0))
    for image in (one, other):
        image.putalpha(mask)
    assert nearest([Fingerprint.of(one)], [Fingerprint.of(other)]) == [0]


def related_prints(rng, count):
    """Fingerprints of which a third are others with 0 to 12 bits turned, some with their thumbnails."""
    prints = [
        Fingerprint(np.where(rng.random(64) < 0.5, 1, -1).astype(np.float32), rng.bytes(256)) for _ in range(count)
    ]
    prints = [Fingerprint(one.signs, np.frombuffer(one.thumbnail, np.uint8)) for one in prints]
    for number in rng.choice(count, count // 3, replace=False):
        other, signs = prints[rng.integers(count)], prints[number].signs
        signs[:] = other.signs
        signs[rng.choice(64, rng.integers(13), replace=False)] *= -1
        prints[number] = Fingerprint(signs, other.thumbnail if rng.random() < 0.7 else prints[number].thumbnail)
    return prints


def compared_with_all(print_, others):
    """Position of the most similar of `others`, and those that show the same."""
    distances = [int((print_.signs != other.signs).sum()) for other in others]
    near = [position for position, distance in enumerate(distances) if distance <= MOST_BITS]
    near.sort(key=lambda position: distances[position])
    same = {one: np.corrcoef(print_.thumbnail, others[one].thumbnail)[0, 1] for one in near}
    best = max(near[:MOST_CANDIDATES], key=lambda one: round(same[one], 6), default=None)
    found = best if best is not None and same[best] >= LEAST_CORRELATION else None
    return found, sorted(one for one in near if same[one] >= LEAST_CORRELATION)


@pytest.mark.parametrize("block", [1, 64, 2**21])
@pytest.mark.parametrize("seed", range(4))
def test_bands_of_bits_find_what_comparing_all_with_all_finds(monkeypatch, seed, block):
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    prints = related_prints(np.random.default_rng(seed), 60)
    everywhere = [compared_with_all(one, prints) for one in prints]
    assert list(alike(prints)) == [(n, m) for n, (_, same) in enumerate(everywhere) for m in same if m > n]
    before = [compared_with_all(one, prints[:number])[0] for number, one in enumerate(prints)]
    assert nearest(prints, prints, earlier=True) == before
    assert nearest(prints[:20], prints[20:]) == [compared_with_all(one, prints[20:])[0] for one in prints[:20]]


# The command.


def told(capsys, *arguments) -> tuple[int, str]:
    status = run("data", "check", *arguments, "--no-trial")
    return status, capsys.readouterr().out


def test_the_status_is_0_for_warnings_and_1_for_faults(sky, capsys):
    put(sky / "test/dawn/9.jpg", scene(2), quality=60)
    status, said = told(capsys, sky, "--size", 16, "--models", "identity")
    assert status == 0
    assert "warning: 1 held-out image looking like" in said
    (sky / "train/dusk/1.png").write_bytes(b"")
    status, said = told(capsys, sky, "--size", 16, "--models", "identity")
    assert status == 1
    assert "FAULT: 1 file cannot be read" in said
    assert "(it is empty)" in said


@pytest.mark.integration
def test_models_are_told_whether_the_size_fits_them(sky, capsys):
    status, said = told(capsys, sky, "--size", 18, "--models", "cyclegan")
    assert status == 1
    assert "FAULT: cyclegan: an image of 18x18 pixels does not divide by 4" in said
    status, said = told(capsys, sky, "--size", 32, "--no-trial")
    assert status == 0
    assert "cyclegan (dawn and dusk): sides must be multiples of 4" in said
    assert "pix2pix: pix2pix cannot be trained on" in said
    assert "it learns from aligned pairs" in said


def test_what_keeps_all_models_from_the_data_is_told_once():
    reasons = {"a": "no pairs", "b": "a value is NaN", "c": "a value is NaN"}
    verdicts = [Verdict(model, reason=reason) for model, reason in reasons.items()]
    report = with_models(refused("x is no data set", (8, 8), None), verdicts, named=False)
    told = [finding.text for finding in report.findings if finding.kind == "model"]
    assert told == ["a: no pairs", "b, c: a value is NaN"]
    assert sum("a value is NaN" in line for line in lines(report, verdicts)) == 1


@pytest.mark.integration
@pytest.mark.integration
def test_of_a_domain_whose_images_cannot_be_read_nothing_else_is_said(sky, capsys):
    for path in (sky / "train/dawn").iterdir():
        path.write_bytes(b"no image")
    assert run("data", "check", "sky", "--size", 16, "--no-trial", "--json", "found.json") == 1
    said = capsys.readouterr().out
    assert "FAULT: 3 files cannot be read" in said
    assert "FAULT: no image of dawn in train can be read: models that would learn from them were not tried\n" in said
    assert "has no images" not in said
    assert json.loads(Path("found.json").read_text())["models"] == []


@pytest.mark.integration
def test_models_of_other_domains_are_tried(sky, capsys):
    for number in range(3):
        put(sky / f"train/night/{number}.png", scene(20 + number)).write_bytes(b"no image")
        put(sky / f"test/night/{number}.png", scene(30 + number))
    run("data", "check", "sky", "--size", 32, "--no-trial", "--models", "cyclegan,stargan")
    said = capsys.readouterr().out
    assert "cyclegan (dawn and dusk)" in said
    assert "stargan" not in said


def test_of_pairs_none_of_which_is_whole_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, bad in enumerate(("dawn", "dusk")):
        for domain in ("dawn", "dusk"):
            path = put(Path(f"sky/train/{domain}/{number}.png"), scene(2 * number + (domain == "dusk")))
            if domain == bad:
                path.write_bytes(b"no image")
    run("data", "check", "sky", "--size", 32, "--no-trial", "--set", "data.paired=true")
    said = capsys.readouterr().out
    assert "no image of dawn and dusk in train can be read together with its partner" in said


@pytest.mark.integration
def test_a_domain_with_a_line_break_stands_in_one_line_everywhere(sky, capsys):
    for split in ("train", "test"):
        (sky / split / "dusk").rename(sky / split / "new\nline")
    put(sky / "train/new\nline/9.png", scene(9)).write_bytes(b"no image")
    shutil.copy(sky / "train/dawn/0.png", sky / "train/dawn/a\nb.png")
    run("data", "check", "sky", "--size", 32, "--no-trial", "--models", "cyclegan")
    said = capsys.readouterr().out
    assert "  new\\nline        4        1\n" in said
    assert "cyclegan (dawn and new\\nline)" in said
    assert "train/dawn/a\\nb.png" in said
    begins = ("data:", " ", "sizes:", "proportions:", "images:", "files:", "FAULT:", "warning:", "cyclegan ")
    assert all(line.startswith(begins) for line in said.splitlines())


def test_the_json_holds_what_the_text_tells(sky, capsys):
    shutil.copy(sky / "train/dawn/0.png", sky / "test/dusk/9.png")
    status, said = told(capsys, sky, "--size", 32, "--json", "found.json", "--models", "cyclegan")
    facts = json.loads(Path("found.json").read_text())
    assert (status, facts["faults"]) == (1, 1)
    assert [one["kind"] for one in facts["findings"]] == ["leak"]
    assert facts["findings"][0]["text"] in said
    assert facts["counts"]["test"] == {"dawn": 1, "dusk": 2}
    assert [(one["model"], one["multiple"]) for one in facts["models"]] == [("cyclegan", 4)]


def test_what_is_not_used_is_a_warning_per_reason(sky, capsys):
    put(sky / "extra/1.png", scene(70))
    (sky / "train/dusk/notes.txt").write_text("none")
    (sky / "train/dusk/gone.png").symlink_to(sky / "nowhere")
    told_ones = [one for one in report_of(sky).findings if one.kind == "left out"]
    assert not any(one.fault for one in told_ones)
    assert [(one.text, one.files) for one in told_ones] == [
        ("left out: 1 image outside of the layout (extra/1.png)", ("extra/1.png",)),
        ("left out: 1 file of no image format (train/dusk/notes.txt)", ("train/dusk/notes.txt",)),
        ("left out: 1 link without a target (train/dusk/gone.png)", ("train/dusk/gone.png",)),
    ]


def test_one_image_that_keeps_the_others_from_being_pairs_is_named(tmp_path):
    for number, name in enumerate(("ant", "bee", "cat")):
        for domain in ("dawn", "dusk"):
            put(tmp_path / f"sky/train/{domain}/{name}.png", scene(2 * number + (domain == "dusk")))
    assert "pairs" not in found(report_of(tmp_path / "sky"))
    (tmp_path / "sky/train/dusk/bee.png").unlink()
    fault, text = found(report_of(tmp_path / "sky"))["pairs"]
    assert not fault
    assert "but for train/dawn/bee" in text


@pytest.mark.parametrize(
    ("width", "height", "differs"), [(48, 48, False), (12, 12, False), (40, 48, True), (48, 40, True), (31, 32, False)]
)
def test_pairs_of_other_proportions_are_told_by_number_and_first_name(tmp_path, width, height, differs):
    for number, name in enumerate(("ant", "bee")):
        put(tmp_path / f"sky/train/dawn/{name}.png", scene(number))
        put(tmp_path / f"sky/train/dusk/{name}.png", scene(9 + number, width, height))
    texts = [
        text for kind, (_, text) in found(report_of(tmp_path / "sky", 8)).items() if kind == "proportions of pairs"
    ]
    quick = warnings(open_data(DataConfig(path=tmp_path / "sky")), DataConfig(image_size=(8, 8)))
    said = (
        f"2 pairs with members of other proportions, such as train/dawn/ant.png 48x48 and train/dusk/ant.png {width}x"
    )
    assert [text.startswith(said) for text in texts] == [True] * differs
    assert sum(line.startswith(said) for line in quick) == differs


MISPLACED = {
    "loose": (["1.png", "2.png"], "2 images lie loose in"),
    "one domain": (["train/dawn/1.png", "train/dawn/2.png"], "all 2 images lie in one domain, dawn"),
    "no splits": (["dawn/1.png", "dusk/1.png"], "dawn, dusk hold images, but there are no splits: divide"),
    "a folder within": (["inner/train/dawn/1.png", "inner/train/dusk/1.png"], "the data set seems to be the folder"),
    "a folder of domains within": (["inner/dawn/1.png", "inner/dusk/1.png"], "the data set seems to be the folder"),
    "several within": (
        [f"{name}/{split}/{domain}/1.png" for name in "xy" for split in ("train", "test") for domain in "ab"],
        "several data sets seem to lie within",
    ),
    "splits in names": (
        ["day_train/1.png", "day_test/1.png", "dusk_train/1.png"],
        "day_test, day_train, dusk_train: the",
    ),
    "held out under another name": (["dawn/1.png", "dusk/1.png", "my test set/1.png"], "my test set: the names speak"),
}


@pytest.mark.parametrize("case", MISPLACED)
def test_a_folder_that_is_not_understood_is_a_fault_with_a_guess_at_the_mistake(tmp_path, monkeypatch, capsys, case):
    monkeypatch.chdir(tmp_path)
    places, guess = MISPLACED[case]
    for number, place in enumerate(places):
        put(tmp_path / "sky" / place, scene(number))
    status, said = told(capsys, "sky")
    assert status == 1
    assert f"FAULT: {guess}" in said
    assert ("--split" in said) == (case in ("loose", "no splits"))


CARDS = {
    "unknown domain": ('{"domains": ["dawn", "dask"]}', "unknown domain in sky/i2i.json: 'dask'"),
    "one domain": ('{"domains": ["dawn"]}', "sky has only one domain, dawn"),
    "no JSON": ("{", "sky/i2i.json is not JSON"),
    "pairs that are none": ('{"paired": true}', "sky is declared as paired, but in train"),
}
WRONG = {
    **{name: ({"i2i.json": text}, told) for name, (text, told) in CARDS.items()},
    "a split twice": ({"val/dawn/8.png": None, "validation/dawn/9.png": None}, "both stand for the split val"),
    "a loose image": ({"train/loose.png": None}, "sky can be read as "),
    "a name": ({"train/~%s/1.png" % ("x" * 120): None}, "is no name for a domain"),
}


@pytest.mark.parametrize("case", WRONG)
def test_of_data_that_are_understood_only_what_is_wrong_is_told(sky, capsys, case):
    files, complaint = WRONG[case]
    put(sky / "train/dawn/alone.png", scene(77))
    for number, (place, text) in enumerate(files.items()):
        put(sky / place, scene(80 + number)) if text is None else (sky / place).write_text(text)
    status, said = told(capsys, "sky")
    assert status == 1
    (fault,) = (line for line in said.splitlines() if "FAULT" in line)
    assert complaint in fault.replace(str(sky), "sky")
    assert "the names speak" not in said
    assert "lie in one domain" not in said


def test_an_archive_without_splits_is_told_how_to_divide_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number, domain in enumerate(("dawn", "dusk")):
        put(tmp_path / f"sky/birds/{domain}/{number}.png", scene(number))
    shutil.make_archive("sky", "zip", tmp_path, "sky")
    assert run("data", "check", "sky.zip", "--size", "16", "--no-trial") == 1
    assert f"i2i data prepare {tmp_path / 'sky.zip'} --split" in capsys.readouterr().out


def test_the_files_of_data_without_splits_are_looked_at(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        put(tmp_path / f"sky/{'dawn' if number % 2 else 'dusk'}/{number}.png", scene(number))
    (tmp_path / "sky/dawn/9.png").write_bytes(b"broken")
    shutil.copy(tmp_path / "sky/dawn/1.png", tmp_path / "sky/dawn/8.png")
    status, said = told(capsys, "sky", "--size", 16)
    assert status == 1
    assert "FAULT: dawn, dusk hold images, but" in said
    assert "dawn/9.png cannot be read as an image" in said
    assert "1 file repeated within a split: dawn/8.png" in said
    assert "test split" not in said


def test_a_missing_folder_is_a_mistake_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("data", "check", "gone") == 2
    assert "there is no data folder" in capsys.readouterr().err


def test_the_contact_sheet_has_a_row_per_domain_and_one_for_leaks(sky, capsys):
    told(capsys, sky, "--size", 16, "--models", "identity", "--sheet", "sheet.png")
    plain = Image.open("sheet.png").size
    shutil.copy(sky / "train/dawn/0.png", sky / "test/dusk/9.png")
    told(capsys, sky, "--size", 16, "--models", "identity", "--sheet", "leaks.png")
    row = LABEL_HEIGHT + SIDE + GAP
    assert plain == (COLUMNS * (SIDE + GAP) + GAP, GAP + 2 * row + LABEL_HEIGHT)
    assert Image.open("leaks.png").size[1] == plain[1] + row


def test_the_contact_sheet_is_the_same_for_the_same_seed_and_shows_whole_images(sky, capsys):
    for number in range(20):
        put(sky / f"train/dawn/{number + 10}.png", Image.new("RGB", (96, 48), (10 * number, 90, 40)))
    for name, seed in (("a.png", 0), ("b.png", 0), ("c.png", 1)):
        told(capsys, sky, "--size", 16, "--models", "identity", "--sheet", name, "--seed", seed)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    assert Path("a.png").read_bytes() != Path("c.png").read_bytes()


def test_the_contact_sheet_of_pairs_shows_the_same_scenes_in_all_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number in range(12):
        for domain in ("dawn", "dusk"):
            put(tmp_path / f"sky/train/{domain}/{number}.png", Image.new("RGB", (32, 32), (20 * number, 50, 50)))
    (tmp_path / "sky/i2i.json").write_text('{"paired": true}')
    (tmp_path / "sky/train/dusk/0.png").write_bytes(b"no image")
    told(capsys, "sky", "--size", 16, "--models", "identity", "--sheet", "sheet.png")
    sheet = np.asarray(Image.open("sheet.png"))
    first, second = (GAP + LABEL_HEIGHT + SIDE // 2 + row * (LABEL_HEIGHT + SIDE + GAP) for row in (0, 1))
    assert (sheet[first] == sheet[second]).all()
    assert len(np.unique(sheet[first], axis=0)) == COLUMNS + 1


# Ahead of every training.


def test_the_quick_look_finds_leaks_imbalance_and_loss_without_decoding(sky, monkeypatch):
    data = open_data(DataConfig(path=sky))
    assert warnings(data, DataConfig(image_size=(16, 16))) == []
    shutil.copy(sky / "train/dawn/0.png", sky / "test/dusk/9.png")
    for number in range(10, 17):
        put(sky / f"train/dusk/{number}.png", scene(number + 100, 96, 48))
    data = open_data(DataConfig(path=sky))
    monkeypatch.setattr(Image.Image, "load", None)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", None)
    leak, imbalance, lost = warnings(data, DataConfig(image_size=(16, 16)))
    assert "1 held-out image among the training images" in leak
    assert "test/dusk/9.png = " in leak
    assert "dusk has 3.3 times as many" in imbalance
    assert lost == "cropping to 16x16 takes 27% of a training image on average, at most 50%"


@pytest.mark.parametrize(("fit", "told"), [("crop", 1), ("resize", 0), ("pad", 0)])
def test_only_a_training_that_crops_is_told_what_the_crop_takes(sky, capsys, fit, told):
    for domain in ("dawn", "dusk"):
        put(sky / f"train/{domain}/wide.png", scene(ord(domain[1]), 96, 32))
    options = ("--set", f"data.fit={fit}", *SMALL)
    assert run("train", "--model", "cyclegan", "--data", sky, "--out", "run", "--device", "cpu", *options) == 0
    assert capsys.readouterr().err.count("warning: cropping to") == told


def test_a_training_is_told_what_the_quick_look_finds(sky, capsys):
    shutil.copy(sky / "train/dawn/0.png", sky / "test/dusk/9.png")
    assert run("train", "--model", "cyclegan", "--data", sky, "--out", "run", "--device", "cpu", *SMALL) == 0
    assert "warning: 1 held-out image among the training images" in capsys.readouterr().err


# --skip-bad


@pytest.mark.integration
def test_a_training_without_bad_images_records_and_tells_them_and_goes_on_without_them(sky, capsys):
    (sky / "train/dusk/1.png").write_bytes(b"no image")
    arguments = ["--model", "cyclegan", "--data", sky, "--out", "run", "--device", "cpu", *SMALL]
    assert run("train", *arguments) == 2
    assert "train/dusk/1.png cannot be read" in capsys.readouterr().err
    assert run("train", *arguments, "--skip-bad") == 0
    said = capsys.readouterr().err
    assert "1 of the files in" in said
    assert "train/dusk/1.png cannot be read as an image" in said
    assert "dusk 2" in said
    (path,) = json.loads(Path("run/skipped.json").read_text())["skipped"]
    assert path == "train/dusk/1.png"


@pytest.mark.integration
def test_resume_leaves_out_what_was_recorded(sky, monkeypatch):
    from i2i.runs.checkpoint import Checkpoint
    from i2i.training.resume import open_for_resume

    assert run("train", "--model", "cyclegan", "--data", sky, "--out", "run", "--device", "cpu", *SMALL) == 0
    monkeypatch.setattr(Checkpoint, "finished", False)
    assert len(open_for_resume(Path("run"))[2].images("train", "dusk")) == 3
    skipped = {"skipped": {str(sky / "train/dusk/1.png"): "broken"}}
    Path("run/skipped.json").write_text(json.dumps(skipped))
    kept = open_for_resume(Path("run"))[2].images("train", "dusk")
    assert [image.path.name for image in kept] == ["0.png", "2.png"]
    Path("run/skipped.json").write_text("{")
    assert run("train", "--resume", "run") == 2


def test_the_record_of_an_earlier_try_does_not_stay(sky):
    Path("run").mkdir()
    Path("run/skipped.json").write_text("{}")
    assert run("train", "--model", "cyclegan", "--data", sky, "--out", "run", "--device", "cpu", *SMALL) == 0
    assert not Path("run/skipped.json").exists()


def test_the_partner_of_a_bad_image_is_left_out_of_pairs(sky):
    from i2i.data.audit.skip_bad import find_bad, without

    (sky / "i2i.json").write_text('{"paired": true}')
    (sky / "train/dusk/1.png").write_bytes(b"")
    data = open_data(DataConfig(path=sky))
    kept = without(data, find_bad(data, ["train"]))
    for domain in ("dawn", "dusk"):
        assert [image.path.name for image in kept.images("train", domain)] == ["0.png", "2.png"]


def deepen(root: Path, most: int, *domains: str) -> None:
    """Make the images of some domains grey, of 16 bits, with values up to `most`."""
    for domain in domains:
        for path in root.rglob(f"{domain}/*.png"):
            gray = np.asarray(Image.open(path).convert("L")).astype(float)
            put(path, Image.fromarray(np.round(gray / gray.max() * most).astype(np.uint16)))


@pytest.mark.parametrize("most", [1023, 4095, 8500, 16383])  # bits 10, 12 and 14, and depth in millimetres
def test_images_of_16_bits_that_use_little_of_their_range_are_told(sky, most):
    deepen(sky, most, "dusk")
    fault, text = found(report_of(sky))["dark"]
    assert not fault
    assert text.startswith("dusk: 4 images of 16 bits, none with a value above ")
    assert f"no level above {round(most / 257)} of 255 is left" in text
    config = DataConfig(path=sky, image_size=(16, 16))
    assert [line for line in warnings(open_data(config), config) if "16 bits" in line] == [text.replace("4 im", "3 im")]


BENCH = ("bench", "--data", "sky", "--out", "bench", "--size", "16", "--models", "identity", "--dry-run")
LOOKING = {
    "translate": (("translate", "run", "made", "--target", "dawn", "--out", "new", "--device", "cpu"), "dusk"),
    "score": (("score", "--fake", "made", "--real", "sky/test/dawn", "--paired", "--device", "cpu"), "dusk"),
    "the truth": (("score", "--fake", "sky/test/dawn", "--real", "made", "--paired", "--device", "cpu"), "dusk"),
    "bench": (BENCH, "sky"),
    "external": ((*BENCH, "--external", "other=made", "--directions", "dusk2dawn"), "dusk"),
}


@pytest.mark.parametrize("most", [4095, 65535])
@pytest.mark.parametrize("command", LOOKING)
def test_commands_that_read_dark_images_of_16_bits_tell_it_in_the_same_words(sky, capsys, command, most):
    put(sky / "test/dawn/1.png", scene(70))
    put(sky / "test/dusk/1.png", scene(71))
    for path in sky.rglob("*/*/*.png"):
        Image.open(path).resize((16, 16)).save(path)
    if command == "translate":
        assert run("train", "--model", "identity", "--data", "sky", "--out", "run", "--size", "16") == 0
    arguments, deep = LOOKING[command]
    shutil.copytree(sky / "test/dusk", sky.parent / "made/dusk")
    deepen(sky if deep == "sky" else sky.parent / "made", most, "dusk")
    for path in (sky.parent / "made/dusk").iterdir():
        path.rename(sky.parent / "made" / path.name)
    (sky.parent / "made/dusk").rmdir()
    capsys.readouterr()
    assert run(*arguments) == 0
    said = " ".join(" ".join(capsys.readouterr()).split())
    assert ("of 16 bits, none with a value above 4,2" in said) == (most == 4095)


def test_one_bright_image_of_16_bits_or_8_bits_are_not_called_dark(sky):
    deepen(sky, 4095, "dusk")
    deepen(sky, 40000, "dawn")
    put(sky / "train/dusk/0.png", Image.fromarray(np.full((48, 48), 30000, np.uint16)))
    for path in sky.rglob("dawn/0.png"):
        put(path, Image.fromarray(np.asarray(Image.open(path).convert("L")) // 16))
    assert "dark" not in found(report_of(sky))

"""CelebA's own files are read, and StarGAN learns attributes and joint label spaces from them."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from i2i.cli import app
from i2i.config import DataConfig, read_settings
from i2i.data.batches import LabelledBatch
from i2i.data.image_files.images import Preprocess
from i2i.data.open import open_data, settings_of
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.runs.load import load_translator
from i2i.utils.text import from_csv_cell
from tests.support import in_process

NAMES = ("Bald", "Black_Hair", "Blond_Hair", "Male", "Young")
CHOSEN = ("Black_Hair", "Blond_Hair", "Male")
SIDE = 16


def face(row: tuple[bool, ...]) -> np.ndarray:
    """An image that shows its attributes: hair above (black, blond or grey), left half blue for men."""
    pixels = np.full((SIDE, SIDE, 3), 128, np.uint8)
    pixels[:6] = (20, 20, 20) if row[1] else (230, 210, 90) if row[2] else (128, 128, 128)
    pixels[6:, :8] = (30, 60, 200) if row[3] else (200, 60, 60)
    return pixels


def celeba(root, count=40, partition=True, folder="img_align_celeba"):
    """A folder in CelebA's layout; images cycle through hair and sex."""
    (root / folder).mkdir(parents=True)
    rows = [(i % 7 == 0, i % 3 == 0, i % 3 == 1, i % 2 == 0, i % 5 < 3) for i in range(count)]
    lines = [str(count), " ".join(NAMES) + " "]
    for i, row in enumerate(rows):
        Image.fromarray(face(row)).save(root / folder / f"{i + 1:06d}.png")
        lines.append(f"{i + 1:06d}.png  " + " ".join(f"{1 if own else -1:2d}" for own in row))
    (root / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    if partition:
        parts = [f"{i + 1:06d}.png {0 if i < count // 2 else 1 if i < 3 * count // 4 else 2}" for i in range(count)]
        (root / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return root


def opened(root, **settings):
    return open_data(DataConfig(path=root, image_size=(SIDE, SIDE), **{"attributes": CHOSEN, **settings}))


def stems(images):
    return [int(image.stem) for image in images]


def test_the_published_partition_is_followed(tmp_path):
    data = opened(celeba(tmp_path))
    sexes = {split: {*stems(data.images(split, "Male")), *stems(data.images(split, "-Male"))} for split in data.splits}
    assert sexes == {"train": set(range(1, 21)), "val": set(range(21, 31)), "test": set(range(31, 41))}


def test_without_a_partition_a_fixed_tenth_is_kept_for_the_test(tmp_path):
    data = opened(celeba(tmp_path, partition=False))
    test = {*stems(data.images("test", "Male")), *stems(data.images("test", "-Male"))}
    train = {*stems(data.images("train", "Male")), *stems(data.images("train", "-Male"))}
    assert (len(test), len(train), test & train) == (4, 36, set())
    again = opened(tmp_path)
    assert test == {*stems(again.images("test", "Male")), *stems(again.images("test", "-Male"))}


def test_domains_hold_the_images_that_the_list_says(tmp_path):
    data = opened(celeba(tmp_path))
    assert data.domains == ("Black_Hair", "Blond_Hair", "Male", "-Male")
    assert stems(data.images("train", "Black_Hair")) == [i + 1 for i in range(20) if i % 3 == 0]
    assert stems(data.images("train", "-Male")) == [i + 1 for i in range(20) if i % 2]
    assert data.images("train", "Male")[0].attributes == ("Black_Hair", "Male")


def test_hair_colors_exclude_one_another_unless_the_settings_say_otherwise(tmp_path):
    celeba(tmp_path)
    assert opened(tmp_path).labels.sets[0].exclusive == (("Black_Hair", "Blond_Hair"),)
    own = opened(tmp_path, attributes=("Bald", "Male", "Young"), exclusive=(("Bald", "Young"),))
    assert own.labels.sets[0].exclusive == (("Bald", "Young"),)
    assert opened(tmp_path, exclusive=()).labels.sets[0].exclusive == ()


@pytest.mark.parametrize("place", ["Img/img_align_celeba", "images"])
def test_the_distributed_folders_are_found(tmp_path, place):
    celeba(tmp_path, folder=place)
    (tmp_path / "Anno").mkdir()
    (tmp_path / "list_attr_celeba.txt").rename(tmp_path / "Anno" / "list_attr_celeba.txt")
    assert opened(tmp_path).images("train", "Male")[0].path == tmp_path / place / "000001.png"


def test_a_batch_carries_the_attributes_of_its_images(tmp_path):
    data = opened(celeba(tmp_path))
    source = TrainingImages.load(data, "train", Preprocess((SIDE, SIDE)))
    assert source.size("") == 20
    seen = set()
    for step in range(5):
        batch = LabelledBatch.draw(source, data.domains, 4, step)
        for image, label in zip(batch.images, batch.labels.tolist(), strict=True):
            red, _, blue = ((image[:, 10, 2] + 1) * 127.5).round().tolist()
            flipped = (image[:, 10, 12] + 1) * 127.5
            assert label[2] == (blue > red or flipped[2] > flipped[0])
            assert label[0] == bool((image[:, 0, 0] < -0.5).all())
            seen.add(tuple(label))
    assert len(seen) == 6


def damaged(root, kind):
    celeba(root)
    path = root / "list_attr_celeba.txt"
    lines = path.read_text().splitlines()
    if kind == "missing images":
        for number in (2, 3, 5, 8):
            (root / "img_align_celeba" / f"{number:06d}.png").unlink()
    elif kind == "no list":
        path.write_text("nothing\n")
    elif kind == "a short line":
        path.write_text("\n".join([*lines[:5], "000004.png 1 -1", *lines[6:]]))
    elif kind == "no part":
        part = root / "list_eval_partition.txt"
        part.write_text("\n".join(part.read_text().splitlines()[2:]))


HOSTILE = {
    "an absolute path": (b"/etc/passwd", "'/etc/passwd' is an absolute path: list plain names"),
    "upwards": (b"../000001.png", "leads out of the folder by"),
    "a folder": (b"a/000001.png", "lies in a folder of its own"),
    "twice": (b"000002.png", "lists 000002.png more than once"),
    "no text": (b"\xff.png", "cannot be read as text in UTF-8"),
}


@pytest.mark.parametrize(("name", "named"), HOSTILE.values(), ids=HOSTILE)
def test_listed_names_are_plain_ones_in_the_folder_of_images(tmp_path, name, named):
    path = celeba(tmp_path) / "list_attr_celeba.txt"
    path.write_bytes(path.read_bytes().replace(b"000001.png", name))
    with pytest.raises(UserError, match=named):
        opened(tmp_path)


def test_a_listed_link_out_of_the_folder_is_refused(tmp_path):
    root = celeba(tmp_path / "celeba")
    image = root / "img_align_celeba/000003.png"
    image.rename(tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(UserError, match=r"'000003\.png' is a link out of"):
        opened(root)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("missing images", "lists 4 images .* 000002.png, 000003.png, 000005.png"),
        ("no list", "is no attribute list"),
        ("a short line", "line 6: expected a file and 5 values"),
        ("no part", "gives 2 images no part"),
    ],
)
def test_damaged_lists_are_refused_by_name(tmp_path, kind, named):
    damaged(tmp_path, kind)
    with pytest.raises(UserError, match=named):
        opened(tmp_path)


def test_an_attribute_that_the_list_lacks_is_refused_with_near_names(tmp_path):
    celeba(tmp_path)
    with pytest.raises(UserError, match="'Blonde_Hair'; did you mean 'Blond_Hair'"):
        opened(tmp_path, attributes=("Blonde_Hair",))
    with pytest.raises(UserError, match="attributes fits no data set"):
        open_data(DataConfig(image_size=(16, 16), scenes=2, test_scenes=2, attributes=("Male",)))


def test_two_data_sets_of_one_name_are_refused():
    with pytest.raises(UserError, match="two data sets 'a'"):
        settings_of(["a=x", "a=y"])
    with pytest.raises(UserError, match="need names"):
        settings_of(["x", "y"])


def moods(root):
    for split in ("train", "test"):
        for domain, color in (("calm", (40, 160, 60)), ("wild", (240, 130, 20))):
            (root / split / domain).mkdir(parents=True)
            for i in range(6):
                Image.fromarray(np.full((SIDE, SIDE, 3), color, np.uint8)).save(root / split / domain / f"{i}.png")
    return root


def i2i(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


TINY = ["model.width=4", "model.discriminator_width=4", "model.blocks=1", "model.layers=3", "model.n_critic=2"]
SHORT = [*TINY, "train.images=64", "train.batch_size=8", "train.sample_every=0", f"data.image_size={SIDE}"]


def set_options(assignments):
    return [option for assignment in assignments for option in ("--set", assignment)]


@pytest.mark.integration
def test_a_joint_stargan_learns_two_label_spaces_and_translates_by_either(tmp_path):
    faces, wild = celeba(tmp_path / "celeba"), moods(tmp_path / "rafd")
    run = tmp_path / "run"
    i2i(
        *("train", "--model", "stargan", "--data", f"faces={faces}", "--data", f"moods={wild}", "--out", run),
        *("--attributes", ",".join(CHOSEN), *set_options(SHORT)),
    )
    translator, _ = load_translator(run)
    space = translator.task.labels
    assert (space.classes, space.width) == (5, 7)
    assert translator.generator.labels == 7
    images = torch.rand(3, 3, SIDE, SIDE) * 2 - 1
    by_mood = translator.translate(images, None, "moods/wild")
    assert torch.equal(by_mood, translator.generator(images, space.vector("moods/wild").expand(3, -1)))
    described = ["Black_Hair,Male", "Blond_Hair", ""]
    labels = torch.tensor([[0, 1, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1, 0]]).float()
    by_face = translator.translate(images, None, "faces/Blond_Hair", described)
    assert torch.equal(by_face, translator.generator(images, labels))
    with pytest.raises(UserError, match="2 descriptions do not fit 3 images"):
        translator.translate(images, None, "faces/Blond_Hair", described[:2])


@pytest.mark.integration
def test_images_are_translated_by_attributes_said_or_recognized(tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    root = celeba(tmp_path / "celeba")
    i2i(
        "train",
        "--model",
        "stargan",
        "--data",
        root,
        "--attributes",
        ",".join(CHOSEN),
        "--out",
        run,
        *set_options(SHORT),
    )
    saved = json.loads(next(run.glob("checkpoints/*/checkpoint.json")).read_text())
    assert saved["task"]["labels"][0]["exclusive"] == [["Black_Hair", "Blond_Hair"]]
    image = root / "img_align_celeba" / "000001.png"
    i2i("translate", run, image, "--target", "+Blond_Hair,-Male", "--source", "Black_Hair,Male", "--out", out / "said")
    i2i("translate", run, image, "--target", "-Male", "--out", out / "seen")
    translator, _ = load_translator(run)
    with pytest.raises(UserError, match="did you mean 'Blond_Hair'"):
        translator.translate(torch.zeros(1, 3, SIDE, SIDE), None, "Blonde_Hair")
    translator.recognize = lambda images: None
    with pytest.raises(UserError, match="say it with --source"):
        translator.translate(torch.zeros(1, 3, SIDE, SIDE), None, "-Male")
    assert {path.parent.name for path in out.rglob("000001.png")} == {"said", "seen"}


SMALL_BENCH = [f"data.image_size={SIDE}", "budget.images=64", "classifier.images=600", "train.channels_last=false"]
SMALL_BENCH += [f"stargan.{setting.removeprefix('model.')}" for setting in TINY]
SMALL_BENCH += ["cyclegan.width=2", "cyclegan.discriminator_width=2", "cyclegan.blocks=1", "cyclegan.layers=1"]


def scores(out):
    with (out / "results.csv").open() as file:
        rows = [{name: from_csv_cell(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
    return [row | {"value": float(row["value"]), "n": int(row["n"])} for row in rows]


@pytest.mark.slow
def test_a_bench_scores_every_flip_of_an_attribute(tmp_path):
    root, out = celeba(tmp_path / "celeba", count=80), tmp_path / "bench"
    chosen = ["--attributes", ",".join(CHOSEN), "--models", "cyclegan,stargan", *set_options(SMALL_BENCH)]
    assert in_process.bench(out, "--data", root, *chosen) == 0
    rows = [row for row in scores(out) if row["metric"] == "accuracy"]
    flips = {("Black_Hair", "Blond_Hair"), ("Blond_Hair", "Black_Hair"), ("Male", "-Male"), ("-Male", "Male")}
    for model in ("cyclegan", "stargan", "identity", "reinhard"):
        assert {(row["source"], row["target"]) for row in rows if row["model"] == model} == flips
    real = {row["target"]: row for row in rows if row["model"] == "real"}
    assert set(real) == {"Black_Hair", "Blond_Hair", "Male", "-Male"}
    assert min(row["value"] for row in real.values()) == 1.0
    assert all(row["value"] == 0.0 for row in rows if row["model"] == "identity")
    assert (real["Male"]["n"], real["-Male"]["n"]) == (10, 10)
    assert len(list((out / "translations/stargan/seed0/Male2-Male").glob("*.png"))) == 10
    assert len([*(out / "trainings/cyclegan/seed0").iterdir()]) == 2


@pytest.mark.slow
def test_a_bench_on_two_data_sets_stays_within_each(tmp_path):
    faces, wild = celeba(tmp_path / "celeba"), moods(tmp_path / "rafd")
    out = tmp_path / "bench"
    small = [*SMALL_BENCH, "classifier.images=64"]  # how well it knows the images is not looked at
    chosen = ["--attributes", ",".join(CHOSEN), "--models", "stargan", *set_options(small)]
    located = ["--data", f"faces={faces}", "--data", f"moods={wild}"]
    assert in_process.bench(out, *located, *chosen, draws=True) == 0
    ways = {(row["source"], row["target"]) for row in scores(out) if row["model"] == "stargan"}
    assert ("moods/calm", "moods/wild") in ways
    assert ("faces/Male", "faces/-Male") in ways
    assert all(source.split("/")[0] == target.split("/")[0] for source, target in ways)
    assert (out / "translations/stargan/seed0/moods.calm2moods.wild/0.png").is_file()
    assert (out / "grid.png").is_file()


@pytest.mark.slow
def test_stargan_changes_the_attribute_it_is_told_and_no_other(tmp_path):
    """The drawn faces show hair above and sex at the left below: each is changed without the other."""
    root, run = celeba(tmp_path / "celeba", count=240), tmp_path / "run"
    settings = ["model.width=8", "model.discriminator_width=8", "model.blocks=1", "model.layers=3", "model.n_critic=2"]
    settings += [
        "model.learning_rate=1e-3",
        "train.images=3000",
        "train.batch_size=8",
        "data.flip=false",
        "data.zoom=1",
    ]
    settings += [f"data.image_size={SIDE}", "train.sample_every=0", "train.checkpoint_every=100000"]
    i2i(
        "train",
        "--model",
        "stargan",
        "--data",
        root,
        "--attributes",
        ",".join(CHOSEN),
        "--out",
        run,
        *set_options(settings),
    )
    translator, preprocess = load_translator(run)
    data = opened(root)
    files = data.images("test", "Black_Hair")
    images = torch.cat([torch.from_numpy(face_of(image, preprocess)) for image in files])
    words = [",".join(image.attributes) for image in files]
    blond = translator.translate(images, "Black_Hair", "Blond_Hair", words)
    assert float((blond[:, 0, :6].mean((1, 2)) > 0.3).float().mean()) > 0.9  # bright hair
    same = (blond[:, :, 8:] - images[:, :, 8:]).abs().mean((1, 2, 3))
    assert float(same.median()) < 0.25
    swapped = translator.translate(images, None, "+Blond_Hair,-Male", words)
    male = torch.tensor(["Male" in image.attributes for image in files])
    redder = swapped[:, 0, 8:, 2:6].mean((1, 2)) > swapped[:, 2, 8:, 2:6].mean((1, 2))
    assert float(redder[male].float().mean()) > 0.9


def face_of(image, preprocess):
    pixels = np.asarray(preprocess(Image.open(image.path)), np.float32)
    return (pixels / 127.5 - 1).transpose(2, 0, 1)[None]


def as_csv(root):
    """Make the lists CSV files, as on Kaggle."""
    lines = (root / "list_attr_celeba.txt").read_text().splitlines()
    rows = [["image_id", *lines[1].split()], *(line.split() for line in lines[2:])]
    (root / "list_attr_celeba.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    parts = (root / "list_eval_partition.txt").read_text().splitlines()
    parts = ["image_id,partition", *(",".join(line.split()) for line in parts)]
    (root / "list_eval_partition.csv").write_text("\n".join(parts) + "\n", encoding="utf-8-sig")
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (root / name).unlink()


def test_lists_in_csv_and_nested_folders_say_the_same_as_lists_in_text(tmp_path):
    plain = opened(celeba(tmp_path / "plain"))
    as_csv(celeba(tmp_path / "kaggle", folder="img_align_celeba/img_align_celeba"))
    assert str(opened(tmp_path / "kaggle")).split(")")[1] == str(plain).split(")")[1]


def test_an_attribute_list_may_hold_names_with_spaces(tmp_path):
    root = celeba(tmp_path)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (root / name).write_text((root / name).read_text().replace(".png", " of a face.png"))
    for path in (root / "img_align_celeba").iterdir():
        path.rename(path.with_name(path.name.replace(".png", " of a face.png")))
    data = opened(root)
    assert data.images("val", "Male")[0].path.name.endswith(" of a face.png")
    assert len(data.images("train", "Male")) + len(data.images("train", "-Male")) == 20


@pytest.mark.parametrize("text", ["", "image_id\n1.png\n", "image_id,Male\n1.png,2\n", "image_id,Male\n1.png\n"])
def test_a_broken_list_in_csv_is_named(tmp_path, text):
    (tmp_path / "list_attr_celeba.csv").write_text(text)
    with pytest.raises(UserError, match=r"list_attr_celeba\.csv"):
        opened(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_and_settings_with_a_byte_order_mark_are_read(tmp_path, encoding):
    root = celeba(tmp_path)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        (root / name).write_text((root / name).read_text(), encoding=encoding)
    assert len(opened(root).images("train", "Male")) == 10
    (tmp_path / "mine.yaml").write_text("model: {width: 4}\n", encoding=encoding)
    assert read_settings(tmp_path / "mine.yaml") == {"model": {"width": 4}}

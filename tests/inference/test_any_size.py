"""Images of any size and kind through the command line: trained on, and each translated into one file of its name."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import i2i
from i2i.data.image_files.images import Preprocess, to_images
from i2i.errors import UserError
from i2i.inference.tiling import in_full, in_tiles
from i2i.inference.translate_files import full_resolution, translation
from i2i.labels import LabelSet, LabelSpace
from i2i.runs.load import load_translator, require_checkpoint
from tests.robustness.test_bad_input import run
from tests.support import in_process

CPU = torch.device("cpu")
TINY = {
    "pix2pix": ["model.width=2", "model.discriminator_width=2", "model.layers=1", "model.depth=2"],
    "cyclegan": ["model.width=2", "model.discriminator_width=2", "model.layers=1", "model.blocks=1"],
    "stargan": ["model.width=2", "model.discriminator_width=2", "model.layers=2", "model.blocks=1"],
    "identity": [],
}


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def train(root, model, *options):
    """A run folder of a tiny training on images 20 high and 50 wide."""
    for domain in ("dawn", "dusk"):
        for number in range(4):
            save(root / f"sky/train/{domain}/{number}.png", noise(20, 50, number))
    (root / "sky/i2i.json").write_text('{"paired": true}')
    settings = [f"--set={setting}" for setting in (*TINY[model], "train.images=4", "train.batch_size=2")]
    command = ["train", "--model", model, "--data", root / "sky", "--out", root / model, "--device", "cpu"]
    assert run(*command, *settings, *options) == 0
    return root / model


def translate(run_folder, *options) -> int:
    return run("translate", run_folder, *options, "--target", "dusk", "--out", "out", "--overwrite", "--device", "cpu")


def outputs():
    return sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.*"))


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def copier(tmp_path_factory):
    """A run folder of the translator that copies, at 16x32 px."""
    return train(tmp_path_factory.mktemp("copier"), "identity", "--size", "16x32")


@pytest.fixture(scope="module")
def normed(tmp_path_factory):
    """A run folder of a CycleGAN with instance norm, at 16x32 px."""
    return train(tmp_path_factory.mktemp("normed"), "cyclegan", "--size", "16x32")


@pytest.mark.parametrize("tile", [[], ["--tile", "32"]])
def test_at_full_resolution_every_image_keeps_its_size_and_place(copier, place, capsys, tile):
    sizes = {"a": (1, 1), "deep/b": (33, 7), "deep/er/c": (100, 61), "d": (16, 32)}
    for number, (name, size) in enumerate(sizes.items()):
        save(place / f"tree/{name}.png", noise(*size, number))
    assert translate(copier, "tree", "--full-resolution", *tile) == 0
    assert outputs() == sorted(f"{name}.png" for name in sizes)
    for name in sizes:
        np.testing.assert_array_equal(pixels_of(place / f"out/{name}.png"), pixels_of(place / f"tree/{name}.png"))
    tiled = "2 of 4 images pass in tiles of 32 px" if tile else "0 of 4 images pass in tiles of 1024 px"
    assert f"full resolution: nothing is lost, {tiled}\n" in capsys.readouterr().err


def test_images_that_differ_in_the_suffix_alone_keep_it(copier, place):
    for name in ("a.tif", "a.png", "b.jpg", "more/a.bmp"):
        save(place / "tree" / name, noise(16, 32))
    assert translate(copier, "tree") == 0
    assert outputs() == ["a.png.png", "a.tif.png", "b.png", "more/a.png"]


def test_patterns_that_no_shell_has_expanded_are_understood(copier, place):
    for name in ("a.tif", "b.tif", "c.png"):
        save(place / "tree" / name, noise(16, 32))
    assert translate(copier, "tree/*.tif") == 0
    assert outputs() == ["a.png", "b.png"]


def test_what_is_named_twice_is_translated_once(copier, place):
    save(place / "tree/a.png", noise(16, 32))
    assert translate(copier, "tree", "tree/a.png", "tree/*.png") == 0
    assert outputs() == ["a.png"]


def test_without_full_resolution_a_line_tells_what_images_lose(copier, place, capsys):
    save(place / "a.png", noise(32, 32))
    assert translate(copier, "a.png") == 0
    told = "fit crop to 16x32 px: the image, 32 wide and 32 high, loses 50%"
    assert told in capsys.readouterr().err


def test_a_training_tells_what_its_images_lose(place, capsys):
    train(place, "identity", "--size", "16x32", "--set", "data.fit=resize")
    told = "fit resize to 16x32 px: 8 of 8 images are squeezed by 20% on average, one 50 wide and 20 high by 20%"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("fit", ["crop", "resize", "pad"])
def test_a_model_translates_images_fitted_as_in_its_training(place, fit):
    options = ["--size", "32", "--set", f"data.fit={fit}", "--set", "data.background=blue"]
    trained = train(place, "identity", *options)
    expected = Preprocess((32, 32), fit=fit, background="blue")
    assert load_translator(trained)[1] == expected
    image = save(place / "a.png", noise(20, 50))
    assert translate(trained, "a.png") == 0
    with Image.open(image) as opened:
        np.testing.assert_array_equal(pixels_of(place / "out/a.png"), expected(opened))


def test_a_checkpoint_that_does_not_say_how_images_were_fitted_had_them_cropped(copier, place):
    older = shutil.copytree(copier, place / "older")
    (path,) = older.glob("checkpoints/*/checkpoint.json")
    meta = json.loads(path.read_text())
    for name in ("fit", "background"):
        del meta["settings"]["data"][name]
    del meta["checksum"], meta["files"]  # older ones had none
    path.write_text(json.dumps(meta))
    assert load_translator(older)[1] == Preprocess((16, 32), 3, "crop", "white")


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan", "stargan"])
def test_models_learn_gray_images_that_are_not_square(place, model):
    trained = train(place, model, "--size", "16x32", "--set", "data.channels=1")
    assert require_checkpoint(trained).task.image_size == (16, 32)
    save(place / "colours.png", noise(20, 50))
    save(place / "grey.png", noise(23, 37)[:, :, 0])
    assert translate(trained, "colours.png", "grey.png") == 0
    assert pixels_of(place / "out/colours.png").shape == pixels_of(place / "out/grey.png").shape == (16, 32)
    assert translate(trained, "grey.png", "--full-resolution") == 0
    assert pixels_of(place / "out/grey.png").shape == (23, 37)
    (sample,) = trained.glob("samples/*.png")
    colors = pixels_of(sample).astype(int)
    assert (colors.max(axis=2) == colors.min(axis=2)).mean() > 0.99 if colors.ndim == 3 else True


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan", "stargan"])
def test_models_translate_colors_at_full_resolution_at_once_and_in_tiles(place, model):
    trained = train(place, model, "--size", "16x32")
    save(place / "a.png", noise(70, 41))
    for options in ([], ["--tile", "32"]):
        assert translate(trained, "a.png", "--full-resolution", *options) == 0
        assert pixels_of(place / "out/a.png").shape == (70, 41, 3)


@pytest.mark.integration
def test_tiles_of_an_image_share_its_statistics(normed, place):
    """Half of the image is dark: by statistics of their own, tiles of either half would look alike."""
    pixels = noise(64, 256)
    pixels[:, :128] //= 6
    image = save(place / "a.png", pixels)
    model, preprocess = load_translator(normed)
    function = translation(model, "dawn", "dusk", CPU)
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1
    whole = in_full(images, function, 4, (16, 32))
    own = (in_tiles(images, function, 4, (16, 32), 64) - whole).abs().mean()
    (tiled,) = full_resolution(function, preprocess, 64)([image])
    shared = (torch.from_numpy(tiled).permute(2, 0, 1)[None] / 127.5 - 1 - whole).abs().mean()
    assert shared < own / 2


def imaged(name: str, space: LabelSpace, place, **settings):
    """A tiny model of attributes, and an image of which only the middle is what it was trained on."""
    model = i2i.create("stargan", space, image_size=16, width=2, discriminator_width=2, layers=2, **settings)
    return model, Preprocess((16, 16)), save(place / name, noise(70, 41))


@pytest.mark.integration
@pytest.mark.parametrize("side", [None, 32])
def test_at_full_resolution_a_model_tells_attributes_from_the_image_at_its_own_size(place, monkeypatch, side):
    space = LabelSpace((LabelSet(("Bald", "Smiling", "Young"), ()),))
    model, preprocess, image = imaged("a.png", space, place)
    with Image.open(image) as opened:
        fitted = to_images(preprocess(opened)[None])
    monkeypatch.setattr(model, "recognize", lambda images: expected(images, fitted))
    seen = full_resolution(translation(model, None, "+Smiling", CPU), preprocess, side)
    said = full_resolution(translation(model, "Young", "+Smiling", CPU), preprocess, side)
    other = full_resolution(translation(model, "Bald", "+Smiling", CPU), preprocess, side)
    (by_seeing,), (by_saying,), (by_another,) = (convert([image]) for convert in (seen, said, other))
    np.testing.assert_array_equal(by_seeing, by_saying)
    assert (by_seeing != by_another).any()


def expected(images, fitted):
    """Logits of a young person, for the one image that should be looked at."""
    assert torch.equal(images, fitted)
    return torch.tensor([[-1.0, -1.0, 2.0]])


def test_what_a_model_sees_is_said_in_the_words_of_its_data_set(monkeypatch):
    faces = LabelSet(("Smiling", "Young"), (), name="faces")
    model = i2i.create(
        "stargan",
        LabelSpace((faces, LabelSet(("calm", "wild"), (("calm", "wild"),), name="moods"))),
        image_size=16,
        width=2,
        discriminator_width=2,
        layers=2,
    )
    monkeypatch.setattr(model, "recognize", lambda images: torch.tensor([[1.0, 2, 3, 4], [-1, -2, 5, 6]]))
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    described = model.describe(images, "faces/+Smiling")
    assert described == ["Smiling,Young", ""]
    assert torch.equal(
        model.translate(images, None, "faces/+Smiling", described), model.translate(images, None, "faces/+Smiling")
    )


def test_a_model_that_cannot_tell_attributes_wants_them_said(place):
    space = LabelSpace((LabelSet(("Smiling", "Young"), ()),))
    model, preprocess, image = imaged("a.png", space, place)
    model.untrained = ("discriminator",)
    convert = full_resolution(translation(model, None, "+Smiling", CPU), preprocess)
    with pytest.raises(UserError, match="cannot tell what the images have of Smiling, Young: say it with --source"):
        next(iter(convert([image])))


def test_tiles_too_small_for_the_model_are_refused_before_anything_is_written(normed, place, capsys):
    save(place / "a.png", noise(16, 32))
    assert translate(normed, "a.png", "--full-resolution", "--tile", "28") == 2
    assert "tiles of 28 px are too small for this model: use --tile 32 or more" in capsys.readouterr().err
    assert not (place / "out").exists()


@pytest.mark.slow
def test_a_bench_compares_gray_models_that_are_not_square_with_gray_images(place, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(place / "cache"))
    settings = [f"{model}.{setting.removeprefix('model.')}" for model in TINY for setting in TINY[model]]
    settings += ["data.channels=1", "data.scenes=6", "data.test_scenes=3", "data.domains=summer,night"]
    settings += ["budget.images=8", "classifier.images=16"]
    options = [f"--set={setting}" for setting in settings]
    models = "pix2pix,cyclegan,stargan,identity"
    assert in_process.bench("out", "--models", models, "--size=16x32", *options, "--device=cpu", draws=True) == 0
    protocol = json.loads((place / "out/protocol.json").read_text())["protocol"]["images"]
    assert (protocol["image_size"], protocol["channels"]) == ([16, 32], 1)
    test = [(place / f"out/translations/identity/seed0/summer2night/{number:05d}.png") for number in (6, 7, 8)]
    drawn = next((place / "cache").glob("seasons-16x32-*"))
    with (place / "out/results.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (row["model"], row["source"]) == ("identity", "summer")]
    (scored,) = (float(row["value"]) for row in rows if row["metric"] == "psnr")
    gray = [Preprocess((16, 32), 1)(Image.open(drawn / "test/night" / path.name))[:, :, 0] for path in test]
    errors = [np.mean((pixels_of(path).astype(float) - night) ** 2) for path, night in zip(test, gray, strict=True)]
    assert scored == pytest.approx(np.mean([10 * np.log10(255**2 / error) for error in errors]), abs=1e-3)

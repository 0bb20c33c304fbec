"""Images of a program are translated like files: paths, PIL images and arrays in, PIL images out."""

import copy
import io

import numpy as np
import pytest
import torch
from PIL import Image

import i2i
from i2i import registry
from i2i.api import loading
from i2i.errors import UserError
from i2i.inference.translate_files import resized, translation
from i2i.runs.load import load_translator
from i2i.testing import CPU, Subject
from i2i.training.trainer import Trainer
from tests.support.in_process import command

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders by model."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("stargan", "munit"):
        subject = Subject(registry.get(name))
        Trainer(folder / name, subject.config(), subject.task, subject.training_images(), CPU).train()
    return {name: folder / name for name in ("stargan", "munit")}


@pytest.fixture
def file(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def target_of(run):
    return load_translator(run)[0].task.directions[0]


@pytest.mark.integration
def test_a_path_an_image_and_an_array_have_the_translation_of_the_file(runs, file):
    _, target = target_of(runs["stargan"])
    translator, preprocess = load_translator(runs["stargan"])
    (expected,) = resized(translation(translator, None, target, CPU), preprocess)([file])
    for given in (file, str(file), Image.fromarray(PIXELS), PIXELS):
        made = i2i.translate(runs["stargan"], given, target)
        assert isinstance(made, Image.Image)
        assert (np.asarray(made) == expected).all()
    several = i2i.translate(runs["stargan"], [file, PIXELS], target)
    assert [(np.asarray(made) == expected).all() for made in several] == [True, True]


def test_the_size_is_kept_where_that_is_asked_for_also_of_grey_and_transparent_images(runs):
    _, target = target_of(runs["stargan"])
    given = [PIXELS[:, :, 0], Image.new("RGBA", (33, 21), (1, 2, 3, 4)), Image.new("CMYK", (20, 30))]
    made = i2i.translate(runs["stargan"], given, target, full_resolution=True)
    assert [image.size for image in made] == [(52, 40), (33, 21), (20, 30)]


@pytest.mark.integration
def test_seed_and_reference_go_to_models_that_take_them(runs, file):
    source, target = target_of(runs["munit"])
    translated = [
        np.asarray(i2i.translate(runs["munit"], file, target, source, **options)).tobytes()
        for options in ({}, {}, {"seed": 1}, {"reference": Image.new("RGB", (32, 32), "red")})
    ]
    assert translated[0] == translated[1]
    assert len(set(translated)) == 3
    with pytest.raises(UserError, match="takes no noise"):
        i2i.translate(runs["stargan"], file, target_of(runs["stargan"])[1], seed=1)


@pytest.mark.integration
def test_samples_of_a_path_are_those_of_the_file_image_by_image(runs, file, tmp_path):
    source, target = target_of(runs["munit"])
    other = tmp_path / "other.png"
    Image.fromarray(PIXELS[::-1]).save(other)
    line = ("--source", source, "--target", target, "--samples", 3, "--seed", 2, "--out", tmp_path / "out")
    command("translate", runs["munit"], file, other, *line)
    names = [f"{stem}{sample}.png" for stem in ("photo", "other") for sample in ("", ".s1", ".s2")]
    made = i2i.translate(runs["munit"], [file, other], target, source, samples=3, seed=2)
    for one, name in zip(made, names, strict=True):
        of_file = np.asarray(Image.open(tmp_path / "out" / name)).astype(int)
        assert np.abs(np.asarray(one) - of_file).max() <= 1  # batches of another size round otherwise
    assert i2i.load(runs["munit"]).translate(file, target, source=source, samples=2, seed=2) == made[:2]
    assert len({np.asarray(one).tobytes() for one in made}) == 6


def test_samples_of_a_model_without_noise_are_one_and_it_is_told_once(runs, file, capsys):
    _, target = target_of(runs["stargan"])
    made = i2i.translate(runs["stargan"], [file, PIXELS], target, samples=4)
    assert len(made) == 2
    assert capsys.readouterr().err.count("this model takes no noise: one translation of each image") == 1
    (alone,) = i2i.translate(runs["stargan"], file, target, samples=4)
    assert alone == made[0]
    for wrong in (0, "2", None, 2.5):
        with pytest.raises(UserError, match=r"samples=.*: give a whole number from 1"):
            i2i.translate(runs["stargan"], file, target, samples=wrong)


@pytest.mark.parametrize(
    "given",
    [PIXELS.astype(float), PIXELS[None], PIXELS[:, :, :2], np.zeros((0, 4, 3), np.uint8), 5, None, "missing.png"],
)
def test_what_is_no_image_is_refused_in_words(runs, given):
    with pytest.raises(UserError, match=r"give a path|give uint8|missing\.png"):
        i2i.translate(runs["stargan"], [given], target_of(runs["stargan"])[1])


@pytest.mark.integration
def test_a_comparison_is_a_sheet_with_a_row_of_each_run(runs, file):
    source, target = target_of(runs["munit"])
    shown = i2i.compare({"one": runs["munit"], "two": runs["munit"]}, [file, PIXELS], target, source)
    assert set(shown.translations) == {"one", "two"}
    assert Image.open(io.BytesIO(shown._repr_png_())).size == shown.sheet.size
    assert shown.sheet.size[1] == 3 * (96 + 2)
    with pytest.raises(UserError, match="nothing to compare"):
        i2i.compare({}, [file], target)


def test_what_is_loaded_takes_tensors_as_the_module_does_and_images_as_the_command_does(runs, file):
    source, target = target_of(runs["munit"])
    loaded, module = i2i.load(runs["munit"]), load_translator(runs["munit"])[0]
    images = torch.zeros(2, 3, *module.task.image_size)
    assert torch.equal(
        loaded.translate(images, source, target, seeds=[1, 2]), module.translate(images, source, target, seeds=[1, 2])
    )
    made = loaded.translate([file, PIXELS], target, source=source, seed=3)
    assert made == i2i.translate(runs["munit"], [file, PIXELS], target, source, seed=3)
    assert made[0] == loaded.translate(file, target, source=source, seed=3)
    with pytest.raises(UserError, match="arguments too many: call it as translate"):
        loaded.translate(file, source, target)  # which would mistake the source for the target


def test_what_is_loaded_has_all_that_the_module_has_and_can_be_copied(runs):
    loaded = i2i.load(runs["stargan"])
    assert loaded.task == loaded.translator.task
    assert loaded.state_dict().keys() == loaded.translator.state_dict().keys()
    assert "stargan: " in repr(copy.deepcopy(loaded))
    with pytest.raises(AttributeError, match="nothing_such"):
        loaded.nothing_such  # noqa: B018


def test_several_translations_are_shown_side_by_side(runs, file):
    _, target = target_of(runs["stargan"])
    made = i2i.translate(runs["stargan"], [file, PIXELS[:, :20]], target, full_resolution=True)
    assert [image.size for image in made] == [(52, 40), (20, 40)]
    assert Image.open(io.BytesIO(made._repr_png_())).size == made.sheet.size
    assert i2i.load(runs["stargan"]).translate([], target)._repr_png_() is None


def test_errors_name_arguments(runs, file):
    with pytest.raises(UserError, match=r"^seed=5: this model takes no noise"):
        i2i.load(runs["stargan"]).translate(file, target_of(runs["stargan"])[1], seed=5)


def test_a_comparison_loads_each_run_once(runs, file, monkeypatch):
    source, target = target_of(runs["munit"])
    loaded, calls = i2i.load(runs["munit"]), []
    real = loading.load_translator
    monkeypatch.setattr(loading, "load_translator", lambda *given: calls.append(given) or real(*given))
    i2i.compare({"one": runs["munit"], "two": loaded}, [file, PIXELS], target, source)
    assert len(calls) == 1

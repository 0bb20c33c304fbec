"""Images of a program are translated like files: paths, PIL images and arrays in, PIL images out."""

import io

import numpy as np
import pytest
from PIL import Image

import i2i
from i2i import registry
from i2i.errors import UserError
from i2i.inference.translate_files import resized, translation
from i2i.runs.load import load_translator
from i2i.testing import CPU, Subject
from i2i.training.trainer import Trainer

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


@pytest.mark.parametrize(
    "given",
    [PIXELS.astype(float), PIXELS[None], PIXELS[:, :, :2], np.zeros((0, 4, 3), np.uint8), 5, None, "missing.png"],
)
def test_what_is_no_image_is_refused_in_words(runs, given):
    with pytest.raises(UserError, match=r"give a path|give uint8|missing\.png"):
        i2i.translate(runs["stargan"], [given], target_of(runs["stargan"])[1])


def test_a_comparison_is_a_sheet_with_a_row_of_each_run(runs, file):
    source, target = target_of(runs["munit"])
    shown = i2i.compare({"one": runs["munit"], "two": runs["munit"]}, [file, PIXELS], target, source)
    assert set(shown.translations) == {"one", "two"}
    assert Image.open(io.BytesIO(shown._repr_png_())).size == shown.sheet.size
    assert shown.sheet.size[1] == 3 * (96 + 2)
    with pytest.raises(UserError, match="nothing to compare"):
        i2i.compare({}, [file], target)

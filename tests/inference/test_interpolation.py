"""What lies between two translations: the ends are those translations, between them is something else."""

import numpy as np
import pytest
import torch
from PIL import Image

import i2i
from i2i import registry
from i2i.errors import UserError
from i2i.inference.interpolation import shares
from i2i.testing import Subject
from i2i.translator import End
from tests.support.exported import make_run
from tests.support.in_process import command

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)


@pytest.fixture(scope="module")
def stargan(tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "stargan"
    make_run(run, "stargan")
    return run


def test_the_shares_of_labels_lead_from_one_target_to_the_other():
    translator = Subject(registry.get("stargan")).build()
    first, second = (target for _, target in translator.task.directions[:2])
    images, seen = torch.zeros(1, 3, *translator.task.image_size), []
    real = translator.generator.forward
    translator.generator.forward = lambda images, labels: seen.append(labels) or real(images, labels)
    translator.interpolate(images, None, (End(first), End(second)), [0, 0.25, 1])
    own, other = (translator.task.labels.towards(target) for target in (first, second))
    assert [row.tolist() for row in seen] == [own.tolist(), (0.75 * own + 0.25 * other).tolist(), other.tolist()]


@pytest.mark.parametrize("name", ["stargan-v2", "munit"])
def test_styles_are_mixed_of_seeds_and_of_references(name):
    subject = Subject(registry.get(name))
    translator, images = subject.build(), subject.images(2)
    source, target = translator.task.directions[0]
    styles = [End(target, [1, 2]), End(target, reference=-images)]
    between = translator.interpolate(images, source, (styles[0], styles[1]), [0, 0.5, 1])
    assert torch.equal(between[0], translator.translate(images, source, target, seeds=[1, 2]))
    assert torch.equal(between[2], translator.translate(images, source, target, reference=-images))
    assert not torch.equal(between[1], between[0])


def test_frames_begin_and_end_with_the_translations(stargan, tmp_path):
    loaded = i2i.load(stargan)
    first, second = loaded.task.domains
    found = loaded.interpolate(PIXELS, first, second, steps=3)
    assert len(found.frames) == 3
    assert found.frames[0] == loaded.translate(PIXELS, first)
    assert found.frames[-1] == loaded.translate(PIXELS, second)
    assert found.strip.size == (4 * found.image.width + 3 * 2, found.image.height)
    found.save_gif(tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as film:
        assert film.n_frames == 4  # there and back


@pytest.mark.integration
def test_the_command_writes_a_strip_and_an_animation(stargan, tmp_path, capsys):
    first, second = i2i.load(stargan).task.domains
    Image.fromarray(PIXELS).save(tmp_path / "photo.png")
    line = ["interpolate", stargan, tmp_path / "photo.png", "--target", first, "--to", second, "--steps", "4"]
    assert command(*line, "--out", tmp_path / "out", "--device", "cpu") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"photo.png", "photo.gif"}
    strip = Image.open(tmp_path / "out" / "photo.png")
    found = i2i.load(stargan).interpolate(tmp_path / "photo.png", first, second, steps=4)
    assert strip.tobytes() == found.strip.tobytes()
    assert command(*line, "--out", tmp_path / "out", "--device", "cpu") == 2
    assert "add --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["pix2pix", "cyclegan", "identity"])
def test_models_led_by_neither_labels_nor_styles_say_so(name):
    translator = Subject(registry.get(name)).build()
    source, target = translator.task.directions[0]
    images = torch.zeros(1, 3, *translator.task.image_size)
    with pytest.raises(UserError, match="led by neither labels nor styles"):
        translator.interpolate(images, source, (End(target), End(target)), [0.5])


def test_ends_that_have_nothing_between_them_are_refused(stargan):
    loaded = i2i.load(stargan)
    first, second = loaded.task.domains
    with pytest.raises(UserError, match=r"both ends are the same: give another to, another to_seed"):
        loaded.interpolate(PIXELS, first)
    with pytest.raises(UserError, match=r"steps=1: give a whole number from 2"):
        loaded.interpolate(PIXELS, first, second, steps=1)
    munit = Subject(registry.get("munit")).build()
    (source, target), (_, back) = munit.task.directions
    with pytest.raises(UserError, match=f"networks of its own for {target} and for {back}"):
        munit.check_between([target, back])
    with pytest.raises(UserError, match=r"a share is 1\.5"):
        images = torch.zeros(1, 3, *munit.task.image_size)
        munit.interpolate(images, source, (End(target, [0]), End(target, [1])), [1.5])


def test_shares_are_even_and_hold_both_ends():
    assert shares(5) == [0, 0.25, 0.5, 0.75, 1]

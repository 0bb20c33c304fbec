"""What the page's button does, without a page: translations by runs and benches, and uploads that are not taken."""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import registry
from i2i.config import DataConfig
from i2i.demo import page, translations
from i2i.demo.examples import examples
from i2i.demo.methods import Loader, Method, domains_of, named, takes_of
from i2i.demo.translations import DemoRequest
from i2i.demo.uploads import MOST_BYTES, check_upload
from i2i.errors import UserError
from i2i.inference.translate_files import resized, translation
from i2i.testing import CPU, Subject
from i2i.training.trainer import Trainer


def trained(folder, name):
    subject = Subject(registry.get(name))
    Trainer(folder, subject.config(), subject.task, subject.training_images(), CPU).train()
    return Method.of_run(folder)


def translate(*asked):
    """All of them, made."""
    return list(translations.translate(*asked))


@pytest.fixture(scope="module")
def stargan(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "stargan", "stargan")


@pytest.fixture(scope="module")
def munit(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("runs") / "munit", "munit")


@pytest.fixture
def loader():
    return Loader(torch.device("cpu"))


@pytest.fixture
def upload(tmp_path):
    path = tmp_path / "upload.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 52, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_translation_is_that_of_i2i_translate(stargan, loader, upload, out):
    target = stargan.checkpoint.task.domains[1]
    shown, made = translate(DemoRequest(upload, targets=[target]), [stargan], loader, out)
    translator, preprocess = loader(next(iter(stargan.runs.values())))
    (expected,) = resized(translation(translator, None, target, CPU), preprocess)([upload])
    assert (np.asarray(Image.open(made.path)) == expected).all()
    assert (np.asarray(Image.open(shown.path)) == preprocess(Image.open(upload))).all()
    assert made.caption == f"stargan to {target}"


def test_each_translation_is_shown_as_soon_as_it_is_made(stargan, loader, upload, out, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(out))
    first, second = stargan.checkpoint.task.domains[:2]
    kit = SimpleNamespace(skip=lambda: "left", Error=UserError)
    names = ("image", "methods", "source", "targets", "full")
    shown = page.PageContents("x", [stargan])
    looks = page._handler(kit, shown, loader, names)(str(upload), [stargan.name], "any", [first, second], False)
    for count, slides in enumerate((True, True, False), 1):
        gallery, slider, files = next(looks)
        assert len(gallery) == len(list(out.rglob("*.png"))) == len(files) + 1 == count
        assert slider == ((gallery[0][0], gallery[-1][0]) if slides else "left")
    assert next(looks, None) is None


def test_the_size_of_the_image_is_kept_where_that_is_asked_for(stargan, loader, upload, out):
    made = translate(DemoRequest(upload, targets=stargan.checkpoint.task.domains, full=True), [stargan], loader, out)
    assert {Image.open(one.path).size for one in made} == {(52, 40)}
    assert len(made) == 1 + len(stargan.checkpoint.task.domains)


@pytest.mark.integration
def test_methods_that_take_noise_give_samples_and_others_one(stargan, munit, loader, upload, out):
    target = domains_of([munit], 1)[0]
    made = translate(DemoRequest(upload, targets=[target], samples=3, seed=1), [stargan, munit], loader, out)
    assert [one.caption for one in made if "munit" in one.caption] == [
        f"munit to {target}",
        f"munit to {target}, 2",
        f"munit to {target}, 3",
    ]
    assert {"noise", "reference"} <= takes_of([stargan, munit])


def test_a_reference_changes_the_translation_of_methods_that_take_one(munit, loader, upload, out, tmp_path):
    target, reference = domains_of([munit], 1)[0], tmp_path / "reference.png"
    Image.new("RGB", (40, 40), "red").save(reference)
    plain, styled = (
        translate(DemoRequest(upload, targets=[target], reference=given), [munit], loader, out)[1]
        for given in (None, reference)
    )
    assert (np.asarray(Image.open(plain.path)) != np.asarray(Image.open(styled.path))).any()


def test_what_no_method_does_is_told_with_what_they_do(munit, loader, upload, out):
    target = domains_of([munit], 1)[0]
    for wanted, told in (
        (DemoRequest(upload), "choose at least one target"),
        (DemoRequest(upload, targets=["spring"]), "spring"),
        (DemoRequest(upload, target, [target]), "no chosen model translates"),
    ):
        with pytest.raises(UserError, match=told):
            translate(wanted, [munit], loader, out)
    with pytest.raises(UserError, match="at least one model"):
        named([munit], ["other"])


def test_names_of_files_are_harmless_whatever_methods_are_called(stargan, loader, upload, out):
    nasty = Method("../../<script>\n", stargan.runs)
    made = translate(DemoRequest(upload, targets=stargan.checkpoint.task.domains[:1]), [nasty], loader, out)
    assert {one.path.parent for one in made} == {out}
    assert made[1].path.name.startswith("1-script-to-")


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims so many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (b"", "no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image"),
        (b"\x89PNG\r\n\x1a\nnonsense", "no image"),
        (b"PK\x03\x04", "no image"),
        (bomb(60_000, 60_000), "too many pixels"),
        (bomb(20_000, 100), "20000x100 pixels"),
        (bomb(9_000, 9_000), "9000x9000 pixels"),
        (b"x" * (MOST_BYTES + 1), "at most 25 MB"),
    ],
)
def test_uploads_that_are_no_images_or_too_large_are_refused_without_their_path(contents, told, tmp_path):
    (tmp_path / "upload.png").write_bytes(contents)
    with pytest.raises(UserError, match=told) as refused:
        check_upload(tmp_path / "upload.png")
    assert str(tmp_path) not in str(refused.value)


def test_examples_are_images_of_the_test_split_and_none_where_the_data_are_gone(tmp_path):
    config = DataConfig(scenes=2, test_scenes=2, image_size=(32, 32), domains=("summer", "night"))
    found = examples(config, tmp_path)
    assert [domain for _, domain in found] == ["summer", "summer", "night", "night"]
    assert {Image.open(path).size for path, _ in found} == {(32, 32)}
    assert examples(DataConfig(path=tmp_path / "gone"), tmp_path) == []

"""Public Python functions refuse what they cannot use in words of their own: what was given, and what is allowed."""

import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import i2i
from i2i.data.open import open_data
from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics import bootstrap, content, frechet, frechet_by_n, health, kernel, paired, significance
from i2i.metrics.features.domain_classifier import DomainClassifier, classify, train_classifier
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.inception import ClassifierExtractor, InceptionExtractor
from i2i.metrics.frechet_interval import frechet_intervals
from i2i.metrics.lpips import Lpips, parse_lpips

SPACE = LabelSpace.of_domains(["a", "b"])
PIXELS = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.eye(2)[[0, 1, 0, 1]]
ROWS = np.random.default_rng(0).normal(size=(12, 4))
SCORES = ROWS[:, 0]

NO_PIXELS = {
    "floats in [0, 1]": PIXELS / 255,
    "floats in [0, 255]": PIXELS.float(),
    "int64": PIXELS.long(),
    "an array": PIXELS.numpy(),
    "a list": [PIXELS],
    "nothing": None,
    "one image without its batch": PIXELS[0],
    "channels last": PIXELS.permute(0, 2, 3, 1),
    "grey": PIXELS[:, :1],
    "sides of 0": PIXELS[:, :, :0],
}
NO_FEATURES = {
    "one row": ROWS[0],
    "NaN": np.where(ROWS > 1, np.nan, ROWS),
    "infinity": np.where(ROWS > 1, np.inf, ROWS),
    "values whose products are infinite": np.abs(ROWS) * 1e200,
    "such values below 0": -np.abs(ROWS) * 1e200,
    "no dimensions": ROWS[:, :0],
    "words": np.array([["a"] * 4] * 12),
    "complex numbers": ROWS + 1j,
    "a complex tensor": torch.tensor(ROWS + 1j),
    "rows of unlike lengths": [[1.0, 2.0], [3.0]],
    "nothing": None,
    "a mapping": {},
    "dates": np.array([["2020-01-01"] * 4] * 12, dtype="datetime64[D]"),
}
NO_SCORES = {name: NO_FEATURES[name] for name in ("words", "nothing", "a mapping", "rows of unlike lengths")} | {
    "complex numbers": SCORES + 1j,
    "NaN": np.where(SCORES > 0, np.nan, SCORES),
    "one score": SCORES[:1],
    "no score": [],
    "a table": ROWS,
}


def refusal(action) -> str:
    """The text of a refusal that one of i2i's own lines raised."""
    with pytest.raises((ValueError, UserError)) as refused:
        action()
    raised = traceback.extract_tb(refused.value.__traceback__)[-1].filename
    assert Path(i2i.__file__).parent in Path(raised).parents, f"raised by {raised}"
    return str(refused.value)


@pytest.fixture(scope="module")
def classifier():
    return train_classifier(PIXELS, LABELS, SPACE, images=4, batch_size=2)


@pytest.mark.parametrize("given", NO_PIXELS)
@pytest.mark.parametrize(
    "measure",
    [
        lambda bad, _: paired.psnr(bad, PIXELS),
        lambda bad, _: paired.l1(PIXELS, bad),
        lambda bad, _: paired.ssim(bad, bad),
        lambda bad, _: health.flags(PIXELS, PIXELS, bad),
        lambda bad, _: health.flags(PIXELS, PIXELS, PIXELS, [bad]),
        lambda bad, _: train_classifier(bad, LABELS, SPACE),
        lambda bad, classifier: classify(classifier, bad),
        lambda bad, classifier: ClassifierExtractor(classifier)(bad),
    ],
)
def test_what_is_no_pixels_is_refused_by_what_was_given(measure, given, classifier):
    assert "uint8 [B, 3, H, W], not " in refusal(lambda: measure(NO_PIXELS[given], classifier))


@pytest.mark.parametrize("given", NO_FEATURES)
@pytest.mark.parametrize(
    "measure",
    [
        frechet.Moments.of,
        lambda bad: frechet.Moments(4).update(bad),
        lambda bad: frechet.frechet_distance_between(ROWS, bad),
        lambda bad: frechet.frechet_distance_low_rank(bad, ROWS),
        lambda bad: kernel.kernel_distance(bad, ROWS, subsets=2),
        lambda bad: frechet_intervals(ROWS, bad, resamples=2),
        lambda bad: frechet_by_n.distances_of_parts(ROWS, bad),
        lambda bad: content.cosine_distances(bad, bad),
    ],
)
def test_what_is_no_features_is_refused_and_never_a_number(measure, given):
    assert "features" in refusal(lambda: measure(NO_FEATURES[given]))


@pytest.mark.parametrize("given", NO_SCORES)
@pytest.mark.parametrize(
    "measure",
    [
        bootstrap.mean_interval,
        lambda bad: significance.sign_flip(SCORES, bad),
        lambda bad: significance.welch(bad, SCORES),
        lambda bad: significance.pairwise({"a": SCORES, "b": bad}),
        lambda bad: significance.indistinguishable({"a": bad}, "max"),
    ],
)
def test_what_is_no_scores_is_refused(measure, given):
    assert "scores" in refusal(lambda: measure(NO_SCORES[given]))


@pytest.mark.parametrize("name", ["int", "bool", "list", "float32", "bfloat16"])
def test_real_numbers_of_any_kind_are_features(name):
    kinds = {"int": (ROWS * 10).astype(int), "bool": ROWS > 0, "list": ROWS.tolist()}
    given = kinds.get(name, torch.tensor(ROWS).to(getattr(torch, name, torch.float32)))
    assert np.isfinite(frechet.frechet_distance_between(given, ROWS))


NUMBERS = {
    "subsets": lambda bad: kernel.kernel_distance(ROWS, ROWS, subsets=bad),
    "subset_size": lambda bad: kernel.kernel_distance(ROWS, ROWS, subset_size=bad),
    "resamples": lambda bad: bootstrap.mean_interval(SCORES, resamples=bad),
    "resamples of a distance": lambda bad: frechet_intervals(ROWS, ROWS, resamples=bad),
    "flips": lambda bad: significance.sign_flip(SCORES, SCORES, flips=bad),
    "seeds": significance.smallest_difference,
    "hits": lambda bad: bootstrap.share_interval(bad, 3),
    "n": lambda bad: bootstrap.share_interval(0, bad),
    "dimensions": frechet.Moments,
    "images": lambda bad: train_classifier(PIXELS, LABELS, SPACE, images=bad),
    "batch_size": lambda bad: train_classifier(PIXELS, LABELS, SPACE, batch_size=bad),
    "a side": lambda bad: DomainClassifier(SPACE, (16, bad)),
    "seed": lambda bad: kernel.kernel_distance(ROWS, ROWS, seed=bad),
    "seed of an interval": lambda bad: bootstrap.mean_interval(SCORES, seed=bad),
    "seed of signs": lambda bad: significance.sign_flip(SCORES, SCORES, seed=bad),
    "seed of parts": lambda bad: frechet_by_n.distances_of_parts(ROWS, ROWS, seed=bad),
    "seed of resamples": lambda bad: frechet_intervals(ROWS, ROWS, seed=bad),
    "seed of a classifier": lambda bad: train_classifier(PIXELS, LABELS, SPACE, seed=bad),
}


@pytest.mark.parametrize("bad", [-1, 2.5, "3", None, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_something_are_whole_and_large_enough(name, bad):
    told = refusal(lambda: NUMBERS[name](bad))
    assert told.startswith(f"{name.partition(' of ')[0]} must be a whole number of at least") and repr(bad) in told


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, float("nan"), "0.95", None])
def test_a_level_lies_between_0_and_1(level):
    for told in (
        refusal(lambda: bootstrap.mean_interval(SCORES, level=level)),
        refusal(lambda: bootstrap.share_interval(1, 2, level=level)),
        refusal(lambda: frechet_intervals(ROWS, ROWS, level=level)),
    ):
        assert f"between 0 and 1, but is {level!r}" in told


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (lambda: bootstrap.share_interval(5, 3), "5 of 3"),
        (lambda: frechet_intervals(ROWS, ROWS, reals="same"), "'drawn' or 'paired' or 'fixed', not 'same'"),
        (lambda: frechet_intervals(ROWS, ROWS[:8], reals="paired"), "12 fakes and 8 reals"),
        (lambda: frechet_by_n.distances_of_parts(ROWS, ROWS[:8], paired=True), "12 and 8 rows"),
        (lambda: content.cosine_distances(ROWS, ROWS[:8]), "do not pair up"),
        (lambda: frechet.frechet_distance(ROWS, ROWS), "Moments.of(features) are compared, not ndarray"),
        (lambda: frechet.Moments(4).merge(ROWS), "not ndarray"),
        (lambda: significance.pairwise([SCORES]), "by the names of models, not as list"),
        (lambda: significance.pairwise({"a": SCORES}, test="welch"), "'welch'"),
        (lambda: significance.holm([0.1, 1.5]), "between 0 and 1"),
        (lambda: significance.holm("p"), "p-values must be an array of real numbers"),
        (lambda: significance.holm(None), "a list of numbers"),
        (lambda: significance.holm([[0.1]]), "a list"),
        (lambda: health.diverged(2), "between 0 and 1, but is 2"),
        (lambda: health.diverged(float("nan")), "nan"),
        (lambda: health.flags(*[PIXELS[:, :, :1, :1]] * 3), "sides of 2 or more"),
        (lambda: classify(None, PIXELS), "must be a DomainClassifier"),
        (lambda: ClassifierExtractor("classifier.safetensors"), "must be a DomainClassifier"),
        (lambda: DomainClassifier(["a", "b"], (16, 16)), "LabelSpace"),
        (lambda: DomainClassifier(SPACE, 16), "height and width in pixels, not 16"),
        (lambda: DomainClassifier(SPACE, (16, 16), backbone=None), "no backbone None"),
        (lambda: DomainClassifier.load(None), "path is None"),
        (lambda: DomainClassifier.load("nowhere.safetensors"), "no domain classifier at nowhere.safetensors"),
        (lambda: InceptionExtractor(3), "weights is 3"),
        (lambda: parse_extractor(None), "write inception"),
        (lambda: parse_lpips(3), "write alex"),
        (lambda: train_classifier(PIXELS, LABELS.long(), SPACE), "labels must be float [4, 2], but are torch.int64"),
        (lambda: train_classifier(PIXELS, LABELS.numpy(), SPACE), "but are ndarray"),
        (lambda: train_classifier(PIXELS, LABELS * 7, SPACE), "go from 0 to 7"),
        (lambda: train_classifier(PIXELS, LABELS * torch.nan, SPACE), "nan"),
        (lambda: train_classifier(PIXELS, LABELS, ["a", "b"]), "LabelSpace"),
        (lambda: i2i.load("nowhere", weights=3), "weights is 3"),
        (lambda: i2i.from_pretrained("owner/name", revision=3), "revision is 3"),
        (lambda: i2i.push_to_hub("run", None), "repository is None"),
    ],
)
def test_other_arguments_are_refused_by_name_and_value(action, told):
    assert told in refusal(action)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    translator = i2i.create("reinhard", ["a", "b"], image_size=16)
    return i2i.from_pretrained(i2i.save_pretrained(translator, tmp_path_factory.mktemp("exported") / "model"))


def stargan():
    return i2i.create("stargan", ["a", "b"], image_size=16, width=2, discriminator_width=2, blocks=1, layers=1)


GREY = Image.new("L", (16, 16))


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (lambda one: one.translate(GREY.convert("F"), "b"), "mode F"),
        (lambda one: one.translate(Image.new("RGB", (0, 4)), "b"), "0x4 pixels"),
        (lambda one: one.translate(None, "b"), "images are NoneType: give a path"),
        (lambda one: one.translate(5, "b"), "images are int: give a path"),
        (lambda one: one.translate(GREY, None), "target is None: give it as text"),
        (lambda one: one.translate(GREY, ["b"]), "target is ['b']: give it as text"),
        (lambda one: one.translate(GREY), "translate of images needs target: call it as translate(images, target)"),
        (lambda one: one.translate(GREY, "b", foo=3), "unknown argument 'foo'"),
        (lambda one: one.translate(GREY, "a", "b"), "arguments too many: call it as translate(images, target)"),
        (
            lambda one: one.translate(torch.zeros(1, 3, 16, 16), "b"),
            "translate of tensor needs source and target",
        ),
        (
            lambda one: one.translate(torch.zeros(1, 3, 16, 16), target="b"),
            "translate of tensor needs source and target: call",
        ),
        (lambda one: i2i.compare([one], [GREY], "b"), "runs is list: give a dictionary"),
        (lambda _: i2i.bench(seeds=1.5), "1.5 is no list: give"),
        (lambda _: i2i.bench(budget=60), "60 is no list: give"),
        (lambda _: open_data("nosuch"), "config is str: give a DataConfig"),
        (lambda _: i2i.score(np.zeros((99, 99)), "real"), "fake is of type ndarray: give the path"),
        (lambda _: i2i.create("cyclegan", ["a", "b"], image_size=33), "needs: use image_size=32"),
        (lambda _: i2i.create("cyclegan", ["a"]), "or name more with domains=A,B"),
        (lambda _: stargan().translate(torch.zeros(1, 3, 30, 31), "a", "b"), "needs: resize it to 32"),
    ],
)
def test_misuse_of_public_functions_is_told_in_their_words(loaded, action, told):
    assert told in refusal(lambda: action(loaded))


def test_a_closed_image_is_refused(loaded, tmp_path):
    GREY.save(tmp_path / "grey.png")
    closed = Image.open(tmp_path / "grey.png")
    closed.close()
    assert "an image is closed" in refusal(lambda: loaded.translate(closed, "b"))


@pytest.mark.parametrize("mode", ["PA", "La", "RGBa", "RGBX"])
def test_images_of_modes_that_no_png_has_are_translated(loaded, mode):
    via = {"La": "LA", "RGBa": "RGBA"}.get(mode, "RGB")
    given = Image.new(mode, (16, 16)) if mode == "PA" else GREY.convert(via).convert(mode)
    assert loaded.translate(given, "b").size == (16, 16)


@pytest.mark.parametrize("device", ["nope", "meta", "cuda:99", "privateuseone", None, ["cpu"]])
@pytest.mark.parametrize(
    "load",
    [
        lambda device: i2i.load("run", device=device),
        lambda device: i2i.from_pretrained("folder", device=device),
        lambda device: DomainClassifier.load("file", device=device),
        lambda device: train_classifier(PIXELS, LABELS, SPACE, device=device),
    ],
)
def test_a_device_that_cannot_be_used_is_told_before_anything_is_read(load, device):
    assert f"device {device} cannot be used here" in refusal(lambda: load(device))


def test_floats_of_lpips_lie_within_their_range():
    blank = Lpips.__new__(Lpips)
    blank.name, blank.smallest = "lpips-alex", 16
    for bad in (PIXELS.float(), torch.full((1, 3, 16, 16), torch.nan)):
        assert "floats must lie in [-1, 1], got values from" in refusal(lambda bad=bad: blank(bad, bad))
    assert "not ndarray" in refusal(lambda: blank(PIXELS.numpy(), PIXELS))


def test_no_pairs_have_no_scores():
    for measure in (paired.psnr, paired.l1, paired.ssim):
        assert measure(PIXELS[:0], PIXELS[:0]).shape == (0,)

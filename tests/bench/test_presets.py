"""Settings that ship with the package fit their models, say what they cost and promise, and mean what they print."""

import math
import re

import numpy as np
import pytest
import yaml
from PIL import Image

from i2i import registry
from i2i.benchmarks.suite.overrides import load_suite
from i2i.benchmarks.suite.schema import Suite
from i2i.config import RunConfig
from i2i.data.batches import LabelledBatch, PairedBatch, TwiceBatch, UnpairedBatch
from i2i.errors import UserError
from i2i.presets.files import header_of, read, shipped
from i2i.presets.methods import Methods
from i2i.presets.training import base_settings
from i2i.testing import CPU
from i2i.training.budget import images_per_step
from i2i.training.device import resolved
from i2i.training.setup import check_trainable, run_config
from i2i.translator import Coverage, Task
from tests.robustness.test_bad_input import run

MODELS, SUITES = list(shipped("models")), list(shipped("bench"))
PATHS = shipped("models") | shipped("bench")
METRICS = {"accuracy", "FD", "psnr", "ssim"}
ABLATIONS = {
    "pix2pix-losses",
    "pix2pix-generators",
    "pix2pix-fields",
    "cyclegan-losses",
    "cyclegan-pool",
    "stargan-pairwise",
}


def config_of(name: str) -> RunConfig:
    model, settings = base_settings(name, None, {})
    return run_config(model, settings)


def method_config(suite, name: str, images: int = 1, seed: int = 0) -> RunConfig:
    method = suite.method(name)
    return run_config(method.model, method.for_training(images, seed))


def test_the_suite_of_the_zoo_has_every_method_and_gives_each_the_same_time():
    suite = load_suite("zoo", None, {}, [])
    zoo = {name for name in registry.names() if registry.get(name).__module__.startswith("i2i.models.")}
    assert {*suite.models, "identity", "reinhard"} == zoo
    assert suite.budget.amount[0] == "seconds" and suite.budget.per == "dataset"


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_the_ablations_and_the_papers_settings_are_there():
    assert {"quick", "seasons", "published", "zoo"} | ABLATIONS <= set(SUITES)
    assert {config_of(name).name for name in MODELS} >= {"pix2pix", "pix2pixhd", "cyclegan", "stargan", "stargan-v2"}
    assert len(MODELS) >= 15


@pytest.mark.parametrize("name", [*MODELS, *SUITES])
def test_the_header_holds_the_command_what_to_expect_and_the_cost(name):
    header = header_of(PATHS[name])
    assert header.title.endswith(".")
    option = f"--config {name} " if name in MODELS else f"--suite {name}"
    assert any(command.startswith("i2i ") and f"{option}" in command for command in header.commands) or (
        name == "seasons" and header.commands == ("i2i bench",)
    )
    assert len(header.notes["Expect"]) > 30
    assert len(header.notes["Cost"]) > 20


@pytest.mark.parametrize("name", MODELS)
def test_the_budget_is_the_product_that_the_header_states(name):
    config, header = config_of(name), header_of(PATHS[name])
    product, equals, images = header.notes["Budget"].partition(" = ")
    factors = [number(re.match(r"[\d,]+", factor).group()) for factor in product.split(" x ")]
    assert equals
    assert np.prod(factors) == number(images.removesuffix(" images")) == config.train.images
    method = registry.get(config.name)
    if method.coverage is not Coverage.ALL:  # a pair, an image of each domain, or two and one
        assert factors[-1] == method.batch.images_per_item == (3 if method.batch is TwiceBatch else 2)


@pytest.mark.parametrize("name", MODELS)
def test_the_cost_is_the_number_of_steps_that_will_be_taken(name):
    config, header = config_of(name), header_of(PATHS[name])
    stated = number(re.match(r"([\d,]+) steps", header.notes["Cost"]).group(1))
    assert stated == math.ceil(config.train.images / images_per_step(config, registry.get(config.name)))


def image(path, width: int = 16) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((16, width, 3), 90, np.uint8)).save(path)


def side_by_side(root):
    for split in ("train", "test"):
        image(root / split / "1.png", 32)
    return ["--data", root]


def two_domains(root):
    for folder in ("trainA", "trainB", "testA", "testB"):
        image(root / folder / "1.png")
    return ["--data", root]


def folders(root):
    for split in ("train", "test"):
        for domain in ("angry", "happy", "sad"):
            image(root / split / domain / "1.png")
    return ["--data", root]


def animals(root):
    for split in ("train", "val"):
        for domain in ("cat", "dog", "wild"):
            image(root / split / domain / "1.png")
    return ["--data", root]


def faces(root):
    names = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Smiling", "Young"]
    hair = ["1 -1 -1", "-1 1 -1", "-1 -1 1"]
    other = ["1 1 1", "-1 -1 -1"]
    lines = [f"{number:06}.jpg {hair[number % 3]} {other[number % 2]}" for number in range(1, 21)]
    root.mkdir(parents=True)
    (root / "list_attr_celeba.txt").write_text("\n".join(["20", " ".join(names), *lines]))
    for line in lines:
        image(root / "img_align_celeba" / line.split()[0])
    return ["--data", root]


def both_faces(root):
    faces(root / "celeba")
    folders(root / "rafd")
    return ["--data", f"celeba={root / 'celeba'}", "--data", f"rafd={root / 'rafd'}"]


# By name of the settings or the method, where the kind of batch does not tell.
SUITABLE = {"stargan-v2": animals, "stargan-celeba": faces, "stargan-celeba-rafd": both_faces}
BY_BATCH = {PairedBatch: side_by_side, UnpairedBatch: two_domains, TwiceBatch: two_domains, LabelledBatch: folders}


def suitable(name, method):
    """What makes the data that the method can learn from with these settings."""
    by_batch = (BY_BATCH[kind] for kind in registry.get(method).batch.__mro__ if kind in BY_BATCH)
    return SUITABLE.get(name) or SUITABLE.get(method) or next(by_batch)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_dry_run_on_suitable_data_prints_the_settings_as_shipped(name, tmp_path, capsys):
    expected = resolved(config_of(name), CPU)
    data = suitable(name, expected.name)(tmp_path / "data")
    assert run("train", "--device", "cpu", "--config", name, *data, "--out", tmp_path / "run", "--dry-run") == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    for place in ("path", "sets"):
        del printed["data"][place]
    settings = expected.settings()
    assert printed == {
        **settings,
        "data": {key: value for key, value in settings["data"].items() if key not in ("path", "sets")},
    }


@pytest.mark.integration
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name == "zoo")) for name in SUITES])
def test_every_method_of_a_suite_can_be_trained_at_its_size(name):
    suite = load_suite(name, None, {}, [])
    for method in (*suite.models, "identity", "reinhard"):
        config = method_config(suite, method, 123, 4)
        assert (config.train.images, config.train.seed) == (123, 4)
        assert list(config.data.image_size) == [suite.settings["data"]["image_size"]] * 2
        domains = ("a", "b")
        check_trainable(config, Task.covering(registry.get(config.name).coverage, domains, config.data.image_size))


def test_fields_of_286_pixels_fit_the_size_that_their_suite_names():
    suite = load_suite("pix2pix-fields", "field-286", {"path": "photos"}, ["data.image_size=256"])
    config = method_config(suite, "field-286")
    assert config.model.layers == 5
    check_trainable(config, Task.covering(registry.get("pix2pix").coverage, ("a", "b"), config.data.image_size))


@pytest.mark.parametrize("name", sorted(ABLATIONS))
def test_ablations_claim_something_of_their_methods_and_take_any_data(name):
    suite = load_suite(name, None, {"path": "photos"}, [])
    assert suite.claims
    assert {claim.metric for claim in suite.claims} <= METRICS
    assert {who for claim in suite.claims for who in claim.order} <= {*suite.models, *suite.variants}
    assert method_config(suite, suite.models[0]).data.domains is None


def test_variants_of_an_ablation_differ_from_one_another():
    for name in ABLATIONS - {"stargan-pairwise"}:
        suite = load_suite(name, None, {}, [])
        configs = [method_config(suite, who).model for who in dict.fromkeys((*suite.models, *suite.variants))]
        assert len({config.model_dump_json() for config in configs}) == len(configs), name


def test_configs_lists_everything_by_kind(capsys):
    assert run("configs") == 0
    models, suites = capsys.readouterr().out.split("\n\n")
    for name in MODELS:
        (line,) = [line for line in models.splitlines() if line.split()[0] == name]
        assert line.split()[1] == config_of(name).name
        assert line.endswith(header_of(PATHS[name]).title)
    for name in SUITES:
        (line,) = [line for line in suites.splitlines() if line.split()[0] == name]
        assert line.endswith(header_of(PATHS[name]).title)
    assert "cyclegan-pool       cyclegan  " in suites
    assert "quick               pix2pix, cyclegan, stargan  " in suites


@pytest.mark.parametrize("name", MODELS)
def test_configs_show_prints_all_settings_of_a_training(name, capsys):
    assert run("configs", "show", name) == 0
    shown, config = yaml.safe_load(capsys.readouterr().out), config_of(name)
    assert shown == config.settings()
    assert shown["model"].keys() == {"name", *type(config.model).model_fields}


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("data", [{}, {"path": "photos"}])
def test_a_suite_that_was_shown_and_saved_means_the_same(name, data, tmp_path, capsys):
    assert run("configs", "show", name) == 0
    saved = tmp_path / "saved.yaml"
    saved.write_text(capsys.readouterr().out)
    before, after = (load_suite(place, None, data, []) for place in (name, str(saved)))
    for field in ("models", "budget", "seeds", "classifier", "claims"):
        assert getattr(after, field) == getattr(before, field)
    for who in (*before.models, *before.variants, "identity"):
        assert method_config(after, who) == method_config(before, who)
    width = type(method_config(after, before.models[0]).model).model_fields["width"].default
    first = before.models[0]
    written = read(str(saved))
    own = written["variants"][first]["settings"] if first in before.variants else written["model_settings"][first]
    assert own["model"]["width"] == (width if name == "published" else 16)


def test_a_single_training_knows_every_section_of_a_suite_and_refuses_others(tmp_path):
    assert Methods.model_fields.keys() == Suite.model_fields.keys()
    suite = tmp_path / "mine.yaml"
    suite.write_text("models: [cyclegan]\nmodel_setings: {cyclegan: {model: {width: 8}}}\n")
    with pytest.raises(UserError, match="unknown setting suite: 'model_setings'; did you mean 'model_settings'"):
        base_settings(str(suite), "cyclegan", {})


def test_an_unknown_name_is_answered_with_the_nearest(capsys):
    assert run("configs", "show", "pix2pix-fasades") == 2
    assert "unknown suite or settings 'pix2pix-fasades'; did you mean 'pix2pix-facades'" in capsys.readouterr().err


def test_a_file_that_names_no_model_is_refused(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("train: {images: 5}")
    assert run("configs", "show", tmp_path / "mine.yaml") == 2
    assert "names no model: write model: {name: ...} into it" in capsys.readouterr().err

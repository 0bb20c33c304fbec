"""Official checkpoints of StarGAN v2 come in, in either variant, and go out as they came."""

from pathlib import Path

import pytest
import torch

from i2i.conversion.formats import export
from i2i.conversion.from_reference import Imported, import_run
from i2i.errors import UserError
from i2i.models.starganv2 import STYLING
from i2i.runs.load import load_translator, require_checkpoint
from tests.support import recipe, reference

NAME = "starganv2/training_starganv2"
ANIMALS = ["cat", "dog", "wild"]
FILE = "100000_nets_ema.ckpt"


def save(path: Path, *networks: str, **others: dict[str, torch.Tensor]) -> Path:
    weights = recipe.weights_by_network(NAME)
    torch.save({name: weights[name] for name in networks} | others, path)
    return path


def take(path: Path, domains: list[str] = ANIMALS, **model: object) -> Imported:
    return import_run([path], "stargan-v2", domains, {"model": model}, path.parent / "run")


def high_pass_generator() -> dict[str, torch.Tensor]:
    laplacian = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    return recipe.weights("starganv2/starganv2_generator_highpass") | {"hpf.filter": laplacian}


def test_the_average_of_an_official_checkpoint_translates(tmp_path):
    imported = take(save(tmp_path / FILE, *STYLING))
    assert imported.fresh == ("discriminator",)
    settings = require_checkpoint(tmp_path / "run").settings
    stated = reference.settings(NAME)["settings"]
    told = {name: settings["model"][name] for name in ("width", "widest", "style", "latent", "hidden", "high_pass")}
    assert told == {
        "width": stated["base"] // stated["img_size"],
        "widest": stated["max_conv_dim"],
        "style": stated["style_dim"],
        "latent": stated["latent_dim"],
        "hidden": stated["hidden"],
        "high_pass": 0.0,
    }
    assert settings["data"]["image_size"] == [64, 64]
    translator, _ = load_translator(tmp_path / "run")
    images = reference.arrays("starganv2/starganv2_generator")["input"]
    translated = translator.translate(images, "cat", "wild", reference=images)
    weights = recipe.weights_by_network(NAME)
    own = translator.style_encoder.heads[2].weight
    assert torch.equal(own, weights["style_encoder"]["unshared.2.weight"])
    assert translated.shape == images.shape


def test_an_export_is_the_imported_file_again(tmp_path):
    given = torch.load(save(tmp_path / FILE, *STYLING), weights_only=True)
    take(tmp_path / FILE)
    export(tmp_path / "run", "reference", tmp_path / "out")
    written = torch.load(tmp_path / "out" / "000000_nets_ema.ckpt", weights_only=True)
    assert list(written) == list(given)
    for name, state in given.items():
        assert list(written[name]) == list(state)
        assert all(torch.equal(written[name][key], value) for key, value in state.items())


def test_the_weights_that_are_trained_come_with_their_discriminator(tmp_path):
    assert take(save(tmp_path / "100000_nets.ckpt", *STYLING, "discriminator")).fresh == ()


def test_the_variant_for_faces_is_told_by_its_filter(tmp_path):
    path = save(tmp_path / FILE, "mapping_network", "style_encoder", generator=high_pass_generator(), fan={"w": ONE})
    imported = take(path)
    assert imported.inferred["model.high_pass"] == 1.0
    assert imported.lines()[-2].endswith("clamped to [-1, 1], without the masks of its high-pass filter")


ONE = torch.ones(1)


@pytest.mark.parametrize(("file", "asked"), [(0.0, 1.0), (1.0, 0.0)])
def test_the_other_variant_than_the_file_holds_is_refused(tmp_path, file, asked):
    generator = high_pass_generator() if file else recipe.weights_by_network(NAME)["generator"]
    path = save(tmp_path / FILE, "mapping_network", "style_encoder", generator=generator)
    with pytest.raises(UserError, match=f"model.high_pass={asked} does not fit the files, which tell {file}: leave it"):
        take(path, high_pass=asked)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("networks", "domains", "complaint"),
    [
        (STYLING, ["cat", "dog"], "the files are for 3 labels and --domains names 2"),
        (("generator", "style_encoder"), ANIMALS, "mapping_network of stargan-v2 are not among the files, and without"),
        (("mapping_network", "style_encoder"), ANIMALS, "there is no generator"),
    ],
)
def test_what_cannot_translate_is_refused(tmp_path, networks, domains, complaint):
    with pytest.raises(UserError, match=complaint):
        take(save(tmp_path / FILE, *networks), domains)

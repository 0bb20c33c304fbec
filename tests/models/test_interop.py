"""Checkpoints of the reference implementations come in with nothing lost, and go out as they came."""

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from i2i import registry
from i2i.config import DataConfig, read_settings
from i2i.conversion.formats import export
from i2i.conversion.from_reference import import_run
from i2i.errors import UserError
from i2i.interop.family import STATISTICS, Family
from i2i.interop.patchgan import PATCHGAN
from i2i.interop.renaming import from_reference, to_reference
from i2i.interop.resnet import RESNET
from i2i.interop.strided_patchgan import STRIDED_PATCHGAN
from i2i.interop.unet import UNET
from i2i.nn.patch_discriminator import patchgan, strided_patchgan
from i2i.nn.resnet import ResnetGenerator
from i2i.nn.unet import UNet
from i2i.runs.load import load_translator, require_checkpoint
from i2i.translator import Task
from tests.support import reference

FIVE = ["black", "blond", "brown", "male", "young"]
MODELS = {
    "cyclegan": ("training_cyclegan", "latest_{}.pth", ["horse", "zebra"]),
    "pix2pix": ("training_pix2pix", "latest_{}.pth", ["photo", "label"]),
    "stargan": ("training_stargan_onehot", "200000-{}.ckpt", FIVE),
}
SIZES = {"cyclegan": (256, 256), "pix2pix": (128, 128), "stargan": (64, 64)}
models = pytest.mark.parametrize("model", MODELS)


def networks_of(model: str) -> dict[str, dict[str, torch.Tensor]]:
    """State dicts by the reference's names of the networks: G_A, D, ..."""
    return {name.removeprefix("net"): state for name, state in reference.weights(MODELS[model][0]).items()}


def file_names(model: str) -> dict[str, str]:
    pattern = MODELS[model][1].replace("latest_", "latest_net_")
    return {name: pattern.format(name) for name in networks_of(model)}


def save(folder: Path, model: str, change: Callable[[dict], dict] = dict, **options: object) -> list[Path]:
    """Files as the reference writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in networks_of(model).items():
        torch.save(change(state), folder / file_names(model)[name], **options)
    return [folder / name for name in file_names(model).values()]


def take(folder: Path, model: str, files: list[Path] | None = None, changes: dict | None = None) -> Path:
    import_run(files or save(folder, model), model, MODELS[model][2], changes or {}, folder / "run")
    return folder / "run"


def assert_weights(run_folder: Path, model: str) -> None:
    """The run holds what loading by order gives."""
    translator, _ = load_translator(run_folder)
    for name, part in translator.reference.files.items():
        network = translator.get_submodule(part.network)
        taken = {key: value.clone() for key, value in network.state_dict().items()}
        reference.load_in_order(network, networks_of(model)[name])
        for key, value in network.state_dict().items():
            assert torch.equal(taken[key], value), f"{part.network}.{key}"


@pytest.mark.integration
@models
def test_an_import_holds_the_reference_weights(tmp_path, model):
    assert_weights(take(tmp_path, model), model)


@models
def test_settings_are_read_off_the_files(tmp_path, model):
    run_folder = take(tmp_path, model)
    stated = reference.settings(MODELS[model][0])["settings"]
    settings = require_checkpoint(run_folder).settings
    own = settings["model"]
    if model == "stargan":
        assert own["width"] == own["discriminator_width"] == stated["conv_dim"]
        assert (own["blocks"], own["layers"]) == (
            stated["generator_repeat_num"],
            stated["discriminator_repeat_num"],
        )
    else:
        assert (own["width"], own["discriminator_width"]) == (stated["ngf"], stated["ndf"])
        assert own["norm"] == stated["norm"]
        assert own.get("blocks", own.get("depth")) == {"cyclegan": 6, "pix2pix": 7}[model]
    translator, preprocess = load_translator(run_folder)
    assert preprocess.image_size == translator.task.image_size == SIZES[model]
    assert read_settings(run_folder / "config.yaml") == settings


@pytest.mark.integration
@pytest.mark.parametrize(
    ("fixture", "model", "domains", "file"),
    [
        ("cyclegan_resnet_9blocks", "cyclegan", ["a", "b"], "latest_net_G.pth"),
        ("cyclegan_resnet_6blocks", "cyclegan", ["a", "b"], "5_net_G_A.pth"),
        ("pix2pix_unet_128", "pix2pix", ["a", "b"], "latest_net_G.pth"),
        ("pix2pix_unet_256", "pix2pix", ["a", "b"], "latest_net_G.pth"),
        ("stargan_generator", "stargan", FIVE, "200000-G.ckpt"),
    ],
)
def test_an_imported_generator_alone_gives_the_reference_images(tmp_path, fixture, model, domains, file):
    torch.save(reference.weights(fixture), tmp_path / file)
    noiseless = {"model": {"test_dropout": False, "test_statistics": "running"}} if model == "pix2pix" else {}
    import_run([tmp_path / file], model, domains, noiseless, tmp_path / "run")
    translator, _ = load_translator(tmp_path / "run")
    stored = reference.arrays(fixture)
    if model == "stargan":
        with torch.no_grad():
            given = translator.generator(stored["input"], stored["labels"])
    else:
        given = translator.translate(stored["input"], *domains)
    assert (given - stored["output"]).abs().max() < 1e-5


@models
def test_an_export_is_the_imported_files_again(tmp_path, model):
    run_folder = take(tmp_path, model)
    export(run_folder, "reference", tmp_path / "out")
    written = [*(tmp_path / "out").iterdir()]
    step = {"stargan": "0-{}.ckpt"}.get(model, "latest_net_{}.pth")
    assert {path.name for path in written} == {step.format(name) for name in networks_of(model)}
    for name, expected in networks_of(model).items():
        state = torch.load(tmp_path / "out" / step.format(name), weights_only=True)
        assert list(state) == list(expected)
        for key, value in expected.items():
            assert (state[key].shape, state[key].dtype) == (value.shape, value.dtype)
            if model != "stargan" or not key.endswith(STATISTICS):
                assert torch.equal(state[key], value), key


def test_statistics_that_nothing_uses_are_exported_untouched(tmp_path):
    run_folder = take(tmp_path, "stargan")
    export(run_folder, "reference", tmp_path / "out")
    state = torch.load(tmp_path / "out" / "0-G.ckpt", weights_only=True)
    assert torch.equal(state["main.1.running_mean"], torch.zeros(4))
    assert torch.equal(state["main.1.running_var"], torch.ones(4))
    assert state["main.1.num_batches_tracked"] == 0


def wrapped(state: dict) -> dict:
    return {f"module.{key}": value for key, value in state.items()}


def without_statistics(state: dict) -> dict:
    return {key: value for key, value in state.items() if not key.endswith(STATISTICS)}


def without_counters(state: dict) -> dict:
    return {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}


def with_statistics(state: dict) -> dict:
    """Running statistics of instance norms, as PyTorch 0.3 stored them."""
    norms = {"model.2": 4, "model.11.conv_block.6": 16} if "model.1.weight" in state else {"model.3": 8}
    statistics = {
        f"{norm}.{name}": torch.rand(width) for norm, width in norms.items() for name in ("running_mean", "running_var")
    }
    return {**state, **statistics}


def as_is(state: dict) -> dict:
    return state


@pytest.mark.parametrize(
    ("model", "change", "options"),
    [
        ("cyclegan", wrapped, {}),
        ("pix2pix", wrapped, {}),
        ("cyclegan", with_statistics, {}),
        ("stargan", without_statistics, {}),
        ("stargan", without_counters, {}),
        ("pix2pix", as_is, {"_use_new_zipfile_serialization": False}),
    ],
)
def test_what_files_of_many_years_differ_in_is_tolerated(tmp_path, model, change, options):
    files = save(tmp_path, model, change, **options)
    assert_weights(take(tmp_path, model, files), model)


def test_batch_norms_without_counters_are_tolerated(tmp_path):
    translator, _ = load_translator(take(tmp_path, "pix2pix", save(tmp_path, "pix2pix", without_counters)))
    counters = [value for name, value in translator.state_dict().items() if name.endswith("num_batches_tracked")]
    assert counters
    assert not any(counters)
    norm = translator.discriminator.trunk[3]
    assert torch.equal(norm.running_mean, networks_of("pix2pix")["D"]["model.3.running_mean"])


def test_files_without_telling_names_are_taken_in_their_order(tmp_path):
    states = networks_of("cyclegan")
    for number, name in enumerate(("G_A", "D_A", "G_B", "D_B")):
        torch.save(states[name], tmp_path / f"{number}.pth")
    assert_weights(take(tmp_path, "cyclegan", sorted(tmp_path.glob("*.pth"))), "cyclegan")


def test_a_nameless_generator_may_come_with_both_discriminators(tmp_path):
    states = networks_of("cyclegan")
    for number, name in enumerate(("D_A", "G_A", "D_B")):
        torch.save(states[name], tmp_path / f"{number}.pth")
    run_folder = take(tmp_path, "cyclegan", sorted(tmp_path.glob("*.pth")))
    assert require_checkpoint(run_folder).fresh == ("b_to_a",)
    translator, _ = load_translator(run_folder)
    assert torch.equal(translator.discriminator_b.trunk[0].weight, states["D_A"]["model.0.weight"])


@pytest.mark.integration
def test_two_downloads_of_the_same_name_are_the_two_directions(tmp_path):
    files = []
    for name in ("G_A", "G_B"):
        (tmp_path / name).mkdir()
        files.append(tmp_path / name / "latest_net_G.pth")
        torch.save(networks_of("cyclegan")[name], files[-1])
    translator, _ = load_translator(take(tmp_path, "cyclegan", files))
    for network, name in (("a_to_b", "G_A"), ("b_to_a", "G_B")):
        first = translator.get_submodule(network).layers[1].weight
        assert torch.equal(first, networks_of("cyclegan")[name]["model.1.weight"])


@pytest.mark.integration
@pytest.mark.parametrize(
    ("file", "network", "direction"),
    [
        ("latest_net_G.pth", "a_to_b", ("horse", "zebra")),
        ("latest_net_G_B.pth", "b_to_a", ("zebra", "horse")),
    ],
)
def test_a_generator_of_one_direction_translates_in_that_one_alone(tmp_path, file, network, direction):
    torch.save(networks_of("cyclegan")["G_A"], tmp_path / file)
    run_folder = take(tmp_path, "cyclegan", [tmp_path / file])
    translator, _ = load_translator(run_folder)
    assert translator.task.directions == (direction,)
    image = torch.zeros(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(translator.translate(image, *direction), translator.get_submodule(network)(image))
    fresh = {"a_to_b", "b_to_a", "discriminator_a", "discriminator_b"} - {network}
    assert set(require_checkpoint(run_folder).fresh) == fresh
    export(run_folder, "reference", tmp_path / "out")
    (written,) = (tmp_path / "out").iterdir()
    assert written.name == {"a_to_b": "latest_net_G_A.pth", "b_to_a": "latest_net_G_B.pth"}[network]


@pytest.mark.integration
def test_the_origin_of_an_import_is_recorded(tmp_path):
    files = save(tmp_path, "stargan")
    origin = require_checkpoint(take(tmp_path, "stargan", files[:1])).meta["origin"]
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert origin == {
        "files": [{"name": "200000-G.ckpt", "sha256": digest, "network": "generator"}],
        "fresh": ["discriminator"],
    }


@pytest.mark.parametrize(
    ("family", "build"),
    [
        (RESNET, lambda norm: ResnetGenerator(1, 4, 2, norm=norm)),
        (RESNET, lambda norm: ResnetGenerator(3, 4, 0, norm=norm)),
        (UNET, lambda norm: UNet(1, 4, 5, norm=norm)),
        (UNET, lambda norm: UNet(3, 2, 9, norm=norm, dropout=0)),
        (PATCHGAN, lambda norm: patchgan(6, 4, 0, norm=norm)),
        (PATCHGAN, lambda norm: patchgan(1, 4, 1, norm=norm)),
        (PATCHGAN, lambda norm: patchgan(3, 4, 5, norm=norm)),
        (STRIDED_PATCHGAN, lambda norm: strided_patchgan(1, 4, 4, 7, (64, 64))),
    ],
)
@pytest.mark.parametrize("norm", ["batch", "instance", "instance-affine"])
def test_networks_of_any_size_go_out_and_come_back(family, build, norm):
    network = build(norm)
    state = to_reference(family, network)
    again = family.build(**family.read(state))
    again.load_state_dict(from_reference(family, again, state))
    assert again.state_dict().keys() == network.state_dict().keys()
    for key, value in network.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


@pytest.mark.parametrize(
    ("family", "network", "inputs"),
    [
        (RESNET, ResnetGenerator(3, 4, 1, norm="none"), 3),
        (UNET, UNet(3, 2, 5, norm="none"), 3),
        (PATCHGAN, patchgan(6, 4, 3, norm="none"), 6),
    ],
)
def test_the_missing_biases_of_networks_without_norms_are_zero(family, network, inputs):
    """The reference's convolutions have no bias where a norm could follow, ours have one."""
    for _, sequence in network.named_modules():
        if isinstance(sequence, nn.Sequential):
            for layer, following in pairwise(sequence):
                if isinstance(following, nn.Identity):
                    nn.init.zeros_(layer.bias)
    state = {
        key: value for key, value in named_as_there(family, network).items() if value.any() or not key.endswith("bias")
    }
    assert len(state) < len(network.state_dict())
    told = family.read(state)
    assert told["norm"] == "none"
    again = family.build(**told)
    again.load_state_dict(from_reference(family, again, state))
    images = torch.randn(1, inputs, 32, 32)
    with torch.no_grad():
        assert torch.equal(again.eval()(images), network.eval()(images))


def widened(network: nn.Module) -> nn.Module:
    network.trunk[2] = nn.Conv2d(4, 9, 4)
    return network


def without_skips(network: nn.Module) -> nn.Module:
    network.ups[-1][1] = nn.ConvTranspose2d(4, 3, 4, 2, 1)
    return network


@pytest.mark.parametrize(
    ("family", "network", "key"),
    [
        (PATCHGAN, widened(patchgan(3, 4, 3)), "model.2.weight"),
        (UNET, without_skips(UNet(3, 4, 5)), "model.model.3.weight"),
    ],
)
def test_a_network_that_the_reference_does_not_build_is_not_given_out(family, network, key):
    with pytest.raises(UserError, match=f"of the reference differs in .*{key}"):
        to_reference(family, network)


@pytest.mark.parametrize(
    ("family", "network", "layer"),
    [
        (PATCHGAN, patchgan(3, 4, 3), "trunk.5"),
        (RESNET, ResnetGenerator(3, 4, 1), "layers.10.body.1"),
        (UNET, UNet(3, 2, 5), "downs.1.1"),
        (STRIDED_PATCHGAN, strided_patchgan(3, 2, 3, 5, (32, 32)), "trunk.1.0"),
    ],
)
def test_a_network_with_normalized_weights_is_not_given_out(family, network, layer):
    nn.utils.parametrizations.spectral_norm(network.get_submodule(layer))
    with pytest.raises(UserError, match="its weights are normalised, as by spectral norm"):
        to_reference(family, network)


def edited(*without: str, **added: torch.Tensor) -> Callable[[dict], dict]:
    return lambda state: {**{key: value for key, value in state.items() if key not in without}, **added}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (edited("model.16.weight", "model.19.bias"), "it lacks model.16.weight, model.19.bias$"),
        (edited(*(f"model.{block}.conv_block.1.weight" for block in range(10, 16))), "and 3 more$"),
        (edited(head=torch.zeros(3)), "it has in addition head$"),
        (edited(**{"model.17.running_mean": torch.zeros(8)}), None),
        (edited(**{"model.16.running_mean": torch.zeros(8)}), "it has in addition model.16.running_mean$"),
        (edited(**{"model.4.bias": torch.zeros(9)}), r"it has model.4.bias \[9\] in place of \[8\]$"),
    ],
)
def test_what_is_missing_unexpected_or_of_another_shape_is_listed(tmp_path, change, complaint):
    torch.save(change(networks_of("cyclegan")["G_A"]), tmp_path / "latest_net_G.pth")
    if complaint is None:
        take(tmp_path, "cyclegan", [tmp_path / "latest_net_G.pth"])
        return
    with pytest.raises(UserError, match=complaint) as refusal:
        take(tmp_path, "cyclegan", [tmp_path / "latest_net_G.pth"])
    assert "latest_net_G.pth does not fit a_to_b" in str(refusal.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", [name for name in registry.names() if registry.get(name).reference])
def test_what_a_model_says_of_its_reference_is_so(model):
    cls = registry.get(model)
    task = Task.covering(cls.coverage, ("a", "b"), (128, 128))
    with torch.device("meta"):
        translator = cls(cls.Config(), task)
    networks = [part.network for part in cls.reference.files.values()]
    assert sorted(networks) == sorted({name for name, _ in translator.named_children()} - {*cls.frozen})
    told = {setting for part in cls.reference.files.values() for setting in part.infers.values()}
    own = {f"model.{name}" for name in (*cls.reference.assumed, *cls.reference.has)}
    known = {f"model.{name}" for name in cls.Config.model_fields} | {f"data.{name}" for name in DataConfig.model_fields}
    assert told | own <= known | {"labels.width", "labels.classes"}
    for part in cls.reference.files.values():
        state = named_as_there(part.family, translator.get_submodule(part.network))
        assert part.family.recognizes(state)
        assert part.infers.keys() <= part.family.read(state).keys()


def named_as_there(family: Family, network: nn.Module) -> dict[str, torch.Tensor]:
    rename = family.rename(network)
    return {
        f"{rename(name.rpartition('.')[0])}.{name.rpartition('.')[2]}": value
        for name, value in network.state_dict().items()
    }


def test_a_file_with_tensors_of_odd_shapes_is_refused(tmp_path):
    torch.save({"model.model.0.weight": torch.zeros(3)}, tmp_path / "latest_net_G.pth")
    with pytest.raises(UserError, match=r"its model.model.0.weight is \[3\], and not the weight of a convolution"):
        take(tmp_path, "pix2pix", [tmp_path / "latest_net_G.pth"])

"""UNSB is that of the authors' code with its published blocks, and knows the time with its own."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from i2i.data.batches import TwiceBatch
from i2i.models.unsb import UNSB, UNSBConfig, times_of
from i2i.nn.timed import TimedGenerator, TimedPatchDiscriminator
from i2i.translator import Coverage, Request, Task
from i2i.translator.request import Noise
from tests.support import recipe, reference
from tests.support.faulty_gradients import faulty_gradients
from tests.support.replay import assert_change, assert_gradients, assert_terms, replay

TAPS = dict(zip(("image", "down1", "down2", "block1", "block5"), (0, 4, 8, 12, 16), strict=True))
GENERATOR = {"encoder": "model", "decoder": "model_upsample"}
BLOCK = {"style": "adaptive.style_net", "last.1": "conv_fin.2", "first.1": "conv_block.1", "time": "Dense_time"}
LAYER = {"convolutions": "conv1", "added": "dense", "pools": "down"}
NETWORKS = {"G": "generator", "D": "discriminator", "E": "energy", "F": "projection"}
NAME = "unsb/training_unsb"


def theirs(name: str) -> str:
    """What the authors call a tensor of ours."""
    part, number, *rest = name.split(".")
    last = ".".join(rest)
    if part in GENERATOR:
        return f"{GENERATOR[part]}.{number}.{last}"
    if part == "blocks":
        layer, _, tensor = last.rpartition(".")
        return f"model_res.{number}.{BLOCK[layer]}.{tensor}"
    if part == "styles":
        return f"z_transform.{int(rest[0]) + 1}.{rest[1]}"
    if part in LAYER:
        return f"model_main.{number}.{LAYER[part]}.{last}"
    if part == "times":
        return f"t_embed.main.{last}"
    return f"mlp_{number}.{last}" if part == "heads" else name.replace("patch_head", "final_conv")


def load(network: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Load the recipe's weights, among which are no filters; those that do nothing have no place here."""
    own = network.state_dict()
    network.load_state_dict({key: own[key] if key.endswith("filt") else weights[theirs(key)] for key in own})


def published(width: int) -> TimedGenerator:
    return TimedGenerator(3, width, 9, timed=False)


def assert_output(name: str, output: str, ours: torch.Tensor) -> None:
    tolerance = reference.settings(name)["outputs"][output]["tolerance"]
    assert (ours - reference.arrays(name)[output]).abs().max() < tolerance, output


RUNS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "unsb_generator": (lambda: published(4), (0, 3)),
    "unsb_generator_published": (lambda: published(64), (2,)),
    "unsb_discriminator": (lambda: TimedPatchDiscriminator(3, 4, 3), (0, 4)),
    "unsb_energy": (lambda: TimedPatchDiscriminator(12, 4, 3), (1, 3)),
}


@pytest.mark.parametrize("name", RUNS)
def test_output_is_the_reference_implementations(name):
    build, times = RUNS[name]
    network, stored = build(), reference.arrays(f"unsb/{name}")
    load(network, recipe.weights(f"unsb/{name}"))
    images = torch.cat([stored[key] for key in ("input", "input2") if key in stored], 1)
    noise = [stored["z"]] if "z" in stored else []
    with torch.no_grad():
        for time in times:
            assert_output(f"unsb/{name}", f"output_time{time}", network(images, time, *noise))


def test_times_are_the_reference_implementations():
    assert times_of(5) == pytest.approx(reference.arrays(NAME)["times"].tolist(), abs=1e-6)
    assert times_of(2) == [0, 0.5, 1]


def task(size: int = 64) -> Task:
    return Task.covering(Coverage.DIRECTION, ("A", "B"), (size, size))


def trained() -> UNSB:
    config = UNSBConfig(width=4, discriminator_width=4, projection_width=16, published_blocks=True)
    translator = UNSB(config, task())
    for network, weights in recipe.weights_by_network(NAME).items():
        load(translator.get_submodule(NETWORKS[network]), weights)
    return translator


def draws(stored: dict[str, torch.Tensor], step: int) -> dict[str, torch.Tensor]:
    """The reference's draws; those of the last time of a walk, and some others, have no effect there."""
    own = {key.removeprefix(f"step{step}_"): value for key, value in stored.items() if key.startswith(f"step{step}_")}
    walked, sides = int(own["time_index"]), ("A", "A2", "B")

    def stacked(name: str, first: int) -> torch.Tensor:
        rows = [torch.cat([own[f"{name}_{side}_{first + at}"] for side in sides]) for at in range(walked)]
        return torch.stack(rows) if rows else torch.empty(0)

    given = {
        "time": own["time_index"],
        "walk_styles": stacked("path_z", 0),
        "walk_noise": stacked("path_noise", 1),
        "styles": torch.cat((own["z_in"][:1], own["z_in2"], own["z_in"][1:])),
    }
    for kind, side in (("nce", "A"), ("identity", "B")):
        given |= {f"{kind}_{tap}": own[f"ids_{side}_layer{number}"] for tap, number in TAPS.items()}
        given[f"{kind}_styles"] = own[f"nce_z_{side}"]
    return given


@pytest.fixture(scope="module")
def training():
    stored, translator = reference.arrays(NAME), trained()
    batches = [TwiceBatch(a, b, again) for a, b, again in zip(stored["A"], stored["B"], stored["A2"], strict=True)]
    with faulty_gradients():
        return replay(translator, batches, [draws(stored, step) for step in range(len(batches))])


def translated(ours):
    """Our terms as the reference calls and weights them."""
    real, fake, adversarial, bridge = (
        ours[f"{phase}/{term}"]
        for phase, term in (
            ("discriminator", "real"),
            ("discriminator", "fake"),
            ("generator", "adversarial"),
            ("generator", "bridge"),
        )
    )
    own, others = ours["energy/own"], ours["energy/others"]
    nce, identity = (sum(ours[f"generator/{kind}_{tap}"] for tap in TAPS) / len(TAPS) for kind in ("nce", "identity"))
    return {
        "G_GAN": adversarial,
        "D_real": real,
        "D_fake": fake,
        "D": (real + fake) / 2,
        "E": others**2 + others - own,
        "SB": bridge,
        "NCE": nce,
        "NCE_Y": identity,
        "G": adversarial + bridge + (nce + identity) / 2,
    }


@pytest.mark.integration
def test_losses_are_the_reference_implementations(training):
    assert_terms(NAME, training, translated)


@pytest.mark.parametrize("key", NETWORKS)
def test_gradients_and_changes_are_the_reference_implementations(training, key):
    phase = {"D": "discriminator", "E": "energy"}.get(key, "generator")
    assert_gradients(NAME, training, key, phase, NETWORKS[key], theirs)
    assert_change(NAME, training, key, phase, NETWORKS[key])


def test_parameter_counts_are_the_published_ones():
    counts = reference.settings("parameter_counts")["unsb"]
    with torch.device("meta"):
        old, new = (UNSB(UNSBConfig(published_blocks=blocks), task(256)) for blocks in (True, False))
    idle = counts["UNSB generator: of these, parameters that never act on the output"]
    found = {name: sum(p.numel() for p in network.parameters()) for name, network in old.named_children()}
    assert found == {
        "generator": counts["UNSB generator resnet_9blocks_cond, ngf 64"] - idle,
        "projection": counts["UNSB PatchSampleF"],
        "discriminator": counts["UNSB discriminator basic_cond, ndf 64"],
        "energy": counts["UNSB energy network basic_cond, 12 input channels, ndf 64"],
    }
    unused_styles = 9 * (256 * 512 + 512)  # of a second layer in each block that even a whole block does not call
    assert sum(p.numel() for p in new.generator.parameters()) == found["generator"] + idle - unused_styles


@pytest.mark.parametrize(("key", "network"), [("G", "generator"), ("D", "discriminator"), ("E", "energy")])
def test_initial_weights_are_distributed_as_in_the_reference(key, network):
    torch.manual_seed(0)
    stored = reference.settings("initial_statistics")[f"unsb {key} width 64"]
    for name, value in UNSB(UNSBConfig(published_blocks=True), task()).get_submodule(network).named_parameters():
        if stored[theirs(name)][1] == 0:
            assert not value.any(), name
        else:
            assert value.std(correction=0).item() == pytest.approx(stored[theirs(name)][1], rel=0.1), name


@pytest.mark.parametrize(("published_blocks", "scale"), [(False, 1), (True, 0)])
def test_whole_blocks_start_at_scale_one(published_blocks, scale):
    translator = UNSB(UNSBConfig(**UNSB.test_settings | {"published_blocks": published_blocks}), task(16))
    for block in translator.generator.blocks:
        gain, shift = block.style.bias.chunk(2)
        assert torch.equal(gain, torch.full_like(gain, scale))
        assert not shift.any()


@pytest.mark.parametrize(("published_blocks", "differs"), [(False, True), (True, False)])
def test_the_generator_knows_the_time_unless_its_blocks_are_the_published_ones(published_blocks, differs):
    translator = UNSB(UNSBConfig(**UNSB.test_settings | {"published_blocks": published_blocks}), task(16))
    for value in translator.parameters():
        nn.init.normal_(value, 0, 0.3)
    images, noise = torch.rand(1, 3, 16, 16), torch.randn(1, 16)
    first, last = (translator.generator(images, time, noise) for time in (0, 2))
    assert ((first - last).abs().max() > 0.01) == differs


def test_a_walk_ends_where_its_last_time_guesses():
    """Without noise and with a generator that guesses one image, the walk goes to it by the shares of its times."""
    translator = UNSB(UNSBConfig(**UNSB.test_settings | {"tau": 0.0}), task(16))
    seen, end = [], torch.full((1, 3, 16, 16), 0.5)
    translator.generator.forward = lambda images, time, noise: seen.append((time, images)) or end
    translator.generate(torch.zeros(1, 3, 16, 16), Request(0, 1, Noise([0])))
    assert [time for time, _ in seen] == [0, 1, 2]
    for (_, images), at in zip(seen, times_of(3), strict=False):
        assert images.mean().item() == pytest.approx(0.5 * at, abs=1e-6)


def test_noise_on_the_way_has_the_variance_of_the_bridge():
    translator = UNSB(UNSBConfig(**UNSB.test_settings | {"tau": 0.25, "steps": 2}), task(16))
    still = torch.zeros(1, 3, 16, 16)
    moved = translator._onward(still, still, 0, torch.ones_like(still))
    assert moved.mean().item() == pytest.approx((0.25 * 0.5 * 0.5) ** 0.5)

"""U-GAT-IT is the reference implementation: networks, counts, losses, gradients, updates, initial weights."""

from functools import cache

import pytest
import torch

from i2i.data.batches import UnpairedBatch
from i2i.interop.ugatit import UGATIT_DISCRIMINATOR, UGATIT_GENERATOR
from i2i.models.ugatit import UGATIT, UGATITConfig
from i2i.nn import AttentiveDiscriminator, AttentiveGenerator
from i2i.translator import Coverage, Task
from tests.support import recipe, reference
from tests.support.replay import assert_change, assert_gradients, assert_terms, replay


def generator(name):
    own = reference.settings(f"ugatit/{name}")["settings"]
    size = None if own["light"] else (own["img_size"],) * 2
    return AttentiveGenerator(3, own["ch"], own["n_res"], size)


def discriminator(name):
    own = reference.settings(f"ugatit/{name}")["settings"]
    return AttentiveDiscriminator(3, own["ch"], own["n_layers"])


def assert_outputs(name, found):
    """Arrays by the fixture's names, of which every few pixels may be stored."""
    stored, tolerances = reference.arrays(f"ugatit/{name}"), reference.settings(f"ugatit/{name}")["outputs"]
    assert found.keys() == tolerances.keys()
    for key, value in found.items():
        every = -(-value.shape[-1] // stored[key].shape[-1])
        value = value[..., ::every, ::every] if value.ndim == 4 else value
        difference = float((value - stored[key]).abs().max())
        assert difference <= tolerances[key]["tolerance"], f"{key} differs by {difference:.2g}"


@pytest.mark.parametrize("name", ["ugatit_generator", "ugatit_generator_light", "ugatit_generator_light_published"])
@torch.no_grad()
def test_generators_are_the_reference_implementations(name):
    network = generator(name)
    reference.load(network, UGATIT_GENERATOR, recipe.weights(f"ugatit/{name}"))
    output, logits, heat_map = network.attend(reference.arrays(f"ugatit/{name}")["input"])
    assert_outputs(name, {"output": output, "cam_logit": logits, "heatmap": heat_map})


@pytest.mark.parametrize("name", ["global", "local", "local_published"])
@torch.no_grad()
def test_discriminators_are_the_reference_implementations_in_both_modes(name):
    name = f"ugatit_discriminator_{name}"
    network, images = discriminator(name), reference.arrays(f"ugatit/{name}")["input"]
    reference.load(network, UGATIT_DISCRIMINATOR, recipe.weights(f"ugatit/{name}"))
    found = {}
    for mode in ("eval", "train_first_call"):
        output, logits, heat_map = network.train(mode != "eval").attend(images)
        found |= {f"output_{mode}": output, f"cam_logit_{mode}": logits, f"heatmap_{mode}": heat_map}
    assert_outputs(name, found)


TRAININGS = ["training_ugatit", "training_ugatit_light"]
NETWORKS = {
    "genA2B": ("a_to_b", UGATIT_GENERATOR, "generators"),
    "genB2A": ("b_to_a", UGATIT_GENERATOR, "generators"),
    "disGA": ("global_a", UGATIT_DISCRIMINATOR, "discriminators"),
    "disGB": ("global_b", UGATIT_DISCRIMINATOR, "discriminators"),
    "disLA": ("local_a", UGATIT_DISCRIMINATOR, "discriminators"),
    "disLB": ("local_b", UGATIT_DISCRIMINATOR, "discriminators"),
}


def translator_of(name):
    """The reference's networks before its training, in a translator with the paper's settings but for the widths."""
    own, options = (reference.settings(f"ugatit/{name}")[key] for key in ("settings", "results"))
    widths = {"width": own["ch"], "discriminator_width": own["ch"], "blocks": own["n_res"]}
    task = Task.covering(Coverage.PAIR, "ab", (own["img_size"],) * 2)
    translator = UGATIT(UGATITConfig(light=options["options"]["light"], **widths), task)
    weights = recipe.weights_by_network(f"ugatit/{name}")
    for theirs, (ours, family, _) in NETWORKS.items():
        reference.load(getattr(translator, ours), family, weights[theirs])
    return translator


@cache
def trained(name):
    translator, stored = translator_of(name), reference.arrays(f"ugatit/{name}")
    batches = [UnpairedBatch(a, b) for a, b in zip(stored["A"], stored["B"], strict=True)]
    return translator, replay(translator, batches)


def their_terms(terms):
    """Our terms under the reference's names, and its totals."""
    found = {}
    for kind, side in (("G", "A"), ("G", "B"), ("L", "A"), ("L", "B")):
        network = f"{'global' if kind == 'G' else 'local'}_{side.lower()}"
        for theirs, ours in (("ad", network), ("ad_cam", f"{network}_cam")):
            found[f"G_{theirs}_{kind}{side}"] = terms[f"generators/{ours}"]
            for real in ("real", "fake"):
                found[f"D_{theirs}_{kind}{side}_{real}"] = terms[f"discriminators/{ours}_{real}"]
    for side, other in (("A", "B"), ("B", "A")):
        own = side.lower()
        found |= {
            f"G_recon_{side}": terms[f"generators/cycle_{own}"],
            f"G_identity_{side}": terms[f"generators/identity_{own}"],
            f"G_cam_{side}_fake_{other}2{side}_one": terms[f"generators/cam_{own}_fake"],
            f"G_cam_{side}_fake_{side}2{side}_zero": terms[f"generators/cam_{own}_identity"],
        }
    weights = {"G_ad": 1, "G_recon": 10, "G_identity": 10, "G_cam": 1000}
    return found | {
        "Discriminator_total": sum(value for name, value in found.items() if name.startswith("D_")),
        "Generator_total": sum(
            weight * value
            for start, weight in weights.items()
            for name, value in found.items()
            if name.startswith(start)
        ),
    }


@pytest.mark.parametrize("name", TRAININGS)
def test_losses_are_the_reference_implementations_before_and_in_every_step(name):
    assert_terms(f"ugatit/{name}", trained(name)[1], their_terms)


@pytest.mark.parametrize("key", NETWORKS)
@pytest.mark.parametrize("name", TRAININGS)
def test_gradients_and_changes_of_the_first_step_are_the_reference_implementations(name, key):
    network, family, phase = NETWORKS[key]
    translator, outcome = trained(name)
    rename = family.rename(getattr(translator, network))

    def renamed(own):
        module, _, tensor = own.rpartition(".")
        return f"{rename(module)}.{tensor}".lstrip(".")

    assert_gradients(f"ugatit/{name}", outcome, key, phase, network, renamed)
    assert_change(f"ugatit/{name}", outcome, key, phase, network, renamed)


@pytest.mark.parametrize("key", ["genA2B", "genB2A"])
@pytest.mark.parametrize("name", TRAININGS)
def test_every_share_of_instance_norm_is_clipped_after_the_step(name, key):
    generator = getattr(trained(name)[0], NETWORKS[key][0])
    shares = torch.cat([value.flatten() for own, value in generator.named_parameters() if own.endswith("rho")])
    expected = reference.settings(f"ugatit/{name}")["results"]["rho_least_and_largest_after_last_step"][key]
    assert [float(shares.detach().min()), float(shares.detach().max())] == pytest.approx(expected, abs=2e-5)


@torch.no_grad()
def test_what_the_light_variant_translates_after_two_steps_is_the_reference_implementations():
    name = "training_ugatit_light"
    stored, told = reference.arrays(f"ugatit/{name}"), reference.settings(f"ugatit/{name}")["outputs"]
    key = "A_to_B_of_first_A_after_last_step"
    difference = trained(name)[0].translate(stored["A"][0], "a", "b") - stored[key]
    assert float(difference.abs().max()) <= told[key]["tolerance"]

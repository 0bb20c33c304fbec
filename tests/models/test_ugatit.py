"""U-GAT-IT is the reference implementation: networks, counts, losses, gradients, updates, initial weights."""

from functools import cache

import pytest
import torch

from i2i.conversion.formats import export
from i2i.conversion.from_reference import import_run
from i2i.data.batches import UnpairedBatch
from i2i.data.image_files.images import Preprocess
from i2i.errors import UserError
from i2i.inference.translate_files import Translation, full_resolution
from i2i.interop.ugatit import UGATIT_DISCRIMINATOR, UGATIT_GENERATOR
from i2i.models.ugatit import UGATIT, UGATITConfig
from i2i.nn import AttentiveDiscriminator, AttentiveGenerator
from i2i.nn.class_activation import LayerInstanceNorm
from i2i.nn.spectral import SpectralLayer
from i2i.training.setup import check_trainable, run_config
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


@pytest.mark.integration
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
            f"G_cam_{side}_fake_{side}2{side}_zero": terms[f"generators/cam_{own}_own"],
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


@pytest.mark.integration
@pytest.mark.parametrize("name", TRAININGS)
def test_losses_are_the_reference_implementations_before_and_in_every_step(name):
    assert_terms(f"ugatit/{name}", trained(name)[1], their_terms)


@pytest.mark.parametrize("key", NETWORKS)
@pytest.mark.parametrize("name", TRAININGS)
def test_gradients_and_changes_of_the_first_step_are_the_reference_implementations(name, key):
    network, family, phase = NETWORKS[key]
    translator, outcome = trained(name)
    own = getattr(translator, network)

    def renamed(name):
        return theirs(family, own, name)

    assert_gradients(f"ugatit/{name}", outcome, key, phase, network, renamed)
    assert_change(f"ugatit/{name}", outcome, key, phase, network, rename=renamed)


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


@pytest.mark.parametrize(
    ("described", "build"),
    [
        ("U-GAT-IT generator, 256 px, ch 64, full", lambda: AttentiveGenerator(image_size=(256, 256))),
        ("U-GAT-IT generator, 256 px, ch 64, light", AttentiveGenerator),
        ("U-GAT-IT discriminator global, n_layers 7", AttentiveDiscriminator),
        ("U-GAT-IT discriminator local, n_layers 5", lambda: AttentiveDiscriminator(layers=5)),
    ],
)
def test_networks_have_the_published_parameters(described, build):
    with torch.device("meta"):
        network = build()
    expected = reference.settings("parameter_counts")["ugatit"][described]
    assert sum(parameter.numel() for parameter in network.parameters()) == expected


@pytest.mark.parametrize(
    ("described", "family", "build"),
    [
        ("ugatit generator light ch 64", UGATIT_GENERATOR, AttentiveGenerator),
        ("ugatit discriminator local ch 64", UGATIT_DISCRIMINATOR, lambda: AttentiveDiscriminator(layers=5)),
    ],
)
def test_weights_start_as_the_reference_implementations(described, family, build):
    torch.manual_seed(0)
    network, expected = build(), reference.settings("initial_statistics")[described]
    names = {theirs(family, network, own): value.detach() for own, value in network.named_parameters()}
    assert names.keys() == expected.keys()
    for name, value in names.items():
        mean, std, least, largest = expected[name]
        spread = std / value.numel() ** 0.5
        assert float(value.mean()) == pytest.approx(mean, abs=6 * spread + 1e-7), name
        assert float(value.std(correction=0)) == pytest.approx(std, rel=0.15, abs=1e-6), name
        assert float(value.abs().max()) == pytest.approx(max(-least, largest), rel=0.1, abs=1e-6), name


def theirs(family, network, own):
    module, _, tensor = own.rpartition(".")
    return f"{family.rename(network)(module)}.{tensor}".lstrip(".")


def test_both_variants_of_the_norm_blend_by_unbiased_variances():
    features, gain, offset = torch.randn(2, 3, 5, 4) * 2 + 1, torch.rand(2, 3, 1, 1), torch.rand(2, 3, 1, 1)
    adaptive, own = LayerInstanceNorm(3, affine=False), LayerInstanceNorm(3, affine=True)
    with torch.no_grad():
        own.rho.fill_(0.25)
        found = {"given": adaptive(features, gain, offset), "own": own(features)}
    for image in range(2):
        whole = (features[image] - features[image].mean()) / (features[image].std().square() + 1e-5).sqrt()
        for channel in range(3):
            plane = features[image, channel]
            single = (plane - plane.mean()) / (plane.std().square() + 1e-5).sqrt()
            mixed = (0.9 * single + 0.1 * whole[channel]) * gain[image, channel] + offset[image, channel]
            assert torch.allclose(found["given"][image, channel], mixed, atol=1e-5)
            assert torch.allclose(found["own"][image, channel], 0.25 * single + 0.75 * whole[channel], atol=1e-5)


@pytest.mark.parametrize("layer", [torch.nn.Conv2d(3, 4, 4, stride=2), torch.nn.Linear(6, 2, bias=False)])
def test_many_passes_in_training_divide_by_the_largest_singular_value_and_none_without(layer):
    expected = layer.weight.detach() / torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
    spectral = SpectralLayer(layer)
    images = torch.zeros(1, 3, 8, 8) if spectral.stride else torch.zeros(1, 6)
    start = spectral.weight_u.clone()
    spectral.eval()(images)
    assert torch.equal(spectral.weight_u, start)
    for _ in range(200):
        spectral.train()(images)
    assert torch.allclose(spectral._normalized(), expected, atol=1e-5)


def test_a_discriminator_that_judged_twice_can_be_differentiated_through_both():
    network = AttentiveDiscriminator(width=2, layers=4)
    images = torch.rand(1, 3, 32, 32, requires_grad=True)
    (first, _), (second, _) = network(images), network(images)
    assert torch.autograd.grad(first.sum() + second.sum(), images)[0].any()
    assert not torch.equal(first, second)


def test_both_optimizers_have_the_papers_rates_and_weight_decay():
    """The decay is too small for two steps to show in every loss."""
    found = UGATIT(UGATITConfig(**UGATIT.test_settings), Task.covering(Coverage.PAIR, "ab", (32, 32))).optimizers()
    assert {name: (own.lr, own.betas, own.weight_decay, own.decoupled) for name, own in found.items()} == dict.fromkeys(
        ("discriminators", "generators"), (1e-4, (0.5, 0.999), 1e-4, False)
    )


def small(light, side=32):
    task = Task.covering(Coverage.PAIR, "ab", (side, side))
    return UGATIT(UGATITConfig(**{**UGATIT.test_settings, "light": light}), task)


def test_the_light_variant_takes_any_size_and_the_full_one_its_own():
    wide = torch.zeros(1, 3, 32, 48)
    assert small(True).translate(wide, "a", "b").shape == wide.shape
    assert small(False).translate(wide[..., :32], "b", "a").shape == (1, 3, 32, 32)
    with pytest.raises(UserError, match=r"images of 32x32 pixels alone, not of 32x48: .*--set model\.light=true"):
        small(False).translate(wide, "a", "b")


def test_the_full_variant_translates_no_files_at_full_resolution():
    translation = Translation(small(False), torch.device("cpu"), "a", "b")
    with pytest.raises(UserError, match=r"images of 32x32 pixels alone, not of any size: .*--set model\.light=true"):
        full_resolution(translation, Preprocess((32, 32)))
    full_resolution(Translation(small(True), torch.device("cpu"), "a", "b"), Preprocess((32, 32)))


@pytest.mark.integration
def test_images_too_small_for_the_discriminators_are_refused():
    config = run_config("ugatit", {"model": {"light": True, "width": 2}, "data": {"image_size": 32}})
    with pytest.raises(
        UserError, match=r"cannot be trained at 32x32 px .* larger --set data\.image_size=.* or fewer layers"
    ):
        check_trainable(config, Task.covering(Coverage.PAIR, "ab", (32, 32)))


def official(tmp_path, name):
    """A file as the authors' code saves it."""
    path = tmp_path / f"{name}_params_0000002.pt"
    torch.save(recipe.weights_by_network(f"ugatit/{name}"), path)
    return path


@pytest.mark.integration
@pytest.mark.parametrize("name", TRAININGS)
def test_an_official_checkpoint_is_imported_whole_and_given_back(tmp_path, name):
    made = import_run([official(tmp_path, name)], "ugatit", ["cat", "dog"], {}, tmp_path / "run")
    imported, light = made.translator, name.endswith("light")
    assert (imported.config.light, imported.config.layers, imported.config.local_layers) == (light, 7, 5)
    assert imported.task.image_size == ((256, 256) if light else (128, 128))
    image = reference.arrays(f"ugatit/{name}")["A"][0]
    expected = translator_of(name).translate(image, "a", "b")
    assert torch.equal(imported.translate(image, "cat", "dog"), expected)
    export(tmp_path / "run", "reference", tmp_path / "out")
    (written,) = (tmp_path / "out").glob("*.pt")
    again, stored = torch.load(written, weights_only=True), recipe.weights_by_network(f"ugatit/{name}")
    assert again.keys() == stored.keys()
    for network, state in stored.items():
        assert again[network].keys() == state.keys()
        assert all(torch.equal(again[network][key], value) for key, value in state.items()), network


def test_an_official_checkpoint_of_the_other_variant_is_refused_with_the_remedy(tmp_path):
    path = official(tmp_path, "training_ugatit")
    with pytest.raises(UserError, match=r"model\.light=True does not fit the files, which tell False: leave it out"):
        import_run([path], "ugatit", ["cat", "dog"], {"model": {"light": True}}, tmp_path / "run")
    with pytest.raises(UserError, match=r"data\.image_size=64x64 does not fit the files, which tell 128x128"):
        import_run([path], "ugatit", ["cat", "dog"], {"data": {"image_size": 64}}, tmp_path / "run")

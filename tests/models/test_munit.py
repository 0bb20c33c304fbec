"""MUNIT and UNIT are those of the reference implementation: networks, losses, updates, initial weights."""

import re
from functools import cache
from itertools import combinations
from types import SimpleNamespace

import pytest
import torch

from i2i.conversion.from_reference import import_run
from i2i.conversion.to_reference import export_reference
from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.interop.autoencoder import AUTOENCODER, STYLED_AUTOENCODER
from i2i.interop.family import STATISTICS
from i2i.interop.multiscale import MULTISCALE_PATCHGAN
from i2i.losses import OBJECTIVES, discriminator_terms, over_scales, total
from i2i.metrics import VGG16Distance
from i2i.models._autoencoders import discriminator
from i2i.models.munit import MUNIT, MUNITConfig
from i2i.models.unit import UNIT, UNITConfig
from i2i.nn.norm import LayerNorm
from i2i.registry import name_of
from i2i.runs.load import load_translator
from i2i.translator import Coverage, Request, Step, Task
from tests.support import recipe, reference
from tests.support.replay import assert_change, assert_gradients, assert_terms, decay_witness, replay
from tests.support.vgg import put_random

SMALL = {"width": 4, "discriminator_width": 4}
TRAININGS = {
    "munit/training_munit": (MUNIT, MUNITConfig(**SMALL, mlp_width=16)),
    "munit/training_munit_cycle": (MUNIT, MUNITConfig(**SMALL, mlp_width=16, lambda_cycle=10)),
    "munit/training_unit": (UNIT, UNITConfig(**SMALL)),
}
# The reference's names: of networks, with phase, attribute and family here; of draws; of terms.
NETWORKS = {
    (MUNIT, "gen"): ("generators", "autoencoder", STYLED_AUTOENCODER),
    (MUNIT, "dis"): ("discriminators", "discriminator", MULTISCALE_PATCHGAN),
    (UNIT, "gen"): ("generators", "autoencoder", AUTOENCODER),
    (UNIT, "dis"): ("discriminators", "discriminator", MULTISCALE_PATCHGAN),
}
DRAWS = {
    MUNIT: {"shown_style": "dis_style_{}", "style": "gen_style_{}"},
    UNIT: {"shown_noise": "dis_noise_{}", "noise": "gen_noise_{}", "cycle_noise": "gen_noise_{}_recon"},
}
TERMS = {
    "reconstruction": "gen_recon_x_{}",
    "style": "gen_recon_s_{}",
    "content": "gen_recon_c_{}",
    "adversarial": "gen_adv_{}",
    "kl": "gen_recon_kl_{}",
    "kl_cycle": "gen_recon_kl_cyc_{0}{1}{0}",
}
CYCLES = {MUNIT: "gen_cycrecon_x_{}", UNIT: "gen_cyc_x_{}"}
OTHER = {"a": "b", "b": "a"}


def slow(name):
    """Networks of the published width."""
    return pytest.param(name, marks=pytest.mark.slow)


def built(family, name):
    """The network of a fixture, in our build, with the fixture's weights."""
    state = recipe.weights(name)
    network = family.build(**family.read(state))
    reference.load(network, family, state)
    return network.eval()


def assert_agrees(name, **ours):
    """Outputs are the reference's, within the fixture's tolerances."""
    stored, tolerances = reference.arrays(name), reference.settings(name)["outputs"]
    assert ours.keys() == tolerances.keys()
    for output, value in ours.items():
        expected = stored[output]
        assert (value.reshape(expected.shape) - expected).abs().max() <= tolerances[output]["tolerance"], output


@torch.no_grad()
@pytest.mark.parametrize("name", ["munit/munit_generator", slow("munit/munit_generator_published")])
def test_autoencoder_is_the_references(name):
    network, stored = built(STYLED_AUTOENCODER, name), reference.arrays(name)
    content, style = network.content(stored["input"]), network.style(stored["input"])
    thinned = {"content_every_4th_channel": content[:, ::4]} if "published" in name else {"content": content}
    assert_agrees(
        name,
        **thinned,
        style_of_input=style,
        adain_parameters_of_style=network.decoder.mlp(stored["style"].flatten(1)),
        reconstruction=network(stored["input"]),
        decoded_with_style=network.decoder(content, stored["style"].flatten(1)),
    )


@torch.no_grad()
@pytest.mark.parametrize("name", ["munit/munit_discriminator", "munit/munit_discriminator_published"])
def test_discriminators_are_the_references(name):
    judges, stored = built(MULTISCALE_PATCHGAN, name), reference.arrays(name)
    assert_agrees(name, **{f"output_scale{scale}": own for scale, own in enumerate(judges(stored["input"]))})


@torch.no_grad()
@pytest.mark.parametrize("name", ["munit/unit_generator", slow("munit/unit_generator_published")])
def test_units_autoencoder_is_the_references(name):
    network, stored = built(AUTOENCODER, name), reference.arrays(name)
    hidden = network.encoder(stored["input"])
    thinned = {"hidden_every_4th_channel": hidden[:, ::4]} if "published" in name else {"hidden": hidden}
    noisy = network.decoder(hidden + stored["noise"])
    assert_agrees(name, **thinned, decoded=network(stored["input"]), decoded_with_noise=noisy)


@torch.no_grad()
@pytest.mark.parametrize(("objective", "theirs"), [("lsgan", "lsgan"), ("vanilla", "nsgan")])
def test_objectives_are_summed_over_scales(objective, theirs):
    name = "munit/munit_discriminator"
    judges, stored = built(MULTISCALE_PATCHGAN, name), reference.arrays(name)
    terms = discriminator_terms(objective, judges, stored["input2"], stored["input"])
    generator = over_scales(OBJECTIVES[objective].generator, judges(stored["input"]))
    expected = reference.settings(name)["results"][theirs]
    assert float(total(terms.values())) == pytest.approx(expected["dis_loss_fake_input_real_input2"], rel=1e-4)
    assert float(generator) == pytest.approx(expected["gen_loss_input"], rel=1e-4)


@torch.no_grad()
def test_layer_norm_divides_by_the_unbiased_deviation_of_each_image():
    name = "munit/munit_layer_norm"
    norm, stored = LayerNorm(3), reference.arrays(name)
    norm.load_state_dict(recipe.weights(name))
    alone = norm(stored["input"][:1])
    assert_agrees(name, output=norm(stored["input"]), output_of_first_alone=alone)


def networks(cls):
    """Of each network the reference's name, phase and attribute here, and family."""
    for (owner, kind), (phase, network, family) in NETWORKS.items():
        if owner is cls:
            yield from ((f"{kind}_{side}", phase, f"{network}_{side}", family) for side in "ab")


@cache
def trained(name):
    """The translator of a training fixture after its last step, and what the training gave."""
    cls, config = TRAININGS[name]
    stored, weights = reference.arrays(name), recipe.weights_by_network(name)
    translator = cls(config, Task.covering(Coverage.PAIR, ("A", "B"), (64, 64)))
    for theirs, _, network, family in networks(cls):
        reference.load(translator.get_submodule(network), family, weights[theirs])
    named = {f"{ours}_{side}": theirs.format(side) for ours, theirs in DRAWS[cls].items() for side in "ab"}
    shape = (-1, config.style) if cls is MUNIT else (-1, 16, 16, 16)
    draws = [
        {ours: stored[theirs][step].reshape(shape) for ours, theirs in named.items()}
        for step in range(len(stored["A"]))
    ]
    batches = [UnpairedBatch(*pair) for pair in zip(stored["A"], stored["B"], strict=True)]
    return translator, replay(translator, batches, draws)


def in_their_names(translator, ours):
    """Terms of a step as the reference logs them; what is switched off it logs as 0."""
    cycle = CYCLES[type(translator)]
    terms = {name.format(side): 0.0 for name in ("gen_vgg_{}", cycle) for side in "ab"} | {"gen_total": 0.0}
    for key in [key for key in ours if key.startswith("generators/")]:
        loss, _, side = key.removeprefix("generators/").rpartition("_")
        terms[{**TERMS, "cycle": cycle}[loss].format(side, OTHER[side])] = ours[key]
        terms["gen_total"] += translator.config.weight(loss) * ours[key]
    for side in "ab":
        terms[f"dis_{side}"] = ours[f"discriminators/real_{side}"] + ours[f"discriminators/fake_{side}"]
    return {**terms, "dis_total": terms["dis_a"] + terms["dis_b"]}


@pytest.mark.integration
@pytest.mark.parametrize("name", TRAININGS)
def test_losses_are_the_references_in_every_step(name):
    translator, outcome = trained(name)
    assert_terms(name, outcome, lambda ours: in_their_names(translator, ours))


@pytest.mark.integration
@pytest.mark.parametrize("name", TRAININGS)
def test_gradients_and_steps_are_the_references(name):
    translator, outcome = trained(name)
    for theirs, phase, network, family in networks(type(translator)):
        rename = family.rename(translator.get_submodule(network))
        assert_gradients(name, outcome, theirs, phase, network, lambda own, to=rename: renamed(to, own))
        assert_change(name, outcome, theirs, phase, network)


def renamed(to, parameter):
    module, _, tensor = parameter.rpartition(".")
    return f"{to(module)}.{tensor}"


@pytest.mark.parametrize("name", TRAININGS)
def test_weights_decay_as_the_references(name):
    translator, outcome = trained(name)
    settings = reference.settings(name)
    for network, expected in settings["results"]["decay_witness_after_first_step"].items():
        ours = decay_witness(
            outcome, "generators", network.replace("gen", "autoencoder"), translator.config.learning_rate
        )
        assert ours == pytest.approx(expected, rel=settings["tolerance_relative"]["decay_witness_after_first_step"])


@torch.no_grad()
@pytest.mark.parametrize("name", TRAININGS)
def test_translations_after_the_training_are_the_references(name):
    """With the style that was drawn for the first images, where the method has styles."""
    translator, _ = trained(name)
    stored, output = reference.arrays(name), "A_to_B_of_first_A_after_last_step"
    style = stored["gen_style_b"][0].flatten(1) if "gen_style_b" in stored else None
    translated = translator.generate(stored["A"][0], Request(0, 1, SimpleNamespace(normal=lambda width: style)))
    assert_agrees(name, **{output: translated})


@pytest.mark.parametrize("name", TRAININGS)
def test_each_turn_draws_numbers_of_its_own(name):
    translator, step = trained(name)[0], Step()
    for phase in translator.phases():
        phase.draw(UnpairedBatch(*torch.zeros(2, 2, 3, 64, 64)), step)
    assert len(step) == 2 * len(DRAWS[type(translator)])
    assert all(not torch.equal(*pair) for pair in combinations(step.values(), 2))


@torch.no_grad()
def test_a_reference_image_gives_its_style():
    translator, _ = trained("munit/training_munit")
    images = reference.arrays("munit/training_munit")["B"].flatten(0, 1)
    drawn, told = (translator.translate(images[:1], "A", "B", reference=own) for own in (None, images[1:2]))
    expected = translator.autoencoder_b.decoder(
        translator.autoencoder_a.content(images[:1]), translator.autoencoder_b.style(images[1:2])
    )
    assert torch.equal(told, expected)
    assert not torch.equal(told, drawn)


@pytest.mark.parametrize(
    ("family", "counted"),
    [
        (STYLED_AUTOENCODER, "MUNIT AdaINGen, one domain (all four parts)"),
        (AUTOENCODER, "UNIT VAEGen, one domain"),
    ],
)
def test_networks_of_the_published_width_have_the_published_number_of_parameters(family, counted):
    counts = reference.settings("parameter_counts")["munit"]
    cls = MUNIT if family is STYLED_AUTOENCODER else UNIT
    with torch.device("meta"):
        translator = cls(cls.Config(), Task.covering(Coverage.PAIR, ("A", "B"), (256, 256)))
    parts = {
        "autoencoder_b": counts[counted],
        "discriminator_a": counts["MUNIT/UNIT MsImageDis, one domain, 3 scales"],
    }
    for name, expected in parts.items():
        assert sum(own.numel() for own in translator.get_submodule(name).parameters()) == expected


@pytest.mark.integration
def test_initial_weights_are_distributed_as_the_references():
    torch.manual_seed(0)
    translator = MUNIT(MUNITConfig(), Task.covering(Coverage.PAIR, ("A", "B"), (64, 64)))
    for kind, network, family in (
        ("generator", translator.autoencoder_a, STYLED_AUTOENCODER),
        ("discriminator", translator.discriminator_a, MULTISCALE_PATCHGAN),
    ):
        ours = {renamed(family.rename(network), name): value for name, value in network.named_parameters()}
        theirs = reference.settings("initial_statistics")[f"munit {kind} dim 64"]
        assert ours.keys() == theirs.keys()
        for name, (mean, std, _, _) in theirs.items():
            noise = 6 * std / ours[name].numel() ** 0.5
            assert ours[name].mean().item() == pytest.approx(mean, abs=noise), name
            assert ours[name].std(correction=0).item() == pytest.approx(std, abs=noise), name


@pytest.mark.parametrize("cls", [MUNIT, UNIT])
def test_images_too_small_for_the_discriminators_are_refused_with_what_fits(cls):
    small = Task.covering(Coverage.PAIR, ("A", "B"), (96, 32))
    with pytest.raises(UserError, match=r"scales=3 discriminators would see a side of 8 px.*--set model.scales=2"):
        cls(cls.Config(width=2, discriminator_width=2), small)
    fitting = cls(cls.Config(width=2, discriminator_width=2, scales=2), small)
    assert [list(map_.shape[2:]) for map_ in fitting.discriminator_a(torch.zeros(1, 3, 96, 32))] == [[6, 2], [3, 1]]


def test_layer_norm_of_constant_features_has_gradients():
    features = torch.ones(1, 3, 4, 4, requires_grad=True)
    LayerNorm(3)(features).square().sum().backward()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize(
    ("side", "scales", "layers", "fits"),
    [(32, 2, 4, True), (28, 2, 4, False), (60, 4, 3, True), (56, 4, 3, False), (4, 1, 2, True), (4, 1, 3, False)],
)
def test_discriminators_refuse_images_of_which_nothing_would_be_left(side, scales, layers, fits):
    """Each level of a pyramid is half the one before, rounded up; each layer halves."""
    task = Task.covering(Coverage.PAIR, ("A", "B"), (side, side))
    config = UNITConfig(discriminator_width=1, layers=layers, scales=scales)
    if not fits:
        with pytest.raises(UserError, match=f"scales={scales}"):
            discriminator(config, task)
    else:
        assert len(discriminator(config, task)(torch.zeros(1, 3, side, side))) == scales


@pytest.mark.parametrize("cls", [MUNIT, UNIT])
def test_white_images_leave_a_training_finite(cls):
    """Norms of constant features have gradients all the same."""
    task = Task.covering(Coverage.PAIR, ("A", "B"), (32, 32))
    translator = cls(cls.Config(**cls.test_settings), task)
    white = torch.ones(2, 3, 32, 32)
    replay(translator, [UnpairedBatch(white, white)] * 2)
    assert all(value.isfinite().all() for value in translator.parameters())


@pytest.mark.integration
@pytest.mark.parametrize("cls", [MUNIT, UNIT])
def test_the_perceptual_term_compares_translations_with_their_sources(cls, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    put_random(VGG16Distance)
    task = Task.covering(Coverage.PAIR, ("A", "B"), (32, 32))
    translator = cls(cls.Config(**cls.test_settings, lambda_perceptual=3), task)
    without = cls(cls.Config(**cls.test_settings), task)
    without.load_state_dict(translator.state_dict())
    batch, step = UnpairedBatch(*torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))), Step()
    for phase in translator.phases():
        phase.draw(batch, step)
    seen = []
    monkeypatch.setattr(VGG16Distance, "_distance", lambda self, *pair: seen.append(pair) or pair[0].mean())
    found, bare = (own.phases()[1].loss(batch, Step(**step)) for own in (translator, without))
    assert {name for name in found.terms if name not in bare.terms} == {"perceptual_a", "perceptual_b"}
    assert [torch.equal(source, own) for (_, source), own in zip(seen, (batch.b, batch.a), strict=True)] == [True, True]
    added = 3 * (found.terms["perceptual_a"] + found.terms["perceptual_b"])
    assert found.total.item() == pytest.approx((bare.total + added).item(), rel=1e-5)


@pytest.mark.parametrize("cls", [MUNIT, UNIT])
def test_only_large_images_are_said_to_lack_the_perceptual_term(cls):
    def told(side, **settings):
        with torch.device("meta"):
            return cls(cls.Config(**cls.test_settings, **settings), Task.covering(Coverage.PAIR, "ab", (side, side)))

    small, large, whole = told(256), told(512), told(512, lambda_perceptual=1)
    assert large.inference == f"{small.inference}, learnt without the perceptual term"
    assert whole.inference == small.inference


def saved(folder, name):
    """The files of a training fixture, as the reference writes them."""
    weights = recipe.weights_by_network(name)
    statistics = dict(zip(STATISTICS[:2], (torch.zeros, torch.ones), strict=True))
    for file in ("gen", "dis"):
        for state in (weights[f"{file}_{side}"] for side in "ab"):
            adaptive = [key for key in state if re.fullmatch(r"dec\.model\.0\.model\.\d\.model\.\d\.conv\.bias", key)]
            for key in adaptive if "mlp.model.0.fc.weight" in state else ():
                norm = key.replace("conv.bias", "norm.")
                state |= {norm + kind: made(len(state[key])) for kind, made in statistics.items()}
        torch.save({side: weights[f"{file}_{side}"] for side in "ab"}, folder / f"{file}_00000007.pt")
    return [folder / "gen_00000007.pt", folder / "dis_00000007.pt"]


@pytest.mark.integration
@pytest.mark.parametrize("name", ["munit/training_munit", "munit/training_unit"])
def test_files_of_the_reference_come_in_and_go_out_as_they_were(tmp_path, name):
    files = saved(tmp_path, name)
    cls, config = TRAININGS[name]
    import_run(files, name_of(cls), ["summer", "winter"], {}, tmp_path / "run")
    translator, _ = load_translator(tmp_path / "run")
    assert translator.config == config
    assert translator.task.image_size == (256, 256)
    (tmp_path / "out").mkdir()
    written = export_reference(tmp_path / "run", tmp_path / "out")
    assert written == ["gen_00000000.pt", "dis_00000000.pt"]
    for file, own in zip(files, written, strict=True):
        ours, theirs = torch.load(tmp_path / "out" / own), torch.load(file)
        assert ours.keys() == theirs.keys()
        for side, state in theirs.items():
            assert ours[side].keys() == state.keys()
            assert all(torch.equal(ours[side][key], value) for key, value in state.items())


def test_auto_encoders_of_the_other_method_or_another_depth_are_refused(tmp_path):
    generators, judges = saved(tmp_path, "munit/training_munit")
    with pytest.raises(UserError, match="is an auto-encoder with styles of munit, not of unit: take it with"):
        import_run([generators, judges], "unit", ["a", "b"], {}, tmp_path / "run")
    with pytest.raises(UserError, match="there is no generator"):
        import_run([judges], "munit", ["a", "b"], {}, tmp_path / "run")
    deeper = {
        side: {key.replace("enc_content.model.3", "enc_content.model.4"): value for key, value in state.items()}
        for side, state in torch.load(generators).items()
    }
    torch.save(deeper, generators)
    with pytest.raises(UserError, match="not a quarter of the images' size"):
        import_run([generators], "munit", ["a", "b"], {}, tmp_path / "run")

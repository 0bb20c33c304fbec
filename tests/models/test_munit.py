"""MUNIT and UNIT are those of the reference implementation: networks, losses, updates, initial weights."""

import pytest
import torch

from i2i.interop.autoencoder import AUTOENCODER, STYLED_AUTOENCODER
from i2i.interop.multiscale import MULTISCALE_PATCHGAN
from i2i.losses import OBJECTIVES, discriminator_terms, over_scales, total
from i2i.nn.norm import LayerNorm
from tests.support import recipe, reference


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
@pytest.mark.parametrize("name", ["munit/munit_generator", "munit/munit_generator_published"])
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
@pytest.mark.parametrize("name", ["munit/unit_generator", "munit/unit_generator_published"])
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

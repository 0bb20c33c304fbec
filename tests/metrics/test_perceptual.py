"""The distance of MUNIT's domain-invariant perceptual loss is the reference's; that of pix2pixHD is tested with it."""

import pytest
import torch
import torch.nn.functional as F
import torchvision

from i2i.errors import UserError
from i2i.metrics import VGG16Distance
from tests.support import recipe, reference
from tests.support.vgg import put, put_random, shapes

POOLINGS = (4, 9, 16)  # in torchvision's list of layers; the fourth is left out


@pytest.fixture(autouse=True)
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def of_reference(name):
    """The fixture's weights by torchvision's names, for images whose channels are red, green, blue: theirs are not."""
    state = dict(zip(shapes("vgg16"), recipe.weights(name).values(), strict=True))
    return {**state, "features.0.weight": state["features.0.weight"].flip(1)}


@pytest.mark.integration
@torch.no_grad()
def test_it_is_the_references():
    name = "munit/munit_vgg_loss"
    stored, expected = reference.arrays(name), reference.settings(name)
    put(VGG16Distance, of_reference(name))
    distance, (output,) = VGG16Distance(), expected["outputs"]
    difference = distance.features(stored["input"])[:, ::4] - stored[output]
    assert difference.abs().max() <= expected["outputs"][output]["tolerance"]
    found = float(distance(stored["input"], stored["input2"]))
    assert found == pytest.approx(expected["results"]["vgg_loss_input_input2"], rel=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("channels", [1, 3])
def test_it_compares_relu5_3_without_the_fourth_pooling_and_without_mean_and_contrast_of_each_map(channels):
    state = put_random(VGG16Distance)
    with torch.device("meta"):
        layers = torchvision.models.vgg16().features
    layers.load_state_dict({name.removeprefix("features."): value for name, value in state.items()}, assign=True)
    images = torch.rand(2, 2, channels, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    features = (images.expand(2, 2, 3, 16, 16).flatten(0, 1) + 1) / 2 * 255
    features = features - torch.tensor([123.68, 116.779, 103.939]).view(3, 1, 1)
    for place, layer in enumerate(layers[:30]):
        if place in POOLINGS or not isinstance(layer, torch.nn.MaxPool2d):
            features = layer(features)
    assert features.shape[1:] == (512, 2, 2)
    spread, mean = torch.std_mean(features, (2, 3), correction=0, keepdim=True)
    ours, theirs = ((features - mean) / (spread**2 + 1e-5).sqrt()).chunk(2)
    assert float(VGG16Distance()(*images)) == pytest.approx(float(F.mse_loss(ours, theirs)), rel=1e-4)


def test_without_weights_it_is_built_and_names_the_remedy_when_called():
    distance = VGG16Distance()
    assert not VGG16Distance.available()
    with pytest.raises(UserError, match=r"vgg16_features-amdegroot-88682ab5.pth.*`i2i weights get vgg16`"):
        distance(*torch.zeros(2, 1, 3, 16, 16))

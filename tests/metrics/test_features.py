"""Inception features are pytorch-fid's own, come from a local file, and name the metric."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_fid import inception as published
from pytorch_fid.fid_score import get_activations
from torch import Tensor
from torchvision.models import Inception3

from i2i.errors import UserError
from i2i.labels import LabelSpace
from i2i.metrics.features import inception
from i2i.metrics.features.domain_classifier import DomainClassifier
from i2i.metrics.features.extractors import default_extractor, parse_extractor
from i2i.metrics.features.inception import ClassifierExtractor, Extractor, InceptionExtractor, find_inception
from i2i.metrics.features.pretrained import INCEPTION
from i2i.utils.fingerprint import sha256

FILE = "pt_inception-2015-12-05-6726825d.pth"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TORCH_HOME whose cache holds Inception weights of the real format, drawn at random."""
    home = tmp_path_factory.mktemp("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(Inception3, "load_state_dict", lambda *_: None)
        torch.manual_seed(0)
        network = published.fid_inception_v3()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):  # PyTorch's own draw fades to nothing on the way down
            torch.nn.init.kaiming_normal_(module.weight)
    (home / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(network.state_dict(), home / "hub" / "checkpoints" / FILE)
    return home


@pytest.fixture
def weights(hub: Path) -> Path:
    return hub / "hub" / "checkpoints" / FILE


@pytest.fixture(scope="module")
def extractor(hub: Path) -> InceptionExtractor:
    return InceptionExtractor(hub / "hub" / "checkpoints" / FILE)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)


def images(count: int, *, size: int = 48, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator) * 255
    return torch.nn.functional.interpolate(coarse, size=size, mode="bicubic").clamp(0, 255).byte()


@pytest.mark.integration
def test_inception_features_equal_those_of_pytorch_fid_on_the_same_files(
    extractor: InceptionExtractor, hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = images(3)
    files = [tmp_path / f"{index}.png" for index in range(3)]
    for file, image in zip(files, pixels, strict=True):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(file)
    monkeypatch.setenv("TORCH_HOME", str(hub))
    reference = get_activations(files, published.InceptionV3(), batch_size=3, num_workers=0)
    ours = extractor(pixels)
    assert ours.dtype == torch.float32
    assert ours.shape == (3, extractor.dimensions) == (3, 2048)
    assert np.ptp(reference, axis=0).max() > 0.1 * np.abs(reference).max()  # images do differ
    np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-4 * np.abs(reference).max())


@pytest.mark.integration
def test_each_image_is_seen_alone_and_repeatably(extractor: InceptionExtractor) -> None:
    pixels = images(3, size=32, seed=1)
    together = extractor(pixels)
    torch.testing.assert_close(extractor(pixels[1:2]), together[1:2], rtol=1e-4, atol=1e-4)
    assert torch.equal(extractor(pixels), together)


@pytest.mark.integration
def test_autocast_of_the_caller_changes_nothing(extractor: InceptionExtractor) -> None:
    pixels = images(1, size=32)
    alone = extractor(pixels)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(extractor(pixels), alone)
    assert not alone.requires_grad


@pytest.mark.integration
def test_construction_leaves_random_numbers_and_pytorch_fid_as_they_were(weights: Path) -> None:
    download = published.load_state_dict_from_url
    state = torch.random.get_rng_state()
    InceptionExtractor(weights)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert published.load_state_dict_from_url is download


@pytest.mark.integration
def test_only_the_published_weights_are_called_fid(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checksum = sha256(weights)
    assert InceptionExtractor(weights).name == f"FD-inception-{checksum[:8]}"
    monkeypatch.setattr(inception, "INCEPTION", replace(INCEPTION, sha256=checksum))
    assert InceptionExtractor(weights).name == "fid"


@pytest.mark.integration
def test_a_text_names_the_same_extractor_with_a_file_and_from_the_cache(
    hub: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(hub))
    named, found = (parse_extractor(text).build() for text in (f"inception:{weights}", "inception"))
    assert named.name == found.name == InceptionExtractor(weights).name
    assert parse_extractor("inception") == default_extractor() == default_extractor(weights)


def test_the_expected_checksum_is_the_one_in_the_published_file_name() -> None:
    assert len(INCEPTION.sha256) == 64
    assert f"-{INCEPTION.sha256[:8]}." in INCEPTION.url == published.FID_WEIGHTS_URL


def test_a_missing_file_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no Inception weights at .*nowhere\.pth.*" + FILE):
        InceptionExtractor(tmp_path / "nowhere.pth")


@pytest.mark.integration
def test_a_truncated_file_is_an_error_of_the_user(weights: Path, tmp_path: Path) -> None:
    for length in (0, 100, 1_000_000):
        cut = tmp_path / "cut.pth"
        cut.write_bytes(weights.read_bytes()[:length])
        with pytest.raises(UserError, match=r"cut\.pth.* truncated"):
            InceptionExtractor(cut)


@pytest.mark.parametrize("content", [{"fc.weight": torch.zeros(2)}, [torch.zeros(2)], {1: 2}])
def test_other_weights_are_an_error_of_the_user(content: object, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save(content, other)
    download = published.load_state_dict_from_url
    with pytest.raises(UserError, match=r"other\.pth does not hold the Inception weights"):
        InceptionExtractor(other)
    assert published.load_state_dict_from_url is download


class Trap:
    """What a hostile file holds: loading it carelessly would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


def test_code_hidden_in_a_file_is_not_run(tmp_path: Path) -> None:
    torch.save({"fc.weight": Trap(tmp_path / "sprung")}, tmp_path / "trap.pth")
    with pytest.raises(UserError, match=r"trap\.pth"):
        InceptionExtractor(tmp_path / "trap.pth")
    assert not (tmp_path / "sprung").exists()


def test_weights_are_found_in_the_cache_of_torch_hub(
    hub: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(hub))
    assert find_inception(None) == weights
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert find_inception(None) is None


def test_a_named_file_comes_before_the_cache_and_must_exist(
    hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(hub))
    named = tmp_path / "mine.pth"
    with pytest.raises(UserError, match=r"no Inception weights at .*mine\.pth"):
        find_inception(named)
    named.touch()
    assert find_inception(named) == named


@pytest.mark.integration
def test_pixels_of_another_kind_are_refused(extractor: InceptionExtractor) -> None:
    for wrong in (images(1).float(), images(1)[0], images(1)[:, :1]):
        with pytest.raises(ValueError, match=r"pixels must be uint8 \[B, 3, H, W\]"):
            extractor(wrong)


def test_classifier_features_are_what_its_last_layer_sees() -> None:
    classifier = DomainClassifier(LabelSpace.of_domains(("a", "b", "c")), (32, 32)).train()
    extractor: Extractor = ClassifierExtractor(classifier)
    pixels = images(4, size=32, seed=2)
    found = extractor(pixels)
    assert extractor.name == "FD-domain-classifier"
    assert found.shape == (4, extractor.dimensions)
    assert found.dtype == torch.float32
    assert not found.requires_grad
    assert classifier.training  # left as it was, though it ran in evaluation mode
    with torch.no_grad():
        classifier.eval()
        logits = classifier.backbone.get_classifier()(found)
        torch.testing.assert_close(logits, classifier(pixels))
    torch.testing.assert_close(extractor(pixels[:1]), found[:1])

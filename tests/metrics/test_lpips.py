"""LPIPS is the authors' formula on torchvision's networks, in layouts of their files, and refuses everything else."""

import contextlib
import io
from dataclasses import replace
from itertools import combinations

import pytest
import torch
import torchvision
from torch import nn

from i2i.errors import UserError
from i2i.metrics import lpips
from i2i.metrics.features.pretrained import BACKBONES, HEADS
from i2i.metrics.lpips import NETWORKS, LpipsSpec, default_lpips, parse_lpips
from i2i.utils.fingerprint import sha256

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of channels in [0, 1]


@pytest.fixture(scope="module", params=list(NETWORKS))
def spec(request, tmp_path_factory):
    """Random weights of a network in files of the published layouts."""
    folder, network = tmp_path_factory.mktemp(request.param), NETWORKS[request.param]
    torch.manual_seed(0)
    with torch.device("meta"):
        features = torchvision.models.get_model(network.title, weights=None).features
    features.to_empty(device="cpu")
    for name, parameter in features.named_parameters():
        nn.init.kaiming_normal_(parameter) if name.endswith("weight") else nn.init.normal_(parameter, std=0.1)
    state = {f"features.{name}": tensor for name, tensor in features.state_dict().items()}
    torch.save({**state, "classifier.1.weight": torch.zeros(2)}, folder / "backbone.pth")
    heads = {f"lin{i}.model.1.weight": torch.rand(1, c, 1, 1) for i, c in enumerate(network.channels)}
    torch.save(heads, folder / "heads.pth")
    return parse_lpips(f"{request.param}:{folder / 'backbone.pth'}:{folder / 'heads.pth'}")


@pytest.fixture(autouse=True)
def no_caches(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("i2i.metrics.features.pretrained.find_spec", lambda _: None)


def random_images(count=2, size=(40, 48), seed=0):
    """Two lists of images, uint8, the second like the first."""
    generator = torch.Generator().manual_seed(seed)
    left = torch.randint(0, 256, (count, 3, *size), generator=generator)
    right = (left + torch.randint(-40, 40, left.shape, generator=generator)).clamp(0, 255)
    return left.byte(), right.byte()


def by_the_formula(spec, left, right):
    """Image by image and place by place in float64, with means and deviations of [0, 1] and the paper's symbols."""
    network = NETWORKS[spec.network]
    features = torchvision.models.get_model(network.title, weights=None).features.double()
    state = torch.load(spec.backbone, weights_only=True)
    features.load_state_dict({k.removeprefix("features."): v for k, v in state.items() if k.startswith("features.")})
    squares = [tensor.double().flatten() for tensor in torch.load(spec.heads, weights_only=True).values()]

    def layers(image):
        maps, images = [], torchvision.transforms.functional.normalize(image.double() / 255, MEAN, STD)[None]
        for place, module in enumerate(features[: network.layers[-1] + 1]):
            images = module(images)
            if place in network.layers:
                maps.append(images[0].permute(1, 2, 0).clone())
        return maps

    distances = []
    for pair in zip(left, right, strict=True):
        total = 0.0
        for w, x, y in zip(squares, *map(layers, pair), strict=True):
            x, y = (one / one.square().sum(-1, keepdim=True).sqrt().clamp_min(1e-10) for one in (x, y))
            total += float((w * (x - y) ** 2).sum(-1).mean())
        distances.append(total)
    return torch.tensor(distances)


@pytest.mark.integration
def test_distances_are_those_of_the_formula(spec):
    left, right = random_images()
    with torch.no_grad():
        expected = by_the_formula(spec, left, right)
    found = spec.build()(left, right)
    assert expected.min() > 0.01
    # The authors' shift and scale are ImageNet's means and deviations with three decimals.
    torch.testing.assert_close(found, expected, rtol=2e-3, atol=0)
    assert (lpips.SHIFT, lpips.SCALE) == ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lpips, "SHIFT", [2 * mean - 1 for mean in MEAN])
        patch.setattr(lpips, "SCALE", [2 * deviation for deviation in STD])
        torch.testing.assert_close(spec.build()(left, right), expected, rtol=1e-4, atol=0)


@pytest.mark.integration
def test_distances_are_those_of_the_code_in_torchmetrics(spec):
    holder = pytest.importorskip("torchmetrics.functional.image.lpips")
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = holder._LPIPS(pretrained=False, net=spec.network, pnet_rand=True, use_dropout=True)
    own = torch.load(spec.backbone, weights_only=True)
    for part in ("slices", *(name for name, _ in theirs.net.named_children() if name.startswith("slice"))):
        for name, parameter in getattr(theirs.net, part, nn.Module()).named_parameters():
            place = name.partition(".")[2] if part == "slices" else name  # slices.0.3.weight is features.3.weight
            parameter.data = own[f"features.{place}"]
    theirs.load_state_dict(torch.load(spec.heads, weights_only=True), strict=False)
    left, right = random_images(seed=1)
    images = [one.float() / 127.5 - 1 for one in (left, right)]
    with torch.no_grad():
        expected = theirs(*images).flatten()
    torch.testing.assert_close(spec.build()(left, right), expected, rtol=1e-4, atol=0)


def test_equal_images_are_at_no_distance_and_order_does_not_matter(spec):
    measure, (left, right) = spec.build(), random_images(1)
    assert measure(left, left).item() == 0
    torch.testing.assert_close(measure(left, right), measure(right, left))
    assert measure(left, left.flip(3)) > measure(left, right)  # noise keeps more than a mirror


def test_floats_are_pixels_on_another_scale_and_batches_do_not_matter(spec):
    measure, (left, right) = spec.build(), random_images(5)
    whole = measure(left, right)
    assert whole.shape == (5,)
    torch.testing.assert_close(measure(left.float() / 127.5 - 1, right.double() / 127.5 - 1), whole)
    torch.testing.assert_close(measure(left[4:], right[4:]), whole[4:], rtol=1e-4, atol=0)


def test_images_may_be_as_small_as_it_says_and_no_smaller(spec):
    measure, side = spec.build(), NETWORKS[spec.network].smallest
    assert measure(*random_images(1, (side, side))).isfinite().all()
    with pytest.raises(ValueError, match=f"needs images of {side} pixels a side"):
        measure(*random_images(1, (side - 1, 64)))
    measure.smallest = 1
    with pytest.raises(RuntimeError, match="Output size is too small"):  # the limit is the network's own
        measure(*random_images(1, (side - 1, side - 1)))


def test_black_images_have_finite_distances(spec):
    left, right = torch.zeros(1, 3, 40, 40, dtype=torch.uint8), random_images(1, (40, 40))[0]
    assert spec.build()(left, right).isfinite().all()


def test_other_inputs_are_refused(spec):
    measure, (left, right) = spec.build(), random_images(2)
    for wrong in ((left.int(), right.int()), (left[0], right[0]), (left[:, :1], right[:, :1]), (left, right[:1])):
        with pytest.raises(ValueError, match=r"LPIPS takes|do not pair up"):
            measure(*wrong)


def test_only_the_published_weights_have_the_bare_name(spec, monkeypatch):
    assert spec.name.startswith(f"lpips-{spec.network}-")
    assert len(spec.name) == len(f"lpips-{spec.network}-") + 8
    monkeypatch.setitem(
        lpips.BACKBONES, spec.network, replace(BACKBONES[spec.network], sha256=sha256(spec.backbone)[:8])
    )
    assert spec.name != f"lpips-{spec.network}"  # the heads are still others
    monkeypatch.setitem(lpips.HEADS, spec.network, replace(HEADS[spec.network], sha256=sha256(spec.heads)))
    assert spec.name == spec.build().name == f"lpips-{spec.network}"


def test_files_that_are_not_named_are_found_in_the_cache(spec):
    network = spec.network
    with pytest.raises(UserError, match=rf"fetch it with `i2i weights get lpips-{network}`, or write {network}:"):
        parse_lpips(network)
    assert default_lpips() is None
    backbone, heads = BACKBONES[network].cached(), HEADS[network].cached()
    backbone.parent.mkdir(parents=True)
    backbone.touch()
    with pytest.raises(UserError, match=f"no lpips-v0.1-{network}.pth on this machine"):
        parse_lpips(network)
    heads.touch()
    assert parse_lpips(network) == LpipsSpec(network, backbone, heads)
    assert parse_lpips(f"{network}::{spec.heads}") == LpipsSpec(network, backbone, spec.heads)
    assert default_lpips() == (parse_lpips("alex") if network == "alex" else None)


def test_files_that_do_not_fit_are_refused(spec, tmp_path):
    with pytest.raises(UserError, match=r"unknown network of LPIPS 'alexa'; did you mean 'alex'\?"):
        parse_lpips("alexa")
    with pytest.raises(UserError, match=r"no weights for LPIPS at nowhere\.pth"):
        parse_lpips(f"{spec.network}:nowhere.pth")
    for broken in (replace(spec, heads=spec.backbone), replace(spec, backbone=spec.heads)):
        with pytest.raises(UserError, match=r"does not hold the weights of .*: it lacks"):
            broken.build()
    state = torch.load(spec.heads, weights_only=True)
    torch.save({name: tensor[:, 1:] for name, tensor in state.items()}, tmp_path / "narrow.pth")
    with pytest.raises(UserError, match=r"linear heads of LPIPS on .* has in another shape"):
        replace(spec, heads=tmp_path / "narrow.pth").build()


def test_random_numbers_of_the_caller_stay(spec):
    before = torch.random.get_rng_state()
    spec.build()(*random_images(1))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.integration
def test_the_diversity_of_samples_is_the_mean_over_all_pairs(spec):
    measure = spec.build()
    samples = torch.stack([*random_images(3), *random_images(3, seed=1)], dim=1)
    pairs = torch.stack([measure(samples[:, i], samples[:, j]) for i, j in combinations(range(4), 2)])
    torch.testing.assert_close(measure.diversity(samples), pairs.mean(dim=0), rtol=1e-5, atol=1e-6)
    assert measure.diversity(samples[:, :1].expand(-1, 3, -1, -1, -1)).abs().max() < 1e-6
    for wrong in (samples[:, :1], samples[:, 0], samples.double() * 2):
        with pytest.raises(ValueError):
            measure.diversity(wrong)

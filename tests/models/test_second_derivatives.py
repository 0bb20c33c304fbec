"""Gradients of critics with respect to images: those that a GPU is quick at are those of PyTorch's own convolutions."""

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from i2i.losses import gradient_penalty, zero_centered_penalty
from i2i.nn import normalize_spectrally, strided_patchgan, without_autocast
from i2i.nn.domain_heads import DomainDiscriminator
from i2i.nn.resampling import halve
from i2i.nn.second_derivatives import TwiceDifferentiatedConvolutions, TwiceLeakyReLU, scores_and_image_gradient

SIDES = (17, 14)


def critics():
    convolution = nn.Conv2d
    yield "strides", (convolution(3, 4, 4, 2, 1), nn.Tanh(), convolution(4, 1, 3, 2, bias=False))
    yield "rectangles", (convolution(3, 4, (3, 5), (1, 2), (0, 2)), nn.Tanh(), convolution(4, 1, 2, (3, 1)))
    yield "norms", (convolution(3, 4, 3, padding=1), nn.InstanceNorm2d(4), nn.Tanh(), convolution(4, 1, 3))
    yield "groups", (convolution(3, 6, 3, groups=3), nn.Tanh(), convolution(6, 1, 3, dilation=2))
    yield "padding by name", (convolution(3, 4, 3, padding="same"), nn.Tanh(), convolution(4, 1, 3, padding="valid"))
    yield "spectral norms", (normalize_spectrally(convolution(3, 4, 4, 2, 1)), nn.Tanh(), convolution(4, 1, 3))


CRITICS = {name: nn.Sequential(*layers).double().eval() for name, layers in critics()}


def penalty(critic, images, *, twice_differentiated):
    """Of a critic, and its gradients with respect to the critic's parameters."""
    images = images.detach().requires_grad_()
    if twice_differentiated:
        with TwiceDifferentiatedConvolutions() as convolutions:
            scores = critic(images)
        gradient = convolutions.gradient(scores.sum(), images)
    else:
        (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    value = gradient.square().sum() + gradient.sum()
    gradients = torch.autograd.grad(value, list(critic.parameters()), allow_unused=True)
    return [value, *(torch.zeros(()) if one is None else one for one in gradients)]


@pytest.mark.parametrize("name", CRITICS)
def test_a_penalty_and_its_gradients_are_those_of_convolutions_of_pytorch(name):
    images = torch.rand(2, 3, *SIDES, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    usual, other = (penalty(CRITICS[name], images, twice_differentiated=way) for way in (False, True))
    assert any(one.abs().sum() > 0 for one in usual[1:])
    for one, two in zip(usual, other, strict=True):
        torch.testing.assert_close(two, one, rtol=1e-10, atol=1e-12, check_dtype=False)


def test_a_filter_that_is_made_from_the_images_counts_in_their_gradient():
    """Only gradients of parameters are left out, which do not lead to images."""
    weight = torch.rand(2, 3, 3, 3, dtype=torch.double, requires_grad=True)
    images = torch.rand(1, 3, 6, 6, dtype=torch.double, requires_grad=True)
    with TwiceDifferentiatedConvolutions() as convolutions:
        scores = F.conv2d(images, weight * images.mean())
    (expected,) = torch.autograd.grad(F.conv2d(images, weight * images.mean()).sum(), images)
    torch.testing.assert_close(convolutions.gradient(scores.sum(), images), expected)


def test_filters_that_are_parameters_get_no_gradient_while_that_of_images_is_taken(monkeypatch):
    critic, images = CRITICS["strides"], torch.rand(1, 3, *SIDES, dtype=torch.double, requires_grad=True)
    with TwiceDifferentiatedConvolutions() as convolutions:
        scores = critic(images).sum()
    backward, calls = torch.ops.aten.convolution_backward, []
    monkeypatch.setattr(torch.ops.aten, "convolution_backward", lambda *given: calls.append(given) or backward(*given))
    gradient = convolutions.gradient(scores, images)
    assert not calls
    gradient.sum().backward()
    assert calls


def test_under_autocast_convolutions_are_in_bfloat16_as_ever():
    critic, images = strided_patchgan(3, 4, 2, 0, (16, 16)), torch.rand(2, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with TwiceDifferentiatedConvolutions():
            scores = critic(images)
        usual = critic(images)
    assert scores.dtype == usual.dtype == torch.bfloat16
    assert torch.equal(scores, usual)


@pytest.mark.parametrize(
    "settings",
    [
        {"stride": [2], "padding": [1], "dilation": [1]},
        {"stride": (2, 1), "padding": torch.Size((0, 2))},
        {"padding": "same"},
        {"groups": 3},
    ],
)
@pytest.mark.parametrize("shape", [(2, 3, 7, 6), (3, 7, 6)])
def test_whatever_pytorch_convolves_is_convolved(settings, shape):
    images, weight = torch.rand(shape), torch.rand(6, 3 // settings.get("groups", 1), 3, 3)
    with TwiceDifferentiatedConvolutions():
        found = F.conv2d(input=images, weight=weight, **settings)
    assert torch.equal(found, F.conv2d(images, weight, **settings))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_critic_in_a_precision_of_its_own_keeps_it_within_autocast(dtype):
    """PyTorch's autocast leaves float64 alone; a critic without autocast has its gradient without it too."""
    images, convolution = torch.rand(2, 3, *SIDES, dtype=dtype), nn.Conv2d(3, 4, 4, 2, 1, dtype=dtype)

    def critic(given):
        with without_autocast(given.device) if dtype == torch.float32 else nullcontext():
            return convolution(given).tanh()

    def gradient():
        given = images.clone().requires_grad_()
        with TwiceDifferentiatedConvolutions() as convolutions:
            scores = critic(given)
        return convolutions.gradient(scores.sum(), given)

    expected = gradient()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradient()
    assert expected.dtype == dtype
    assert torch.equal(found, expected)


def test_a_zero_centered_penalty_is_half_the_mean_square_of_slopes():
    """A critic w . x has the gradient w at every image: the penalty is |w|^2 / 2, its own gradient w."""
    slope = torch.rand(3, 4, 4, dtype=torch.double, requires_grad=True)
    images = torch.rand(5, 3, 4, 4, dtype=torch.double)
    scores, value = zero_centered_penalty(lambda given: (given * slope).sum((1, 2, 3)), images)
    torch.testing.assert_close(scores, (images * slope).sum((1, 2, 3)))
    assert float(value.detach()) == pytest.approx(float(slope.detach().square().sum()) / 2, rel=1e-6)
    (gradient,) = torch.autograd.grad(value, slope)
    torch.testing.assert_close(gradient, slope.detach(), rtol=1e-6, atol=0)


def of_mixed_images(critic, images):
    return gradient_penalty(critic, images, images.flip(0), torch.full_like(images[:, :1, :1, :1], 0.3))


def of_real_images(critic, images):
    domains = torch.arange(len(images), device=images.device)
    return zero_centered_penalty(lambda given: critic(given, domains), images)[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("build", "penalize"),
    [
        (lambda: strided_patchgan(3, 4, 3, 0, (32, 32)), of_mixed_images),
        (lambda: DomainDiscriminator(3, 4, 8, 3, 2), of_real_images),
    ],
)
def test_penalties_on_a_gpu_are_those_on_a_cpu(build, penalize, layout):
    torch.manual_seed(0)
    critic, images, found = build().double(), torch.rand(2, 3, 32, 32).double(), []
    for device in ("cpu", "cuda"):
        critic.to(device, memory_format=layout)
        value = penalize(critic, images.to(device, memory_format=layout))
        gradients = torch.autograd.grad(value, list(critic.parameters()), allow_unused=True)
        known = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, critic.parameters(), strict=True)]
        found.append([one.cpu() for one in (value.detach(), *known)])
    for on_cpu, on_gpu in zip(*found, strict=True):  # slopes are measured in float32
        torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 8, 6), (1, 2, 7, 5)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_halving_and_its_derivatives_are_those_of_pytorch(shape, layout):
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(shape, dtype=torch.double, generator=generator).to(memory_format=layout).requires_grad_()
    usual, own = (pool(features.tanh()) for pool in (lambda x: F.avg_pool2d(x, 2), halve))
    assert torch.equal(usual, own)
    weights = torch.rand(usual.shape, dtype=torch.double, generator=generator)
    first = [torch.autograd.grad((one * weights).sum(), features, create_graph=True)[0] for one in (usual, own)]
    assert torch.equal(*first)
    second = [torch.autograd.grad(one.square().sum(), features)[0] for one in first]
    torch.testing.assert_close(*second)


def test_a_leaky_relu_is_pytorchs_own_but_where_an_image_gradient_is_taken():
    layer, images = TwiceLeakyReLU(0.25), torch.tensor([[[[-2.0, 3.0]]]], requires_grad=True)
    scores, gradient = scores_and_image_gradient(lambda given: layer(given).square(), images, torch.sum)
    assert gradient.tolist() == [[[[2 * -2 * 0.25**2, 2 * 3]]]]
    assert scores.tolist() == [[[[0.25, 9]]]]
    assert "LeakyRelu" not in graph_of(scores), "its second derivative is a tensor of zeros"
    assert "LeakyRelu" in graph_of(layer(images))


def graph_of(value):
    """The names of all operations that led to a tensor."""
    found, left = "", [value.grad_fn]
    while left:
        node = left.pop()
        found += type(node).__name__ + " "
        left += [one for one, _ in node.next_functions if one is not None]
    return found

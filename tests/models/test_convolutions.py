"""A convolution to an image is PyTorch's, however a CPU computes it."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from i2i.nn.convolutions import ToImageConv2d, convolution

WIDE = {"inputs": 16, "kernel": 7}


@pytest.mark.parametrize("padding", ["reflect", "zeros"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("outputs", "kernel"), [(1, 5), (3, 7), (4, 9)])
@pytest.mark.parametrize("size", [(12, 16), (14, 6), (11, 12), (12, 13)])
def test_a_convolution_to_an_image_and_its_gradients_are_pytorchs(padding, bias, outputs, kernel, size):
    torch.manual_seed(0)
    *pad, ours = convolution(16, outputs, kernel, padding, bias)
    ours = ours.double()
    images = torch.randn(2, 16, *size, dtype=torch.float64, requires_grad=True)
    theirs = nn.Conv2d(16, outputs, kernel, padding=(kernel - 1) // 2, bias=bias, padding_mode=padding).double()
    theirs.load_state_dict(ours.state_dict())
    assert isinstance(ours, ToImageConv2d)
    own, expected = (_with_gradients(images, layer) for layer in (nn.Sequential(*pad, ours), theirs))
    for value, wanted in zip(own, expected, strict=True):
        torch.testing.assert_close(value, wanted)


@pytest.mark.parametrize(
    "change", [{"outputs": 5}, {"outputs": 3, "kernel": 3}, {"outputs": 3, "kernel": 8, "stride": 2}]
)
def test_a_convolution_to_features_by_a_small_kernel_or_of_a_stride_is_plain(change):
    *_, layer = convolution(**WIDE | change, padding="zeros", bias=True)
    assert type(layer) is nn.Conv2d


def test_a_single_image_needs_no_batch():
    *_, layer = convolution(**WIDE, outputs=3, padding="zeros", bias=True)
    image = torch.randn(16, 8, 8)
    torch.testing.assert_close(layer(image), layer(image[None])[0])


@pytest.mark.parametrize(("inputs", "filters"), [(16, [12, 16, 8, 8]), (12, [3, 12, 7, 7]), (8, [3, 8, 7, 7])])
def test_by_blocks_a_convolution_of_many_inputs_multiplies_with_four_times_the_outputs(inputs, filters):
    *_, layer = convolution(inputs, 3, 7, padding="zeros", bias=True)
    seen = []
    with torch.profiler.profile(record_shapes=True) as profile:
        layer(torch.randn(1, inputs, 8, 8))
    for event in profile.key_averages(group_by_input_shape=True):
        if event.key == "aten::convolution":
            seen.append(event.input_shapes[1])
    assert seen == [filters]


def test_without_gradients_it_is_one_convolution_with_the_published_arithmetic():
    layers = nn.Sequential(*convolution(**WIDE, outputs=3, padding="zeros", bias=True))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        layers(torch.randn(1, 16, 8, 8))
    assert counter.get_total_flops() == 2 * (16 * 7 * 7) * (3 * 8 * 8)


def test_exported_it_is_one_convolution():
    layers = nn.Sequential(*convolution(**WIDE, outputs=3, padding="zeros", bias=True))
    program = torch.export.export(layers.eval(), (torch.randn(1, 16, 8, 8),))
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    assert called == ["aten.conv2d.default"]


def _with_gradients(images: Tensor, layer: nn.Module) -> list[Tensor]:
    output = layer(images)
    torch.manual_seed(1)
    return [output, *torch.autograd.grad(output, [images, *layer.parameters()], torch.randn_like(output))]

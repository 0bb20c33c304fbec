"""Autocast neither rounds what needs float32 nor keeps weights that have lost their gradient."""

import torch
from torch import nn

from i2i.nn.modes import without_autocast, without_gradients

CPU = torch.device("cpu")


def test_a_product_without_autocast_keeps_its_digits():
    numbers = torch.full((2, 2), 1 / 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = numbers @ numbers
        with without_autocast(CPU):
            exact = numbers @ numbers
    assert (rounded.dtype, exact.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(exact, numbers @ numbers)


def test_a_weight_has_its_gradient_after_a_pass_without_gradients():
    """`torch.no_grad` alone would leave a copy of the weight behind that has none."""
    layer, data = nn.Linear(3, 1), torch.ones(2, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with without_gradients():
            assert not layer(data).requires_grad
        layer(data).sum().backward()
    assert torch.equal(layer.weight.grad, torch.full((1, 3), 2.0))


def test_autocast_keeps_copies_again_afterwards():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with without_gradients():
            assert not torch.is_autocast_cache_enabled()
        assert torch.is_autocast_cache_enabled()

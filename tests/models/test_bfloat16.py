"""Convolutions in bfloat16 are those in float32 but for rounding, on the CPU that runs the tests.

PyTorch 2.14.1 computes some wrongly where there is AMX: filters of 8x8 and more over few channels.
"""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from i2i import registry
from i2i.nn.second_derivatives import large_filters_are_right
from i2i.testing import CPU, Subject
from i2i.training.device import autocast
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, draw, due_phases, take_turn
from i2i.translator import Step

ROUNDING = 0.05
CONVOLUTIONS = ("convolution", "convolution_backward")
LEARNING = [
    name for name in registry.names() if registry.get(name).batch and Subject(registry.get(name)).build().phases()
]


class Compared(TorchDispatchMode):
    """Computes each convolution in float32 as well, and notes those that are something else."""

    def __init__(self):
        super().__init__()
        self.seen, self.wrong = 0, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        in_bf16 = any(isinstance(one, torch.Tensor) and one.dtype == torch.bfloat16 for one in args)
        if function._overloadpacket.__name__ in CONVOLUTIONS and in_bf16:
            self.seen += 1
            exact = function(*tree_map(in_float32, args), **(kwargs or {}))
            for one, other in zip(tree_leaves(result), tree_leaves(exact), strict=True):
                if isinstance(one, torch.Tensor) and (one - other).norm() > ROUNDING * other.norm():
                    self.wrong.append(
                        (
                            function,
                            *(tuple(tensor.shape) for tensor in args[:2]),
                            float((one - other).norm() / other.norm()),
                        )
                    )
        return result


def in_float32(value):
    return value.float() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else value


def settings_of(name, width):
    known = registry.get(name).Config.model_fields
    return {key: width for key in ("width", "discriminator_width") if key in known}


@pytest.mark.integration
@pytest.mark.parametrize("width", [8, 12, 16])
@pytest.mark.parametrize("name", LEARNING)
def test_every_convolution_of_a_training_step_is_that_of_float32(name, width):
    large_filters_are_right()  # what it tries is known from now on
    subject = Subject(registry.get(name), settings_of(name, width))
    translator = subject.build().train()
    optimizers, guard, compared = build_optimizers(translator), FiniteGuard(CPU), Compared()
    for index in range(max(phase.every for phase in translator.phases())):
        batch, step = subject.batch(index), Step(index, 0.0)
        for phase in due_phases(translator, index):
            draw(phase, [batch], [step])
            with compared:
                take_turn(translator, optimizers, phase, [batch], [step], guard, autocast("bf16", CPU))
    assert compared.seen > 0
    assert compared.wrong == []

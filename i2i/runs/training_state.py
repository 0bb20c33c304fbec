"""States of a training that a checkpoint holds, compared with what they are put into before they are.

torch takes over states of optimizers whose shapes do not fit, and fails steps later.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def load_optimizer(optimizer: torch.optim.Adam, state: Mapping[str, object]) -> None:
    """Take over the moments that `optimizer.state_dict()` gave; rates and other settings are the optimizer's own.

    Raises:
        ValueError, KeyError, TypeError: if they are not those of an optimizer of the same parameters.
    """
    own = optimizer.state_dict()
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    moments = state["state"]
    if not isinstance(moments, dict) or list(moments) not in ([], list(range(len(parameters)))):
        raise ValueError(f"its optimizer is not of {len(parameters)} parameters")
    for number, parameter in enumerate(parameters if moments else ()):
        _check_moments(number, parameter, moments[number])
    optimizer.load_state_dict({"state": moments, "param_groups": own["param_groups"]})


def _check_moments(number: int, parameter: Tensor, moments: Mapping[str, object]) -> None:
    expected = {"step": torch.Size(()), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
    for name, shape in expected.items():
        _check_tensor(f"{name} of parameter {number}", moments[name], shape)


def _check_tensor(name: str, value: object, shape: torch.Size) -> None:
    if not isinstance(value, Tensor) or value.layout != torch.strided or not value.is_floating_point():
        raise ValueError(f"{name} is no tensor of numbers")
    if value.shape != shape:
        raise ValueError(f"{name} has the shape {list(value.shape)} and not {list(shape)}")
    if not bool(value.isfinite().all()):
        raise ValueError(f"{name} is not finite")


def of_process(state: Mapping[str, Any], rank: int, expected: Mapping[str, Tensor]) -> Mapping[str, Tensor] | None:
    """The translator's own state that the process of that rank wrote; None if there were fewer processes.

    Args:
        state: of a checkpoint.
        rank: number of the process.
        expected: what the translator's `training_state` gives now: the names count.

    Raises:
        ValueError, KeyError, TypeError: if it is no such state.
    """
    own = [state["translator"], *state.get("others", [])]
    if rank >= len(own):
        return None
    if set(own[rank]) != set(expected) or not all(isinstance(value, Tensor) for value in own[rank].values()):
        raise ValueError(f"the model's own state does not hold {', '.join(expected) or 'nothing'}")
    found: Mapping[str, Tensor] = own[rank]
    return found

"""How every network of this package is run when it scores: frozen, and in true float32."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def scoring(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Evaluation mode, no gradients, float32 arithmetic; everything as before on leaving.

    A score must not depend on the autocast its caller happens to be in, on TensorFloat-32 (ten bits
    of mantissa, which PyTorch allows in convolutions) or on cuDNN's choice of algorithm.
    """
    training = network.training
    network.eval()
    try:
        with (
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        network.train(training)


def check_pixels(pixels: Tensor, name: str = "pixels") -> None:
    """Refuse anything but uint8 [B, 3, H, W].

    Raises:
        ValueError: another dtype or shape.
    """
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3:
        raise ValueError(f"{name} must be uint8 [B, 3, H, W], not {pixels.dtype} {list(pixels.shape)}")

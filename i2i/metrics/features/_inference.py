"""How every network of this package is run when it scores: frozen, and in true float32."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

# Images at a time on the CPU. Maps of more go back to the system after every layer, and fetching fresh memory for the
# next one took a third of SqueezeNet's time and a quarter of Inception's.
CPU_CHUNK = 4


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


def in_parts(work: Callable[..., Tensor], device: torch.device, *images: Tensor) -> Tensor:
    """What `work` makes of images, or of several equally long sets of them, a few at a time, end to end.

    On the CPU several parts are worked on at once, by as many threads as torch may use. Threads that share the work of
    one layer instead wait for each other after every layer, which took half of the time and more wherever something
    else ran on the machine.

    Args:
        work: from parts of `images` [b, ...], on the device they are on, to [b, ...].
        device: where the network is.
        images: [B, ...] each.
    """
    parts = list(zip(*(_chunks(some, device) for some in images), strict=True))
    allowed = torch.get_num_threads()
    workers = min(allowed, len(parts)) if device.type == "cpu" else 1
    if workers == 1:
        return torch.cat([work(*part) for part in parts])

    def alone(part: tuple[Tensor, ...]) -> Tensor:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):  # either is set for each thread
            return work(*part)

    try:
        with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(allowed // workers,)) as pool:
            return torch.cat(list(pool.map(alone, parts)))
    finally:
        torch.set_num_threads(allowed)  # for threads that start later


def _chunks(images: Tensor, device: torch.device) -> list[Tensor]:
    """Images [B, ...] in parts that a network on `device` is quickest with; at least one part."""
    count = max(1, len(images))
    length = CPU_CHUNK if device.type == "cpu" else count
    return [images[start : start + length] for start in range(0, count, length)]


def check_pixels(pixels: Tensor, name: str = "pixels") -> None:
    """Refuse anything but uint8 [B, 3, H, W] with pixels in it; B may be 0.

    Raises:
        ValueError: no tensor, another dtype or shape, or sides of 0.
    """
    if not isinstance(pixels, Tensor):
        raise ValueError(f"{name} must be a tensor, uint8 [B, 3, H, W], not {type(pixels).__name__}")
    if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1] != 3 or 0 in pixels.shape[2:]:
        raise ValueError(f"{name} must be uint8 [B, 3, H, W], not {pixels.dtype} {list(pixels.shape)}")

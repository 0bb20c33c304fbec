"""On which device to train, in which precision and memory format."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from i2i import registry
from i2i.config import RunConfig, TrainConfig
from i2i.distributed.process_group import Launch
from i2i.errors import UserError
from i2i.utils.memory import usable_device


def choose_device(name: str | None = None) -> torch.device:
    """The named device, or the best there is: cuda, then mps, then cpu.

    Of several processes on one machine each takes a CUDA device of its own.

    Raises:
        UserError: for a device that is not there, or more processes than CUDA devices.
    """
    place = Launch.from_environment()
    if place.count > 1 and (name == "cuda" or (name is None and torch.cuda.is_available())):
        return _own_gpu(place.local_rank)
    if name:
        return usable_device(name, "--device")
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def resolved(config: RunConfig, device: torch.device) -> RunConfig:
    """A config with what `auto` means on a device, for its precision and its memory format; others are as they were."""
    train = config.train
    precision = native_precision(device) if train.precision == "auto" else train.precision
    faster = (device.type, precision) in registry.get(config.name).channels_last
    channels_last = faster if train.channels_last == "auto" else train.channels_last
    chosen = train.model_copy(update={"precision": precision, "channels_last": channels_last})
    return config.model_copy(update={"train": chosen})


def native_precision(device: torch.device) -> Literal["fp32", "bf16"]:
    """bf16 where the device computes it natively: CUDA from compute capability 8.0, CPUs with AVX512-BF16 or AMX."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    if device.type != "cpu":
        return "fp32"
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if native else "fp32"


def precision_text(precision: str, device: torch.device) -> str:
    """The precision of a training in words, and on a GPU where float32 is rounded to TF32."""
    if precision == "bf16":
        return "in bfloat16"
    rounded = torch.backends.cudnn.allow_tf32 and device.type == "cuda"
    return "in float32" + (" (convolutions in TF32)" if rounded else "")


def emulation_notice(precision: str, device: torch.device) -> str | None:
    """A sentence where bf16 was asked for and is emulated, with the factor that a convolution takes longer here."""
    if precision != "bf16" or native_precision(device) == "bf16":
        return None
    factor = _convolving(torch.bfloat16, device) / _convolving(torch.float32, device)
    return (
        f"bfloat16 is emulated on this {device.type}, where a convolution takes {factor:.1f} times as long as in "
        "float32: train.precision=auto takes what the device computes natively"
    )


def memory_format_of(train: TrainConfig, compiled: bool = False) -> torch.memory_format:
    """That of images and weights in a training whose settings are resolved; of `compiled` networks NHWC in bf16.

    Those were measured to be faster so (docs/performance.md). Keys of results do not know of compiling.
    """
    last = train.channels_last is True or (compiled and train.precision == "bf16")
    return torch.channels_last if last else torch.contiguous_format


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """The context of forward passes in that precision, to be made for each step."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()


def seed_streams(seed: int, device: torch.device) -> None:
    """Seed the random streams of the host and of a device.

    `torch.manual_seed` seeds those of every kind of device there may be, which takes longer than a small step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(seed)
    elif device.type != "cpu":
        torch.manual_seed(seed)


def _convolving(dtype: torch.dtype, device: torch.device) -> float:
    """Seconds of a convolution, the quickest of three."""
    images, weights = (torch.ones(shape, dtype=dtype, device=device) for shape in ((4, 64, 64, 64), (64, 64, 3, 3)))
    seconds = []
    for _ in range(4):
        began = time.perf_counter()
        float(torch.nn.functional.conv2d(images, weights)[0, 0, 0, 0])
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def _own_gpu(number: int) -> torch.device:
    count = torch.cuda.device_count()
    if number >= count:
        raise UserError(
            f"process {number} of this machine (from 0) has no GPU of its own, there are {count}: "
            "start as many with --nproc-per-node, or add --device cpu"
        )
    return usable_device(f"cuda:{number}", "--device")

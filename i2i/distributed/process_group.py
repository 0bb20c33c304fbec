"""Training runs by several processes, on one machine or many: each computes the gradients of its share of every batch.

Processes are started by torchrun or by whatever else sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT.
All hold the same weights: gradients are averaged before an optimiser steps, which gives what one process would compute
from the whole batch (Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.3), up to the order of additions.
The first process alone writes and speaks.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn import Parameter

from i2i.distributed.gradient_exchange import NO_EXCHANGE, GradientExchange, NoExchange, put
from i2i.distributed.heartbeats import Heartbeats
from i2i.errors import LostProcess, TrainingError, UserError

PATIENCE = timedelta(days=1)
"""How long one process waits for another that is alive: the first may score or write for long."""


@dataclass(frozen=True)
class Launch:
    """What the launcher tells a process of itself: its number, that on its machine, and how many there are in all."""

    rank: int
    local_rank: int
    count: int

    @classmethod
    def from_environment(cls) -> Self:
        """As RANK, LOCAL_RANK and WORLD_SIZE say; without them a process is the only one."""
        count = _number("WORLD_SIZE", 1)
        if count == 1:
            return cls(0, 0, 1)
        missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
        if missing:
            raise UserError(
                f"WORLD_SIZE={count} asks for several processes and {', '.join(missing)} is not set: start them with "
                "torchrun --nproc-per-node N -m i2i train ..., or unset WORLD_SIZE"
            )
        rank = _number("RANK", 0)
        return cls(rank, _number("LOCAL_RANK", rank), count)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise UserError(f"the environment says {name}={text}, which is no number")
    return int(text)


class Processes:
    """The processes of one training as one of them sees them; this class is a process that is alone.

    Attributes:
        rank: number of this process, from 0.
        count: how many there are.
    """

    rank, count = 0, 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def share(self, size: int) -> slice:
        """The rows of a batch of `size` that are this process's; `size` is a multiple of the count."""
        part = size // self.count
        return slice(self.rank * part, (self.rank + 1) * part)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace every tensor by its mean over the processes."""

    def exchange(self, parameters: Sequence[Parameter]) -> NoExchange:
        """What leaves the means of their gradients in `.grad`, sent while they are computed."""
        return NO_EXCHANGE

    def take_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Replace every tensor by that of the first process."""

    def largest(self, number: int) -> int:
        """The largest of the numbers that the processes give."""
        return number

    def of_first(self, number: float) -> float:
        """The number that the first process gives."""
        return number

    def gather(self, tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        """On the first process what each one gives, by rank; nothing on the others."""
        return [dict(tensors)]

    def alike(self, text: str) -> bool:
        """Whether all processes give the same text."""
        number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")
        largest, smallest = self.largest(number), -self.largest(-number)
        return largest == smallest

    def differing(self, facts: Mapping[str, object]) -> str | None:
        """The first of some facts of which processes give different JSON values, in words; None if there is none."""
        return None

    def wait(self) -> None:
        """Until every process is here."""

    def once(self, function: Callable[[], None]) -> None:
        """Have the first process call it while the others wait."""
        self.wait()
        if self.first:
            function()
        self.wait()

    @contextmanager
    def held_by_first(self, context: AbstractContextManager[object]) -> Iterator[None]:
        """A block that all processes enter once the first has entered a context, which it holds for the block."""
        if self.first:
            with context:
                self.wait()
                yield
        else:
            self.wait()
            yield

    def seed(self, numbers: Sequence[int]) -> list[int]:
        """Numbers for a seed, made this process's own: each draws differently, the first as one that is alone."""
        return [*numbers, *([self.rank] if self.rank else [])]


ALONE = Processes()


class Joined(Processes):
    """One of several processes; every method is called by all of them in the same order.

    All methods raise `LostProcess` when another one is gone.
    """

    def __init__(self, launch: Launch, heartbeats: Heartbeats) -> None:
        self.rank, self.count, self._heartbeats = launch.rank, launch.count, heartbeats

    def average(self, tensors: Sequence[Tensor]) -> None:
        if not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with self._together():
            dist.all_reduce(flat)
        put(flat.div_(self.count), tensors)

    def exchange(self, parameters: Sequence[Parameter]) -> NoExchange:
        return GradientExchange(parameters, self.count, self._together)

    def take_from_first(self, tensors: Sequence[Tensor]) -> None:
        for tensor in tensors:
            sent = tensor.detach().contiguous()
            with self._together():
                dist.broadcast(sent, src=0)
            put(sent, [tensor])

    def largest(self, number: int) -> int:
        value = torch.tensor(number)
        with self._together():
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return int(value)

    def of_first(self, number: float) -> float:
        value = torch.tensor(number, dtype=torch.float64)
        with self._together():
            dist.broadcast(value, src=0)
        return float(value)

    def gather(self, tensors: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        sent = torch.frombuffer(bytearray(safetensors.torch.save(plain)), dtype=torch.uint8)
        longest = self.largest(len(sent))
        lengths = [torch.zeros((), dtype=torch.int64) for _ in range(self.count)]
        padded = torch.cat([sent, sent.new_zeros(longest - len(sent))])
        received = [torch.empty_like(padded) for _ in range(self.count)] if self.first else None
        with self._together():
            dist.all_gather(lengths, torch.tensor(len(sent)))
            dist.gather(padded, received)
        return [
            safetensors.torch.load(one[: int(length)].numpy().tobytes())
            for one, length in zip(received or [], lengths, strict=False)
        ]

    def differing(self, facts: Mapping[str, object]) -> str | None:
        gathered = [json.loads(text) for text in self._texts(json.dumps(facts))]
        for name in dict.fromkeys(name for one in gathered for name in one):
            values = [one.get(name) for one in gathered]
            other = next((rank for rank, value in enumerate(values) if value != values[0]), None)
            if other is not None:
                return f"{name} is {values[0]} in process 0 and {values[other]} in process {other}"
        return None

    def _texts(self, own: str) -> list[str]:
        """What every process gives, by rank."""
        sent = torch.frombuffer(bytearray(own.encode()), dtype=torch.uint8)
        padded = torch.cat([sent, sent.new_zeros(self.largest(len(sent)) - len(sent))])
        received = [torch.empty_like(padded) for _ in range(self.count)]
        with self._together():
            dist.all_gather(received, padded)
        return [bytes(one.tolist()).rstrip(b"\0").decode() for one in received]

    def wait(self) -> None:
        self.largest(0)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """What all do at once; it fails where another process is gone."""
        try:
            yield
        except RuntimeError as error:
            raise LostProcess(self._heartbeats.cause() or str(error).splitlines()[0]) from None


@contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """The processes that this one was started with, while the block lasts; alone where it was started alone.

    In all but the first, nothing is printed meanwhile. Every process sends a heartbeat each second; if one is gone,
    the others end within `heartbeats.SILENCE` and a few seconds.

    Args:
        device: where this process computes: gradients of CUDA devices are exchanged by NCCL, of the CPU by gloo.

    Raises:
        UserError: if the processes cannot find each other, or there is no way to exchange tensors of that device.
    """
    launch = Launch.from_environment()
    if launch.count == 1:
        yield ALONE
        return
    _connect(launch, device)
    heartbeats = Heartbeats(launch.rank, launch.count)
    processes = Joined(launch, heartbeats)
    try:
        with heartbeats, _one_error(heartbeats), _only_the_first_speaks(launch):
            processes.wait()  # until each has sent a heartbeat
            yield processes
    finally:  # after a failure too: its threads abort a process that ends beside them
        dist.destroy_process_group()


def _connect(launch: Launch, device: torch.device) -> None:
    backends = {"cpu": "gloo", "cuda": "cpu:gloo,cuda:nccl"}
    if device.type not in backends:
        raise UserError(f"several processes cannot train on {device.type}: take --device cpu, or one process")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        dist.init_process_group(backends[device.type], rank=launch.rank, world_size=launch.count, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise UserError(
            f"process {launch.rank} of {launch.count} cannot reach the others at "
            f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']} ({str(error).splitlines()[0]})"
        ) from None


@contextmanager
def _one_error(heartbeats: Heartbeats) -> Iterator[None]:
    """Let the process that fails first say why, and end the others without a word."""
    try:
        yield
    except (TrainingError, UserError) as error:
        if heartbeats.report(str(error)):
            raise
        sys.exit(2 if isinstance(error, UserError) else getattr(error, "status", 1))
    except Exception as error:
        heartbeats.report(f"another process failed with {type(error).__name__}: {error}")
        raise


@contextmanager
def _only_the_first_speaks(launch: Launch) -> Iterator[None]:
    if launch.rank == 0:
        yield
        return
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield

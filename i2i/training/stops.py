"""Why a training stops before the end of its budget, in words: what is left in the run folder, and how to go on."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from i2i.config import TrainConfig
from i2i.errors import TrainingError
from i2i.runs.checkpoint import Position
from i2i.runs.folder import newest_checkpoint
from i2i.utils.text import option

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(TrainingError):
    """The training was interrupted and left a checkpoint.

    `status` is the conventional exit status, 128 plus the signal's number.
    """

    def __init__(self, run: Path, position: Position, signal_number: int) -> None:
        self.status = 128 + signal_number
        super().__init__(
            f"stopped after step {position.step} of {position.steps}; go on with: i2i train {option('--resume', run)}"
        )


@contextmanager
def stop_signals() -> Iterator[Callable[[], int]]:
    """Yields a function that gives the number of the signal received that asks to stop, 0 for none.

    These are SIGINT, SIGTERM and, of a terminal that is gone, SIGHUP, unless that is ignored as `nohup` has it.
    """
    received = [0]

    def remember(number: int, frame: Any) -> None:
        received[0] = number

    asked = [number for number in STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, remember) for number in asked}
    try:
        yield lambda: received[0]
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def left_in(run: Path) -> str:
    """What a run folder holds to go on from."""
    checkpoint = newest_checkpoint(run)
    return f"the checkpoint of step {checkpoint.position.step} is good" if checkpoint else "no checkpoint yet"


def lost_process(run: Path, step: int, why: str) -> str:
    """Of a training that stopped after `step` because another process is gone."""
    return (
        f"training stopped at step {step}: {why}; {left_in(run)} in {run}: "
        f"go on with i2i train {option('--resume', run)}, on as many processes as there are"
    )


def disk_full(run: Path, step: int) -> str:
    """Of a training that stopped after `step` because the disk of its run folder is full."""
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None and checkpoint.finished:
        after = "its training is finished"
    else:
        after = f"make room and go on with: i2i train {option('--resume', run)}" if checkpoint else "make room"
    return f"training stopped at step {step}: the disk of {run} is full; {left_in(run)}, {after}"


def out_of_memory(run: Path, step: int, device: str, asked: str, train: TrainConfig, processes: int) -> str:
    """Of a training that stopped after `step` because its device has not the memory that was `asked` for."""
    begun, parts = newest_checkpoint(run) is not None, train.accumulate
    items = (train.batch_size or 1) // processes
    smaller = next((number for number in range(2 * parts, items + 1) if items % number == 0), None)
    same = f"i2i train {option('--resume', run)}" if begun else "the same command"
    remedies = [f"{same} with --set train.accumulate={smaller}, which computes a batch in parts"] if smaller else []
    remedies.append("a new training with a smaller train.batch_size or data.image_size, or train.precision=bf16")
    return (
        f"training stopped at step {step}: there is not enough memory on {device}{asked}; "
        f"{left_in(run)} in {run}. What takes less: {', or '.join(remedies)}"
    )

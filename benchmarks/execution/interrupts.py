"""An interrupted bench ends in a line that says how to go on: Ctrl-C, SIGTERM, or a terminal that closes."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

from i2i.errors import TrainingError
from i2i.utils.text import option

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
KEYBOARD = [number for number in SIGNALS if number != signal.SIGTERM]
"""What a terminal sends to all processes of a command, of which the first alone is to act on it."""


class _Received(KeyboardInterrupt):
    """A signal; no `except Exception` on the way swallows it."""

    def __init__(self, number: int) -> None:
        self.number = number


class Stopped(TrainingError):
    """An interrupted bench. `status` is the conventional exit status, 128 plus the signal's number."""

    def __init__(self, number: int, out: Path | None) -> None:
        self.status = 128 + number
        name = signal.Signals(number).name
        if out is None:
            super().__init__(f"stopped by {name} before anything was done; run the same command again")
        else:
            super().__init__(
                f"stopped by {name}; what is finished and all checkpoints are kept, go on with: "
                f"i2i bench {option('--out', out)}"
            )


@contextmanager
def stoppable(out: Path | None) -> Iterator[None]:
    """Raise `Stopped` for a signal that arrives in the block; `out` is the results folder if work has begun in it.

    Signals that this process was started to ignore, as by nohup, stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _receive) for number in heeded}
    try:
        yield
    except _Received as received:
        raise Stopped(received.number, out) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Processes that are started in the block get no signal of the keyboard, at no moment of their lives."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # starting it unblocks what is blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, KEYBOARD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(number: int, frame: object) -> None:
    raise _Received(number)

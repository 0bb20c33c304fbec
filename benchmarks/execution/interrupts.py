"""An interrupted bench ends in a line that says how to go on: Ctrl-C, SIGTERM, or a terminal that closes."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from i2i.errors import TrainingError
from i2i.utils.text import option

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


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


def _receive(number: int, frame: object) -> None:
    raise _Received(number)

"""The training's side of a tracker: a process that gets messages through a queue and never holds anybody up."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from typing import BinaryIO

from i2i.tracking.tracker import FOLDER

MOST_WAITING = 1_000
"""Messages that a tracker may be behind before it is given up."""

SECONDS_UNTIL_SAID = 10.0
"""That pass at the end before somebody is told what is waited for."""

SECONDS_TO_END = 120.0
"""For a tracker to write what it has got when the training ends."""


class TrackerProcess:
    """A tracker of one run in its own process, which gets everything that happens as lines of JSON.

    Nothing here raises or waits, but for `close`, which waits for a bounded time and says so if that gets long. A
    tracker that fails, hangs or is too slow is ended, and said so once.

    Args:
        name: of the tracker.
        folder: of the run.
        warn: gets the one warning, and ahead of it what is waited for.
        command: what runs it; by default i2i's own.
        seconds_to_end: how long `close` waits at most.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        warn: Callable[[str], None],
        command: Sequence[str] | None = None,
        seconds_to_end: float = SECONDS_TO_END,
    ) -> None:
        self.name, self._warn, self._seconds = name, warn, seconds_to_end
        self._log = folder / FOLDER / f"{name}.log"
        self._queue: Queue[Mapping[str, object] | None] = Queue(MOST_WAITING)
        self._fault: str | None = None
        self._reported = False
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._started(command or (sys.executable, "-m", "i2i.tracking", name))
        except OSError as error:
            self._fault = str(error)
        else:
            threading.Thread(target=self._write, args=(self._process,), name=f"tracker {name}", daemon=True).start()

    def _started(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """In a session of its own, so that Ctrl-C reaches the training alone, which then ends the tracker's run."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def send(self, kind: str, **values: object) -> None:
        """Pass on a message, or drop it if the tracker is given up."""
        self._pass_on({"kind": kind, **values})

    def close(self, status: str) -> None:
        """End the tracker's run; what it has not done after `seconds_to_end` is left."""
        self.send("end", status=status)
        self._pass_on(None)
        if self._process is not None:
            self._wait(self._process)
        self._give_up_if_failed()

    def _pass_on(self, message: Mapping[str, object] | None) -> None:
        self._give_up_if_failed()
        if self._process is None:
            return
        try:
            self._queue.put_nowait(message)
        except Full:
            self._fault = f"it is {MOST_WAITING} messages behind"

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        said = min(SECONDS_UNTIL_SAID, self._seconds)
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(said)
            if process.poll() is None and said < self._seconds:
                self._warn(
                    f"waiting for the tracker {self.name}, {self._seconds - said:g} s at most, to keep what it got"
                )
            if process.wait(self._seconds - said):
                self._fault = self._last_words()
        except subprocess.TimeoutExpired:
            self._fault = f"it did not end within {self._seconds:g} s"

    def _write(self, process: "subprocess.Popen[bytes]") -> None:
        """The thread, which may wait at a full pipe for as long as it likes."""
        pipe: BinaryIO = process.stdin  # type: ignore[assignment]
        try:
            while (message := self._queue.get()) is not None:
                pipe.write(json.dumps(message, default=str).encode() + b"\n")
                pipe.flush()
            pipe.close()
        except (OSError, ValueError) as error:
            with suppress(subprocess.TimeoutExpired):  # its last words are written when it has ended
                process.wait(self._seconds)
            self._fault = self._last_words() or str(error)

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").split("\n") if self._log.is_file() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it ended")

    def _give_up_if_failed(self) -> None:
        """Give the tracker up if something is wrong with it, and say so: once, and in the caller's thread."""
        if not self._fault or self._reported:
            return
        self._reported, process, self._process = True, self._process, None
        if process is not None:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        self._warn(
            f"--track {self.name} has stopped, i2i goes on without it: {self._fault}\n"
            f"nothing is missing in the run folder; what the tracker said stands in {self._log}"
        )

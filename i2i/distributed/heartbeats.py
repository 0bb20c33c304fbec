"""Heartbeats between the processes of one training, so that none waits for one that is gone."""

import atexit
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from i2i.utils.text import one_line

BEAT = 1.0
"""Seconds between two heartbeats."""

SILENCE = 15.0
"""Seconds without one after which a process that nobody has missed otherwise counts as gone."""

SUSPICION = 4.0
"""The same where the connection to some process has just broken."""

GRACE = 5.0
"""Seconds that a process has to end by itself after another has failed."""

CAUSE = "cause"
STORE_TIMEOUT = timedelta(seconds=10)


@dataclass
class _Peer:
    """The last heartbeat of another process, and when it was new by the clock of this one."""

    heartbeat: Mapping[str, Any]
    last_seen: float

    @property
    def done(self) -> bool:
        """Whether it has come to the end and only waits for the others."""
        return bool(self.heartbeat["done"])


class Heartbeats:
    """Tells the other processes that this one is alive, or why it failed, and ends it when one of them is gone.

    They and the cause of a failure are entries of the store through which the processes found each other. No clocks are
    compared: a process is silent when its heartbeat stays the same. A context, to be entered when the processes have
    found each other; its end waits until all are there.

    Args:
        rank: of this process.
        count: of all.
    """

    def __init__(self, rank: int, count: int) -> None:
        self._rank, self._over, self._answered = rank, threading.Event(), time.monotonic()
        self._address = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        self._others = [number for number in range(count) if number != rank]
        self._peers: dict[int, _Peer] = {}
        self._reported: str | None = None
        self._done = False
        store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timeout=STORE_TIMEOUT)
        self._store = PrefixStore(f"i2i/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._exchange, self._watch)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        atexit.register(self._stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:  # after a failure the threads go on, lest this process hangs on its way out
            self._done = True
            for thread in self._threads:
                thread.join()
            atexit.unregister(self._stop)

    def _stop(self) -> None:
        """Come to an end before the interpreter does, which aborts the process where a thread is inside the store."""
        self._over.set()
        for thread in self._threads:
            thread.join(GRACE)

    def report(self, cause: str) -> bool:
        """Report to all processes why the run fails; whether none had before, so that this one should say it."""
        own, claims = f"{self._rank}: {cause}", list[bytes]()
        asking = threading.Thread(target=lambda: claims.append(self._claim(own)), daemon=True)
        asking.start()
        asking.join(GRACE)
        if self._rank == 0:  # unless a launcher holds the store, it goes with this process
            self._wait_for_readers()
        return not claims or claims[0] == own.encode()

    def cause(self) -> str | None:
        """Why another process could not be reached just now, after a few seconds at most; None if it stays unknown."""
        until = time.monotonic() + SUSPICION + 2 * BEAT
        while time.monotonic() < until:
            found = self._reported.partition(": ")[2] if self._reported else self._silence(SUSPICION)
            if found:
                return found
            time.sleep(BEAT / 4)
        return None

    def _exchange(self) -> None:
        """Give signs and hear those of others until all are done; it may wait for ever where the network is broken."""
        number = 0
        while not self._over.is_set():
            number, done = number + 1, self._done
            try:
                self._send_heartbeat(number, done)
                self._listen()
                self._answered = time.monotonic()
            except RuntimeError:  # noticed by `_silence`; or all are done, and with them the store
                over = done
            else:
                over = done and all(number in self._peers and self._peers[number].done for number in self._others)
            if over:
                self._over.set()
            self._over.wait(BEAT / 10 if done else BEAT)

    def _watch(self) -> None:
        """End this process, which may be waiting in a library that never returns, when another one is gone."""
        while not self._over.wait(BEAT):
            if self._reported:
                if self._over.wait(GRACE):
                    return
                os._exit(1)
            silent = self._silence(SILENCE)
            if silent and self.report(silent):
                text = f"i2i: training stopped: {silent}; go on from the last checkpoint with --resume"
                print(one_line(text), file=sys.__stderr__, flush=True)
            if silent:
                os._exit(1)

    def _claim(self, own: str) -> bytes:
        try:
            claimed: bytes = self._store.compare_set(CAUSE, "", own)
        except RuntimeError:
            return (self._reported or own).encode()
        with suppress(RuntimeError):
            self._store.set(_read_by(self._rank), "")
        return claimed

    def _wait_for_readers(self) -> None:
        """Until the others know the cause, but no longer than leaves time to say it: a few seconds."""
        until = time.monotonic() + GRACE / 2
        with suppress(RuntimeError):
            while time.monotonic() < until and not all(map(self._has_read, self._others)):
                time.sleep(BEAT / 20)

    def _has_read(self, number: int) -> bool:
        """Whether another process knows the cause, or is silent and will not ask."""
        peer = self._peers.get(number)
        silent = peer is not None and time.monotonic() - peer.last_seen > SUSPICION
        return silent or bool(self._store.check([_read_by(number)]))

    def _send_heartbeat(self, number: int, done: bool) -> None:
        heartbeat = {"number": number, "host": platform.node(), "pid": os.getpid(), "done": done}
        self._store.set(_key(self._rank), json.dumps(heartbeat))

    def _listen(self) -> None:
        present = [number for number in self._others if self._store.check([_key(number)])]
        for number, heartbeat in zip(present, self._store.multi_get([_key(number) for number in present]), strict=True):
            if number not in self._peers or self._peers[number].heartbeat != json.loads(heartbeat):
                self._peers[number] = _Peer(json.loads(heartbeat), time.monotonic())
        if self._store.check([CAUSE]):
            self._reported = self._store.get(CAUSE).decode()
            self._store.set(_read_by(self._rank), "")

    def _silence(self, limit: float) -> str | None:
        """Who has been silent for longer than so many seconds, in words."""
        now = time.monotonic()
        if now - self._answered > limit:
            return f"the process that holds the run together, at {self._address}, does not answer"
        for number, peer in list(self._peers.items()):
            if now - peer.last_seen > limit and not peer.done:
                return (
                    f"process {number} ({peer.heartbeat['pid']} on {peer.heartbeat['host']}) is gone without a word: "
                    "it was killed, perhaps for want of memory, or its machine or network has failed"
                )
        return None


def _key(rank: int) -> str:
    return f"life/{rank}"


def _read_by(rank: int) -> str:
    """The entry that says that a process knows the cause."""
    return f"read/{rank}"

"""Scenes drawn by several processes. Threads would wait for one another: drawing is many small steps of Python."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import zip_longest
from threading import Lock
from typing import Any

from i2i.utils.progress import Progress

SCENES_PER_PROCESS = 150
"""Fewer are drawn in the time that another process takes to start."""
MOST_PROCESSES = 8
"""Each takes half a gigabyte."""
MODULE = "i2i.data.synthetic.__main__"
PROGRAM = "import sys; sys.path[:] = sys.argv[2:]; import importlib; importlib.import_module(sys.argv[1]).main()"
"""Imports from where this process does, whatever lies in the working directory."""
Order = dict[str, Any]
"""The arguments of `embedded.draw_scene` and the split of every scene, as `__main__.py` beside this reads them."""


def draw_scenes(order: Order, draw: Callable[[int], None], progress: Progress | None) -> None:
    """Draw all scenes, every n-th in this process and the others in n - 1 more.

    Args:
        order: the names and values that `draw` goes by.
        draw: draws the scene of that number here.
        progress: called with scenes drawn and in total, by one thread at a time.
    """
    total = len(order["splits"])
    parts = max(1, min(os.cpu_count() or 1, MOST_PROCESSES, total // SCENES_PER_PROCESS))
    counter = _Counter(total, progress)
    with ThreadPoolExecutor(parts) as threads, _helpers(parts - 1) as helpers:
        shares = [range(part, total, parts) for part in range(1, parts)]
        counts = [
            threads.submit(_follow, helper, {**order, "scenes": list(share)}, counter)
            for helper, share in zip(helpers, shares, strict=False)
        ]
        _draw_here(range(0, total, parts), draw, counter)
        for share, drawn in zip_longest(shares, counts):  # what a process has left, for whatever reason, is drawn here
            _draw_here(share[drawn.result() if drawn else 0 :], draw, counter)


class _Counter:
    """Tells how many scenes are drawn."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress, self._lock = 0, total, progress, Lock()

    def advance(self) -> None:
        with self._lock:
            self._done += 1
            if self._progress:
                self._progress(self._done, self._total)


def _draw_here(scenes: range, draw: Callable[[int], None], counter: _Counter) -> None:
    for scene in scenes:
        draw(scene)
        counter.advance()


@contextmanager
def _helpers(count: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """So many processes, or as many as can be started; all have ended afterwards."""
    helpers: list[subprocess.Popen[str]] = []
    try:
        with suppress(OSError):
            for _ in range(count):
                helpers.append(_started())
        yield helpers
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
            if helper.stdout:
                helper.stdout.close()


def _started() -> "subprocess.Popen[str]":
    """In a session of its own, so that Ctrl-C reaches this process alone, which then ends it."""
    return subprocess.Popen(
        (sys.executable, "-P", "-c", PROGRAM, MODULE, *sys.path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def _follow(helper: "subprocess.Popen[str]", order: Order, counter: _Counter) -> int:
    """How many of the scenes of an order, from the first on, a process says it has drawn until it ends."""
    with suppress(BrokenPipeError), helper.stdin as given:  # type: ignore[union-attr]
        json.dump(order, given)
    drawn = 0
    for line, scene in zip(helper.stdout or (), order["scenes"], strict=False):
        if line != f"{scene}\n":
            break
        drawn += 1
        counter.advance()
    return drawn

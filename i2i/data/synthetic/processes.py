"""Scenes drawn by several processes. Threads would wait for one another: drawing is many small steps of Python."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from i2i.utils.progress import Progress

SCENES_PER_PROCESS = 150
"""Fewer are drawn in the time that another process takes to start."""
MODULE = "i2i.data.synthetic"
Order = dict[str, Any]
"""The arguments of `embedded.draw_scene` and the split of every scene, as `python -m i2i.data.synthetic` reads them."""


def draw_scenes(order: Order, draw: Callable[[int], None], progress: Progress | None) -> None:
    """Draw all scenes, every n-th in this process and the others in n - 1 more.

    Args:
        order: the names and values that `draw` goes by.
        draw: draws the scene of that number here.
        progress: called with scenes drawn and in total, by one thread at a time.
    """
    total = len(order["splits"])
    parts = max(1, min(os.cpu_count() or 1, total // SCENES_PER_PROCESS))
    counter = _Counter(total, progress)
    orders = [{**order, "first": part, "step": parts} for part in range(1, parts)]
    with ThreadPoolExecutor(parts) as threads, _helpers(orders) as helpers:
        counts = [threads.submit(_follow, helper, counter) for helper in helpers]
        _draw_here(range(0, total, parts), draw, counter)
        for part, drawn in enumerate(counts, 1):  # what a process has left, for whatever reason, is drawn here
            _draw_here(range(part, total, parts)[drawn.result() :], draw, counter)


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
def _helpers(orders: list[Order]) -> Iterator[list["subprocess.Popen[str]"]]:
    """A process per order, which says a line for each scene that it has drawn; all have ended afterwards."""
    helpers: list[subprocess.Popen[str]] = []
    try:
        for order in orders:
            helpers.append(_started(order))
        yield helpers
    finally:
        for helper in helpers:
            helper.kill()
            helper.wait()
            if helper.stdout:
                helper.stdout.close()


def _started(order: Order) -> "subprocess.Popen[str]":
    """In a session of its own, so that Ctrl-C reaches this process alone, which then ends it."""
    helper = subprocess.Popen(
        (sys.executable, "-m", MODULE),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        with helper.stdin as given:  # type: ignore[union-attr]
            json.dump(order, given)
    except BrokenPipeError:  # it has ended, and has drawn nothing
        pass
    return helper


def _follow(helper: "subprocess.Popen[str]", counter: _Counter) -> int:
    """How many scenes a process draws until it ends."""
    drawn = 0
    for _ in helper.stdout or ():
        drawn += 1
        counter.advance()
    return drawn

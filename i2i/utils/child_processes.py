"""Processes that work for the one that starts them: the keyboard does not reach them, and they do not outlive it."""

import os
import pickle
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from threading import Thread

KEYBOARD = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
"""What a terminal sends to all processes of a command, of which the first alone is to act on it."""


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


def in_child(connection: Connection) -> None:
    """The life of a process that does one thing and ends at once, without a word, when the one that started it does.

    It gets a pickled tuple: a function of the connection and of the other entries. What that imports is imported here.
    """
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent,), daemon=True).start()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        work, *arguments = pickle.loads(connection.recv_bytes())
        work(connection, *arguments)


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

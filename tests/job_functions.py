"""Functions that worker processes run in tests/test_workers.py."""

import os
from pathlib import Path

from i2i.errors import UserError


def write(report, path):
    report("writing")
    with Path(path).open("a") as file:
        file.write(f"{os.getpid()}\n")


def refuse(report):
    raise UserError("there is no such thing")


def crash(report):
    raise RuntimeError("an unforeseen thing")


def die(report):
    os._exit(9)

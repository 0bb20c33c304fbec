"""What the program says on the terminal: the one way out for words on standard output and standard error.

Escape sequences and other control characters in the words are shown, not obeyed. Characters that the encoding of the
terminal lacks are written in ASCII, so that no table is lost to a terminal that is not UTF-8.
"""

import codecs
import os
import sys
from contextlib import suppress
from typing import TextIO

from i2i.utils.text import terminal

PLAIN = "i2i.plain"
ASCII = {
    **dict.fromkeys("─━╌╍┄┅", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼┏┓┗┛┡┢┩┪╇╈╎╏╭╮╰╯┳┻╋┣┫", "+"),
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "±": "+-",
    "×": "x",
    "–": "-",
    "…": "...",
    "†": "=",
    "‡": "?",
}


def say(text: str, end: str = "\n") -> None:
    """Write to standard output."""
    _write(sys.stdout, text + end)


def note(text: str) -> None:
    """Write to standard error, which is for whatever is not the result; a terminal that is gone takes nothing."""
    with suppress(OSError):
        _write(sys.stderr, f"{text}\n")


def prepare() -> None:
    """Let standard output and standard error take every character, whatever their encoding is."""
    codecs.register_error(PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN)


def give_up() -> None:
    """Drop what standard output does not take, whose reader is gone or whose disk is full; nothing can be done."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(stream: TextIO, text: str) -> None:
    stream.write(terminal(text))
    stream.flush()


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Handler of characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(ASCII.get(char) or char.encode("ascii", "backslashreplace").decode() for char in found), error.end

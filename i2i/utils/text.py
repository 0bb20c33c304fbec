"""Text from outside, such as names of files and domains, made safe for the medium that shows it: one way out for each.

Names may hold anything: line ends, escape sequences of terminals, Markdown, formulas. HTML and LaTeX have their own
ways out beside the code that writes them.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import cycle

_MARKDOWN = re.compile(
    r"[\\`*<|~$]|&(?=#?\w+;)|\](?=[(\[:])"  # acts anywhere
    r"|(?<!\w)_|_(?!\w)"  # emphasis; within a word it is none
    r"|(?<=\w):(?=//)|(?<=\bwww)\."  # links that need no brackets
    r"|^>|^[#+-](?=[\s#-]|$)|^=(?=[=\s]*$)"  # headings, lists and rules begin a line
)
_NUMBERED = re.compile(r"^\d{1,9}(?=[.)](?:\s|$))")
_PLAIN = re.compile(r"\w(?:[\w .-]*\w)?")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def joined_lines(text: str) -> str:
    """The lines of a text after each other, for where only one has room.

    >>> joined_lines("x.png cannot be read:\\nremove it")
    'x.png cannot be read: remove it'
    """
    return " ".join(line.strip() for line in text.strip().splitlines())


def one_line(text: str) -> str:
    """Text for a terminal or a log: what cannot be printed is written as an escape, such as `\\n` or `\\x1b`.

    >>> print(one_line("ü\\nß"))
    ü\\nß
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def terminal(text: str) -> str:
    """Text of several lines for a terminal: line ends stay, every other control character is written as an escape."""
    return "\n".join(one_line(line) for line in text.split("\n"))


def markdown(text: str) -> str:
    """Text that Markdown shows as it is, in one line.

    >>> print(markdown("a|b <c>"))
    a\\|b \\<c>
    """
    return _NUMBERED.sub(r"\g<0>\\", _MARKDOWN.sub(r"\\\g<0>", one_line(text)))


def prose(text: str) -> str:
    """A sentence of ours with names in it as Markdown: what stands between backticks is code, all else is text.

    >>> print(prose("`n` counts a_* and b_*"))
    `n` counts a\\_\\* and b\\_\\*
    """
    *closed, last = one_line(text).split("`")
    if len(closed) % 2:  # one backtick without a partner
        closed, last = closed[:-1], f"{closed[-1]}`{last}"
    parts = zip(closed, cycle((markdown, code)))
    return "".join(show(part) for part, show in parts if part) + markdown(last)


def code(text: str) -> str:
    """Text in one line of Markdown as code; nothing in it ends the code.

    >>> print(code("a`b"))
    ``a`b``
    """
    line = one_line(text)
    ticks = "`" * (_longest_ticks(line) + 1 if "`" in line else 1)
    space = " " if line[:1] in ("`", " ") or line[-1:] in ("`", " ") else ""
    return f"{ticks}{space}{line}{space}{ticks}"


def fenced(text: str, language: str) -> str:
    """Text of several lines as a block of code in Markdown; nothing in it ends the block."""
    fence = "`" * max(3, _longest_ticks(text) + 1)
    return f"{fence}{language}\n{terminal(text.rstrip(chr(10)))}\n{fence}"


def csv_cell(text: str) -> str:
    """Text of a CSV cell that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe.

    `from_csv_cell` gives the text back.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def csv_row(row: Mapping[str, object]) -> dict[str, object]:
    """A row whose texts are cells as `csv_cell` makes them; numbers stay as they are."""
    return {name: csv_cell(value) if isinstance(value, str) else value for name, value in row.items()}


def from_csv_cell(cell: str) -> str:
    """The text that `csv_cell` wrote.

    >>> from_csv_cell(csv_cell("=1+1"))
    '=1+1'
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def shell(*words: str) -> str:
    """Words of a command line as a POSIX shell takes them; control characters as bash writes them.

    >>> print(shell("i2i", "a b", "$x"))
    i2i 'a b' '$x'
    """
    return " ".join(shlex.quote(word) if word.isprintable() else _ansi_quoted(word) for word in words)


def option(name: str, value: object) -> str:
    """An option for a shell, as every message writes it; its value, a name or a path, may begin with a dash.

    >>> print(option("--target", "-x"), option("--target", "a b"))
    --target=-x --target 'a b'
    """
    return shell(f"{name}={value}") if str(value).startswith("-") else f"{name} {shell(str(value))}"


def set_list(name: str, values: Sequence[str]) -> str:
    """The option for a shell that sets a list: with commas, or as a YAML list where a value may be more than a word.

    >>> print(set_list("data.domains", ["day", "night"]), set_list("data.domains", ["tench, Tinca", "it"]))
    --set data.domains=day,night --set 'data.domains=["tench, Tinca", "it"]'
    """
    plain = all(_PLAIN.fullmatch(value) for value in values)
    return option("--set", f"{name}={','.join(values) if plain else json.dumps(values, ensure_ascii=False)}")


def argument(value: object) -> str:
    """A path for a shell, as every message writes it, that is not taken for an option."""
    return shell(f"./{value}" if str(value).startswith("-") else str(value))


def _ansi_quoted(word: str) -> str:
    shown = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(char if char.isprintable() else _bytes_of(char) for char in shown)}'"


def _bytes_of(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", errors="backslashreplace").decode()

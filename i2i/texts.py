"""Text from outside, such as names of files and domains, made safe for the medium that shows it: one way out for each.

Names may hold anything: line ends, escape sequences of terminals, Markdown, formulas. HTML and LaTeX have their own
ways out beside the code that writes them.
"""

import re

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$-])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


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
    a\\|b \\<c\\>
    """
    return _MARKDOWN.sub(r"\\\1", one_line(text))


def csv_cell(text: str) -> str:
    """Text of a CSV cell that no spreadsheet takes for a formula: one that looks like it begins with an apostrophe.

    `from_csv_cell` gives the text back.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def from_csv_cell(cell: str) -> str:
    """The text that `csv_cell` wrote.

    >>> from_csv_cell(csv_cell("=1+1"))
    '=1+1'
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", errors="backslashreplace").decode()

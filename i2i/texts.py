"""Names of files as text that is shown: a name may hold anything, a line of output may not."""


def one_line(text: str) -> str:
    """Text with control characters and line breaks written as escapes, such as `\\n`.

    >>> print(one_line("ü\\nß"))
    ü\\nß
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

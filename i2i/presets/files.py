"""Settings files by name: those that ship with the package, and what their headers say. Without torch."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from i2i.config import Settings, merge, read_settings
from i2i.errors import unknown

Kind = Literal["models", "bench"]
HEADINGS: dict[Kind, str] = {
    "models": "For i2i train --config NAME --data DIR:",
    "bench": "For i2i bench --suite NAME:",
}


@dataclass(frozen=True)
class Header:
    """The comment that a shipped file begins with.

    Attributes:
        title: its first line.
        commands: the indented lines.
        notes: what `Expect: ...`, `Cost: ...` and other paragraphs of that form say, by their first word.
    """

    title: str
    commands: tuple[str, ...]
    notes: dict[str, str]


def shipped(kind: Kind) -> dict[str, Path]:
    """The shipped files of a kind by name: `models` for single training runs, `bench` for suites."""
    folder = resources.files("i2i.configs") / kind
    found = [Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def listing() -> list[str]:
    """Name, translators and title of everything that ships, in two sections."""
    lines = []
    for kind, heading in HEADINGS.items():
        files = shipped(kind)
        rows = [(name, ", ".join(translators(read(name))), header_of(path).title) for name, path in files.items()]
        name_width, who_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines += [heading, *(f"  {name:<{name_width}}  {who:<{who_width}}  {title}" for name, who, title in rows), ""]
    return lines[:-1]


def translators(settings: Settings) -> tuple[str, ...]:
    """Names of the translators that settings of a bench or of a training are about, each once."""
    if not is_suite(settings):
        return (settings["model"]["name"],)
    variants = settings.get("variants", {})
    return tuple(dict.fromkeys(variants.get(name, {"model": name})["model"] for name in settings["models"]))


def read(name: str) -> Settings:
    """Settings of a shipped file or of one's own; one that names another as its `base` is put over that one.

    Raises:
        UserError: if there is no such file, or it holds no settings.
    """
    settings = read_settings(_find(name))
    base = settings.pop("base", None)
    return merge(read(str(base)), settings) if base else settings


def is_suite(settings: Settings) -> bool:
    """Whether settings are those of a bench and not of a single training."""
    return "models" in settings


def header_of(path: Path) -> Header:
    """The header of a settings file."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    notes: dict[str, str] = {}
    for line in lines:
        first, colon, rest = line.partition(": ")
        if colon and first.isalpha():
            notes[first] = rest
        elif notes and line and not line.startswith(" "):
            last = list(notes)[-1]
            notes[last] += f" {line}"
    commands = tuple(line.strip() for line in lines if line.startswith("  "))
    return Header(lines[0] if lines else "", commands, notes)


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    known = shipped("models") | shipped("bench")
    if name not in known:
        raise unknown("suite or settings", name, known)
    return known[name]

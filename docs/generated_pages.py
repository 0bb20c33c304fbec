"""Pages of the site that the program itself writes: commands with their options, settings, Python functions.

MkDocs calls `on_files` and `on_page_markdown` (see mkdocs.yml).
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import typer
from pydantic import BaseModel

from i2i import registry
from i2i.benchmarks.suite.schema import Suite
from i2i.cli import app
from i2i.config import DataConfig, TrainConfig

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

API_ROW = re.compile(r"^\| `(i2i[\w.]*)` \| (`.*`) \|$", re.MULTILINE)
OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+[A-Z][\w.]*(?:#[\w-]+)?\)")
"""A link to a file at the top of the repository."""

SHIM = "https://unpkg.com/iframe-worker/shim"
"""A script that the theme would load."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Only the name is left of links to files at the top of the repository, which are no part of the site."""
    return OUTSIDE.sub(r"\1", markdown)


def on_post_page(output: str, page: Any, **_: object) -> str:
    """The site's own script in place of the one that the theme takes from a server, for searching pages on disk."""
    return output.replace(SHIM, "../" * page.url.count("/") + "javascripts/worker_of_files.js")


def on_post_template(output_content: str, **_: object) -> str:
    """The same of pages that have no source, such as that of errors."""
    return output_content.replace(SHIM, "/javascripts/worker_of_files.js")


def pages() -> Mapping[str, str]:
    """Every page by its path in the site."""
    return {
        "reference/commands.md": commands_page(),
        "reference/settings.md": settings_page(),
        "reference/python.md": python_page(),
    }


def commands_page() -> str:
    """Every command with its help and options, as `--help` has them."""
    parts = ["# All commands and options", "What `i2i COMMAND --help` prints."]
    for name, command in commands(typer.main.get_command(app), "i2i"):
        parts += [f"## {name}", _help(command), _table(["Option", "Meaning"], _options(command))]
    return "\n\n".join(filter(None, parts)) + "\n"


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """The commands that can be run, by the words that call them."""
    below = getattr(command, "commands", {})
    if not below or getattr(command, "invoke_without_command", False):
        yield name, command
    for word, inner in below.items():
        yield from commands(inner, f"{name} {word}")


def _help(command: click.Command) -> str:
    """Paragraphs as they are, and examples that follow each other as a block of code."""
    paragraphs = [" ".join(part.split()) for part in (command.help or "").replace("\f", "").split("\n\n")]
    blocks = groupby(paragraphs, lambda part: part.startswith(("i2i ", "torchrun ")))
    return "\n\n".join(
        "\n".join(f"    {part}" for part in block) if code else "\n\n".join(map(_text, block)) for code, block in blocks
    )


def _options(command: click.Command) -> Iterator[list[str]]:
    for parameter in command.params:
        shown = "" if getattr(parameter, "is_flag", False) else parameter.metavar or ""
        names = ", ".join(parameter.opts) if parameter.param_type_name == "option" else ""
        yield [
            f"`{f'{names} {shown}'.strip() or str(parameter.name).upper()}`",
            _text(getattr(parameter, "help", None) or ""),
        ]


def settings_page() -> str:
    """Every setting of training runs, models and benches, with default and description."""
    parts = ["# All settings", "Changed by `--set NAME=VALUE`; a default of `None` is explained by the description."]
    for title, section, model in sections():
        rows = [[f"`{section}{name}`", f"`{_default(field)}`", _text(field.description or "")] for name, field in model]
        parts += [f"## {title}", _table(["Setting", "Default", "Meaning"], rows)]
    return "\n\n".join(parts) + "\n"


def sections() -> Iterator[tuple[str, str, list[tuple[str, "FieldInfo"]]]]:
    """Title, start of the names, and fields of every section of settings."""
    yield "Training", "train.", list(TrainConfig.model_fields.items())
    yield "Data", "data.", list(DataConfig.model_fields.items())
    for name in registry.names():
        fields = list(registry.get(name).Config.model_fields.items())
        if fields:
            yield f"Model {name}", "model.", fields
    for name, field in Suite.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield f"Bench: {name}", f"{name}.", list(inner.model_fields.items())


def _default(field: "FieldInfo") -> str:
    value = field.get_default(call_default_factory=True)
    return str(getattr(value, "value", value))


def python_page() -> str:
    """Docstrings of what `docs/api.md` lists."""
    listed = API_ROW.findall((Path(__file__).parent / "api.md").read_text())
    parts = ["# Python functions", "The docstrings of all that [Python API](../api.md) lists."]
    for module, names in listed:
        parts.append(f"## {module}")
        for name in names.strip("`").split("` `"):
            if place := _home(module, name):
                parts.append(f"::: {place}\n    options:\n      heading: {module}.{name}\n      toc_label: {name}")
    return "\n\n".join(parts) + "\n"


def _home(module: str, name: str) -> str | None:
    """Where a function or class is written; None for what has no docstring of its own."""
    from importlib import import_module

    found = getattr(import_module(module), name)
    home = getattr(found, "__module__", "")
    return f"{home}.{found.__name__}" if home.startswith("i2i") and hasattr(found, "__name__") else None


def _table(header: list[str], rows: "Iterator[list[str]] | list[list[str]]") -> str:
    lines = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join(lines) if len(lines) > 2 else ""


def _text(text: str) -> str:
    """Text that stands in a cell and means nothing to Markdown."""
    return re.sub(r"([|<*_\[\]])", r"\\\1", " ".join(text.split()))

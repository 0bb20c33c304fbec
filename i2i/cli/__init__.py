"""The command line: its commands, one file each, and how errors end.

Heavy libraries are imported inside the commands, so that help is quick.
"""

import atexit
import gc
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, NoReturn, Protocol

import typer

from i2i._version import __version__
from i2i.cli import (
    bench,
    configs,
    data,
    demo,
    export,
    import_files,
    interpolate,
    models,
    report,
    results,
    score,
    study,
    train,
    translate,
    video,
    watch,
    weights,
)
from i2i.cli.endings import INTERRUPTED, ending
from i2i.utils import console

app = typer.Typer(
    name="i2i",
    help="Train image-to-image translators and compare them on the same data by the same measures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train.train)
app.command()(translate.translate)
app.command()(video.video)
app.command()(interpolate.interpolate)
app.command("import")(import_files.import_files)
app.command()(export.export)
app.command()(bench.bench)
app.command()(score.score)
app.command()(report.report)
app.command()(report.grid)
app.command()(demo.demo)
app.command()(watch.watch)
app.command()(watch.film)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.add_typer(configs.app, name="configs")
app.add_typer(study.app, name="study")
app.add_typer(results.app, name="results")
app.add_typer(weights.app, name="weights")


def main() -> None:
    """Entry point: what cannot go on ends in a line or two that say why, without a traceback."""
    console.prepare()
    atexit.register(gc.freeze)  # what is left then ends with the process; collecting it takes up to a second
    try:
        # Not standalone, so that wrong usage ends as all else does; Ctrl-C then comes back as a status.
        program = _program()
        if os.environ.get("RANK", "0") == "0":  # of several processes one
            _tell_repeats(program, sys.argv[1:])
        status = program(standalone_mode=False) or 0
    except Exception as error:
        console.give_up()
        message = ending(error)
        if message is None:
            raise
        _fail(*message)
    if status == INTERRUPTED:
        _fail("stopped by Ctrl-C", status)
    sys.exit(status)


@cache
def _program() -> Callable[..., int | None]:
    """The tree of commands, made from their signatures once for all calls in a process."""
    program = typer.main.get_command(app)
    _join_lines(program)
    return program


class _Command(Protocol):
    """Of a command or a group of them, whatever version of typer it comes from."""

    help: str | None


def _tell_repeats(command: object, words: Sequence[str]) -> None:
    """Say which options of one value are given several, of which the last holds, as everywhere."""
    words = words[: words.index("--")] if "--" in words else words
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    for option in getattr(command, "params", ()):
        given = sum(word.split("=")[0] in option.opts for word in words)
        if given > 1 and option.param_type_name == "option" and not (option.multiple or option.is_flag):
            all_of_them = "; for all of them put commas between" if ",..." in (option.metavar or "") else ""
            console.note(f"i2i: {option.opts[0]} is given {given} times, and the last one holds{all_of_them}")
    for name, values in _set_in(words).items():
        if len(set(values)) > 1:
            console.note(f"i2i: --set gives {name} as {' and as '.join(values)}, and the last one holds")


def _set_in(words: Sequence[str]) -> dict[str, list[str]]:
    """The values that --set gives in a command line, by setting."""
    found: dict[str, list[str]] = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--set" or word.startswith("--set="):
            name, _, value = (following if word == "--set" else word.removeprefix("--set=")).partition("=")
            found.setdefault(name.strip(), []).append(value.strip())
    return found


def _join_lines(command: _Command) -> None:
    """Let help fill the terminal: typer breaks lines where a docstring does, in all paragraphs but the first."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(
        paragraph if paragraph.startswith(" ") else paragraph.replace("\n", " ") for paragraph in paragraphs
    )
    for inner in getattr(command, "commands", {}).values():
        _join_lines(inner)


def _fail(message: str, status: int) -> NoReturn:
    if message:
        console.note(f"i2i: {message}")
    sys.exit(status)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.say(f"i2i {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the program itself."""

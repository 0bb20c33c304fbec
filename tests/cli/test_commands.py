"""How the command line is arranged: where a command lies, and under which headings its options are listed."""

import inspect

import pytest
import typer

from i2i.cli import app
from i2i.cli.bench import PANELS
from tests.support.in_process import command

COMMANDS = typer.main.get_command(app).commands
FILES = {"import": "import_files", "grid": "report", "film": "watch"}
"""`import` is a keyword; of the others, two commands of one idea share a file."""


def commands_within(command):
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from commands_within(inner)


def panels(name):
    return {option.name: option.rich_help_panel for option in COMMANDS[name].params}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_lies_in_the_file_of_its_name(name):
    functions = [inspect.unwrap(inner.callback) for inner in commands_within(COMMANDS[name]) if inner.callback]
    assert functions
    assert {function.__module__ for function in functions} == {f"i2i.cli.{FILES.get(name, name)}"}


def test_options_of_the_bench_are_listed_under_headings():
    found = panels("bench")
    for heading, names in PANELS.items():
        assert {found.pop(name) for name in names} == {heading}
    assert found == {"out": None, "suite": None, "settings": None}


def test_a_heading_of_one_command_does_not_show_in_another():
    assert panels("bench")["device"] == "Execution"
    assert panels("train")["device"] is None


def test_help_breaks_no_line_before_the_terminal_does(capsys, monkeypatch):
    """typer breaks all paragraphs but the first where the docstring does; those of commands stay as they are."""
    monkeypatch.setenv("COLUMNS", "80")
    assert command("interpolate", "--help") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "directions; the image's own domain as an end gives strengths of a change." in lines
    assert "i2i interpolate runs/munit photo.jpg --target night --to-seed 3 --out out/" in lines


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--models", "reinhard", "--models=nobody"], "--models is given 2 times, and the last one holds; for all of"),
        (["--out", "a", "--out", "b", "--models=nobody"], "--out is given 2 times, and the last one holds"),
        (["--set", "data.scenes=4", "--set", "data.test_scenes=2", "--models=nobody"], ""),
        (["--set", "data.scenes=4", "--set=data.scenes=4", "--models=nobody"], ""),
        (
            ["--set", "data.scenes=4", "--set=data.scenes=2", "--models=nobody"],
            "--set gives data.scenes as 4 and as 2, and the last one holds",
        ),
    ],
)
def test_an_option_of_one_value_that_is_given_twice_is_told(arguments, told, capsys):
    assert command("bench", *arguments, "--dry-run") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"i2i: {told}")
    assert said.count("the last one holds") == bool(told)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_in_help_stand_indented(name):
    """typer takes the indent off whatever follows the first paragraph, all of it, unless a line has none."""
    for inner in commands_within(COMMANDS[name]):
        _, _, rest = inspect.cleandoc(inner.help or "").partition("\n\n")
        assert not any(line.startswith("i2i ") for line in inspect.cleandoc(rest).splitlines()), inner.name

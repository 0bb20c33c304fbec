"""A command within a message works when it is pasted, whatever folders and domains are called."""

import ast
import re
import shlex
import signal
from pathlib import Path

import pytest
from PIL import Image

import i2i
import i2i.benchmarks
import i2i.models
from i2i.benchmarks.execution.interrupts import Stopped
from i2i.config import DataConfig, parse_assignments, validate
from i2i.data.audit.unrecognized import diagnose
from i2i.data.layouts.image_folder import ImageFolder
from i2i.errors import UserError
from i2i.runs.checkpoint import Position
from i2i.runs.load import require_checkpoint
from i2i.training.resume import open_for_resume
from i2i.training.stops import Interrupted
from i2i.translator import Coverage, Task
from i2i.utils.text import argument, set_list

QUOTING = {"argument", "option", "set_list", "shell"}
OUR_OWN = {
    "files",
    "height",
    "layout.name",
    "least",
    "math.ceil(size / parts) * parts",
    "size",
    "smaller",
    "unit",
    "written",
    "way",
    "FORMS",
    "' or '.join(takers)",
    "','.join(nearest)",
    "max(config.scales - 1, 1)",
    "max(config.layers - 1, 1)",
    "math.gcd(self.width, self.groups)",
    "self.timesteps",
}
"""Numbers and words of i2i, which no shell reads otherwise."""

BEFORE_A_WORD = re.compile(r".*(?:\bi2i [a-z]+ (?:[a-z]+ )?|(?<!^)(?<![\w-])--[a-z][a-z-]*[ =](?:[a-z_.]+=)?)$", re.S)


def unquoted(source: str) -> list[str]:
    """What f-strings put into commands as it is; an option that begins a message tells what was given."""
    found = []
    for text in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)):
        before = ""
        for part in text.values:
            if isinstance(part, ast.Constant):
                before += str(part.value)
            elif isinstance(part, ast.FormattedValue):
                value, shown = part.value, part.conversion == ord("r")
                quoted = isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in QUOTING
                if BEFORE_A_WORD.match(before) and not (quoted or shown or ast.unparse(value) in OUR_OWN):
                    found.append(f"{before[-40:]}{{{ast.unparse(value)}}}")
                before += "X"
    return found


def sources() -> list[Path]:
    folders = [Path(str(package.__path__[0])) for package in (i2i, i2i.models, i2i.benchmarks)]
    return [path for folder in folders for path in folder.rglob("*.py") if not path.stem.endswith("_speed")]


@pytest.mark.integration
def test_every_word_that_comes_from_outside_is_quoted_in_commands():
    assert len(sources()) > 200
    assert {str(path): found for path in sources() if (found := unquoted(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("message", "bad"),
    [
        ('f"go on with i2i train --resume {run}"', True),
        ('f"go on with i2i train {option(name, run)}"', False),
        ('f"translate: i2i translate {run} IMAGES"', True),
        ('f"choose with --set data.domains={names}"', True),
        ('f"or i2i data prepare {texts.argument(root)} --out DIR"', False),
        ('f"--out {out} must end in .pdf"', False),
    ],
)
def test_the_search_for_unquoted_words_finds_them(message, bad):
    assert bool(unquoted(message)) is bad


def words(message: str) -> list[str]:
    """Words of the command in a message, without what ends the sentence behind it."""
    command = message[message.rindex("i2i ") :]
    return [word.rstrip(",;:)") for word in shlex.split(command.split(", or ")[0])]


def said(action) -> str:
    with pytest.raises(UserError) as refused:
        action()
    return str(refused.value)


def loose_images(place: Path) -> str:
    place.mkdir()
    Image.new("RGB", (8, 8)).save(place / "a.png")
    assert ImageFolder(place).images
    return (diagnose(place) or "").partition(" --split")[0]


MESSAGES = {
    "no run": lambda place: said(lambda: require_checkpoint(place)),
    "nothing to resume": lambda place: said(lambda: open_for_resume(place)),
    "interrupted": lambda place: str(Interrupted(place, Position(1, 2, 3, 4.0), signal.SIGINT)),
    "stopped": lambda place: str(Stopped(signal.SIGTERM, place)),
    "loose images": loose_images,
}


@pytest.mark.parametrize("name", ["my run", "it's", "a;b", "$HOME", 'say "x"'])
@pytest.mark.parametrize("message", MESSAGES)
def test_the_path_is_found_again_in_the_printed_command(tmp_path, message, name):
    assert str(tmp_path / name) in words(MESSAGES[message](tmp_path / name))


@pytest.mark.parametrize("name", ["-x", "- y"])
def test_a_relative_path_with_a_dash_is_no_option(name):
    assert words(str(Stopped(signal.SIGTERM, Path(name))))[-1] == f"--out={name}"
    assert shlex.split(argument(name)) == [f"./{name}"]


@pytest.mark.parametrize(
    "domains", [("day", "night"), ("tench, Tinca", "no"), ("it's", "a b"), ("1", "2"), ("a: b", "#c"), ("[x", "null")]
)
def test_domains_that_a_message_names_are_those_that_set_reads(domains):
    (setting,) = shlex.split(set_list("data.domains", domains))[1:]
    assert validate(DataConfig, parse_assignments([setting])["data"], "data").domains == domains


def test_the_advice_for_too_many_domains_can_be_pasted():
    message = said(lambda: Task.covering(Coverage.PAIR, ["tench, Tinca", "it's", "x"], (8, 8)))
    assert shlex.split(message[message.index("--set") :]) == ["--set", """data.domains=["tench, Tinca", "it's"]"""]

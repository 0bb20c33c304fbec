"""Random command lines over all commands and options, which must end in words and never in a traceback.

Run by hand, from an empty folder's point of view (it makes its own):

    python -m tests.robustness.fuzz_commands --count 500 --seed 1

Benches and most training runs only say what they would do (`--dry-run`), trials and the network are left out, and every
command has a limit of seconds.
"""

import argparse
import io
import os
import random
import shlex
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from i2i import cli

ROOT: Any = typer.main.get_command(cli.app)
SECONDS = 10
SMALL = {
    "data.image_size": "16",
    "model.width": "2",
    "model.discriminator_width": "2",
    "model.blocks": "0",
    "model.layers": "1",
    "train.images": "4",
}
NAMES = [
    "cyclegan",
    "stargan",
    "pix2pix",
    "identity",
    "reinhard",
    "dawn",
    "dusk",
    "seasons",
    "styles",
    "summer",
    "quick",
]
NEAR = [
    "cyclegn",
    "Dawn",
    "dawn,dusk",
    "dusk,dawn,noon",
    "seasons,styles",
    "dawn2dusk",
    "+stargan",
    "-x",
    "+dawn,-dusk",
]
NUMBERS = [
    "0",
    "1",
    "16",
    "-1",
    "1e9",
    "nan",
    "inf",
    "16x16",
    "0x10",
    "9" * 40,
    "0.5",
    "0.5,0.2,0.3",
    "1,1",
    "0,1,2",
    "",
]
NASTY = [
    "\x1b[2J",
    "[red]",
    "[/]",
    "a\nb",
    "ü",
    "\udcff",
    "=1+1",
    "*",
    "[",
    "{",
    "%s",
    "{0}",
    "~",
    "'",
    '"',
    "x" * 300,
    " ",
]
FORMS = [
    *("png", "jpeg", "hub", "onnx", "safetensors", "reference", "last", "ema", "best", "cpu", "cuda:9", "local", "ray"),
    *(
        "random:2",
        "worst:9:psnr",
        "files:file",
        "disagree:x",
        "averaged",
        "images=4",
        "updates=x",
        "timm:resnet18",
        "alex",
    ),
    *("inception:file", "classifier:file", "best-on-val:psnr", "rollback", "train,score", "x=sky", "=", "a=b=c"),
    *(
        "data.domains=dawn,dusk",
        "data.image_size=16",
        "model.width=x",
        "train.seed=1",
        "nothing=1",
        "data=1",
        "budget.per=x",
    ),
]
PLACES = ["sky", "run", "file", "empty", "gone", "sky/test/dawn", "sky/test/dawn/0.png", "file/below", "settings.yaml"]
PLACES += [
    "card.json",
    "results.csv",
    "mine.py:Model",
    "/proc/x",
    "/dev/full",
    "/dev/null",
    "sky/*/dawn",
    ".",
    "",
    "run/checkpoints",
]
NEW = [
    "new",
    "new/deep",
    "x.png",
    "x.pdf",
    "x.json",
    "file/below",
    "/proc/x",
    "/dev/full",
    "x" * 300,
    "ü\n",
    "-out",
    "sky",
    "run",
    "",
]
LEFT_OUT = {"help", "push", "private", "ray_address", "executor"}
"""Parameters that ask the network or start a cluster."""


class TooLong(BaseException):
    """A command that has used up its time."""


def commands(group: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands with the words that call them."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


def value(rng: random.Random, name: str) -> str:
    """Something that could stand behind an option or as an argument of that name."""
    if name in ("out", "json", "sheet") and rng.random() < 0.8:
        return rng.choice(NEW)
    likely = NAMES if name in ("model", "models", "target", "source", "domains") else PLACES
    return rng.choice(rng.choice([likely, likely, NAMES, NEAR, NUMBERS, NASTY, FORMS, PLACES]))


def command_line(rng: random.Random) -> list[str]:
    """The words of a command, mostly with what it requires and with a few of its options."""
    words, command = rng.choice(ALL)
    line = list(words)
    for parameter in command.params:
        if parameter.name in LEFT_OUT or rng.random() > (0.95 if parameter.required else 0.2):
            continue
        many = rng.randint(1, 3) if parameter.nargs == -1 or getattr(parameter, "multiple", False) else 1
        for _ in range(many):
            line += _words_of(rng, parameter)
    return [*line, *_bounds(rng, words)]


def _words_of(rng: random.Random, parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [value(rng, parameter.name)]
    option = rng.choice(parameter.opts)
    if getattr(parameter, "is_flag", False):
        return [option]
    given = value(rng, parameter.name)
    return [f"{option}={given}"] if rng.random() < 0.5 else [option, given]


def _bounds(rng: random.Random, words: Sequence[str]) -> list[str]:
    """What keeps a command short."""
    if words == ("bench",):
        return ["--dry-run", "--size", "16"]
    if words == ("train",):
        small = [word for name, number in SMALL.items() for word in ("--set", f"{name}={number}")]
        return [*small, *(["--dry-run"] if rng.random() < 0.9 else [])]
    if words == ("data", "check"):
        return ["--no-trial"]
    return ["--size", "16", "--scenes", "1", "--test-scenes", "1"] if words == ("data", "make") else []


ALL = [found for found in commands() if found[0] not in (("weights", "get"), ("models", "check"))]


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises `TooLong` when the time is up."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fault(line: Sequence[str], seconds: int = SECONDS) -> str | None:
    """The traceback that a command line ends in, or None."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    before, sys.argv = sys.argv, ["i2i", *line]
    try:
        with redirect_stdout(said), redirect_stderr(said), limited(seconds):
            cli.main()
    except (SystemExit, TooLong):
        pass
    except BaseException:
        return traceback.format_exc()
    finally:
        sys.argv = before
    text = said.buffer.getvalue().decode()  # type: ignore[attr-defined]
    if "\x1b" in text or "Traceback (most recent call last)" in text:
        return f"an escape sequence or a traceback is shown:\n{text}"
    return None


def prepare(folder: Path) -> None:
    """What command lines may name."""
    from tests.robustness.test_bad_input import data_set

    data_set(folder / "sky")
    (folder / "empty").mkdir()
    (folder / "file").write_text("Dear reader")
    (folder / "settings.yaml").write_text("train: {images: 4}\n")
    (folder / "card.json").write_text('{"name": "sky"}')
    (folder / "results.csv").write_text("dataset,model,seed,source,target,metric,value,n\n")
    (folder / "mine.py").write_text("class Model: pass\n")
    training = ["train", "--model", "cyclegan", "--data", "sky", "--out", "run", "--device", "cpu"]
    small = [word for name, number in SMALL.items() for word in ("--set", f"{name}={number}")]
    found = fault([*training, *small], 120)
    if found or not (folder / "run").is_dir():
        raise RuntimeError(found or "the small training has left nothing")


def faults(seed: int, count: int) -> Iterator[tuple[list[str], str]]:
    """Command lines that end badly, with how, of so many in the folder of the process."""
    rng = random.Random(seed)
    for _ in range(count):
        line = command_line(rng)
        found = fault(line)
        if found:
            yield line, found


def main() -> None:
    """Run so many command lines and print those that end badly; status 1 if there are any."""
    parser = argparse.ArgumentParser(description="Random command lines must not end in a traceback.")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        os.environ["I2I_CACHE"] = str(Path(place) / "cache")
        prepare(Path())
        bad = 0
        for line, found in faults(arguments.seed, arguments.count):
            bad += 1
            print(f"$ i2i {shlex.join(line)!a}\n{found}", flush=True)
        os.chdir("/")
    print(f"{bad} of {arguments.count} command lines (seed {arguments.seed}) ended in a traceback")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

"""Run folders and exported folders with changed contents and right checksums, given to the commands that read them.

    python -m tests.robustness.fuzz_runs --cases 2000 --seed 0 --seconds 240

A small run of each model is made once; every case copies one, changes a file of it, seals the checkpoint again, so that
its checksums are right, and runs a command in this process. What ends in anything but a result or an error of two lines
at most is a fault: it is printed with its case, which `--seed N --only CASE` runs again.
"""

import argparse
import contextlib
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from i2i import cli
from i2i.utils.checksums import SEAL, checksum, sealed

MODELS = ("pix2pix", "cyclegan", "stargan", "identity", "reinhard")
NETWORKS = ("width=2", "discriminator_width=2", "blocks=1", "layers=1", "depth=3", "pool_size=2")
TRAINING = ["train.batch_size=1", "train.checkpoint_every=2", "train.log_every=1", "train.sample_every=2"]
VALUES: tuple[Any, ...] = (
    None, True, 0, 1, -1, 2, 10**9, 10**30, 0.5, 1e308, float("nan"), "", "dawn", "../../x", "\x1b[2J", "nan", "-1",
    [], [1], ["dawn", "dusk"], [["dawn", "dusk"]], {}, {"name": "x"}, [[]], "x" * 3000,
)  # fmt: skip
FILES = ("checkpoint.json", "training.pt", "data.json", "weights", "metrics.jsonl", "validation.csv", "skipped.json")


def make(place: Path) -> list[Path]:
    """The folders to change: a run of each model with all that one can hold, and what export makes of it."""
    rng = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for domain in ("dawn", "dusk"):
            (place / "sky" / split / domain).mkdir(parents=True)
            for number in range(2):
                pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / "sky" / split / domain / f"scene-{number}.png")
    (place / "sky/i2i.json").write_text('{"paired": true}')
    made = []
    for model in MODELS:
        from i2i import registry

        own = [f"model.{name}" for name in NETWORKS if name.split("=")[0] in registry.get(model).Config.model_fields]
        more = ["train.ema=0.5", "train.best_by=psnr", "train.evaluations=2"] if registry.get(model).generators else []
        settings = [f"--set={one}" for one in [*own, *more, *TRAINING, "data.image_size=16", "train.images=8"]]
        run = place / model
        train = ["train", "--model", model, "--data", place / "sky", *settings, "--device=cpu", "--out", run]
        for line in (train, ["export", run, "--format", "hub", "--out", place / f"{model}-hub"]):
            status, said = command(*line)
            assert status == 0, said
        made += [run, run, run, place / f"{model}-hub"]  # run folders hold more that can be changed
    return made


def command(*arguments: object) -> tuple[int, str]:
    """Status and words of a command line, run in this process; other exceptions than `SystemExit` pass."""
    said, argv, status = io.StringIO(), sys.argv, 0
    sys.argv = ["i2i", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            cli.main()
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 0
    finally:
        sys.argv = argv
    return status, said.getvalue()


# Changes


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry of nested dictionaries and lists."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from places(entry, (*path, key))


def changed(value: Any, rng: random.Random, values: Callable[[], Any]) -> Any:
    """The value with one entry replaced, left out, or new."""
    path = rng.choice(list(places(value)) or [()])
    if not path:
        return values()
    return _put(value, path, rng.choice(["put", "put", "put", "drop", "add"]), values())


def _put(value: Any, path: tuple[Any, ...], how: str, new: Any) -> Any:
    copy = dict(value) if isinstance(value, dict) else list(value)
    key, *rest = path
    if rest:
        copy[key] = _put(copy[key], tuple(rest), how, new)
    elif how == "drop":
        del copy[key]
    elif how == "add" and isinstance(copy, dict):
        copy["new"] = new
    else:
        copy[key] = new
    return copy


def tensors(rng: random.Random) -> Any:
    """Values that a file of torch can hold in the place of others."""
    return rng.choice(
        [
            torch.zeros(3), torch.zeros(()), torch.full((2, 2), float("nan")), torch.zeros(2, 3, 16, 16), torch.ones(0),
            torch.zeros(1).expand(10**9), torch.zeros(4, dtype=torch.int8), torch.tensor(float("inf")),
            None, 1, -1, 0.5, "x", [], {}, [1], {"a": 1}, True,
        ]
    )  # fmt: skip


def change_json(path: Path, rng: random.Random) -> None:
    value = changed(json.loads(path.read_text()), rng, lambda: rng.choice(VALUES))
    text = json.dumps(value)
    path.write_text(text if rng.random() < 0.9 else text[: rng.randrange(len(text) + 1)] + rng.choice(["", "[" * 5000]))


def change_states(path: Path, rng: random.Random) -> None:
    state = torch.load(path, weights_only=True)
    torch.save(changed(state, rng, lambda: tensors(rng)), path)


def change_weights(path: Path, rng: random.Random) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    name = rng.choice(list(weights) or ["none"])
    others = [
        torch.zeros(3),
        torch.full_like(weights.get(name, torch.zeros(2)).float(), float("nan")),
        torch.zeros(2, 2).int(),
    ]
    how = rng.randrange(len(others) + 2)
    if how < len(others):
        weights[name] = others[how]
    elif how == len(others):
        weights.pop(name, None)
    else:
        weights["new"] = torch.ones(2)
    save_file(weights, path, {"format": "pt"})


def change_text(path: Path, rng: random.Random) -> None:
    """Lines of a text file changed, left out, cut short or followed by others."""
    raw = path.read_bytes() if path.exists() else b""
    at = rng.randrange(len(raw) + 1)
    junk = rng.choice(
        [b"", b"\xff\xfe", b"\0" * 64, b'{"step": "x"}\n', b'{"step": 1e999}\n', b"[1]\n", b'"', b"nan,,,\n"]
    )
    path.write_bytes(rng.choice([raw[:at] + junk, junk + raw[at:], raw[:at] + junk + raw[at:]]))


def change(folder: Path, rng: random.Random) -> str:
    """Change a file of a folder, with right checksums; returns its name."""
    if not (folder / "checkpoints").is_dir():
        name = rng.choice(["config.json", "config.json", "model.safetensors"])
        (change_json if name == "config.json" else change_weights)(folder / name, rng)
        return name
    checkpoint, name = sorted((folder / "checkpoints").iterdir())[-1], rng.choice(FILES)
    if name == "weights":
        name = rng.choice(sorted(path.name for path in checkpoint.glob("*.safetensors")))
        change_weights(checkpoint / name, rng)
    elif name == "training.pt":
        change_states(checkpoint / name, rng)
    elif name in ("checkpoint.json", "data.json"):
        change_json(checkpoint / name, rng)
    else:
        change_text(folder / name, rng)
    seal(checkpoint)
    return name


def seal(checkpoint: Path) -> None:
    """Give a checkpoint the checksums of what it holds, as far as its own contents can still hold them."""
    path = checkpoint / "checkpoint.json"
    with contextlib.suppress(ValueError, RecursionError):
        meta = json.loads(path.read_text())
        if isinstance(meta, dict):
            if isinstance(meta.get("files"), dict):
                names = [name for name in meta["files"] if (checkpoint / name).is_file()]
                meta["files"] |= {name: checksum(checkpoint / name) for name in names}
            path.write_bytes(sealed({name: value for name, value in meta.items() if name != SEAL}))


# Cases


@dataclass
class Fault:
    """A case that ended in a traceback."""

    case: int
    told: str
    where: str
    trace: str


def commands(run: Path, place: Path) -> list[list[object]]:
    """The commands that read a run folder, or an exported one."""
    if not (run / "checkpoints").is_dir():
        return [["from_pretrained", run]]
    image, out, device = place / "sky/test/dawn/scene-0.png", place / "out", "--device=cpu"
    return [
        ["train", "--resume", run, device],
        ["train", "--resume", run, device, "--set=train.images=12"],
        ["train", "--init", run, "--data", place / "sky", "--out", out, device, "--dry-run"],
        ["train", "--model", "identity", "--data", place / "sky", "--out", run, device, "--set=train.images=2"],
        *(["translate", run, image, "--target", "dusk", "--out", out, device, f"--weights={w}"] for w in WEIGHTS),
        *(["export", run, "--format", form, "--out", out] for form in ("hub", "safetensors", "reference")),
    ]


WEIGHTS = ("last", "ema", "best")


def run_case(number: int, seed: int, made: list[Path], place: Path) -> tuple[str, str, Fault | None]:
    """File, command and fault of a case."""
    rng = random.Random(f"{seed}/{number}")
    original = rng.choice(made)
    copy, out = place / "case", place / "out"
    for old in (copy, out):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(original, copy)
    steps = sorted((copy / "checkpoints").glob("*"))
    if len(steps) > 1 and rng.random() < 0.6:  # so that there is something to go on with
        shutil.rmtree(steps[-1])
    told = change(copy, rng)
    line = rng.choice(commands(copy, place))
    named = f"{original.name}, {told}: i2i {' '.join(map(str, line))}"
    try:
        status, said = _run(line)
    except BaseException as error:
        return told, str(line[0]), Fault(number, named, _where(error), traceback.format_exc())
    if "Traceback" in said or (status and said.rpartition("i2i: ")[2].count("\n") > 2):
        return told, str(line[0]), Fault(number, named, "words", said)
    return told, str(line[0]), None


def _run(line: list[object]) -> tuple[int, str]:
    if line[0] != "from_pretrained":
        return command(*line)
    import i2i
    from i2i.errors import UserError

    with contextlib.suppress(UserError):
        i2i.from_pretrained(str(line[1]))
    return 0, ""


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" not in frame.filename]
    own = [frame for frame in frames if "/i2i/" in frame.filename or "/models/" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno} {type(error).__name__}" if own else type(error).__name__


def fuzz(cases: range, seed: int, place: Path, seconds: float = float("inf")) -> tuple[int, list[Fault], Counter[str]]:
    """Run cases until the time is over: how many, the faults, and how often each file was changed."""
    made, faults, changes, until = make(place), list[Fault](), Counter[str](), time.monotonic() + seconds
    for done, number in enumerate(cases):
        if time.monotonic() > until:
            return done, faults, changes
        told, _, fault = run_case(number, seed, made, place)
        changes[told] += 1
        faults += [fault] if fault else []
    return len(cases), faults, changes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--only", type=int)
    given = parser.parse_args()
    cases = range(given.start, given.start + given.cases) if given.only is None else range(given.only, given.only + 1)
    with tempfile.TemporaryDirectory() as place:
        os.environ["I2I_CACHE"] = str(Path(place, "cache"))
        done, faults, changes = fuzz(cases, given.seed, Path(place), given.seconds)
    seen: set[str] = set()
    for fault in faults:
        if fault.where not in seen or given.only is not None:
            print(f"--- case {fault.case}: {fault.told}\n{fault.trace[-1500:]}")
        seen.add(fault.where)
    print(f"cases {given.start} to {given.start + done - 1}: {len(faults)} faults at {len(seen)} places")
    print(", ".join(f"{name} {count}" for name, count in changes.most_common()))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()

"""Results folders from somebody else, fuzzed: mutated copies of a finished bench are planned, reported, merged, drawn.

    python -m tests.robustness.fuzz_benches 500                what is at fault is printed, with its number
    python -m tests.robustness.fuzz_benches 1 --first 217      that one again

Every mutated folder is given to one command, in this process. At fault is a command that ends in anything but an exit
status, runs code that only the folder names, or touches a file that is none of its own. Figures are laid out and not
rendered, which would take most of the time.
"""

import argparse
import hashlib
import io
import json
import os
import random
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from i2i import cli
from i2i.data.synthetic import embedded

COMMANDS = {
    "dry run": "bench --out {bench} --dry-run",
    "collect": "bench --out {bench} --collect --device cpu",
    "report": "report {bench}",
    "merge": "report {mine} {bench} --out {both}",
    "grid": "grid {bench} --out {both}.png",
    "worst": "grid {bench} --rows worst:2 --out {both}.png",
}
BENCH = (
    "--data {data} --models identity --size 16 --workers 1 --device cpu --set budget.images=8 "
    "--set data.domains=summer,winter --set classifier.images=16"
)
CODE = "from pathlib import Path\nPath({ran!r}).touch()\n"


class Place:
    """A folder with `data`, the finished bench `mine`, and files `outside` that nothing may touch.

    Args:
        root: an empty folder.
        make: fills `mine` with a bench of `data`.
    """

    def __init__(self, root: Path, make: Callable[[Path, Path], object]) -> None:
        self.root, self.data, self.mine = root, root / "data", root / "mine"
        self.received, self.both, self.ran = root / "received", root / "both", root / "ran"
        embedded.make("seasons", self.data, (16, 16), 4, 3)
        make(self.mine, self.data)
        outside = root / "outside"
        outside.mkdir()
        (outside / "evil.py").write_text(CODE.format(ran=str(self.ran)))
        (outside / "secret.json").write_text('{"key": "secret"}')
        shutil.copy(next(self.data.glob("test/summer/*.png")), outside / "secret.png")
        self._before = self._state()

    def fault(self, number: int) -> str | None:
        """What is wrong with how one mutated bench is treated, or None."""
        rng = random.Random(number)
        for place in (self.received, self.both):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.mine, self.received)
        done = [mutate(self, rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        name = rng.choice(list(COMMANDS))
        command = COMMANDS[name].format(bench=self.received, mine=self.mine, both=self.both)
        fault = run(command) or self._touched()
        return fault and f"{number}: {name} after {'; '.join(done)}: {fault}"

    def _touched(self) -> str | None:
        if self.ran.exists():
            self.ran.unlink()
            return "code of the folder has run"
        now = self._state()
        changed = sorted(path for path in now | self._before if now.get(path) != self._before.get(path))
        self._before = now
        return f"touched {', '.join(changed)}" if changed else None

    def _state(self) -> dict[str, Any]:
        """Contents of all files but those that a command is given to write to."""
        own = {self.received.name, self.both.name, f"{self.both.name}.png", "cache"}
        found = (path for top in self.root.iterdir() if top.name not in own for path in (top, *top.rglob("*")))
        return {str(path): hashlib.sha256(path.read_bytes()).digest() if path.is_file() else "" for path in found}


def run(command: str, said: io.StringIO | None = None) -> str | None:
    """The end of the traceback in which a command ends, or None; `said` gets what it prints."""
    with patch.object(sys, "argv", ["i2i", *command.split()]), _quietly(said or io.StringIO()):
        try:
            cli.main()
        except SystemExit:
            return None
        except BaseException:
            return " | ".join(traceback.format_exc().strip().splitlines()[-5:])
    return None


@contextmanager
def _quietly(said: io.StringIO) -> Iterator[None]:
    def empty(figure: object, path: Path, *options: object) -> None:
        path.write_bytes(b"")

    drawing = (
        patch("i2i.benchmarks.report.figures.style.save", empty),
        patch("i2i.benchmarks.report.figures.image_table.save", empty),
    )
    with redirect_stdout(said), redirect_stderr(said), drawing[0], drawing[1]:
        yield


def mutate(place: Place, rng: random.Random) -> str:
    """Change one file of the received folder; says which and how."""
    files = sorted(path for path in place.received.rglob("*") if path.is_file() and not path.is_symlink())
    texts = [path for path in files if path.suffix in (".json", ".csv", ".jsonl", ".yaml")]
    plan = place.received / "plan.json"
    path = rng.choice((plan, rng.choice(texts), rng.choice(texts), rng.choice(files)) if plan in texts else files)
    ways: list[Callable[[Path, random.Random, Path], str]] = [_raw, _link]
    if path.suffix == ".json":
        ways = [_value, _value, _value, _value, *ways]
    way = rng.choice(ways)
    return f"{path.relative_to(place.received)} {way(path, rng, place.root)}"


def _hostile(rng: random.Random, root: Path) -> Any:
    evil, outside = f"{root}/outside/evil.py:Evil", f"{root}/outside"
    numbers = (None, True, -1, 0, 1, 1.5, 10**30, 1e308, float("nan"), float("inf"))
    texts = (
        "",
        "x",
        "a\0b",
        "\x1b[31m",
        "x" * 5_000,
        "real",
        "summer",
        "~",
        "..",
        "../../outside/secret",
        outside,
        evil,
    )
    others = (
        [],
        {},
        [[]],
        {"": None},
        {"Evil": evil},
        [evil],
        {"x": {"folder": outside}},
        ["../../outside"],
        _deep(rng),
    )
    return rng.choice((*numbers, *texts, *others))


def _deep(rng: random.Random) -> Any:
    value: Any = 0
    for _ in range(rng.choice((10, 150, 5_000))):
        value = [value]
    return value


def _value(path: Path, rng: random.Random, root: Path) -> str:
    """Put something else in a place of a JSON file."""
    try:
        tree = json.loads(path.read_text())
        places = list(_places(tree))
    except (ValueError, RecursionError):
        return _raw(path, rng, root)
    if not places:
        return _raw(path, rng, root)
    holder, key = rng.choice(places)
    way = rng.choice(("drop", "set", "set", "set", "rename", "swap"))
    if way == "drop":
        del holder[key]
    elif way == "rename" and isinstance(holder, dict):
        with _deeply():
            holder[str(_hostile(rng, root))[:300]] = holder.pop(key)
    elif way == "swap":
        holder[key] = rng.choice([other[place] for other, place in places])
    else:
        holder[key] = _hostile(rng, root)
    with _deeply():
        path.write_text(_as_text(tree))
    return f"{way} {key!r}"


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        yield tree, key
        yield from _places(tree[key])


def _as_text(tree: Any) -> str:
    try:
        return json.dumps(tree)
    except (ValueError, RecursionError):  # of one that holds itself, after a swap
        return "[" * 10_000


@contextmanager
def _deeply() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _raw(path: Path, rng: random.Random, root: Path) -> str:
    """Change bytes of a file, or take it away."""
    whole = path.read_bytes()
    middle = rng.randrange(len(whole) + 1)
    way = rng.choice(("flip", "cut", "empty", "noise", "number", "gone"))
    if way == "gone":
        path.unlink()
        return way
    flipped = (
        whole[:middle] + bytes([whole[middle] ^ (1 << rng.randrange(8))]) + whole[middle + 1 :]
        if whole[middle:]
        else b"x"
    )
    noise = whole[:middle] + rng.randbytes(20) + whole[middle:]
    number = whole[:middle] + b"9" * rng.choice((10, 400, 6_000)) + whole[middle:]
    path.write_bytes({"flip": flipped, "cut": whole[:middle], "empty": b"", "noise": noise, "number": number}[way])
    return way


def _link(path: Path, rng: random.Random, root: Path) -> str:
    """Put a link out of the folder in the place of a file, or of the folder that holds it."""
    outside = root / "outside"
    if rng.random() < 0.3 and path.parent != root / "received":
        shutil.rmtree(path.parent)
        path.parent.symlink_to(rng.choice((outside, root / "data")))
        return "in a linked folder"
    path.unlink()
    target = rng.choice((outside / "secret.json", outside / "secret.png", outside / "new", Path("/dev/null"), path))
    path.symlink_to(target)
    return f"linked to {target}"


def bench(out: Path, data: Path) -> None:
    """A finished bench of the baselines."""
    said = io.StringIO()
    found = run(f"bench --out {out} {BENCH.format(data=data)}", said)
    if found or not (out / "report.html").is_file():
        raise RuntimeError(f"no bench was made: {found or said.getvalue()}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz results folders.")
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        os.environ["I2I_CACHE"] = f"{folder}/cache"
        place = Place(Path(folder).resolve(), bench)
        count = 0
        for number in range(options.first, options.first + options.count):
            fault = place.fault(number)
            if fault:
                count += 1
                print(fault, flush=True)
    print(f"{options.count} mutated benches, {count} at fault")
    sys.exit(bool(count))


if __name__ == "__main__":
    main()

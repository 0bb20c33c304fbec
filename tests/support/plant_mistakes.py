"""Plants mistakes in a copy of the code, one at a time, and tells which of them the tests notice.

    python -m tests.support.plant_mistakes                      # all of them
    python -m tests.support.plant_mistakes i2i/nn/image_pool.py "seed"   # those whose file or description has it
    python -m tests.support.plant_mistakes --part 2/5           # the second fifth, for slices that are added up by hand
    python -m tests.support.plant_mistakes --check              # only whether every text to replace is there

`mistakes.yaml` lists for each source file the tests that could notice something there, as pytest takes them, and the
mistakes: what is wrong, and the text `old` that `new` takes the place of. `old` must occur exactly once. Of the tests
only the unit tier runs, up to the first failure. Before a file's first mistake they run without one and must pass.

A mistake is noticed when a test fails, or takes longer than `LIMIT`. Not found texts, tests that fail without a mistake
and code that cannot be imported or tests that cannot be collected with one are errors, and count as neither.
"""

import argparse
import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT, LIST = Path(__file__).parents[2], Path(__file__).with_name("mistakes.yaml")
LIMIT = 240  # seconds, of the tests of one mistake
SHARE = 0.97  # of the mistakes, to be noticed
# Imported once, ahead of the copies: third parties alone, of which no mistake is about.
HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "scipy.stats",
    "pandas",
    "matplotlib.figure",
    "pytest",
    "hypothesis",
    "pydantic",
)
FAILED = re.compile(r"^(?:FAILED|ERROR) \S*?::(\S+)", re.MULTILINE)


class NotPlanted(Exception):
    """Why a mistake could not be planted or tried."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: what is wrong, where, which text takes the place of which, and the arguments of pytest."""

    what: str
    file: str
    old: str
    new: str
    tests: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def read() -> list[Mistake]:
    """All mistakes in order."""
    return [
        Mistake(one["what"], group["file"], one["old"], one["new"], one.get("tests", group["tests"]))
        for group in yaml.safe_load(LIST.read_text())
        for one in group["mistakes"]
    ]


def misplaced(mistakes: Sequence[Mistake], tree: Path) -> dict[Mistake, str]:
    """Of mistakes that cannot be planted, why."""
    found = {mistake: _misplaced(mistake, tree / mistake.file) for mistake in mistakes}
    return {mistake: why for mistake, why in found.items() if why}


def _misplaced(mistake: Mistake, path: Path) -> str:
    if not path.is_file():
        return "there is no such file"
    count = path.read_text().count(mistake.old)
    return "" if count == 1 else f"the old text is there {count} times, not once: {mistake.old!r}"


@contextmanager
def planted(mistake: Mistake, tree: Path) -> Iterator[None]:
    """The mistake is in the tree while the block lasts."""
    path = tree / mistake.file
    right = path.read_text()
    path.write_text(right.replace(mistake.old, mistake.new))
    try:
        yield
    finally:
        path.write_text(right)


def copy_tree(tree: Path) -> None:
    """All files that git knows or would add, links as links."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_symlink() or (
            ROOT / name
        ).is_file():  # one that is deleted and not yet committed is neither
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name, follow_symlinks=False)


def noticed_by(tests: str, tree: Path) -> str:
    """The test that fails, "" if none does; NotPlanted if they cannot be run."""
    log = tree / "planted.log"
    process = multiprocessing.get_context("fork").Process(target=_run, args=(tests, tree, log))
    process.start()
    process.join(LIMIT)
    if process.is_alive():
        process.kill()
        process.join()
        return f"more than {LIMIT} s"
    text = log.read_text()
    if process.exitcode == 0:
        return ""
    if process.exitcode == 1:
        found = FAILED.search(text)
        return found[1] if found else "a failure without a name"
    raise NotPlanted(f"pytest ended with {process.exitcode}: {' / '.join(text.splitlines()[-3:])}")


def _run(tests: str, tree: Path, log: Path) -> None:
    """In a process of its own: imports i2i and the tests from the tree."""
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    os.environ.pop("I2I_CACHE", None)  # what a mistake has made stays with it
    sys.path[:] = [str(tree), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in ("i2i", "tests")]:
        del sys.modules[name]
    status = _first_failure(tests)
    sys.stdout.flush()
    os._exit(status)


def _first_failure(tests: str) -> int:
    """Pytest's status after one file of tests after the other, up to the first that fails."""
    import pytest

    given = shlex.split(tests)
    files = [word for word in given if word.startswith("tests/")]
    options = [word for word in given if word not in files]
    options += ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not gpu", "--tb=line", "-W", "ignore"]
    statuses = set()
    for file in files:
        statuses.add(int(pytest.main([file, *options])))
        if statuses - {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            break
    # A file of which nothing is chosen is as good as none, but not all of them.
    return max(statuses - {pytest.ExitCode.NO_TESTS_COLLECTED}, default=int(pytest.ExitCode.NO_TESTS_COLLECTED))


def try_all(mistakes: Sequence[Mistake]) -> list[tuple[Mistake, str, str]]:
    """Plant them all; each with what came of it (`noticed`, `NOT NOTICED` or `ERROR`) and by what or why."""
    outcomes: list[tuple[Mistake, str, str]] = []
    sound: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        copy_tree(tree)
        for mistake in mistakes:
            began = time.monotonic()
            outcome = _tried(mistake, tree, sound)
            outcomes.append((mistake, *outcome))
            _tell(mistake, *outcome, time.monotonic() - began)
    return outcomes


def _tried(mistake: Mistake, tree: Path, sound: dict[str, str]) -> tuple[str, str]:
    why = misplaced([mistake], tree).get(mistake)
    if why:
        return "ERROR", why
    try:
        if mistake.tests not in sound:
            sound[mistake.tests] = noticed_by(mistake.tests, tree)
        if sound[mistake.tests]:
            return "ERROR", f"without a mistake too, this fails: {sound[mistake.tests]}"
        with planted(mistake, tree):
            by = noticed_by(mistake.tests, tree)
    except NotPlanted as error:
        return "ERROR", str(error)
    return ("noticed", by) if by else ("NOT NOTICED", mistake.tests)


def _tell(mistake: Mistake, outcome: str, by: str, seconds: float) -> None:
    print(f"{outcome:<11} {seconds:5.1f} s  {mistake}  [{by}]", flush=True)


def chosen(mistakes: Sequence[Mistake], texts: Sequence[str], part: str) -> list[Mistake]:
    """Those whose file or description holds one of the texts, and of these one part such as 2/5."""
    own = [mistake for mistake in mistakes if not texts or any(text in str(mistake) for text in texts)]
    number, count = map(int, part.split("/"))
    return own[(number - 1) * len(own) // count : number * len(own) // count]


def main() -> int:
    """0 if there was no error and enough was noticed."""
    parser = argparse.ArgumentParser(description="Plant mistakes and tell which of them the tests notice.")
    parser.add_argument("texts", nargs="*", help="only mistakes whose file or description holds one of these")
    parser.add_argument("--part", default="1/1", help="one part of them, such as 2/5")
    parser.add_argument("--check", action="store_true", help="only look whether every text to replace is there")
    given = parser.parse_args()
    mistakes = chosen(read(), given.texts, given.part)
    if given.check:
        absent = misplaced(mistakes, ROOT)
        for mistake, why in absent.items():
            print(f"{mistake}: {why}")
        print(f"{len(mistakes) - len(absent)} of {len(mistakes)} mistakes can be planted")
        return int(bool(absent))
    os.nice(10)
    for name in HEAVY:
        __import__(name)
    outcomes = [outcome for _, outcome, _ in try_all(mistakes)]
    noticed, errors = outcomes.count("noticed"), outcomes.count("ERROR")
    print(f"{noticed} of {len(outcomes)} mistakes were noticed, {outcomes.count('NOT NOTICED')} not, {errors} errors")
    return int(bool(errors) or noticed < SHARE * len(outcomes))


if __name__ == "__main__":
    sys.exit(main())

"""How far training runs are: all that the page shows, as JSON holds it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from i2i._version import __version__
from i2i.config import Settings
from i2i.errors import Damaged, UserError
from i2i.runs.checkpoint import Position
from i2i.runs.folder import newest_checkpoint
from i2i.runs.lock import seems_trained
from i2i.utils.text import one_line
from i2i.utils.wording import duration
from i2i.watch.run_log import Curve, Line, Rollback, drawable, lines_of, losses_of, scores_of
from i2i.watch.samples import sample_steps

Address = Callable[[int, int], str]
"""Where the page finds the sample grid of a run, by its number, and a step."""

Steps = Callable[[Path], Sequence[int]]


@dataclass(frozen=True)
class Watched:
    """What is watched.

    Attributes:
        title: name of the run or the bench.
        runs: run folders by name, some of which may not be there yet.
    """

    title: str
    runs: Mapping[str, Path]

    @classmethod
    def of_run(cls, run: Path) -> "Watched":
        """A single run."""
        name = run.absolute().name
        return cls(name, {name: run})


def state(watched: Watched, address: Address, steps: Steps = sample_steps) -> Settings:
    """Every run with its curves and samples.

    Args:
        watched: the runs.
        address: of sample grids.
        steps: which of a run's grids are shown.
    """
    runs = list(watched.runs.items())
    return {
        "title": watched.title,
        "version": __version__,
        "runs": [
            {
                "name": name,
                **_progress(run),
                "samples": [[step, address(number, step)] for step in steps(run)],
            }
            for number, (name, run) in enumerate(runs)
        ],
    }


def _progress(run: Path) -> Settings:
    lines, rollbacks = lines_of(run)
    scores, notes = _scores(run)
    position, going = _position(run, lines), seems_trained(run)
    return {
        "state": _word(position, going),
        "step": position.step if position else 0,
        "steps": position.steps if position else 0,
        "facts": _facts(position, lines, going),
        "left": duration(position.seconds_left) if position and going and position.step else "",
        "terms": drawable({**losses_of(lines), **scores}),
        "notes": [*map(_rollback_text, rollbacks), *notes],
    }


def _position(run: Path, lines: Sequence[Line]) -> Position | None:
    """As the log tells it; where that does not, as the newest checkpoint does."""
    last = lines[-1] if lines else None
    if last is not None and last.steps is not None:
        return Position(last.step, last.steps, last.images, last.seconds)
    try:
        checkpoint = newest_checkpoint(run)
    except UserError:
        return None
    return checkpoint.position if checkpoint else None


def _word(position: Position | None, going: bool) -> str:
    if going:
        return "training"
    if position is None:
        return "not begun"
    return "finished" if position.finished else "stopped"


def _facts(position: Position | None, lines: Sequence[Line], going: bool) -> list[str]:
    if position is None:
        return []
    found = [f"step {position.step:,} of {position.steps:,}", f"{position.images:,} images shown"]
    if lines:
        found += [f"{duration(position.seconds)} of training", f"{lines[-1].images_per_second:.1f} images/s"]
    return [*found, f"{duration(position.seconds_left)} left"] if going and position.step else found


def _scores(run: Path) -> tuple[Mapping[str, Curve], list[str]]:
    """The validation scores, or why there are none."""
    try:
        return scores_of(run), []
    except Damaged as damage:
        return {}, [str(damage)]


def _rollback_text(rollback: Rollback) -> str:
    return f"Before step {rollback.step:,} it went back to a checkpoint: {one_line(rollback.reason)}"

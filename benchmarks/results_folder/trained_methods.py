"""The trained methods of a results folder, to translate other images with."""

from pathlib import Path

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.runs.folder import newest_checkpoint


def trained_methods(out: Path) -> dict[str, dict[Direction, Path]]:
    """Run folders by method and direction, of the first seed and as far as there are checkpoints; UserError if `out` is
    no results folder."""
    plan = ResultsFolder(out).plan
    found: dict[str, dict[Direction, Path]] = {}
    for planned in plan.training_runs:
        training = planned.training()
        run = ResultsFolder(out).run(training)
        if training.seed == plan.seeds[0] and newest_checkpoint(run) is not None:
            found.setdefault(training.method, {}).update(dict.fromkeys(training.serves, run))
    return found

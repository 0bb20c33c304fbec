"""What a bench found, read from what its jobs have left."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import pandas as pd

from i2i.benchmarks.analysis.costs import Costs, costs_of
from i2i.benchmarks.analysis.frames import Details, ScoreFrames, within
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import images_path, score_file
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.metrics.registry import Kind, kind_of

COLUMNS = ["dataset", "model", "seed", "source", "target", "metric", "value", "n"]
IN_FEATURES: Collection[Kind] = ("frechet", "kernel", "set", "paired", "content", "diversity")
# Images from which on the Frechet distance of Inception's 2048 features has a covariance of full rank.
ENOUGH_IMAGES = 2048


@dataclass(frozen=True)
class Results:
    """What a bench found.

    Attributes:
        scores: tidy, one row per dataset, method (its column is called `model`), seed, source, target and metric.
        costs: by method.
        failures: by job, the error.
        details: what the score files hold beside that.
        unfinished: by job that is not done for another reason, how far it is.
        notes: what else a reader of the table should know.
    """

    scores: pd.DataFrame
    costs: Mapping[str, Costs]
    failures: Mapping[JobId, str]
    details: Details = field(default_factory=Details.gather)
    unfinished: Mapping[JobId, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def absent(self) -> Mapping[JobId, str]:
        """All jobs whose results are not there; what lies in their places is of something else."""
        return {**self.unfinished, **self.failures}

    @property
    def methods(self) -> list[str]:
        """Names of those with scores, in the order of the table; real images are none."""
        return [name for name in self.rows if name != REAL]

    @cached_property
    def rows(self) -> list[str]:
        """Names of all with scores, in the order of the table; real images are the last."""
        return list(dict.fromkeys(self.scores["model"]))

    @cached_property
    def metrics(self) -> list[str]:
        """Names of the metrics in the order of the table, those in further features behind those of their kind.

        A kernel distance follows the Frechet distance, and precedes it where that has too few images.
        """
        names = _by_kind(dict.fromkeys(self.scores["metric"]))
        kernels = [name for name in names if kind_of(name) == "kernel"]
        others = [name for name in names if name not in kernels]
        places = [place for place, name in enumerate(others) if kind_of(name) == "frechet"]
        if not places:
            return names
        place = places[0] if self.few_images else places[-1] + 1
        return [*others[:place], *kernels, *others[place:]]

    @cached_property
    def few_images(self) -> int | None:
        """The smallest number of translations behind a Frechet distance, if it is too few for it; else None."""
        names = [name for name in self.scores["metric"].unique() if kind_of(name) == "frechet"]
        distances = self.scores[self.scores["metric"].isin(names) & (self.scores["model"] != REAL)]
        smallest = int(distances["n"].min()) if len(distances) else ENOUGH_IMAGES
        return smallest if smallest < ENOUGH_IMAGES else None

    def where(self, source: str | None, target: str) -> Self:
        """Those of one direction; of every direction to the target if `source` is None. Real images stay in."""
        scores = within(self.scores, source, target)
        return replace(self, scores=scores, details=self.details.where(source, target))


def _by_kind(names: Iterable[str]) -> list[str]:
    """In their order, but what is taken in features beside the others of its kind."""
    found: list[str] = []
    for name in names:
        alike = [place for place, other in enumerate(found) if kind_of(other) == kind_of(name)]
        beside = alike and kind_of(name) in IN_FEATURES
        found.insert(alike[-1] + 1 if beside else len(found), name)
    return found


def collect(
    plan: Plan, failures: Mapping[JobId, str], unfinished: Mapping[JobId, str] | None = None, notes: Sequence[str] = ()
) -> Results:
    """Read what the jobs of the plan have left; those that failed or are not done have left nothing."""
    unfinished = unfinished or {}
    absent = failures.keys() | unfinished.keys()
    found = list(_found(plan, absent))
    rows = [
        {"dataset": plan.dataset, "model": one.model, "seed": one.seed, **row}
        for one in found
        for row in one.contents["rows"]
    ]
    costs = {name: cost for name in plan.methods() if (cost := costs_of(plan, name, absent))}
    return Results(pd.DataFrame(rows, columns=COLUMNS), costs, failures, Details.gather(found), unfinished, notes)


def _found(plan: Plan, absent: Collection[JobId]) -> Iterator[ScoreFrames]:
    scored = ResultsFolder(plan.out).scored(plan.methods(), plan.seeds(), plan.facts.further_features)
    for job, name, seed, path in scored:
        contents = None if job in absent else score_file(path)
        if contents is not None:
            yield ScoreFrames(name, seed, contents.model_dump(), images_path(path))

"""A bench that trackers follow: its training runs while they train, and its scores at the end."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from i2i.benchmarks.execution.trials import learns_nothing
from i2i.benchmarks.job import Job
from i2i.benchmarks.jobs.train import Train
from i2i.benchmarks.plan import Plan
from i2i.tracking.callback import finite, flat
from i2i.tracking.process import TrackerProcess
from i2i.utils import console
from i2i.utils.text import from_csv_cell


def with_trackers(plan: Plan, trackers: tuple[str, ...]) -> Plan:
    """The plan whose training runs tell trackers, as a group named after the results folder."""
    group = plan.out.absolute().name

    def with_tracking(job: Job) -> Job:
        if not isinstance(job, Train) or learns_nothing(job):
            return job
        return replace(job, trackers=trackers, bench=group)

    return replace(plan, jobs=tuple(map(with_tracking, plan.jobs)))


def send_scores(plan: Plan, trackers: Sequence[str]) -> None:
    """Tell trackers the scores of a report that was written, with its grid and where it lies, as a run of their own."""
    results, grid, name = plan.out / "results.csv", plan.out / "grid.png", plan.out.absolute().name
    if not results.is_file():
        return
    about = {"folder": str(plan.out.absolute()), "name": name, "group": name}
    for tracker in trackers:
        process = TrackerProcess(tracker, plan.out, console.note)
        process.send("begin", **about, settings=flat(plan.facts.suite.model_dump(mode="json")))
        if grid.is_file():
            process.send("image", name="grid", path=str(grid.absolute()), images=0)
        process.send("summary", values=scores(results))
        process.close("finished")


def scores(results: Path) -> dict[str, float]:
    """Of a results.csv: `METHOD/METRIC`, means over directions and seeds, and `METHOD/SOURCE to TARGET/METRIC`."""
    found = defaultdict[str, list[float]](list)
    with results.open(newline="") as file:
        for row in csv.DictReader(file):
            model, source, target, metric = (
                from_csv_cell(row[name]) for name in ("model", "source", "target", "metric")
            )
            found[f"{model}/{metric}"].append(float(row["value"]))
            found[f"{model}/{source} to {target}/{metric}"].append(float(row["value"]))
    return finite({name: fmean(values) for name, values in found.items()})

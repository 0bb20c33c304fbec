"""How scores rose during the training runs."""

import pandas as pd

from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.training.validation import COLUMNS, read_rows

COURSE = ["model", "seed", "training", "evaluation", *COLUMNS]


def course(plan: Plan) -> pd.DataFrame:
    """Every score on the validation split: a row per training, evaluation (counted from 0) and metric."""
    rows = []
    for training in plan.training_runs:
        seen: dict[str, int] = {}
        for row in read_rows(ResultsFolder(plan.out).run(training)):
            number = seen.setdefault(row["step"], len(seen))
            place = {name: int(row[name]) for name in ("step", "images")}
            values = {name: float(row[name]) for name in ("seconds", "value")}
            whose = {"model": training.method, "seed": training.seed, "training": training.folder.name}
            rows.append({**whose, "evaluation": number, **place, **values, "metric": row["metric"]})
    return pd.DataFrame(rows, columns=COURSE)


def lines(found: pd.DataFrame, cost: str) -> pd.DataFrame:
    """A method's curve: `model`, `metric`, `cost` and `value` of each evaluation.

    Costs add up over the training runs of a seed, values are means over them; both are averaged over seeds.
    An evaluation that not every training has had is left out.
    """
    whole = found.groupby(["model", "metric", "evaluation"])["training"].transform("count")
    training_runs = found.groupby(["model", "metric"])["training"].transform(lambda names: names.nunique())
    seeds = found.groupby(["model", "metric"])["seed"].transform("nunique")
    complete = found[whole == training_runs * seeds]
    by_seed = complete.groupby(["model", "metric", "evaluation", "seed"], sort=False).agg(
        cost=(cost, "sum"), value=("value", "mean")
    )
    return by_seed.groupby(["model", "metric", "evaluation"], sort=False).mean().reset_index()

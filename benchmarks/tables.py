"""The tables of a report as text: one row per contestant, per direction, or per cost."""

import pandas as pd

from i2i.benchmarks.costs import Costs
from i2i.benchmarks.formats import scaled, speed, whole
from i2i.benchmarks.results import Results
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import decimals, title

SPENT = ("trainings", "parameters", "images seen", "seconds")


def summary(results: Results) -> pd.DataFrame:
    """One row per contestant: costs, and each metric averaged over directions and seeds."""
    scores = results.scores
    means = over_seeds(scores, ("model", "metric"))
    counts = scores.groupby("model")["n"].sum() // scores.groupby("model")["metric"].nunique()
    lines = []
    for name in dict.fromkeys(scores["model"]):
        cost = results.costs.get(name)
        spent = (cost.trainings, cost.parameters, cost.images, cost.seconds) if cost else (None,) * 4
        line = {"model": name, **dict(zip(SPENT, map(whole, spent), strict=True))}
        for metric in results.metrics:
            line[title(metric)] = _number(metric, means.get((name, metric)))
        lines.append({**line, "n": str(counts[name])})
    return pd.DataFrame(lines)


def by_direction(results: Results, metric: str) -> pd.DataFrame:
    """One row per direction and a column per contestant: means over seeds of a metric."""
    scores = results.scores[results.scores["metric"] == metric]
    names = list(dict.fromkeys(scores["model"]))
    means = over_seeds(scores, ("source", "target", "model"))
    lines = []
    for source, target in dict.fromkeys(zip(scores["source"], scores["target"], strict=True)):
        direction = f"{source} → {target}" if source != target else f"{target}, real"
        cells = {name: _number(metric, means.get((source, target, name))) for name in names}
        lines.append({"direction": direction, **cells})
    return pd.DataFrame(lines)


def costs(results: Results) -> pd.DataFrame:
    """What every contestant took, by what was measured beside its work."""
    return pd.DataFrame([_cost_line(name, cost) for name, cost in results.costs.items()])


def _cost_line(name: str, cost: Costs) -> dict[str, str]:
    return {
        "model": name,
        "trainings": whole(cost.trainings),
        "parameters each": whole(cost.parameters_each),
        "together": whole(cost.parameters),
        "images seen": whole(cost.images),
        "training seconds": whole(cost.seconds),
        "training, images/s": speed(cost.trained),
        "translation, images/s": speed(cost.translated),
        "multiply-adds per picture": scaled(cost.multiply_adds),
        "peak memory, MiB": whole(cost.peak_memory / 2**20 if cost.peak_memory else None),
    }


def _number(metric: str, score: Score | None) -> str:
    return "–" if score is None else score.text(decimals(metric))


def markdown_table(frame: pd.DataFrame) -> str:
    """A table as Markdown, all columns but the first to the right."""
    rows = [list(frame.columns), ["---", *["---:"] * (len(frame.columns) - 1)], *frame.values.tolist()]
    return "\n".join("| " + " | ".join(_escaped(str(cell)) for cell in row) + " |" for row in rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

"""Tables of what is behind the averages: warnings, the predictions of the classifier, distances of fewer images."""

from collections.abc import Sequence

import pandas as pd

from i2i.benchmarks.analysis.number_format import DASH
from i2i.benchmarks.analysis.results import Results
from i2i.metrics.registry import metric_named

FINE = "ok"


def health(results: Results, name: str) -> str:
    """The flags that a method raises in short words, as `copied, noise in 1 of 6`; a dash if none was measured."""
    flags = results.details.flags
    own = flags[flags["model"] == name]
    if own.empty:
        return DASH
    counts = own.groupby("flag", sort=False)["raised"].agg(["sum", "size"])
    return ", ".join(_in_words(str(flag), int(up), int(of)) for flag, (up, of) in counts.iterrows() if up) or FINE


def _in_words(flag: str, raised: int, measured: int) -> str:
    return flag if raised == measured else f"{flag} in {raised} of {measured}"


def health_warnings(results: Results) -> pd.DataFrame:
    """One row per raised flag: whose, where, its value and threshold, what it means."""
    flags = results.details.flags
    up = flags[flags["raised"].astype(bool)]
    several = results.scores["seed"].nunique() > 1
    lines = [
        {
            "model": row["model"],
            **({"seed": str(row["seed"])} if several else {}),
            "direction": way(row["source"], row["target"]),
            "flag": row["flag"],
            "value": f"{row['value']:z.3g}",
            "raised": f"{'above' if row['above'] else 'below'} {row['threshold']:g}",
            "says": row["says"],
        }
        for row in up.to_dict("records")
    ]
    return pd.DataFrame(lines)


def predictions(results: Results) -> pd.DataFrame:
    """Rows: method and direction; a column per domain: how many images the classifier took for it."""
    confusion = results.details.confusion
    if confusion.empty:
        return pd.DataFrame()
    domains = list(dict.fromkeys(confusion["predicted"]))
    counts = confusion.groupby(["model", "source", "target", "predicted"], sort=False)["count"].sum().to_dict()
    places = dict.fromkeys(zip(confusion["model"], confusion["source"], confusion["target"], strict=True))
    lines = [
        {
            "model": model,
            "direction": way(source, target),
            **{domain: str(counts.get((model, source, target, domain), DASH)) for domain in domains},
        }
        for model, source, target in places
    ]
    return pd.DataFrame(lines)


def distances_by_n(results: Results, metric: str) -> pd.DataFrame:
    """A row per method and a column per number of images: means over directions and seeds."""
    curves = {name: curve(results, metric, name) for name in results.rows}
    counts = sorted({n for own in curves.values() for n in own})
    lines = [
        {"model": name, **{f"{n:,}": metric_named(metric).text(own[n]) if n in own else DASH for n in counts}}
        for name, own in curves.items()
        if own
    ]
    return pd.DataFrame(lines)


def curve(results: Results, metric: str, name: str) -> dict[int, float]:
    """A method's distance by the number of images, ascending; only at those that all its directions have."""
    by_n = results.details.by_n
    own = by_n[(by_n["metric"] == metric) & (by_n["model"] == name)]
    runs = len(own[["seed", "source", "target"]].drop_duplicates())
    values = own.groupby("n")["value"].agg(["mean", "size"])
    return {int(n): mean for n, mean, size in values.sort_index().itertuples(name=None) if size == runs}


def metrics_by_n(results: Results) -> Sequence[str]:
    """The distances that are known of several numbers of images."""
    return list(dict.fromkeys(results.details.by_n["metric"]))


def way(source: str, target: str) -> str:
    """A direction as tables name it."""
    return f"{source} → {target}" if source != target else f"{target}, real"

"""What a bench found, and how it is told in text: table.md, the terminal, the progress of jobs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from i2i import __version__
from i2i.benchmarks.claims import Claim, judge
from i2i.benchmarks.costs import Costs, costs_of
from i2i.benchmarks.jobs import REAL
from i2i.benchmarks.plan import Job, Plan
from i2i.benchmarks.seeds import Score, over_seeds
from i2i.metrics.names import decimals, is_better_high, title

COLUMNS = ["dataset", "model", "seed", "source", "target", "metric", "value", "n"]
SPENT = ("trainings", "parameters", "images seen", "seconds")


@dataclass(frozen=True)
class Results:
    """What a bench found.

    Attributes:
        scores: tidy, one row per dataset, contestant (its column is called `model`), seed, source, target and metric.
        costs: by contestant.
        failures: by job, the error.
    """

    scores: pd.DataFrame
    costs: Mapping[str, Costs]
    failures: Mapping[str, str]

    @property
    def contestants(self) -> list[str]:
        """Names of those with scores, in the order of the table; real pictures are none."""
        return [name for name in dict.fromkeys(self.scores["model"]) if name != REAL]

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics in the order of the table."""
        return list(dict.fromkeys(self.scores["metric"]))


def collect(plan: Plan, failures: Mapping[str, str]) -> Results:
    """Read what the jobs of the plan have left; those that failed have left nothing."""
    rows: list[dict[str, Any]] = []
    for name in plan.contestants():
        for seed in plan.seeds():
            if f"scores of {name}, seed {seed}" not in failures:
                rows += _read_scores(plan.out / "scores" / f"{name}-seed{seed}.json", plan, name, seed)
    if "scores of real pictures" not in failures:
        rows += _read_scores(plan.out / "scores" / f"{REAL}.json", plan, REAL, plan.seeds()[0])
    costs = {name: cost for name in plan.contestants() if (cost := costs_of(plan, name, failures))}
    return Results(pd.DataFrame(rows, columns=COLUMNS), costs, failures)


def markdown(plan: Plan, results: Results, protocol: str | None = None) -> str:
    """The table with what it needs to be read, as Markdown; `protocol` is the fingerprint of the protocol card."""
    summary = _summary(results)
    parts = [
        f"# {plan.dataset}: {', '.join(plan.contestants())}",
        _markdown_table(summary),
        _bullets(caption_lines(plan, results, protocol)),
        *_claims_section(plan, results),
        *_costs_section(plan, results),
    ]
    for metric in results.metrics:
        parts.append(f"## {title(metric)} by direction")
        parts.append(_markdown_table(_by_direction(results, metric)))
    if results.failures:
        parts.append("## Failed")
        parts += [f"- {name}: {_last_line(error)}" for name, error in results.failures.items()]
    return "\n\n".join(parts) + "\n"


def terminal_table(results: Results) -> str:
    """The summary for the terminal."""
    from io import StringIO

    from rich.console import Console
    from rich.table import Table

    summary = _summary(results)
    table = Table(title="mean over directions")
    for position, name in enumerate(summary.columns):
        table.add_column(name, justify="left" if position == 0 else "right")
    for row in summary.itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console = Console(file=StringIO(), width=140)
    console.print(table)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text.rstrip()


def claim_lines(plan: Plan, results: Results) -> list[str]:
    """One line per claim of the suite: the claim, and whether this bench shows it."""
    means = over_seeds(results.scores, ("model", "metric"))
    lines = []
    for claim in (Claim.model_validate(stated) for stated in plan.facts["suite"]["claims"]):
        own = {name: score.mean for (name, metric), score in means.items() if metric == claim.metric}
        heading = title(claim.metric)
        verdict = judge(claim, own, is_better_high(claim.metric), decimals(claim.metric))
        lines.append(f"{claim.says}: {verdict} ({heading})")
    return lines


def _claims_section(plan: Plan, results: Results) -> list[str]:
    lines = [f"- {line}" for line in claim_lines(plan, results)]
    if not lines:
        return []
    if len(plan.seeds()) == 1:
        lines.append("- One seed: whether a small difference would come out the same again is not known.")
    return ["## Claims", "\n".join(lines)]


def _costs_section(plan: Plan, results: Results) -> list[str]:
    if not results.costs:
        return []
    lines = [_cost_line(name, cost) for name, cost in results.costs.items()]
    return ["## Costs", _markdown_table(pd.DataFrame(lines)), _bullets(costs_caption_lines(plan))]


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


def costs_caption_lines(plan: Plan) -> list[str]:
    """What one must know to read the costs."""
    seeds = len(plan.seeds())
    return [
        "What it takes to serve every direction" + (f" once, as means over {seeds} seeds." if seeds > 1 else "."),
        "`training seconds` are those of the steps; real pictures are counted, a pair as two. `translation` is timed "
        "from decoded pixels to pixels.",
        "`multiply-adds` are those of convolutions and matrix products in translating one picture of "
        f"{plan.facts['image_size']} px.",
        "`peak memory` is that of the hungriest training: of tensors on a GPU, on the CPU of the whole process.",
        "Seconds, speeds and memory are of this machine under its load.",
    ]


def _summary(results: Results) -> pd.DataFrame:
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


def _by_direction(results: Results, metric: str) -> pd.DataFrame:
    scores = results.scores[results.scores["metric"] == metric]
    names = list(dict.fromkeys(scores["model"]))
    means = over_seeds(scores, ("source", "target", "model"))
    lines = []
    for source, target in dict.fromkeys(zip(scores["source"], scores["target"], strict=True)):
        direction = f"{source} → {target}" if source != target else f"{target}, real"
        cells = {name: _number(metric, means.get((source, target, name))) for name in names}
        lines.append({"direction": direction, **cells})
    return pd.DataFrame(lines)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def caption_lines(plan: Plan, results: Results, protocol: str | None) -> list[str]:
    """What one must know to read the table; `protocol` is the fingerprint of the protocol card."""
    facts = plan.facts
    modes = ", ".join(f"{name}: {cost.inference}" for name, cost in results.costs.items() if cost.parameters)
    lines = [
        f"{averaging(plan)} Data: {facts['dataset']}; {facts['image_size']} px; "
        f"fingerprint {facts['fingerprint'][:12]}.",
        budget_text(plan),
        "`n` is the number of scored pictures, of all seeds together. `seconds` is training time, summed over the "
        "trainings of a seed.",
        "`accuracy` is the share of translations that a classifier, trained on the real training pictures, takes "
        "for the target domain; in the row `real` it judges real test pictures.",
        "`identity` copies its input, `colour` moves channel means and deviations only; a translator has to beat both.",
    ]
    if "FD-domain-classifier" in results.metrics:
        lines.append(
            "`FD-domain-classifier` is the Frechet distance between features of that classifier, translations against "
            "real test pictures (row `real`: training against test pictures). It is not FID and comparable only "
            "within this table."
        )
    if "fid" in results.metrics:
        lines.append("FID with pytorch-fid's Inception features; row `real`: training against test pictures.")
    if modes:
        lines.append(f"When translating: {modes}.")
    lines += _seeds_missing(plan, results)
    lines += [f"Skipped: {name}, because {reason}." for name, reason in plan.skipped.items()]
    stated = f"Protocol {protocol}, written out in protocol.json; " if protocol else ""
    lines.append(f"{stated}i2i {__version__}.")
    return lines


def budget_text(plan: Plan) -> str:
    """The budget in a sentence."""
    images, per = f"{plan.facts['budget']['images']:,} images", plan.facts["budget"]["per"]
    if per == "dataset":
        return f"Budget: {images} per data set, divided over a model's trainings."
    return f"Budget: {images} for each training."


def averaging(plan: Plan) -> str:
    """What a value of the table is, in a sentence."""
    directions, seeds = f"{len(plan.directions)} directions", plan.seeds()
    if len(seeds) == 1:
        return f"Means over {directions}, seed {seeds[0]}."
    return (
        f"Means over {directions}, ± standard deviation over {len(seeds)} seeds "
        f"({', '.join(map(str, seeds))}; n - 1 in its denominator)."
    )


def _seeds_missing(plan: Plan, results: Results) -> list[str]:
    """Who has fewer seeds than the others, because trainings failed."""
    found = results.scores.groupby("model")["seed"].nunique().to_dict()
    return [
        f"{name}: only {found[name]} of {len(plan.seeds())} seeds were finished."
        for name in plan.contestants()
        if 0 < found.get(name, 0) < len(plan.seeds())
    ]


def _markdown_table(frame: pd.DataFrame) -> str:
    rows = [list(frame.columns), ["---", *["---:"] * (len(frame.columns) - 1)], *frame.values.tolist()]
    return "\n".join("| " + " | ".join(_escaped(str(cell)) for cell in row) + " |" for row in rows)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _read_scores(path: Path, plan: Plan, name: str, seed: int) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    rows: Sequence[Mapping[str, Any]] = json.loads(path.read_text())["rows"]
    return [{"dataset": plan.dataset, "model": name, "seed": seed, **row} for row in rows]


def _number(metric: str, score: Score | None) -> str:
    return "–" if score is None else score.text(decimals(metric))


def whole(value: float | None) -> str:
    """A number without decimals, thousands set apart; a dash for None."""
    return f"{round(value):,}" if value is not None else "–"


def speed(value: float | None) -> str:
    """Images per second with three digits or more; a dash for None."""
    if value is None:
        return "–"
    return whole(value) if value >= 100 else f"{value:.3g}"


def scaled(value: float | None) -> str:
    """A count with a letter for its thousands, as in 1.23 G; a dash for None."""
    if value is None:
        return "–"
    for letter, unit in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= unit:
            return f"{value / unit:,.2f} {letter}"
    return whole(value)


def _last_line(error: str) -> str:
    return error.strip().splitlines()[-1]


class JobLines:
    """Shows the jobs: a live table of those that run on a terminal, a line per start and end elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._total, self._ended = total, 0
        self._overall = self._bars.add_task("bench", total=total, status=f"0 of {total} jobs")
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def started(self, job: Job) -> None:
        """Show that a job runs."""
        self._tasks[job.name] = self._bars.add_task(f"  {job.name}", total=None, status="")

    def progressed(self, job: Job, text: str) -> None:
        """Show how far it is."""
        self._bars.update(self._tasks[job.name], status=text)

    def ended(self, job: Job, error: str | None) -> None:
        """Show how it ended."""
        self._ended += 1
        if job.name in self._tasks:
            self._bars.remove_task(self._tasks.pop(job.name))
        self._bars.update(self._overall, completed=self._ended, status=f"{self._ended} of {self._total} jobs")
        if error or not self._console.is_terminal:
            how = f"FAILED: {_last_line(error)}" if error else "done"
            self._console.print(
                f"[{self._ended}/{self._total}] {job.name}: {how}", markup=False, highlight=False, soft_wrap=True
            )

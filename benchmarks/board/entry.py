"""An entry: the results of one bench in one small file, with a checksum, that others can collect and check."""

import math
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from i2i._version import __version__
from i2i.benchmarks.analysis.aggregate import Score, mean_of
from i2i.benchmarks.analysis.classifier_trust import doubts
from i2i.benchmarks.analysis.cost_columns import COSTS
from i2i.benchmarks.analysis.results import Results, collect
from i2i.benchmarks.analysis.significance import ranked
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.config import Settings, stable_hash
from i2i.errors import Damaged, UserError
from i2i.metrics.registry import metric_named
from i2i.utils.joined_names import direction_name
from i2i.utils.json_documents import Document, Facts, SealedDocument, read_sealed

FORMAT = 1
OF_THE_DATA = ("domains", "paired", "training", "reference", "validation", "directions")
"""Parts of a protocol that say which data; benches that differ in nothing else can stand in one table."""
LABEL_MAP = "label_map"
"""The part that says what is a label map among the data, and its palette: of each data set, others have none."""
AGAIN = "take the file as i2i results pack has written it"

Kind = Literal["translator", "reference", "real"]
Value = Annotated[float, Field(ge=-1e100, le=1e100)] | None
SeedText = Annotated[str, Field(pattern=r"^\d{1,19}$")]


class Measure(Document):
    """What is known of a metric."""

    heading: str
    better: Literal["higher", "lower"]
    decimals: Annotated[int, Field(ge=0, le=20)]
    doubt: str | None = None


class Method(Document):
    """A row of results.

    Attributes:
        kind: translator, reference or real.
        settings: what it was, as in the protocol card.
        costs: by name of `COSTS`.
        scores: by metric, seed and direction; None for what is no number.
    """

    kind: Kind
    settings: Facts = Field(default_factory=dict)
    costs: dict[str, Value] = Field(default_factory=dict)
    scores: dict[str, dict[SeedText, dict[str, Value]]]

    def score(self, metric: str) -> Score | None:
        """The means over all directions, by seed; None where there is none."""
        seeds = {int(seed): _mean(values) for seed, values in self.scores.get(metric, {}).items()}
        found = Score({seed: value for seed, value in seeds.items() if not math.isnan(value)})
        return found if found.by_seed else None


class Entry(SealedDocument):
    """The results of a bench.

    Attributes:
        name: of its folder.
        dataset: what its data are called.
        fingerprint: of the protocol.
        protocol: as in the protocol card.
        metrics: by name.
        methods: by name.
        failed: jobs that have left nothing.
        versions: that wrote the report.
    """

    name: str
    dataset: str
    fingerprint: str
    protocol: Facts
    metrics: dict[str, Measure]
    methods: Annotated[dict[str, Method], Field(min_length=1)]
    failed: tuple[str, ...]
    versions: dict[str, str]

    @cached_property
    def shared(self) -> Settings:
        """Of the protocol what holds for any data."""
        return without_data(self.protocol)

    @cached_property
    def contents(self) -> str:
        """Tells an entry from others."""
        return stable_hash(self.model_dump(mode="json", exclude={"checksum"}))

    @cached_property
    def group(self) -> str:
        """Entries of one group can stand in one table."""
        return stable_hash(self.shared)

    @cached_property
    def data(self) -> str:
        """Tells the data from others, and from the same with other label maps, whose scores are not comparable."""
        return stable_hash([data_of(self.protocol), self.protocol.get(LABEL_MAP)])


def data_of(protocol: Mapping[str, object]) -> str:
    """Tells the data of a protocol from others."""
    return stable_hash({name: protocol.get(name) for name in OF_THE_DATA})


def without_data(protocol: Mapping[str, object]) -> Settings:
    """A protocol less what says which data, and the weights that were learnt from them."""
    kept = {name: part for name, part in protocol.items() if name not in (*OF_THE_DATA, LABEL_MAP)}
    for name in ("classifier", "features"):
        part = kept.get(name)
        if isinstance(part, Mapping):
            learnt = name == "classifier" or "classifier" in str(part.get("name"))
            kept[name] = {key: value for key, value in part.items() if key != "sha256" or not learnt}
    return kept


def entry_of(stored: Stored) -> Entry:
    """The entry of a finished bench; UserError if it is not finished."""
    stored.check_finished()
    plan, results, card = stored.plan, collect(stored.plan, stored.absent), stored.card()
    doubted = doubts(plan, results, ranked(plan, results))
    return Entry(
        format=FORMAT,
        i2i=__version__,
        name=plan.out.resolve().name,
        dataset=plan.dataset,
        fingerprint=card["fingerprint"],
        protocol=card["protocol"],
        metrics={name: _measure(name, doubted.get(name)) for name in results.metrics},
        methods={name: _method(plan, results, card, name) for name in results.rows},
        failed=tuple(str(job) for job in stored.absent),
        versions=card["versions"],
    )


def _measure(name: str, doubt: str | None) -> Measure:
    metric = metric_named(name)
    return Measure(heading=metric.heading, better=metric.better, decimals=metric.decimals, doubt=doubt)


def _method(plan: Plan, results: Results, card: Settings, name: str) -> Method:
    scores: dict[str, dict[str, dict[str, Value]]] = {}
    own = results.scores[results.scores["model"] == name]
    columns = ["metric", "seed", "source", "target", "value"]
    for metric, seed, source, target, value in own[columns].itertuples(index=False, name=None):
        number = float(value) if math.isfinite(value) else None
        scores.setdefault(metric, {}).setdefault(str(seed), {})[direction_name((source, target))] = number
    cost = results.costs.get(name)
    kind: Kind = "real" if name == REAL else "translator" if name in ranked(plan, results) else "reference"
    return Method(
        kind=kind,
        settings=card.get("methods", {}).get(name, {}),
        costs={} if cost is None else {column.key: column.value(cost) for column in COSTS},
        scores=scores,
    )


def entry_text(entry: Entry) -> bytes:
    """What a file of an entry holds, with its checksum."""
    return entry.sealed()


def read_entry(path: Path) -> Entry:
    """The entry of a file.

    Raises:
        Damaged: if it was edited or cut short, or holds something else.
        UserError: if there is none, or it is of a later version.
    """
    edited = "was edited after it was written: its checksum is not that of its contents"
    entry = read_sealed(Entry, path, FORMAT, AGAIN, edited)
    if entry is None:
        raise UserError(f"there is no file {path}: name a folder of entries that i2i results pack has written")
    if stable_hash(entry.protocol) != entry.fingerprint:
        raise Damaged(f"{path} has another protocol than its fingerprint says", AGAIN)
    return entry


def read_entries(folder: Path) -> tuple[list[Entry], list[tuple[Path, Path]]]:
    """The entries of a folder's files, each once, and the files that repeat one, with the first of it.

    Raises:
        Damaged: as `read_entry`.
        UserError: as `read_entry`, and if there are no files.
    """
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not paths:
        raise UserError(f"{folder} holds no entries: put files there that i2i results pack has written")
    found: dict[str, tuple[Path, Entry]] = {}
    repeated: list[tuple[Path, Path]] = []
    for path in paths:
        entry = read_entry(path)
        first, _ = found.setdefault(entry.contents, (path, entry))
        if first is not path:
            repeated.append((path, first))
    return [entry for _, entry in found.values()], repeated


def _mean(values: Mapping[str, Value]) -> float:
    """NaN if one is no number: a mean of fewer directions is not that of the others."""
    numbers = [math.nan if value is None else value for value in values.values()]
    return mean_of(numbers) if numbers else math.nan

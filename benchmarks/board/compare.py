"""What entries of one protocol say together: by data set and method, with mean ranks, win rates and a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from i2i.benchmarks.analysis.aggregate import Score
from i2i.benchmarks.analysis.rank_tests import RankTest, rank_test, ranks, too_few, win_rates
from i2i.benchmarks.board.entry import Entry, Kind, Measure, Method

KINDS: tuple[Kind, ...] = ("translator", "reference", "real")


@dataclass(frozen=True)
class Row:
    """A method over all data sets.

    Attributes:
        scores: by data set, None where it has none.
        mean_rank: over the ranked data sets, None for what is not ranked: baselines, real images, and methods that some
            data set lacks.
        win_rate: against other translators, None likewise; a method that some data set lacks has one of the others.
    """

    name: str
    kind: Kind
    scores: tuple[Score | None, ...]
    mean_rank: float | None
    win_rate: float | None


@dataclass(frozen=True)
class Across:
    """A metric over all data sets.

    Attributes:
        name: of the metric.
        measure: what is known of it.
        rows: translators by mean rank, then baselines and real images.
        test: of the ranks, None where there are too few.
        notes: what a reader must know: why there is no test, and which data sets are not ranked.
    """

    name: str
    measure: Measure
    rows: tuple[Row, ...]
    test: RankTest | None
    notes: tuple[str, ...]

    @property
    def ranked(self) -> list[Row]:
        """Those with a mean rank, the best first."""
        return [row for row in self.rows if row.mean_rank is not None]


@dataclass(frozen=True)
class Group:
    """Entries of one protocol.

    Attributes:
        entries: at least one.
    """

    entries: tuple[Entry, ...]

    @cached_property
    def sets(self) -> dict[str, dict[str, Method]]:
        """Methods by data set and name. A name that two entries of one data set have has the entry behind it."""
        found: dict[str, dict[str, Method]] = {}
        for data, own in self._by_data.items():
            names = _translators(own)
            taken: dict[str, Method] = {}
            for entry in own:
                for name, method in entry.methods.items():
                    twice = names.count(name) > 1 and method.kind == "translator"
                    taken.setdefault(f"{name}@{_entry_label(entry, own)}" if twice else name, method)
            found[self._label(data)] = taken
        return found

    @property
    def metrics(self) -> dict[str, Measure]:
        """All that some entry has, in the order of the first that has them."""
        return {name: measure for entry in reversed(self.entries) for name, measure in entry.metrics.items()}

    @property
    def shared_names(self) -> bool:
        """Whether two entries of one data set share a method's name."""
        return any(len(set(names := _translators(own))) < len(names) for own in self._by_data.values())

    def across(self, metric: str) -> Across:
        """A metric over all data sets."""
        measure = self.metrics[metric]
        labels = list(self.sets)
        doubted = [label for label in labels if self._doubt(label, metric)]
        competing = {label: _competing(self.sets[label], metric) for label in labels if label not in doubted}
        competing = {label: own for label, own in competing.items() if own}
        common = [name for name in _names(self.sets) if competing and all(name in own for own in competing.values())]
        higher = measure.better == "higher"
        table = [[own[name].mean for name in common] for own in competing.values()]
        ranked = ranks(table, higher) if common and len(labels) > 1 else None
        wins = win_rates([{name: own[name].by_seed for name in own} for own in competing.values()], higher)
        why = too_few(len(competing), len(common))
        means = {} if ranked is None else dict(zip(common, ranked.mean(0).tolist(), strict=True))
        rows = [self._row(name, metric, means, wins) for name in _names(self.sets)]
        rows = [row for row in rows if any(row.scores)]
        notes = [f"No test: {why}."] if why else []
        notes += [f"Not ranked on {label}: {self._doubt(label, metric)}." for label in doubted]
        test = rank_test(ranked) if ranked is not None and not why else None
        return Across(metric, measure, tuple(sorted(rows, key=_place)), test, tuple(notes))

    def _row(self, name: str, metric: str, means: Mapping[str, float], wins: Mapping[str, float]) -> Row:
        own = [methods.get(name) for methods in self.sets.values()]
        kind = next(method.kind for method in own if method)
        scores = tuple(method.score(metric) if method else None for method in own)
        return Row(name, kind, scores, means.get(name), wins.get(name))

    @cached_property
    def _by_data(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            found.setdefault(entry.data, []).append(entry)
        return found

    def _label(self, data: str) -> str:
        """What a data set is called, with a part of its hash where another is called the same."""
        own = self._by_data[data][0].dataset
        others = {entry.data for entry in self.entries if entry.dataset == own}
        return f"{own} ({data[:4]})" if len(others) > 1 else own

    def _doubt(self, label: str, metric: str) -> str | None:
        own = next(entries for data, entries in self._by_data.items() if self._label(data) == label)
        measures = (entry.metrics[metric] for entry in own if metric in entry.metrics)
        return next((measure.doubt for measure in measures if measure.doubt), None)


def grouped(entries: Sequence[Entry]) -> list[Group]:
    """Entries by protocol, the largest group first."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.group, []).append(entry)
    return sorted((Group(tuple(own)) for own in found.values()), key=lambda group: -len(group.entries))


def _entry_label(entry: Entry, others: Sequence[Entry]) -> str:
    """The name of an entry, with a part of its hash where another is called the same."""
    alike = sum(other.name == entry.name for other in others) > 1
    return f"{entry.name} ({entry.contents[:4]})" if alike else entry.name


def _translators(entries: Sequence[Entry]) -> list[str]:
    """Names of the translators of entries; one that several have comes several times."""
    return [name for entry in entries for name, method in entry.methods.items() if method.kind == "translator"]


def _names(sets: Mapping[str, Mapping[str, Method]]) -> list[str]:
    return list(dict.fromkeys(name for own in sets.values() for name in own))


def _competing(own: Mapping[str, Method], metric: str) -> dict[str, Score]:
    """Scores of the translators of a data set."""
    found = {name: method.score(metric) for name, method in own.items() if method.kind == "translator"}
    return {name: score for name, score in found.items() if score is not None}


def _place(row: Row) -> tuple[int, bool, float, float]:
    """Where a row stands in the table."""
    return KINDS.index(row.kind), row.mean_rank is None, row.mean_rank or 0.0, -(row.win_rate or 0.0)

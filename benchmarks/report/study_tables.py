"""What a human study found as tables and sentences, for the terminal, Markdown, CSV and the page alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from i2i.benchmarks.analysis.number_format import DASH
from i2i.benchmarks.human_study.answer_key import REAL, Question
from i2i.benchmarks.human_study.findings import Findings, Rate, Strength
from i2i.metrics.significance import LEVEL
from i2i.utils.joined_names import direction_name
from i2i.utils.wording import number

TITLES: dict[Question, str] = {
    "fake": "Taken for real",
    "better": "Preferred",
    "realism": "Most like a real image",
    "transfer": "Most like the target",
    "identity": "Keeps most of the input",
}
MODES = {"real-fake": "real or fake", "preference": "preference", "best-of": "best of several"}


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and what it is sorted by."""

    text: str
    value: float | str | None


@dataclass(frozen=True)
class StudyTable:
    """A table; the first cell of each row is a name.

    Attributes:
        rates: behind the rows, for figures, if the table is one of methods over all directions.
        chance: the rate of one who guesses, in percent.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rates: tuple[Rate, ...] = ()
    chance: float = 0.0


def tables(found: Findings) -> list[StudyTable]:
    """Of methods by question, of pairs, and by direction; the best come first."""
    return [*(_of_methods(found, question) for question in found.questions), *_of_pairs(found), *_by_direction(found)]


def ordered(found: Findings, question: Question) -> list[Rate]:
    """Rates of methods over all directions, the highest first."""
    return sorted(found.overall(question), key=lambda rate: (-rate.rate, rate.name))


def _of_methods(found: Findings, question: Question) -> StudyTable:
    rates = ordered(found, question)
    strengths = {one.name: one for one in found.strengths if one.question == question}
    tested = any(rate.p is not None for rate in rates)
    more = [*(["p against chance"] if tested else []), *(["score [95 %]"] if strengths else [])]
    rows = [
        (
            _name(rate.name),
            _rate(rate),
            *([_p(rate)] if tested else []),
            *([_strength(strengths[rate.name])] if strengths else []),
            *_counts(rate),
        )
        for rate in rates
    ]
    chance = 100 * rates[0].chance if rates else 0.0
    return StudyTable(
        TITLES[question], ("method", "% [95 %]", *more, "answers", "raters"), tuple(rows), tuple(rates), chance
    )


def _of_pairs(found: Findings) -> Iterator[StudyTable]:
    if found.pairs:
        turned = [rate if rate.rate >= 0.5 else _turned(rate) for rate in found.pairs]
        rows = [
            (_name(rate.name), _name(rate.against or DASH), _rate(rate), _p(rate), *_counts(rate))
            for rate in sorted(turned, key=lambda rate: (-rate.rate, rate.name))
        ]
        columns = ("method", "preferred to", "% [95 %]", "p against 50 %", "answers", "raters")
        yield StudyTable("Pairs", columns, tuple(rows))


def _turned(rate: Rate) -> Rate:
    """The same pair from the other side."""
    ends = {"low": None if rate.high is None else 1 - rate.high, "high": None if rate.low is None else 1 - rate.low}
    other = {"name": rate.against, "against": rate.name, "hits": rate.answers - rate.hits, "rate": 1 - rate.rate}
    return rate.model_copy(update={**ends, **other})


def _by_direction(found: Findings) -> Iterator[StudyTable]:
    for question in found.questions:
        own = [rate for rate in found.rates if rate.question == question and rate.direction is not None]
        directions = list(dict.fromkeys(rate.direction for rate in own if rate.direction))
        if directions:
            of = {(rate.name, rate.direction): rate for rate in own}
            rows = [
                (
                    _name(rate.name),
                    *(
                        _rate(of[rate.name, direction]) if (rate.name, direction) in of else NOTHING
                        for direction in directions
                    ),
                )
                for rate in ordered(found, question)
            ]
            title = f"{TITLES[question]}, by direction, % [95 %]"
            yield StudyTable(title, ("method", *map(direction_name, directions)), tuple(rows))


NOTHING = Cell(DASH, None)


def _name(name: str) -> Cell:
    return Cell(name, name)


def _rate(rate: Rate) -> Cell:
    ends = "" if rate.low is None or rate.high is None else f" [{100 * rate.low:.1f}, {100 * rate.high:.1f}]"
    return Cell(f"{100 * rate.rate:.1f}{ends}", 100 * rate.rate)


def _p(rate: Rate) -> Cell:
    if rate.corrected is None:
        return NOTHING
    return Cell("< 0.001" if rate.corrected < 0.001 else f"{rate.corrected:.3f}", rate.corrected)


def _strength(one: Strength) -> Cell:
    return Cell(f"{one.score:+.2f} [{one.low:+.2f}, {one.high:+.2f}]", one.score)


def _counts(rate: Rate) -> tuple[Cell, Cell]:
    return Cell(f"{rate.answers:,}", rate.answers), Cell(f"{rate.raters:,}", rate.raters)


def caption(found: Findings) -> list[str]:
    """What a reader must know to read the tables."""
    return [*_who(found), *_how(found), *_ends(found)]


def _who(found: Findings) -> list[str]:
    left = [f"Of their trials {found.left_out:,} do not count."] if found.left_out else []
    counts = f"{number(found.kept, 'rater')} of {found.raters} whose votes were read, of {number(found.pages, 'page')}."
    few = [] if found.kept > 1 else ["One rater alone gives no interval and no test."]
    return [f"Study `{found.study}`, mode {found.mode}: {counts}", *left, *few]


def _how(found: Findings) -> list[str]:
    lines = [
        "Intervals (95 %) are over raters, who are resampled with all their answers: with other raters the numbers "
        "would lie there. Images and methods are taken as given."
    ]
    if any(rate.p is not None for rate in (*found.rates, *found.pairs)):
        lines.append(
            "p is that of a sign-flip test over raters against one who guesses, corrected for all tests of the study "
            f"after Holm; below {LEVEL:g} it is no guessing."
        )
    if found.strengths:
        lines.append(
            "Scores are those of Bradley and Terry (of Luce, among more than two): a method that lies 1 above another "
            "is chosen 2.7 times as often. Their mean is 0."
        )
    return lines


def _ends(found: Findings) -> list[str]:
    """Floor and ceiling."""
    baselines = [name for name, kind in found.kinds.items() if kind == "reference"]
    floor = [f"Floor: {', '.join(f'`{name}`' for name in baselines)}, which learn nothing."] if baselines else []
    if REAL not in found.methods:
        return floor
    if found.mode == "real-fake":
        return [*floor, "Ceiling: `real`, real images beside other real images, where nobody can do better than guess."]
    return [*floor, "Ceiling: `real`, the ground truth."]


def left_out(found: Findings) -> list[str]:
    """A line for each rater who was left out, with the reason."""
    return [f"Rater {one.rater}: {one.why}." for one in found.excluded] or ["No rater was left out."]


def summary(found: Findings) -> str:
    """The study in a heading."""
    return f"Human study, {MODES[found.mode]}"


def as_lists(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """The texts of rows."""
    return [[cell.text for cell in row] for row in rows]

"""What a study found: rates and preferences of methods with intervals and tests, scores, and who was left out."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from i2i.benchmarks.human_study.answer_key import QUESTIONS, AnswerKey, Mode, Question
from i2i.benchmarks.human_study.exclusion import counted, exclusion
from i2i.benchmarks.human_study.rater_statistics import Choices, chance_test, rate_interval, scores
from i2i.benchmarks.human_study.votes import RatedTrial, Session
from i2i.errors import UserError
from i2i.metrics.significance import holm
from i2i.utils.json_documents import Count, Document
from i2i.utils.wording import number, some

Share = Annotated[float, Field(ge=0, le=1)]


class Rate(Document):
    """How often something was chosen.

    Attributes:
        name: the method.
        against: the other method, where two are compared; None for all.
        direction: source and target, or None for all.
        hits, answers: how often it was chosen, and could have been.
        raters: who were asked.
        rate: of hits.
        low, high: the interval over raters, None with fewer than two.
        chance: the rate of one who guesses.
        p: of the test against chance, None where nothing was tested.
        corrected: for the number of tests of the study, after Holm.
    """

    question: Question
    name: str
    against: str | None = None
    direction: tuple[str, str] | None = None
    hits: Count
    answers: Count
    raters: Count
    rate: Share
    low: Share | None
    high: Share | None
    chance: Share
    p: Share | None = None
    corrected: Share | None = None


class Strength(Document):
    """A Bradley-Terry score, log-odds with mean 0 over the methods."""

    question: Question
    name: str
    score: float
    low: float
    high: float


class Excluded(Document):
    """A rater who is left out."""

    rater: Count
    why: str


class Findings(Document):
    """All that is reported of a study.

    Attributes:
        study, mode, fingerprint, dataset, methods, translations: as in the answer key.
        kinds: by method: translator, reference or real.
        raters: whose votes were read.
        kept: whose votes count.
        pages: that were made.
        left_out: scored trials of kept raters that do not count.
        rules: in words.
        rates: by method over all directions, which are tested, and by direction, which are not.
        pairs: of methods, where two are compared.
        strengths: where methods are compared with each other.
    """

    study: str
    mode: Mode
    fingerprint: str
    dataset: str
    methods: tuple[str, ...]
    kinds: dict[str, str]
    translations: dict[str, str]
    pages: Count
    raters: Count
    kept: Count
    left_out: Count
    excluded: tuple[Excluded, ...]
    rules: tuple[str, ...]
    rates: tuple[Rate, ...]
    pairs: tuple[Rate, ...] = ()
    strengths: tuple[Strength, ...] = ()

    def overall(self, question: Question) -> list[Rate]:
        """Rates over all directions."""
        return [rate for rate in self.rates if rate.direction is None and rate.question == question]

    @property
    def questions(self) -> tuple[Question, ...]:
        """What was asked."""
        return QUESTIONS[self.mode]


def findings(key: AnswerKey, sessions: Sequence[Session]) -> Findings:
    """What the votes say.

    Raises:
        UserError: if no rater is left.
    """
    reasons = {session.rater: why for session in sessions if (why := exclusion(session, key))}
    kept = [session for session in sessions if session.rater not in reasons]
    if not kept:
        reasons_text = some([f"rater {rater}: {why}" for rater, why in reasons.items()], "; ", 3)
        raise UserError(f"no votes are left of {number(len(sessions), 'rater')} ({reasons_text}): ask more raters")
    answers = [list(counted(session, key)) for session in kept]
    rates = [_rate_of(rate, key, answers) for rate in _asked(key, answers)]
    return Findings(
        study=key.study,
        mode=key.mode,
        fingerprint=key.fingerprint,
        dataset=key.dataset,
        methods=key.methods,
        kinds={name: key.kind_of(name) for name in key.methods},
        translations=key.translations,
        pages=len(key.raters),
        raters=len(sessions),
        kept=len(kept),
        left_out=sum(sum(one.trial.kind == "scored" for one in s.rated) for s in kept) - sum(map(len, answers)),
        excluded=tuple(Excluded(rater=rater, why=why) for rater, why in reasons.items()),
        rules=tuple(key.rules.lines),
        **_corrected([rate for rate in rates if rate is not None]),
        strengths=tuple(_strengths(key, answers)) if key.mode != "real-fake" and len(kept) > 1 else (),
    )


Answers = Sequence[Sequence[RatedTrial]]
Subject = dict[str, Any]
"""The fields of a `Rate` that say what it is about."""


def _asked(key: AnswerKey, answers: Answers) -> Iterator[Subject]:
    """Everything that there is a rate of."""
    directions = dict.fromkeys((one.trial.source, one.trial.target) for own in answers for one in own)
    for question in QUESTIONS[key.mode]:
        for name in key.methods:
            yield {"question": question, "name": name}
            if len(directions) > 1:
                yield from ({"question": question, "name": name, "direction": direction} for direction in directions)
        if key.mode == "preference":
            yield from ({"question": question, "name": a, "against": b} for a, b in combinations(key.methods, 2))


def _rate_of(about: Subject, key: AnswerKey, answers: Answers) -> Rate | None:
    """The rate with its interval and test; None of what nobody was asked."""
    own = [[one for one in some if _is_about(one, about)] for some in answers]
    name, chance = about["name"], 1 / key.positions
    counts = np.array([len(some) for some in own])
    hits = np.array([sum(_hit(one, name) for one in some) for some in own])
    if not counts.sum():
        return None
    interval = rate_interval(hits, counts)
    tested = "direction" not in about and (key.mode != "preference" or "against" in about)
    return Rate(
        **about,
        hits=int(hits.sum()),
        answers=int(counts.sum()),
        raters=int((counts > 0).sum()),
        rate=float(hits.sum() / counts.sum()),
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        chance=chance,
        p=chance_test(hits, counts * chance) if tested else None,
    )


def _is_about(trial_and_answer: RatedTrial, about: Subject) -> bool:
    trial, name = trial_and_answer.trial, about["name"]
    direction = trial.source, trial.target
    if trial.question != about["question"] or about.get("direction", direction) != direction:
        return False
    if trial.about is not None:
        return bool(trial.about == name)
    return name in trial.methods and about.get("against", name) in trial.methods


def _hit(trial_and_answer: RatedTrial, name: str) -> bool:
    """Whether a method was chosen; of real and fake images, whether its image was taken for the real one."""
    chosen = trial_and_answer.answer.chosen
    if trial_and_answer.trial.about is not None:
        return chosen != trial_and_answer.trial.right
    return bool(trial_and_answer.trial.methods[chosen] == name)


def _corrected(rates: Sequence[Rate]) -> dict[str, tuple[Rate, ...]]:
    """The rates of methods and of pairs, with p-values corrected for the number of all tests."""
    tested = [place for place, rate in enumerate(rates) if rate.p is not None]
    corrected = dict(zip(tested, holm([rates[place].p or 0.0 for place in tested]).tolist(), strict=True))
    done = [rate.model_copy(update={"corrected": corrected.get(place)}) for place, rate in enumerate(rates)]
    return {
        "rates": tuple(rate for rate in done if rate.against is None),
        "pairs": tuple(rate for rate in done if rate.against is not None),
    }


def _strengths(key: AnswerKey, answers: Answers) -> Iterator[Strength]:
    for question in QUESTIONS[key.mode]:
        own = [[one for one in some if one.trial.question == question] for some in answers]
        for name, found in zip(key.methods, scores(_choices(key.methods, own)), strict=True):
            yield Strength(question=question, name=name, score=found.estimate, low=found.low, high=found.high)


def _choices(methods: Sequence[str], answers: Answers) -> Choices:
    sets = list(dict.fromkeys(frozenset(one.trial.methods) for own in answers for one in own))
    shown, wins = (np.zeros((len(answers), size), int) for size in (len(sets), len(methods)))
    for rater, own in enumerate(answers):
        for one in own:
            shown[rater, sets.index(frozenset(one.trial.methods))] += 1
            wins[rater, methods.index(one.trial.methods[one.answer.chosen])] += 1
    return Choices(np.array([[name in some for name in methods] for some in sets]), shown, wins)

"""Files of votes, as the pages save them, checked against the answer key."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from i2i.benchmarks.human_study.answer_key import EXPOSURE, AnswerKey, Mode, Position, Trial
from i2i.errors import Damaged, UserError
from i2i.utils.json_documents import Count, Document, read_document

HEAD = re.compile(r'\{"format":"i2i votes 1","checksum":"([0-9a-f]{64})","votes":')
"""How a file begins; the checksum is of all that follows but for the last brace."""
AGAIN = "ask this rater for the file as the page has saved it"

Milliseconds = Annotated[float, Field(ge=0)]


class Answer(Document):
    """The answer to a trial.

    Attributes:
        chosen: the position.
        ms: milliseconds from the question to the answer.
        exposures: milliseconds that each timed image was on the screen.
        begun: how often the trial was begun: again, if the page was closed meanwhile.
    """

    chosen: Position
    ms: Milliseconds
    exposures: tuple[Milliseconds, ...] = ()
    begun: Count = 1


class Votes(Document):
    """The answers of a rater; those of the page's trials, in their order."""

    study: str
    fingerprint: str
    mode: Mode
    rater: Annotated[int, Field(ge=1)]
    session: str
    answers: tuple[Answer, ...]


class _File(Document):
    format: Literal["i2i votes 1"]
    checksum: str
    votes: Votes


@dataclass(frozen=True)
class RatedTrial:
    """An answer beside the trial that it answers."""

    trial: Trial
    answer: Answer


@dataclass(frozen=True)
class Session:
    """The answers of a rater that belong to a study.

    Attributes:
        rater: number, from 1.
        rated: of all trials, in order.
    """

    rater: int
    rated: tuple[RatedTrial, ...]


def read_votes(path: Path, key: AnswerKey) -> Session:
    """The answers in a file.

    Raises:
        Damaged: if it is cut short or edited, or holds something else.
        UserError: if there is no such file, or it belongs to another study.
    """
    found = read_document(_File, path, AGAIN)
    if found is None:
        raise UserError(f"there is no file {path}: name the files that raters have saved, as in votes/*.json")
    _check_intact(path)
    votes = found.votes
    if votes.study != key.study or votes.fingerprint != key.fingerprint:
        raise UserError(
            f"{path} holds votes of the study {votes.study}, and not of {key.study}: leave it out, or "
            "name its own study"
        )
    if votes.mode != key.mode or votes.rater > len(key.raters):
        raise Damaged(f"{path} does not belong to a page of this study", AGAIN)
    trials = key.raters[votes.rater - 1]
    if len(votes.answers) != len(trials):
        raise Damaged(f"{path} holds {len(votes.answers)} answers to {len(trials)} trials", AGAIN)
    rated = tuple(RatedTrial(trial, answer) for trial, answer in zip(trials, votes.answers, strict=True))
    for number, trial_and_answer in enumerate(rated, 1):
        if trial_and_answer.answer.chosen >= len(trial_and_answer.trial.methods):
            raise Damaged(f"{path} chooses an image in trial {number} that was not there", AGAIN)
        if len(trial_and_answer.answer.exposures) != (2 if key.mode in EXPOSURE else 0):
            raise Damaged(f"{path} lacks times of exposure in trial {number}", AGAIN)
    return Session(votes.rater, rated)


def read_all(paths: Sequence[Path], key: AnswerKey) -> list[Session]:
    """The answers of all raters, by number; UserError as `read_votes`, or if two files are of one rater."""
    found: dict[int, tuple[Path, Session]] = {}
    for path in paths:
        session = read_votes(path, key)
        if session.rater in found:
            raise UserError(
                f"{found[session.rater][0]} and {path} are both of rater {session.rater}: keep one of the two, the "
                "first that was saved; every rater gets a page of their own"
            )
        found[session.rater] = path, session
    return [session for _, (_, session) in sorted(found.items())]


def _check_intact(path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig").strip()
    head = HEAD.match(text)
    if head is None or sha256(text[head.end() : -1].encode()).hexdigest() != head[1]:
        raise Damaged(f"{path} was edited after it was saved: its checksum is not that of its votes", AGAIN)

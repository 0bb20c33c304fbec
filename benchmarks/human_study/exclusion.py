"""Which raters and which of their answers are left out, by the rules of the answer key."""

from collections import Counter
from collections.abc import Iterator
from statistics import median

from i2i.benchmarks.human_study.answer_key import EXPOSURE, AnswerKey
from i2i.benchmarks.human_study.votes import Answer, RatedTrial, Session


def exclusion(session: Session, key: AnswerKey) -> str | None:
    """Why a rater is left out, by the rules that were fixed when the study was made; None for one who counts."""
    rules, rated = key.rules, session.rated
    wrong = sum(one.answer.chosen != one.trial.right for one in rated if one.trial.kind == "vigilance")
    if wrong > rules.vigilance_wrong:
        return f"{wrong} vigilance trials wrong, at most {rules.vigilance_wrong} may be"
    scored = [one for one in rated if one.trial.kind == "scored"]
    usual = median(one.answer.ms for one in scored)
    if usual < rules.answer_ms:
        return f"{usual:.0f} ms for an answer in the median, at least {rules.answer_ms:g} are needed to decide"
    position, often = Counter(one.answer.chosen for one in scored).most_common(1)[0]
    if often > rules.one_position * len(scored):
        return f"position {chr(65 + position)} chosen in {often} of {len(scored)} trials"
    off = len(scored) - len(list(counted(session, key)))
    if off > rules.off * len(scored):
        return f"{off} of {len(scored)} trials not shown as long as they should be, or begun twice"
    return None


def counted(session: Session, key: AnswerKey) -> Iterator[RatedTrial]:
    """The scored answers that count: of timed trials those that were shown once and as long as they should be."""
    for trial_and_answer in session.rated:
        if trial_and_answer.trial.kind == "scored" and not _is_off(trial_and_answer.answer, key):
            yield trial_and_answer


def _is_off(answer: Answer, key: AnswerKey) -> bool:
    asked = EXPOSURE.get(key.mode)
    if asked is None:
        return False
    return answer.begun > 1 or any(abs(time - asked) > key.rules.exposure_ms for time in answer.exposures)

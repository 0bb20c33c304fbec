"""Simulated raters: files of votes as the pages of a human study save them, by raters of known skill."""

import json
import math
import random
from hashlib import sha256

from i2i.benchmarks.human_study.answer_key import EXPOSURE


def saved(votes):
    """The text of a file of votes."""
    text = json.dumps(votes, separators=(",", ":"))
    return f'{{"format":"i2i votes 1","checksum":"{sha256(text.encode()).hexdigest()}","votes":{text}}}'


def votes(key, rater, choose, **answer):
    """The votes of a rater; `choose` gives the position for a trial, and `answer` other entries of all answers."""
    exposures = [1000.0, 1000.0] if key.mode in EXPOSURE else []
    usual = {"ms": 900.0, "exposures": exposures, "begun": 1, **answer}
    return {
        "study": key.study,
        "fingerprint": key.fingerprint,
        "mode": key.mode,
        "rater": rater,
        "session": f"{rater:016x}",
        "answers": [{"chosen": choose(trial), **usual} for trial in key.raters[rater - 1]],
    }


def attentive(skills, seed=0):
    """A rater who gets all vigilance trials right.

    `skills` gives for each method the chance that its image is taken for the real one or, where methods are chosen, the
    weight that it is chosen by.
    """
    rng = random.Random(seed)

    def choose(trial):
        if trial.kind == "vigilance":
            return trial.right
        if trial.about is not None:
            return trial.right if rng.random() >= skills[trial.about] else 1 - trial.right
        weights = [math.exp(skills[name]) for name in trial.methods]
        return rng.choices(range(len(weights)), weights)[0]

    return choose


def write_votes(folder, key, choosers, **answer):
    """A file for each rater, from number 1; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"votes-{number}.json" for number, _ in enumerate(choosers, 1)]
    for number, (path, choose) in enumerate(zip(paths, choosers, strict=True), 1):
        path.write_text(saved(votes(key, number, choose, **answer)))
    return paths

"""What a job is known by. Its text is for people, and for the files of results folders, which are named after it."""

import re
from dataclasses import asdict, dataclass
from typing import Literal, Self

Kind = Literal[
    "train", "translate", "external", "classifier", "segmenter", "score", "score_real", "features", "features_real"
]
Stage = Literal["train", "translate", "classifier", "score", "report"]
STAGES: tuple[Stage, ...] = ("train", "translate", "classifier", "score", "report")
"""What a bench does, in order. All but the report are done by jobs."""
_STAGE_OF: dict[Kind, Stage] = {
    "train": "train",
    "translate": "translate",
    "external": "translate",
    "classifier": "classifier",
    "segmenter": "classifier",
    "score": "score",
    "score_real": "score",
    "features": "score",
    "features_real": "score",
}
_TEXTS: dict[Kind, str] = {
    "train": "{method}/seed{seed}/{part}",
    "translate": "translations of {method}, seed {seed}",
    "external": "images of {method}",
    "classifier": "domain classifier",
    "segmenter": "segmenter",
    "score": "scores of {method}, seed {seed}",
    "score_real": "scores of real images",
    "features": "scores in {features} of {method}, seed {seed}",
    "features_real": "scores in {features} of real images",
}
_ENTRIES = {"method": "([^/]+)", "seed": "(0|[1-9][0-9]*)", "part": "([^/]+)", "features": "([^/ ]+)"}


@dataclass(frozen=True)
class JobId:
    """What a job is known by, different for all jobs of a bench.

    Attributes:
        kind: what it does.
        method: whose work it is; None: everybody's.
        seed: of the method's training runs; None where there is one job for all seeds.
        part: of a training run, the name of its folder: which of the method's runs of that seed it is.
        features: of scores in further features, the name of these.
    """

    kind: Kind
    method: str | None = None
    seed: int | None = None
    part: str | None = None
    features: str | None = None

    @property
    def stage(self) -> Stage:
        """The stage it belongs to: external translations are translations, real images are scored like others."""
        return _STAGE_OF[self.kind]

    def __str__(self) -> str:
        """Text that `parse` gives back."""
        return _TEXTS[self.kind].format(**asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The job of that text; ValueError if no job has it."""
        for kind, form in _TEXTS.items():
            if found := re.fullmatch(_pattern(form), text):
                entries = dict(zip(_entries(form), found.groups(), strict=True))
                seed = int(entries["seed"]) if "seed" in entries else None
                return cls(kind, entries.get("method"), seed, entries.get("part"), entries.get("features"))
        raise ValueError(f"{text!r} is not the name of a job, as in {', '.join(_TEXTS.values())}")


CLASSIFIER = JobId("classifier")
SEGMENTER = JobId("segmenter")
REAL_SCORES = JobId("score_real")


def _entries(form: str) -> list[str]:
    return re.findall(r"\{(\w+)\}", form)


def _pattern(form: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda entry: _ENTRIES[entry[1]], form)

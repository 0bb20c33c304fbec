"""The answer key of a study, `key.json`: what every rater is shown and where, and which answers are left out.

It is written once, with a checksum, before anybody has answered; the rules cannot follow the answers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field

from i2i.benchmarks.human_study.rules import Rules
from i2i.benchmarks.plan_facts import Seed
from i2i.errors import UserError
from i2i.utils.json_documents import Document, Name, SealedDocument, read_sealed

NAME = "key.json"
FORMAT = 1
REAL, SCRAMBLED = "real", "scrambled"
"""What stands in the place of a method: a real image, and one whose tiles are shuffled."""

Mode = Literal["real-fake", "preference", "best-of"]
MODES: tuple[Mode, ...] = get_args(Mode)
Kind = Literal["practice", "scored", "vigilance"]
Question = Literal["fake", "better", "realism", "transfer", "identity"]
QUESTIONS: Mapping[Mode, tuple[Question, ...]] = {
    "real-fake": ("fake",),
    "preference": ("better",),
    "best-of": ("realism", "transfer", "identity"),
}
EXPOSURE = {"real-fake": 1000.0}
"""Milliseconds that an image is on the screen; in the other modes until the answer."""
Position = Annotated[int, Field(ge=0, le=25)]


class Trial(Document):
    """What is shown at once, and asked.

    Attributes:
        kind: practice, scored or vigilance.
        question: what is asked.
        source, target: the direction.
        image: name of the input, without suffix.
        methods: whose image is in each position, `real` and `scrambled` included.
        right: the position of the right answer, where there is one: of the fake, or of what is whole.
        about: the method that a trial of real and fake images is about.
    """

    kind: Kind
    question: Question
    source: str
    target: str
    image: str
    methods: Annotated[tuple[str, ...], Field(min_length=2, max_length=26)]
    right: Position | None = None
    about: str | None = None


class AnswerKey(SealedDocument):
    """All that the reader of votes needs.

    Attributes:
        study: known by this.
        bench: the results folder, as it was named.
        fingerprint: of the protocol of the bench.
        translations: by method, a hash of the translations that are shown.
        baselines: those of the methods that learn nothing.
        raters: the trials of every rater, in their order.
    """

    study: Name
    mode: Mode
    bench: str
    dataset: str
    fingerprint: str
    seed: Seed
    methods: tuple[str, ...]
    baselines: tuple[str, ...]
    translations: dict[str, str]
    rules: Rules
    raters: Annotated[tuple[tuple[Trial, ...], ...], Field(min_length=1)]

    @property
    def positions(self) -> int:
        """How many images of a trial are to choose from."""
        return len(self.raters[0][0].methods)

    def kind_of(self, method: str) -> str:
        """What a row of a table is about: a translator, a reference, or real images."""
        return "real" if method == REAL else "reference" if method in self.baselines else "translator"


def write_key(folder: Path, key: AnswerKey) -> None:
    """Write the key, with its checksum."""
    (folder / NAME).write_bytes(key.sealed())


def read_key(folder: Path) -> AnswerKey:
    """The answer key of a study.

    Raises:
        Damaged: if it is not as it was written.
        UserError: if there is none, or it is of a later version.
    """
    path, remedy = folder / NAME, "take the key.json that i2i study make has written with the pages"
    key = read_sealed(AnswerKey, path, FORMAT, remedy, "was changed after it was written")
    if key is None:
        raise UserError(f"{folder} is no study: it holds no {NAME}; name the folder that i2i study make has written")
    return key

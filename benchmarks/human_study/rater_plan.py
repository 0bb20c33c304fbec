"""What one rater sees: practice, scored and vigilance trials, as the answer key holds them and as a page shows them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from i2i.benchmarks.human_study.answer_key import QUESTIONS, REAL, SCRAMBLED, Kind, Mode, Question, Trial
from i2i.benchmarks.human_study.design import Block, Design, Stimulus, blocks_of
from i2i.benchmarks.human_study.stimuli import Source, Store, scrambled
from i2i.benchmarks.results_folder.finished_bench import Row

PRACTICE = 10
"""Trials with feedback ahead of the others, where answers are right or wrong."""
VIGILANCE = 0.1
"""Share of trials whose answer is plain."""
FAKE = ""
"""In the design of a trial of real and fake images, what the method under test stands beside."""

WORDS: dict[Question, str] = {
    "fake": "Both are meant to show: {target}. Which one is the fake?",
    "better": "Which one is the better translation of the input to: {target}?",
    "realism": "Which one looks most like a real image?",
    "transfer": "Which one looks most like: {target}?",
    "identity": "Which one keeps most of what the input shows?",
}


@dataclass(frozen=True)
class PreparedTrial:
    """A trial with its images: numbers in a store, by position, and that of the input, where it is shown."""

    trial: Trial
    images: tuple[int, ...]
    input: int | None = None

    def on_page(self, numbers: Sequence[int]) -> dict[str, object]:
        """What the page is given: nothing of methods, and what is right only where that is said after the answer."""
        trial = self.trial
        answer = {"right": trial.right} if trial.kind == "practice" else {}
        return {
            "practice": trial.kind == "practice",
            "question": WORDS[trial.question].format(target=trial.target),
            "images": [numbers[image] for image in self.images],
            "input": None if self.input is None else numbers[self.input],
            **answer,
        }


@dataclass
class TrialPlanner:
    """Makes the plans of all raters of a study, one after the other.

    Attributes:
        source: of the images.
        mode: of the study.
        methods: that are compared; `real` is one of them.
        choices: images to choose from.
        trials: scored ones and those of vigilance together.
        seed: of everything that is random.
    """

    source: Source
    mode: Mode
    methods: tuple[str, ...]
    choices: int
    trials: int
    seed: int
    _others: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed} design")
        images = {direction: len(rows) for direction, rows in self.source.rows.items() if rows}
        self._design = Design(self._blocks(self.methods), images, self._random)
        others = [name for name in self.methods if name != REAL] if self.mode == "real-fake" else self.methods
        self._aside = Design(self._blocks(others), images, self._random, self._design.of_rater)

    def rater(self, number: int, store: Store) -> list[PreparedTrial]:
        """The trials of a rater in their order; the images go into the store."""
        order = random.Random(f"{self.seed} rater {number}")
        self._design.next_rater()
        self._others.clear()
        vigilance_trials = max(1, round(self.trials * VIGILANCE))
        questions = len(QUESTIONS[self.mode])
        groups = [self._scored(store) for _ in range((self.trials - vigilance_trials) // questions)]
        order.shuffle(groups)
        for _ in range(vigilance_trials):
            groups.insert(order.randint(1, len(groups)), [self._vigilance(store)])
        return [*self._practice(store), *(one for group in groups for one in group)]

    def _blocks(self, methods: Sequence[str]) -> list[Block]:
        if self.mode == "real-fake":
            return [(method, FAKE) for method in methods]
        return blocks_of(methods, self.choices)

    def _practice(self, store: Store) -> list[PreparedTrial]:
        if self.mode != "real-fake":
            return []
        return [self._timed("practice", self._aside.draw(), store) for _ in range(PRACTICE)]

    def _scored(self, store: Store) -> list[PreparedTrial]:
        """One trial, or one for every question about the same images."""
        stimulus = self._design.draw()
        if self.mode == "real-fake":
            return [self._timed("scored", stimulus, store)]
        row = self._row(stimulus)
        images = tuple(store.add(self._image(method, row)) for method in stimulus.methods)
        return [
            self._chosen("scored", question, row, stimulus.methods, images, store) for question in self._questions()
        ]

    def _vigilance(self, store: Store) -> PreparedTrial:
        """One image is whole and all others are scrambled; of real and fake images the scrambled one is the fake."""
        stimulus = self._aside.draw()
        row, whole = self._row(stimulus), self._random.randrange(len(stimulus.methods))
        methods = [SCRAMBLED] * len(stimulus.methods)
        if self.mode == "real-fake":
            methods[whole] = REAL
            pixels = [self._another(row.direction[1]) for _ in methods]
        else:
            methods[whole] = stimulus.methods[whole]
            pixels = [self._image(method, row) for method in stimulus.methods]
        presented = [one if place == whole else scrambled(one, self._random) for place, one in enumerate(pixels)]
        images = tuple(store.add(one) for one in presented)
        question = self._random.choice(self._questions())
        if self.mode != "real-fake":
            return self._chosen("vigilance", question, row, tuple(methods), images, store, whole)
        return PreparedTrial(self._trial("vigilance", question, row, tuple(methods), 1 - whole), images)

    def _timed(self, kind: Kind, stimulus: Stimulus, store: Store) -> PreparedTrial:
        """A real image beside one of a method; of the method `real` beside another real one."""
        row = self._row(stimulus)
        fake = next(place for place, name in enumerate(stimulus.methods) if name != FAKE)
        about = stimulus.methods[fake]
        pair = [self._real(row), self._another(row.direction[1]) if about == REAL else self._image(about, row)]
        images = tuple(store.add(one) for one in (pair if fake else pair[::-1]))
        methods = (REAL, about) if fake else (about, REAL)
        return PreparedTrial(self._trial(kind, "fake", row, methods, fake, about), images)

    def _chosen(
        self,
        kind: Kind,
        question: Question,
        row: Row,
        methods: Block,
        images: tuple[int, ...],
        store: Store,
        right: int | None = None,
    ) -> PreparedTrial:
        return PreparedTrial(
            self._trial(kind, question, row, methods, right), images, store.add(self.source.input(row))
        )

    def _trial(
        self,
        kind: Kind,
        question: Question,
        row: Row,
        methods: Block,
        right: int | None = None,
        about: str | None = None,
    ) -> Trial:
        source, target = row.direction
        return Trial(
            kind=kind,
            question=question,
            source=source,
            target=target,
            image=self.source.name(row),
            methods=methods,
            right=right,
            about=about,
        )

    def _questions(self) -> tuple[Question, ...]:
        return QUESTIONS[self.mode]

    def _row(self, stimulus: Stimulus) -> Row:
        return self.source.rows[stimulus.direction][stimulus.image]

    def _image(self, method: str, row: Row) -> np.ndarray:
        return self.source.ground_truth(row) if method == REAL else self.source.translation(method, row)

    def _real(self, row: Row) -> np.ndarray:
        """The ground truth of an input or, where there is none, another real image of the target domain."""
        if self.source.finished.data.paired:
            return self.source.ground_truth(row)
        return self._another(row.direction[1])

    def _another(self, domain: str) -> np.ndarray:
        """A real image of a domain that this rater has not seen, while there are such."""
        if not self._others.get(domain):
            count = self.source.real_count(domain)
            self._others[domain] = self._random.sample(range(count), count)
        return self.source.real(domain, self._others[domain].pop())

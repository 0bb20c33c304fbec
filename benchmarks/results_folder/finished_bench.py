"""A finished results folder, read for images of its results."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.plan_facts import PlanFacts, Trained
from i2i.benchmarks.results_folder.partial import present
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import lack_of
from i2i.config import DataConfig
from i2i.data.image_files.file_index import FileIndex
from i2i.data.image_files.images import Preprocess, read_size
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.open import open_data
from i2i.errors import UserError, unknown
from i2i.translator.request import sample_name
from i2i.utils.joined_names import direction_name
from i2i.utils.text import option

INPUT, TARGET = "input", "target"
SAMPLE = re.compile(r"(.+)\.s([1-9]\d{0,3})")
"""A further translation of the same images, as files of `i2i translate` are called."""


@dataclass(frozen=True)
class Row:
    """A test input and the direction it is translated in."""

    direction: Direction
    position: int


@dataclass(frozen=True)
class Finished:
    """A results folder with translations.

    Attributes:
        out: the folder.
        facts: what its plan.json says.
    """

    out: Path
    facts: PlanFacts

    @classmethod
    def load(cls, out: Path) -> "Finished":
        """The bench of a results folder; UserError if it is none, or none of this version."""
        return cls(out, ResultsFolder(out).plan)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """What was compared."""
        return self.facts.directions

    @property
    def seed(self) -> int:
        """The first seed, whose translations are shown."""
        return self.facts.seeds[0]

    @cached_property
    def config(self) -> DataConfig:
        """The data settings."""
        return self.facts.data_config()

    @cached_property
    def data(self) -> DataSet:
        """The images."""
        return open_data(self.config).restricted(self.facts.domains)

    def check_data(self) -> None:
        """UserError if the images are not those that the results were made from."""
        known = FileIndex.load(ResultsFolder(self.out).image_digests)
        if self.data.fingerprint(known.blake2b, self.facts.splits) != self.facts.fingerprint:
            raise UserError(
                f"{self.data.root} holds other images than those that {self.out} was made from: "
                f"put them back, or run the bench again with i2i bench {option('--out', self.out)} --data DIR"
            )

    @cached_property
    def methods(self) -> list[str]:
        """Names of those whose translations are complete and as they were written."""
        return [name for name in self.facts.methods if name not in self.lacking]

    @cached_property
    def lacking(self) -> dict[str, str]:
        """Why translations cannot be shown, by the name of whose they are."""
        lacks = {name: lack_of(self._translations(name)) for name in self.facts.methods}
        remedy = f"finish them with i2i bench {option('--out', self.out)}"
        return {name: f"the translations of {name} are {lack}: {remedy}" for name, lack in lacks.items() if lack}

    def columns(self, text: str | None) -> list[str]:
        """Checked names of columns; by default input, translators and, where it exists, the target.

        `NAME.s1` is the second translation of each image by a method that has several, and so on.

        Raises:
            UserError: for a name that is none of these, translations that are not whole, or a target
                that the data do not have.
        """
        if text is None:
            translators = [name for name in self.methods if name not in self.facts.baselines]
            return [INPUT, *translators, *([TARGET] if self.data.paired else [])]
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name == TARGET and not self.data.paired:
                raise UserError(f"{self.data.name} has no ground truth: leave {TARGET} out of --columns")
            method, sample = self.part(name)
            if method in self.lacking:
                raise UserError(self.lacking[method])
            if method not in (INPUT, TARGET, *self.facts.methods):
                raise unknown("column", name, (INPUT, TARGET, *self.facts.methods))
            if sample and name not in self.samples(method):
                raise UserError(self._too_few(method, sample))
        return names

    def _too_few(self, method: str, sample: int) -> str:
        there = len(self.samples(method)) + 1
        has = f"the last of its {there} translations of each image is {method}.s{there - 1}"
        return f"there is no {method}.s{sample}: " + (
            has if there > 1 else f"{method} gives one translation of each image"
        )

    def part(self, column: str) -> tuple[str, int]:
        """The method of a column, and which of its translations of the same images it shows, from 0."""
        found = None if column in self.facts.methods else SAMPLE.fullmatch(column)
        return (found[1], int(found[2])) if found else (column, 0)

    def samples(self, method: str, most: int | None = None) -> list[str]:
        """The columns of further translations of a method, of at most so many with the first; mostly none."""
        facts = self.facts.methods.get(method)
        count = facts.samples if isinstance(facts, Trained) else 1
        return [sample_name(method, sample) for sample in range(1, min(count, most or count))]

    def has_samples(self, method: str) -> bool:
        """Whether further translations are there; a class may take noise that its settings leave without use."""
        return bool(self.samples(method)) and self._translations(method, sample=1).is_dir()

    def heading(self, column: str) -> str:
        """What stands above a column."""
        method, sample = self.part(column)
        return "ground truth" if column == TARGET else f"{method}, sample {sample + 1}" if sample else method

    def inputs(self, direction: Direction) -> tuple[ImageFile, ...]:
        """The test images that are translated in a direction."""
        return self.data.images(self.config.test_split, direction[0])

    def positions(self, direction: Direction, columns: Sequence[str]) -> list[int]:
        """Places of those inputs of a direction that every method among `columns` translates."""
        inputs = self.inputs(direction)
        own = {self.part(name)[0] for name in columns if name not in (INPUT, TARGET)}
        sets = [set(present(self._translations(name), direction[0], inputs)) for name in own]
        return [position for position in range(len(inputs)) if all(position in some for some in sets)]

    def seeds_of(self, name: str) -> list[int]:
        """The seeds with which the translations of a method are complete."""
        return [seed for seed in self.facts.seeds if not lack_of(self._translations(name, seed))]

    def cell(self, column: str, row: Row, seed: int | None = None) -> np.ndarray:
        """What a column shows in a row, uint8 [H, W, 3]; translations are of the first seed or another."""
        if column not in (INPUT, TARGET):
            return self._translation(column, row, seed)
        domain = row.direction[0] if column == INPUT else row.direction[1]
        image = self.data.images(self.config.test_split, domain)[row.position]
        return _shown(self._preprocess.of_domain(domain), image)

    def _translation(self, column: str, row: Row, seed: int | None) -> np.ndarray:
        """What a method makes of the input of a row; UserError if it is not there or of another size."""
        (method, sample), image = self.part(column), self.inputs(row.direction)[row.position]
        own = self._preprocess.of_written(row.direction[1])
        path = self._translations(method, seed, row.direction, sample) / f"{image.stem}{own.suffix}"
        if not path.is_file():
            raise UserError(f"{column} has no {direction_name(row.direction)}/{image.stem}: choose other rows")
        if read_size(path, native=self.data.native) != self.config.image_size:
            raise UserError(f"{path} is not of the size of this bench: remove its folder and run the bench again")
        return _shown(own, ImageFile(path))

    @cached_property
    def _preprocess(self) -> Preprocess:
        return Preprocess.of(self.config)

    def _translations(
        self, name: str, seed: int | None = None, direction: Direction | None = None, sample: int = 0
    ) -> Path:
        return ResultsFolder(self.out).translations(name, self.seed if seed is None else seed, direction, sample)


def _shown(preprocess: Preprocess, image: ImageFile) -> np.ndarray:
    """An image of the domain whose `preprocess` it is, uint8 [H, W, 3]."""
    pixels = preprocess.shown(preprocess.pixels_of(image.path, image.half))
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))

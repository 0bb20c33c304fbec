"""What lies where in the results folder of a bench: every path of it but the report's own files is made here."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from i2i.benchmarks.directions import Direction, Training
from i2i.benchmarks.job_id import REAL_SCORES, JobId
from i2i.benchmarks.results_folder.plan_file import PlanFile, RequestedBench, read_plan, read_requested
from i2i.benchmarks.results_folder.staleness import REAL
from i2i.config import stable_hash
from i2i.utils.joined_names import direction_name

SAMPLES = "samples"
LONGEST = 80  # characters of a job's text in the name of its record


def of_sample(translations: Path, sample: int) -> Path:
    """Where further translations of the same images lie, from 1, below a folder of translations; 0 is that itself."""
    return translations / SAMPLES / str(sample) if sample else translations


@dataclass(frozen=True)
class ResultsFolder:
    """A results folder.

    Attributes:
        out: where it is.
    """

    out: Path

    @property
    def plan_file(self) -> Path:
        """What was planned."""
        return self.out / "plan.json"

    @cached_property
    def plan(self) -> PlanFile:
        """What was planned, read once; UserError if there is nothing, or nothing that can be read."""
        return read_plan(self.plan_file)

    @cached_property
    def asked(self) -> RequestedBench | None:
        """What the bench was asked for, read once; None of an empty folder, UserError if it cannot be read."""
        return read_requested(self.plan_file)

    @property
    def began(self) -> bool:
        """Whether a bench has worked here, also where its plan was removed; UserError if that cannot be read."""
        return self.asked is not None or (any(self._status.glob("*.json")) and any(map(Path.is_dir, self.work)))

    @property
    def protocol(self) -> Path:
        """The protocol card, a part of the report that merging reads."""
        return self.out / "protocol.json"

    @property
    def results(self) -> Path:
        """The part of the report that holds the errors of jobs."""
        return self.out / "results.json"

    def run(self, training: Training) -> Path:
        """The run folder of a training."""
        return self.out / training.folder

    def translations(self, method: str, seed: int, direction: Direction | None = None, sample: int = 0) -> Path:
        """The translations of a method with a seed, in all directions or one; of several of an image the first."""
        whole = of_sample(self.out / "translations" / method / f"seed{seed}", sample)
        return whole if direction is None else whole / direction_name(direction)

    def scores(self, method: str, seed: int, features: str = "") -> Path:
        """The file of scores of a method with a seed, or of those in further features of that name."""
        return self._scores(f"{method}-seed{seed}", features)

    def real_scores(self, features: str = "") -> Path:
        """The file of scores of real images, or of those in further features of that name."""
        return self._scores(REAL, features)

    def _scores(self, stem: str, features: str) -> Path:
        return self.out / "scores" / features / f"{stem}.json"

    def score_files(self, further: Iterable[str] = ()) -> list[Path]:
        """All files of scores that are there, with the tables beside them; of further features those of these names."""
        places = [self.out / "scores" / features for features in ("", *further)]
        return [path for place in places for path in sorted(place.glob("*")) if path.is_file()]

    @property
    def classifier(self) -> Path:
        """The weights of the domain classifier, in a folder of their own."""
        return self.out / "classifier" / "classifier.safetensors"

    def study(self, study: str) -> Path:
        """What a human study found."""
        return self.out / "studies" / f"{study}.json"

    def studies(self) -> list[Path]:
        """What all human studies found."""
        return sorted((self.out / "studies").glob("*.json"))

    @property
    def segmenter(self) -> Path:
        """The weights of the segmenter of label maps, in a folder of their own."""
        return self.out / "segmenter" / "segmenter.safetensors"

    def scored(
        self, methods: Sequence[str], seeds: Sequence[int], further: Iterable[str] = ()
    ) -> Iterator[tuple[JobId, str, int, Path]]:
        """Jobs that score, with whose scores they are, the seed and the file; real images, the last, have the first.

        Those in `further` features, by their names, come after all others, in the same order.
        """
        for name in methods:
            for seed in seeds:
                yield JobId("score", name, seed), name, seed, self.scores(name, seed)
        yield REAL_SCORES, REAL, seeds[0], self.real_scores()
        for features in further:
            for name in methods:
                for seed in seeds:
                    job = JobId("features", name, seed, features=features)
                    yield job, name, seed, self.scores(name, seed, features)
            yield JobId("features_real", features=features), REAL, seeds[0], self.real_scores(features)

    @property
    def work(self) -> tuple[Path, ...]:
        """The folders of the results of jobs."""
        return tuple(self.out / name for name in ("trainings", "translations", "scores", "classifier", "segmenter"))

    @property
    def own(self) -> tuple[Path, ...]:
        """What a bench goes on from and is read from: the plan, the results of jobs, studies and records."""
        files = self.plan_file, self.protocol, self.results
        return (*files, *self.work, self.out / "studies", self._status)

    def record(self, job: JobId) -> Path:
        """What is known of a job."""
        name = str(job)
        readable = re.sub(r"[^A-Za-z0-9_+-]+", "-", name)[:LONGEST].strip("-")
        return self._status / f"{readable}.{stable_hash(name)[:6]}.json"

    def lock(self, job: JobId) -> Path:
        """The file that the process that works on a job locks."""
        return self.record(job).with_suffix(".lock")

    @property
    def plan_lock(self) -> Path:
        """Held while the plan is compared or written."""
        return self._status / "plan.lock"

    @property
    def running_lock(self) -> Path:
        """Held by every process that runs the plan."""
        return self._status / "running.lock"

    @property
    def report_lock(self) -> Path:
        """Held while the report is written."""
        return self._status / "report.lock"

    @property
    def report_record(self) -> Path:
        """What the report was last written from."""
        return self._status / "report.json"

    @property
    def image_digests(self) -> Path:
        """The digests of the images."""
        return self._status / "images.json"

    @property
    def _status(self) -> Path:
        return self.out / "status"

"""Results folders as they lie on disk: their plan, their protocol card, and which results are missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict

from i2i.benchmarks.job_id import CLASSIFIER, SEGMENTER, JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.finished_bench import Finished
from i2i.benchmarks.results_folder.plan_file import JobName, PlanFile, plan_of
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import DAMAGED, DONE, StoredResult
from i2i.config import Settings
from i2i.errors import UserError
from i2i.utils.json_documents import Document, Facts, read_document
from i2i.utils.text import argument, option

MISSING = "not done"


class Shared(Document):
    """Of a protocol card, what is looked at by itself; all of it is compared."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: Facts
    budget: Facts
    seeds: tuple[int, ...]
    domains: tuple[str, ...]
    scoring_version: int


class Card(Document):
    """What protocol.json holds, as far as several benches are compared by it."""

    fingerprint: str
    protocol: Shared
    versions: dict[str, str]


class Failures(Document):
    """Of results.json, the errors by job."""

    failed: dict[JobName, str]


class _Merged(Document):
    merged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """A bench in its results folder.

    Attributes:
        plan: as it was last run.
        file: what its plan.json holds.
        absent: by job without a result that the plan asks for, why: the error of the last report, or `MISSING`.
    """

    plan: Plan
    file: PlanFile
    absent: Mapping[JobId, str]

    @classmethod
    def load(cls, out: Path) -> "Stored":
        """The bench of a results folder; UserError if it is none, of another version, or has no scores at all."""
        file = ResultsFolder(out).plan
        plan = plan_of(out, file)
        absent = absent_of(plan, file)
        if all(job in absent for job in file.keys if job.stage == "score"):
            raise UserError(f"{out} holds no scores yet: finish the bench with i2i bench {option('--out', out)}")
        return cls(plan, file, absent)

    @property
    def unfinished(self) -> list[JobId]:
        """Jobs that have left nothing and have not failed either."""
        return [job for job, reason in self.absent.items() if reason.startswith(MISSING)]

    def check_finished(self) -> None:
        """UserError if jobs are not done; those that failed are."""
        missing, out = self.unfinished, self.plan.out
        if missing:
            names = ", ".join(map(str, missing[:3])) + (", ..." if len(missing) > 3 else "")
            raise UserError(
                f"{out} is unfinished: {len(missing)} results are missing ({names}); "
                f"finish it with i2i bench {option('--out', out)}"
            )

    def check_data(self) -> None:
        """UserError if the images are not those that the results were made from."""
        Finished(self.plan.out, self.file).check_data()

    def card(self) -> Settings:
        """The protocol card of its report.

        Raises:
            UserError: if there is none, or it is older than the plan.
        """
        path, facts = ResultsFolder(self.plan.out).protocol, self.file.as_json()
        found = read_document(Card, path, f"write it again with i2i report {argument(self.plan.out)}")
        if found is None:
            raise UserError(
                f"{self.plan.out} has no protocol.json: write its report with i2i report {argument(self.plan.out)}"
            )
        card: Settings = found.model_dump(mode="json", by_alias=True)
        if any(card["protocol"][name] != facts[name] for name in ("budget", "seeds", "domains", "scoring_version")):
            raise UserError(
                f"{path} is older than the results: write it again with i2i report {argument(self.plan.out)}"
            )
        return card


def absent_of(plan: Plan, file: PlanFile) -> dict[JobId, str]:
    """By job whose result is not there, or is one of other settings: the error of the last report, or `MISSING`.

    What is there and damaged counts as missing, with the damage. Of a merged report, which has copies of some files,
    only the keys are compared.
    """
    failed, keys, merged = _failed(plan.out), file.keys, file.merged is not None
    states = {
        job: DONE if merged and place.key() == keys[job] else place.state(keys[job])
        for job, place in _places(plan)
        if job in keys
    }
    return {
        job: f"{MISSING}, {states[job]}" if states[job].startswith(DAMAGED) else failed.get(job, MISSING)
        for job in keys
        if states.get(job, DONE) != DONE
    }


def _places(plan: Plan) -> Iterator[tuple[JobId, StoredResult]]:
    """Jobs with a result of their own, and where it lies; of training runs the record alone says if they are done."""
    folder = ResultsFolder(plan.out)
    for training in plan.training_runs:
        yield training.id, StoredResult.of_folder(folder.run(training))
    for name in plan.methods():
        for seed in plan.seeds()[: 1 if name in plan.external else None]:
            yield plan.translated_by(name, seed), StoredResult.of_folder(folder.translations(name, seed))
    for job, _, _, path in folder.scored(plan.methods(), plan.seeds(), plan.facts.further_features):
        yield job, StoredResult.of_scores(path)
    yield CLASSIFIER, StoredResult.of_folder(folder.classifier.parent)
    if plan.facts.label_map:
        yield SEGMENTER, StoredResult.of_folder(folder.segmenter.parent)


def _failed(out: Path) -> dict[JobId, str]:
    found = read_document(
        Failures, ResultsFolder(out).results, f"remove it, and i2i report {argument(out)} writes it again"
    )
    return {} if found is None else dict(found.failed)


def merged_from(out: Path) -> list[str]:
    """The benches that a merged report in `out` is about; empty if it is none."""
    found = read_document(_Merged, ResultsFolder(out).plan_file, "choose another folder with --out")
    return [] if found is None else list(found.merged)


def refuse_merged(out: Path) -> None:
    """UserError if a folder holds a merged report, in which no bench can be run."""
    benches = merged_from(out)
    if benches:
        raise UserError(
            f"{out} holds a merged report of {', '.join(benches)}: run one of these, or name another folder"
        )

"""What methods cost: measured while they train and translate, and added up for the report."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from i2i.benchmarks.directions import Training
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import measured
from i2i.runs.folder import newest_checkpoint
from i2i.runs.load import require_checkpoint


@dataclass(frozen=True)
class Costs:
    """The costs of a method. What was not measured is None.

    Attributes:
        training_runs: how many it takes to serve every direction; 0 of a method that learns nothing.
        parameters: of all training runs together.
        parameters_each: of one training.
        images: real images shown, in all training runs together.
        references: images shown besides, of which only the style is looked at; no budget counts them.
        seconds: spent in training steps, in all training runs together.
        peak_memory: bytes, the peak over training runs: allocated on an accelerator, resident on the CPU.
        macs: in matrix products and convolutions, to translate one image.
        translated: images per second when translating, from decoded pixels to pixels.
        inference: how it runs when it translates.
        evaluations: how often the networks run to translate one image.
    """

    training_runs: float
    parameters: float
    parameters_each: float
    images: float
    seconds: float
    peak_memory: int | None
    macs: int | None
    translated: float | None
    inference: str
    evaluations: int | None = None
    references: float = 0

    @property
    def seconds_each(self) -> float | None:
        """Seconds to translate one image."""
        return 1 / self.translated if self.translated else None

    @property
    def trained(self) -> float | None:
        """Real images per second of training steps; None of a method that learns nothing."""
        return self.images / self.seconds if self.images and self.seconds else None


def costs_of(plan: Plan, method: str, absent: Container[JobId]) -> Costs | None:
    """The costs of a method with one seed, as means over the seeds; None if none of its training runs ended well.

    `absent` holds the jobs whose results are not there.
    """
    folder = ResultsFolder(plan.out)
    by_seed = [done for seed in plan.seeds() if (done := _finished(folder, plan.of(method, seed), absent))]
    if not by_seed:
        return None
    seeds = len(by_seed)
    training_runs = [training for done in by_seed for training in done]
    facts = [require_checkpoint(folder.run(training)).meta for training in training_runs]
    totals = {name: sum(fact[name] for fact in facts) / seeds for name in ("parameters", "images", "seconds")}
    translations = [
        measured(folder.translations(method, seed))
        for seed in plan.seeds()
        if plan.translated_by(method, seed) not in absent
    ]
    speeds = [made["images"] / made["seconds"] for made in translations if made.get("seconds")]
    peaks = [measured(folder.run(training)).get("peak_memory") for training in training_runs if training.amount]
    return Costs(
        training_runs=sum(training.amount > 0 for training in training_runs) / seeds,
        **totals,
        parameters_each=totals["parameters"] * seeds / len(training_runs),
        peak_memory=max((peak for peak in peaks if peak), default=None),
        macs=_first(translations, "macs"),
        evaluations=_first(translations, "evaluations"),
        references=sum(fact.get("references", 0) for fact in facts) / seeds,
        translated=sum(speeds) / len(speeds) if speeds else None,
        inference=facts[0]["inference"],
    )


def _first(records: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((record[name] for record in records if name in record), None)


def _finished(folder: ResultsFolder, training_runs: Sequence[Training], absent: Container[JobId]) -> list[Training]:
    return [
        training for training in training_runs if training.id not in absent and newest_checkpoint(folder.run(training))
    ]

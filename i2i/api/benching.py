"""`i2i.bench`: what `i2i bench` does, with the table, the images and the page as objects."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import pandas as pd
from PIL import Image

from i2i.api.arguments import (
    Data,
    Place,
    Values,
    assigned,
    assignments,
    data_texts,
    listed,
    path_of,
    size_text,
)
from i2i.api.bench_session import BenchOptions, ready_bench
from i2i.api.html import image_tag, page_text
from i2i.api.python_messages import pythonic
from i2i.benchmarks.analysis.number_format import error_line
from i2i.benchmarks.execution.executors import ExecutionOptions
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.errors import UserError
from i2i.utils.json_documents import Document, read_document
from i2i.utils.text import from_csv_cell, option


class _Metric(Document):
    title: str


class _Score(Document):
    mean: float


class _Method(Document):
    scores: dict[str, _Score]


class _Results(Document):
    """Of results.json, what is shown."""

    metrics: dict[str, _Metric]
    models: dict[str, _Method]
    failed: dict[str, str]


@dataclass(frozen=True)
class FinishedBench:
    """A results folder with its report; a notebook shows its table and its grid.

    Attributes:
        folder: the results folder.
    """

    folder: Path

    @property
    def report(self) -> Path:
        """The page about it, which opens from disk in any browser."""
        return self.folder / "report.html"

    @property
    def grid(self) -> Image.Image:
        """Test images beside their translations."""
        try:
            with Image.open(self.folder / "grid.png") as image:
                return image.copy()
        except FileNotFoundError:
            raise self._unfinished("grid") from None

    @cached_property
    def table(self) -> pd.DataFrame:
        """The means of the main table: a row for each method, a column for each metric, NaN where there is none."""
        rows = {
            name: {metric: score.mean for metric, score in method.scores.items()}
            for name, method in self._results.models.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")[list(self._results.metrics)].rename_axis("model")

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Every score by itself, as results.csv has it: dataset, model, seed, source, target, metric, value, n."""
        found = pd.read_csv(self.folder / "results.csv")
        names = ["dataset", "model", "source", "target", "metric"]
        return found.assign(**{name: found[name].map(lambda cell: from_csv_cell(str(cell))) for name in names})

    @property
    def failed(self) -> Mapping[str, str]:
        """The errors of jobs that failed, by job."""
        return self._results.failed

    @cached_property
    def _results(self) -> "_Results":
        found = read_document(_Results, ResultsFolder(self.folder).results, "write it again with i2i report")
        if found is None:
            raise self._unfinished("report")
        return found

    def _unfinished(self, missing: str) -> UserError:
        finish = f"i2i bench {option('--out', self.folder)}"
        return UserError(f"{self.folder} has no {missing}: finish the bench with {finish}")

    def _repr_markdown_(self) -> str:
        """The main table as table.md has it, in which the best is bold, and its caption."""
        return (self.folder / "table.md").read_text().partition("\n## ")[0]

    def _repr_html_(self) -> str:
        titles = {name: metric.title for name, metric in self._results.metrics.items()}
        table = self.table.rename(columns=titles).to_html(na_rep="–", float_format="{:.4g}".format)
        failed = "".join(page_text(f"failed: {job}: {error_line(error)}") for job, error in self.failed.items())
        grid = image_tag(self.grid, "grid") if (self.folder / "grid.png").exists() else ""
        return f"{table}{failed}{grid}{page_text(f'the whole report: {self.report}')}"


@pythonic
def bench(
    models: str | Sequence[str] | None = None,
    data: Data | None = None,
    *,
    out: Place | None = None,
    suite: str | None = None,
    settings: Values | None = None,
    size: int | str | tuple[int, int] | None = None,
    attributes: str | Sequence[str] | None = None,
    seeds: str | int | Iterable[int] | None = None,
    budget: str | Mapping[str, object] | None = None,
    checkpoint: str | None = None,
    samples: int | None = None,
    sampling_steps: str | Mapping[str, int] | None = None,
    directions: str | Sequence[str] | None = None,
    external: Mapping[str, Place] | None = None,
    intersection: bool = False,
    inception: Place | None = None,
    extractor: str | None = None,
    lpips: str | None = None,
    label_maps: str | None = None,
    table: str = "auto",
    track: str | Sequence[str] | None = None,
    executor: str = "local",
    workers: int | None = None,
    workers_per_gpu: int | None = None,
    ray_address: str | None = None,
    gpus_per_job: float | None = None,
    device: str | None = None,
    cache_gib: float | None = None,
    allow_download: bool = False,
    only: str | Sequence[str] | None = None,
    collect: bool = False,
    force: str | Sequence[str] | None = None,
    no_trial: bool = False,
) -> FinishedBench:
    """Train, translate with and score several translators, as `i2i bench` with the same options does: the same keys.

    What is done in the results folder already is not done again. A job that fails ends nothing else; its error is in
    `failed`.

    Example: `i2i.bench(["cyclegan", "stargan"], "photos/", budget={"images": 400_000}).table`.

    Args:
        models: translators, variants, FILE.py:CLASS; None: the suite's. `+NAME` adds to them.
        data: a folder, archive, manifest or hf:OWNER/NAME, or several by name; None: the built-in dataset.
        out: results folder; None: bench/DATA.
        suite: settings to start from; None: seasons, for other data quick.
        settings: by name (`{"budget.images": 9}`) or in sections.
        size: side, or height and width, pixels.
        attributes: to learn, from the list in the data folder.
        seeds: a training with each.
        budget: images, epochs, updates or seconds, and `per`, as in `{"seconds": 600, "per": "task"}`.
        checkpoint: which weights translate: last, ema or best-on-val:METRIC.
        samples: translations of each test image by models that take noise.
        sampling_steps: of iterative models, by name.
        directions: only these, such as `summer2winter`.
        external: folders of translations by other programs, by the names to show.
        intersection: score of `external` what is there, instead of refusing it.
        inception: pytorch-fid's weights, for FID.
        extractor: features for distances, as `--extractor` takes them.
        lpips: as `--lpips` takes it.
        label_maps: the domain that is a label map, or none.
        table: auto, averaged, target or direction: what a line of table.md averages over.
        track: trackers of experiments that record it too.
        executor: local, or ray.
        workers: jobs at a time on a machine.
        workers_per_gpu: jobs at a time on each GPU of this machine, in place of `workers`.
        ray_address: of an existing Ray cluster.
        gpus_per_job: share of a GPU for each job on Ray.
        device: cuda, cuda:1, mps or cpu; None: the best there is.
        cache_gib: keep decoded images on disk up to so many GiB.
        allow_download: fetch data hf:OWNER/NAME that are not on this machine.
        only: of train, translate, classifier, score and report.
        collect: run nothing; write the report about what is there.
        force: methods whose work is to be done again.
        no_trial: try no steps ahead to tell how long it takes.

    Raises:
        UserError: for arguments that do not fit each other, the data or the folder.
    """
    options = BenchOptions(
        models=listed(models),
        data=data_texts(data),
        attributes=listed(attributes),
        out=path_of("out", out),
        suite=suite,
        size=size_text(size),
        settings=assignments(settings),
        seeds=str(seeds) if isinstance(seeds, int) else listed(seeds),
        budget=assigned(budget),
        checkpoint=checkpoint,
        samples=samples,
        sampling_steps=assigned(sampling_steps),
        directions=listed(directions),
        external=data_texts(external or None),
        intersection=intersection,
        inception=path_of("inception", inception),
        extractor=extractor,
        lpips=lpips,
        label_maps=label_maps,
        table=table,
        track=listed(track),
        execution=ExecutionOptions(executor, workers, device, ray_address, gpus_per_job, workers_per_gpu),
        cache_gib=cache_gib,
        allow_download=allow_download,
        only=listed(only),
        collect=collect,
        force=listed(force),
        no_trial=no_trial,
    )
    ready = ready_bench(options)
    ready.announce()
    with redirect_stdout(StringIO()):  # the table, which the result is
        ready.run()
    return FinishedBench(ready.plan.out)

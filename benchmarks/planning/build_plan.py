"""A bench from its suite to its plan."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from i2i.benchmarks.directions import Direction, Training
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.plan_facts import Chosen
from i2i.benchmarks.results_folder.finished_results import refuse_merged
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.suite.external import External, Survey, survey
from i2i.benchmarks.suite.schema import Suite
from i2i.config import DataConfig, stable_hash
from i2i.data.audit import quick_check
from i2i.data.image_files.file_index import FileIndex
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet
from i2i.data.open import open_data, places_of
from i2i.data.pixel_formats import with_formats
from i2i.errors import UserError, unknown
from i2i.training.device import choose_device
from i2i.utils.given_paths import check_folder, refuse_among_inputs
from i2i.utils.joined_names import alike_names, direction_name, parted
from i2i.utils.progress import Progress
from i2i.utils.safe_paths import check_length

if TYPE_CHECKING:
    from i2i.metrics.lpips import LpipsSpec

from i2i.benchmarks.planning import extractors
from i2i.benchmarks.planning.build_facts import facts_of_plan
from i2i.benchmarks.planning.context import Context
from i2i.benchmarks.planning.entries import enter
from i2i.benchmarks.planning.jobs import jobs_of_data, jobs_of_external, jobs_of_method


def prepare(
    suite: Suite,
    out: Path | None,
    directions: str | None = None,
    inception: Path | None = None,
    drawing: Progress | None = None,
    extractor: str | None = None,
    lpips: str | None = None,
    device: str | None = None,
) -> Plan:
    """The plan of a bench. Nothing is written but the built-in dataset into its cache.

    Args:
        suite: models, settings, budget.
        out: results folder; None: bench/<data set>.
        directions: `a2b,b2a` to compare only these.
        inception: pytorch-fid's weights; None: torch's hub cache if they are there.
        drawing: told of the progress of drawing the built-in dataset.
        extractor: other features for distances, or several, separated by commas; see `parse_extractor`.
        device: of the trainings, as `choose_device` takes it.
        lpips: network and files of LPIPS, see `parse_lpips`; None: AlexNet's if they are in this machine's caches.

    Raises:
        UserError: for data, models, settings or directions that do not fit.
    """
    data_config = suite.data_config()
    data = open_data(data_config, drawing)
    chosen = _directions(directions, data)
    _check_names(chosen, (*dict.fromkeys(suite.models), *suite.external))
    splits = _splits(suite, data_config, data)
    used = [image for split in splits for domain in data.domains for image in data.images(split, domain)]
    for image in used:
        check_length(f"{image.stem}.png", image.path)
    place = out or Path("bench") / data.name
    _check_folder(place, data_config)
    files = FileIndex.load(ResultsFolder(place).image_digests)
    files.check_readable(used)
    features = extractors.chosen(inception, extractor, ResultsFolder(place))
    asked = Chosen(directions=directions, extractor=features.named, lpips=lpips)
    before = ResultsFolder(place).asked
    tried = dict(before.tried) if before else {}
    context = Context(
        suite,
        ResultsFolder(place),
        data,
        chosen,
        features.first,
        _lpips(lpips, data_config.image_size),
        files,
        choose_device(device),
        tried,
        features.further,
        with_formats(data_config, data, files),
    )
    _check_values(context, splits)
    return _plan(context, splits, asked)


def _check_values(context: Context, splits: Sequence[str]) -> None:
    """UserError naming an image beyond 8 bits of any of the splits whose values or channels are not as they must be."""
    preprocess, data = Preprocess.of(context.data_config), context.data
    used = [(split, domain) for split in splits for domain in (data.domains if preprocess.formats else ())]
    with ThreadPoolExecutor() as threads:
        for split, domain in used:
            check = partial(_size_of, context.files, preprocess.of_domain(domain))
            list(threads.map(check, [image.path for image in data.images(split, domain)]))


def _size_of(files: FileIndex, own: Preprocess, path: Path) -> list[str | int | float]:
    """Height and width of a file whose values fit, read if that is not known of it yet."""
    return files.fact(path, f"size as {stable_hash(own.treatment())}", lambda: [*own.size_of(path)])


def _plan(context: Context, splits: tuple[str, ...], asked: Chosen) -> Plan:
    entries, skipped = enter(context)
    surveys = {name: _survey(context, name, external) for name, external in context.suite.external.items()}
    training_runs = [training for entry in entries for training in entry.training_runs]
    jobs = [job for entry in entries for job in jobs_of_method(context, entry)]
    jobs += [job for name, found in surveys.items() for job in jobs_of_external(context, name, found)]
    return Plan(
        context.folder.out,
        context.data.name,
        context.data.domains,
        context.directions,
        tuple(training_runs),
        skipped,
        (*jobs, *jobs_of_data(context)),
        facts_of_plan(context, training_runs, surveys, splits, asked),
        tuple(surveys),
        context.files,
        (
            *quick_check.warnings(context.data, context.data_config, context.files.blake2b),
            *([] if context.data.native else _dark(surveys)),
            *_without_samples(context, training_runs),
        ),
    )


def _survey(context: Context, name: str, external: External) -> Survey:
    config = context.data_config
    inputs = {direction: context.data.images(config.test_split, direction[0]) for direction in context.directions}
    return survey(name, external, inputs, Preprocess.of(config))


def _dark(surveys: Mapping[str, Survey]) -> list[str]:
    """Warnings of external translations."""
    files = {name: [path for own in found.files.values() for path in own.values()] for name, found in surveys.items()}
    return [line for name, paths in files.items() for line in quick_check.dark(name, paths)]


def _without_samples(context: Context, training_runs: Sequence[Training]) -> list[str]:
    """A warning where several translations of each image are asked for and no method gives more than one."""
    asked = context.suite.translation.samples
    given = [context.asked(context.suite.method(training.method)) for training in training_runs]
    if asked == 1 or any("samples" in own for own in given):
        return []
    return [f"{asked} samples are asked for and no method here takes noise: each gives one translation of an image"]


def _splits(suite: Suite, data_config: DataConfig, data: DataSet) -> tuple[str, ...]:
    """Those whose images a result depends on: to learn from, to be scored, and where weights are chosen by them."""
    rules = [suite.checkpoint, *(variant.checkpoint for variant in suite.variants.values() if variant.checkpoint)]
    used, validation = (data_config.train_split, data_config.test_split), data_config.val_split
    return (*used, validation) if any(rule.evaluation_count for rule in rules) and validation in data.splits else used


def _directions(text: str | None, data: DataSet) -> tuple[Direction, ...]:
    """The named directions; without names all that stay within a data set."""
    every = data.labels.directions
    if text is None:
        return tuple(
            direction for direction in every if data.labels.position(direction[0]) == data.labels.position(direction[1])
        )
    spelt = Counter("2".join(direction) for direction in every)
    names = {
        direction: "2".join(direction) if spelt["2".join(direction)] == 1 else direction_name(direction)
        for direction in every
    }
    by_name = {name: direction for direction in every for name in (names[direction], direction_name(direction))}
    wanted = [name for name in parted(text, by_name) if name]
    if not wanted:
        raise UserError(f"--directions names none; there are {', '.join(names.values())}")
    for name in wanted:
        if name not in by_name:
            raise unknown("direction", name, names.values())
    return tuple(by_name[name] for name in dict.fromkeys(wanted))


def _check_names(directions: Sequence[Direction], methods: Sequence[str]) -> None:
    """UserError if folders of the bench would be one and the same on some file systems."""
    for names in (map(direction_name, directions), methods):
        for alike in alike_names(names):
            raise UserError(
                f"{' and '.join(alike)} would share a folder where file systems ignore case: rename one of the "
                "domains, variants or models, or leave one out with --set data.domains=... or --models"
            )


def _lpips(text: str | None, size: tuple[int, int]) -> "LpipsSpec | None":
    """The named LPIPS, tried out; else AlexNet's if its weights are there and the images large enough."""
    from i2i.metrics.lpips import default_lpips, parse_lpips

    if text is None:
        spec = default_lpips()
        return spec if spec and min(size) >= spec.smallest else None
    spec = parse_lpips(text)
    spec.check_size(size)
    spec.build()  # what does not fit is to be known before hours of training
    return spec


def _check_folder(out: Path, data: DataConfig) -> None:
    """Refuse a place that is something else, or lies among the data, so that nothing of the user's is touched."""
    began = ResultsFolder(out).began
    if not began:
        refuse_among_inputs(out, places_of(data))
    check_folder(out)
    if not began and out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds other files and no bench: choose another folder with --out")
    refuse_merged(out)

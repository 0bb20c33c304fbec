"""Several benches of one protocol as one: their work under one roof, so that a report of it is like any other.

The merged folder has copies of scores and records and, where the file system allows it, links to images; weights stay
where they are.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from i2i.benchmarks.directions import run_folder
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.results_folder.finished_results import Stored, absent_of, merged_from
from i2i.benchmarks.results_folder.plan_file import PlanFile, PlannedTraining, plan_of
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import images_path
from i2i.config import Settings
from i2i.errors import UserError
from i2i.runs.folder import newest_checkpoint
from i2i.utils.atomic_write import write_text
from i2i.utils.given_paths import check_folder
from i2i.utils.joined_names import alike_names
from i2i.utils.safe_paths import refuse_links_out

SHOWN = 12  # differences in an error
DIGITS = 12  # of a hash in an error
RECORDS = ("key.json", "config.yaml", "metrics.jsonl")
Value = TypeVar("Value")


@dataclass(frozen=True)
class _Part:
    """A bench, and the names under which some of its methods go into the merged report."""

    stored: Stored
    names: Mapping[str, str]


def merge(benches: Sequence[Path], out: Path) -> tuple[Stored, list[str]]:
    """Put the work of benches into a folder, as that of a single one.

    A method whose name several benches have gets the folder's name as a suffix, as in `cyclegan@x`. Reference rows
    and real images are taken from the first bench.

    Returns:
        The merged bench, and warnings about unlike versions of libraries.

    Raises:
        UserError: if protocols differ, saying where; if a bench is unfinished; or if `out` holds something else.
    """
    _check_out(benches, out)
    refuse_links_out(out)
    found = [Stored.load(bench) for bench in benches]
    for stored in found:
        stored.check_finished()
    cards = [stored.card() for stored in found]
    for bench, card in zip(benches[1:], cards[1:], strict=True):
        if cards[0]["fingerprint"] != card["fingerprint"]:
            refuse_unlike(benches[0], cards[0]["protocol"], bench, card["protocol"])
    found[0].check_data()
    parts = _named(found)
    file = _file(parts)
    folder = ResultsFolder(out)
    write_text(folder.plan_file, json.dumps(file.as_json(), indent=1))
    for work in folder.work:
        shutil.rmtree(work, ignore_errors=True)
    for number, part in enumerate(parts):
        _take(part, folder, shared=number == 0)
    plan = plan_of(out, file)
    reasons = {new: reason for part in parts for new, reason in _renamed(part, part.stored.absent).items()}
    absent = {job: reasons.get(job, reason) for job, reason in absent_of(plan, file).items()}
    return Stored(plan, file, absent), _versions_unlike(benches, cards)


def differences(first: Mapping[str, object], second: Mapping[str, object]) -> list[tuple[str, object, object]]:
    """What differs between nested settings: dotted name and both values, None for one that is absent."""
    flat = [dict(_flat(settings)) for settings in (first, second)]
    names = dict.fromkeys([*flat[0], *flat[1]])
    return [(name, flat[0].get(name), flat[1].get(name)) for name in names if flat[0].get(name) != flat[1].get(name)]


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _check_out(benches: Sequence[Path], out: Path) -> None:
    check_folder(out)
    places = Counter(bench.resolve() for bench in benches)
    twice = [str(place) for place, count in places.items() if count > 1]
    if twice:
        raise UserError(f"{', '.join(twice)} is named twice: name every bench once")
    if out.resolve() in places or (out.is_dir() and any(out.iterdir()) and not merged_from(out)):
        raise UserError(f"{out} holds other files and no merged report: choose another folder with --out")


def refuse_unlike(first: Path, protocol: Settings, second: Path, other: Settings) -> None:
    """UserError with a line per difference unless two protocols are the same."""
    unlike = differences(protocol, other)
    if not unlike:
        return
    lines = [f"  {name}: {_shown(one)} in {first}, {_shown(two)} in {second}" for name, one, two in unlike]
    rest = [f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    raise UserError(
        "\n".join(
            [
                f"{first} and {second} were not made by the same protocol, so no table holds both:",
                *lines[:SHOWN],
                *rest,
                "repeat one with what the other has; i2i results pack and table show both, apart, on one page",
            ]
        )
    )


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:DIGITS]}..." if len(text) == 64 else text


def _versions_unlike(benches: Sequence[Path], cards: Sequence[Settings]) -> list[str]:
    return [
        f"{name} {one} wrote the report of {benches[0]}, {two} that of {bench}"
        for bench, card in zip(benches[1:], cards[1:], strict=True)
        for name, one, two in differences(cards[0]["versions"], card["versions"])
    ]


def _named(benches: Sequence[Stored]) -> list[_Part]:
    """The benches with the names of those methods that are taken from each."""
    reference = {row for stored in benches for row in stored.file.baselines}
    takers: dict[str, list[int]] = {}
    for number, stored in enumerate(benches):
        for name in stored.plan.methods():
            takers.setdefault(name, []).append(number)
    labels = [stored.plan.out.resolve().name for stored in benches]
    parts: list[dict[str, str]] = [{} for _ in benches]
    for name, numbers in takers.items():
        chosen = numbers[:1] if name in reference else numbers
        if len({labels[number] for number in chosen}) < len(chosen):
            places = " and ".join(str(benches[number].plan.out) for number in chosen)
            raise UserError(f"{places} both have {name} and the same folder name: rename one of the folders")
        for number in chosen:
            parts[number][name] = name if len(chosen) == 1 else f"{name}@{labels[number]}"
    _check_distinct([name for names in parts for name in names.values()])
    return [_Part(stored, names) for stored, names in zip(benches, parts, strict=True)]


def _check_distinct(names: Sequence[str]) -> None:
    """UserError if methods of several benches would get one name, or names that share a folder somewhere."""
    for name, count in Counter(names).items():
        if count > 1:
            raise UserError(f"two methods would be called {name}: rename one of the folders")
    for alike in alike_names(names):
        raise UserError(f"{' and '.join(alike)} would share a folder where file systems ignore case: rename a folder")


def _renamed_training(part: _Part, training: PlannedTraining) -> PlannedTraining | None:
    """The training as it goes into the merged report; None if it does not."""
    if (name := part.names.get(training.method)) is None:
        return None
    folder = run_folder(name, training.seed, training.training().folder.name).as_posix()
    return training.model_copy(update={"method": name, "folder": folder})


def _renamed(part: _Part, by_job: Mapping[JobId, Value]) -> dict[JobId, Value]:
    """Values under the ids that jobs have in the merged report, without those of methods that are not taken."""
    return {
        job if job.method is None else replace(job, method=part.names[job.method]): value
        for job, value in by_job.items()
        if job.method is None or job.method in part.names
    }


def _file(parts: Sequence[_Part]) -> PlanFile:
    """plan.json of the merged bench: the first bench's facts, and everybody's methods."""
    files = [part.stored.file for part in parts]
    taken = {new for part in parts for new in part.names.values()}
    claims = [claim for file in files for claim in file.suite.claims if taken.issuperset(claim.order)]
    training_runs = [_renamed_training(part, training) for part in parts for training in part.stored.file.training_runs]
    keys: dict[JobId, str | None] = {}
    for part in reversed(parts):  # what they share is the first one's
        keys |= _renamed(part, part.stored.file.keys)
    different = tuple(claim for n, claim in enumerate(claims) if claim not in claims[:n])
    changed = {
        "merged": tuple(str(part.stored.plan.out) for part in parts),
        "suite": files[0].suite.model_copy(update={"claims": different}),
        "training_runs": tuple(training for training in training_runs if training),
        "methods": {new: part.stored.file.methods[old] for part in parts for old, new in part.names.items()},
        "skipped": {name: why for file in files for name, why in file.skipped.items() if name not in taken},
        "external": tuple(new for part in parts for old, new in part.names.items() if old in part.stored.file.external),
        "baselines": tuple(sorted({row for file in files for row in file.baselines if row in taken})),
        "keys": keys,
    }
    return files[0].model_copy(update=changed)


def _take(part: _Part, out: ResultsFolder, shared: bool) -> None:
    """Copy or link the work of a bench into the merged folder; the first one's classifier and real scores too."""
    plan = part.stored.plan
    own = ResultsFolder(plan.out)
    for training in part.stored.file.training_runs:
        if renamed := _renamed_training(part, training):
            _copy_records(own.run(training.training()), out.run(renamed.training()))
    for old, new in part.names.items():
        for seed in plan.seeds():
            _link_all(own.translations(old, seed), out.translations(new, seed))
            for features in ("", *plan.facts.further_features):
                _copy_scores(own.scores(old, seed, features), out.scores(new, seed, features))
    if shared:
        _link_all(own.classifier.parent, out.classifier.parent)
        for features in ("", *plan.facts.further_features):
            _copy_scores(own.real_scores(features), out.real_scores(features))


def _copy_scores(path: Path, place: Path) -> None:
    _copy_if_there(path, place)
    _copy_if_there(images_path(path), images_path(place))


def _copy_records(run: Path, copy: Path) -> None:
    """What a report reads of a training: everything but weights and samples."""
    for name in RECORDS:
        _copy_if_there(run / name, copy / name)
    checkpoint = newest_checkpoint(run)
    if checkpoint:
        path = checkpoint.folder / "checkpoint.json"
        _copy(path, copy / path.relative_to(run))


def _link_all(folder: Path, copy: Path) -> None:
    """Images and weights are never changed in place, so a second name for them is as good as a copy."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        place = copy / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), place)
        except OSError:
            shutil.copyfile(path, place)


def _copy_if_there(path: Path, place: Path) -> None:
    if path.is_file():
        _copy(path, place)


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, place)

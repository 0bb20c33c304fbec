"""What worker processes do: train, translate, train the classifier, score. Each skips what is done.

A result lies beside a small JSON file with the key of what it was made from. The key names settings, data and
seed, never a path or a device, so a folder can move and a repeated bench finds everything in place.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from i2i.benchmarks.costs import KEY_FILE, peak_memory
from i2i.benchmarks.cycle import way_back
from i2i.benchmarks.plan import Direction
from i2i.benchmarks.scores import Scores, write_pictures
from i2i.benchmarks.scoring import Scorer
from i2i.benchmarks.translating import NOTED, Route, Translations
from i2i.benchmarks.workers import Report
from i2i.checkpoint import FORMAT, Position, load_translator, newest_checkpoint, sync_write
from i2i.config import RunConfig, Settings, stable_hash
from i2i.data.pictures import labelled
from i2i.data.sources import open_data
from i2i.metrics.classifier import train_classifier
from i2i.runs import run_config, task_of, train_run
from i2i.scoring import read_pixels
from i2i.tracking import Callback, duration
from i2i.trainer import Trainer, choose_device

REAL = "real"


def train(
    report: Report, run: Path, name: str, settings: Settings, domains: Sequence[str], key: str, device: str | None
) -> None:
    """Train one model in its run folder, or finish it, or find it finished."""
    if _key_of(run) != key:
        shutil.rmtree(run, ignore_errors=True)
        _write_key(run, key)
    checkpoint = newest_checkpoint(run)
    if checkpoint is not None and checkpoint.finished:
        return
    config = run_config(name, settings)
    data = open_data(config.data).restricted(domains)

    def followers(trainer: Trainer) -> tuple[Callback, ...]:
        return (Callback(lambda position: report(_progress_text(position))),)

    chosen = choose_device(device)
    with peak_memory(chosen) as peak:
        train_run(run, config, task_of(config, data), data, chosen, followers)
        _write_key(run, key, peak_memory=peak())


def translate(
    report: Report,
    out: Path,
    runs: Mapping[Direction, Path],
    settings: Settings,
    key: str,
    device: str | None,
) -> None:
    """Translate the test pictures of every direction with the training that serves it, into PNG folders.

    Beside the key stands what it cost: seconds from decoded pixels to pixels, and the work for one picture. What only
    the networks tell of single pictures is noted in a table: whether all values were finite, and the cycle error
    where the contestant has a way back.
    """
    if _key_of(out) == key:
        return
    shutil.rmtree(out, ignore_errors=True)
    config = run_config("identity", {"data": settings["data"]})
    data, chosen = open_data(config.data), choose_device(device)
    load = lru_cache(maxsize=2)(lambda run: load_translator(run, chosen))  # there and back
    made = Translations(out, data, config.data.test_split)
    for number, (way, run) in enumerate(runs.items(), 1):
        translator, preprocess = load(run)
        back = way_back(way, runs, lambda run: load(run)[0])
        made.add(Route(way, translator, back, preprocess, chosen))
        report(f"{number} of {len(runs)} directions")
    write_pictures(out / NOTED, made.noted)
    _write_key(out, key, **made.costs)


def classifier(
    report: Report, path: Path, settings: Settings, options: Mapping[str, Any], key: str, device: str | None
) -> None:
    """Train the domain classifier on the training split and measure it on real test pictures."""
    if _key_of(path.parent) == key and path.is_file():
        return
    config = run_config("identity", settings)
    data = open_data(config.data)
    pictures, labels = labelled(data, config.data.train_split)
    trained = train_classifier(
        read_pixels(pictures, config.data.image_size),
        labels,
        data.labels,
        backbone=options["backbone"],
        images=options["images"],
        bf16=config.train.precision == "bf16",
        device=choose_device(device),
        progress=lambda done, total: report(f"{done} of {total} images"),
    )
    trained.save(path)
    _write_key(path.parent, key)


def score(
    report: Report,
    out: Path,
    scorer: Mapping[str, Any],
    translations: Path,
    directions: Sequence[Direction],
    gan_train: Mapping[str, Any] | None,
    key: str,
    device: str | None,
) -> None:
    """Score the PNG folders of one model and seed; `scorer` holds the arguments of `Scorer`.

    `gan_train` holds the options of the classifiers for GAN-train; None: it is not measured.
    """
    if _stored_key(out) == key:
        return
    scoring, scores = Scorer(**scorer, device=choose_device(device)), Scores()
    targets: dict[str, list[str]] = {}
    for source, target in directions:
        targets.setdefault(source, []).append(target)
    for number, (source, own) in enumerate(targets.items(), 1):
        scores.add(scoring.translations(translations, source, own))
        report(f"{number} of {len(targets)} domains")
    if gan_train is not None:
        scores.add(scoring.learnt_from(translations, directions, gan_train))
    scores.write(out, key, scoring.features)


def score_real(
    report: Report,
    out: Path,
    scorer: Mapping[str, Any],
    gan_train: Mapping[str, Any] | None,
    key: str,
    device: str | None,
) -> None:
    """Score the real pictures of every domain."""
    if _stored_key(out) == key:
        return
    scoring, scores = Scorer(**scorer, device=choose_device(device)), Scores()
    for domain in scoring.data.domains:
        scores.add(scoring.real(domain))
    if gan_train is not None:
        scores.add(scoring.learnt_from_real(gan_train))
    scores.write(out, key, scoring.features)


def training_key(config: RunConfig, domains: Sequence[str], fingerprint: str) -> str:
    """Key of a training: resolved settings, domains in order, data."""
    return stable_hash([FORMAT, config.key(fingerprint), list(domains)])


def _progress_text(position: Position) -> str:
    share = position.step / position.steps
    left = position.seconds / position.step * (position.steps - position.step)
    return f"{share:.0%}, {position.images / position.seconds:.0f} images/s, {duration(left)} left"


def _write_key(folder: Path, key: str, **costs: Any) -> None:
    sync_write(folder / KEY_FILE, json.dumps({"key": key, **costs}))


def _key_of(folder: Path) -> str | None:
    return _stored_key(folder / KEY_FILE)


def _stored_key(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text())["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""What worker processes do: train, translate, train the classifier, score. Each skips what is done.

A result lies beside a small JSON file with the key of what it was made from. The key names settings, data and
seed, never a path or a device, so a folder can move and a repeated bench finds everything in place.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i.benchmarks.costs import KEY_FILE, count_multiply_adds, peak_memory
from i2i.benchmarks.plan import Direction, direction_name
from i2i.benchmarks.scoring import Row, Scorer
from i2i.benchmarks.workers import Report
from i2i.checkpoint import FORMAT, Position, load_translator, newest_checkpoint, sync_write
from i2i.config import RunConfig, Settings, stable_hash
from i2i.data.images import to_arrays, to_images, write_picture
from i2i.data.layouts import DataSet, Picture
from i2i.data.pictures import labelled, load_pixels
from i2i.data.sources import open_data
from i2i.metrics.classifier import train_classifier
from i2i.runs import run_config, task_of, train_run
from i2i.scoring import read_pixels
from i2i.tracking import Callback, duration
from i2i.trainer import Trainer, choose_device

BATCH = 64
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

    def decoding(done: int, total: int) -> None:
        if done % BATCH == 0:
            report(f"{done} of {total} pictures decoded")

    chosen = choose_device(device)
    with peak_memory(chosen) as peak:
        train_run(run, config, task_of(config, data), data, chosen, followers, decoding)
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

    Beside the key stands what it cost: seconds from decoded pixels to pixels, and the work for one picture.
    """
    if _key_of(out) == key:
        return
    shutil.rmtree(out, ignore_errors=True)
    config = run_config("identity", {"data": settings["data"]})
    data, chosen = open_data(config.data), choose_device(device)
    costs = {"pictures": 0, "seconds": 0.0}
    for number, ((source, target), run) in enumerate(runs.items(), 1):
        translator, preprocess = load_translator(run, chosen)
        pictures = data.pictures(config.data.test_split, source)
        folder = out / direction_name((source, target))
        folder.mkdir(parents=True)
        for start in range(0, len(pictures), BATCH):
            some = pictures[start : start + BATCH]
            described = _described(data, some, source, target)
            pixels = load_pixels(some, preprocess)
            began = time.perf_counter()
            images = to_images(pixels).to(chosen)
            translated = to_arrays(translator.translate(images, source, target, described))
            costs["seconds"] += time.perf_counter() - began
            costs["pictures"] += len(some)
            if "multiply_adds" not in costs:
                one = described[:1] if described else None
                costs["multiply_adds"] = count_multiply_adds(translator, images[:1], source, target, one)
            for picture, pixels in zip(some, translated, strict=True):
                write_picture(folder / f"{picture.stem}.png", pixels)
        report(f"{number} of {len(runs)} directions")
    _write_key(out, key, **costs)


def _described(data: DataSet, pictures: Sequence[Picture], source: str, target: str) -> list[str] | None:
    """What pictures have in the target's data set, if they are of it and it lists attributes."""
    own = data.labels.set_of(target)
    if not own.has_attributes or data.labels.set_of(source) is not own:
        return None
    return [",".join(picture.attributes) for picture in pictures]


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
    key: str,
    device: str | None,
) -> None:
    """Score the PNG folders of one model and seed; `scorer` holds the arguments of `Scorer`."""
    if _stored_key(out) == key:
        return
    scoring = Scorer(**scorer, device=choose_device(device))
    rows: list[Row] = []
    for number, direction in enumerate(directions, 1):
        rows += scoring.translations(translations, *direction)
        report(f"{number} of {len(directions)} directions")
    sync_write(out, json.dumps({"key": key, "features": scoring.features, "rows": rows}, indent=1))


def score_real(report: Report, out: Path, scorer: Mapping[str, Any], key: str, device: str | None) -> None:
    """Score the real pictures of every domain."""
    if _stored_key(out) == key:
        return
    scoring = Scorer(**scorer, device=choose_device(device))
    rows = [row for domain in scoring.data.domains for row in scoring.real(domain)]
    sync_write(out, json.dumps({"key": key, "features": scoring.features, "rows": rows}, indent=1))


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

"""What worker processes do: train, translate, train the classifier, score. Each skips what `keys.py` calls done."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from i2i import own_models
from i2i.atomic_write import write_text
from i2i.benchmarks.costs import peak_memory
from i2i.benchmarks.cycle import way_back
from i2i.benchmarks.external import PARTIAL
from i2i.benchmarks.keys import KEY_FILE, clear, key_of, stored_key, write_key
from i2i.benchmarks.plan import Direction
from i2i.benchmarks.scores import Scores, write_pictures
from i2i.benchmarks.scoring import Scorer
from i2i.benchmarks.translating import NOTED, Route, Translations
from i2i.benchmarks.validation import bench_judge
from i2i.benchmarks.workers import Report
from i2i.checkpoint import Position, Weights, load_translator, sound_checkpoint
from i2i.config import Settings
from i2i.data.images import Preprocess, read_picture, write_picture
from i2i.data.pictures import labelled
from i2i.data.sources import open_data, pixel_cache
from i2i.joined_names import direction_name
from i2i.metrics.classifier import train_classifier
from i2i.runs import run_config, task_of, train_run
from i2i.scoring import read_pixels
from i2i.tracking import Callback, duration
from i2i.trainer import Trainer, choose_device

DECODED_TOLD = 64  # pictures between reports


def train(
    report: Report,
    run: Path,
    name: str,
    settings: Settings,
    domains: Sequence[str],
    key: str,
    device: str | None,
    own: Mapping[str, str] | None = None,
    judge: Mapping[str, Any] | None = None,
) -> None:
    """Train one model in its run folder, or finish it, or find it finished.

    `own` holds source and hash of a class of one's own; `judge` is what `bench_judge` takes.
    """
    if key_of(run) != key:
        clear(run)
        write_key(run, key)
    checkpoint, _ = sound_checkpoint(run)
    if checkpoint is not None and checkpoint.finished:
        return
    if own:
        own_models.require(**own)
    config = run_config(name, settings)
    data = open_data(config.data).restricted(domains)

    def followers(trainer: Trainer) -> tuple[Callback, ...]:
        return (Callback(lambda position: report(_progress_text(position))),)

    def decoding(done: int, total: int) -> None:
        if done % DECODED_TOLD == 0:
            report(f"{done} of {total} pictures decoded")

    chosen = choose_device(device)
    with peak_memory(chosen) as peak:
        judged = bench_judge(**judge, device=chosen) if judge else None
        train_run(run, config, task_of(config, data), data, chosen, followers, decoding, judge=judged)
        write_key(run, key, peak_memory=peak())


def translate(
    report: Report,
    out: Path,
    runs: Mapping[Direction, Path],
    settings: Settings,
    key: str,
    device: str | None,
    own: Mapping[str, str] | None = None,
    weights: Weights = "last",
) -> None:
    """Translate the test pictures of every direction with the training that serves it, into PNG folders.

    Beside the key stands what it cost: seconds from decoded pixels to pixels, and the work for one picture. What only
    the networks tell of single pictures is noted in a table: whether all values were finite, and the cycle error
    where the contestant has a way back.
    """
    if key_of(out) == key:
        return
    if own:
        own_models.require(**own)
    clear(out)
    config = run_config("identity", {"data": settings["data"]})
    data, chosen = open_data(config.data), choose_device(device)
    load = lru_cache(maxsize=2)(lambda run: load_translator(run, chosen, weights))  # there and back
    made = Translations(out, data, config.data.test_split, pixel_cache(config.data))
    for number, (way, run) in enumerate(runs.items(), 1):
        translator, preprocess = load(run)
        back = way_back(way, runs, lambda run: load(run)[0])
        made.add(Route(way, translator, back, preprocess, chosen))
        report(f"{number} of {len(runs)} directions")
    write_pictures(out / NOTED, made.noted)
    write_key(out, key, **made.costs)


def adopt(
    report: Report,
    out: Path,
    files: Mapping[Direction, Mapping[str, Path]],
    stems: Mapping[str, Sequence[str]] | None,
    settings: Settings,
    key: str,
    device: str | None,
) -> None:
    """Take over pictures made elsewhere, where `translate` would have written translations; `stems` lists some."""
    if key_of(out) == key:
        return
    clear(out)
    preprocess = Preprocess.of(run_config("identity", {"data": settings["data"]}).data)
    for number, (direction, found) in enumerate(files.items(), 1):
        folder = out / direction_name(direction)
        folder.mkdir(parents=True)
        for stem, path in found.items():
            write_picture(folder / f"{stem}.png", preprocess(read_picture(path)))
        report(f"{number} of {len(files)} directions")
    if stems is not None:
        write_text(out / PARTIAL, json.dumps(stems))
    write_key(out, key)


def classifier(
    report: Report, path: Path, settings: Settings, options: Mapping[str, Any], key: str, device: str | None
) -> None:
    """Train the domain classifier on the training split and measure it on real test pictures."""
    if key_of(path.parent) == key and path.is_file():
        return
    (path.parent / KEY_FILE).unlink(missing_ok=True)  # of older weights, which are about to be replaced
    config = run_config("identity", settings)
    data = open_data(config.data)
    pictures, labels = labelled(data, config.data.train_split)
    trained = train_classifier(
        read_pixels(pictures, Preprocess.of(config.data)),
        labels,
        data.labels,
        backbone=options["backbone"],
        images=options["images"],
        bf16=config.train.precision == "bf16",
        device=choose_device(device),
        progress=lambda done, total: report(f"{done} of {total} images"),
    )
    trained.save(path)
    write_key(path.parent, key)


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
    if stored_key(out) == key:
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
    if stored_key(out) == key:
        return
    scoring, scores = Scorer(**scorer, device=choose_device(device)), Scores()
    for domain in scoring.data.domains:
        scores.add(scoring.real(domain))
    if gan_train is not None:
        scores.add(scoring.learnt_from_real(gan_train))
    scores.write(out, key, scoring.features)


def _progress_text(position: Position) -> str:
    share = position.step / position.steps
    left = position.seconds / position.step * (position.steps - position.step)
    return f"{share:.0%}, {position.images / position.seconds:.0f} images/s, {duration(left)} left"

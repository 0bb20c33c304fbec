"""What workers do: train, translate, train the classifier, score. `folder/cache_keys.py` says what is done."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from i2i import custom_models
from i2i.benchmarks.evaluation.checkpoint_selection import bench_judge
from i2i.benchmarks.evaluation.cost_meters import peak_memory
from i2i.benchmarks.evaluation.cycle_consistency import way_back
from i2i.benchmarks.evaluation.scorer import Scorer
from i2i.benchmarks.evaluation.translate import NOTED, Route, Translations
from i2i.benchmarks.execution.local_executor import Report
from i2i.benchmarks.folder.cache_keys import DONE, KEY_FILE, Place, files_in, identities, sources_of, write_key
from i2i.benchmarks.folder.partial import PARTIAL
from i2i.benchmarks.folder.result_records import read_record
from i2i.benchmarks.folder.score_file import Scores, write_pictures
from i2i.benchmarks.plan import Direction
from i2i.benchmarks.planning.unchanged_inputs import Seen
from i2i.config import Settings
from i2i.data.decoding.images import Preprocess, read_picture, write_picture
from i2i.data.layouts import DataSet
from i2i.data.open import open_data, pixel_cache
from i2i.data.training_images import labelled
from i2i.errors import Damaged, UserError
from i2i.metrics.features.domain_classifier import train_classifier
from i2i.metrics.image_scores import read_pixels
from i2i.runs.checkpoint import Checkpoint, Position, Weights
from i2i.runs.folder import sound_checkpoint
from i2i.runs.load import load_translator, require_checkpoint
from i2i.training.callbacks import Callback, duration
from i2i.training.device import choose_device
from i2i.training.run import TrainingRun, train_run
from i2i.training.setup import run_config, task_of
from i2i.training.trainer import Trainer
from i2i.utils.atomic_write import write_text
from i2i.utils.joined_names import direction_name

PEAK = "peak_memory"
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
    seen: Seen | None = None,
) -> None:
    """Train one model in its run folder, or finish it, or find it finished.

    `own` holds source and hash of a class of one's own; `judge` is what `bench_judge` takes. Here and below `seen` is
    what the plan saw of the pictures that the job reads; None: nobody knows.
    """
    place = Place.of_folder(run)
    if place.key() != key:
        place.make_room(key)
        write_key(run, key)
    checkpoint = _sound(run, key)
    if checkpoint is not None and checkpoint.finished:
        _record_end(run, key, checkpoint)
        return
    if own:
        custom_models.require(**own)
    config = run_config(name, settings)
    data = open_data(config.data).restricted(domains)

    def followers(trainer: Trainer) -> tuple[Callback, ...]:
        _check(seen, data)  # all pictures are read
        reads_on.append(bool(trainer.pictures.decoded_when_drawn or judge))
        return (Callback(lambda position: report(_progress_text(position))),)

    def decoding(done: int, total: int) -> None:
        if done % DECODED_TOLD == 0:
            report(f"{done} of {total} pictures decoded")

    chosen, reads_on = choose_device(device), list[bool]()
    with peak_memory(chosen) as peak:
        judged = bench_judge(**judge, device=chosen) if judge else None
        training = TrainingRun(run, config, task_of(config, data), data, chosen)
        train_run(training, followers, decoding, judge=judged)
        if any(reads_on):
            _check_training(place, seen, data)
        _record_end(run, key, require_checkpoint(run), peak_memory=peak())


def _check(seen: Seen | None, data: DataSet) -> None:
    if seen is not None:
        seen.check(data)


def _check_training(place: Place, seen: Seen | None, data: DataSet) -> None:
    """Of one that has read pictures to its end: if they have changed it is kept, but not as what was planned."""
    try:
        _check(seen, data)
    except UserError as error:
        place.set_aside(str(error))
        raise


def _sound(run: Path, key: str) -> Checkpoint | None:
    """The newest sound checkpoint; a run folder that holds damaged ones alone is set aside."""
    try:
        return sound_checkpoint(run)[0]
    except Damaged as damage:
        Place.of_folder(run).set_aside(damage.what)
        write_key(run, key)
        return None


def _record_end(run: Path, key: str, checkpoint: Checkpoint, **costs: Any) -> None:
    """Vouch for the last checkpoint; costs that are known already and not given stay."""
    record = read_record(run / KEY_FILE)
    known = {name: value for name, value in (record.contents if record else {}).items() if name == PEAK}
    write_key(run, key, files_in(checkpoint.folder), **{**known, **costs})


def translate(
    report: Report,
    out: Path,
    runs: Mapping[Direction, Path],
    settings: Settings,
    key: str,
    device: str | None,
    own: Mapping[str, str] | None = None,
    weights: Weights = "last",
    seen: Seen | None = None,
) -> None:
    """Translate the test pictures of every direction with the training that serves it, into PNG folders.

    Beside the key stands what it cost: seconds from decoded pixels to pixels, and the work for one picture. What only
    the networks tell of single pictures is noted in a table: whether all values were finite, and the cycle error
    where the contestant has a way back.
    """
    place = Place.of_folder(out)
    if place.state(key) == DONE:
        return
    if own:
        custom_models.require(**own)
    place.make_room(key)
    config = run_config("identity", {"data": settings["data"]})
    data, chosen = open_data(config.data), choose_device(device)
    load = lru_cache(maxsize=2)(lambda run: load_translator(run, chosen, weights))  # there and back
    made = Translations(out, data, config.data.test_split, pixel_cache(config.data))
    for number, (way, run) in enumerate(runs.items(), 1):
        translator, preprocess = load(run)
        back = way_back(way, runs, lambda run: load(run)[0])
        made.add(Route(way, translator, back, preprocess, chosen))
        report(f"{number} of {len(runs)} directions")
    _check(seen, data)
    write_pictures(out / NOTED, made.noted)
    write_key(out, key, files_in(out), **made.costs)


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
    place = Place.of_folder(out)
    if place.state(key) == DONE:
        return
    place.make_room(key)
    preprocess = Preprocess.of(run_config("identity", {"data": settings["data"]}).data)
    for number, (direction, found) in enumerate(files.items(), 1):
        folder = out / direction_name(direction)
        folder.mkdir(parents=True)
        for stem, path in found.items():
            write_picture(folder / f"{stem}.png", preprocess(read_picture(path)))
        report(f"{number} of {len(files)} directions")
    if stems is not None:
        write_text(out / PARTIAL, json.dumps(stems))
    write_key(out, key, files_in(out))


def classifier(
    report: Report,
    path: Path,
    settings: Settings,
    options: Mapping[str, Any],
    key: str,
    device: str | None,
    seen: Seen | None = None,
) -> None:
    """Train the domain classifier on the training split and measure it on real test pictures."""
    place = Place.of_folder(path.parent)
    if place.state(key) == DONE:
        return
    place.make_room(key)
    config = run_config("identity", settings)
    data = open_data(config.data)
    pictures, labels = labelled(data, config.data.train_split)
    pixels = read_pixels(pictures, Preprocess.of(config.data))
    _check(seen, data)
    trained = train_classifier(
        pixels,
        labels,
        data.labels,
        backbone=options["backbone"],
        images=options["images"],
        bf16=config.train.precision == "bf16",
        device=choose_device(device),
        progress=lambda done, total: report(f"{done} of {total} images"),
    )
    trained.save(path)
    write_key(path.parent, key, [path])


def score(
    report: Report,
    out: Path,
    scorer: Mapping[str, Any],
    translations: Path,
    directions: Sequence[Direction],
    gan_train: Mapping[str, Any] | None,
    key: str,
    device: str | None,
    seen: Seen | None = None,
) -> None:
    """Score the PNG folders of one model and seed; `scorer` holds the arguments of `Scorer`.

    `gan_train` holds the options of the classifiers for GAN-train; None: it is not measured.
    """
    place, sources = Place.of_scores(out), sources_of({"scorer": scorer, "translations": translations})
    if place.state(key, sources) == DONE:
        return
    place.make_room(key)
    made_from = identities(sources)
    scoring, scores = Scorer(**scorer, device=choose_device(device)), Scores()
    targets: dict[str, list[str]] = {}
    for source, target in directions:
        targets.setdefault(source, []).append(target)
    for number, (source, own) in enumerate(targets.items(), 1):
        scores.add(scoring.translations(translations, source, own))
        report(f"{number} of {len(targets)} domains")
    if gan_train is not None:
        scores.add(scoring.learnt_from(translations, directions, gan_train))
    _check(seen, scoring.data)
    scores.write(out, key, scoring.features, made_from)


def score_real(
    report: Report,
    out: Path,
    scorer: Mapping[str, Any],
    gan_train: Mapping[str, Any] | None,
    key: str,
    device: str | None,
    seen: Seen | None = None,
) -> None:
    """Score the real pictures of every domain."""
    place, sources = Place.of_scores(out), sources_of({"scorer": scorer})
    if place.state(key, sources) == DONE:
        return
    place.make_room(key)
    made_from = identities(sources)
    scoring, scores = Scorer(**scorer, device=choose_device(device)), Scores()
    for domain in scoring.data.domains:
        scores.add(scoring.real(domain))
    if gan_train is not None:
        scores.add(scoring.learnt_from_real(gan_train))
    _check(seen, scoring.data)
    scores.write(out, key, scoring.features, made_from)


def _progress_text(position: Position) -> str:
    share = position.step / position.steps
    left = position.seconds / position.step * (position.steps - position.step)
    return f"{share:.0%}, {position.images / position.seconds:.0f} images/s, {duration(left)} left"

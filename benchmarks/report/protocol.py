"""The protocol card: everything the numbers of a bench depend on, and a fingerprint of what its rows must share."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache

import pandas as pd

from i2i.benchmarks.analysis.results import Results
from i2i.benchmarks.job_id import CLASSIFIER
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.plan_facts import Trained
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import score_file
from i2i.benchmarks.results_folder.versions import versions
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import DataConfig, Settings, stable_hash
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import DataSet, ImageFile
from i2i.data.open import open_data
from i2i.runs.folder import newest_checkpoint
from i2i.utils.fingerprint import sha256
from i2i.utils.joined_names import direction_name

FILE_COLUMNS = ["split", "domain", "file", "half", "sha256"]
TRANSLATIONS = "PNG, 8 bits per channel, rounded to the nearest value"
OF_THEIR_DOMAIN = "files of the kind, type and range of their domain, rounded to the nearest value"


def card(plan: Plan, results: Results, files: pd.DataFrame) -> Settings:
    """What protocol.json holds.

    Args:
        plan: of a bench whose jobs have run.
        results: what they found.
        files: as `list_files` gives them.

    Returns:
        `protocol`, which rows must share to be compared; `fingerprint`, a hash of it alone, 16 hex digits;
        `methods`, which are what is compared; `versions` of the code and its libraries.
    """
    shared = _shared(plan, results, files)
    return {
        "fingerprint": stable_hash(shared),
        "protocol": shared,
        "methods": {name: _method(plan, results, name) for name in plan.methods()},
        "versions": versions(),
    }


def list_files(plan: Plan) -> pd.DataFrame:
    """Every image that was trained on, scored against or chosen by: split, domain, file, half of it, SHA-256."""
    config = plan.facts.data_config()
    data = open_data(config).restricted(plan.domains)
    digest = plan.files.sha256 if plan.files else cache(sha256)  # attributes put an image into several domains
    rows = [
        (split, domain, image.path.name, image.half or "", digest(image.path))
        for split, domain, image in _images(data, _splits(plan, config))
    ]
    return pd.DataFrame(rows, columns=FILE_COLUMNS)


def _splits(plan: Plan, config: DataConfig) -> tuple[str, ...]:
    """The splits that the numbers depend on; the validation split where it chooses weights."""
    rules = [own.checkpoint for own in plan.facts.methods.values() if isinstance(own, Trained)]
    chosen = any(rule.startswith("best-on-val") for rule in rules)
    return config.train_split, config.test_split, *((config.val_split,) if chosen else ())


def _images(data: DataSet, splits: Sequence[str]) -> Iterator[tuple[str, str, ImageFile]]:
    for split in splits:
        for domain in data.domains:
            for image in data.images(split, domain):
                yield split, domain, image


def _shared(plan: Plan, results: Results, files: pd.DataFrame) -> Settings:
    facts = plan.facts
    config = facts.data_config()
    preprocess = Preprocess.of(config)
    test = files[files["split"] == config.test_split].groupby("domain")["file"].count().to_dict()
    return {
        "domains": list(plan.domains),
        "paired": facts.paired,
        "training": _digests(files, config.train_split),
        "reference": _digests(files, config.test_split),
        **({"validation": validation} if (validation := _digests(files, config.val_split))["domains"] else {}),
        "directions": {
            direction_name((source, target)): {"fake": int(test[source]), "real": int(test[target])}
            for source, target in plan.directions
        },
        "images": {
            **preprocess.description(),
            "translations": OF_THEIR_DOMAIN if preprocess.formats else TRANSLATIONS,
        },
        "features": _features(plan, results),
        **({"further_features": further} if (further := _further_features(plan, results)) else {}),
        "classifier": {**_classifier(facts.suite.classifier), "sha256": _weights(plan, results)},
        "checkpoint": facts.checkpoint,
        **({"samples": samples} if (samples := facts.suite.translation.samples) > 1 else {}),
        "budget": facts.budget.model_dump(exclude_unset=True),
        "seeds": list(facts.seeds),
        "scoring_version": facts.scoring_version,
        "lpips": facts.lpips,
        **({"label_map": facts.label_map.model_dump(mode="json")} if facts.label_map else {}),
    }


def _digests(files: pd.DataFrame, split: str) -> Settings:
    """Of a split by domain: the number of images, and a digest of their names and contents in order."""
    own = files[files["split"] == split]
    return {
        "split": split,
        "domains": {
            domain: {
                "files": len(some),
                "sha256": hashlib.sha256(
                    some[["file", "half", "sha256"]].to_csv(index=False).encode(errors="surrogateescape")
                ).hexdigest(),
            }
            for domain, some in own.groupby("domain", sort=False)
        },
    }


def _features(plan: Plan, results: Results, further: str | None = None) -> Settings | None:
    """Whose features the Frechet distance compares, or further ones, as the scores say; None without any scores."""
    scored = ResultsFolder(plan.out).scored(plan.methods(), plan.seeds(), [further] if further else [])
    own = [path for job, _, _, path in scored if job.features == further and job not in results.absent]
    stated = (found.features for path in own[::-1] if (found := score_file(path)) is not None)  # of real images first
    return next((features.model_dump() for features in stated if features is not None), None)


def _further_features(plan: Plan, results: Results) -> list[Settings]:
    found = (_features(plan, results, further) for further in plan.facts.further_features)
    return [features for features in found if features is not None]


def _classifier(options: ClassifierConfig) -> Settings:
    """As the suite has it; what was not known when the bench was made is not said of it."""
    return {name: value for name, value in options.settings().items() if name in options.model_fields_set}


def _weights(plan: Plan, results: Results) -> str | None:
    weights = ResultsFolder(plan.out).classifier
    return sha256(weights) if CLASSIFIER not in results.absent and weights.is_file() else None


def _method(plan: Plan, results: Results, name: str) -> Settings:
    facts = plan.facts.methods[name].model_dump(mode="json", exclude_unset=True)
    if name in plan.external:
        return facts
    cost = results.costs.get(name)
    metas = [
        checkpoint.meta
        for training in plan.training_runs
        if training.method == name
        and training.id not in results.absent
        and (checkpoint := newest_checkpoint(ResultsFolder(plan.out).run(training)))
    ]
    return {
        **facts,
        "inference": cost.inference if cost else None,
        "made_with": sorted({f"i2i {meta['i2i']}, torch {meta['torch']}" for meta in metas}),
    }

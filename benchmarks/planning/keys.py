"""Keys of jobs: hashes of all that their results are made from. Those of finished work must stay."""

from collections.abc import Mapping, Sequence

from i2i import registry
from i2i.benchmarks.directions import Training
from i2i.benchmarks.evaluation.classifier_training import starting_weights
from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.jobs.train import CustomCode, Train
from i2i.benchmarks.planning.base import Base
from i2i.benchmarks.results_folder.cache_keys import REAL, training_key
from i2i.benchmarks.suite.external import Survey
from i2i.config import RunConfig, stable_hash
from i2i.runs.checkpoint import Weights
from i2i.training.run import learnt_from
from i2i.utils.fingerprint import sha256

# Raised when translating or scoring changes, so that results of before are made again.
SCORING_VERSION = 3
# Raised when scoring of real images alone changes. 2: distances of as many training as test images.
REAL_VERSION = 2
# Raised when tables beside translations and scores are called or laid out otherwise. 2: images.csv.
TABLES_VERSION = 2


def key_of_training(
    base: Base, config: RunConfig, training: Training, custom: CustomCode | None, steps: int | None
) -> str:
    """Of all that decides what is learnt: of the images those of its domains, in the splits that it reads.

    `steps` are those with which translations are judged on the validation split, if they are.
    """
    seen = base.fingerprint(*learnt_from(config), domains=training.domains)
    code = custom.sha256 if custom else registry.package_of(config.name)
    key = training_key(config, training.domains, seen, code)
    if config.train.best_by is None:
        return key
    chosen = [] if steps is None else [steps]
    return stable_hash([key, scorer_key(base, config.data.val_split), training.serves, *chosen])


def translations_key(base: Base, trains: Sequence[Train], weights: Weights, asked: Mapping[str, int]) -> str:
    """Of translations: of the training runs, the directions, the images, which weights, and what else is asked for."""
    trained = {job.name: job.key for job in trains}
    chosen: list[object] = [] if weights == "last" else [weights]  # so that keys of before there was a choice hold
    chosen += [asked] if asked else []
    test = base.fingerprint(base.everyday.test_split)
    return stable_hash([SCORING_VERSION, TABLES_VERSION, trained, base.directions, test, *chosen])


def external_key(base: Base, found: Survey) -> str:
    """Of external translations."""
    return stable_hash([found.sha256, base.directions, base.fingerprint(base.everyday.test_split)])


def classifier_key(base: Base) -> str:
    """Of the domain classifier."""
    learnt, options = base.scoring_config.key(base.fingerprint(base.everyday.train_split)), base.suite.classifier
    start = starting_weights(options)
    return stable_hash([learnt, options.settings(), *([sha256(start)] if start else [])])


def scorer_key(base: Base, split: str | None = None) -> str:
    """Of scores against the images of a split, by default the test split."""
    extractor = base.extractor and base.extractor.fingerprint
    lpips = base.lpips and base.lpips.fingerprint
    scoring, reference = base.suite.scoring, base.fingerprint(split or base.everyday.test_split)
    measures, more = scoring.asked(), list[object]()
    if base.scoring.perceptual and base.data.paired:
        more.append("perceptual")
    if base.label_map:
        more.append(segmenter_key(base, base.label_map))
    return stable_hash([SCORING_VERSION, classifier_key(base), reference, extractor, lpips, measures, *more])


def segmenter_key(base: Base, label_map: LabelMap) -> str:
    """Of the segmenter, and of what the label map is."""
    learnt = base.scoring_config.key(base.fingerprint(base.everyday.train_split))
    return stable_hash([learnt, label_map.about, base.suite.classifier.images])


def scores_key(base: Base, translations: str) -> str:
    """Of scores of translations with that key."""
    return stable_hash([TABLES_VERSION, translations, scorer_key(base)])


def features_key(base: Base, features: str, *compared: object) -> str:
    """Of scores in further features of that name, of what has these keys against real test images."""
    spec, scoring = base.further[features], base.scoring_in(features)
    extractor = spec.fingerprint if spec else classifier_key(base)
    reference, stands_in = base.fingerprint(base.everyday.test_split), scoring.lpips is None
    return stable_hash([SCORING_VERSION, TABLES_VERSION, *compared, reference, extractor, scoring.sets, stands_in])


def real_features_key(base: Base, features: str) -> str:
    """Of scores of real images in further features of that name."""
    return features_key(base, features, REAL, REAL_VERSION, base.fingerprint(base.everyday.train_split))


def real_key(base: Base) -> str:
    """Of scores of real images."""
    return stable_hash([REAL, REAL_VERSION, TABLES_VERSION, scorer_key(base)])

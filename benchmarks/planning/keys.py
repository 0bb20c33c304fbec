"""Keys of jobs: hashes of all that their results are made from. Those of finished work must stay."""

from collections.abc import Mapping, Sequence

from i2i import registry
from i2i.benchmarks.directions import Training
from i2i.benchmarks.evaluation.classifier_training import starting_weights
from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.jobs.train import CustomCode, Train
from i2i.benchmarks.planning.context import Context
from i2i.benchmarks.results_folder.staleness import REAL, training_key
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
    context: Context, config: RunConfig, training: Training, custom: CustomCode | None, steps: int | None
) -> str:
    """Of all that decides what is learnt: of the images those of its domains, in the splits that it reads.

    `steps` are those with which translations are evaluated on the validation split, if they are.
    """
    fingerprint = context.fingerprint(*learnt_from(config), domains=training.domains)
    code = custom.sha256 if custom else registry.package_of(config.name)
    key = training_key(_unseen(config), training.domains, fingerprint, code)
    if config.train.best_by is None:
        return key
    chosen = [] if steps is None else [steps]
    return stable_hash([key, scorer_key(context, config.data.val_split), training.serves, *chosen])


def _unseen(config: RunConfig) -> RunConfig:
    """The config without what decides how values are shown alone: nothing learnt depends on that."""
    formats = config.data.pixel_formats
    if formats is None:
        return config
    plain = {name: own.model_copy(update={"bands": None, "window": None}) for name, own in formats.items()}
    return config.model_copy(update={"data": config.data.model_copy(update={"pixel_formats": plain})})


def translations_key(context: Context, trains: Sequence[Train], weights: Weights, asked: Mapping[str, int]) -> str:
    """Of translations: of the training runs, the directions, the images, which weights, and what else is asked for."""
    trained = {job.name: job.key for job in trains}
    chosen: list[object] = [] if weights == "last" else [weights]  # so that keys of before there was a choice hold
    chosen += [asked] if asked else []
    test = context.fingerprint(context.data_config.test_split)
    return stable_hash([SCORING_VERSION, TABLES_VERSION, trained, context.directions, test, *chosen])


def external_key(context: Context, found: Survey) -> str:
    """Of external translations."""
    return stable_hash([found.sha256, context.directions, context.fingerprint(context.data_config.test_split)])


def classifier_key(context: Context) -> str:
    """Of the domain classifier."""
    learnt, options = (
        context.scoring_config.key(context.fingerprint(context.data_config.train_split)),
        context.suite.classifier,
    )
    start = starting_weights(options)
    return stable_hash([learnt, options.settings(), *([sha256(start)] if start else [])])


def scorer_key(context: Context, split: str | None = None) -> str:
    """Of scores against the images of a split, by default the test split."""
    extractor = context.extractor and context.extractor.fingerprint
    lpips = context.lpips and context.lpips.fingerprint
    scoring, reference = context.suite.scoring, context.fingerprint(split or context.data_config.test_split)
    measures, more = scoring.asked(), list[object]()
    if context.scoring.perceptual and context.data.paired:
        more.append("perceptual")
    if context.label_map:
        more.append(segmenter_key(context, context.label_map))
    return stable_hash([SCORING_VERSION, classifier_key(context), reference, extractor, lpips, measures, *more])


def segmenter_key(context: Context, label_map: LabelMap) -> str:
    """Of the segmenter, and of what the label map is."""
    learnt = context.scoring_config.key(context.fingerprint(context.data_config.train_split))
    return stable_hash([learnt, label_map.about, context.suite.classifier.images])


def scores_key(context: Context, translations: str) -> str:
    """Of scores of translations with that key."""
    return stable_hash([TABLES_VERSION, translations, scorer_key(context)])


def features_key(context: Context, features: str, *compared: object) -> str:
    """Of scores in further features of that name, of what has these keys against real test images."""
    spec, scoring = context.further[features], context.scoring_in(features)
    extractor = spec.fingerprint if spec else classifier_key(context)
    reference, stands_in = context.fingerprint(context.data_config.test_split), scoring.lpips is None
    return stable_hash([SCORING_VERSION, TABLES_VERSION, *compared, reference, extractor, scoring.sets, stands_in])


def real_features_key(context: Context, features: str) -> str:
    """Of scores of real images in further features of that name."""
    return features_key(context, features, REAL, REAL_VERSION, context.fingerprint(context.data_config.train_split))


def real_key(context: Context) -> str:
    """Of scores of real images."""
    return stable_hash([REAL, REAL_VERSION, TABLES_VERSION, scorer_key(context)])

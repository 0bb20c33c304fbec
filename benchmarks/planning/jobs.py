"""The jobs of a plan."""

from dataclasses import replace

from i2i.benchmarks.directions import Training
from i2i.benchmarks.evaluation.checkpoint_selection import Evaluation
from i2i.benchmarks.evaluation.scorer import Scoring
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import CLASSIFIER, REAL_SCORES, SEGMENTER, JobId
from i2i.benchmarks.jobs.classifier import TrainClassifier
from i2i.benchmarks.jobs.copy_external import CopyExternal
from i2i.benchmarks.jobs.score import Score, ScoreReal
from i2i.benchmarks.jobs.segmenter import TrainSegmenter
from i2i.benchmarks.jobs.train import CustomCode, Train
from i2i.benchmarks.jobs.translate import Translate
from i2i.benchmarks.planning.base import Base
from i2i.benchmarks.planning.entries import Entry
from i2i.benchmarks.planning.keys import (
    classifier_key,
    external_key,
    features_key,
    key_of_training,
    real_features_key,
    real_key,
    scores_key,
    segmenter_key,
    translations_key,
)
from i2i.benchmarks.suite.external import Survey
from i2i.presets.methods import Method
from i2i.training.run import learnt_from


def jobs_of_method(base: Base, entry: Entry) -> list[Job]:
    """Its training runs, then translating and scoring."""
    method, seed, training_runs = entry.method, entry.seed, entry.training_runs
    own = base.suite.own(method.model)
    custom = CustomCode(own.source, own.sha256) if own else None
    trains = [_train_job(base, method, training, custom) for training in training_runs]
    weights = method.checkpoint.weights if training_runs[0].amount else "last"
    asked = base.asked(method)
    translate = Translate(
        id=JobId("translate", method.name, seed),
        key=translations_key(base, trains, weights, asked),
        needs=tuple(job.id for job in trains),
        out=base.folder.translations(method.name, seed),
        runs={way: base.folder.run(training) for training in training_runs for way in training.serves},
        data=base.scoring_config.data,
        weights=weights,
        seen=base.seen(base.everyday.test_split),
        custom=custom,
        **asked,
    )
    return [*trains, translate, *_score_jobs(base, method.name, seed, translate, translate.samples)]


def _train_job(base: Base, method: Method, training: Training, custom: CustomCode | None) -> Train:
    config, evaluation = base.config(method, training.amount, training.seed), None
    steps = base.suite.translation.steps_of(method)
    if config.train.best_by is not None:
        evaluation = Evaluation(base.scoring, config.train.best_by, training.serves, steps)
    return Train(
        id=training.id,
        key=key_of_training(base, config, training, custom, steps),
        needs=_judges(base) if evaluation else (),
        weight=1 + training.amount,
        run=base.folder.run(training),
        model=method.model,
        settings=config.settings() | {"model": config.model.model_dump(mode="json")},
        domains=training.domains,
        seen=base.seen(*learnt_from(config), domains=training.domains),
        custom=custom,
        evaluation=evaluation,
    )


def _score_jobs(base: Base, name: str, seed: int, translate: Translate | CopyExternal, samples: int = 1) -> list[Score]:
    """Everything in the features of the bench, and in each of its further features what needs features."""
    score = Score(
        id=JobId("score", name, seed),
        key=scores_key(base, translate.key),
        needs=(translate.id, *_judges(base)),
        out=base.folder.scores(name, seed),
        scoring=base.scoring,
        gan_train=base.gan_train,
        translations=translate.out,
        directions=base.directions,
        samples=samples,
        seen=base.seen(base.everyday.test_split),
    )
    further = [
        replace(
            score,
            id=JobId("features", name, seed, features=features),
            key=features_key(base, features, translate.key),
            needs=(translate.id, *_classifier(base.scoring_in(features))),
            out=base.folder.scores(name, seed, features),
            scoring=base.scoring_in(features),
            gan_train=None,
        )
        for features in base.further
    ]
    return [score, *further]


def jobs_of_external(base: Base, name: str, found: Survey) -> list[Job]:
    """It stands in the place of a method's first seed."""
    seed = base.suite.seeds[0]
    copied = CopyExternal(
        id=JobId("external", name),
        key=external_key(base, found),
        out=base.folder.translations(name, seed),
        files=found.files,
        stems=found.stems if found.partial else None,
        data=base.scoring_config.data,
    )
    return [copied, *_score_jobs(base, name, seed, copied)]


def jobs_of_data(base: Base) -> list[Job]:
    """The domain classifier, and scores of real images."""
    classifier = TrainClassifier(
        id=CLASSIFIER,
        key=classifier_key(base),
        weight=1 + base.suite.classifier.images,
        path=base.scoring.classifier,
        data=base.scoring_config.data,
        options=base.suite.classifier,
        bf16=base.scoring.bf16,
        seen=base.seen(base.everyday.train_split),
    )
    real = ScoreReal(
        id=REAL_SCORES,
        key=real_key(base),
        needs=_judges(base),
        out=base.folder.real_scores(),
        scoring=base.scoring,
        gan_train=base.gan_train,
        seen=base.seen(base.everyday.train_split, base.everyday.test_split),
    )
    further = [
        replace(
            real,
            id=JobId("features_real", features=features),
            key=real_features_key(base, features),
            needs=_classifier(base.scoring_in(features)),
            out=base.folder.real_scores(features),
            scoring=base.scoring_in(features),
            gan_train=None,
        )
        for features in base.further
    ]
    return [classifier, *_segmenter_jobs(base), real, *further]


def _classifier(scoring: Scoring) -> tuple[JobId, ...]:
    return (CLASSIFIER,) if scoring.classifies else ()


def _judges(base: Base) -> tuple[JobId, ...]:
    """The networks that scoring takes."""
    return (CLASSIFIER, SEGMENTER) if base.label_map else (CLASSIFIER,)


def _segmenter_jobs(base: Base) -> list[Job]:
    """The segmenter, where a domain is a label map."""
    if base.label_map is None:
        return []
    return [
        TrainSegmenter(
            id=SEGMENTER,
            key=segmenter_key(base, base.label_map),
            weight=1 + base.suite.classifier.images,
            path=base.folder.segmenter,
            data=base.scoring_config.data,
            label_map=base.label_map,
            images=base.suite.classifier.images,
            seen=base.seen(base.everyday.train_split),
        )
    ]

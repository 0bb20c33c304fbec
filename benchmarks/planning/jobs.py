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
from i2i.benchmarks.planning.context import Context
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


def jobs_of_method(context: Context, entry: Entry) -> list[Job]:
    """Its training runs, then translating and scoring."""
    method, seed, training_runs = entry.method, entry.seed, entry.training_runs
    own = context.suite.own(method.model)
    custom = CustomCode(own.source, own.sha256) if own else None
    trains = [_train_job(context, method, training, custom) for training in training_runs]
    weights = method.checkpoint.weights if training_runs[0].amount else "last"
    asked = context.asked(method)
    translate = Translate(
        id=JobId("translate", method.name, seed),
        key=translations_key(context, trains, weights, asked),
        needs=tuple(job.id for job in trains),
        out=context.folder.translations(method.name, seed),
        runs={direction: context.folder.run(training) for training in training_runs for direction in training.serves},
        data=context.scoring_config.data,
        weights=weights,
        inputs=context.inputs(context.data_config.test_split),
        custom=custom,
        **asked,
    )
    return [*trains, translate, *_score_jobs(context, method.name, seed, translate, translate.samples)]


def _train_job(context: Context, method: Method, training: Training, custom: CustomCode | None) -> Train:
    config, evaluation = context.config(method, training.amount, training.seed), None
    steps = context.suite.translation.steps_of(method)
    if config.train.best_by is not None:
        evaluation = Evaluation(context.scoring, config.train.best_by, training.serves, steps)
    return Train(
        id=training.id,
        key=key_of_training(context, config, training, custom, steps),
        needs=_evaluators(context) if evaluation else (),
        weight=1 + training.amount,
        run=context.folder.run(training),
        model=method.model,
        settings=config.settings() | {"model": config.model.model_dump(mode="json")},
        domains=training.domains,
        inputs=context.inputs(*learnt_from(config), domains=training.domains),
        custom=custom,
        evaluation=evaluation,
    )


def _score_jobs(
    context: Context, name: str, seed: int, translate: Translate | CopyExternal, samples: int = 1
) -> list[Score]:
    """Everything in the features of the bench, and in each of its further features what needs features."""
    score = Score(
        id=JobId("score", name, seed),
        key=scores_key(context, translate.key),
        needs=(translate.id, *_evaluators(context)),
        out=context.folder.scores(name, seed),
        scoring=context.scoring,
        gan_train=context.gan_train,
        translations=translate.out,
        directions=context.directions,
        samples=samples,
        inputs=context.inputs(context.data_config.test_split),
    )
    further = [
        replace(
            score,
            id=JobId("features", name, seed, features=features),
            key=features_key(context, features, translate.key),
            needs=(translate.id, *_classifier(context.scoring_in(features))),
            out=context.folder.scores(name, seed, features),
            scoring=context.scoring_in(features),
            gan_train=None,
        )
        for features in context.further
    ]
    return [score, *further]


def jobs_of_external(context: Context, name: str, found: Survey) -> list[Job]:
    """It stands in the place of a method's first seed."""
    seed = context.suite.seeds[0]
    copied = CopyExternal(
        id=JobId("external", name),
        key=external_key(context, found),
        out=context.folder.translations(name, seed),
        files=found.files,
        stems=found.stems if found.partial else None,
        data=context.scoring_config.data,
    )
    return [copied, *_score_jobs(context, name, seed, copied)]


def jobs_of_data(context: Context) -> list[Job]:
    """The domain classifier, and scores of real images."""
    classifier = TrainClassifier(
        id=CLASSIFIER,
        key=classifier_key(context),
        weight=1 + context.suite.classifier.images,
        path=context.scoring.classifier,
        data=context.scoring_config.data,
        options=context.suite.classifier,
        bf16=context.scoring.bf16,
        inputs=context.inputs(context.data_config.train_split),
    )
    real = ScoreReal(
        id=REAL_SCORES,
        key=real_key(context),
        needs=_evaluators(context),
        out=context.folder.real_scores(),
        scoring=context.scoring,
        gan_train=context.gan_train,
        inputs=context.inputs(context.data_config.train_split, context.data_config.test_split),
    )
    further = [
        replace(
            real,
            id=JobId("features_real", features=features),
            key=real_features_key(context, features),
            needs=_classifier(context.scoring_in(features)),
            out=context.folder.real_scores(features),
            scoring=context.scoring_in(features),
            gan_train=None,
        )
        for features in context.further
    ]
    return [classifier, *_segmenter_jobs(context), real, *further]


def _classifier(scoring: Scoring) -> tuple[JobId, ...]:
    return (CLASSIFIER,) if scoring.classifies else ()


def _evaluators(context: Context) -> tuple[JobId, ...]:
    """The networks that scoring takes."""
    return (CLASSIFIER, SEGMENTER) if context.label_map else (CLASSIFIER,)


def _segmenter_jobs(context: Context) -> list[Job]:
    """The segmenter, where a domain is a label map."""
    if context.label_map is None:
        return []
    return [
        TrainSegmenter(
            id=SEGMENTER,
            key=segmenter_key(context, context.label_map),
            weight=1 + context.suite.classifier.images,
            path=context.folder.segmenter,
            data=context.scoring_config.data,
            label_map=context.label_map,
            images=context.suite.classifier.images,
            inputs=context.inputs(context.data_config.train_split),
        )
    ]

"""A bench from its suite to its plan: which jobs there are, and what each is called with."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from i2i import __version__, registry
from i2i.benchmarks.external import External, Survey, survey
from i2i.benchmarks.file_index import FileIndex
from i2i.benchmarks.keys import REAL, training_key
from i2i.benchmarks.plan import (
    Direction,
    Job,
    Plan,
    Training,
    expand,
)
from i2i.benchmarks.recorded import recorded
from i2i.benchmarks.status import index_path
from i2i.benchmarks.stored import refuse_merged
from i2i.benchmarks.suite import CheckpointRule, Contestant, Suite
from i2i.config import RunConfig, Settings, merge, stable_hash
from i2i.data.layouts import DataSet
from i2i.data.pictures import Progress
from i2i.data.sources import open_data
from i2i.errors import UserError, refuse_file
from i2i.joined_names import direction_name, lookalikes
from i2i.runs import check_trainable, run_config
from i2i.translator import Task
from i2i.validation import require_validation

if TYPE_CHECKING:
    from i2i.metrics.extractors import ExtractorSpec
    from i2i.metrics.lpips import LpipsSpec

REFERENCE_ROWS = ("identity", "colour")
# Raised when translating or scoring changes, so that results of before are made anew.
SCORING_VERSION = 3
# Raised when scoring of real pictures alone changes. 2: distances of as many training as test pictures.
REAL_VERSION = 2


def prepare(
    suite: Suite,
    out: Path | None,
    directions: str | None = None,
    inception: Path | None = None,
    drawing: Progress | None = None,
    extractor: str | None = None,
    lpips: str | None = None,
) -> Plan:
    """The plan of a bench. Nothing is written but the embedded set into its cache.

    Args:
        suite: models, settings, budget.
        out: results folder; None: bench/<data set>.
        directions: `a2b,b2a` to compare only these.
        inception: pytorch-fid's weights; None: torch's hub cache if they are there.
        drawing: told of the progress of drawing the embedded set.
        extractor: other features for distances; see `parse_extractor`.
        lpips: network and files of LPIPS, see `parse_lpips`; None: AlexNet's if they are in this machine's caches.

    Raises:
        UserError: for data, models, settings or directions that do not fit.
    """
    everyday = run_config("identity", suite.contestant("identity").for_training(1, 0))
    data = open_data(everyday.data, drawing)
    chosen = _directions(directions, data)
    _check_names(chosen, (*dict.fromkeys(suite.models), *suite.external))
    splits = (everyday.data.train_split, everyday.data.test_split)
    used = [picture for split in splits for domain in data.domains for picture in data.pictures(split, domain)]
    place = out or Path("bench") / data.name
    _check_folder(place)
    files = FileIndex.load(index_path(place))
    files.check_readable(used)
    spec = _extractor(inception, extractor)
    named = str(replace(spec, weights=spec.weights.absolute())) if spec and (inception or extractor) else None
    asked = {"directions": directions, "extractor": named, "lpips": lpips}
    before = recorded(place)
    tried = dict(before.tried) if before else {}
    return _Builder(suite, place, data, chosen, spec, _lpips(lpips, everyday), files, asked, tried).plan()


@dataclass(frozen=True)
class _Builder:
    """What every job of a plan is made from."""

    suite: Suite
    out: Path
    data: DataSet
    directions: tuple[Direction, ...]
    extractor: "ExtractorSpec | None"
    lpips: "LpipsSpec | None"
    files: FileIndex
    asked: Settings
    tried: dict[str, bool]

    def plan(self) -> Plan:
        trainings: list[Training] = []
        jobs: list[Job] = []
        skipped: dict[str, str] = {}
        fingerprint = self.data.fingerprint(self.files.blake2b)
        names = [*dict.fromkeys(self.suite.models)]
        for name in [*names, *(row for row in REFERENCE_ROWS if row not in names)]:
            contestant = self.suite.contestant(name)
            reason = registry.get(contestant.model).batch.unsuitable(self.data)
            if reason:
                skipped[name] = reason
                continue
            for seed in self.suite.seeds:
                own = self._trainings(contestant, seed)
                trainings += own
                jobs += self._jobs_of_contestant(contestant, seed, own, fingerprint)
        if not any(training.contestant in names for training in trainings):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
            raise UserError(f"no model can be trained on {self.data.root}: {reasons}")
        surveys = {name: self._survey(name, external) for name, external in self.suite.external.items()}
        for name, found in surveys.items():
            jobs += self._jobs_of_external(name, found, fingerprint)
        jobs += self._jobs_of_data(fingerprint)
        return Plan(
            self.out,
            self.data.name,
            self.data.domains,
            self.directions,
            tuple(trainings),
            skipped,
            tuple(jobs),
            self._facts(fingerprint, trainings, surveys),
            tuple(surveys),
            self.files,
        )

    def _trainings(self, contestant: Contestant, seed: int) -> tuple[Training, ...]:
        cls, (unit, amount) = registry.get(contestant.model), self.suite.budget.amount
        config = self._config(contestant, amount, seed)
        learnt = self.data.labels if cls.coverage.value == "all" else self.data.domains[:2]
        task = Task.covering(cls.coverage, learnt, config.data.image_size, config.data.channels)
        if self._learns(config, task):
            self._checked(contestant, config)
        else:
            amount = 0
        return expand(
            contestant.name,
            cls.coverage.value,
            self.data.domains,
            self.directions,
            amount,
            self.suite.budget.per,
            seed,
            unit,
        )

    def _learns(self, config: RunConfig, task: Task) -> bool:
        """Whether the model has anything to train; it is built and tried out unless it was when last planned."""
        source = Path(inspect.getfile(registry.get(config.name))).read_text()
        key = stable_hash([__version__, torch.__version__, source, config.essentials(), task])
        if key not in self.tried:
            self.tried[key] = bool(check_trainable(config, task).phases())
        return self.tried[key]

    def _config(self, contestant: Contestant, amount: float, seed: int) -> RunConfig:
        """Checked settings of a training; a UserError says whose they are."""
        try:
            return run_config(contestant.model, self._settings(contestant, amount, seed))
        except UserError as error:
            raise UserError(f"{contestant.name}: {error}") from None

    def _settings(self, contestant: Contestant, amount: float, seed: int) -> Settings:
        located = {"data": {"domains": list(self.data.domains)}}
        # A method that learns nothing is given nothing, and no setting may be that.
        training = contestant.for_training(amount or 1, seed, self.suite.budget.amount[0])
        return merge(training, located, self._validation(contestant) if amount else {})

    def _validation(self, contestant: Contestant) -> Settings:
        """Settings that have a training scored on the validation split as its checkpoint rule asks for."""
        rule = contestant.checkpoint
        if not rule.looks:
            return {}
        return {"train": {"best_by": rule.metric or self._everyday_metric, "evaluations": rule.looks}}

    @cached_property
    def _everyday_metric(self) -> str:
        """By what weights are best unless the suite says it."""
        if self.data.paired:
            return "psnr"
        return self.extractor.build().name if self.extractor else "FD-domain-classifier"

    def _checked(self, contestant: Contestant, config: RunConfig) -> None:
        """UserError if trainings with these settings do not leave the weights that are to translate."""
        if contestant.checkpoint.rule == "ema" and not config.train.ema:
            raise UserError(
                f"{contestant.name}: the checkpoint rule ema needs a moving average: add --set train.ema=0.999"
            )
        if config.train.best_by is not None:
            require_validation(config, self.data)

    def _jobs_of_contestant(
        self, contestant: Contestant, seed: int, trainings: tuple[Training, ...], fingerprint: str
    ) -> list[Job]:
        jobs, keys, name = [], {}, contestant.name
        own = self.suite.own(contestant.model)
        source = {"own": {"source": own.source, "sha256": own.sha256}} if own else {}
        for training in trainings:
            config = self._config(contestant, training.amount, seed)
            keys[training.name] = self._training_key(config, training, fingerprint, own.sha256 if own else None)
            arguments = {
                "run": self.out / training.folder,
                "name": contestant.model,
                "settings": config.settings() | {"model": _without_name(config)},
                "domains": training.domains,
                "key": keys[training.name],
                **source,
            }
            needs: tuple[str, ...] = ()
            if config.train.best_by is not None:
                judge = {"scorer": self._scorer(), "metric": config.train.best_by, "directions": training.serves}
                arguments, needs = {**arguments, "judge": judge}, (CLASSIFIER,)
            jobs.append(Job(training.name, "train", arguments, needs, 1 + training.amount, name))
        runs = {way: self.out / training.folder for training in trainings for way in training.serves}
        weights = contestant.checkpoint.weights if trainings[0].amount else "last"
        chosen = [] if weights == "last" else [weights]  # so that keys of before there was a choice hold
        key = stable_hash([SCORING_VERSION, keys, self.directions, fingerprint, *chosen])
        translate = Job(
            f"translations of {name}, seed {seed}",
            "translate",
            {
                "settings": self._judging_settings(),
                "out": self.out / "translations" / name / f"seed{seed}",
                "runs": runs,
                "weights": weights,
                "key": key,
                **source,
            },
            tuple(keys),
            contestant=name,
        )
        return [*jobs, translate, self._score_job(name, seed, translate, fingerprint)]

    def _score_job(self, name: str, seed: int, translate: Job, fingerprint: str) -> Job:
        return Job(
            f"scores of {name}, seed {seed}",
            "score",
            {
                "scorer": self._scorer(),
                "out": self.out / "scores" / f"{name}-seed{seed}.json",
                "translations": translate.arguments["out"],
                "directions": self.directions,
                "gan_train": self._gan_train(),
                "key": stable_hash([translate.arguments["key"], self._scorer_key(fingerprint)]),
            },
            (translate.name, CLASSIFIER),
            contestant=name,
        )

    def _survey(self, name: str, external: External) -> Survey:
        config = self._config(self.suite.contestant("identity"), 1, 0).data
        inputs = {way: self.data.pictures(config.test_split, way[0]) for way in self.directions}
        return survey(name, external, inputs, config.image_size)

    def _jobs_of_external(self, name: str, found: Survey, fingerprint: str) -> list[Job]:
        """It stands in the place of a contestant's first seed."""
        seed = self.suite.seeds[0]
        arguments = {
            "settings": self._judging_settings(),
            "out": self.out / "translations" / name / f"seed{seed}",
            "files": found.files,
            "stems": found.stems if found.partial else None,
            "key": stable_hash([found.sha256, self.directions, fingerprint]),
        }
        adopt = Job(f"pictures of {name}", "adopt", arguments, contestant=name)
        return [adopt, self._score_job(name, seed, adopt, fingerprint)]

    def _jobs_of_data(self, fingerprint: str) -> list[Job]:
        classifier = {
            "settings": self._judging_settings(),
            "path": self._scorer()["classifier"],
            "options": self.suite.classifier.model_dump(),
            "key": self._classifier_key(fingerprint),
        }
        return [
            Job(CLASSIFIER, "classifier", classifier, weight=1 + self.suite.classifier.images),
            Job(
                "scores of real pictures",
                "score_real",
                {
                    "scorer": self._scorer(),
                    "out": self.out / "scores" / f"{REAL}.json",
                    "gan_train": self._gan_train(),
                    "key": stable_hash([REAL, REAL_VERSION, self._scorer_key(fingerprint)]),
                },
                (CLASSIFIER,),
            ),
        ]

    def _judging_settings(self) -> Settings:
        """Data settings, and the precision in which the classifier is trained."""
        settings = self._settings(self.suite.contestant("identity"), 1, 0)
        return {
            "data": settings["data"],
            "train": {"precision": settings["train"].get("precision", "fp32")},
        }

    def _scorer(self) -> dict[str, Any]:
        return {
            "settings": self._judging_settings(),
            "classifier": self.out / "classifier" / "classifier.safetensors",
            "extractor": self.extractor and str(self.extractor),
            "lpips": self.lpips and str(self.lpips),
        }

    def _gan_train(self) -> dict[str, Any] | None:
        return self.suite.classifier.model_dump() if self.suite.scoring.gan_train else None

    def _training_key(self, config: RunConfig, training: Training, fingerprint: str, code: str | None) -> str:
        key = training_key(config, training.domains, fingerprint, code)
        if config.train.best_by is None:
            return key
        return stable_hash([key, self._scorer_key(fingerprint), training.serves])

    def _classifier_key(self, fingerprint: str) -> str:
        config = run_config("identity", self._judging_settings())
        return stable_hash([config.key(fingerprint), self.suite.classifier.model_dump()])

    def _scorer_key(self, fingerprint: str) -> str:
        extractor = self.extractor and self.extractor.fingerprint
        lpips = self.lpips and self.lpips.fingerprint
        measures = self.suite.scoring.model_dump()
        return stable_hash([SCORING_VERSION, self._classifier_key(fingerprint), extractor, lpips, measures])

    def _facts(self, fingerprint: str, trainings: Sequence[Training], surveys: Mapping[str, Survey]) -> dict[str, Any]:
        height, width = self._config(self.suite.contestant("identity"), 1, 0).data.image_size
        firsts = {training.contestant: training for training in reversed(trainings)}
        return {
            "dataset": str(self.data),
            "recognised": self.data.recognised,
            "paired": self.data.paired,
            "domains": list(self.data.domains),
            "directions": [list(way) for way in self.directions],
            "fingerprint": fingerprint,
            "image_size": f"{height}x{width}",
            "budget": self.suite.budget.model_dump(exclude_none=True),
            "checkpoint": self._rule_text(self.suite.checkpoint),
            "seeds": list(self.suite.seeds),
            "suite": self.suite.model_dump(mode="json"),
            "scoring_version": SCORING_VERSION,
            "real_version": REAL_VERSION,
            "lpips": self.lpips and self.lpips.fingerprint,
            "chosen": self.asked,
            "tried": self.tried,
            "contestants": {
                **{name: self._facts_of(firsts[name]) for name in reversed(firsts)},
                **{name: self._facts_of_external(name, found) for name, found in surveys.items()},
            },
            "reference_rows": [row for row in REFERENCE_ROWS if row not in self.suite.models],
        }

    def _facts_of(self, training: Training) -> dict[str, Any]:
        """A contestant's model and the settings that its trainings share, whatever their seed."""
        contestant = self.suite.contestant(training.contestant)
        settings = self._config(contestant, training.amount, training.seed).essentials()
        del settings["train"]["seed"], settings["model"]["name"]
        own = self.suite.own(contestant.model)
        source = {"source": own.label, "sha256": own.sha256} if own else {}
        rule = contestant.checkpoint if training.amount else CheckpointRule()
        return {
            "model": contestant.model,
            **source,
            "settings": settings,
            "checkpoint": self._rule_text(rule),
        }

    def _facts_of_external(self, name: str, found: Survey) -> dict[str, Any]:
        return {
            "external": self.suite.external[name].folder.name,
            "sha256": found.sha256,
            "intersection": found.partial,
            "pictures": found.counts,
        }

    def _rule_text(self, rule: CheckpointRule) -> str:
        if rule.rule != "best-on-val":
            return rule.rule
        return f"best-on-val by {rule.metric or self._everyday_metric}, {rule.looks} evaluations"


CLASSIFIER = "domain classifier"


def _directions(text: str | None, data: DataSet) -> tuple[Direction, ...]:
    """The named directions; without names all that stay within a data set."""
    every = data.labels.directions
    if text is None:
        return tuple(way for way in every if data.labels.position(way[0]) == data.labels.position(way[1]))
    spelt = Counter("2".join(way) for way in every)
    names = {way: "2".join(way) if spelt["2".join(way)] == 1 else direction_name(way) for way in every}
    by_name = {name: way for way in every for name in (names[way], direction_name(way))}
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if not wanted:
        raise UserError(f"--directions names none; there are {', '.join(names.values())}")
    for name in wanted:
        if name not in by_name:
            raise UserError(f"there is no direction {name!r}; there are {', '.join(names.values())}")
    return tuple(by_name[name] for name in dict.fromkeys(wanted))


def _check_names(directions: Sequence[Direction], contestants: Sequence[str]) -> None:
    """UserError if folders of the bench would be one and the same on some file systems."""
    for names in (map(direction_name, directions), contestants):
        for alike in lookalikes(names):
            raise UserError(
                f"{' and '.join(alike)} would share a folder where file systems ignore case: rename one of the "
                "domains, variants or models, or leave one out with --set data.domains=... or --models"
            )


def _extractor(inception: Path | None, extractor: str | None) -> "ExtractorSpec | None":
    """The named extractor, tried out; else Inception if its weights are given or in the cache."""
    from i2i.metrics.extractors import default_extractor, parse_extractor

    if extractor is None:
        return default_extractor(inception)
    if inception is not None:
        raise UserError("--inception and --extractor are two extractors: leave one out")
    spec = parse_extractor(extractor)
    spec.build()  # what does not fit is to be known before hours of training
    return spec


def _lpips(text: str | None, config: RunConfig) -> "LpipsSpec | None":
    """The named LPIPS, tried out; else AlexNet's if its weights are there and the pictures large enough."""
    from i2i.metrics.lpips import default_lpips, parse_lpips

    size = config.data.image_size
    if text is None:
        spec = default_lpips()
        return spec if spec and min(size) >= spec.smallest else None
    spec = parse_lpips(text)
    spec.check_size(size)
    spec.build()  # what does not fit is to be known before hours of training
    return spec


def _check_folder(out: Path) -> None:
    """Refuse a place that is something else, so that nothing of the user's is touched."""
    refuse_file(out)
    if recorded(out) is None and out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds other files and no bench: choose another folder with --out")
    refuse_merged(out)


def _without_name(config: RunConfig) -> Settings:
    return config.model.model_dump(mode="json")

"""A bench from its suite to its plan: which jobs there are, and what each is called with."""

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from i2i import registry
from i2i._version import __version__
from i2i.benchmarks.directions import Direction, Training, expand
from i2i.benchmarks.evaluation.checkpoint_selection import Judging
from i2i.benchmarks.evaluation.scorer import Scoring
from i2i.benchmarks.facts import Chosen, ExternalFacts, PlanFacts, Trained
from i2i.benchmarks.folder.cache_keys import REAL, training_key
from i2i.benchmarks.folder.finished_results import refuse_merged
from i2i.benchmarks.folder.results_folder import ResultsFolder
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import CLASSIFIER, REAL_SCORES, JobId
from i2i.benchmarks.jobs.adopt import Adopt
from i2i.benchmarks.jobs.classifier import TrainClassifier
from i2i.benchmarks.jobs.score import Score, ScoreReal
from i2i.benchmarks.jobs.train import CustomCode, Train
from i2i.benchmarks.jobs.translate import Translate
from i2i.benchmarks.jobs.unchanged_inputs import Seen
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.suite.external import External, Survey, survey
from i2i.benchmarks.suite.schema import ClassifierConfig, Suite
from i2i.config import DataConfig, RunConfig, Settings, merge, stable_hash
from i2i.data.audit import quick_check
from i2i.data.decoding.file_index import FileIndex
from i2i.data.layouts import DataSet
from i2i.data.open import open_data
from i2i.errors import UserError, unknown
from i2i.presets.methods import Budget, CheckpointRule, Contestant
from i2i.runs.checkpoint import Weights
from i2i.training.budget import epoch_of, images_of
from i2i.training.run import learnt_from
from i2i.training.setup import check_trainable, run_config
from i2i.training.validation import require_validation
from i2i.translator import Task
from i2i.utils.joined_names import direction_name, lookalikes, parted
from i2i.utils.places import check_folder
from i2i.utils.progress import Progress
from i2i.utils.safe_paths import check_length

if TYPE_CHECKING:
    from i2i.metrics.features.extractors import ExtractorSpec
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
    splits = _splits(suite, everyday, data)
    used = [picture for split in splits for domain in data.domains for picture in data.pictures(split, domain)]
    for picture in used:
        check_length(f"{picture.stem}.png", picture.path)
    place = out or Path("bench") / data.name
    _check_folder(place)
    files = FileIndex.load(ResultsFolder(place).image_digests)
    files.check_readable(used)
    spec = _extractor(inception, extractor)
    named = str(replace(spec, weights=spec.weights.absolute())) if spec and (inception or extractor) else None
    asked = Chosen(directions=directions, extractor=named, lpips=lpips)
    before = ResultsFolder(place).asked
    tried = dict(before.tried) if before else {}
    return _Builder(suite, place, data, chosen, spec, _lpips(lpips, everyday), files, asked, tried, splits).plan()


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
    asked: Chosen
    tried: dict[str, bool]
    splits: tuple[str, ...]
    fingerprints: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = field(default_factory=dict)

    def plan(self) -> Plan:
        trainings: list[Training] = []
        jobs: list[Job] = []
        skipped: dict[str, str] = {}
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
                jobs += self._jobs_of_contestant(contestant, seed, own)
        if not any(training.contestant in names for training in trainings):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
            raise UserError(f"no model can be trained on {self.data.root}: {reasons}")
        surveys = {name: self._survey(name, external) for name, external in self.suite.external.items()}
        for name, found in surveys.items():
            jobs += self._jobs_of_external(name, found)
        jobs += self._jobs_of_data()
        return Plan(
            self.out,
            self.data.name,
            self.data.domains,
            self.directions,
            tuple(trainings),
            skipped,
            tuple(jobs),
            self._facts(trainings, surveys),
            tuple(surveys),
            self.files,
            (*quick_check.warnings(self.data, self._everyday), *self._dark(surveys)),
        )

    def _trainings(self, contestant: Contestant, seed: int) -> tuple[Training, ...]:
        cls, (unit, amount) = registry.get(contestant.model), self._budget
        config = self._config(contestant, amount, seed)
        learnt = self.data.labels if cls.coverage.value == "all" else self.data.domains[:2]
        task = Task.covering(cls.coverage, learnt, config.data.image_size, config.data.channels)
        if self._learns(config, task):
            self._checked(contestant, config)
        else:
            amount = 0
        trainings = expand(
            contestant.name,
            cls.coverage.value,
            self.data.domains,
            self.directions,
            amount,
            self.suite.budget.per,
            seed,
            unit,
        )
        return tuple(map(self._with_own_epochs, trainings))

    @cached_property
    def _budget(self) -> tuple[str, float]:
        """Unit and amount; epochs are told in images, of all domains."""
        unit, amount = self.suite.budget.amount
        return (unit, amount) if unit != "epochs" else ("images", self._images(amount, self.data.domains))

    def _with_own_epochs(self, training: Training) -> Training:
        """The training, with epochs of its own domains where each gets so many."""
        budget = self.suite.budget
        if budget.epochs is None or budget.per != "task" or not training.amount:
            return training
        return replace(training, amount=self._images(budget.epochs, training.domains))

    def _images(self, epochs: float, domains: tuple[str, ...]) -> int:
        return images_of(epochs, epoch_of(self.data.restricted(domains), self._everyday.train_split))

    def _learns(self, config: RunConfig, task: Task) -> bool:
        """Whether the model has anything to train; it is built and tried out unless it was when last planned."""
        source = Path(inspect.getfile(registry.get(config.name))).read_text()
        essentials = config.essentials()
        del essentials["train"]["seed"]  # as it is for one, it is for all
        key = stable_hash([__version__, torch.__version__, source, essentials, task])
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
        unit, _ = self.suite.budget.amount
        training = contestant.for_training(amount or 1, seed, "images" if unit == "epochs" else unit)
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

    def _jobs_of_contestant(self, contestant: Contestant, seed: int, trainings: tuple[Training, ...]) -> list[Job]:
        own = self.suite.own(contestant.model)
        custom = CustomCode(own.source, own.sha256) if own else None
        trains = [self._train_job(contestant, training, custom) for training in trainings]
        weights = contestant.checkpoint.weights if trainings[0].amount else "last"
        translate = Translate(
            id=JobId("translate", contestant.name, seed),
            key=self._translations_key(trains, weights),
            needs=tuple(job.id for job in trains),
            out=self._folder.translations(contestant.name, seed),
            runs={way: self._folder.run(training) for training in trainings for way in training.serves},
            data=self._judging.data,
            weights=weights,
            seen=self._seen(self._everyday.test_split),
            custom=custom,
        )
        return [*trains, translate, self._score_job(contestant.name, seed, translate)]

    def _train_job(self, contestant: Contestant, training: Training, custom: CustomCode | None) -> Train:
        config, judging = self._config(contestant, training.amount, training.seed), None
        if config.train.best_by is not None:
            judging = Judging(self._scoring, config.train.best_by, training.serves)
        return Train(
            id=training.id,
            key=self._training_key(config, training, custom),
            needs=(CLASSIFIER,) if judging else (),
            weight=1 + training.amount,
            run=self._folder.run(training),
            model=contestant.model,
            settings=config.settings() | {"model": _without_name(config)},
            domains=training.domains,
            seen=self._seen(*learnt_from(config), domains=training.domains),
            custom=custom,
            judging=judging,
        )

    def _translations_key(self, trains: Sequence[Train], weights: Weights) -> str:
        trained = {job.name: job.key for job in trains}
        chosen = [] if weights == "last" else [weights]  # so that keys of before there was a choice hold
        test = self._fingerprint(self._everyday.test_split)
        return stable_hash([SCORING_VERSION, trained, self.directions, test, *chosen])

    def _score_job(self, name: str, seed: int, translate: Translate | Adopt) -> Score:
        return Score(
            id=JobId("score", name, seed),
            key=stable_hash([translate.key, self._scorer_key()]),
            needs=(translate.id, CLASSIFIER),
            out=self._folder.scores(name, seed),
            scoring=self._scoring,
            gan_train=self._gan_train,
            translations=translate.out,
            directions=self.directions,
            seen=self._seen(self._everyday.test_split),
        )

    def _survey(self, name: str, external: External) -> Survey:
        config = self._everyday
        inputs = {way: self.data.pictures(config.test_split, way[0]) for way in self.directions}
        return survey(name, external, inputs, config.image_size)

    def _dark(self, surveys: Mapping[str, Survey]) -> list[str]:
        """Warnings of pictures made elsewhere."""
        files = {
            name: [path for own in found.files.values() for path in own.values()] for name, found in surveys.items()
        }
        return [line for name, paths in files.items() for line in quick_check.dark(name, paths)]

    def _jobs_of_external(self, name: str, found: Survey) -> list[Job]:
        """It stands in the place of a contestant's first seed."""
        seed, test = self.suite.seeds[0], self._fingerprint(self._everyday.test_split)
        adopt = Adopt(
            id=JobId("adopt", name),
            key=stable_hash([found.sha256, self.directions, test]),
            out=self._folder.translations(name, seed),
            files=found.files,
            stems=found.stems if found.partial else None,
            data=self._judging.data,
        )
        return [adopt, self._score_job(name, seed, adopt)]

    def _jobs_of_data(self) -> list[Job]:
        classifier = TrainClassifier(
            id=CLASSIFIER,
            key=self._classifier_key(),
            weight=1 + self.suite.classifier.images,
            path=self._scoring.classifier,
            data=self._judging.data,
            options=self.suite.classifier,
            bf16=self._scoring.bf16,
            seen=self._seen(self._everyday.train_split),
        )
        real = ScoreReal(
            id=REAL_SCORES,
            key=stable_hash([REAL, REAL_VERSION, self._scorer_key()]),
            needs=(CLASSIFIER,),
            out=self._folder.real_scores,
            scoring=self._scoring,
            gan_train=self._gan_train,
            seen=self._seen(self._everyday.train_split, self._everyday.test_split),
        )
        return [classifier, real]

    @cached_property
    def _judging(self) -> RunConfig:
        """Data settings, and the precision in which the classifier is trained."""
        settings = self._settings(self.suite.contestant("identity"), 1, 0)
        precision = settings["train"].get("precision", "fp32")
        return run_config("identity", {"data": settings["data"], "train": {"precision": precision}})

    @cached_property
    def _scoring(self) -> Scoring:
        return Scoring(
            data=self._judging.data,
            classifier=self._folder.classifier,
            extractor=str(self.extractor) if self.extractor else None,
            lpips=str(self.lpips) if self.lpips else None,
            bf16=self._judging.train.precision == "bf16",
        )

    @property
    def _gan_train(self) -> ClassifierConfig | None:
        return self.suite.classifier if self.suite.scoring.gan_train else None

    def _training_key(self, config: RunConfig, training: Training, custom: CustomCode | None) -> str:
        """Of all that decides what is learnt: of the pictures those of its domains, in the splits that it reads."""
        seen = self._fingerprint(*learnt_from(config), domains=training.domains)
        code = custom.sha256 if custom else registry.package_of(config.name)
        key = training_key(config, training.domains, seen, code)
        if config.train.best_by is None:
            return key
        return stable_hash([key, self._scorer_key(config.data.val_split), training.serves])

    def _classifier_key(self) -> str:
        return stable_hash(
            [self._judging.key(self._fingerprint(self._everyday.train_split)), self.suite.classifier.model_dump()]
        )

    def _scorer_key(self, split: str | None = None) -> str:
        """Of scores against the pictures of a split, by default the test split."""
        extractor = self.extractor and self.extractor.fingerprint
        lpips = self.lpips and self.lpips.fingerprint
        measures, reference = self.suite.scoring.model_dump(), self._fingerprint(split or self._everyday.test_split)
        return stable_hash([SCORING_VERSION, self._classifier_key(), reference, extractor, lpips, measures])

    @cached_property
    def _folder(self) -> ResultsFolder:
        return ResultsFolder(self.out)

    @cached_property
    def _everyday(self) -> DataConfig:
        """The data settings that all contestants share."""
        return self._config(self.suite.contestant("identity"), 1, 0).data

    def _fingerprint(self, *splits: str, domains: tuple[str, ...] | None = None) -> str:
        """Of the pictures in these splits, of some domains or all."""
        asked = tuple(sorted(splits)), domains or self.data.domains
        if asked not in self.fingerprints:
            data = self.data if asked[1] == self.data.domains else self.data.restricted(asked[1])
            self.fingerprints[asked] = data.fingerprint(self.files.blake2b, asked[0])
        return self.fingerprints[asked]

    def _seen(self, *splits: str, domains: tuple[str, ...] | None = None) -> Seen:
        return Seen.of(self.data, self._folder.image_digests, splits, domains or self.data.domains)

    def _facts(self, trainings: Sequence[Training], surveys: Mapping[str, Survey]) -> PlanFacts:
        height, width = self._everyday.image_size
        firsts = {training.contestant: training for training in reversed(trainings)}
        suite = Suite.model_validate(self.suite.model_dump(mode="json"))  # with every default, for later versions
        return PlanFacts(
            dataset=str(self.data),
            recognised=self.data.recognised,
            paired=self.data.paired,
            domains=self.data.domains,
            directions=self.directions,
            splits=self.splits,
            fingerprint=self._fingerprint(*self.splits),
            image_size=f"{height}x{width}",
            budget=self._budget_facts,
            checkpoint=self._rule_text(self.suite.checkpoint),
            seeds=self.suite.seeds,
            suite=suite,
            scoring_version=SCORING_VERSION,
            real_version=REAL_VERSION,
            lpips=self.lpips.fingerprint if self.lpips else None,
            chosen=self.asked,
            tried=self.tried,
            contestants={
                **{name: self._facts_of(firsts[name]) for name in reversed(firsts)},
                **{name: self._facts_of_external(name, found) for name, found in surveys.items()},
            },
            reference_rows=tuple(row for row in REFERENCE_ROWS if row not in self.suite.models),
        )

    @property
    def _budget_facts(self) -> Budget:
        """What trainings share: epochs of the data of each are as many images as each has."""
        budget = self.suite.budget
        unit, amount = budget.amount if budget.per == "task" else self._budget
        return Budget.model_validate({unit: amount, "per": budget.per})

    def _facts_of(self, training: Training) -> Trained:
        """A contestant's model and the settings that its trainings share, whatever their seed."""
        contestant = self.suite.contestant(training.contestant)
        settings = self._config(contestant, training.amount, training.seed).essentials()
        del settings["train"]["seed"], settings["model"]["name"]
        own = self.suite.own(contestant.model)
        rule = contestant.checkpoint if training.amount else CheckpointRule()
        facts = Trained(model=contestant.model, settings=settings, checkpoint=self._rule_text(rule))
        return facts.model_copy(update={"source": own.label, "sha256": own.sha256}) if own else facts

    def _facts_of_external(self, name: str, found: Survey) -> ExternalFacts:
        return ExternalFacts(
            external=self.suite.external[name].folder.name,
            sha256=found.sha256,
            intersection=found.partial,
            pictures=found.counts,
        )

    def _rule_text(self, rule: CheckpointRule) -> str:
        if rule.rule != "best-on-val":
            return rule.rule
        return f"best-on-val by {rule.metric or self._everyday_metric}, {rule.looks} evaluations"


def _splits(suite: Suite, everyday: RunConfig, data: DataSet) -> tuple[str, ...]:
    """Those whose pictures a result depends on: to learn from, to be scored, and where weights are chosen by them."""
    rules = [suite.checkpoint, *(variant.checkpoint for variant in suite.variants.values() if variant.checkpoint)]
    used, validation = (everyday.data.train_split, everyday.data.test_split), everyday.data.val_split
    return (*used, validation) if any(rule.looks for rule in rules) and validation in data.splits else used


def _directions(text: str | None, data: DataSet) -> tuple[Direction, ...]:
    """The named directions; without names all that stay within a data set."""
    every = data.labels.directions
    if text is None:
        return tuple(way for way in every if data.labels.position(way[0]) == data.labels.position(way[1]))
    spelt = Counter("2".join(way) for way in every)
    names = {way: "2".join(way) if spelt["2".join(way)] == 1 else direction_name(way) for way in every}
    by_name = {name: way for way in every for name in (names[way], direction_name(way))}
    wanted = [name for name in parted(text, by_name) if name]
    if not wanted:
        raise UserError(f"--directions names none; there are {', '.join(names.values())}")
    for name in wanted:
        if name not in by_name:
            raise unknown("direction", name, names.values())
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
    """The extractor that was named, tried out; else Inception if its weights are in the cache."""
    from i2i.metrics.features.extractors import default_extractor, parse_extractor

    if extractor is not None and inception is not None:
        raise UserError("--inception and --extractor are two extractors: leave one out")
    spec = default_extractor(inception) if extractor is None else parse_extractor(extractor)
    if spec is not None and (inception or extractor):
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
    check_folder(out)
    if ResultsFolder(out).asked is None and out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} holds other files and no bench: choose another folder with --out")
    refuse_merged(out)


def _without_name(config: RunConfig) -> Settings:
    return config.model.model_dump(mode="json")

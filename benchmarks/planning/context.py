"""What every job of a plan is made from: settings, images, and who measures."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from i2i import registry
from i2i.benchmarks.directions import Direction
from i2i.benchmarks.evaluation.label_map_scores import LabelMap
from i2i.benchmarks.evaluation.scorer import Scoring
from i2i.benchmarks.jobs.unchanged_inputs import InputState
from i2i.benchmarks.planning.label_maps import label_map_of
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.suite.schema import ClassifierConfig, Suite
from i2i.config import DataConfig, RunConfig, Settings, merge
from i2i.data.image_files.file_index import FileIndex
from i2i.data.layouts import DataSet
from i2i.errors import UserError
from i2i.metrics.registry import OF_CLASSIFIER
from i2i.metrics.sets.names import IN_FEATURES
from i2i.presets.methods import Method
from i2i.training.budget import epoch_of, images_of
from i2i.training.device import resolved
from i2i.training.setup import run_config

if TYPE_CHECKING:
    from i2i.metrics.features.extractors import ExtractorSpec
    from i2i.metrics.lpips import LpipsSpec


@dataclass(frozen=True)
class Context:
    """What every job of a plan is made from.

    Attributes:
        suite: models, settings, budget.
        folder: where results go.
        data: the images.
        directions: what is compared.
        extractor: of the features of distances; None: the domain classifier.
        further: by their names, further features; None: the domain classifier's.
        lpips: network and weights of LPIPS; None: it is left out.
        files: digests of the images.
        device: of the trainings, which decides what `auto` in their settings means.
        tried: by a hash of model and settings, whether there is anything to train; more are added.
        formats: data settings that were found in data beyond 8-bit RGB, as `with_formats` gives them.
        fingerprints: by splits and domains, those that were asked for.
    """

    suite: Suite
    folder: ResultsFolder
    data: DataSet
    directions: tuple[Direction, ...]
    extractor: "ExtractorSpec | None"
    lpips: "LpipsSpec | None"
    files: FileIndex
    device: torch.device
    tried: dict[str, bool]
    further: "Mapping[str, ExtractorSpec | None]" = field(default_factory=dict)
    formats: Settings = field(default_factory=dict)
    fingerprints: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = field(default_factory=dict)

    @cached_property
    def data_config(self) -> DataConfig:
        """The data settings that all methods share."""
        return self.suite.data_config(self.formats)

    def config(self, method: Method, amount: float, seed: int) -> RunConfig:
        """Checked settings of a training; a UserError says whose they are."""
        try:
            return resolved(run_config(method.model, self._settings(method, amount, seed)), self.device)
        except UserError as error:
            raise UserError(f"{method.name}: {error}") from None

    def _settings(self, method: Method, amount: float, seed: int) -> Settings:
        located = {"data": {"domains": list(self.data.domains), **self.formats}}
        # A method that learns nothing is given nothing, and no setting may be that.
        unit, _ = self.suite.budget.amount
        training = method.for_training(amount or 1, seed, "images" if unit == "epochs" else unit)
        return merge(training, located, self._validation(method) if amount else {})

    def _validation(self, method: Method) -> Settings:
        """Settings that have a training scored on the validation split as its checkpoint rule asks for."""
        rule = method.checkpoint
        if not rule.evaluation_count:
            return {}
        return {"train": {"best_by": rule.metric or self.metric, "evaluations": rule.evaluation_count}}

    def asked(self, method: Method) -> dict[str, int]:
        """What translations of a method are asked for, where that is not the default; keys of before hold without."""
        options = self.suite.translation
        samples, steps = options.samples_of(registry.get(method.model).takes), options.steps_of(method)
        return {
            **({"samples": samples} if samples > 1 else {}),
            **({"sampling_steps": steps} if steps is not None else {}),
        }

    @cached_property
    def metric(self) -> str:
        """By what weights are best unless the suite says it."""
        if self.data.paired:
            return "psnr"
        return self.extractor.build().name if self.extractor else OF_CLASSIFIER

    @cached_property
    def budget(self) -> tuple[str, float]:
        """Unit and amount; epochs are converted to images, of all domains."""
        unit, amount = self.suite.budget.amount
        return (unit, amount) if unit != "epochs" else ("images", self.images(amount, self.data.domains))

    def images(self, epochs: float, domains: tuple[str, ...]) -> int:
        """How many images so many epochs of some domains are."""
        return images_of(epochs, epoch_of(self.data.restricted(domains), self.data_config.train_split))

    @cached_property
    def scoring_config(self) -> RunConfig:
        """Data settings, and how the classifier is trained: channels last, and a whole config, which its key hashes."""
        settings = self._settings(self.suite.method("identity"), 1, 0)
        precision = settings["train"].get("precision", "fp32")
        train = {"precision": precision, "channels_last": True}
        return resolved(run_config("identity", {"data": settings["data"], "train": train}), self.device)

    @cached_property
    def scoring(self) -> Scoring:
        """What scores are taken with."""
        return Scoring(
            data=self.scoring_config.data,
            classifier=self.folder.classifier,
            extractor=str(self.extractor) if self.extractor else None,
            lpips=str(self.lpips) if self.lpips else None,
            bf16=self.scoring_config.train.precision == "bf16",
            sets=self.suite.scoring.metrics,
            label_map=self.label_map,
        )

    def scoring_in(self, features: str) -> Scoring:
        """What scores in further features of that name are taken with, those that need features alone."""
        spec = self.further[features]
        return replace(
            self.scoring,
            extractor=str(spec) if spec else None,
            sets=tuple(name for name in self.scoring.sets if name in IN_FEATURES),
            label_map=None,
            features_only=True,
        )

    @cached_property
    def label_map(self) -> LabelMap | None:
        """The domain that is a label map, and the file of its segmenter; None: there is none."""
        found = label_map_of(self.suite.scoring, self.data, self.data_config.train_split)
        return replace(found, segmenter=self.folder.segmenter) if found else None

    @property
    def gan_train(self) -> ClassifierConfig | None:
        """The classifiers of GAN-train; None: it is not measured."""
        return self.suite.classifier if self.suite.scoring.gan_train else None

    def fingerprint(self, *splits: str, domains: tuple[str, ...] | None = None) -> str:
        """Of the images in these splits, of some domains or all."""
        asked = tuple(sorted(splits)), domains or self.data.domains
        if asked not in self.fingerprints:
            data = self.data if asked[1] == self.data.domains else self.data.restricted(asked[1])
            self.fingerprints[asked] = data.fingerprint(self.files.blake2b, asked[0])
        return self.fingerprints[asked]

    def inputs(self, *splits: str, domains: tuple[str, ...] | None = None) -> InputState:
        """The state of the images of these splits, of some domains or all."""
        return InputState.of(self.data, self.folder.image_digests, splits, domains or self.data.domains)

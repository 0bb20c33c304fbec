"""What a report says about the data, the budget and the settings of a bench."""

from typing import Annotated

from pydantic import AfterValidator, Field

from i2i.benchmarks.directions import Direction
from i2i.benchmarks.suite.schema import Suite
from i2i.config import LARGEST_SEED, DataConfig, PixelFormat, Settings
from i2i.errors import UserError
from i2i.presets.methods import MOST, Budget, check_data, code_of
from i2i.utils.json_documents import Count, Document, Facts, Name

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]


def require_no_code(suite: Suite) -> Suite:
    """Plans name the classes of `custom_models`, and data once for all methods."""
    if code_of(suite.model_copy(update={"custom_models": {}})):
        raise ValueError("models and variants are named, and no code")
    try:
        check_data(suite)
    except UserError as error:
        raise ValueError(str(error)) from None
    return suite


class Chosen(Document):
    """What the command line said beside the suite, as its options take it; None: by default."""

    directions: str | None = None
    extractor: str | None = None
    lpips: str | None = None


class Trained(Document):
    """A method with training runs."""

    model: str
    settings: Facts
    checkpoint: str
    samples: Count = 1
    sampling_steps: Count | None = None
    source: str | None = None
    sha256: str | None = None


class ExternalFacts(Document):
    """A method whose images were made elsewhere."""

    external: str
    sha256: str
    intersection: bool
    images: dict[str, Count] = Field(default_factory=dict)


class LabelMapFacts(Document):
    """The domain that is a label map: red, green and blue of its classes by name."""

    domain: str
    palette: dict[str, tuple[int, int, int]]


class PlanFacts(Document):
    """What is recorded of a plan beside its training runs and jobs."""

    dataset: str
    recognized: str = ""
    paired: bool
    domains: Annotated[tuple[str, ...], Field(min_length=1)]
    directions: Annotated[tuple[Direction, ...], Field(min_length=1)]
    splits: tuple[str, ...] | None = None
    fingerprint: str
    pixel_formats: dict[str, PixelFormat] | None = None
    measured_ranges: tuple[str, ...] | None = None
    image_size: str
    budget: Budget
    checkpoint: str = "last"
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1, max_length=MOST)]
    suite: Annotated[Suite, AfterValidator(require_no_code)]
    scoring_version: int
    real_version: int = 1
    lpips: str | None
    label_map: LabelMapFacts | None = None
    further_features: tuple[Name, ...] = ()
    chosen: Chosen = Chosen()
    methods: dict[Name, Trained | ExternalFacts]
    baselines: tuple[Name, ...]
    tried: dict[str, bool] = Field(default_factory=dict)
    merged: tuple[str, ...] | None = None

    def data_config(self) -> DataConfig:
        """The data settings that all methods share, and what was found of data beyond 8-bit RGB."""
        return self.suite.data_config({"pixel_formats": self.pixel_formats} if self.pixel_formats else {})

    def as_json(self) -> Settings:
        """What plan.json holds of it."""
        return self.model_dump(mode="json", exclude_unset=True)

"""The columns of costs, each declared once for whatever shows it: table.md, table.tex, results.json and the page."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from i2i.benchmarks.analysis.costs import Costs
from i2i.benchmarks.analysis.number_format import scaled, speed, whole
from i2i.benchmarks.suite.columns import TrainingCost


@dataclass(frozen=True)
class Main:
    """How a cost stands in the main table.

    Attributes:
        name: above its column, and in `report.columns`.
        heading, unit: in table.tex, as LaTeX.
        scale: that unit, in the cost's own.
        form: of the number in table.tex.
    """

    name: TrainingCost
    heading: str
    unit: str
    scale: float
    form: str


@dataclass(frozen=True)
class CostColumn:
    """A cost as the reports write it.

    Attributes:
        key: in results.json.
        label: in tables of costs.
        unit: in tables of costs, if it is not that of the label.
        format: of a value in that unit; a dash for None.
        value: of a method's costs, in the unit of results.json.
        scale: the unit of tables, in that of results.json.
        main: how it stands in the main table; None: not there.
    """

    key: str
    label: str
    unit: str
    format: Callable[[float | None], str]
    value: Callable[[Costs], float | None]
    scale: float = 1
    main: Main | None = None

    @property
    def heading(self) -> str:
        """What stands above its column."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def shown(self, costs: Costs) -> float | None:
        """The value in the unit of tables."""
        value = self.value(costs)
        return None if value is None else value / self.scale

    def text(self, costs: Costs | None) -> str:
        """The value as tables print it; a dash where nothing is known."""
        return self.format(self.shown(costs) if costs else None)


COSTS = (
    CostColumn(
        "training_runs",
        "training runs",
        "",
        whole,
        lambda costs: costs.training_runs,
        main=Main("training runs", "Runs", "", 1, ".3g"),
    ),
    CostColumn("parameters_each", "parameters each", "", whole, lambda costs: costs.parameters_each),
    CostColumn(
        "parameters",
        "together",
        "",
        whole,
        lambda costs: costs.parameters,
        main=Main("parameters", "Param.", "$10^6$", 1e6, ".2f"),
    ),
    CostColumn(
        "images",
        "images seen",
        "",
        whole,
        lambda costs: costs.images,
        main=Main("images seen", "Images", "$10^3$", 1e3, ".1f"),
    ),
    CostColumn("references", "references seen", "", whole, lambda costs: costs.references or None),
    CostColumn(
        "seconds",
        "training seconds",
        "",
        whole,
        lambda costs: costs.seconds,
        main=Main("seconds", "Time", "s", 1, ".0f"),
    ),
    CostColumn("train_images_per_second", "training", "images/s", speed, lambda costs: costs.trained),
    CostColumn("translate_images_per_second", "translation", "images/s", speed, lambda costs: costs.translated),
    CostColumn("evaluations", "network evaluations per image", "", whole, lambda costs: costs.evaluations),
    CostColumn("macs", "MACs per image", "", scaled, lambda costs: costs.macs),
    CostColumn("translate_seconds_per_image", "seconds per image", "", speed, lambda costs: costs.seconds_each),
    CostColumn("peak_memory", "peak memory", "MiB", whole, lambda costs: costs.peak_memory, scale=2**20),
)
MAIN: Mapping[str, CostColumn] = {column.main.name: column for column in COSTS if column.main}
"""The columns of the main table, by their names there."""

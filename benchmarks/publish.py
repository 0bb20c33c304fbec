"""The end of a bench: write its tables and figures, and print the table and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass

from i2i.benchmarks import outputs, terminal_table
from i2i.benchmarks.grouping import By
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.reporting import close
from i2i.benchmarks.results import Results, collect
from i2i.benchmarks.terminal import Shown, columns_of_terminal
from i2i.utils import console


@dataclass(frozen=True)
class Published:
    """Names of the `files` that were written, and what is `shown` on the terminal."""

    files: list[str]
    shown: Shown


def write(plan: Plan, results: Results, by: By = "averaged") -> Published:
    """Write everything into the results folder; `by` says how the main table averages."""
    files = outputs.write(plan, results, by)
    return Published(files, terminal_table.shown(plan, results, by))


def publish(plan: Plan, failures: Mapping[str, str]) -> int:
    """Write and print the report of what stored jobs have left.

    Args:
        plan: of the bench.
        failures: by job, why it has left nothing.

    Returns:
        Exit status: 0, or 1 if a job failed.
    """
    results = collect(plan, failures)
    published = write(plan, results)
    console.say(published.shown.text(str(plan.out / "table.md"), columns_of_terminal()))
    return close(plan, published.files, results.failures)

"""The end of a bench: write the report, and print its table and what is missing."""

import sys
from collections.abc import Mapping

from i2i.benchmarks import outputs, report
from i2i.benchmarks.plan import Plan


def publish(plan: Plan, failures: Mapping[str, str]) -> int:
    """Write and print the report of what the jobs have left.

    Args:
        plan: of the bench.
        failures: by job, why it has left nothing.

    Returns:
        Exit status: 0, or 1 if a job failed.
    """
    results = report.collect(plan, failures)
    written = outputs.write(plan, results)
    print(report.terminal_table(results))
    for line in report.claim_lines(plan, results):
        print(line)
    for name, error in results.failures.items():
        print(f"failed: {name}: {error.strip().splitlines()[-1]}", file=sys.stderr)
    print(f"results in {plan.out}: {', '.join(written)}")
    return 1 if results.failures else 0

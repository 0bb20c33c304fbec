"""A bench from its plan to its report: run what is not done yet, write the results."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from i2i.benchmarks import outputs, report
from i2i.benchmarks.executors import Crew
from i2i.benchmarks.plan import Job, Plan
from i2i.benchmarks.schedule import run_jobs
from i2i.checkpoint import sync_write


def run_bench(plan: Plan, crew: Crew) -> int:
    """Run what is not done yet, write the report and print the table.

    Returns:
        Exit status: 0, or 1 if a job failed or no model could take part.
    """
    jobs = [_on(job, crew.device) for job in plan.jobs]
    sync_write(plan.out / "plan.json", json.dumps(plan.facts, indent=1, default=str))
    with report.JobLines(len(jobs)) as listener:
        outcome = run_jobs(jobs, crew.executor(plan.out), listener)
    results = report.collect(plan, {**outcome.errors, **outcome.not_run})
    written = outputs.write(plan, results)
    print(report.terminal_table(results))
    for line in report.claim_lines(plan, results):
        print(line)
    for name, error in results.failures.items():
        print(f"failed: {name}: {error.strip().splitlines()[-1]}", file=sys.stderr)
    print(f"results in {plan.out}: {', '.join(written)}")
    return 1 if results.failures else 0


def _on(job: Job, device: str | None) -> Job:
    arguments: Mapping[str, Any] = {**job.arguments, "device": device}
    return Job(job.name, job.function, arguments, job.needs, job.weight)

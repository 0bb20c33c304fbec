"""A bench from its plan to its report: run what is not done yet, write the results."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from i2i.benchmarks import outputs, report
from i2i.benchmarks.plan import Job, Plan
from i2i.benchmarks.workers import run_jobs
from i2i.checkpoint import sync_write
from i2i.trainer import choose_device


def run_bench(plan: Plan, workers: int | None = None, device: str | None = None) -> int:
    """Run what is not done yet, write the report and print the table.

    Returns:
        Exit status: 0, or 1 if a job failed or no model could take part.
    """
    count, threads = _crew(workers, device)
    jobs = [_on(job, device) for job in plan.jobs]
    sync_write(plan.out / "plan.json", json.dumps(plan.facts, indent=1, default=str))
    with report.JobLines(len(jobs)) as listener:
        outcome = run_jobs(jobs, "i2i.benchmarks.jobs", count, threads, listener)
    results = report.collect(plan, {**outcome.errors, **outcome.not_run})
    written = outputs.write(plan, results)
    print(report.terminal_table(results))
    for line in report.claim_lines(plan, results):
        print(line)
    for name, error in results.failures.items():
        print(f"failed: {name}: {error.strip().splitlines()[-1]}", file=sys.stderr)
    print(f"results in {plan.out}: {', '.join(written)}")
    return 1 if results.failures else 0


def _crew(workers: int | None, device: str | None) -> tuple[int, int]:
    """Worker processes and CPU threads of each: on the CPU one per core, on an accelerator one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    kind = choose_device(device).type
    if workers is None:
        workers = cores if kind == "cpu" else 1
    return workers, max(1, cores // workers)


def _on(job: Job, device: str | None) -> Job:
    arguments: Mapping[str, Any] = {**job.arguments, "device": device}
    return Job(job.name, job.function, arguments, job.needs, job.weight)

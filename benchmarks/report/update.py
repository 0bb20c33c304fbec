"""The end of a bench: its report, written if anything has changed since the last one, and printed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from i2i.benchmarks.analysis.number_format import error_line
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.report.terminal import TerminalTable, columns_of_terminal
from i2i.benchmarks.results_folder import job_records
from i2i.benchmarks.results_folder.result_records import described, first_fault
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import DONE
from i2i.benchmarks.results_folder.versions import differences, versions
from i2i.config import stable_hash
from i2i.errors import UserError
from i2i.utils import console
from i2i.utils.atomic_write import write_text
from i2i.utils.json_documents import Document, Name, read_document
from i2i.utils.locks import held

if TYPE_CHECKING:
    from i2i.benchmarks.analysis.groups import By

SOURCES = (".py", ".html", ".css", ".js")


class Reported(Document):
    """What was written last: its key, names of the files, what the terminal shows, and what the files held."""

    key: str
    files: tuple[Name, ...]
    shown: TerminalTable
    sound: dict[str, tuple[str, int, int, int]] = Field(default_factory=dict)


def write_report(plan: Plan, errors: Mapping[JobId, str], by: "By" = "auto", alone: bool = False) -> int:
    """Write the report of what is there, print its table, and say what is missing.

    Args:
        plan: of the bench.
        errors: by job, of those that have failed or were not run in this process.
        by: how the main table averages.
        alone: nothing else was asked for, so it is written even if nothing has changed since it was last written.

    Returns:
        Exit status: 0, or 1 if a job failed, or if a report alone lacks jobs.
    """
    states = {job.id: job.result.state(job.key) for job in plan.jobs}
    missing = [job for job in plan.jobs if states[job.id] != DONE]
    failures = _failures(plan, missing, errors)
    unfinished = {
        job.id: job_records.who_runs(plan.out, job.id) or states[job.id] for job in missing if job.id not in failures
    }
    notes = differences(plan, [job for job in plan.jobs if states[job.id] == DONE])
    folder = ResultsFolder(plan.out)
    with held(folder.report_lock):
        key = _key(plan, failures, unfinished, notes, by)
        written = None if alone else _unchanged(plan.out, key)
        if written is None:
            written = _written(plan, key, failures, unfinished, notes, by)
            write_text(folder.report_record, written.model_dump_json())
    console.say(written.shown.text(str(plan.out / "table.md"), columns_of_terminal()))
    for note in notes:
        console.note(f"warning: {note}")
    status = close(plan, written.files, failures, unfinished)
    return 1 if alone and unfinished else status


def publish(plan: Plan, failures: Mapping[JobId, str]) -> int:
    """Write and print the report of what stored jobs have left, whatever was written before.

    Args:
        plan: of the bench.
        failures: by job, why it has left nothing.

    Returns:
        Exit status: 0, or 1 if a job failed.
    """
    from i2i.benchmarks.analysis.results import collect
    from i2i.benchmarks.report.write import write  # takes a second or two to import

    results = collect(plan, failures)
    published = write(plan, results)
    console.say(published.shown.text(str(plan.out / "table.md"), columns_of_terminal()))
    return close(plan, published.files, results.failures)


def close(
    plan: Plan, files: Sequence[str], failures: Mapping[JobId, str], unfinished: Mapping[JobId, str] | None = None
) -> int:
    """Print what failed or is not done, and which `files` were written.

    Returns:
        Exit status: 0, or 1 if a job failed.
    """
    for job, error in failures.items():
        console.note(f"failed: {job}: {error_line(error)}")
    if unfinished:
        console.note(f"unfinished: {len(unfinished)} of {len(plan.jobs)} jobs are not done:")
        for job, state in unfinished.items():
            console.note(f"  {job}: {state}")
    console.say(f"results in {plan.out}: {', '.join(files)}")
    return 1 if failures else 0


def _failures(plan: Plan, missing: list[Job], errors: Mapping[JobId, str]) -> dict[JobId, str]:
    """Errors of this process and those on record, and what could not run because of them."""
    found = dict(errors)
    for job in missing:
        error = job_records.failure(plan.out, job)
        if error is not None:
            found.setdefault(job.id, error)
    while more := {
        job.id: f"not run, because {cause} failed"
        for job in missing
        if job.id not in found and (cause := next((need for need in job.needs if need in found), None))
    }:
        found |= more
    return found


def _written(
    plan: Plan, key: str, failures: Mapping[JobId, str], unfinished: Mapping[JobId, str], notes: list[str], by: "By"
) -> Reported:
    """Write everything."""
    from i2i.benchmarks.analysis.results import collect
    from i2i.benchmarks.report.write import write  # takes a second or two to import

    published = write(plan, collect(plan, failures, unfinished, notes), by)
    sound: dict[str, Any] = {name: tuple(described(plan.out / name)) for name in published.files}
    return Reported(key=key, files=tuple(published.files), shown=published.shown, sound=sound)


def _unchanged(out: Path, key: str) -> Reported | None:
    """What was written last, if that had the same key and all of it is as it was written."""
    try:
        found = read_document(Reported, ResultsFolder(out).report_record, "remove it")
    except UserError:
        return None
    if found is None or found.key != key:
        return None
    fault = first_fault(out, found.sound) if found.sound else "it has no checksums"
    if fault:
        console.note(f"i2i: the report is written again, because {fault}")
        return None
    return found


def _key(plan: Plan, failures: Mapping[JobId, str], unfinished: Mapping[JobId, str], notes: list[str], by: "By") -> str:
    """Hash of all that a report is made from, the code that makes it included."""
    left = [[job.name, job.result.evidence(), job_records.read(plan.out, job.id)] for job in plan.jobs]
    texts = [{str(job): text for job, text in some.items()} for some in (failures, unfinished)]
    stated = [plan.facts.as_json(), plan.skipped, *texts, notes, by, versions(), _code()]
    return stable_hash([left, stated])


def _code() -> str:
    """Hash of the source of the bench."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parents[1].rglob("*")):
        if path.suffix in SOURCES:
            digest.update(path.read_bytes())
    return digest.hexdigest()

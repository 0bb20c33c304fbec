"""A training from what was asked for to its end, for the command and for the function."""

import torch

from i2i.api.train_cases import Options, Ready, case_of
from i2i.data.audit import quick_check, skip_bad
from i2i.distributed.process_group import Processes
from i2i.tracking.callback import Tracked
from i2i.training.callbacks.base import Callback
from i2i.training.callbacks.progress_line import ProgressLine
from i2i.training.describe import counted, describe, describe_fit
from i2i.training.device import emulation_notice, precision_text, resolved
from i2i.training.run import TrainingRun, refuse_unlike_settings, train_run
from i2i.training.trainer import Trainer
from i2i.utils import console


def training_of(
    options: Options, device: torch.device, processes: Processes, dry_run: bool = False
) -> tuple[Ready, TrainingRun]:
    """The training that options ask for, checked; UserError as `case_of`, or if processes were started unlike."""
    ready = case_of(options).ready()
    run = TrainingRun(
        ready.folder,
        resolved(ready.config, device),
        ready.task,
        ready.data,
        device,
        ready.start,
        processes,
        options.accept_data,
    )
    facts = {"--resume": options.resume is not None, "--dry-run": dry_run, "--accept-data": options.accept_data}
    refuse_unlike_settings(run, facts)
    if ready.note:
        console.note(ready.note)
    return ready, run


def train_to_the_end(ready: Ready, run: TrainingRun, trackers: tuple[str, ...]) -> None:
    """Train, telling what is trained and how far it is."""
    if not ready.resumed:
        run.processes.once(lambda: _warn(run, ready))
    _announce(run)

    def callbacks(trainer: Trainer) -> tuple[Callback, ...]:
        uncached = trainer.images.decoded_when_drawn
        if uncached:
            console.note(
                f"{uncached} images have no place in the cache and are decoded whenever they are shown: "
                "a larger --cache-gib may be faster",
            )
        if trainer.position.step:
            console.note(f"resuming at step {trainer.position.step} of {trainer.position.steps}")
        return (line, tracked.begun(run.config.settings()))

    tracked = Tracked(run.folder, trackers, run.folder.name, None, console.note)
    with ProgressLine(run.config.name) as line, tracked:
        train_run(run, callbacks, line.on_loading, when_held=ready.begin)


def _warn(run: TrainingRun, ready: Ready) -> None:
    """Tell what is left out, and what a quick look at the data finds."""
    lines = skip_bad.lines(ready.skipped, run.data.root) if ready.skipped else []
    lines += quick_check.warnings(run.data, run.config.data)
    for line in lines:
        console.note(f"warning: {line}" if not line.startswith(" ") else line)


def _announce(run: TrainingRun) -> None:
    together = f"by {counted(run.processes.count)}, the first " if run.processes.count > 1 else ""
    console.note(f"{describe(run.config, run.task)}\ndata: {run.data.recognized}")
    precision = precision_text(run.config.train.precision, run.device)
    console.note(
        f"{describe_fit(run.config, run.task, run.data)}\n{together}on {run.device}, {precision}, into {run.folder}"
    )
    emulated = emulation_notice(run.config.train.precision, run.device)
    if emulated:
        console.note(f"i2i: {emulated}")

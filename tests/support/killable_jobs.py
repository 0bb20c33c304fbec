"""The bench's workers, but the first one with a checkpoint to go on from is killed in mid-training."""

import os
import signal

from i2i.benchmarks.execution.job_runner import Runner
from i2i.runs.folder import newest_checkpoint


class KillableRunner(Runner):
    def __call__(self, job, report):
        if job.stage == "train":
            self._train(job, report)
        else:
            super().__call__(job, report)

    def _train(self, job, report):
        results, run = self.bench, job.run

        def report_or_die(text):
            report(text)
            reached = newest_checkpoint(run)
            if reached is None:
                return
            try:
                (results / "killed").open("x").write(f"{run} {reached.position.step}")
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

        if (results / "killed").exists() and (results / "killed").read_text().startswith(f"{run} "):
            (results / "resumed").write_text(f"{run} {newest_checkpoint(run).position.step}")
        super().__call__(job, report_or_die)

"""A bench that is told to stop ends in one line with the conventional status, and goes on later."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from i2i.benchmarks.execution import local_executor
from i2i.benchmarks.execution.interrupts import Stopped, stoppable
from i2i.benchmarks.execution.local_executor import LocalExecutor
from tests.support.in_process import SETTINGS
from tests.support.job_functions import SaveBeforeTheEnd, Sleep, named
from tests.support.job_functions import run as run_plainly
from tests.support.preloaded import Preloaded

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_signal_becomes_one_error_with_its_status(number, status):
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match="go on with: i2i bench --out somewhere") as stopped, stoppable(Path("somewhere")):
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert stopped.value.status == status
    assert "\n" not in str(stopped.value)
    assert signal.getsignal(number) == before


def test_before_the_work_the_same_command_is_named():
    with pytest.raises(Stopped, match="run the same command again"), stoppable(None):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable(Path("somewhere")):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.slow
def test_a_worker_takes_nothing_from_the_keyboard_and_ends_when_it_is_told(tmp_path, capfd):
    executor = LocalExecutor(run_plainly, [None], 1)
    executor.start(Sleep(id=named("sleeping"), path=tmp_path / "pid"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        executor.events()
    pid = int((tmp_path / "pid").read_text())
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    time.sleep(0.2)
    os.kill(pid, 0)  # it lives
    executor.stop()
    assert executor._idle[0]._process.exitcode == -signal.SIGTERM
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_worker_whose_job_saves_its_work_first_ends_with_the_job(tmp_path, monkeypatch):
    monkeypatch.setattr(local_executor, "SECONDS_TO_STOP", 10.0)
    executor, path = LocalExecutor(run_plainly, [None], 1), tmp_path / "work"
    executor.start(SaveBeforeTheEnd(id=named("saving"), path=path))
    while not path.exists():
        executor.events()
    executor.stop()
    assert path.read_text() == "saved"
    assert executor._idle[0]._process.exitcode == 0  # it was not killed in the end


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), SIGNALS.items())
def test_a_bench_in_mid_training_ends_in_a_line_with_a_checkpoint_and_goes_on(tmp_path, number, status):
    """As the terminal does it: the signal goes to all processes."""
    out = tmp_path / "bench"
    arguments = ["--set=train.checkpoint_every=100000", "--set=train.log_every=1", "--budget=images=40000"]
    arguments = [*SETTINGS, *arguments, "--workers=1", "--no-trial", "--only=train"]
    command = ["-m", "i2i", "bench", "--out", out, *arguments]
    process = Preloaded(command, env=os.environ, cwd=tmp_path, start_new_session=True)
    log = out / "trainings/stargan/seed0/all/metrics.jsonl"
    while not (log.is_file() and len(log.read_text().splitlines()) > 1):
        assert process.poll() is None, process.said()
        time.sleep(0.05)
    os.killpg(process.pid, number)
    assert process.wait(60) == status
    said = process.said()
    assert "Traceback" not in said
    last = said.strip().splitlines()[-1]
    assert re.fullmatch(rf"i2i: stopped by {signal.Signals(number).name}; .*go on with: i2i bench --out {out}", last)
    assert list(out.glob("trainings/stargan/seed0/all/checkpoints/[0-9]*"))

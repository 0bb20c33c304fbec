"""A bench that goes on: what is done is not done again, what is interrupted resumes, and two benches share the work."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from i2i.benchmarks.execution import scheduler
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.planning import keys
from i2i.benchmarks.report import write
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.versions import versions
from i2i.data.image_files import file_index
from i2i.data.layouts.image_folder import is_image
from tests.bench.test_bench import SETTINGS, cache, rows_of  # noqa: F401
from tests.support.in_process import bench, command
from tests.support.preloaded import Preloaded

pytestmark = pytest.mark.slow

ONE_WAY = ["--models", "stargan", "--directions", "summer2winter"]


def started(folder, *arguments):
    """A real process that runs `i2i bench`; its workers have one thread each, as the benches in this process."""
    return Preloaded(["-m", "i2i", "bench", *arguments], env=os.environ, cwd=folder)


def printed(capsys, *arguments):
    """What `i2i bench --dry-run` prints."""
    capsys.readouterr()
    command("bench", *arguments, "--dry-run")
    return capsys.readouterr().out


def records(out):
    return {(found := json.loads(path.read_text()))["job"]: found for path in (out / "status").glob("*.*.json")}


def written(out):
    """When each record was."""
    return {name: ResultsFolder(out).record(JobId.parse(name)).stat().st_mtime_ns for name in records(out)}


def times(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, cache):  # noqa: F811
    out = tmp_path_factory.mktemp("finished") / "bench"
    assert bench(out, *SETTINGS, *ONE_WAY) == 0
    return out


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the finished bench that a test may change."""
    return shutil.copytree(finished, tmp_path / "bench", copy_function=shutil.copy2)


def test_a_finished_bench_goes_on_by_its_plan_and_does_nothing(finished, monkeypatch, capsys):
    work = {"jobs": 0, "decoded": 0, "hashed": 0, "reports": 0}

    def counted(name, function, counts=lambda *arguments: True):
        def call(*arguments):
            work[name] += counts(*arguments)
            return function(*arguments)

        return call

    monkeypatch.setattr(scheduler, "run_jobs", counted("jobs", scheduler.run_jobs))
    monkeypatch.setattr(file_index, "decode_once", counted("decoded", file_index.decode_once))
    monkeypatch.setattr(Path, "read_bytes", counted("hashed", Path.read_bytes, is_image))
    monkeypatch.setattr(write, "write", counted("reports", write.write))
    before = times(finished)
    assert bench(finished) == 0
    assert work == {"jobs": 0, "decoded": 0, "hashed": 0, "reports": 0}
    assert times(finished) == before
    said = capsys.readouterr().out
    assert "stargan" in said
    assert "table.md" in said


def test_an_image_that_has_changed_is_read_again(tmp_path):
    from PIL import Image

    from i2i.data.layouts import ImageFile
    from i2i.errors import UserError

    path, saved = tmp_path / "image.png", tmp_path / "index.json"
    Image.new("RGB", (8, 8), "red").save(path)
    first = file_index.FileIndex()
    first.check_readable([ImageFile(path)])
    digest = first.sha256(path)
    first.save(saved)
    again = file_index.FileIndex.load(saved)
    again.check_readable([ImageFile(path)])
    assert (again.sha256(path), again.reads) == (digest, 0)
    path.write_bytes(b"no image any more")
    changed = file_index.FileIndex.load(saved)
    with pytest.raises(UserError, match=r"image\.png cannot be read"):
        changed.check_readable([ImageFile(path)])
    assert changed.sha256(path) != digest


def test_another_seed_is_trained_and_nothing_else(copied):
    before = records(copied)
    assert bench(copied, "--seeds", "0,1") == 0
    after = records(copied)
    assert {name: after[name] for name in before} == before
    assert {name for name in after.keys() - before.keys() if name.startswith("stargan/")} == {"stargan/seed1/all"}
    rows = rows_of(copied)
    assert {row["seed"] for row in rows if row["model"] == "stargan"} == {"0", "1"}
    assert {(row["source"], row["target"]) for row in rows if row["model"] == "stargan"} == {("summer", "winter")}


def test_forcing_a_method_makes_its_work_again_and_no_other(copied):
    before, rows = written(copied), rows_of(copied)
    assert bench(copied, "--force", "stargan") == 0
    after = written(copied)
    assert {name for name in before if after[name] != before[name]} == {
        "stargan/seed0/all",
        "translations of stargan, seed 0",
        "scores of stargan, seed 0",
    }
    assert rows_of(copied) == rows


def test_forcing_somebody_unknown_is_refused(finished, capsys):
    assert bench(finished, "--force", "stargun") == 2
    assert "unknown method 'stargun'; did you mean 'stargan'" in capsys.readouterr().err


def test_stages_run_by_themselves_and_an_unfinished_bench_is_reported_as_such(tmp_path, cache, capsys):  # noqa: F811
    out = tmp_path / "bench"
    assert bench(out, *SETTINGS, *ONE_WAY, "--only", "train") == 0
    assert not (out / "table.md").exists()
    assert not (out / "translations").exists()
    assert bench(out, "--collect") == 1
    assert "unfinished: 8 of 11 jobs are not done" in capsys.readouterr().err
    table = (out / "table.md").read_text()
    assert "UNFINISHED: 8 of 11 jobs are not done" in table
    assert "- scores of stargan, seed 0: to do" in table
    assert "| stargan | 1 |" in table  # of its costs
    states = printed(capsys, "--out", out)
    assert "stargan/seed0/all  (48 images): done" in states
    assert "translations of stargan, seed 0: to do" in states
    assert bench(out, "--only", "translate,classifier,score,report") == 0
    assert "UNFINISHED" not in (out / "table.md").read_text()
    assert len(rows_of(out)) > 0


def test_a_finished_bench_is_collected_with_status_0(copied):
    assert bench(copied, "--collect") == 0


@pytest.mark.parametrize("asked", [["--collect"], ["--only", "report"]])
def test_nothing_is_collected_or_made_where_no_bench_has_begun(tmp_path, asked, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for out in ([], ["--out", "nothing"], ["--out", str(tmp_path / "empty")]):
        assert command("bench", *out, *asked) == 2
        said = capsys.readouterr().err
        assert f"holds no bench, and none is begun with {' '.join(asked)}: name the folder of one with --out" in said
    assert not list((tmp_path / "empty").iterdir())


def test_a_failure_stays_on_record_and_in_a_later_report(tmp_path, cache, capsys):  # noqa: F811
    out = tmp_path / "bench"
    assert bench(out, *SETTINGS, *ONE_WAY, "--set", "stargan.learning_rate=1e30") == 1
    (record,) = [found for found in records(out).values() if found["state"] == "failed"]
    assert record["job"] == "stargan/seed0/all"
    assert "was not finite" in record["error"]
    capsys.readouterr()
    assert bench(out, "--collect") == 1
    assert "failed: stargan/seed0/all: " in capsys.readouterr().err
    table = (out / "table.md").read_text()
    assert "- scores of stargan, seed 0: not run, because translations of stargan, seed 0 failed" in table


def test_scores_of_another_version_are_never_mixed_in(copied, monkeypatch, capsys):
    monkeypatch.setattr(keys, "SCORING_VERSION", keys.SCORING_VERSION + 1)
    assert bench(copied, "--collect") == 1
    assert rows_of(copied) == []
    assert "scores of real images: to do" in capsys.readouterr().err


def test_a_plan_of_a_later_version_is_refused(copied, capsys):
    plan = json.loads((copied / "plan.json").read_text())
    (copied / "plan.json").write_text(json.dumps({**plan, "format": 99, "i2i": "99.0"}))
    for settings in ([], ["--suite", "seasons", *SETTINGS]):
        assert bench(copied, *settings) == 2
        assert "was written by i2i 99.0" in capsys.readouterr().err


def test_a_plan_with_the_words_of_an_earlier_version_is_refused_and_without_it_no_training_is_lost(copied, capsys):
    plan = json.loads((copied / "plan.json").read_text())
    (copied / "plan.json").write_text(json.dumps({**plan, "format": 1}))
    for arguments in (["bench", "--out", copied, *SETTINGS], ["report", copied]):
        assert command(*arguments) == 2
        said = capsys.readouterr().err
        assert "plan.json was written by an earlier i2i" in said
        assert "remove it and give the settings of the bench again" in " ".join(said.split())
    trained = {path: stamp for path, stamp in times(copied / "trainings").items() if "checkpoints" in path.parts}
    (copied / "plan.json").unlink()
    assert bench(copied, *SETTINGS, *ONE_WAY) == 0
    assert trained.items() <= times(copied / "trainings").items()


def test_results_that_other_versions_made_are_named(copied, capsys):
    path = ResultsFolder(copied).record(JobId("score", "stargan", 0))
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "versions": {**versions(), "torch": "1.0"}}))
    assert bench(copied) == 0
    note = f"torch 1.0 made 1 of 11 results (scores of stargan, seed 0); here is {versions()['torch']}"
    assert f"warning: {note}" in capsys.readouterr().err
    assert f"- {note}" in (copied / "table.md").read_text()


LONG = ["--set=budget.images=960", "--set=train.checkpoint_every=6", "--set=train.log_every=5"]


def test_a_killed_bench_resumes_its_training_and_ends_like_an_undisturbed_one(tmp_path, cache, capsys):  # noqa: F811
    out, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    arguments = [*SETTINGS, *LONG, *ONE_WAY]
    process = started(tmp_path, "--out", out, *arguments)
    checkpoints = out / "trainings" / "stargan" / "seed0" / "all" / "checkpoints"
    while not list(checkpoints.glob("[0-9]*")):
        assert process.poll() is None, process.said()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while "running on" in (states := printed(capsys, "--out", out)):
        time.sleep(0.5)  # a worker ends by itself when it finds nobody to report to
    assert "(960 images): resumable at step" in states
    assert bench(out) == 0
    assert bench(undisturbed, *arguments) == 0
    assert rows_of(out) == rows_of(undisturbed)


def test_two_benches_at_once_share_the_work_and_both_end_well(tmp_path, cache):  # noqa: F811
    out = tmp_path / "bench"
    arguments = [*SETTINGS, *ONE_WAY]
    pair = [started(tmp_path, "--out", out, *arguments) for _ in range(2)]
    said = [process.communicate(timeout=600)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    assert {record["state"] for record in records(out).values()} == {"done"}
    assert {job for job, record in records(out).items()} == {
        job["name"] for job in json.loads((out / "plan.json").read_text())["jobs"]
    }
    assert all("FAILED" not in printed for printed in said)
    alone = tmp_path / "alone"
    assert bench(alone, *arguments) == 0
    assert rows_of(out) == rows_of(alone)

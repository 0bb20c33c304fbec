"""Jobs as workers run them: alone, on record, and with a full disk told in a line."""

import errno
import json
import os

import pytest

from i2i.benchmarks import bench
from i2i.benchmarks.execution import job_runner, jobs
from i2i.benchmarks.folder import cache_keys, job_records
from i2i.benchmarks.job_id import CLASSIFIER, JobId
from i2i.benchmarks.plan import Job
from i2i.errors import UserError
from i2i.utils import locks

A_JOB = JobId("translate", "a", 0)


def write(report, out, key, device):
    out.mkdir(parents=True)
    cache_keys.write_key(out, key)


def fill_disk(report, out, key, device):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run(tmp_path, monkeypatch, function, key="one"):
    monkeypatch.setattr(jobs, "translate", function)
    arguments = {"out": tmp_path / "out", "key": key, "device": "cpu"}
    job_runner.translate(lambda text: None, bench=tmp_path, job=A_JOB, **arguments)


def test_a_job_is_on_record_and_not_run_twice(tmp_path, monkeypatch):
    run(tmp_path, monkeypatch, write)
    record = job_records.read(tmp_path, A_JOB)
    assert (record["state"], record["key"], record["pid"]) == ("done", "one", os.getpid())
    run(tmp_path, monkeypatch, write)  # would fail, because the folder is there
    assert job_records.read(tmp_path, A_JOB) == record


def test_a_job_that_another_process_has_is_refused(tmp_path, monkeypatch):
    with locks.held(job_records.lock_path(tmp_path, A_JOB)), pytest.raises(UserError, match=job_runner.BUSY):
        run(tmp_path, monkeypatch, write)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_in_a_line_and_leaves_earlier_results_alone(tmp_path, monkeypatch):
    cache_keys.write_key(tmp_path / "earlier", "key")
    with pytest.raises(UserError, match=r"the disk of .* is full") as raised:
        run(tmp_path, monkeypatch, fill_disk)
    assert "\n" not in str(raised.value)
    assert cache_keys.Place.of_folder(tmp_path / "earlier").state("key") == cache_keys.DONE
    run(tmp_path, monkeypatch, write)
    assert job_records.read(tmp_path, A_JOB)["state"] == "done"


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    assert not job_runner.is_disk_full(RuntimeError("cannot write"), tmp_path)
    assert not job_runner.is_disk_full(PermissionError(errno.EACCES, "no"), tmp_path)


def test_a_failure_is_on_record_for_the_key_that_failed(tmp_path):
    job = Job(A_JOB, "translate", {"key": "one"})
    job_records.failed(tmp_path, job, "an error")
    assert job_records.failure(tmp_path, job) == "an error"
    assert job_records.failure(tmp_path, Job(A_JOB, "translate", {"key": "two"})) is None


def test_a_result_is_done_by_its_key_alone(tmp_path):
    folder = Job(JobId("translate", "a", 0), "translate", {"out": tmp_path / "folder", "key": "one"})
    file = Job(JobId("score", "a", 0), "score", {"out": tmp_path / "file.json", "key": "one"})
    weights = Job(CLASSIFIER, "classifier", {"path": tmp_path / "classifier" / "weights", "key": "one"})
    every = (folder, file, weights)
    assert [cache_keys.state_of(job) for job in every] == [cache_keys.TO_DO] * 3
    cache_keys.write_key(tmp_path / "folder", "one")
    (tmp_path / "file.json").write_text(json.dumps({"key": "one", "rows": []}))
    (tmp_path / "classifier").mkdir()
    (tmp_path / "classifier" / "weights").touch()
    assert [cache_keys.state_of(job) for job in every] == [cache_keys.DONE, cache_keys.DONE, cache_keys.TO_DO]
    cache_keys.write_key(tmp_path / "classifier", "one", [tmp_path / "classifier" / "weights"])
    assert cache_keys.state_of(weights) == cache_keys.DONE
    for job in every:
        cache_keys.forget(job)
        assert cache_keys.state_of(job) == cache_keys.TO_DO
    assert cache_keys.state_of(Job(A_JOB, "other", {})) == cache_keys.TO_DO


def test_jobs_with_names_that_files_cannot_have_have_records_of_their_own(tmp_path):
    names = [JobId("score", name, 0) for name in ("a/b", "a b", "a-b", "été", "étè", "x" * 300)]
    paths = {job_records.record_path(tmp_path, name) for name in names}
    assert len(paths) == len(names)
    for name in names:
        job_records.failed(tmp_path, Job(name, "score", {}), "error")
        assert job_records.read(tmp_path, name)["job"] == str(name)


def test_stages_are_named_in_any_order():
    assert bench.parse_stages("report, score") == ("score", "report")
    for text in ("scores", "", ","):
        with pytest.raises(UserError, match="unknown stage"):
            bench.parse_stages(text)

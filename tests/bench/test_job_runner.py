"""Jobs as workers run them: alone, on record, and with a full disk told in a line."""

import errno
import json
import os
from dataclasses import dataclass

import pytest

from i2i.benchmarks import bench
from i2i.benchmarks.evaluation.scorer import Scoring
from i2i.benchmarks.execution import job_runner
from i2i.benchmarks.job_id import CLASSIFIER, REAL_SCORES, JobId
from i2i.benchmarks.jobs.classifier import TrainClassifier
from i2i.benchmarks.jobs.copy_external import CopyExternal
from i2i.benchmarks.jobs.score import ScoreReal
from i2i.benchmarks.results_folder import job_records, staleness
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import DataConfig
from i2i.errors import UserError
from i2i.utils import locks
from tests.support.job_functions import Nothing

A_JOB = JobId("translate", "a", 0)


@dataclass(frozen=True, kw_only=True)
class Write(Nothing):
    def perform(self, report, device):
        self.path.mkdir(parents=True)
        staleness.write_key(self.path, self.key)


@dataclass(frozen=True, kw_only=True)
class FillDisk(Nothing):
    def perform(self, report, device):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def run(tmp_path, kind=Write):
    job_runner.Runner(tmp_path, "cpu")(kind(id=A_JOB, key="one", path=tmp_path / "out"), lambda text: None)


def test_a_job_is_on_record_and_not_run_twice(tmp_path):
    run(tmp_path)
    record = job_records.read(tmp_path, A_JOB)
    assert (record["state"], record["key"], record["pid"]) == ("done", "one", os.getpid())
    run(tmp_path)  # would fail, because the folder is there
    assert job_records.read(tmp_path, A_JOB) == record


def test_a_job_that_another_process_has_is_refused(tmp_path):
    with locks.held(ResultsFolder(tmp_path).lock(A_JOB)), pytest.raises(UserError, match=job_runner.BUSY):
        run(tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_in_a_line_and_leaves_earlier_results_alone(tmp_path):
    staleness.write_key(tmp_path / "earlier", "key")
    with pytest.raises(UserError, match=r"the disk of .* is full") as raised:
        run(tmp_path, FillDisk)
    assert "\n" not in str(raised.value)
    assert staleness.StoredResult.of_folder(tmp_path / "earlier").state("key") == staleness.DONE
    run(tmp_path)
    assert job_records.read(tmp_path, A_JOB)["state"] == "done"


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    assert not job_runner.is_disk_full(RuntimeError("cannot write"), tmp_path)
    assert not job_runner.is_disk_full(PermissionError(errno.EACCES, "no"), tmp_path)


def test_a_failure_is_on_record_for_the_key_that_failed(tmp_path):
    job = Nothing(id=A_JOB, key="one")
    job_records.failed(tmp_path, job, "an error")
    assert job_records.failure(tmp_path, job) == "an error"
    assert job_records.failure(tmp_path, Nothing(id=A_JOB, key="two")) is None


def test_a_result_is_done_by_its_key_alone(tmp_path):
    scoring = Scoring(DataConfig(), tmp_path / "classifier" / "weights")
    folder = CopyExternal(id=A_JOB, key="one", out=tmp_path / "folder", files={}, stems=None, data=scoring.data)
    file = ScoreReal(id=REAL_SCORES, key="one", out=tmp_path / "file.json", scoring=scoring)
    options = ClassifierConfig()
    weights = TrainClassifier(id=CLASSIFIER, key="one", path=scoring.classifier, data=scoring.data, options=options)
    every = (folder, file, weights)
    assert [job.result.state(job.key) for job in every] == [staleness.TO_DO] * 3
    staleness.write_key(tmp_path / "folder", "one")
    (tmp_path / "file.json").write_text(json.dumps({"key": "one", "rows": []}))
    (tmp_path / "classifier").mkdir()
    (tmp_path / "classifier" / "weights").touch()
    assert [job.result.state(job.key) for job in every] == [staleness.DONE, staleness.DONE, staleness.TO_DO]
    staleness.write_key(tmp_path / "classifier", "one", [tmp_path / "classifier" / "weights"])
    assert weights.result.state(weights.key) == staleness.DONE
    for job in every:
        job.result.clear()
        assert job.result.state(job.key) == staleness.TO_DO


def test_jobs_with_names_that_files_cannot_have_have_records_of_their_own(tmp_path):
    names = [JobId("score", name, 0) for name in ("a/b", "a b", "a-b", "été", "étè", "x" * 300)]
    paths = {ResultsFolder(tmp_path).record(name) for name in names}
    assert len(paths) == len(names)
    for name in names:
        job_records.failed(tmp_path, Nothing(id=name), "error")
        assert job_records.read(tmp_path, name)["job"] == str(name)


def test_stages_are_named_in_any_order():
    assert bench.parse_stages("report, score") == ("score", "report")
    for text in ("scores", "", ","):
        with pytest.raises(UserError, match="unknown stage"):
            bench.parse_stages(text)

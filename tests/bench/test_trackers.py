"""Trackers are told the training runs of a bench, as a group, and its scores."""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from i2i.benchmarks.jobs.train import Train
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report import trackers
from i2i.benchmarks.suite.overrides import load_suite
from i2i.tracking.process import TrackerProcess

ECHO = (sys.executable, "-c", "import sys; print(sys.stdin.read(), end='')")
SCORES = """dataset,model,seed,source,target,metric,value,n
sky,cyclegan,0,dawn,dusk,psnr,20.0,4
sky,cyclegan,1,dawn,dusk,psnr,22.0,4
sky,cyclegan,0,dusk,dawn,psnr,30.0,4
sky,real,0,dusk,dawn,FID,nan,4
"""


def test_scores_are_means_by_method_and_by_direction(tmp_path):
    (tmp_path / "results.csv").write_text(SCORES)
    assert trackers.scores(tmp_path / "results.csv") == {
        "cyclegan/psnr": 24.0,
        "cyclegan/dawn to dusk/psnr": 21.0,
        "cyclegan/dusk to dawn/psnr": 30.0,
    }


def test_training_runs_are_a_group_and_keep_their_keys(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    suite = load_suite("seasons", "stargan", {"scenes": 4, "test_scenes": 2, "image_size": 32}, [])
    plan = prepare(suite, Path("mine"))
    changed = trackers.with_trackers(plan, ("mlflow",))
    runs = [job for job in changed.jobs if isinstance(job, Train)]
    assert {job.method: (job.trackers, job.bench) for job in runs if job.trackers} == {"stargan": (("mlflow",), "mine")}
    assert {job.method for job in runs} == {"stargan", "identity", "reinhard"}
    assert changed.recorded() == plan.recorded()
    monkeypatch.setattr(trackers, "TrackerProcess", partial(TrackerProcess, command=ECHO))
    there = replace(plan, out=tmp_path)
    trackers.send_scores(there, ["mlflow"])
    assert not (tmp_path / "tracking").exists(), "there are no scores yet"
    (tmp_path / "results.csv").write_text(SCORES)
    trackers.send_scores(there, ["mlflow"])
    told = (tmp_path / "tracking" / "mlflow.log").read_text()
    assert '"cyclegan/dawn to dusk/psnr": 21.0' in told
    assert '"settings.data.image_size"' in told

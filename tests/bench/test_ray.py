"""Jobs on a Ray cluster of two nodes: the same results as here, whatever becomes of a worker."""

import json
import sys

import pytest

pytest.importorskip("ray", reason="Ray is not installed: pip install 'i2i[ray]'")

from ray.cluster_utils import Cluster

from i2i import cli
from i2i.benchmarks.execution import executors, ray_executor
from i2i.benchmarks.execution.ray_executor import RayExecutor
from i2i.benchmarks.execution.scheduler import run_jobs
from i2i.errors import UserError
from tests.bench.test_bench import SMALL
from tests.bench.test_local_executor import Listener, named_outcome
from tests.support.job_functions import BeKilledOnce, Crash, Die, Meet, Refuse, Write, by_name, named
from tests.support.job_functions import run as run_plainly
from tests.support.killable_jobs import KillableRunner

pytestmark = pytest.mark.slow

NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500}  # by default Ray misses a node late


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # 15 by default, which takes minutes on a busy machine
        patch.setenv("I2I_CACHE", str(tmp_path_factory.mktemp("cache")))
        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "_system_config": HEALTH})
        try:
            cluster.add_node(**NODE)
            yield cluster
        finally:
            cluster.shutdown()


def run(cluster, folder, jobs, listener=None):
    listener = listener or Listener()
    executor = RayExecutor(run_plainly, folder, address=cluster.address)
    return named_outcome(run_jobs(jobs, executor, listener)), listener


@pytest.fixture(scope="module")
def outcome(cluster, tmp_path_factory):
    """One run of jobs of every kind: good ones that need each other's company, failing ones and a hopeless one."""
    folder = tmp_path_factory.mktemp("jobs")
    jobs = [
        Meet(id=named("one"), path=folder / "one", other=folder / "two", weight=9),
        Meet(id=named("two"), path=folder / "two", other=folder / "one", weight=9),
        Refuse(id=named("refused")),
        Crash(id=named("crashed")),
        Die(id=named("died"), path=folder / "died"),
        BeKilledOnce(id=named("killed once"), path=folder / "killed once"),
        Write(id=named("hopeless"), path=folder / "hopeless", needs=(named("refused"),)),
    ]
    return *run(cluster, folder, jobs), folder


def test_jobs_run_on_both_nodes_at_once(outcome):
    result, listener, folder = outcome
    assert not {"one", "two"} & result.errors.keys()
    assert (folder / "one").read_text() != (folder / "two").read_text()
    assert set(listener.order[:2]) == {"one", "two"}


def test_failures_are_told_as_by_worker_processes(outcome):
    result, listener, _ = outcome
    assert result.errors["refused"] == "there is no such thing"
    assert "RuntimeError: an unforeseen thing" in result.errors["crashed"]
    assert result.not_run == {"hopeless": "not run, because scores of refused, seed 0 failed"}
    assert listener.errors == result.errors | result.not_run


def test_a_lost_worker_is_told_and_its_job_starts_again_but_not_for_ever(outcome):
    result, listener, folder = outcome
    lost = "its Ray worker died (out of memory, or killed)"
    assert listener.losses["killed once"] == [f"{lost}; it starts again (1 of 2 retries)"]
    assert len((folder / "killed once").read_text().split()) == 2
    assert result.errors["died"] == f"{lost}, each of 3 times that it was started"
    assert len((folder / "died").read_text().split()) == 3


def test_a_job_whose_node_goes_starts_again_on_another(cluster, tmp_path):
    third = cluster.add_node(**NODE)
    names, go = ("one", "two", "three"), tmp_path / "go"

    class Saboteur(Listener):
        def started(self, job):
            super().started(job)
            if len(self.order) == len(names):
                cluster.remove_node(third, allow_graceful=False)
                go.touch()

    saboteur = Saboteur()
    jobs = [Meet(id=named(name), path=tmp_path / name, other=go) for name in names]
    result, _ = run(cluster, tmp_path, jobs, saboteur)
    assert not result.errors
    (lost,) = saboteur.losses.values()
    assert lost == ["its machine left the Ray cluster; it starts again (1 of 2 retries)"]


def test_a_node_that_leaves_while_the_bench_looks_at_it_is_left_out(cluster, tmp_path, monkeypatch):
    leaving, alive = [cluster.add_node(**NODE)], ray_executor._alive

    def listed():
        nodes = alive()
        if leaving:
            cluster.remove_node(leaving.pop(), allow_graceful=False)
        return nodes

    monkeypatch.setattr(ray_executor, "_alive", listed)
    result, _ = run(cluster, tmp_path, [Write(id=named("write"), path=tmp_path / "written")])
    assert not result.errors
    assert (tmp_path / "written").exists()


def bench(out, *arguments):
    settings = [f"--set={setting}" for setting in (*SMALL, "train.checkpoint_every=1", "train.log_every=1")]
    models = ["--models", "pix2pix,stargan", "--directions", "summer2winter"]
    sys.argv = ["i2i", "bench", "--out", str(out), *models, *settings, *arguments]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 0


def contents(out):
    """Scores, keys, weights and translations, by their place in the results folder."""
    keys = {path: json.loads(path.read_text())["key"] for path in out.rglob("key.json")}
    files = {path: path.read_bytes() for kind in ("*.safetensors", "*/*.png") for path in out.rglob(kind)}
    found = {**keys, **files, out / "results.csv": (out / "results.csv").read_bytes()}
    return {str(path.relative_to(out)): content for path, content in found.items()}


def test_a_bench_on_two_nodes_that_loses_a_worker_has_the_keys_and_the_bits_of_a_local_one(
    cluster, tmp_path, monkeypatch, capfd
):
    bench(tmp_path / "local", "--device", "cpu")
    monkeypatch.setattr(executors, "Runner", KillableRunner)
    out = tmp_path / "ray"
    bench(out, "--device", "cpu", "--executor", "ray", "--ray-address", cluster.address)
    killed, resumed = ((out / name).read_text().split() for name in ("killed", "resumed"))
    assert killed == resumed
    assert int(killed[1]) > 0
    assert "its Ray worker died (out of memory, or killed); it starts again" in capfd.readouterr().err
    local, on_ray = contents(tmp_path / "local"), contents(out)
    assert sum(name.endswith(".png") for name in local) >= 12
    assert sum(name.endswith(".safetensors") for name in local) > 3
    assert on_ray == local
    assert not list(out.glob(".seen-by-ray-*"))


def test_a_node_that_does_not_see_the_results_folder_is_refused(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_executor.Path, "touch", lambda path: None)
    with pytest.raises(UserError, match=r"does not see the results folder .*: choose one with --out that all machines"):
        RayExecutor(run_plainly, tmp_path, address=cluster.address)


def test_a_job_does_not_start_where_the_results_folder_is_missing(cluster, tmp_path):
    class Hider(RayExecutor):
        def start(self, job):
            self._token.unlink()
            super().start(job)

    executor = Hider("tests.support.job_functions", tmp_path, address=cluster.address)
    result = run_jobs([Write(id=named("write"), path=tmp_path / "written")], executor, Listener())
    assert "does not see the results folder" in by_name(result.errors)["write"]
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"gpus_per_job": 0.5}, "no machine of the Ray cluster has 0.5 GPU for a job"),
        ({"device": "cuda"}, "no machine of the Ray cluster has 1 GPU for a job"),
        ({"device": "cuda:1"}, "--device cuda:1: Ray chooses the GPU of each job"),
        ({"device": "cpu", "gpus_per_job": 1.0}, "--device cpu and --gpus-per-job contradict each other"),
    ],
)
def test_what_the_cluster_cannot_give_is_refused(cluster, tmp_path, options, complaint):
    with pytest.raises(UserError, match=complaint):
        RayExecutor(run_plainly, tmp_path, address=cluster.address, **options)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:many"])
def test_an_address_where_there_is_no_cluster_is_named(tmp_path, address):
    with pytest.raises(UserError, match=f"--ray-address {address} cannot be reached"):
        RayExecutor(run_plainly, tmp_path, address=address)


@pytest.mark.parametrize(
    ("cpus", "gpus", "workers", "share", "threads"),
    [(8, 0, None, 0, 1), (8, 0, 2, 0, 4), (16, 2, None, 1, 8), (16, 2, None, 0.5, 4), (2, 0, 5, 0, 1), (8, 4, 2, 1, 4)],
)
def test_threads_are_the_cpus_by_the_jobs_on_a_machine(cpus, gpus, workers, share, threads):
    assert ray_executor._threads({"CPU": cpus, "GPU": gpus}, workers, share) == threads

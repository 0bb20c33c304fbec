"""Jobs as tasks of a Ray cluster. Imported only when Ray is asked for.

Ray places the tasks: each takes as many CPUs as it has threads, and its share of a GPU. Ray itself retries nothing,
so that the schedule counts lost workers here as everywhere. What a job says on the way goes through an actor.
"""

import os
import pickle
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import ray
from ray.exceptions import LocalRayletDiedError, NodeDiedError, OutOfMemoryError, RayError, WorkerCrashedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from i2i._version import __version__
from i2i.benchmarks.execution.local_executor import SECONDS_TO_STOP, Perform, cores, perform
from i2i.benchmarks.execution.scheduler import Event
from i2i.benchmarks.job import Job
from i2i.benchmarks.job_id import JobId
from i2i.errors import UserError

OBJECT_STORE = 100_000_000  # bytes; jobs exchange files, so there is next to nothing in it
SECONDS_TO_CONNECT = 10
SECONDS_TO_ANSWER = 300
LOST = {
    OutOfMemoryError: "Ray ended it, because its machine ran out of memory",
    NodeDiedError: "its machine left the Ray cluster",
    LocalRayletDiedError: "its machine left the Ray cluster",
    WorkerCrashedError: "its Ray worker died (out of memory, or killed)",
}


@dataclass(frozen=True)
class Node:
    """A machine of the cluster, with its CPUs and GPUs."""

    id: str
    name: str
    resources: Mapping[str, float]


class RayExecutor:
    """Runs jobs on all machines of a Ray cluster that have room for one.

    Args:
        run: how a worker does a job.
        out: the results folder; all machines must see it under this path.
        device: as the command line names it.
        workers: jobs at a time on a machine; by default one per (share of a) GPU, or per CPU without.
        address: HOST:PORT of a cluster, or auto; None: one of this machine that ends with the executor.
        gpus_per_job: share of a GPU; by default 1 if the cluster has any and the device is not the CPU.

    Raises:
        UserError: for a cluster that cannot be reached, has no room for a job, runs another i2i or torch, or does
            not see the results folder.
    """

    def __init__(
        self,
        run: Perform,
        out: Path,
        device: str | None = None,
        workers: int | None = None,
        address: str | None = None,
        gpus_per_job: float | None = None,
    ) -> None:
        _connect(address)
        self._run, self._home = run, Path.cwd()
        self._token = out / f".seen-by-ray-{uuid4().hex}"
        self._running: dict[Any, JobId] = {}
        try:
            self._token.touch()
            gpus = _gpus_per_job(device, gpus_per_job)
            nodes = _with_room(self._checked(_with_room(_alive(), gpus)), gpus)
            self._threads = min(_threads(node.resources, workers, gpus) for node in nodes)
            self._queue = ray.remote(_EventQueue).options(num_cpus=0, max_restarts=-1).remote()
            self._task = ray.remote(_job).options(num_cpus=self._threads, num_gpus=gpus, max_retries=0)
        except BaseException:
            self.stop()
            raise

    def free(self) -> bool:
        """Ray has a queue of its own."""
        return True

    def start(self, job: Job) -> None:
        """Hand the job to Ray."""
        work = pickle.dumps((self._run, job))
        task = self._task.remote(self._home, self._token, self._queue, job.id, work, self._threads)
        self._running[task] = job.id

    def events(self) -> list[Event]:
        """Messages of running jobs, then the end of one."""
        ended, _ = ray.wait(list(self._running), timeout=0.5)
        heard = [event for event in self._messages() if event.job in self._running.values()]
        return heard + [_ending(self._running.pop(task), task) for task in ended]

    def _messages(self) -> list[Event]:
        with suppress(RayError):  # the actor is being restarted: some progress is not told
            taken: list[Event] = ray.get(self._queue.take.remote())
            return taken
        return []

    def stop(self) -> None:
        """Leave the cluster, which ends the workers of this bench; training runs write a checkpoint first."""
        running = list(getattr(self, "_running", ()))
        with suppress(RayError):
            for task in running:
                ray.cancel(task)  # an interrupt, on which a training ends after its step
            if running:
                ray.wait(running, num_returns=len(running), timeout=SECONDS_TO_STOP)
        ray.shutdown()
        self._token.unlink(missing_ok=True)

    def _checked(self, nodes: list[Node]) -> list[Node]:
        """Refuse machines where jobs would run other code, or leave results elsewhere; returns those that stay."""
        probe = ray.remote(_probe)
        answers = [
            probe.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node.id, soft=False)).remote(
                self._home, self._token
            )
            for node in nodes
        ]
        return [node for node, answer in zip(nodes, answers, strict=True) if self._stays(node, answer)]

    def _stays(self, node: Node, answer: object) -> bool:
        """False for a machine that left: Ray lists it for many seconds more. Raises UserError for one that is unfit."""
        own = _versions()
        try:
            seen, versions = ray.get(answer, timeout=SECONDS_TO_ANSWER)
        except RayError as error:
            if node.id not in {other.id for other in _alive()}:
                return False
            reason = str(error).strip().splitlines()[-1]
            raise UserError(f"{node.name} of the Ray cluster cannot run i2i {__version__}: {reason}") from None
        if versions != own:
            raise UserError(f"{node.name} of the Ray cluster has {versions}, this machine {own}: install the same")
        if not seen:
            raise UserError(_unseen(node.name, self._token.parent))
        return True


def _connect(address: str | None) -> None:
    with _signals_kept():
        _join(address)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself when it connects; the bench has an answer of its own."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)


def _join(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        ray.init("local", num_cpus=cores(), include_dashboard=False, object_store_memory=OBJECT_STORE, **quiet)
        return
    try:
        _require_listener(address)
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"--ray-address {address} cannot be reached ({reason}): `ray start` says the address of a cluster, "
            "and one with a token needs RAY_AUTH_MODE=token here as well"
        ) from None


def _require_listener(address: str) -> None:
    """OSError or ValueError unless a process listens at HOST:PORT. Ray would try for a minute and end the process."""
    host, colon, port = address.rpartition(":")
    if colon and "://" not in address:
        socket.create_connection((host, int(port)), timeout=SECONDS_TO_CONNECT).close()


def _gpus_per_job(device: str | None, wanted: float | None) -> float:
    if device not in (None, "cpu", "cuda"):
        raise UserError(f"--device {device}: Ray chooses the GPU of each job, so take cuda or cpu")
    if device == "cpu" and wanted:
        raise UserError("--device cpu and --gpus-per-job contradict each other: leave one out")
    if wanted is not None:
        return wanted
    if device == "cpu":
        return 0.0
    return 1.0 if device == "cuda" or ray.cluster_resources().get("GPU") else 0.0


def _alive() -> list[Node]:
    return [
        Node(node["NodeID"], node["NodeManagerHostname"], node["Resources"]) for node in ray.nodes() if node["Alive"]
    ]


def _with_room(nodes: list[Node], gpus: float) -> list[Node]:
    """The machines on which a job fits."""
    with_cpu = [node for node in nodes if node.resources.get("CPU", 0) >= 1]
    fitting = [node for node in with_cpu if node.resources.get("GPU", 0) >= gpus]
    if not fitting:
        lack = f"{gpus:g} GPU" if with_cpu else "a CPU"
        raise UserError(f"no machine of the Ray cluster has {lack} for a job: see `ray status`")
    return fitting


def _threads(resources: Mapping[str, float], workers: int | None, gpus: float) -> int:
    """CPU threads of each job, so that the CPUs suffice for as many jobs as are to run on the machine at a time."""
    at_a_time = workers or int(resources["GPU"] / gpus if gpus else resources["CPU"])
    return max(1, int(resources["CPU"]) // at_a_time)


def _probe(home: Path, token: Path) -> tuple[bool, str]:
    """Run on a machine: does it see the results folder, and what does it run?"""
    return _sees(home, token), _versions()


def _versions() -> str:
    return f"i2i {__version__} and torch {version('torch')}"


def _sees(home: Path, token: Path) -> bool:
    """Whether the results folder is here. Goes home first, so that relative paths mean the same as at home."""
    if home.is_dir():
        os.chdir(home)
    return token.exists()


def _unseen(machine: str, out: Path) -> str:
    return (
        f"{machine} of the Ray cluster does not see the results folder {out.absolute()}: "
        "choose one with --out that all machines share under the same path"
    )


class _EventQueue:
    """An actor that keeps what jobs say until the bench asks."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def put(self, event: Event) -> None:
        self._events.append(event)

    def take(self) -> list[Event]:
        taken, self._events = self._events, []
        return taken


def _job(
    home: Path,
    token: Path,
    queue: Any,
    job: JobId,
    work: bytes,
    threads: int,
) -> tuple[str, str]:
    """What a task does; returns how it ended, and the error."""

    def send(kind: Any, text: str) -> None:
        sent = queue.put.remote(Event(job, kind, text))
        if kind == "started":  # it must not come after the end
            with suppress(RayError):
                ray.get(sent)

    if not _sees(home, token):  # a machine that joined later
        return "failed", _unseen(socket.gethostname(), token.parent)
    return perform(work, threads, send)


def _ending(job: JobId, task: Any) -> Event:
    try:
        return Event(job, *ray.get(task))
    except tuple(LOST) as error:
        return Event(job, "lost", next(text for kind, text in LOST.items() if isinstance(error, kind)))
    except RayError as error:
        return Event(job, "failed", str(error))

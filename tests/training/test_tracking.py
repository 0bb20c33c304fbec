"""Trackers get what a training does, and nothing that they do reaches it."""

import json
import socket
import sys
import threading
import time
from functools import partial

import pytest
from PIL import Image

from i2i import registry
from i2i.errors import UserError
from i2i.runs.checkpoint import Position
from i2i.testing import CPU, Subject
from i2i.tracking import registry as tracker_registry
from i2i.tracking.__main__ import follow
from i2i.tracking.callback import Tracked, finite
from i2i.tracking.process import MOST_WAITING, TrackerProcess
from i2i.tracking.registry import TRACKERS, trackers_named
from i2i.tracking.tracker import About, Tracker
from i2i.training.callbacks.base import Record
from i2i.training.callbacks.sample_grids import SampleGrids
from i2i.training.trainer import Trainer

ECHO = (sys.executable, "-c", "import sys; print(sys.stdin.read(), end='')")
HANGS = (sys.executable, "-c", "import time; time.sleep(60)")
FAILS = (sys.executable, "-c", "raise SystemExit('no such project')")
CLOSES = (sys.executable, "-c", "import sys; sys.stdin.readline(); sys.exit('server gone')")


class Heard(Tracker):
    """Keeps what it is told."""

    name = "heard"

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self.heard: list[object] = [about.link]

    def scalars(self, values, images):
        self.heard.append(("scalars", values, images))

    def image(self, name, path, images):
        self.heard.append(("image", name, path, images))

    def summary(self, values):
        self.heard.append(("summary", values))

    def end(self, status):
        self.heard.append(status)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Messages of a whole training, as a tracker's process gets them."""
    monkeypatch.setattr("i2i.tracking.callback.TrackerProcess", partial(TrackerProcess, command=ECHO))
    subject, told = Subject(registry.get("pix2pix")), []
    images, config = subject.training_images(), subject.config(sample_every=4)
    run = Trainer(tmp_path, config, subject.task, images, CPU)
    with Tracked(tmp_path, ["echo"], "mine", "bench", told.append) as tracked:
        run.callbacks = (SampleGrids(tmp_path, images, subject.task.domains), tracked.begun(config.settings()))
        run.train()
    assert not told
    return [json.loads(line) for line in (tmp_path / "tracking" / "echo.log").read_text().splitlines()]


def test_a_tracker_is_told_settings_scalars_grids_final_numbers_and_the_end(trained, tmp_path):
    begin, *middle, summary, end = trained
    assert (begin["name"], begin["group"], begin["folder"]) == ("mine", "bench", str(tmp_path))
    assert begin["settings"]["train.images"]
    scalars = [message["values"] for message in middle if message["kind"] == "scalars"]
    assert {"loss/generator/l1", "learning_rate/generator", "images_per_second"} <= set(scalars[0])
    grids = [message["path"] for message in middle if message["kind"] == "image"]
    assert grids == [str(path) for path in sorted((tmp_path / "samples").iterdir())]
    assert len(grids) == 2
    assert summary["values"]["images_shown"] == middle[-1]["images"]
    assert end == {"kind": "end", "status": "finished"}


def test_messages_become_calls_of_the_tracker_and_a_run_that_nobody_ended_was_killed(trained, tmp_path):
    made = []

    class Listed(Heard):
        def __init__(self, about):
            super().__init__(about)
            made.append(self)

    follow(map(json.dumps, trained[:-1]), Listed)
    ((link, *told, end),) = [tracker.heard for tracker in made]
    assert link == tmp_path.as_uri()
    assert [entry[0] for entry in told] == [message["kind"] for message in trained[1:-1]]
    assert end == "killed"


def record(step: int) -> Record:
    return Record(Position(step, 10, step, 1.0), 1.0, {}, {"generator/cycle": float("nan"), "generator/gan": 0.5})


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (HANGS, "it did not end within 0.3 s"),
        (FAILS, "no such project"),
        (CLOSES, "server gone"),
        (("no-such-program",), "No such file"),
    ],
)
def test_a_tracker_that_fails_or_hangs_is_given_up_with_one_warning(command, reason, tmp_path, monkeypatch):
    seconds = 0.3 if command is HANGS else 5
    started = partial(TrackerProcess, command=command, seconds_to_end=seconds)
    monkeypatch.setattr("i2i.tracking.callback.TrackerProcess", started)
    began, said = time.monotonic(), []
    with Tracked(tmp_path, ["wandb"], "mine", None, said.append) as tracked:
        tracked.begun({})
        for step in range(1, 4):
            tracked.on_record(record(step))
    assert time.monotonic() - began < 5
    (told,) = said
    what, where = told.splitlines()
    assert what.startswith("--track wandb has stopped, i2i goes on without it: ")
    assert reason in what
    assert str(tmp_path / "tracking" / "wandb.log") in where


def test_a_tracker_that_reads_nothing_never_holds_a_training_up(tmp_path):
    said = []
    process = TrackerProcess("slow", tmp_path, said.append, HANGS, seconds_to_end=0.1)
    began = time.monotonic()
    for number in range(3 * MOST_WAITING):
        process.send("scalars", values={"x" * 1000: 1.0}, images=number)
    assert time.monotonic() - began < 5
    process.close("finished")
    assert len(said) == 1
    assert "messages behind" in said[0]


def test_a_long_wait_at_the_end_is_said_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr("i2i.tracking.process.SECONDS_UNTIL_SAID", 0.05)
    said = []
    TrackerProcess("slow", tmp_path, said.append, HANGS, seconds_to_end=0.25).close("finished")
    assert said[0] == "waiting for the tracker slow, 0.2 s at most, to keep what it got"
    assert len(said) == 2


def test_what_is_no_number_is_not_passed_on():
    assert finite({"a": 1.0, "b": float("nan"), "c": float("inf")}) == {"a": 1.0}


def test_only_an_identity_of_harmless_characters_is_taken_from_a_run_folder(tmp_path):
    tracker = Heard(About(tmp_path, "mine", None, {}))
    assert tracker.known() is None
    tracker.note("a1-b_2")
    assert tracker.known() == "a1-b_2"
    for text in ('{"id": "../x"}', '{"id": 5}', "[1]", "no json"):
        (tmp_path / "tracking" / "heard.json").write_text(text)
        assert tracker.known() is None


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_refused_with_the_command_that_installs_it(name, monkeypatch):
    monkeypatch.setattr(tracker_registry, "find_spec", lambda name: None)
    with pytest.raises(UserError) as refused:
        trackers_named(name)
    assert str(refused.value).splitlines()[1:] == [f"pip install 'i2i[{name}]'"]


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Every package seems to be there; nothing of this machine's accounts and proxies is."""
    monkeypatch.setattr(tracker_registry, "find_spec", lambda name: name)
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return monkeypatch


def test_credentials_and_servers_that_are_not_there_are_told_before_a_training(installed):
    with pytest.raises(UserError, match="--track wandb has no credentials:\nrun wandb login"):
        trackers_named("wandb")
    installed.setenv("WANDB_API_KEY", "x")
    installed.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(
        UserError, match=r"http://127.0.0.1:9 does not answer .*\nsee to the network, .*WANDB_MODE=offline"
    ):
        trackers_named("wandb")
    installed.setenv("WANDB_MODE", "offline")
    assert trackers_named("wandb, wandb", "wandb") == ("wandb",)
    installed.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"does not answer .*\nstart it, or unset MLFLOW_TRACKING_URI"):
        trackers_named("mlflow")


def test_a_server_that_takes_connections_and_says_nothing_is_told_before_a_training(installed):
    installed.setattr(tracker_registry, "SECONDS_TO_ANSWER", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        installed.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(UserError, match=r"does not answer \(timed out\):\nstart it"):
            trackers_named("mlflow")


def _one_answer(server, answer):
    connection, _ = server.accept()
    with connection:
        connection.recv(100)
        connection.sendall(answer)


@pytest.mark.parametrize(("answer", "hangs_up"), [(b"HTTP/1.0 404 Not Found\r\n\r\n", False), (b"", True)])
def test_a_server_that_answers_whatever_it_says_is_there_and_one_that_hangs_up_is_not(installed, answer, hangs_up):
    with socket.create_server(("127.0.0.1", 0)) as server:
        installed.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=_one_answer, args=(server, answer))
        thread.start()
        if hangs_up:
            with pytest.raises(UserError, match=r"does not answer \(it hangs up\)"):
                trackers_named("mlflow")
        else:
            assert trackers_named("mlflow") == ("mlflow",)
        thread.join()


def test_wandb_finds_what_wandb_login_wrote(installed, tmp_path):
    installed.setenv("WANDB_BASE_URL", "http://tracker.test")
    installed.setenv("http_proxy", "http://proxy.test")  # whether the server answers is then unknown
    (tmp_path / "netrc").write_text("machine tracker.test login user password x")
    assert trackers_named("wandb") == ("wandb",)


def test_an_unknown_tracker_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'mlflow'"):
        trackers_named("mlflo")


# With the real libraries, where they are installed


@pytest.fixture
def followed(tmp_path, monkeypatch):
    """Tells the real tracker of that name of a run, and again as if it was resumed."""

    def follow_with(name: str) -> None:
        monkeypatch.chdir(tmp_path)
        image, settings = tmp_path / "samples.png", {"train.images": 10, "data.path": None}
        Image.new("RGB", (8, 8), "red").save(image)
        for images in (5, 10):
            told = []
            process = TrackerProcess(name, tmp_path / "run", told.append)
            process.send("begin", folder=str(tmp_path / "run"), name="mine", group="bench", settings=settings)
            process.send("scalars", values={"loss/generator/l1": 1 / images, "scores/a→b": 0.5}, images=images)
            process.send("image", name="samples", path=str(image), images=images)
            process.send("summary", values={"psnr": 20.5})
            process.close("finished")
            assert [line for line in told if not line.startswith("waiting for ")] == []

    return follow_with


@pytest.mark.slow
def test_tensorboard_has_scalars_images_and_settings(followed, tmp_path):
    pytest.importorskip("tensorboard", reason="pip install 'i2i[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    followed("tensorboard")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    losses = [(event.step, round(event.value, 4)) for event in events.Scalars("loss/generator/l1")]
    assert losses == [(5, 0.2), (10, 0.1)]
    assert [image.step for image in events.Images("samples")] == [5, 10]
    assert [(event.step, event.value) for event in events.Scalars("final/psnr")] == [(5, 20.5), (10, 20.5)]
    assert "configuration/text_summary" in events.Tags()["tensors"]


@pytest.mark.slow
def test_mlflow_has_one_run_with_metrics_images_parameters_and_the_run_folder(followed, tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="pip install 'i2i[mlflow]'")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    followed("mlflow")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("i2i")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert [metric.step for metric in client.get_metric_history(run.info.run_id, "loss/generator/l1")] == [5, 10]
    assert [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, "psnr")] == [
        (5, 20.5),
        (10, 20.5),
    ]
    assert run.data.params["train.images"] == "10"
    assert run.data.tags["run_folder"] == (tmp_path / "run").as_uri()
    assert [item.path for item in client.list_artifacts(run.info.run_id, "samples")] == ["samples/samples.png"]


@pytest.mark.slow
def test_wandb_writes_one_run_offline(followed, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="pip install 'i2i[wandb]'")
    monkeypatch.setenv("WANDB_MODE", "offline")
    followed("wandb")
    runs = list((tmp_path / "wandb").glob("offline-run-*"))
    identity = json.loads((tmp_path / "run" / "tracking" / "wandb.json").read_text())["id"]
    assert runs
    assert all(run.name.endswith(identity) for run in runs)
    assert list((tmp_path / "wandb").rglob("samples*.png"))
    assert b"loss/generator/l1" in b"".join(path.read_bytes() for path in (tmp_path / "wandb").rglob("*.wandb"))


@pytest.mark.slow
def test_aim_writes_one_run(followed, tmp_path):
    """Its files are looked at: where this was written, Aim's own readers found no runs, whoever had written them."""
    pytest.importorskip("aim", reason="pip install 'i2i[aim]'")
    followed("aim")
    identity = json.loads((tmp_path / "run" / "tracking" / "aim.json").read_text())["id"]
    assert [path.name for path in (tmp_path / ".aim" / "meta" / "chunks").iterdir()] == [identity]
    written = b"".join(path.read_bytes() for path in (tmp_path / ".aim" / "meta").rglob("*") if path.is_file())
    assert all(name in written for name in (b"train.images", b"loss/generator/l1", b"psnr"))

"""What the page says of a run folder, and what its server gives away: the page, and nothing else of this machine."""

import http.client
import json
import os
import platform
import subprocess
import sys
import threading

import pytest

from i2i.cli.watch import _watched
from i2i.errors import UserError
from i2i.runs.lock import seems_trained, sole_training
from i2i.watch import page
from i2i.watch.samples import sample
from i2i.watch.server import HOST, server
from i2i.watch.state import Watched, state


def shown(run):
    (told,) = state(Watched.of_run(run.folder), page.sample_address)["runs"]
    return told


def owner(**named):
    return json.dumps({"pid": os.getpid(), "host": platform.node(), **named})


def dead_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_run_is_shown_as_its_log_and_samples_tell(run):
    told = shown(run)
    assert (told["state"], told["step"], told["steps"]) == ("stopped", 20, 40)
    assert told["facts"] == ["step 20 of 40", "40 images shown", "10 s of training", "4.0 images/s"]
    assert told["terms"] == [("generator/l1", [(2, 1.0), (20, 0.1), (40, 0.05)])]  # what is infinite is not drawn
    assert told["samples"] == [[10, "samples/0/10.png"], [20, "samples/0/20.png"]]


def test_the_time_left_is_told_while_it_trains_and_not_afterwards(run):
    assert shown(run)["left"] == ""
    run.lock(owner())
    assert (shown(run)["state"], shown(run)["left"]) == ("training", "10 s")
    run.log(40)
    (run.folder / ".lock").unlink()
    assert (shown(run)["state"], shown(run)["left"]) == ("finished", "")


@pytest.mark.parametrize("half", ['{"step": 30', '{"images": "x"}', "[" * 9000, '{"step": -1, "images": 4}'])
def test_half_lines_of_a_log_change_nothing(run, half):
    before = shown(run)
    with (run.folder / "metrics.jsonl").open("a") as log:
        log.write(half)
    assert shown(run) == before


def test_rollbacks_and_broken_tables_are_told_on_the_page(run):
    with (run.folder / "metrics.jsonl").open("a") as log:
        log.write('{"step": 11, "rollback": 1, "reason": "loss l1 is nan"}\n')
    (run.folder / "validation.csv").write_text("step,images,seconds,metric,value\n1,many,1,psnr,2\n")
    went_back, broken = shown(run)["notes"]
    assert went_back == "Before step 11 it went back to a checkpoint: loss l1 is nan"
    assert "validation.csv" in broken


def test_an_onlooker_sees_who_trains_without_taking_the_lock(tmp_path):
    folder = tmp_path / "run"
    assert not seems_trained(folder)
    with sole_training(folder):
        assert seems_trained(folder)
    assert not seems_trained(folder)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lambda: owner(), True),
        (lambda: owner(pid=dead_process()), False),
        (lambda: owner(pid=dead_process(), host="elsewhere"), True),
        (lambda: owner(pid=10**30), False),
        (lambda: "", True),
        (lambda: "[1]", True),
    ],
)
def test_a_lock_that_a_killed_process_left_counts_for_nothing_on_its_machine(run, text, expected):
    run.lock(text())
    assert seems_trained(run.folder) is expected


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no run folder and no results folder"):
        _watched(tmp_path)


def test_the_file_holds_its_samples_and_no_name_in_it_is_markup(run, monkeypatch):
    monkeypatch.setattr(page, "MOST_SAMPLES", 2)
    run.sample(30)
    run.sample(35)
    text = page.page_file(Watched.of_run(run.folder))
    assert text.count("data:image/webp;base64,") == 2  # the first and the last
    assert "<b>run" not in text
    assert "connect-src" not in text


@pytest.fixture
def port(run):
    (run.folder / "config.yaml").write_text("secret: 1\n")
    with server(Watched.of_run(run.folder)) as serving:
        thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving.server_port
        serving.shutdown()
        thread.join()


def answer(port, path, host=HOST, method="GET"):
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request(method, path, headers={"Host": f"{host}:{port}"})
    answered = connection.getresponse()
    try:
        return answered.status, answered.read()
    finally:
        connection.close()


def test_the_page_its_news_and_its_samples_are_served(run, port):
    assert answer(port, "/")[1].startswith(b"<!doctype html>")
    assert json.loads(answer(port, "/state")[1])["runs"][0]["step"] == 20
    run.log(30)
    assert json.loads(answer(port, "/state")[1])["runs"][0]["step"] == 30
    assert answer(port, "/samples/0/10.png") == (200, sample(run.folder, 10))


def test_nothing_else_is(run, port):
    (run.folder / "samples/00000099.png").symlink_to("/etc/passwd")
    (run.folder / "samples/00000098.png").mkdir()
    paths = ["/config.yaml", "/samples/0/../config.yaml", "/samples/0/00000010.png/../../config.yaml", "//etc/passwd"]
    paths += ["/../../etc/passwd", "/%2e%2e/config.yaml", "/samples/0/99.png", "/samples/0/98.png", "/samples/1/10.png"]
    paths += ["/samples/-1/10.png", "/samples/", "/state/", "/samples"]
    for path in paths:
        assert answer(port, path)[0] == 404, path
    assert [step for step, _ in shown(run)["samples"]] == [10, 20]
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert answer(port, "/", method=method)[0] == 501


def test_a_name_of_elsewhere_that_leads_to_this_machine_gets_nothing(port):
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1]", ""):
        assert answer(port, "/state", host)[0] == 403, host
    assert answer(port, "/state", "localhost")[0] == 200


def test_a_taken_port_is_refused_and_a_free_one_is_found(run, port):
    with pytest.raises(UserError, match="--port"):
        server(Watched.of_run(run.folder), port)
    with server(Watched.of_run(run.folder)) as other:
        assert other.server_port != port
        assert other.server_address[0] == "127.0.0.1"

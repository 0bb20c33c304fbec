"""Scripts that measure speed run from end to end where there is neither a GPU nor the authors' code."""

import argparse
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from i2i.benchmarks.studies import against_reference, gpu_check
from i2i.nn.second_derivatives import TwiceLeakyReLU
from i2i.training.setup import run_config

OPTIONS = """
import argparse

class TrainOptions:
    def parse(self):
        parser = argparse.ArgumentParser()
        for name in ("dataroot", "checkpoints_dir", "name", "model"):
            parser.add_argument("--" + name)
        for name in ("crop_size", "load_size", "batch_size"):
            parser.add_argument("--" + name, type=int)
        return parser.parse_args()
"""
MODELS = """
import torch

class Model:
    def __init__(self, options):
        self.network = torch.nn.Conv2d(3, 3, 1)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.options = options

    def set_input(self, data):
        assert set(data) == {"A", "B", "A_paths", "B_paths"}
        self.images = data["A"].to(self.options.device)

    def optimize_parameters(self):
        self.optimizer.zero_grad()
        self.network(self.images).mean().backward()
        self.optimizer.step()

def create_model(options):
    assert options.model in ("cycle_gan", "pix2pix") and options.crop_size == options.load_size
    return Model(options)
"""


@pytest.mark.slow
def test_a_step_is_measured_beside_that_of_a_checkout_with_fewer_options(tmp_path, capsys):
    for name, text in (("options/__init__", ""), ("options/train_options", OPTIONS), ("models/__init__", MODELS)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").write_text(text)
    against_reference.main([str(tmp_path), "--models", "pix2pix", "--size", "32", "--rounds", "1", "--steps", "1"])
    said = capsys.readouterr().out
    assert said.count("pix2pix 32 px, batch 1: theirs ") == 2
    assert "ours in auto" in said
    assert "ours in fp32" in said


@contextmanager
def noted_gradients():
    """What every optimizer is given, in order."""
    seen = []

    def note(optimizer, *_):
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        seen.append(torch.cat([weight.grad.flatten() for weight in weights]))

    hook = register_optimizer_step_pre_hook(note)
    try:
        yield seen
    finally:
        hook.remove()


OWN_LAYERS = {
    "cyclegan": ["InstanceNorm", "ToImageConv2d"],
    "pix2pix": [],
    "stargan": ["InstanceNorm", "ToImageConv2d"],
}


def own_layers(translator):
    """Layers that are not PyTorch's. The leaky ReLU of critics is, but where a step of ours differentiates it twice."""
    leaves = {type(module) for module in translator.modules() if not list(module.children())}
    return sorted(leaf.__name__ for leaf in leaves - {TwiceLeakyReLU} if not leaf.__module__.startswith("torch.nn."))


@pytest.mark.integration
@pytest.mark.parametrize("name", list(against_reference.PLAIN))
def test_the_plain_loop_has_the_gradients_of_our_steps(name, monkeypatch):
    """Of two steps from the same start and draws; the second shows rates and what Adam makes of the first."""
    small = {"width": 8, "discriminator_width": 8} | ({"dropout": 0.0} if name == "pix2pix" else {})
    monkeypatch.setattr(
        against_reference, "run_config", lambda *given: run_config(given[0], {**given[1], "model": small})
    )
    items = against_reference.items_for(name, 32, 3)
    with noted_gradients() as seen:
        for loop in (against_reference.plain, against_reference.ours):
            torch.manual_seed(1)
            translator, config = against_reference.published(name, 32, 3, "fp32")
            given = (translator, items) if loop is against_reference.plain else (translator, config, items)
            take = loop(name, *given)
            assert own_layers(translator) == ([] if loop is against_reference.plain else OWN_LAYERS[name])
            torch.manual_seed(2)
            take()
            take()
    plain, own = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    first = 6 if name == "stargan" else 2
    assert len(plain) == 2 * first
    for number, (one, two) in enumerate(zip(plain, own, strict=True)):
        assert (one - two).norm() < (1e-4 if number < first else 0.05) * one.norm()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere"], "/nowhere is no checkout of pytorch-CycleGAN-and-pix2pix: leave it out for a plain loop"),
        (["--models", "cut"], "--models cut: known are cyclegan, pix2pix, stargan"),
        (["--batch", "0"], "argument --batch: invalid positive value: '0'"),
    ],
)
def test_what_cannot_be_measured_is_said(arguments, said, capsys):
    with pytest.raises(SystemExit):
        against_reference.main(arguments)
    assert said in capsys.readouterr().err


def _is_gone(pid):
    """Whether a process has ended, be it that nobody has asked for its status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.slow
def test_the_gpu_check_runs_on_a_cpu_and_reports_what_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(gpu_check.SECTIONS, "broken", lambda options: {}["nothing"])
    arguments = [
        "--device",
        "cpu",
        "--steps",
        "4",
        "--models",
        "pix2pix",
        "--sections",
        "broken,losses,speed,inference,workers",
    ]
    monkeypatch.setattr(sys, "argv", ["gpu_check.py", "--out", str(tmp_path), *arguments])
    gpu_check.main()
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert found["broken"] == {"error": "'nothing'"}
    assert found["losses"]["pix2pix"]["start"] == 0  # on a CPU both are eager
    variants = found["speed"]["models"]["pix2pix"]["variants"]
    assert all(row["steps_per_s"] > 0 and row["fault"] is None for row in variants.values())
    assert "captured bf16 images sent" in variants
    assert [row["steps_per_s"] > 0 for row in found["workers"]["pix2pix"].values()] == [True, True, True]
    assert found["inference"]["pix2pix"]["batched"] > 0
    told = (tmp_path / "gpu_check.md").read_text()
    assert "failed: KeyError" in told
    assert "## speed" in told


def test_the_gpu_check_tells_how_many_tests_passed_whatever_is_said_after(tmp_path, monkeypatch):
    said = (
        "..F\nFAILED tests/a.py::b - E\n1 failed, 2 passed in 3.00s\n\n-- Docs: https://docs.pytest.org/warnings.html\n"
    )
    done = subprocess.CompletedProcess([], 1, said, "")
    monkeypatch.setattr(gpu_check, "_ran", lambda *given: done)
    found, lines = gpu_check.run_tests(argparse.Namespace())
    assert found["summary"] == "1 failed, 2 passed in 3.00s"
    assert lines == [found["summary"], "FAILED tests/a.py::b - E"]


def test_of_tests_that_were_stopped_the_gpu_check_tells_what_had_passed_and_failed(monkeypatch):
    said = "tests/a.py::b PASSED [ 10%]\ntests/a.py::c[x y] PASSED [ 20%]\ntests/a.py::d FAILED [ 30%]\n"
    done = subprocess.CompletedProcess([], -1, said, "stopped: its time was up")
    monkeypatch.setattr(gpu_check, "_ran", lambda *given: done)
    found, _ = gpu_check.run_tests(argparse.Namespace())
    assert found["failed"] == ["tests/a.py::d FAILED [ 30%]"]
    assert found["summary"].startswith("2 had passed; ")


def test_the_gpu_checks_files_hold_all_that_was_found_at_any_time(tmp_path):
    findings = gpu_check.Findings(tmp_path, "some GPU")
    findings.put("speed", {"rows": 1}, ["## speed, so far", "one"])
    findings.put("nccl", {"status": 0}, ["## nccl"])
    findings.put("speed", {"rows": 2}, ["## speed", "one", "two"])
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert found == {"machine": "some GPU", "speed": {"rows": 2}, "nccl": {"status": 0}}
    assert (tmp_path / "gpu_check.md").read_text() == "# GPU check\n\nsome GPU\n\n## speed\none\ntwo\n\n## nccl\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_losses_that_are_no_numbers_do_not_end_the_gpu_check(tmp_path, value):
    gpu_check.Findings(tmp_path, "some GPU").put("losses", {"cut": {"start": value, "mean": 0.5}, "all": [value]}, [])
    text = (tmp_path / "gpu_check.json").read_text()
    assert json.loads(text)["losses"] == {"cut": {"start": None, "mean": 0.5}, "all": [None]}


def test_of_a_model_that_fails_the_gpu_check_compares_all_others(monkeypatch):
    known = {"pix2pix": 0.5}
    monkeypatch.setattr(gpu_check, "_losses_apart", lambda name, options: {"start": 0.0, "mean": known[name]})
    options = argparse.Namespace(models=["unknown", "pix2pix"], until=time.perf_counter() + 60, seconds=1.0)
    found, lines = gpu_check.compare_losses(options)
    assert found == {"unknown": {"error": "KeyError: 'unknown'"}, "pix2pix": {"start": 0.0, "mean": 0.5}}
    assert lines[-2:] == ["| unknown | KeyError: 'unknown' |", "| pix2pix | 0.0e+00 | 5.0e-01 |"]


@pytest.mark.integration
def test_what_the_gpu_check_starts_is_stopped_in_time_for_what_is_timed():
    options = argparse.Namespace(until=time.perf_counter() + 6, seconds=10.0)  # four of them are over
    began = time.perf_counter()
    program = (
        "import subprocess, sys, time; "
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True); time.sleep(60)"
    )
    done = gpu_check._ran([sys.executable, "-c", program], options)
    assert time.perf_counter() - began < 30
    assert done.returncode == -1
    assert _is_gone(int(done.stdout))
    assert "its time was up" in done.stderr

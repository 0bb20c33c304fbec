"""What `auto` means on a device, and what is told of it."""

import pytest
import torch

from i2i import registry
from i2i.config import parse_assignments
from i2i.errors import UserError
from i2i.testing import CPU, Subject
from i2i.training import device as devices
from i2i.training.device import emulation_notice, memory_format_of, native_precision, resolved, seed_streams
from i2i.training.setup import run_config
from i2i.training.trainer import Trainer

CUDA = torch.device("cuda")


def config(name="cyclegan", **train):
    return Subject(registry.get(name)).config(**train)


@pytest.fixture
def cpu(monkeypatch):
    """Says which instructions the CPU is to have."""

    def has(*instructions):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: "avx512_bf16" in instructions)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: "amx" in instructions)

    return has


@pytest.mark.parametrize(("instructions", "expected"), [((), "fp32"), (("avx512_bf16",), "bf16"), (("amx",), "bf16")])
def test_a_cpu_trains_in_bfloat16_where_it_has_instructions_for_it(cpu, instructions, expected):
    cpu(*instructions)
    assert native_precision(CPU) == expected
    assert resolved(config(precision="auto"), CPU).train.precision == expected


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_a_gpu_trains_in_bfloat16_from_compute_capability_8(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolved(config(precision="auto"), CUDA).train.precision == expected


def test_the_memory_format_is_what_the_model_was_measured_to_like(monkeypatch):
    monkeypatch.setattr(registry.get("cyclegan"), "channels_last", frozenset({("cpu", "bf16"), ("cuda", "fp32")}))
    found = {
        (device.type, precision): resolved(config(precision=precision), device).train.channels_last
        for device in (CPU, CUDA)
        for precision in ("fp32", "bf16")
    }
    assert found == {("cpu", "fp32"): False, ("cpu", "bf16"): True, ("cuda", "fp32"): True, ("cuda", "bf16"): False}


@pytest.mark.parametrize(
    ("compiled", "precision", "expected"),
    [
        (True, "bf16", torch.channels_last),
        (True, "fp32", torch.contiguous_format),
        (False, "bf16", torch.contiguous_format),
    ],
)
def test_networks_that_are_compiled_are_in_nhwc_in_bfloat16(compiled, precision, expected):
    found = resolved(config(precision=precision, compile="auto"), CUDA).train
    assert found.channels_last is False  # of what keys are made, which compiling leaves as they are
    assert memory_format_of(found, compiled) == expected


def test_what_settings_say_is_not_chosen_again():
    asked = config(precision="fp32", channels_last=True)
    assert resolved(asked, CPU) == asked
    assert memory_format_of(asked.train) == torch.channels_last
    assert resolved(resolved(config(precision="auto"), CPU), CPU) == resolved(config(precision="auto"), CPU)


def test_a_checkpoint_holds_what_was_chosen(tmp_path, cpu):
    cpu("amx")
    subject = Subject(registry.get("cyclegan"))
    trainer = Trainer(tmp_path, subject.config(precision="auto"), subject.task, subject.training_images(), CPU)
    assert (trainer.config.train.precision, trainer.config.train.channels_last) == ("bf16", True)


def test_emulated_bfloat16_is_told_with_what_it_costs(cpu, monkeypatch):
    cpu()
    seconds = {torch.bfloat16: 0.6, torch.float32: 0.1}
    monkeypatch.setattr(devices, "_convolving", lambda dtype, device: seconds[dtype])
    assert "bfloat16 is emulated on this cpu, where a convolution takes 6.0 times as long" in emulation_notice(
        "bf16", CPU
    )
    assert emulation_notice("fp32", CPU) is None
    cpu("amx")
    assert emulation_notice("bf16", CPU) is None


def test_the_streams_are_seeded_as_torch_seeds_them():
    torch.manual_seed(7)
    expected = torch.rand(3)
    seed_streams(7, CPU)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("written", "meant"), [("on", "on"), ("off", "off"), ("auto", "auto")])
def test_graphs_are_asked_for_in_words_that_yaml_reads_as_others(written, meant):
    assert run_config("identity", parse_assignments([f"train.graphs={written}"])).train.graphs == meant


def test_graphs_asked_for_on_a_cpu_are_refused_with_the_remedy(tmp_path):
    subject = Subject(registry.get("cyclegan"))
    with pytest.raises(UserError, match=r"train.graphs=on: CUDA graphs need a GPU .* take --set train.graphs=auto"):
        Trainer(tmp_path, subject.config(graphs="on"), subject.task, subject.training_images(), CPU)

"""Networks that torch.compile fuses: the same steps, the same state, and eager translation."""

import pytest
import torch
from torch import nn

from i2i import registry
from i2i.testing import CPU, Subject
from i2i.training import compiled_networks
from i2i.training.callbacks.base import Callback
from i2i.training.compiled_networks import can_compile, compile_networks, generators_of
from i2i.training.trainer import Trainer

GPU = torch.device("cuda")


class Samples(Callback):
    """Translates when a sample is due."""

    def on_sample(self, translator, position):
        translator.translate(torch.zeros(1, 3, *translator.task.image_size), *translator.task.directions[0])


def trained(run, **train):
    subject = Subject(registry.get("pix2pix"))
    config = subject.config(updates=3, images=None, ema=0.9, **train)
    trainer = Trainer(run, config, subject.task, subject.training_images(), CPU, (Samples(),))
    trainer.train()
    return trainer


@pytest.fixture
def compiled_on_a_cpu(monkeypatch):
    """Compiles generators on this machine, without a compiler; the list of the graphs that were compiled."""
    torch._dynamo.reset()
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    def compiled(translator):
        for network in generators_of(translator):
            network.compile(backend=backend, dynamic=False)

    monkeypatch.setattr("i2i.training.trainer.can_compile", lambda device: True)
    monkeypatch.setattr("i2i.training.trainer.compile_networks", compiled)
    return graphs


@pytest.mark.integration
def test_compiled_generators_train_as_eager_ones_and_translate_eagerly(tmp_path, compiled_on_a_cpu):
    eager = trained(tmp_path / "eager")
    assert not compiled_on_a_cpu
    compiled = trained(tmp_path / "compiled", compile="auto")
    assert len(compiled_on_a_cpu) == 1  # of the training step, none for the size or mode of a translation
    for name, value in eager.translator.state_dict().items():
        assert torch.equal(value, compiled.translator.state_dict()[name])


def test_only_a_gpu_with_a_compiler_compiles(monkeypatch, capsys):
    assert not can_compile(CPU)
    monkeypatch.setattr(compiled_networks, "find_spec", lambda name: None)
    assert not can_compile(GPU)
    assert "triton is not installed" in capsys.readouterr().err
    monkeypatch.setattr(compiled_networks, "find_spec", lambda name: name)
    assert can_compile(GPU)


def test_networks_are_compiled_with_options_that_there_are(monkeypatch):
    called = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, **settings: called.append(settings))
    compile_networks(Subject(registry.get("cyclegan")).build())
    assert [settings["options"]["fallback_random"] for settings in called] == [True, True]
    assert called[0]["options"].keys() <= set(torch._inductor.list_options())


def test_networks_of_a_dictionary_are_compiled_one_by_one():
    translator = Subject(registry.get("cyclegan")).build()
    translator.many, translator.generators = nn.ModuleDict({"a": nn.Identity(), "b": nn.Identity()}), ("a_to_b", "many")
    assert [type(network) for network in generators_of(translator)][1:] == [nn.Identity, nn.Identity]

"""What is said of costs is what was measured, and what can be counted by hand is counted so."""

import sys
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pytest
import torch

from i2i import registry
from i2i.benchmarks.analysis import costs
from i2i.benchmarks.analysis.number_format import error_line, scaled, speed
from i2i.benchmarks.directions import expand
from i2i.benchmarks.evaluation.cost_meters import Work, peak_memory, work_of
from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.staleness import write_key
from i2i.data.batches import UnpairedBatch
from i2i.translator import Coverage, ModelConfig, Task, Translator
from tests.support.facts import plan_facts
from tests.support.preloaded import FORK


def translator(name, domains=("a", "b"), size=16, **settings):
    cls = registry.get(name)
    return cls(cls.Config(**settings), Task.covering(cls.coverage, domains, (size, size))).eval()


def by_hooks(model, images, source, target):
    """MACs of every convolution that runs, from shapes alone."""
    total = []

    def add(module, inputs, output):
        per_value = module.weight.numel() // module.out_channels
        if isinstance(module, torch.nn.ConvTranspose2d):
            # Every input value meets the whole kernel of its channel.
            total.append(inputs[0].numel() * module.weight[0].numel())
        else:
            total.append(output.numel() * per_value)

    convolutions = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    hooks = [part.register_forward_hook(add) for part in model.modules() if isinstance(part, convolutions)]
    model.translate(images, source, target)
    for hook in hooks:
        hook.remove()
    return sum(total)


SMALL = {"cyclegan": {"width": 4, "blocks": 2, "layers": 1}, "stargan": {"width": 4, "blocks": 1, "layers": 2}}


@pytest.mark.parametrize("name", ["pix2pix", *SMALL])
def test_macs_are_those_of_the_convolutions_that_translate(name):
    model = translator(name, **SMALL.get(name, {"width": 4, "layers": 1}))
    images = torch.zeros(1, 3, 16, 16)
    work = work_of(model, images, "a", "b")
    assert work.macs == by_hooks(model, images, "a", "b") > 0
    assert work.evaluations == 1
    assert not any(part._forward_hooks for part in model.modules())


def test_a_copy_takes_no_macs():
    assert work_of(translator("identity"), torch.zeros(1, 3, 16, 16), "a", "b") == Work(0, 0)


class Sampler(Translator):
    """An encoder that runs once, and a network that runs in every step; in a loop of its layers if `by_layer`."""

    coverage, batch, takes = Coverage.DIRECTION, UnpairedBatch, frozenset({"sampling_steps"})
    by_layer = called = True

    def __init__(self, config, task):
        super().__init__(config, task)
        self.encoder = torch.nn.Conv2d(3, 3, 1)
        self.network = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), torch.nn.ReLU(), torch.nn.Conv2d(3, 3, 1))

    def phases(self):
        return ()

    def generate(self, images, request):
        images = self._encoded(images)
        for _ in range(request.sampling_steps or 5):
            if self.by_layer:
                for layer in self.network:
                    images = layer(images)
            else:
                images = self.network(images)
        return images.tanh()

    def _encoded(self, images):
        encoder = self.encoder
        return encoder(images) if self.called else torch.nn.functional.conv2d(images, encoder.weight, encoder.bias)


@pytest.mark.parametrize("by_layer", [True, False])
@pytest.mark.parametrize("steps", [None, 1, 200])
def test_evaluations_are_the_steps_of_a_sampler_and_their_macs_are_counted(steps, by_layer):
    model = Sampler(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (4, 4)))
    model.by_layer = by_layer
    work = work_of(model, torch.zeros(1, 3, 4, 4), "a", "b", sampling_steps=steps)
    runs = steps or 5
    assert work == Work(16 * 9 * (1 + 2 * runs), runs)


def test_evaluations_that_nothing_tells_are_not_said_to_be_none():
    model = Sampler(ModelConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (4, 4)))
    model.network, model.called = torch.nn.Sequential(), False
    work = work_of(model, torch.zeros(1, 3, 4, 4), "a", "b")
    assert work == Work(16 * 9, None)
    assert work.costs() == {"macs": 144}


WAYS = (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b"))


def test_costs_are_sums_over_the_training_runs_of_a_seed_and_means_over_seeds(tmp_path, monkeypatch):
    """Two seeds of three training runs; the numbers of a training are powers of two, so that every sum is its own."""
    training_runs = [one for seed in (0, 1) for one in expand("m", "pair", ("a", "b", "c"), WAYS, 90, "dataset", seed)]
    plan = Plan(tmp_path, "made up", ("a", "b", "c"), WAYS, tuple(training_runs), {}, (), plan_facts())
    meta = {
        tmp_path / training.folder: {"parameters": 5, "images": 2**place, "seconds": 100 * 2**place, "inference": "x"}
        for place, training in enumerate(training_runs)
    }
    monkeypatch.setattr(costs, "newest_checkpoint", lambda run: run in meta)
    monkeypatch.setattr(costs, "require_checkpoint", lambda run: SimpleNamespace(meta=meta[run]))
    for place, training in enumerate(training_runs):
        put(tmp_path / training.folder, peak_memory=[7, 9, 8, 1, 2, 3][place])
    for seed, seconds in ((0, 2.0), (1, 4.0)):
        put(
            tmp_path / "translations" / "m" / f"seed{seed}",
            images=20,
            seconds=seconds,
            macs=11,
            evaluations=5,
        )
    found = costs.costs_of(plan, "m", ())
    assert (found.training_runs, found.parameters, found.parameters_each) == (3, 15, 5)
    assert (found.images, found.seconds) == (63 / 2, 6300 / 2)
    assert (found.peak_memory, found.macs, found.inference) == (9, 11, "x")
    assert found.trained == pytest.approx(63 / 6300)
    assert (found.translated, found.seconds_each, found.evaluations) == ((10 + 5) / 2, 2 / 15, 5)
    one_seed = costs.costs_of(plan, "m", {training.id for training in training_runs[3:]})
    assert (one_seed.training_runs, one_seed.images, one_seed.parameters) == (3, 7, 15)


def put(folder, **facts):
    folder.mkdir(parents=True)
    write_key(folder, "k", **facts)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and resets the peak")
def test_the_peak_is_of_the_work_inside_and_not_of_what_was_before():
    # In a process of its own: what earlier tests leave behind may be freed in the middle.
    with ProcessPoolExecutor(1, FORK) as process:
        risen = process.submit(rise_of_the_peak, before=300, inside=100).result()
    if risen is None:
        pytest.skip("this system does not let a process reset its peak")
    assert 90 < risen < 200


def rise_of_the_peak(before, inside):
    """By how many MiB work on so many raises the peak, after work on so many before; None if that cannot be told."""
    mebibyte = 2**20
    torch.ones(before * mebibyte // 4)
    with peak_memory(torch.device("cpu")) as peak:
        start = peak()
        if start is None:
            return None
        torch.ones(inside * mebibyte // 4)
        return (peak() - start) / mebibyte


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (999, "999"), (1_500, "1.50 k"), (12_345_678, "12.35 M"), (2e9, "2.00 G")],
)
def test_counts_are_written_with_a_letter_for_their_thousands(value, text):
    assert scaled(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.0234, "0.0234"), (12.34, "12.3"), (1234.5, "1,234")])
def test_speeds_keep_three_digits(value, text):
    assert speed(value) == text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("Traceback (most recent call last):\n  File x\nValueError: no\n", "ValueError: no"),
        (
            "x.png cannot be read (cut short):\nrepair or remove it",
            "x.png cannot be read (cut short): repair or remove it",
        ),
        ("one of them failed", "one of them failed"),
    ],
)
def test_an_error_in_a_line_keeps_its_reason_and_its_remedy_and_of_a_traceback_the_last(error, line):
    assert error_line(error) == line

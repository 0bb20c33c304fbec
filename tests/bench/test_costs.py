"""What is said of costs is what was measured, and what can be counted by hand is counted so."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import pytest
import torch

from i2i import registry
from i2i.benchmarks.analysis import costs
from i2i.benchmarks.analysis.number_format import scaled, speed
from i2i.benchmarks.directions import expand
from i2i.benchmarks.evaluation.cost_meters import count_multiply_adds, peak_memory
from i2i.benchmarks.folder.cache_keys import write_key
from i2i.benchmarks.plan import Plan
from i2i.translator import Task
from tests.support.facts import plan_facts


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
def test_multiply_adds_are_those_of_the_convolutions_that_translate(name):
    model = translator(name, **SMALL.get(name, {"width": 4, "layers": 1}))
    images = torch.zeros(1, 3, 16, 16)
    counted = count_multiply_adds(model, images, "a", "b")
    assert counted == by_hooks(model, images, "a", "b") > 0


def test_a_copy_takes_no_multiply_adds():
    assert count_multiply_adds(translator("identity"), torch.zeros(1, 3, 16, 16), "a", "b") == 0


WAYS = (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a"), ("b", "c"), ("c", "b"))


def test_costs_are_sums_over_the_trainings_of_a_seed_and_means_over_seeds(tmp_path, monkeypatch):
    """Two seeds of three training runs; the numbers of a training are powers of two, so that every sum is its own."""
    trainings = [one for seed in (0, 1) for one in expand("m", "pair", ("a", "b", "c"), WAYS, 90, "dataset", seed)]
    plan = Plan(tmp_path, "made up", ("a", "b", "c"), WAYS, tuple(trainings), {}, (), plan_facts())
    meta = {
        tmp_path / training.folder: {"parameters": 5, "images": 2**place, "seconds": 100 * 2**place, "inference": "x"}
        for place, training in enumerate(trainings)
    }
    monkeypatch.setattr(costs, "newest_checkpoint", lambda run: run in meta)
    monkeypatch.setattr(costs, "require_checkpoint", lambda run: SimpleNamespace(meta=meta[run]))
    for place, training in enumerate(trainings):
        put(tmp_path / training.folder, peak_memory=[7, 9, 8, 1, 2, 3][place])
    for seed, seconds in ((0, 2.0), (1, 4.0)):
        put(tmp_path / "translations" / "m" / f"seed{seed}", pictures=20, seconds=seconds, multiply_adds=11)
    found = costs.costs_of(plan, "m", ())
    assert (found.trainings, found.parameters, found.parameters_each) == (3, 15, 5)
    assert (found.images, found.seconds) == (63 / 2, 6300 / 2)
    assert (found.peak_memory, found.multiply_adds, found.inference) == (9, 11, "x")
    assert found.trained == pytest.approx(63 / 6300)
    assert found.translated == (10 + 5) / 2
    one_seed = costs.costs_of(plan, "m", {training.id for training in trainings[3:]})
    assert (one_seed.trainings, one_seed.images, one_seed.parameters) == (3, 7, 15)


def put(folder, **facts):
    folder.mkdir(parents=True)
    write_key(folder, "k", **facts)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells and resets the peak")
def test_the_peak_is_of_the_work_inside_and_not_of_what_was_before():
    # In a process of its own: what earlier tests leave behind may be freed in the middle.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
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

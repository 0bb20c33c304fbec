"""What is drawn ahead for a GPU is complete when it is read, and stays as it is until it was read."""

import numpy as np
import pytest
import torch

from i2i.data.batches import PairedBatch
from i2i.data.batches_ahead import BatchesAhead
from i2i.data.image_files.images import Preprocess
from i2i.data.training_images import TrainingImages

SIDE = 24
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


class RecordingStream:
    """In the place of a CUDA stream: notes what it is asked for; the one that computes is made first."""

    def __init__(self, calls, name):
        self.calls, self.name = calls, name

    def wait_stream(self, other):
        self.calls.append(f"{self.name} waits for all of {other.name}")

    def record_event(self):
        self.calls.append(f"{self.name} notes the event")
        return "event"

    def wait_event(self, event):
        self.calls.append(f"{self.name} waits for the {event}")

    def __enter__(self):
        self.calls.append(f"{self.name} is current")

    def __exit__(self, *exception):
        self.calls.append(f"{self.name} is no longer current")


@pytest.fixture
def calls(monkeypatch):
    """What streams are asked for, where there is no GPU."""
    calls = []
    reader = RecordingStream(calls, "reader")
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: RecordingStream(calls, "copies"))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: reader)
    monkeypatch.setattr(
        torch.Tensor, "record_stream", lambda tensor, stream: calls.append(f"{stream.name} keeps {tensor.ndim}D")
    )
    return calls


def images_on(device, **share):
    rng = np.random.default_rng(0)
    pixels = {domain: rng.integers(0, 256, (50, SIDE + 4, SIDE + 4, 3), dtype=np.uint8) for domain in "ab"}
    return TrainingImages(pixels, Preprocess((SIDE, SIDE)), seed=3).on(device, **share)


def drawn(images, step, device):
    batch = PairedBatch.draw(images, ("a", "b"), 4, step)
    return batch.to(device, torch.contiguous_format).split(2)


def test_a_reader_waits_for_the_event_behind_the_draw_and_keeps_every_tensor(calls):
    cpu = torch.device("cpu")
    images = images_on(cpu)

    def draw(step):
        calls.append(f"step {step} is drawn")
        return drawn(images, step, cpu)

    with BatchesAhead(draw, torch.device("cuda")) as batches:
        first = batches(0)
    assert calls[0] == "copies waits for all of reader"  # what was put on the device before
    making = ["copies is current", "step 0 is drawn", "copies notes the event", "copies is no longer current"]
    assert calls[1:5] == making
    reading = [call for call in calls[5:] if call.startswith("reader")]
    assert reading == ["reader waits for the event"] + ["reader keeps 4D"] * 4  # 2 images of 2 micro-batches
    assert torch.equal(first[0].source, drawn(images, 0, cpu)[0].source)


def test_nothing_waits_for_the_draw_of_the_next_step(calls):
    cpu = torch.device("cpu")
    with BatchesAhead(lambda step: drawn(images_on(cpu), step, cpu), torch.device("cuda")) as batches:
        for step in range(3):
            batches(step)
    assert calls.count("copies waits for all of reader") == 1
    assert calls.count("reader waits for the event") == 3
    assert not any(call.startswith("reader waits for all") for call in calls)


def test_on_a_cpu_no_stream_is_asked_for(calls):
    cpu = torch.device("cpu")
    images = images_on(cpu)
    with BatchesAhead(lambda step: drawn(images, step, cpu), cpu) as batches:
        for step in (0, 1, 5):
            ours, plain = batches(step), drawn(images, step, cpu)
            assert all(torch.equal(one.target, other.target) for one, other in zip(ours, plain, strict=True))
    assert not calls


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("share", [{}, {"resident": 0.0}], ids=["resident", "pinned"])
def test_batches_of_a_slow_copy_stream_are_those_of_the_plain_path(share):
    """Slow work ahead of every copy and of every read: whoever waits for nothing sees other bits."""
    device = torch.device("cuda")
    there = images_on(device, **share)
    here = images_on(torch.device("cpu"))

    def slowly(step):
        torch.cuda._sleep(1_000_000)
        batches = drawn(there, step, device)
        torch.cuda._sleep(1_000_000)
        return [type(one)(one.source + 0, one.target + 0) for one in batches]

    seen = []
    with BatchesAhead(slowly, device) as batches:
        for step in range(300):
            given = batches(step)
            torch.cuda._sleep(2_000_000 if step % 3 else 0)
            seen.append([(one.source.clone(), one.target.clone()) for one in given])
            del given
    for step, own in enumerate(seen):
        plain = drawn(here, step, torch.device("cpu"))
        for (source, target), one in zip(own, plain, strict=True):
            assert torch.equal(source.cpu(), one.source), step
            assert torch.equal(target.cpu(), one.target), step

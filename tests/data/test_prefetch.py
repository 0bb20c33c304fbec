"""The next step's batch is ready while a step computes, and is the one that would have been drawn then."""

import threading
import time

import numpy as np
import pytest

from i2i import registry
from i2i.data.image_files.images import Preprocess
from i2i.data.prefetch import Prefetcher
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.testing import CPU, SIDE, STEPS, Subject
from i2i.training.callbacks.base import Callback
from i2i.training.trainer import Trainer


def test_the_value_of_the_next_step_is_made_before_it_is_asked_for():
    made = threading.Semaphore(0)

    def square(step):
        made.release()
        return step * step

    with Prefetcher(square) as squares:
        assert squares(3) == 9
        assert all(made.acquire(timeout=10) for _ in range(2))  # 3 and, unasked, 4
        assert squares(4) == 16


def test_values_do_not_depend_on_the_order_of_steps():
    with Prefetcher(lambda step: 10 * step) as tens:
        assert [tens(step) for step in (0, 1, 7, 2, 2, 3)] == [0, 10, 70, 20, 20, 30]


def test_only_time_spent_waiting_counts():
    def slow(step):
        time.sleep(0.2)
        return step

    with Prefetcher(slow) as values:
        values(0)
        assert values.waited >= 0.2
        time.sleep(0.4)
        values(1)
        assert values.waited < 0.1


def test_an_error_is_raised_at_its_own_step_and_not_before():
    def broken(step):
        if step == 2:
            raise UserError("the third image is broken")
        return step

    with Prefetcher(broken) as values:
        assert [values(0), values(1)] == [0, 1]
        with pytest.raises(UserError, match="third"):
            values(2)


def test_the_thread_ends_with_the_block():
    with Prefetcher(lambda step: step) as values:
        values(0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


class Keep(Callback):
    def __init__(self):
        self.records = []

    def on_record(self, record):
        self.records.append(record)


@pytest.mark.integration
@pytest.mark.parametrize(("seconds", "low", "high"), [(0.0, 0.0, 0.7), (0.3, 0.7, 1.0)])
def test_a_record_says_which_share_of_the_time_went_into_waiting(tmp_path, seconds, low, high):
    class Slow(np.ndarray):
        def __getitem__(self, places):
            time.sleep(seconds)
            return np.asarray(self)[places]

    subject, keep = Subject(registry.get("cyclegan")), Keep()
    pixels = {name: np.zeros((2, SIDE, SIDE, 3), np.uint8).view(Slow) for name in subject.task.domains}
    images = TrainingImages(pixels, Preprocess((SIDE, SIDE)))
    Trainer(tmp_path, subject.config(log_every=STEPS), subject.task, images, CPU, (keep,)).train()
    assert low <= keep.records[-1].data_share <= high

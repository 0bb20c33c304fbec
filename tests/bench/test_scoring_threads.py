"""Networks that score take several images at once, with the threads that torch may use, and leave no trace."""

from threading import Barrier, Thread

import pytest
import torch
from torch import nn

from i2i.metrics.features._inference import CPU_CHUNK, in_parts, scoring

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_threads_change_no_bit_and_parts_stay_in_order(threads):
    images, made = torch.randn(3 * CPU_CHUNK + 1, 3, 24, 24), network()
    with scoring(made, CPU):
        found = in_parts(made, CPU, images)
        torch.set_num_threads(1)
        expected = torch.cat([made(part) for part in torch.split(images, CPU_CHUNK)])
    assert torch.equal(found, expected)


def test_sets_are_divided_alike():
    left, right = torch.arange(10.0), torch.arange(10.0) * 2
    assert torch.equal(in_parts(lambda one, other: one + other, CPU, left, right), left * 3)
    assert in_parts(lambda part: part, CPU, torch.empty(0, 3)).shape == (0, 3)


def test_several_parts_are_worked_on_at_once(threads):
    together = Barrier(threads)  # waits until as many parts are in work

    def work(part):
        together.wait(timeout=20)
        return part

    in_parts(work, CPU, torch.zeros(CPU_CHUNK * threads))


def test_neither_autocast_nor_gradients_reach_the_threads(threads):
    seen = []

    def work(part):
        seen.append((torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()))
        return part

    with torch.autocast("cpu", torch.bfloat16), scoring(network(), CPU):
        in_parts(work, CPU, torch.zeros(4 * CPU_CHUNK))
    assert seen == [(False, False, 1)] * 4


def test_the_number_of_threads_stays_also_for_those_that_start_later(threads):
    found = []
    in_parts(lambda part: part, CPU, torch.zeros(4 * CPU_CHUNK))
    later = Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert [torch.get_num_threads(), *found] == [threads, threads]


def test_an_error_in_a_part_is_an_error(threads):
    def work(part):
        raise ValueError("a bad part")

    with pytest.raises(ValueError, match="a bad part"):
        in_parts(work, CPU, torch.zeros(4 * CPU_CHUNK))

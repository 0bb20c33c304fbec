"""Gradients leave in buckets while the backward pass goes on, and come back as means."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from i2i.distributed import gradient_exchange
from i2i.distributed.gradient_exchange import GradientExchange, in_buckets


class Answered:
    """What an exchange that is under way gives; the other process's gradients are three times one's own."""

    def __init__(self, flat):
        self.flat = flat

    def wait(self):
        self.flat *= 4


@pytest.fixture
def sent(monkeypatch):
    """The tensors that were sent, in order."""
    tensors = []

    def all_reduce(flat, async_op):
        assert async_op
        tensors.append(flat)
        return Answered(flat)

    monkeypatch.setattr(gradient_exchange.dist, "all_reduce", all_reduce)
    return tensors


def three_weights():
    return [nn.Parameter(torch.full((2, 3), float(number))) for number in (1, 2, 3)]


def exchange_of(weights, bucket_bytes=24):
    return GradientExchange(weights, 2, nullcontext, bucket_bytes)


def test_buckets_go_from_the_last_parameter_to_the_first_and_hold_no_more_than_they_may():
    first, second, third = three_weights()
    assert in_buckets([first, second, third], 48) == [[third, second], [first]]
    assert in_buckets([first, second, third], 1) == [[third], [second], [first]]
    assert in_buckets([first, second, third], 1000) == [[third, second, first]]
    assert in_buckets([], 1000) == []


def test_gradients_are_sent_while_later_ones_are_computed_and_their_means_come_back(sent):
    first, second, third = weights = three_weights()
    exchange = exchange_of(weights)
    under_way = []
    hidden = first * 1.0
    hidden.register_hook(lambda gradient: under_way.append(len(sent)))
    with exchange.meanwhile():
        gradients = torch.autograd.grad((hidden * second * third).sum(), weights)
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    assert under_way[0] > 0  # some had left before the gradient of the first was there
    exchange.finish()
    assert [float(weight.grad.mean()) for weight in weights] == [12.0, 6.0, 4.0]


def test_what_comes_out_of_order_or_not_at_all_is_sent_in_the_order_of_all_processes(sent):
    first, second, third = weights = three_weights()
    exchange = exchange_of(weights)
    with exchange.meanwhile():  # the loss reaches the first weight alone
        (gradient,) = torch.autograd.grad((first * 5).sum(), [first])
    assert not sent
    first.grad, second.grad, third.grad = gradient, torch.zeros(2, 3), torch.ones(2, 3)
    exchange.finish()
    assert [float(flat.mean()) for flat in sent] == [2.0, 0.0, 10.0]  # third, second, first; means by now
    assert float(first.grad.mean()) == 10.0


def test_gradients_of_earlier_micro_batches_are_in_what_is_sent(sent):
    (weight,) = weights = three_weights()[:1]
    weight.grad = torch.full((2, 3), 7.0)
    exchange = exchange_of(weights)
    with exchange.meanwhile():
        (gradient,) = torch.autograd.grad((weight * 5).sum(), [weight])
    weight.grad.add_(gradient)
    assert torch.equal(sent[0], torch.full((6,), 12.0))
    exchange.finish()
    assert torch.equal(weight.grad, torch.full((2, 3), 24.0))


def test_nothing_listens_to_gradients_after_the_turn(sent):
    (weight,) = weights = three_weights()[:1]
    with exchange_of(weights).meanwhile():
        pass
    torch.autograd.grad((weight * 5).sum(), weights)
    assert not sent

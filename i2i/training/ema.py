"""The exponential moving average of the networks that translate."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from i2i.translator import Translator

STATISTICS = ("running_mean", "running_var")
"""How buffers of norms end that hold running statistics."""


def build_average(
    translator: Translator, decay: float, warmup: bool = True, statistics: bool = False
) -> "Average | None":
    """The average that a training keeps, see `Average`; None with a decay of 0 or where nothing is learnt."""
    return Average(translator, decay, warmup, statistics) if decay and translator.phases() else None


class Average:
    """A moving average of a translator's `generators`, or of all that it trains if it names none.

    After the step numbered s from 0, with w the weights,

        average <- d * average + (1 - d) * w,    d = min(decay, (1 + s) / (10 + s)).

    Karras et al. 2018 (Progressive Growing of GANs, appendix A.1), Yazici et al. 2019 (The Unusual Effectiveness of
    Averaging in GAN Training). The smaller d of the first steps, as in TensorFlow's ExponentialMovingAverage, lets the
    average forget the untrained weights it starts from; without this warmup d is always the decay. Parameters are
    averaged. Buffers are copied. Running statistics of batch norm are averages already, but of the last ten batches or
    so, and scatter where a batch has few images: `statistics` averages them too. Brock et al. 2019 (Large Scale GAN
    Training) also give averaged weights the statistics of many batches.

    Args:
        translator: on its device, with the weights to start from.
        decay: the d of later steps, above 0 and below 1.
        warmup: whether the first steps have a smaller one.
        statistics: whether running means and variances are averaged as the weights are.
    """

    def __init__(self, translator: Translator, decay: float, warmup: bool = True, statistics: bool = False) -> None:
        self.decay, self.warmup = decay, warmup
        live = _averaged_part(translator, (*translator.named_parameters(), *translator.named_buffers()))
        buffers = {name for name, _ in translator.named_buffers()}
        copied = {name for name in buffers if not (statistics and name.endswith(STATISTICS))}
        self._averaged = {name: value for name, value in live.items() if name not in copied}
        self._copied = {name: value for name, value in live.items() if name in copied}
        self._averages = {name: value.detach().clone() for name, value in live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step`.

        They are finite: once a gradient is not, optimizers no longer step. Buffers need not be, but a training that
        found a fault saves neither.
        """
        decay = min(self.decay, (1 + step) / (10 + step)) if self.warmup else self.decay
        if self._averaged:
            torch._foreach_lerp_(self._averages_of(self._averaged), list(self._averaged.values()), 1 - decay)
        if self._copied:
            torch._foreach_copy_(self._averages_of(self._copied), list(self._copied.values()))

    def _averages_of(self, live: Mapping[str, Tensor]) -> list[Tensor]:
        return [self._averages[name] for name in live]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """A block in which the translator has the averages for weights; nothing is copied, only exchanged."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, value in {**self._averaged, **self._copied}.items():
            value.data, self._averages[name] = self._averages[name], value.data

    def state(self) -> dict[str, Tensor]:
        """The averages under the names of the translator's state, on the CPU."""
        return {name: value.cpu().contiguous() for name, value in self._averages.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; ValueError if that has other names or shapes."""
        found, own = ({name: value.shape for name, value in one.items()} for one in (state, self._averages))
        if found != own:
            raise ValueError("its names and shapes are not those of the networks that translate")
        for name, value in self._averages.items():
            value.copy_(state[name])


def _averaged_part(translator: Translator, named: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    trained = {network for optimizer in translator.optimizers().values() for network in optimizer.networks}
    networks = {network.split(".")[0] for network in translator.generators or trained}
    return {name: value for name, value in named if name.split(".")[0] in networks}

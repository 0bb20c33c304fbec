"""Parameters and MACs of every method at its own settings, counted on shapes alone.

    python benchmarks/studies/zoo_costs.py [--size 256] [--models cyclegan,pix2pix] [--set model.width=32]

Prints the columns of costs of docs/zoo.md. Counted are parameters that are trained, and the multiplications with
addition in convolutions and matrix products: of one training step on a batch of one item, backward passes included,
where a phase that takes every n-th turn counts as an n-th, and where chance decides how much is done, the mean over
what it may decide; and of one translation, by the method's own number of sampling steps where it has such.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from i2i import registry
from i2i.benchmarks.analysis.number_format import scaled, whole
from i2i.config import parse_assignments
from i2i.training.setup import blank_batch, blank_translator, run_config
from i2i.training.steps.step import drawn_losses, phase_parameters
from i2i.translator import Coverage, Request, Step, Task, Translator
from i2i.translator.request import Noise

DOMAINS = 3  # of a method that serves several
DRAWS = 50  # after which none of five equally likely decisions is still missing


class MultiplyAdds(TorchDispatchMode):
    """Counts those of all that runs inside; unlike FlopCounterMode also where a loss takes gradients itself."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total: int = 0

    def __torch_dispatch__(
        self, function: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        outcome = function(*args, **(kwargs or {}))
        count = flop_registry.get(function._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=outcome) // 2  # it counts two for each
        return outcome


def built(name: str, settings: dict[str, object], size: int) -> Translator:
    """A method without weights, for two domains or, where one training serves all, three."""
    coverage = registry.get(name).coverage
    domains = [f"d{place}" for place in range(DOMAINS if coverage is Coverage.ALL else 2)]
    return blank_translator(run_config(name, settings), Task.covering(coverage, domains, (size, size))).train()


def training_macs(translator: Translator) -> float:
    """MACs of a training step: the mean over what chance may decide, all of it equally likely."""
    by_decision: dict[tuple[int, ...], float] = {}
    for seed in range(DRAWS):
        torch.manual_seed(seed)
        decided, macs = step_macs(translator)
        by_decision[decided] = macs
        if not decided:
            break
    return sum(by_decision.values()) / len(by_decision)


def step_macs(translator: Translator) -> tuple[tuple[int, ...], float]:
    """What was drawn for a step that is not on the device, where its code reads it, and the step's MACs."""
    batch, step, total = blank_batch(translator, 1), Step(), 0.0
    for phase in translator.phases():
        with MultiplyAdds() as counter:
            losses = drawn_losses(phase, batch, step)
            torch.autograd.grad(
                losses.total, phase_parameters(translator, phase), retain_graph=True, materialize_grads=True
            )
        total += counter.total / phase.every
    return tuple(int(drawn) for drawn in step.values() if drawn.device.type == "cpu"), total


def translation_macs(translator: Translator) -> int:
    """MACs of one translation to the last domain."""
    task = translator.eval().task
    images = torch.zeros(1, task.channels, *task.image_size, device="meta")
    labels = task.labels.towards(task.domains[-1]).to("meta") if "labels" in translator.takes else None
    request = Request(0, len(task.domains) - 1, Noise([0], "meta"), labels)
    with MultiplyAdds() as counter, torch.no_grad():
        translator.generate(images, request)
    return int(counter.total)


def main() -> None:
    """Print a row of Markdown per method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--models", help="by default all that learn something")
    parser.add_argument("--set", action="append", default=[], help="settings of all of them")
    options = parser.parse_args()
    print("| Method | Parameters | MACs of a step | MACs of a translation |\n|---|---|---|---|")
    for name in options.models.split(",") if options.models else registry.names():
        translator = built(name, parse_assignments(options.set), options.size)
        if not translator.phases():
            continue
        parameters = sum(parameter.numel() for parameter in translator.learned_parameters().values())
        macs = [scaled(count(translator)) for count in (training_macs, translation_macs)]
        print(f"| {name} | {whole(parameters)} | {macs[0]} | {macs[1]} |", flush=True)


if __name__ == "__main__":
    main()

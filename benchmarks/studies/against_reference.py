"""A training step of CycleGAN, pix2pix or StarGAN beside that of the authors' code, or a plain loop in its place.

    OMP_NUM_THREADS=1 python benchmarks/studies/against_reference.py PATH [--models cyclegan,pix2pix] [--size 128]
    OMP_NUM_THREADS=1 python benchmarks/studies/against_reference.py [--models stargan] [--batch 4]

PATH is a checkout of https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix, whose modules `options` and `models` are
imported from there. Without it, and for StarGAN, a loop as one would write it with PyTorch stands in: the published
networks with PyTorch's own norms and convolutions, its Adam as it comes, and the losses of the papers. Both train on
the same batch in turn, each in a process of its own: theirs as it comes (float32, NCHW), ours with what `auto` chooses
and in float32, with freed memory kept as in a training. Printed are the steps per second of theirs by the time of the
process, and how many times as many ours takes, by that and by the clock: the median of the rounds, the smallest and the
largest. A step of StarGAN is all up to an update of its generator.
"""

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import nn

from i2i import registry
from i2i.config import RunConfig
from i2i.data.batches import Batch, LabelledBatch, PairedBatch, UnpairedBatch
from i2i.errors import UserError
from i2i.nn import ImagePool
from i2i.nn.convolutions import ToImageConv2d
from i2i.nn.norm import InstanceNorm
from i2i.training.device import autocast, choose_device, memory_format_of, resolved
from i2i.training.setup import run_config
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, training_step
from i2i.training.trainer import build_translator
from i2i.translator import Coverage, Task, Translator
from i2i.utils.memory import freed_memory_kept

DOMAINS = ("a", "b", "c", "d", "e")
THEIR_NAMES = {"cyclegan": "cycle_gan", "pix2pix": "pix2pix"}
BATCHES: dict[str, Callable[..., Batch]] = {"cyclegan": UnpairedBatch, "pix2pix": PairedBatch, "stargan": LabelledBatch}
OWN_LAYERS: dict[type[nn.Module], type[nn.Module]] = {InstanceNorm: nn.InstanceNorm2d, ToImageConv2d: nn.Conv2d}
"""What a plain loop has in place of layers of this project that do the same faster."""

Take = Callable[[], None]
Items = tuple[torch.Tensor, torch.Tensor]
"""Images of two domains [B, 3, H, W], or images and their labels [B, domains]."""


def items_for(name: str, size: int, count: int) -> Items:
    """A batch of random images."""
    torch.manual_seed(0)
    images = torch.rand(2, count, 3, size, size) * 2 - 1
    labels = F.one_hot(torch.arange(count) % len(DOMAINS), len(DOMAINS)).float()
    return (images[0], labels) if name == "stargan" else (images[0], images[1])


def published(name: str, size: int, count: int, precision: str) -> tuple[Translator, RunConfig]:
    """The model at its published settings, and these with what `auto` chooses on a CPU."""
    settings = {"data": {"image_size": size}, "train": {"precision": precision, "batch_size": count}}
    config = resolved(run_config(name, settings), choose_device("cpu"))
    domains = DOMAINS if registry.get(name).coverage is Coverage.ALL else DOMAINS[:2]
    task = Task.covering(registry.get(name).coverage, domains, (size, size))
    return build_translator(config, task).train(), config


def ours(name: str, translator: Translator, config: RunConfig, items: Items) -> Take:
    """A step of this project."""
    device, layout = choose_device("cpu"), memory_format_of(config.train)
    translator.to(memory_format=layout)
    optimizers, guard = build_optimizers(translator), FiniteGuard(device)
    batch = BATCHES[name](*items).to(device, layout)
    turns = math.lcm(*(phase.every for phase in translator.phases()))

    def take() -> None:
        for turn in range(turns):
            training_step(translator, optimizers, [batch], turn, guard, autocast(config.train.precision, device))

    return take


def plain(name: str, translator: Translator, items: Items) -> Take:
    """A step as one would write it with PyTorch, of the same networks."""
    for module in translator.modules():
        if type(module) in OWN_LAYERS:
            cast(Any, module).__class__ = OWN_LAYERS[type(module)]
    return PLAIN[name](translator, *items)


def _adam(*networks: nn.Module, lr: float = 2e-4) -> torch.optim.Adam:
    weights = [weight for network in networks for weight in network.parameters()]
    return torch.optim.Adam(weights, lr=lr, betas=(0.5, 0.999))


def _update(optimizer: torch.optim.Adam, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _bce(scores: torch.Tensor, real: bool) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, float(real)))


def _squares(scores: torch.Tensor, real: bool) -> torch.Tensor:
    return F.mse_loss(scores, torch.full_like(scores, float(real)))


def _pix2pix(model: Any, source: torch.Tensor, target: torch.Tensor) -> Take:
    generator, critic = model.generator, model.discriminator
    of_generator, of_critic = _adam(generator), _adam(critic)

    def take() -> None:
        fake = generator(source)
        critic.requires_grad_(True)
        on_fake = _bce(critic(torch.cat((source, fake.detach()), 1)), False)
        _update(of_critic, (on_fake + _bce(critic(torch.cat((source, target), 1)), True)) / 2)
        critic.requires_grad_(False)
        adversarial = _bce(critic(torch.cat((source, fake), 1)), True)
        _update(of_generator, adversarial + 100 * F.l1_loss(fake, target))

    return take


def _cyclegan(model: Any, a: torch.Tensor, b: torch.Tensor) -> Take:
    to_a, to_b, critics = model.b_to_a, model.a_to_b, nn.ModuleList([model.discriminator_a, model.discriminator_b])
    pools = ImagePool(50), ImagePool(50)
    of_generators, of_critics = _adam(to_b, to_a), _adam(critics)

    def take() -> None:
        fakes = to_a(b), to_b(a)
        critics.requires_grad_(False)
        adversarial = _squares(critics[0](fakes[0]), True) + _squares(critics[1](fakes[1]), True)
        cycle = F.l1_loss(to_a(fakes[1]), a) + F.l1_loss(to_b(fakes[0]), b)
        identity = F.l1_loss(to_a(a), a) + F.l1_loss(to_b(b), b)
        _update(of_generators, adversarial + 10 * cycle + 5 * identity)
        critics.requires_grad_(True)
        of_critics.zero_grad()
        for critic, pool, real, fake in zip(critics, pools, (a, b), fakes, strict=True):
            shown = pool.exchange(fake.detach())
            loss = (_squares(critic(real), True) + _squares(critic(shown), False)) / 2
            loss.backward()  # type: ignore[no-untyped-call]
        of_critics.step()

    return take


def _stargan(model: Any, real: torch.Tensor, labels: torch.Tensor) -> Take:
    generator, critic = model.generator, model.discriminator
    of_generator, of_critic = _adam(generator, lr=1e-4), _adam(critic, lr=1e-4)
    own, count = labels.argmax(1), len(real)

    def take() -> None:
        for _ in range(model.config.n_critic):
            order = torch.randperm(count)
            targets = labels[order]
            scores, logits = critic.scores_and_logits(real)
            fake = generator(real, targets)
            weight = torch.rand(count, 1, 1, 1)
            mixed = (weight * real + (1 - weight) * fake.detach()).requires_grad_()
            (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
            penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
            wasserstein = critic(fake.detach()).mean() - scores.mean()
            _update(of_critic, wasserstein + F.cross_entropy(logits, own) + 10 * penalty)
        fake = generator(real, targets)
        scores, logits = critic.scores_and_logits(fake)
        back = F.l1_loss(generator(fake, labels), real)
        _update(of_generator, F.cross_entropy(logits, own[order]) - scores.mean() + 10 * back)

    return take


PLAIN = {"cyclegan": _cyclegan, "pix2pix": _pix2pix, "stargan": _stargan}


def theirs(name: str, size: int, items: Items, folder: str) -> Take:
    """A step of the authors' code on the same images."""
    options: Any = import_module("options.train_options")
    models: Any = import_module("models")
    given = ["--dataroot", folder, "--checkpoints_dir", folder, "--name", name, "--model", THEIR_NAMES[name]]
    given += [
        "--crop_size",
        str(size),
        "--load_size",
        str(size),
        "--batch_size",
        str(len(items[0])),
        "--no_html",
        "--display_id",
        "-1",
    ]
    model = models.create_model(_parsed(options.TrainOptions(), given))
    data = {"A": items[0], "B": items[1], "A_paths": ["a"], "B_paths": ["b"]}

    def take() -> None:
        model.set_input(data)
        model.optimize_parameters()

    return take


def _parsed(options: Any, given: list[str]) -> Any:
    """Their options for a training on the CPU; arguments that a version of theirs lacks are left out."""
    before = sys.argv
    try:
        for extra in (["--gpu_ids", "-1"], []):
            sys.argv = ["train.py", *given, *extra]
            try:
                parsed = options.parse()
            except SystemExit:
                given = [word for word in given if word not in ("--display_id", "-1", "--no_html")]
                continue
            parsed.device = torch.device("cpu")
            return parsed
    finally:
        sys.argv = before
    raise UserError("the options of that checkout are not understood: it is to be pytorch-CycleGAN-and-pix2pix")


def reference_step(name: str, size: int, count: int, path: Path | None, folder: str) -> Take:
    """A step of the authors' code in a checkout, or of a plain loop."""
    items = items_for(name, size, count)
    if path is None:
        return plain(name, published(name, size, count, "fp32")[0], items)
    sys.path.insert(0, str(path.absolute()))
    return theirs(name, size, items, folder)


def own_step(name: str, size: int, count: int, precision: str) -> Take:
    """A step of this project at the published settings."""
    return ours(name, *published(name, size, count, precision), items_for(name, size, count))


class Side:
    """One of the two in a process of its own, since what one keeps of its memory would serve the other.

    Args:
        build: gives its step.
        given: to `build`.
        memory_kept: whether it keeps what it frees, as a training of this project does.
    """

    def __init__(self, build: Callable[..., Take], *given: object, memory_kept: bool) -> None:
        spawn = get_context("spawn")
        self._connection, connection = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(connection, build, given, memory_kept), daemon=True)
        self._process.start()
        connection.close()

    def seconds(self, steps: int) -> tuple[float, float]:
        """Process time and time by the clock of so many steps; SystemExit if its process has failed."""
        try:
            self._connection.send(steps)
            process, clock = self._connection.recv()
        except (EOFError, OSError):
            sys.exit("a process has failed, see above")
        return process, clock

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, build: Callable[..., Take], given: tuple[object, ...], memory_kept: bool) -> None:
    with freed_memory_kept() if memory_kept else nullcontext():
        take = build(*given)
        take()
        while True:
            connection.send(_seconds(take, connection.recv()))


class Measured(NamedTuple):
    """Their steps per second of process time, and how many times as many ours are, by process time and by the clock."""

    rate: float
    process: list[float]
    clock: list[float]


def measure(reference: Side, own: Side, rounds: int, steps: int) -> Measured:
    """Both in turn; ratios are sorted."""
    pairs = [(reference.seconds(steps), own.seconds(steps)) for _ in range(rounds)]
    process, clock = (sorted(one[kind] / two[kind] for one, two in pairs) for kind in (0, 1))
    return Measured(steps / statistics.median(one[0] for one, _ in pairs), process, clock)


def _seconds(take: Take, steps: int) -> tuple[float, float]:
    process, clock = time.process_time(), time.perf_counter()
    for _ in range(steps):
        take()
    return time.process_time() - process, time.perf_counter() - clock


def positive(text: str) -> int:
    """A number from 1 on."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def main(arguments: list[str] | None = None) -> None:
    """Measure and print a line per model and precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "path", type=Path, nargs="?", help="a checkout of the authors' code; none, and for stargan: a plain loop"
    )
    parser.add_argument("--models", default=",".join(PLAIN))
    parser.add_argument("--size", type=positive, default=128)
    parser.add_argument("--batch", type=positive, help="by default that of the paper")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--steps", type=positive, default=2)
    options = parser.parse_args(arguments)
    names = options.models.split(",")
    if not set(names) <= set(PLAIN):
        parser.error(f"--models {options.models}: known are {', '.join(PLAIN)}")
    if options.path is not None and not (options.path / "options" / "train_options.py").is_file():
        parser.error(f"{options.path} is no checkout of pytorch-CycleGAN-and-pix2pix: leave it out for a plain loop")
    for name in names:
        count = options.batch or registry.get(name).defaults.get("batch_size", 1)
        path = options.path if name in THEIR_NAMES else None
        with tempfile.TemporaryDirectory() as folder:
            reference = Side(reference_step, name, options.size, count, path, folder, memory_kept=False)
            for precision in ("auto", "fp32"):
                own = Side(own_step, name, options.size, count, precision, memory_kept=True)
                found = measure(reference, own, options.rounds, options.steps)
                own.end()
                print(
                    f"{name} {options.size} px, batch {count}: {'theirs' if path else 'a plain loop'} "
                    f"{found.rate:.3f} steps/s; ours in {precision} {_spread(found.process)} times as many by process "
                    f"time, {_spread(found.clock)} by the clock",
                    flush=True,
                )
            reference.end()


if __name__ == "__main__":
    main()

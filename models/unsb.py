"""UNSB: an unpaired Schroedinger bridge, a walk from one domain to another in a few steps of one network.

Kim, Kwon, Kim, Ye: Unpaired Image-to-Image Translation via Neural Schrodinger Bridge, ICLR 2024,
https://arxiv.org/abs/2305.15086. At every time of the walk the generator guesses its end; the walk goes some way there
and adds noise. Beside CUT's losses the guesses keep to the bridge: a network that tells pairs apart bounds their
entropy.

The authors' code (d1f644f) has a fault. In a residual block each layer is given the input of the block and not what the
layer before it gives, so that the first convolution and the time have no effect: the generator does the same at all
times, and half of its parameters do nothing. Here blocks are whole. The time would still have no effect where the code
adds it, ahead of an instance norm, which takes it away again; so it is added behind that norm. Scales start at 1, which
the code's initialisation sets to 0. With `published_blocks=true` the blocks are those that the published numbers were
made with, without what does nothing.
"""

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from i2i.data.batches import TwiceBatch
from i2i.losses import OBJECTIVES, discriminator_terms, halved, interpolation
from i2i.models._contrastive import ContrastiveConfig, contrasts, draw_places, sizes_of, with_contrasts
from i2i.nn import PatchProjection, TimedGenerator, TimedPatchDiscriminator, initialize, without_gradients
from i2i.registry import register
from i2i.translator import Coverage, Losses, Optimizer, Phase, Request, Step, Task, Translator


class UNSBConfig(ContrastiveConfig):
    """Settings of UNSB; the defaults are those of the authors' command for training. All weights are absolute."""

    steps: int = Field(5, ge=2, le=1_000, description="times of the walk, and most sampling steps")
    tau: float = Field(0.01, ge=0, description="variance of the noise of the whole walk")
    lambda_bridge: float = Field(
        1.0, ge=0, description="of the distance between a point of the walk and its guessed end"
    )
    published_blocks: bool = Field(False, description="blocks as in the authors' code, which do not know the time")


@register("unsb")
class UNSB(Translator):
    """A `generator` that guesses ends, a `discriminator` of them, the `energy` of pairs, a `projection` of patches."""

    coverage = Coverage.DIRECTION
    batch = TwiceBatch
    generators = ("generator",)
    Config = UNSBConfig
    takes = frozenset({"noise", "sampling_steps"})
    defaults = {"zoom_until": 0.5}
    test_settings = {
        "width": 4,
        "discriminator_width": 2,
        "projection_width": 4,
        "blocks": 1,
        "layers": 1,
        "taps": ("image", "down2", "block1"),
        "patches": 8,
        "steps": 3,
    }
    multiple = TimedGenerator.multiple
    config: UNSBConfig

    def __init__(self, config: UNSBConfig, task: Task) -> None:
        super().__init__(config, task)
        self.most_sampling_steps = config.steps
        self.times = times_of(config.steps)
        self.generator = self._generator()
        with torch.device("meta"):
            generator, images = self._generator(), torch.empty(1, task.channels, *task.image_size)
            noise = torch.empty(1, generator.noise_width)
            channels, self.places = sizes_of(generator.features(images, 0, noise, config.taps))
        self.projection = initialize(PatchProjection(channels, config.projection_width), "xavier")
        self.discriminator = self._discriminator(task.channels)
        self.energy = self._discriminator(4 * task.channels)

    def _generator(self) -> TimedGenerator:
        config = self.config
        generator = TimedGenerator(
            self.task.channels, config.width, config.blocks, timed=not config.published_blocks, norm=config.norm
        )
        initialize(generator, "xavier")
        if not config.published_blocks:
            generator.start_at_scale_one()
        return generator

    def _discriminator(self, channels: int) -> TimedPatchDiscriminator:
        config = self.config
        return initialize(
            TimedPatchDiscriminator(channels, config.discriminator_width, config.layers, config.norm), "xavier"
        )

    def optimizers(self) -> dict[str, Optimizer]:
        rate, betas = self.config.learning_rate, (self.config.beta1, 0.999)
        networks = {
            "discriminator": ("discriminator",),
            "energy": ("energy",),
            "generator": ("generator", "projection"),
        }
        return {name: Optimizer(own, rate, betas) for name, own in networks.items()}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase("discriminator", self._discriminator_loss, self._draw_walk),
            Phase("energy", self._energy_loss),
            Phase("generator", self._generator_loss, self._draw_contrasts),
        )

    def _images(self, batch: TwiceBatch) -> Tensor:
        """All that walks: source, source again and, where it is compared with its translation, target."""
        sides = (batch.a, batch.again, batch.b) if self.config.lambda_identity else (batch.a, batch.again)
        return torch.cat(sides)

    def _draw_walk(self, batch: TwiceBatch, step: Step) -> None:
        """How far all walk, and the noise on the way; the time stays on the CPU, where it is read."""
        images, device = self._images(batch), batch.a.device
        step["time"] = torch.randint(self.config.steps, (1,))
        walked, width = int(step["time"]), self.generator.noise_width
        step["walk_styles"] = torch.randn(walked, len(images), width, device=device)
        step["walk_noise"] = torch.randn(walked, *images.shape, device=device)
        step["styles"] = torch.randn(len(images), width, device=device)
        if OBJECTIVES[self.config.gan].penalized:
            step["interpolation"] = interpolation(batch.b)

    def _discriminator_loss(self, batch: TwiceBatch, step: Step) -> Losses:
        """Walk without gradients, guess the end, and tell that of the source from a real image."""
        time, images = int(step["time"]), self._images(batch)
        with without_gradients():
            for index in range(time):
                guess = self.generator(images, index, step["walk_styles"][index])
                images = self._onward(images, guess, index, step["walk_noise"][index])
        guesses = self.generator(images, time, step["styles"])
        for names, tensors in (
            (("start", "start_again"), torch.split(images, len(batch.a))),
            (("fake", "fake_again", "identity"), torch.split(guesses, len(batch.a))),
        ):
            step.update(zip(names, tensors, strict=False))
        terms = discriminator_terms(
            self.config.gan,
            lambda shown: self.discriminator(shown, time),
            batch.b,
            step["fake"],
            step.get("interpolation"),
        )
        return Losses(halved(terms, self.config.lambda_gp), terms)

    def _energy_loss(self, batch: TwiceBatch, step: Step) -> Losses:
        """Tell what belongs together from what does not; as in the code a square keeps the level from drifting."""
        own, others = self._energies(step, step["fake"].detach(), step["fake_again"].detach())
        return Losses(others.square() + others - own, {"own": own, "others": others})

    def _energies(self, step: Step, fake: Tensor, again: Tensor) -> tuple[Tensor, Tensor]:
        """Mean energy of pairs of start and guess with themselves; log of the sum of its exponential with others."""
        pairs, others = torch.cat((step["start"], fake), 1), torch.cat((step["start_again"], again), 1)
        time = int(step["time"])
        own, mixed = (self.energy(torch.cat((pairs, second), 1), time).float() for second in (pairs, others))
        return own.mean(), torch.logsumexp(mixed.flatten(), 0)

    def _draw_contrasts(self, batch: TwiceBatch, step: Step) -> None:
        draw_places(step, self.config, self.places, batch.a.device)
        for kind in self.config.kinds:
            step[f"{kind}_styles"] = torch.randn(len(batch.a), self.generator.noise_width, device=batch.a.device)

    def _generator_loss(self, batch: TwiceBatch, step: Step) -> Losses:
        """Look real, end near where the walk is and with much entropy, and keep what is where."""
        config, time = self.config, int(step["time"])
        adversarial = OBJECTIVES[config.gan].generator(self.discriminator(step["fake"], time))
        own, others = self._energies(step, step["fake"], step["fake_again"])
        distance = F.mse_loss(step["fake"], step["start"])
        bridge = config.tau * (distance - (config.steps - time) / config.steps * (own - others))
        loss = config.lambda_gan * adversarial + config.lambda_bridge * bridge
        losses = Losses(loss, {"adversarial": adversarial, "bridge": bridge})
        return with_contrasts(config, losses, batch, step, self._nce)

    def _nce(self, kind: str, source: Tensor, translated: Tensor, step: Step) -> dict[str, Tensor]:
        """CUT's contrasts, in feature maps of the walk's first time and one noise."""
        given = (0, step[f"{kind}_styles"], self.config.taps)
        queries = self.generator.features(translated, *given)
        with without_gradients():
            keys = self.generator.features(source, *given)
        return contrasts(kind, self.config, step, self.projection, queries, keys)

    def _onward(self, images: Tensor, guess: Tensor, index: int, noise: Tensor) -> Tensor:
        """From a time to the next: some way to the guessed end, and noise."""
        before, after = self.times[index : index + 2]
        share = (after - before) / (1 - before)
        spread = math.sqrt((after - before) * (1 - share) * self.config.tau)
        return (1 - share) * images + share * guess + spread * noise

    def generate(self, images: Tensor, request: Request) -> Tensor:
        """The end that is guessed at the last of the first `sampling_steps` times."""
        width, shape = self.generator.noise_width, images.shape[1:]
        for index in range(request.sampling_steps or self.config.steps):
            guess: Tensor = self.generator(images, index, request.noise.normal(width).to(images.dtype))
            images = self._onward(images, guess, index, request.noise.normal(*shape).to(images.dtype))
        return guess

    @property
    def inference(self) -> str:
        return f"a walk of {self.config.steps} steps, noise by each image's seed"


def times_of(steps: int) -> list[float]:
    """The times of a walk of so many steps, and its end: 0, a half, and on in ever smaller steps to 1."""
    lengths = [0.0, *(1 / number for number in range(1, steps))]
    return [0.0, *(0.5 + 0.5 * sum(lengths[: count + 1]) / sum(lengths) for count in range(steps))]

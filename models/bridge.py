"""Bridge: a diffusion bridge or a flow between the images of a pair.

`brownian`: Li, Xue, Liu, Lai: BBDM: Image-to-Image Translation with Brownian Bridge Diffusion Models, CVPR 2023,
https://arxiv.org/abs/2205.07680, in pixels. `flow` and `flow-from-noise`: straight lines that start at the source or,
with the source beside them, at noise, as in Lipman et al.: Flow Matching for Generative Modeling, ICLR 2023,
https://arxiv.org/abs/2210.02747. They share the U-Net, the batches and the choice of steps.

Otherwise than in the code of BBDM: the learning rate stays as it is, where theirs is halved once the loss had no new
minimum in 3,000 updates; the moving average takes in every update, where theirs takes in every eighth, from iteration
30,000 on, with the same decay over eight; gradients of accumulated batches are averaged and not summed, which Adam does
not notice. The flows take U-Net, initialisation and average from BBDM, and loss, steps and rates from a benchmark,
https://github.com/AndreaMoschetto/medical-I2I-benchmark.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.models._settings import MOST_BLOCKS, MOST_CHANNELS
from i2i.nn import AdmUNet, initialize, with_channels
from i2i.registry import register
from i2i.translator import (
    CosineDecay,
    Coverage,
    LinearDecay,
    Losses,
    ModelConfig,
    Optimizer,
    Phase,
    Request,
    Step,
    Task,
    Translator,
)

Predict = Callable[[Tensor, Tensor], Tensor]
"""What the U-Net says of images [B, C, H, W] at times [B]."""
Objective = Literal["grad", "noise", "ysubx"]
"""What there is in images beside the target, the noise alone, or the source less the target."""

FIRST_MEAN, LAST_MEAN = 0.001, 0.999  # share of the source in the first and in the last step of the Brownian bridge
GROWTH = 1.0075  # of that share from step to step, where it follows `sin`
DISTANCES = {"l1": F.l1_loss, "l2": F.mse_loss}
FLOW: dict[str, Any] = {"loss": "l2", "sampling_steps": 300, "learning_rate": 3e-4}
AS_PUBLISHED: dict[str, dict[str, Any]] = {"flow": {**FLOW, "conditional": False}, "flow-from-noise": FLOW}


class BridgeConfig(ModelConfig):
    """Settings of the bridge; the defaults are those of BBDM in pixels, or of the flow that is asked for."""

    process: Literal["brownian", "flow", "flow-from-noise"] = Field("brownian", description="what leads to the target")
    width: int = Field(128, ge=1, le=MOST_CHANNELS, description="channels after the U-Net's first convolution")
    multipliers: tuple[int, ...] = Field((1, 4, 8), min_length=1, description="of the width, by level of the U-Net")
    blocks: int = Field(2, ge=1, le=MOST_BLOCKS, description="residual blocks per level on the way down")
    attention: tuple[int, ...] = Field((32, 16, 8), description="by how much sides are divided where attention stands")
    head_width: int = Field(64, ge=1, description="channels per head of the attention")
    groups: int = Field(32, ge=1, description="groups of the norms; must divide the width")
    patch: int = Field(1, ge=1, le=64, description="side of the squares of pixels that the U-Net takes as one")
    conditional: bool = Field(True, description="the U-Net sees the source beside the image; flow: false")
    loss: Literal["l1", "l2"] = Field("l1", description="distance from what is to be predicted; flows: l2")
    timesteps: int = Field(1000, ge=2, le=100_000, description="of the Brownian bridge")
    mean: Literal["linear", "sin"] = Field("linear", description="how the Brownian bridge's mean goes to the source")
    variance: float = Field(1.0, gt=0, description="of the Brownian bridge, as a multiple of the paper's")
    objective: Objective = Field("grad", description="what is predicted of the Brownian bridge")
    clip: bool = Field(False, description="clamp the target as it is estimated in every step of the Brownian bridge")
    sampling_steps: int = Field(200, ge=1, le=100_000, description="to translate, unless others are said; flows: 300")
    learning_rate: float = Field(1e-4, gt=0, description="flows: 3e-4")
    beta1: float = Field(0.9, ge=0, lt=1)

    @model_validator(mode="before")
    @classmethod
    def _as_published(cls, settings: object) -> object:
        """What is not said is as it is published for the process."""
        if not isinstance(settings, dict):
            return settings
        return {**AS_PUBLISHED.get(str(settings.get("process")), {}), **settings}

    @model_validator(mode="after")
    def _possible(self) -> "BridgeConfig":
        if self.width % self.groups:
            raise UserError(
                f"groups={self.groups} do not divide width={self.width}: choose a width that they divide, or fewer, "
                f"e.g. --set model.groups={math.gcd(self.width, self.groups)}"
            )
        if min(self.multipliers) < 1 or max(self.multipliers) * self.width > MOST_CHANNELS:
            raise UserError(
                f"multipliers={self.multipliers} of width={self.width}: give whole numbers of at least 1 with products "
                f"of at most {MOST_CHANNELS:,}, e.g. --set model.multipliers=1,2,4"
            )
        if self.process == "flow-from-noise" and not self.conditional:
            raise UserError(
                "a flow from noise that does not see the source cannot translate it: "
                "use --set model.conditional=true, or --set model.process=flow"
            )
        if self.process == "brownian" and self.sampling_steps > self.timesteps:
            raise UserError(
                f"sampling_steps={self.sampling_steps} are more than the timesteps={self.timesteps} that there are: "
                f"use --set model.sampling_steps={self.timesteps} or less"
            )
        return self


@dataclass(frozen=True)
class BrownianBridge:
    """From the source x_T to the target x_0 through noise that is tied down at both ends (BBDM, section 3).

    x_t = (1 - m_t) x_0 + m_t x_T + sqrt(d_t) e with standard normal e and d_t = 2 s (m_t - m_t^2), s = `variance`.
    """

    timesteps: int = 1000
    mean: Literal["linear", "sin"] = "linear"
    variance: float = 1.0
    objective: Objective = "grad"
    clip: bool = False

    takes = frozenset({"noise", "sampling_steps"})
    time_scale = 1.0
    described = "Brownian bridge"

    def draw(self, like: Tensor) -> dict[str, Tensor]:
        """A time and noise for each image."""
        times = torch.randint(self.timesteps, (len(like),), device=like.device)
        return {"times": times, "noise": torch.randn_like(like)}

    def on_the_way(self, source: Tensor, target: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """Images of the time that was drawn and what is to be predicted of them (algorithm 1)."""
        mean, std = self.moments(step["times"])
        images = (1 - mean) * target + mean * source + std * step["noise"]
        return images, {"grad": images - target, "noise": step["noise"], "ysubx": source - target}[self.objective]

    def moments(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Share m_t of the source, and standard deviation of the noise: [B, 1, 1, 1] of times [B]."""
        mean = self._mean(times)[:, None, None, None]
        return mean, (2 * self.variance * (mean - mean**2)).sqrt()

    def _mean(self, times: Tensor) -> Tensor:
        share = times / (self.timesteps - 1)
        if self.mean == "linear":
            return FIRST_MEAN + (LAST_MEAN - FIRST_MEAN) * share
        return (GROWTH ** (self.timesteps * (share - 1))).clamp(max=LAST_MEAN)

    def estimate(self, images: Tensor, predicted: Tensor, source: Tensor, times: Tensor) -> Tensor:
        """The target, from images at some times and what is predicted of them."""
        mean, std = self.moments(times)
        if self.objective == "noise":
            target = (images - mean * source - std * predicted) / (1 - mean)
        else:
            target = (source if self.objective == "ysubx" else images) - predicted
        return target.clamp(-1, 1) if self.clip else target

    def steps(self, count: int) -> list[int]:
        """The times to pass, the last and the first among them, evenly spaced but for the authors' rounding."""
        last = self.timesteps - 1
        if count < 3:
            return [last, 0][:count]
        between = torch.arange(last, 1, -last / (count - 2), dtype=torch.float32).long()
        return [*between.tolist(), 1, 0]

    def sample(self, predict: Predict, source: Tensor, count: int, noise: Callable[[], Tensor]) -> Tensor:
        """From the source through `count` predictions to the target (algorithm 2)."""
        times = [torch.full((source.shape[0],), time, device=source.device) for time in self.steps(count)]
        images = source
        for now, later in pairwise(times):
            target = self.estimate(images, predict(images, now), source, now)
            images = self.earlier(images, target, source, now, later) + self.posterior_std(now, later) * noise()
        return self.estimate(images, predict(images, times[-1]), source, times[-1])

    def earlier(self, images: Tensor, target: Tensor, source: Tensor, now: Tensor, later: Tensor) -> Tensor:
        """The mean of what images are nearer to an estimated target, any number of steps on."""
        (mean, std), (next_mean, next_std) = self.moments(now), self.moments(later)
        kept = (next_std**2 - self.posterior_std(now, later) ** 2).clamp(min=0).sqrt() / std
        noise = images - (1 - mean) * target - mean * source
        return (1 - next_mean) * target + next_mean * source + kept * noise

    def posterior_std(self, now: Tensor, later: Tensor) -> Tensor:
        """Standard deviation of what images are nearer to the target: [B, 1, 1, 1]."""
        (mean, std), (next_mean, next_std) = self.moments(now), self.moments(later)
        added = std**2 - (next_std * (1 - mean) / (1 - next_mean)) ** 2
        return added.clamp(min=0).sqrt() * next_std / std


@dataclass(frozen=True)
class Flow:
    """Lines x_t = (1 - t) x_0 + t x_1 from source or noise to the target x_1, whose mean direction the U-Net learns."""

    from_noise: bool

    time_scale = 1000.0  # the embedding is made for whole numbers up to about this
    described = "flow"

    @property
    def takes(self) -> frozenset[str]:
        return frozenset({"noise", "sampling_steps"} if self.from_noise else {"sampling_steps"})

    def draw(self, like: Tensor) -> dict[str, Tensor]:
        """A time for each image and, where the line starts there, noise."""
        drawn = {"times": torch.rand(len(like), device=like.device)}
        return drawn | ({"noise": torch.randn_like(like)} if self.from_noise else {})

    def on_the_way(self, source: Tensor, target: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """Images of the time that was drawn, and the direction of their line."""
        start, times = step["noise"] if self.from_noise else source, step["times"][:, None, None, None]
        return (1 - times) * start + times * target, target - start

    def sample(self, predict: Predict, source: Tensor, count: int, noise: Callable[[], Tensor]) -> Tensor:
        """Euler's method in `count` equal steps."""
        images = noise() if self.from_noise else source
        for step in range(count):
            times = torch.full((source.shape[0],), step / count, device=source.device)
            images = images + predict(images, times) / count
        return images


@register("bridge")
class Bridge(Translator):
    """A `unet` that is asked again and again how to get on from a source to its target.

    Both ends have the same channels: images with fewer are taken for such whose last channels are 0.
    """

    coverage = Coverage.DIRECTION
    batch = PairedBatch
    generators = ("unet",)
    translates_with = "ema"
    takes = frozenset({"noise", "sampling_steps"})
    unlike_channels = True
    defaults = {"batch_size": 16, "accumulate": 2, "ema": 0.9994, "decay_from": None}
    Config = BridgeConfig
    test_settings = {"width": 4, "groups": 2, "multipliers": (1, 2), "blocks": 1, "sampling_steps": 3}
    config: BridgeConfig

    def __init__(self, config: BridgeConfig, task: Task) -> None:
        super().__init__(config, task)
        self.process = _process(config)
        self.channels = max(task.channels_of(domain) for domain in task.domains)
        self.takes, in_steps = self.process.takes, config.process == "brownian"
        self.schedule = LinearDecay(1.0) if in_steps else CosineDecay(1 / 300)
        self.most_sampling_steps = config.timesteps if in_steps else None
        # BBDM's runner also overwrites what ADM starts at 0.
        self.unet = initialize(self._unet(), "weights")
        self.multiple = self.unet.multiple

    def _unet(self) -> AdmUNet:
        config, channels = self.config, self.channels
        shape = (config.multipliers, config.blocks, config.attention, config.head_width, config.groups, config.patch)
        return AdmUNet(2 * channels if config.conditional else channels, channels, config.width, *shape)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"unet": Optimizer(("unet",), self.config.learning_rate, (self.config.beta1, 0.999))}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase("unet", self._loss, self._draw),)

    def _draw(self, batch: PairedBatch, step: Step) -> None:
        step.update(self.process.draw(with_channels(batch.target, self.channels)))

    def _loss(self, batch: PairedBatch, step: Step) -> Losses:
        """How far the U-Net is from what is to be predicted."""
        source, target = (with_channels(images, self.channels) for images in (batch.source, batch.target))
        images, expected = self.process.on_the_way(source, target, step)
        predicted = self._predicted(images, step["times"], source)
        distance = DISTANCES[self.config.loss](predicted, expected)
        return Losses(distance, {self.config.loss: distance})

    def _predicted(self, images: Tensor, times: Tensor, source: Tensor) -> Tensor:
        seen = torch.cat((images, source), dim=1) if self.config.conditional else images
        predicted: Tensor = self.unet(seen, times * self.process.time_scale)
        return predicted

    @property
    def inference(self) -> str:
        return f"{self.process.described}, {self.config.sampling_steps} network evaluations unless others are asked for"

    def generate(self, images: Tensor, request: Request) -> Tensor:
        """The end of the process, which alone is kept within [-1, 1]."""
        source, (_, target) = with_channels(images, self.channels), self.task.domains
        translated = self.process.sample(
            lambda now, times: self._predicted(now, times, source),
            source,
            request.sampling_steps or self.config.sampling_steps,
            lambda: request.noise.normal(*source.shape[1:]).to(source.dtype),
        )
        return translated[:, : self.task.channels_of(target)].clamp(-1, 1)


def _process(config: BridgeConfig) -> BrownianBridge | Flow:
    if config.process != "brownian":
        return Flow(config.process == "flow-from-noise")
    return BrownianBridge(config.timesteps, config.mean, config.variance, config.objective, config.clip)

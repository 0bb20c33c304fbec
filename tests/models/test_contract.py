"""Every registered translator keeps the contract, and so does one that is defined here; a faulty one does not."""

import pytest
import torch
from torch import Tensor, nn

from i2i import registry
from i2i.data.batches import PairedBatch
from i2i.registry import register
from i2i.testing import CHECKS, Subject, check_translator
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Request, Step, Task, Translator


class Tint(Translator):
    """A 1x1 convolution that learns a colour mapping from pairs."""

    coverage = Coverage.DIRECTION
    batch = PairedBatch

    def __init__(self, config: ModelConfig, task: Task) -> None:
        super().__init__(config, task)
        self.mapping = nn.Conv2d(3, 3, 1)

    def optimizers(self) -> dict[str, Optimizer]:
        return {"mapping": Optimizer(("mapping",), lr=1e-3)}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase("mapping", self._loss),)

    def _loss(self, batch: PairedBatch, step: Step) -> Losses:
        distance = (self.mapping(batch.source).tanh() - batch.target).abs().mean()
        return Losses(distance, {"l1": distance.detach()})

    def generate(self, images: Tensor, request: Request) -> Tensor:
        return torch.tanh(self.mapping(images))


register("test-tint")(Tint)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", registry.names())
def test_contract(name, check):
    check(Subject(registry.get(name)))


# Every option of the models at least once.
VARIANTS = [
    ("pix2pix", {"lambda_gan": 0, "skips": False, "norm": "instance", "upsampling": "resize-conv", "dropout": 0}),
    ("pix2pix", {"lambda_l1": 0, "conditional": False, "layers": 0, "test_statistics": "running"}),
    ("pix2pix", {"upsampling": "pixel-shuffle", "padding": "reflect", "spectral_norm": True, "test_dropout": False}),
    ("cyclegan", {"lambda_gan": 0, "cycle": "forward", "norm": "batch", "padding": "zeros"}),
    ("cyclegan", {"lambda_cycle": 0, "lambda_identity": 0, "pool_size": 0, "upsampling": "pixel-shuffle"}),
    ("cyclegan", {"cycle": "backward", "gan": "wgan-gp", "spectral_norm": True, "upsampling": "resize-conv"}),
    ("stargan", {"norm": "batch", "padding": "reflect", "upsampling": "resize-conv", "spectral_norm": True}),
    ("stargan", {"norm": "none", "upsampling": "pixel-shuffle", "gan": "hinge"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=str)
def test_contract_with_options(name, settings, check):
    check(Subject(registry.get(name), settings))


class Unreached(Tint):
    """Fault: one parameter takes no part in the loss."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mapping.register_parameter("idle", nn.Parameter(torch.zeros(1)))


class Homeless(Tint):
    """Fault: a network that no optimizer trains."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.forgotten = nn.Conv2d(3, 3, 1)


class Shared(Tint):
    """Fault: two optimizers train the same network."""

    def optimizers(self):
        return {"mapping": Optimizer(("mapping",)), "again": Optimizer(("mapping",))}

    def phases(self):
        return Phase("mapping", self._loss), Phase("again", self._loss)


class Unstepped(Tint):
    """Fault: an optimizer that no phase steps."""

    def optimizers(self):
        return {**super().optimizers(), "idle": Optimizer(())}


class Drawing(Tint):
    """Fault: the loss draws at random."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total * (1 + torch.rand(())), losses.terms)


class Remembering(Tint):
    """Fault: the loss depends on how often it was computed."""

    calls = 0

    def _loss(self, batch, step):
        self.calls += 1
        losses = super()._loss(batch, step)
        return Losses(losses.total * self.calls, losses.terms)


class Reaching(Tint):
    """Fault: a phase changes a network that it does not train."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.other = nn.Conv2d(3, 3, 1)

    def optimizers(self):
        return {**super().optimizers(), "other": Optimizer(("other",))}

    def phases(self):
        return (
            Phase("mapping", self._loss, after=lambda: self.other.weight.mul_(0.5)),
            Phase("other", lambda batch, step: self._other(batch)),
        )

    def _other(self, batch):
        return Losses(self.other(batch.source).square().mean(), {})


class Misnamed(Tint):
    """Fault: another network than the declared generator translates."""

    generators = ("spare",)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.spare = nn.Conv2d(3, 3, 1)

    def optimizers(self):
        return {"mapping": Optimizer(("mapping", "spare"))}

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total + self.spare(batch.source).square().mean(), losses.terms)


class Unbounded(Tint):
    """Fault: translations leave [-1, 1]."""

    def generate(self, images, request):
        return self.mapping(images) * 100


class BatchDependent(Tint):
    """Fault: a picture's translation depends on its neighbours."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) - images.mean())


class Noisy(Tint):
    """Fault: translating draws from the global random stream."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) + 1e-9 * torch.rand(1))


class Forgetful(Tint):
    """Fault: training depends on something that checkpoints do not hold."""

    def __init__(self, config, task):
        super().__init__(config, task)
        self.calls = 0

    def phases(self):
        return (Phase("mapping", self._shifted, self._count),)

    def _count(self, batch, step):
        self.calls += 1
        step["shift"] = torch.tensor(0.3 * self.calls)

    def _shifted(self, batch, step):
        distance = (self.mapping(batch.source).tanh() - batch.target + step["shift"]).square().mean()
        return Losses(distance, {"l2": distance.detach()})


class Exploding(Tint):
    """Fault: the loss is not finite."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total / 0, losses.terms)


FAULTS = {
    Unreached: "does not depend on 1 of its parameters",
    Homeless: "no optimizer trains forgotten",
    Shared: "two optimizers train the same parameter",
    Unstepped: r"phases step \['mapping'\] and there are \['idle', 'mapping'\]",
    Drawing: "the loss of mapping draws at random",
    Remembering: "the loss of mapping gives totals otherwise",
    Reaching: "mapping changed other.weight",
    Misnamed: "another network than those of `generators` translates too",
    Unbounded: r"values from .* as by tanh or clamp",
    BatchDependent: "a batch changes the translation",
    Noisy: "draws from torch's random stream",
    Forgetful: "weights differ",
    Exploding: "not finite",
}


@pytest.mark.parametrize("cls", FAULTS, ids=lambda cls: cls.__name__)
def test_suite_finds_the_fault(cls):
    register(f"test-{cls.__name__.lower()}")(cls)
    try:
        with pytest.raises(AssertionError, match=FAULTS[cls]):
            check_translator(cls)
    finally:
        registry.unregister(f"test-{cls.__name__.lower()}")


def test_two_translators_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two translators are named 'test-tint'"):
        register("test-tint")(Unbounded)

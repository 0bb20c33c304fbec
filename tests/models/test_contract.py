"""Every registered translator keeps the contract, and so does one that is defined here; a faulty one does not."""

import re
from functools import cache

import pytest
import torch
from torch import Tensor, nn

from i2i import registry, testing
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


@cache
def subject_of(name, **settings):
    """The same for all checks, which share its training."""
    return Subject(registry.get(name), settings)


TRAIN = {
    testing.a_phase_changes_only_what_its_optimizers_train,
    testing.phases_run_as_often_as_they_say,
    testing.state_survives_a_round_trip,
    testing.the_weights_it_translates_with_are_kept,
    testing.resume_is_bit_exact,
    testing.a_bf16_step_is_finite,
}
"""Checks that take several steps of training."""


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, marks=pytest.mark.integration if check in TRAIN else ()) for check in CHECKS],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("name", registry.names())
def test_contract(name, check):
    check(subject_of(name))


# Every option of the models at least once.
VARIANTS = [
    ("pix2pix", {"lambda_gan": 0, "skips": False, "norm": "instance", "upsampling": "resize-conv", "dropout": 0}),
    ("pix2pix", {"lambda_l1": 0, "conditional": False, "layers": 0, "test_statistics": "running"}),
    ("pix2pix", {"upsampling": "pixel-shuffle", "padding": "reflect", "spectral_norm": True, "test_dropout": False}),
    ("cyclegan", {"lambda_gan": 0, "cycle": "forward", "norm": "batch", "padding": "zeros", "outer_kernel": 3}),
    ("cyclegan", {"lambda_cycle": 0, "lambda_identity": 0, "pool_size": 0, "upsampling": "pixel-shuffle"}),
    ("cyclegan", {"cycle": "backward", "gan": "wgan-gp", "spectral_norm": True, "upsampling": "resize-conv"}),
    ("stargan", {"norm": "batch", "padding": "reflect", "upsampling": "resize-conv", "spectral_norm": True}),
    ("bridge", {"process": "flow", "patch": 2}),
    ("bridge", {"process": "flow-from-noise", "attention": (2,), "head_width": 2, "loss": "l1"}),
    ("bridge", {"objective": "noise", "mean": "sin", "clip": True, "conditional": False, "loss": "l2"}),
    ("stargan", {"norm": "none", "upsampling": "pixel-shuffle", "gan": "hinge", "outer_kernel": 5}),
    ("cut", {"gan": "wgan-gp", "norm": "batch", "lambda_identity": 0, "flip_equivariance": True}),
    ("unsb", {"gan": "wgan-gp", "published_blocks": True, "lambda_identity": 0}),
    ("munit", {"lambda_cycle": 10, "gan": "vanilla", "scales": 1, "layers": 4, "style": 3}),
    ("munit", {"lambda_reconstruction": 0, "lambda_style": 0, "lambda_content": 0, "gan": "hinge"}),
    ("ugatit", {"light": False, "lambda_cycle": 0}),
    ("ugatit", {"lambda_identity": 0, "lambda_cam": 0}),
    ("pix2pixhd", {"lambda_features": 0, "gan": "hinge", "scales": 3, "spectral_norm": True, "norm": "batch"}),
    ("pix2pixhd", {"upsampling": "resize-conv", "padding": "zeros", "downsamplings": 4, "scales": 1, "gan": "vanilla"}),
    ("unit", {"lambda_cycle": 0, "lambda_kl": 0, "lambda_kl_cycle": 0, "gan": "vanilla"}),
]


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "settings"), VARIANTS, ids=str)
def test_contract_with_options(name, settings, check):
    check(subject_of(name, **settings))


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


class Aging(Tint):
    """Fault: the loss asks how far the training is, which a captured step would not learn."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total * (1 - step.progress), losses.terms)


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
    """Fault: an image's translation depends on its neighbours."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) - images.mean())


class Cramped(Tint):
    """Fault: its layers fit one size, and it does not say so."""

    def generate(self, images, request):
        return super().generate(images.reshape(len(images), 3, testing.SIDE, testing.SIDE), request)


class Fearful(Tint):
    """Fault: it says that it is bound to a size, while the check for that is gone."""

    bound_to_size = "scale them"

    def _check_images(self, images, what, channels):
        pass


class Noisy(Tint):
    """Fault: translating draws from the global random stream."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) + 1e-9 * torch.rand(1))


class Averageless(Tint):
    """Fault: the average of its weights translates, and its settings keep none."""

    translates_with = "ema"


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


class Insistent(Tint):
    """Fault: a phase takes turns that it does not announce."""

    def phases(self):
        class Always(Phase):
            def runs_in(self, step):
                return True

        return (Always("mapping", self._loss, every=2),)


class Clinging(torch.Tensor):
    """A tensor that stays in its graph."""

    def detach(self):
        return self


class Holding(Tint):
    """Fault: a term for the log keeps the graph."""

    def _loss(self, batch, step):
        total = super()._loss(batch, step).total
        return Losses(total, {"l1": total.as_subclass(Clinging)})


class Lenient(Tint):
    """Fault: translate takes whatever it is given."""

    def translate(self, images, source, target, attributes=None, **asked):
        return torch.tanh(self.mapping(images[None] if images.ndim == 3 else images).float())


class Careless(Tint):
    """Fault: translate ignores what the model does not take."""

    def translate(self, images, source, target, attributes=None, **asked):
        return super().translate(images, source, target, attributes)


class Styled(Tint):
    """No fault: a translator that takes noise, reference images and sampling steps, beside a frozen network."""

    takes = frozenset({"noise", "reference", "sampling_steps"})
    frozen = ("perceptual",)

    def __init__(self, config, task):
        super().__init__(config, task)
        self.perceptual = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout())
        nn.init.constant_(self.perceptual[0].weight, 0.5)
        nn.init.zeros_(self.perceptual[0].bias)

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        likeness = (self.perceptual(self.mapping(batch.source)) - self.perceptual(batch.target)).square().mean()
        return Losses(losses.total + likeness, losses.terms)

    def generate(self, images, request):
        style = request.noise.normal(3, 1, 1)
        if request.reference is not None:
            style = request.reference.mean((2, 3), keepdim=True)
        for _ in range(request.sampling_steps or 2):
            images = torch.tanh(self.mapping(images) + style)
        return images


class Bounded(Styled):
    """No fault: as it is set it takes less than its class names, and not any number of steps."""

    most_sampling_steps = 3

    def __init__(self, config, task):
        super().__init__(config, task)
        self.takes = frozenset({"sampling_steps"})

    def generate(self, images, request):
        for _ in range(request.sampling_steps or 2):
            images = torch.tanh(self.mapping(images) + 0.5)
        return images


class Unannounced(Bounded):
    """Fault: as it is set it takes what its class does not name."""

    takes = frozenset()


class Boundless(Bounded):
    """Fault: it takes more steps than there are."""

    def check_sampling_steps(self, steps):
        self.most_sampling_steps, most = None, self.most_sampling_steps
        try:
            super().check_sampling_steps(steps)
        finally:
            self.most_sampling_steps = most


class Deaf(Styled):
    """Fault: what it says that it takes changes nothing."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images))


class SameNoise(Styled):
    """Fault: every image gets the noise of the first one."""

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) + request.noise.normal(3, 1, 1)[:1])


class Thawing(Styled):
    """Fault: a frozen network is trained all the same."""

    def optimizers(self):
        return {"mapping": Optimizer(("mapping",))}

    def phases(self):
        return (Phase("mapping", self._loss, after=lambda: self.perceptual[0].weight.mul_(0.9)),)


class Kept(Styled):
    """Fault: a frozen network is saved."""

    def state_dict(self, *arguments, **options):
        return {**super().state_dict(), "perceptual.0.weight": self.perceptual[0].weight}


class Awake(Styled):
    """Fault: a frozen network is in training mode."""

    def train(self, mode=True):
        return nn.Module.train(self, mode)


class Unsaved(Tint):
    """Fault: the translation depends on what checkpoints do not hold."""

    level = 0.0

    def prepare(self, images_of):
        self.level = 0.5

    def generate(self, images, request):
        return torch.tanh(self.mapping(images) + self.level)


class HalfBlind(Tint):
    """Fault: the loss is not finite in half precision."""

    def _loss(self, batch, step):
        losses = super()._loss(batch, step)
        return Losses(losses.total / (not torch.is_autocast_enabled("cpu")), losses.terms)


class Seedless(Tint):
    """Fault: weights start otherwise each time."""

    def __init__(self, config, task):
        super().__init__(config, task)
        stream = torch.Generator()
        stream.seed()
        nn.init.normal_(self.mapping.weight, generator=stream)


class OfThree(Tint):
    """Says that domains may have unlike channels, and its convolution takes three."""

    unlike_channels = True


class Unbending(SameNoise):
    """Fault: it has styles, and does not put on the one that it is given."""

    takes = frozenset({"noise"})

    def requested_style(self, images, request):
        return request.noise.normal(1).to(images.dtype)

    def generate(self, images, request):
        return (super().generate(images, request) + 0.1 * self.requested_style(images, request)[..., None, None]).tanh()


# What breaks which promise, and what is said of it.
FAULTS = [
    (Homeless, testing.optimizers_own_each_parameter_once, "no optimizer trains forgotten"),
    (Shared, testing.optimizers_own_each_parameter_once, "two optimizers train the same parameter"),
    (
        Unstepped,
        testing.optimizers_own_each_parameter_once,
        r"phases step \['mapping'\] and there are \['idle', 'mapping'\]",
    ),
    (Unreached, testing.gradients_reach_all_parameters_of_a_phase, "does not depend on 1 of its parameters"),
    (Exploding, testing.gradients_reach_all_parameters_of_a_phase, "not finite"),
    (Drawing, testing.losses_are_functions_of_what_was_drawn, "the loss of mapping draws at random"),
    (Remembering, testing.losses_are_functions_of_what_was_drawn, "the loss of mapping gives totals otherwise"),
    (Aging, testing.losses_are_functions_of_what_was_drawn, "the loss of mapping gives totals otherwise"),
    (Reaching, testing.a_phase_changes_only_what_its_optimizers_train, "mapping changed other.weight"),
    (Insistent, testing.phases_run_as_often_as_they_say, r"step 0 ran \['mapping'\] and not \[\]"),
    (Holding, testing.logged_terms_carry_no_graph, "a logged term needs gradients"),
    (Unbounded, testing.translation_keeps_shape_and_range, "values from .* as by tanh or clamp"),
    (Lenient, testing.translation_refuses_what_it_does_not_take, "translate takes an unknown domain"),
    (Cramped, testing.other_sizes_are_translated_or_refused, "another size is an error, and there is no bound_to_size"),
    (Fearful, testing.other_sizes_are_translated_or_refused, "bound_to_size is set, and another size passes"),
    (BatchDependent, testing.translation_does_not_depend_on_the_batch, "a batch changes the translation"),
    (SameNoise, testing.translation_does_not_depend_on_the_batch, "a batch changes the translation"),
    (Deaf, testing.what_it_takes_matters, "it takes noise, which changes nothing"),
    (Unannounced, testing.what_it_takes_matters, "it takes sampling_steps, which its class does not name"),
    (Unbending, testing.something_lies_between_two_translations, "half of the way is one of its ends"),
    (Boundless, testing.translation_refuses_what_it_does_not_honour, "translate takes sampling_steps that do not fit"),
    (Careless, testing.translation_refuses_what_it_does_not_honour, "translate takes seeds that do not fit"),
    (Misnamed, testing.generators_are_all_that_translates, "another network than those of `generators` translates"),
    (OfThree, testing.unlike_channels_are_taken, "RuntimeError: Given groups=1, weight of size"),
    (Thawing, testing.frozen_networks_stay_as_they_are, "after a step the frozen networks differ: perceptual.0.weight"),
    (Kept, testing.frozen_networks_stay_as_they_are, "checkpoints would hold perceptual.0.weight"),
    (Awake, testing.frozen_networks_stay_as_they_are, "a frozen network is in training mode"),
    (Noisy, testing.translation_leaves_no_trace, "draws from torch's random stream"),
    (Unsaved, testing.state_survives_a_round_trip, "the loaded translator translates otherwise"),
    (Averageless, testing.the_weights_it_translates_with_are_kept, "keep no average"),
    (Forgetful, testing.resume_is_bit_exact, "weights differ"),
    (HalfBlind, testing.a_bf16_step_is_finite, "was not finite"),
    (Seedless, testing.the_seed_decides_the_weights, "weights of the same seed differ"),
]


@pytest.fixture
def registered():
    """Registers classes, which are forgotten afterwards."""
    names = []

    def subject(cls):
        names.append(f"test-{cls.__name__.lower()}")
        register(names[-1])(cls)
        return Subject(cls)

    yield subject
    for name in names:
        registry.unregister(name)


@pytest.mark.parametrize(("cls", "check", "said"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_suite_finds_the_fault(registered, cls, check, said):
    assert re.search(said, testing.failure(check, registered(cls)) or "passed")


def test_every_promise_is_seen_broken():
    assert {check for _, check, _ in FAULTS} == set(CHECKS)


def test_a_faulty_translator_is_named_with_the_check_and_the_reason(registered):
    registered(Homeless)
    with pytest.raises(AssertionError, match="Homeless fails optimizers_own_each_parameter_once: no optimizer trains"):
        check_translator(Homeless)


@pytest.mark.parametrize("cls", [Styled, Bounded])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_translator_with_noise_references_steps_and_a_frozen_network_keeps_the_contract(registered, check, cls):
    check(registered(cls))


def test_two_translators_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two translators are named 'test-tint'"):
        register("test-tint")(Unbounded)

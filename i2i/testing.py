"""The suite that every translator passes, also one that is defined elsewhere.

    from i2i.testing import check_translator
    check_translator(MyTranslator)

Each check is a function of a `Subject` and raises AssertionError with the reason. `CHECKS` lists them, so that
a test runner can show each by name.
"""

import inspect
import math
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from i2i import registry
from i2i.config import RunConfig, build_run
from i2i.custom_models import line_of
from i2i.data.image_files.images import Preprocess
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.runs.checkpoint import Position
from i2i.runs.load import load_translator, require_checkpoint
from i2i.training.callbacks.base import Callback
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, drawn_losses, phase_parameters, trained_by, training_step
from i2i.training.trainer import Trainer, build_translator
from i2i.translator import Coverage, End, Step, Task, Translator

__all__ = ["CHECKS", "Subject", "check_translator", "failure"]

Check = Callable[["Subject"], None]
"""Raises AssertionError with the reason if a translator fails it."""

SIDE = 32
BATCH_SIZE = 2
STEPS = 6
FEW_STEPS = 4
"""Enough for image pools to be full, and for phases of every other step, before and after a break in the middle."""
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Subject:
    """A translator under test, made small by its `test_settings`; `settings` are put over them."""

    cls: type[Translator]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its registered name."""
        return registry.name_of(self.cls)

    @property
    def task(self) -> Task:
        """Two domains, or three where one model serves all."""
        domains = ("dawn", "noon", "dusk") if self.cls.coverage is Coverage.ALL else ("dawn", "noon")
        return Task.covering(self.cls.coverage, domains, (SIDE, SIDE))

    def config(self, **train: object) -> RunConfig:
        """A short training with small networks."""
        settings = {
            "model": {**self.cls.test_settings, **self.settings},
            "data": {"image_size": SIDE},
            "train": {
                "images": self.shown_in(STEPS),
                "batch_size": BATCH_SIZE,
                "sample_every": 0,
                "precision": "fp32",
            }
            | train,
        }
        return build_run(settings, self.name, self.cls.Config, self.cls.train_defaults())

    def shown_in(self, steps: int) -> int:
        """Images that so many steps show."""
        return steps * BATCH_SIZE * self.cls.batch.images_per_item

    def build(self, **train: object) -> Translator:
        """An untrained instance that has seen its training data."""
        translator = build_translator(self.config(**train), self.task)
        translator.prepare(self.training_images().centered)
        return translator

    def training_images(self) -> TrainingImages:
        """Random training images, the same every time."""
        return _random_source(dict.fromkeys(self.task.domains, 3))

    def batch(self, step: int = 0) -> object:
        """The batch of a step."""
        return self.cls.batch.draw(self.training_images(), self.task.domains, BATCH_SIZE, step)

    def images(self, count: int = 3) -> Tensor:
        """Random images [count, 3, SIDE, SIDE] in [-1, 1]."""
        generator = torch.Generator().manual_seed(1)
        return torch.rand(count, 3, SIDE, SIDE, generator=generator) * 2 - 1

    @cached_property
    def trained(self) -> "Trained":
        """A short training that nothing disturbs, which several checks look at."""
        run = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, run, ignore_errors=True)
        sampled = _SampleWeights()
        translator = _train(self, run, sampled, images=self.shown_in(FEW_STEPS))
        return Trained(
            run, translator, deepcopy(translator.state_dict()), deepcopy(translator.training_state()), sampled
        )


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        run: its run folder.
        translator: as it is in memory.
        weights: of the translator, as they were at the end.
        state: its training state, likewise.
        sampled: the weights of the last samples.
    """

    run: Path
    translator: Translator
    weights: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    sampled: "_SampleWeights"


def check_translator(cls: type[Translator], **settings: object) -> None:
    """Run every check on a registered translator, with `settings` put over its `test_settings`.

    Raises:
        AssertionError: naming the check and the reason.
    """
    subject = Subject(cls, settings)
    for check in CHECKS:
        try:
            check(subject)
        except (AssertionError, UserError) as error:
            raise AssertionError(f"{cls.__name__} fails {check.__name__}: {error}") from error


def failure(check: Check, subject: Subject) -> str | None:
    """Why a translator fails a check, in one line; None if it passes. An error of its own code is a failure too."""
    try:
        check(subject)
    except (AssertionError, UserError) as error:
        return str(error)
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}{line_of(error, _file_of(subject))}".split())
    return None


def _file_of(subject: Subject) -> str:
    return inspect.getsourcefile(sys.modules[subject.cls.__module__]) or ""


def optimizers_own_each_parameter_once(subject: Subject) -> None:
    """Each trainable parameter belongs to one optimizer, phases step all of these, and their names differ."""
    translator = subject.build()
    phases, optimizers = translator.phases(), translator.optimizers()
    assert len({phase.name for phase in phases}) == len(phases), "two phases have the same name"
    stepped = {name for phase in phases for name in phase.steps}
    assert stepped == set(optimizers), f"phases step {sorted(stepped)} and there are {sorted(optimizers)}"
    owned = [parameter for settings in optimizers.values() for parameter in trained_by(translator, settings)]
    assert len({id(parameter) for parameter in owned}) == len(owned), "two optimizers train the same parameter"
    untrained = [
        name
        for name, parameter in translator.learned_parameters().items()
        if parameter.requires_grad and all(parameter is not mine for mine in owned)
    ]
    assert not untrained, f"no optimizer trains {', '.join(untrained)}"


def gradients_reach_all_parameters_of_a_phase(subject: Subject) -> None:
    """A phase's total is a finite scalar and depends on every parameter it trains, unless it says otherwise."""
    translator, step = subject.build().train(), Step()
    for phase in translator.phases():
        losses = drawn_losses(phase, subject.batch(), step)
        assert losses.total.ndim == 0, f"the total of {phase.name} is no scalar"
        assert bool(losses.total.isfinite()), f"the total of {phase.name} is not finite"
        gradients = torch.autograd.grad(losses.total, phase_parameters(translator, phase), allow_unused=True)
        unreached = sum(gradient is None for gradient in gradients)
        assert not unreached or phase.allow_unused, (
            f"the loss of {phase.name} does not depend on {unreached} of its parameters, and it does not allow_unused"
        )


def losses_are_functions_of_what_was_drawn(subject: Subject) -> None:
    """The same batch, weights and tensors of the step give the same losses, whenever it is.

    They draw nothing, dropout aside, remember nothing, and do not ask for the step's number or the progress.
    """
    translator, batch, step = subject.build().train(), subject.batch(), Step()
    for module in translator.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
    for phase in translator.phases():
        if phase.draw:
            phase.draw(batch, step)
        before, kept = deepcopy(translator.state_dict()), deepcopy(translator.training_state())
        stream = torch.get_rng_state()
        first = phase.loss(batch, Step(step.index + 1, 0.5, **step))
        assert torch.equal(stream, torch.get_rng_state()), f"the loss of {phase.name} draws at random: do so in `draw`"
        _assert_equal(kept, translator.training_state(), f"after the loss of {phase.name} the training state")
        translator.load_state_dict(before)
        again = phase.loss(batch, step)
        differing = [name for name, value in first.terms.items() if not torch.equal(value, again.terms[name])]
        assert torch.equal(first.total, again.total), (
            f"the loss of {phase.name} gives {differing or 'totals'} otherwise"
        )


def a_phase_changes_only_what_its_optimizers_train(subject: Subject) -> None:
    """A phase changes each network of its optimizers and nothing else; no gradient is left."""
    before = dict(subject.build().named_parameters())
    for count, phase in enumerate(subject.build().phases(), 1):
        translator = _after_phases(subject, count)
        after = dict(translator.named_parameters())
        changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
        own = [net for name in phase.steps for net in translator.optimizers()[name].networks]
        for network in own:
            assert any(name.startswith(f"{network}.") for name in changed), f"{network} did not change"
        foreign = [name for name in changed if not name.startswith(tuple(f"{net}." for net in own))]
        assert not foreign, f"{phase.name} changed {', '.join(foreign)}"
        left = [name for name, value in translator.named_parameters() if value.grad is not None]
        assert not left, f"{phase.name} left gradients in {', '.join(left)}"
        before = after


def phases_run_as_often_as_they_say(subject: Subject) -> None:
    """A phase runs in step s exactly when (s + 1) is a multiple of its `every`."""
    translator = subject.build().train()
    optimizers, guard = build_optimizers(translator), FiniteGuard(CPU)
    for step in range(2 * max((phase.every for phase in translator.phases()), default=1)):
        terms = training_step(translator, optimizers, [subject.batch(step)], step, guard)
        ran = {name.split("/")[0] for name in terms}
        due = {phase.name for phase in translator.phases() if (step + 1) % phase.every == 0}
        assert ran == due, f"step {step} ran {sorted(ran)} and not {sorted(due)}"


def logged_terms_carry_no_graph(subject: Subject) -> None:
    """What a step returns for the log holds no autograd graph alive."""
    translator = subject.build().train()
    terms = training_step(translator, build_optimizers(translator), [subject.batch()], 0, FiniteGuard(CPU))
    assert not any(term.requires_grad for term in terms.values()), "a logged term needs gradients"


def translation_keeps_shape_and_range(subject: Subject) -> None:
    """Every direction of the task gives finite images of the input's shape in [-1, 1]."""
    translator, images = subject.build(), subject.images()
    for source, target in subject.task.directions:
        translated = translator.translate(images, source, target)
        assert bool(translated.isfinite().all()), "the translation is not finite"


def translation_refuses_what_it_does_not_take(subject: Subject) -> None:
    """Unknown domain, direction, size, type and range are errors that say what is allowed."""
    translator, images = subject.build(), subject.images(1)
    source, target = subject.task.directions[0]
    refused: list[tuple[str, Callable[[], Tensor], str]] = [
        ("an unknown domain", lambda: translator.translate(images, source, "nowhere"), source),
        ("a direction onto itself", lambda: translator.translate(images, source, source), target),
        ("an image without channels", lambda: translator.translate(images[0], source, target), "[B, 3"),
        ("integers", lambda: translator.translate(images.byte(), source, target), "[-1, 1]"),
        ("values above 1", lambda: translator.translate(images + 2, source, target), "[-1, 1]"),
        ("nan", lambda: translator.translate(images * torch.nan, source, target), "[-1, 1]"),
    ]
    if translator.multiple > 1:
        odd = images[:, :, : SIDE - 1]
        refused.append(("a side that does not divide", lambda: translator.translate(odd, source, target), "divide"))
    for what, call, named in refused:
        try:
            call()
        except UserError as error:
            assert named in str(error), f"the error about {what} does not name {named!r}: {error}"
        else:
            raise AssertionError(f"translate takes {what}")


def other_sizes_are_translated_or_refused(subject: Subject) -> None:
    """A size that `multiple` allows is translated, or refused by a model that says it is bound to one size."""
    translator = subject.build()
    images = torch.cat((subject.images(1),) * 2, 3)[..., : SIDE + translator.multiple]
    refused = ""
    try:
        translator.translate(images, *subject.task.directions[0])
    except UserError as error:
        refused = str(error)
    except Exception as error:
        raise AssertionError(f"another size is an error, and there is no bound_to_size: {error}") from error
    assert bool(refused) == bool(translator.bound_to_size), refused or "bound_to_size is set, and another size passes"


def translation_does_not_depend_on_the_batch(subject: Subject) -> None:
    """An image is translated the same alone, among others and a second time; so is its noise, by its seed."""
    translator, images = subject.build(), subject.images(3)
    seeds = [3, 2**63 - 1, 3] if "noise" in translator.takes else None
    for source, target in subject.task.directions:
        together = translator.translate(images, source, target, seeds=seeds)
        alone = [
            translator.translate(image[None], source, target, seeds=seeds and [seeds[place]])
            for place, image in enumerate(images)
        ]
        difference = float((together - torch.cat(alone)).abs().max())
        assert difference < 1e-5, f"a batch changes the translation by {difference:.2g}"


def what_it_takes_matters(subject: Subject) -> None:
    """Noise, reference images and sampling steps change the translation of a model that takes them."""
    translator, images = subject.build(), subject.images(2)
    source, target = subject.task.directions[0]
    kinds: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "noise": ({"seeds": [1, 1]}, {"seeds": [2, 3]}),
        "reference": ({"reference": images}, {"reference": -images}),
        "sampling_steps": ({"sampling_steps": 1}, {"sampling_steps": 3}),
    }
    unnamed = translator.takes - subject.cls.takes
    assert not unnamed, f"as it is set it takes {', '.join(sorted(unnamed))}, which its class does not name"
    for name in sorted(translator.takes & kinds.keys()):
        one, other = (translator.translate(images, source, target, **given) for given in kinds[name])
        assert not torch.equal(one, other), f"it takes {name}, which changes nothing"


def something_lies_between_two_translations(subject: Subject) -> None:
    """Half of the way between two translations gives a third, of a model with labels or styles; others say no."""
    translator, images = subject.build(), subject.images(1)
    if not translator.interpolates:
        return
    source, target = subject.task.directions[0]
    seeds = ([1], [2]) if "noise" in translator.takes else (None, None)
    ends = End(target, seeds[0]), End(source if translator.coverage is Coverage.ALL else target, seeds[1])
    between = translator.interpolate(images, source, ends, [0, 0.5, 1])
    assert torch.equal(between[0], translator.translate(images, source, target, seeds=seeds[0])), "it starts elsewhere"
    assert not any(torch.equal(between[1], between[end]) for end in (0, 2)), "half of the way is one of its ends"


def translation_refuses_what_it_does_not_honour(subject: Subject) -> None:
    """Seeds, references and steps that do not fit, or that the model does not take, are errors that say so."""
    translator, images = subject.build(), subject.images(2)
    source, target = subject.task.directions[0]
    most = translator.most_sampling_steps
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("noise", {"seeds": [1]}, "1 seeds do not fit 2 images"),
        ("reference", {"reference": torch.cat([images, images])[:3]}, "3 reference images do not fit 2 images"),
        ("sampling_steps", {"sampling_steps": 0}, "at least 1"),
    ]
    if most is not None:
        wrong.append(("sampling_steps", {"sampling_steps": most + 1}, f"schedule has {most}"))
    for name, given, named in wrong:
        expected = named if name in translator.takes else f"takes no {name}"
        try:
            translator.translate(images, source, target, **given)
        except UserError as error:
            assert expected in str(error), f"the error about {name} does not say {expected!r}: {error}"
        else:
            raise AssertionError(f"translate takes {next(iter(given))} that do not fit")


def unlike_channels_are_taken(subject: Subject) -> None:
    """Where the class says so, domains may have different numbers of channels, whichever has more; not of variants."""
    for counts in ((1, 3), (4, 2)) if subject.cls.unlike_channels and not subject.settings else ():
        own = dict(zip(subject.task.domains, counts, strict=True))
        task = Task.covering(subject.cls.coverage, tuple(own), (SIDE, SIDE), own.__getitem__)
        translator, step = build_translator(subject.config(), task), Step()
        batch = subject.cls.batch.draw(_random_source(own), task.domains, BATCH_SIZE, 0)
        for phase in translator.train().phases():
            assert bool(drawn_losses(phase, batch, step).total.isfinite()), f"the total of {phase.name} is not finite"
        for source, target in task.directions:
            images = torch.zeros(1, own[source], SIDE, SIDE)
            translator.translate(images, source, target)  # which compares the shapes


def _random_source(channels: Mapping[str, int]) -> TrainingImages:
    rng = np.random.default_rng(0)
    pixels = {domain: rng.integers(0, 256, (5, SIDE, SIDE, own), dtype=np.uint8) for domain, own in channels.items()}
    return TrainingImages(pixels, Preprocess((SIDE, SIDE)))


def frozen_networks_stay_as_they_are(subject: Subject) -> None:
    """Networks that are frozen learn nothing, have no gradients or training mode, and no place in checkpoints."""
    translator = subject.build().train()
    if not translator.frozen:
        return
    frozen = {name: value.clone() for net in translator.frozen for name, value in _state_of(translator, net)}
    saved = [name for name in translator.state_dict() if name in frozen]
    assert not saved, f"checkpoints would hold {', '.join(saved)}"
    modules = [module for net in translator.frozen for module in translator.get_submodule(net).modules()]
    assert not any(module.training for module in modules), "a frozen network is in training mode"
    training_step(translator, build_optimizers(translator), [subject.batch()], 0, FiniteGuard(CPU))
    after = {name: value for net in translator.frozen for name, value in _state_of(translator, net)}
    _assert_equal(frozen, after, "after a step the frozen networks")
    with_gradient = [
        name for net in translator.frozen for name, value in _state_of(translator, net) if value.requires_grad
    ]
    assert not with_gradient, f"{', '.join(with_gradient)} need gradients"


def generators_are_all_that_translates(subject: Subject) -> None:
    """A translation depends on the networks that `generators` names, where it names any, and on no others."""
    translator, images = subject.build(), subject.images(1)
    if not translator.generators:
        return

    def translations() -> list[Tensor]:
        return [translator.translate(images, *direction) for direction in subject.task.directions]

    before = translations()
    for name, network in translator.named_children():
        if name not in translator.generators:
            _fill(network, torch.nan)
    others_matter = any(not torch.equal(*pair) for pair in zip(before, translations(), strict=True))
    assert not others_matter, "another network than those of `generators` translates too"
    for name in translator.generators:
        _fill(translator.get_submodule(name), 0.0)
    no_part = any(torch.equal(*pair) for pair in zip(before, translations(), strict=True))
    assert not no_part, "the networks of `generators` take no part in the translation"


def translation_leaves_no_trace(subject: Subject) -> None:
    """Weights, buffers, training mode and the random stream are as before."""
    translator = subject.build().train()
    before = {name: value.clone() for name, value in translator.state_dict().items()}
    modes = [module.training for module in translator.modules()]
    stream = torch.get_rng_state()
    translator.translate(subject.images(), *subject.task.directions[0])
    assert torch.equal(stream, torch.get_rng_state()), "translate draws from torch's random stream"
    assert modes == [module.training for module in translator.modules()], "translate changes the mode"
    changed = [name for name, value in translator.state_dict().items() if not torch.equal(value, before[name])]
    assert not changed, f"translate changes {', '.join(changed)}"


def state_survives_a_round_trip(subject: Subject) -> None:
    """A run folder gives back a translator that translates the same, bit for bit."""
    trained = subject.trained
    loaded, preprocess = load_translator(trained.run, weights="last")
    assert preprocess == Preprocess((SIDE, SIDE)), "the preprocessing was not kept"
    source, target = subject.task.directions[-1]
    images = subject.images()
    same = torch.equal(trained.translator.translate(images, source, target), loaded.translate(images, source, target))
    assert same, "the loaded translator translates otherwise"


def the_weights_it_translates_with_are_kept(subject: Subject) -> None:
    """A run folder translates with the weights that the method names: the average, if its own settings keep one."""
    if subject.cls.translates_with == "last":
        return
    trained = subject.trained
    assert require_checkpoint(trained.run).averaged, "its defaults keep no average: give train.ema among them"
    sampled, (loaded, _) = trained.sampled.weights, load_translator(trained.run)
    _assert_equal(sampled, loaded.state_dict(), "weights of the last samples and those of the run folder")
    assert any(not torch.equal(value, sampled[name]) for name, value in trained.weights.items()), (
        "its average is no other than the weights of the last step"
    )


def resume_is_bit_exact(subject: Subject) -> None:
    """A training that broke off and went on ends with the bits of an uninterrupted one, pools included."""
    uninterrupted = subject.trained
    if not uninterrupted.translator.phases():
        return
    images, middle = subject.shown_in(FEW_STEPS), FEW_STEPS // 2
    with tempfile.TemporaryDirectory() as folder:
        with suppress(_BreakOff.Broken):
            _train(subject, Path(folder), _BreakOff(middle + 1), checkpoint_every=middle, images=images)
        resumed = _train(subject, Path(folder), images=images)
    _assert_equal(uninterrupted.weights, resumed.state_dict(), "weights")
    _assert_equal(uninterrupted.state, resumed.training_state(), "training state")


def a_bf16_step_is_finite(subject: Subject) -> None:
    """Training under bfloat16 autocast keeps every loss, gradient and weight finite."""
    steps = 2 * max((phase.every for phase in subject.build().phases()), default=1)
    with tempfile.TemporaryDirectory() as folder:
        translator = _train(subject, Path(folder), precision="bf16", images=subject.shown_in(steps))
    bad = [name for name, value in translator.named_parameters() if not bool(value.isfinite().all())]
    assert not bad, f"not finite after bf16 training: {', '.join(bad)}"


def the_seed_decides_the_weights(subject: Subject) -> None:
    """The same seed builds the same weights and, where there are any, another seed other ones."""
    one, again, other = (dict(subject.build(seed=seed).named_parameters()) for seed in (1, 1, 2))
    _assert_equal(one, again, "weights of the same seed")
    differs = any(not torch.equal(value, other[name]) for name, value in one.items())
    assert differs or not one, "two seeds give the same weights"


CHECKS: tuple[Check, ...] = (
    optimizers_own_each_parameter_once,
    gradients_reach_all_parameters_of_a_phase,
    losses_are_functions_of_what_was_drawn,
    a_phase_changes_only_what_its_optimizers_train,
    phases_run_as_often_as_they_say,
    logged_terms_carry_no_graph,
    translation_keeps_shape_and_range,
    translation_refuses_what_it_does_not_take,
    other_sizes_are_translated_or_refused,
    translation_does_not_depend_on_the_batch,
    what_it_takes_matters,
    something_lies_between_two_translations,
    translation_refuses_what_it_does_not_honour,
    generators_are_all_that_translates,
    unlike_channels_are_taken,
    frozen_networks_stay_as_they_are,
    translation_leaves_no_trace,
    state_survives_a_round_trip,
    the_weights_it_translates_with_are_kept,
    resume_is_bit_exact,
    a_bf16_step_is_finite,
    the_seed_decides_the_weights,
)


class _BreakOff(Callback):
    """Breaks a training off after a step, as a crash would."""

    class Broken(Exception):
        pass

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step(self, position: Position) -> None:
        if position.step == self._step:
            raise self.Broken


class _SampleWeights(Callback):
    """Remembers the weights of the last samples."""

    def __init__(self) -> None:
        self.weights: dict[str, Tensor] = {}

    def on_sample(self, translator: Translator, position: Position) -> None:
        self.weights = {name: value.clone() for name, value in translator.state_dict().items()}


def _train(subject: Subject, run: Path, *callbacks: Callback, **train: object) -> Translator:
    trainer = Trainer(run, subject.config(**train), subject.task, subject.training_images(), CPU, callbacks)
    trainer.train()
    return trainer.translator


def _state_of(translator: Translator, network: str) -> list[tuple[str, Tensor]]:
    """Parameters and buffers of a network by their names in the translator."""
    module = translator.get_submodule(network)
    named: list[tuple[str, Tensor]] = [*module.named_parameters(), *module.named_buffers()]
    return [(f"{network}.{name}", value) for name, value in named]


def _fill(network: torch.nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)


def _after_phases(subject: Subject, count: int) -> Translator:
    """The translator after one step in which only the first `count` phases take their turns."""
    translator = subject.build().train()
    phases = translator.phases()
    translator.phases = lambda: phases[:count]  # type: ignore[method-assign]
    torch.manual_seed(0)
    due = math.lcm(*(phase.every for phase in phases)) - 1
    training_step(translator, build_optimizers(translator), [subject.batch()], due, FiniteGuard(CPU))
    return translator


def _assert_equal(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], what: str) -> None:
    assert ours.keys() == theirs.keys(), f"{what} have other names"
    differing = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert not differing, f"{what} differ: {', '.join(differing)}"

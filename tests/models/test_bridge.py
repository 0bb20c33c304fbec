"""The bridge computes what the code of BBDM does; its flows follow straight lines; the settings fit together."""

import math

import pytest
import torch

from i2i.config import DataConfig
from i2i.data import open_data
from i2i.data.batches import PairedBatch
from i2i.errors import UserError
from i2i.models.bridge import Bridge, BridgeConfig, BrownianBridge, Flow
from i2i.nn.adm_unet import AdmUNet
from i2i.training import run_config, task_of
from i2i.training.steps.finite_guard import FiniteGuard
from i2i.training.steps.step import build_optimizers, phase_parameters, training_step
from i2i.training.trainer import schedule_of
from i2i.translator import CosineDecay, Coverage, LinearDecay, Step, Task
from tests.support import recipe, reference

MODELS = ("bbdm/bbdm_model", "bbdm/bbdm_model_conditioned", "bbdm/bbdm_model_noise_objective")
SMALL = {"width": 32, "multipliers": (1, 2, 2), "attention": (2, 4), "head_width": 16, "sampling_steps": 6}
TINY = {**Bridge.test_settings}
models = pytest.mark.parametrize("name", MODELS)


def built(size=16, **settings):
    return Bridge(BridgeConfig(**settings), Task.covering(Coverage.DIRECTION, ("a", "b"), (size, size)))


def of_reference(name, **settings):
    """The bridge of a fixture, with its weights, and its arrays."""
    told = reference.settings(name)["settings"]
    bridge = built(
        **SMALL,
        conditional=told.get("unet", {}).get("in_channels") == 6,
        objective=told["params"].get("objective", "grad"),
        clip=told["clip_denoised"],
        **settings,
    )
    reference.load_in_order(bridge.unet, recipe.weights(name))
    return bridge, reference.arrays(name)


def drawn(arrays):
    return {"times": arrays["t"].long(), "noise": arrays["noise"]}


def assert_near(name, output, value):
    tolerance = reference.settings(name)["outputs"][output]["tolerance"]
    torch.testing.assert_close(value, reference.arrays(name)[output], rtol=0, atol=tolerance)


@models
@torch.no_grad()
def test_the_unet_and_what_it_is_asked_are_the_references(name):
    bridge, arrays = of_reference(name)
    images, expected = bridge.process.on_the_way(arrays["y"], arrays["x"], Step(**drawn(arrays)))
    predicted = bridge._predicted(arrays["x_t"], arrays["t"], arrays["y"])
    assert_near(name, "x_t", images)
    assert_near(name, "objective", expected)
    assert_near(name, "unet_output", predicted)
    estimate = BrownianBridge.estimate(
        BrownianBridge(objective=bridge.process.objective), images, predicted, arrays["y"], arrays["t"]
    )
    assert_near(name, "x0_reconstruction", estimate)


@models
@torch.no_grad()
def test_a_whole_sampling_run_is_the_references(name):
    bridge, arrays = of_reference(name)
    noises, seen = iter(arrays["sampling_noise"]), []

    def predict(images, times):
        seen.append(images)
        return bridge._predicted(images, times, arrays["y"])

    sampled = bridge.process.sample(predict, arrays["y"], 6, lambda: next(noises))
    assert bridge.process.steps(6) == arrays["sampling_steps"].int().tolist()
    assert_near(name, "sample_after_first_step", seen[1])
    first = torch.full((len(seen[0]),), 999)
    estimate = bridge.process.estimate(seen[0], predict(seen[0], first), arrays["y"], first)
    assert_near(name, "x0_reconstruction_of_first_step", estimate)
    assert_near(name, "sample", sampled)
    assert next(noises, None) is None


@models
@pytest.mark.parametrize("loss", ["l1", "l2"])
def test_losses_and_gradients_are_the_references(name, loss):
    bridge, arrays = of_reference(name, loss=loss)
    expected = reference.settings(name)["results"][loss]
    losses = bridge._loss(PairedBatch(arrays["y"], arrays["x"]), Step(**drawn(arrays)))
    assert float(losses.total.detach()) == pytest.approx(expected["loss"], rel=1e-4)
    gradients = torch.autograd.grad(losses.total, phase_parameters(bridge, bridge.phases()[0]))
    norms = expected["gradient_norms"]["by_parameter"].values()  # in the order of the parameters
    least = 1e-5 * expected["gradient_norms"]["total"]
    for gradient, norm in zip(gradients, norms, strict=True):
        assert float(gradient.norm()) == pytest.approx(norm, rel=1e-4, abs=least)


@models
def test_the_loss_after_a_step_of_the_optimizer_is_the_references(name):
    bridge, arrays = of_reference(name)
    batch = PairedBatch(arrays["y"], arrays["x"])
    training_step(bridge, build_optimizers(bridge), [batch], 0, FiniteGuard(torch.device("cpu")), fixed=[drawn(arrays)])
    after = float(bridge._loss(batch, Step(**drawn(arrays))).total.detach())
    assert after == pytest.approx(reference.settings(name)["results"]["loss_after_one_adam_step"], rel=1e-4)


@pytest.mark.parametrize("mean", ["linear", "sin"])
def test_the_schedule_is_the_references(mean):
    name, process, times = f"bbdm/bbdm_schedule_{mean}", BrownianBridge(mean=mean), torch.arange(1000)
    arrays = reference.arrays(name)
    share, std = (moment.flatten() for moment in process.moments(times))
    assert_near(name, "m_t", share)
    assert_near(name, "variance_t", std**2)
    steps = process.posterior_std(times[1:], times[:-1]).flatten()
    torch.testing.assert_close(steps**2, arrays["posterior_variance_t"][1:], rtol=0, atol=1e-5)
    assert process.steps(200) == arrays["sampling_steps"].int().tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 20, 999, 1000])
def test_as_many_steps_are_taken_as_asked_for_towards_the_target(count):
    steps = BrownianBridge().steps(count)
    assert len(steps) == count
    assert steps[0] == 999
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == (0 if count > 1 else 999)


def test_parameters_are_as_many_as_in_the_references_unets():
    counts = reference.settings("parameter_counts")["bbdm"]
    for text, counted in counts.items():
        latent = {"f4": 3, "f8": 4, "f16": 8}
        channels = next((value for variant, value in latent.items() if f"{variant} (" in text), None)
        attention = (16, 8, 4) if "16/8/4" in text else (32, 16, 8)
        with torch.device("meta"):
            unet = AdmUNet(channels or 6, channels or 3, attention=attention)
        assert sum(value.numel() for value in unet.parameters()) == counted, text
    with torch.device("meta"):
        bridge = built(256)
    assert sum(value.numel() for value in bridge.parameters()) == 237_094_787


def test_weights_start_as_in_the_references_runner():
    torch.manual_seed(0)
    statistics = reference.settings("initial_statistics")["bbdm unet model_channels 32"].values()
    own = built(**{**SMALL, "conditional": False}).unet.parameters()
    for value, (mean, std, least, largest) in zip(own, statistics, strict=True):
        error = 6 * std / math.sqrt(value.numel())
        assert float(value.detach().mean()) == pytest.approx(mean, abs=2 * error + 1e-9)
        assert float(value.detach().std()) == pytest.approx(std, abs=error + 1e-9)
        assert float(value.detach().abs().max()) == pytest.approx(max(-least, largest), rel=0.5)


@pytest.mark.parametrize("objective", ["grad", "noise", "ysubx"])
@pytest.mark.parametrize("clip", [False, True])
def test_the_target_is_found_again_from_what_is_to_be_predicted(objective, clip):
    process, (source, target, noise) = BrownianBridge(objective=objective, clip=clip), 2 * torch.rand(3, 4, 3, 8, 8) - 1
    times = torch.tensor([0, 100, 500, 999])
    images, expected = process.on_the_way(source, target, Step(times=times, noise=noise))
    torch.testing.assert_close(process.estimate(images, expected, source, times), target, rtol=0, atol=2e-4)
    beyond = process.estimate(images - 9, expected, source - 9, times)
    assert (beyond.abs().max() <= 1) == clip


@pytest.mark.parametrize("from_noise", [False, True])
@pytest.mark.parametrize("count", [1, 3])
def test_a_flow_follows_the_line_that_it_learns_from(from_noise, count):
    flow, (source, target, noise) = Flow(from_noise), torch.randn(3, 2, 3, 4, 4)
    asked = []

    def directions(images, times):
        images_there, direction = flow.on_the_way(source, target, Step(times=times, noise=noise))
        torch.testing.assert_close(images, images_there)
        asked.append(times[0].item())
        return direction

    torch.testing.assert_close(flow.sample(directions, source, count, lambda: noise), target)
    assert asked == pytest.approx([step / count for step in range(count)])


def test_the_unet_of_a_flow_is_told_times_like_those_of_the_brownian_bridge():
    bridge, told = built(process="flow", **TINY), []
    bridge.unet.forward = lambda images, times: told.append(float(times[0])) or images
    bridge.translate(torch.zeros(1, 3, 16, 16), "a", "b", sampling_steps=4)
    assert told == [0, 250, 500, 750]


@pytest.mark.parametrize("process", ["brownian", "flow", "flow-from-noise"])
def test_translations_ask_the_unet_as_often_as_told_and_only_their_end_is_bounded(process):
    bridge, seen = built(process=process, **TINY), []
    bridge.unet.forward = lambda images, times: seen.append(images) or images[:, :3] * 0 - 9
    for asked, count in ((None, 3), (5, 5), (1, 1)):
        seen.clear()
        translated = bridge.translate(torch.zeros(1, 3, 16, 16), "a", "b", sampling_steps=asked)
        assert len(seen) == count
        assert translated.abs().max() <= 1
    assert f"{3} network evaluations" in bridge.inference
    bridge.translate(torch.zeros(1, 3, 16, 16), "a", "b", sampling_steps=4)
    assert seen[-1].abs().max() > 2


def test_a_flow_from_the_source_takes_no_noise_and_the_others_do():
    images = torch.zeros(1, 3, 16, 16)
    takes = {process: built(process=process, **TINY).takes for process in ("brownian", "flow", "flow-from-noise")}
    assert {process: "noise" in own for process, own in takes.items()} == {
        "brownian": True,
        "flow": False,
        "flow-from-noise": True,
    }
    with pytest.raises(UserError, match="takes no noise"):
        built(process="flow", **TINY).translate(images, "a", "b", seeds=[1])


def test_steps_beyond_those_of_the_schedule_are_refused_with_the_largest_number():
    bridge, images = built(timesteps=50, **TINY), torch.zeros(1, 3, 16, 16)
    bridge.translate(images, "a", "b", sampling_steps=50)
    with pytest.raises(UserError, match="sampling_steps is 51 and this model's schedule has 50"):
        bridge.translate(images, "a", "b", sampling_steps=51)


def test_what_is_not_said_is_as_published_for_the_process():
    flow, noisy = (BridgeConfig(process=name, learning_rate=1e-3) for name in ("flow", "flow-from-noise"))
    assert (flow.loss, flow.sampling_steps, flow.conditional, flow.learning_rate) == ("l2", 300, False, 1e-3)
    assert (noisy.loss, noisy.sampling_steps, noisy.conditional) == ("l2", 300, True)
    assert (BridgeConfig().loss, BridgeConfig().sampling_steps, BridgeConfig().learning_rate) == ("l1", 200, 1e-4)
    train = run_config("bridge", {}).train
    assert (train.batch_size, train.accumulate) == (16, 2)
    assert built(**TINY).optimizers()["unet"].betas == (0.9, 0.999)
    assert train.ema**8 == pytest.approx(0.995, abs=5e-4)
    assert schedule_of(built(**TINY), train) == LinearDecay(1.0)
    assert schedule_of(built(process="flow", **TINY), train) == CosineDecay(1 / 300)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"width": 48}, "groups=32 do not divide width=48: .* --set model.groups=16"),
        ({"multipliers": (1, 0)}, "multipliers=.1, 0. of width=128: give whole numbers of at least 1"),
        ({"multipliers": (1, 64)}, "multipliers=.1, 64. of width=128: .* at most 4,096"),
        ({"process": "flow-from-noise", "conditional": False}, "does not see the source .*model.conditional=true"),
        ({"timesteps": 100}, "sampling_steps=200 are more than the timesteps=100 .* --set model.sampling_steps=100"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_with_a_remedy(settings, said):
    with pytest.raises(UserError, match=said):
        BridgeConfig(**settings)


def test_data_without_pairs_are_refused(tmp_path):
    for domain, names in (("a", ["x", "y"]), ("b", ["u", "v"])):
        for split in ("train", "test"):
            for name in names:
                path = tmp_path / split / domain / f"{name}.ppm"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"P6 32 32 255\n" + bytes(3 * 32 * 32))
    config = run_config("bridge", {"data": {"path": str(tmp_path), "image_size": 32}, "model": dict(TINY)})
    with pytest.raises(UserError, match=r"bridge cannot be trained on .* it learns from aligned pairs and .* has none"):
        task_of(config, open_data(DataConfig(path=tmp_path)))

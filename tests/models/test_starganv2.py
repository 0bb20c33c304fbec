"""StarGAN v2 computes what the authors' code does, on its weights and draws, and trains as that does."""

import pytest
import torch
from torch import Tensor, nn

from i2i.data.batches import ReferenceBatch
from i2i.interop.starganv2 import DISCRIMINATOR, ENCODER, GENERATOR, MAPPING
from i2i.models.starganv2 import STYLING, StarGANv2, StarGANv2Config
from i2i.training.ema import Average
from i2i.training.steps.step import draw
from i2i.translator import Coverage, Step, Task
from tests.support import recipe, reference
from tests.support.replay import Replay, assert_change, assert_gradients, assert_terms, decay_witness, replay

FAMILIES = {
    "generator": GENERATOR,
    "mapping_network": MAPPING,
    "style_encoder": ENCODER,
    "discriminator": DISCRIMINATOR,
}
FIXTURES = "starganv2/starganv2"


def network(name: str, fixture: str = "") -> nn.Module:
    """A network with the weights of its fixture, of the size that these tell."""
    fixture = f"{FIXTURES}_{fixture or name}"
    state, family = recipe.weights(fixture), FAMILIES[name]
    if reference.settings(fixture)["settings"].get("w_hpf"):
        state["hpf.filter"] = laplacian()
    built = family.build(**family.read(state))
    reference.load(built, family, state)
    return built.eval()


def laplacian() -> Tensor:
    return torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def assert_output(fixture: str, name: str, ours: Tensor) -> None:
    stored, allowed = reference.arrays(f"{FIXTURES}_{fixture}"), reference.settings(f"{FIXTURES}_{fixture}")["outputs"]
    assert (ours - stored[name]).abs().max() < allowed[name]["tolerance"]


@torch.no_grad()
def test_the_generator_gives_the_reference_images():
    stored = reference.arrays(f"{FIXTURES}_generator")
    assert_output("generator", "output", network("generator")(stored["input"], stored["style"]))


@torch.no_grad()
def test_the_high_pass_generator_gives_the_reference_images_with_and_without_masks():
    stored = reference.arrays(f"{FIXTURES}_generator_highpass")
    generator = network("generator", "generator_highpass")
    images, style = stored["input"], stored["style"]
    assert_output("generator_highpass", "output_without_masks", generator(images, style))
    masked = generator(images, style, (stored["mask0"], stored["mask1"]))
    assert_output("generator_highpass", "output_with_masks", masked)


@torch.no_grad()
@pytest.mark.parametrize("name", ["mapping_network", "style_encoder", "discriminator"])
def test_the_heads_of_all_domains_give_the_reference_values(name):
    stored, one = reference.arrays(f"{FIXTURES}_{name}"), network(name)
    inputs = stored["latent" if name == "mapping_network" else "input"]
    assert_output(name, "output", one(inputs, stored["domain"].long()))
    every = [one(inputs, torch.full((len(inputs),), domain)) for domain in range(stored["all_domains"].shape[1])]
    assert_output(name, "all_domains", torch.stack(every, 1))


@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize("name", FAMILIES)
def test_networks_of_the_published_size_give_the_reference_values(name):
    fixture = f"{name}_published"
    stored, one = reference.arrays(f"{FIXTURES}_{fixture}"), network(name, fixture)
    if name == "mapping_network":
        assert_output(fixture, "output", one(stored["latent"], stored["domain"].long()))
        return
    images = stored["input_uint8"] / 127.5 - 1
    if name == "generator":
        assert_output(fixture, "output_every_4th_pixel", one(images, stored["style"])[:, :, ::4, ::4])
    else:
        assert_output(fixture, "output", one(images, stored["domain"].long()))


def translator(domains: int, size: int = 256, **settings: object) -> StarGANv2:
    torch.manual_seed(0)
    task = Task.covering(Coverage.ALL, [f"domain {number}" for number in range(domains)], (size, size))
    return StarGANv2(StarGANv2Config(**settings), task)


@pytest.mark.parametrize(("data", "domains", "high_pass"), [("CelebA-HQ", 2, 1.0), ("AFHQ", 3, 0.0)])
def test_the_parameters_are_counted_as_published(data, domains, high_pass):
    counts = reference.settings("parameter_counts")["starganv2"]
    with torch.device("meta"):
        model = translator(domains, high_pass=high_pass)
    for name in FAMILIES:
        (expected,) = (count for key, count in counts.items() if f"v2 {name}," in key and data in key)
        assert sum(parameter.numel() for parameter in model.get_submodule(name).parameters()) == expected, name


@pytest.mark.parametrize("name", FAMILIES)
def test_the_initial_weights_are_distributed_as_published(name):
    stored = reference.settings("initial_statistics")[f"starganv2 {name} (first width 64, at most 128)"]
    part = translator(2, 64, width=64, widest=128).get_submodule(name)
    rename = FAMILIES[name].rename(part)
    ours = {renamed(rename, key): value.detach() for key, value in part.named_parameters()}
    assert ours.keys() == stored.keys()
    for key, (mean, std, *_) in stored.items():
        assert float(ours[key].std(correction=0)) == pytest.approx(std, rel=0.1, abs=1e-6), key
        assert float(ours[key].mean()) == pytest.approx(mean, abs=0.15 * std + 1e-6), key


def renamed(rename, name: str) -> str:
    module, _, tensor = name.rpartition(".")
    return f"{rename(module)}.{tensor}"


TERMS = {
    "real": "real",
    "fake": "fake",
    "penalty": "reg",
    "adversarial": "adv",
    "style": "sty",
    "diversity": "ds",
    "cycle": "cyc",
}
PHASES = {
    "discriminator_latent": "D/latent",
    "discriminator_reference": "D/ref",
    "latent": "G/latent",
    "reference": "G/ref",
}


def trained(name: str) -> tuple[StarGANv2, Replay, dict, Average]:
    """A training on a fixture's weights, batches and draws."""
    settings, stored = reference.settings(name), reference.arrays(name)
    own, options = settings["settings"], settings["results"]["options"]
    model = translator(
        own["num_domains"],
        own["img_size"],
        width=own["base"] // own["img_size"],
        widest=own["max_conv_dim"],
        style=own["style_dim"],
        latent=own["latent_dim"],
        hidden=own["hidden"],
        lambda_style=options["lambda_sty"],
        lambda_diversity=options["lambda_ds"],
        lambda_cycle=options["lambda_cyc"],
        lambda_r1=options["lambda_reg"],
    )
    for part, weights in recipe.weights_by_network(name).items():
        reference.load(model.get_submodule(part), FAMILIES[part], weights)
    average = Average(model, 0.999, warmup=False)
    steps = range(own["steps"])
    keys = ("x_real", "y_org", "y_trg", "x_ref", "x_ref2")
    batches = [ReferenceBatch(*(number(stored[key][step]) for key in keys)) for step in steps]
    draws = [{"latent": stored["z_trg"][step], "other_latent": stored["z_trg2"][step]} for step in steps]
    progress = [step / options["ds_iter"] for step in steps]
    outcome = replay(model, batches, draws, average.update, progress)
    return model, outcome, options, average


def number(tensor: Tensor) -> Tensor:
    return tensor if tensor.is_floating_point() else tensor.long()


TRAININGS = [
    pytest.param("starganv2/training_starganv2", marks=pytest.mark.slow),  # a domain is in no batch
    "starganv2/training_starganv2_two_domains",
]


@pytest.mark.integration
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_gives_the_reference_losses_gradients_and_average(name):
    model, outcome, options, average = trained(name)
    weights = {"real": 1, "fake": 1, "reg": options["lambda_reg"], "adv": 1}
    weights |= {"sty": options["lambda_sty"], "cyc": options["lambda_cyc"]}
    used = iter([options["lambda_ds"], *(step["lambda_ds_used"] for step in stored_steps(name))])

    def there(terms: dict[str, float]) -> dict[str, float]:
        diversity = next(used)
        found = {} if terms is outcome.before else {"lambda_ds_used": diversity}
        for phase, theirs in PHASES.items():
            own = {TERMS[key.split("/")[1]]: value for key, value in terms.items() if key.split("/")[0] == phase}
            total = sum(value * (weights | {"ds": -diversity})[key] for key, value in own.items())
            found |= {f"{theirs}/{key}": value for key, value in {**own, "total": total}.items()}
        return found

    assert_terms(name, outcome, there)
    results = reference.settings(name)["results"]
    for key in results["gradient_norms_in_first_step"]:
        phase, part = key.split(" -> ")
        assert_gradients(name, outcome, key, phase_of(phase), part, of_parameters(model, part))
    for part, key in {
        "discriminator": "D/latent -> discriminator",
        **{part: f"G/latent -> {part}" for part in STYLING},
    }.items():
        assert_change(name, outcome, key, phase_of(key.split(" -> ")[0]), part, changed=part)
    ours = decay_witness(outcome, "latent", "generator", options["lr"])
    assert ours == pytest.approx(
        results["decay_witness_after_first_step"]["generator"],
        rel=reference.settings(name)["tolerance_relative"]["decay_witness_after_first_step"],
    )

    assert_translations_of_the_average(name, model, average)


@torch.no_grad()
def assert_translations_of_the_average(name: str, model: StarGANv2, average: Average) -> None:
    stored, outputs = reference.arrays(name), reference.settings(name)["outputs"]
    images, targets = stored["x_real"][0], stored["y_trg"][0].long()
    with average.in_place():
        styles = {
            "latent": model.mapping_network(stored["z_trg"][0], targets),
            "reference": model.style_encoder(stored["x_ref"][0], targets),
        }
        for kind, style in styles.items():
            output = f"ema_{kind}_translation_after_last_step"
            difference = (model.generator(images, style) - stored[output]).abs().max()
            assert difference < outputs[output]["tolerance"], kind


def phase_of(theirs: str) -> str:
    return next(own for own, name in PHASES.items() if name == theirs)


def stored_steps(name: str) -> list[dict]:
    return reference.settings(name)["results"]["steps"]


def of_parameters(model: StarGANv2, part: str):
    rename = FAMILIES[part].rename(model.get_submodule(part))
    return lambda name: renamed(rename, name)


def test_the_diversity_weight_falls_to_nothing():
    model = translator(2, 32, **StarGANv2.test_settings, diversity_until=0.5)
    batch = ReferenceBatch(
        torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), torch.tensor([1, 1]), *torch.rand(2, 2, 3, 32, 32)
    )
    draws = {"latent": torch.ones(2, 3), "other_latent": torch.zeros(2, 3)}
    first, *_ = model.phases()
    (phase,) = [phase for phase in model.phases() if phase.name == "latent"]
    steps = [Step(0, progress) for progress in (0.0, 0.25, 0.5, 0.75)]
    draw(first, [batch] * len(steps), steps, [draws] * len(steps))
    losses = [phase.loss(batch, step) for step in steps]
    rest = losses[-1].total.detach()
    diversity = float(losses[0].terms["diversity"].detach())
    assert diversity > 0
    for loss, weight in zip(losses, (2.0, 1.0, 0.0, 0.0), strict=True):
        assert float(rest - loss.total.detach()) == pytest.approx(weight * diversity, abs=1e-4)


def test_a_translation_takes_its_style_of_the_seed_or_of_the_reference():
    model = translator(2, 32, **StarGANv2.test_settings)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    one, other = (model.translate(images, "domain 0", "domain 1", seeds=[seed, seed]) for seed in (1, 2))
    like = model.translate(images, "domain 0", "domain 1", reference=images[:1])
    with torch.no_grad():
        style = model.style_encoder(images[:1], torch.tensor([1])).expand(2, -1)
        expected = model.generator(images, style).clamp(-1, 1)
    assert not torch.equal(one, other)
    assert torch.allclose(like, expected, atol=1e-4)


@pytest.mark.parametrize("size", [(32, 48), (96, 64)])
def test_oblong_images_are_translated_and_judged(size):
    model = StarGANv2(StarGANv2Config(**StarGANv2.test_settings), Task.covering(Coverage.ALL, ("a", "b"), size))
    images = torch.rand(2, 3, *size)
    assert model.translate(images, "a", "b", reference=images).shape == images.shape
    assert model.discriminator(images, torch.tensor([0, 1])).shape == (2,)

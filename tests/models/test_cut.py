"""CUT and FastCUT are those of the authors' code: networks, losses, gradients, initialisation."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from i2i import registry
from i2i.conversion.formats import export
from i2i.conversion.from_reference import import_run
from i2i.data.batches import UnpairedBatch
from i2i.errors import UserError
from i2i.interop.antialiased import ANTIALIASED_PATCHGAN, ANTIALIASED_RESNET, PATCH_PROJECTION
from i2i.interop.family import Family
from i2i.interop.renaming import to_reference
from i2i.losses import patch_nce
from i2i.models.cut import CUT, CUTConfig, FastCUT, FastCUTConfig
from i2i.nn.patch_discriminator import antialiased_patchgan
from i2i.nn.patch_projection import PatchProjection
from i2i.nn.resampling import BlurPool, BlurUpsample
from i2i.nn.resnet import ResnetGenerator
from i2i.runs.load import load_translator
from i2i.training.steps.step import drawn_losses
from i2i.translator import Coverage, Request, Step, Task
from i2i.translator.request import Noise
from tests.support import recipe, reference
from tests.support.faulty_gradients import faulty_gradients
from tests.support.replay import assert_change, assert_gradients, assert_terms, replay

TAPS = dict(zip(("image", "down1", "down2", "block1", "block5"), (0, 4, 8, 12, 16), strict=True))
SMALL = {"width": 4, "discriminator_width": 4, "projection_width": 16}
TRAININGS = {
    "training_cut": (CUT, CUTConfig(**SMALL), 1),
    "training_cut_batch2": (CUT, CUTConfig(**SMALL, patches=128), 1),
    "training_fastcut": (FastCUT, FastCUTConfig(**SMALL), 10),
}


def generator(width: int, blocks: int) -> ResnetGenerator:
    return ResnetGenerator(width=width, blocks=blocks, resampling="antialiased")


def load(network: nn.Module, family: Family, weights: dict[str, torch.Tensor]) -> None:
    """Load the recipe's weights, among which are no filters."""
    reference.load(network, family, to_reference(family, network) | weights)


NETWORKS: dict[str, tuple[Family, Callable[[], nn.Module]]] = {
    "cut_generator_resnet_9blocks": (ANTIALIASED_RESNET, lambda: generator(4, 9)),
    "cut_generator_resnet_6blocks": (ANTIALIASED_RESNET, lambda: generator(4, 6)),
    "cut_generator_resnet_9blocks_published": (ANTIALIASED_RESNET, lambda: generator(64, 9)),
    "cut_patchgan70": (ANTIALIASED_PATCHGAN, lambda: antialiased_patchgan(width=4)),
    "cut_patchgan70_published": (ANTIALIASED_PATCHGAN, lambda: antialiased_patchgan(width=64)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_output_is_the_reference_implementations(name):
    family, build = NETWORKS[name]
    network, stored = build(), reference.arrays(f"cut/{name}")
    load(network, family, recipe.weights(f"cut/{name}"))
    with torch.no_grad():
        assert_output(name, "output", network(stored["input"]))


def assert_output(name: str, output: str, ours: torch.Tensor) -> None:
    tolerance = reference.settings(f"cut/{name}")["outputs"][output]["tolerance"]
    assert (ours - reference.arrays(f"cut/{name}")[output]).abs().max() < tolerance, output


def test_feature_maps_by_name_are_those_of_the_reference_by_number():
    name = "cut_generator_resnet_9blocks"
    network = generator(4, 9)
    load(network, ANTIALIASED_RESNET, recipe.weights(f"cut/{name}"))
    with torch.no_grad():
        maps = network.features(reference.arrays(f"cut/{name}")["input"], tuple(TAPS))
    for number, ours in zip(TAPS.values(), maps, strict=True):
        assert_output(name, f"feature_layer{number}", ours)


def test_without_padding_the_first_feature_map_is_the_image():
    images = torch.rand(1, 3, 8, 12)
    network = ResnetGenerator(width=2, blocks=1, padding="zeros", resampling="antialiased")
    image, last = network.features(images, ("image", "block1"))
    assert torch.equal(image, images)
    assert last.shape == (1, 8, 2, 3)


def test_filters_resample_as_in_the_reference():
    stored = reference.arrays("cut/cut_resampling_filters")
    assert_output("cut_resampling_filters", "down", BlurPool(2)(stored["input"]))
    assert_output("cut_resampling_filters", "up", BlurUpsample(2)(stored["input"]))


def test_vectors_of_patches_are_the_reference_implementations():
    name = "cut_patch_sample_mlp"
    stored, settings = reference.arrays(f"cut/{name}"), reference.settings(f"cut/{name}")["settings"]
    projection = PatchProjection(settings["channels"], 16)
    load(projection, PATCH_PROJECTION, recipe.weights(f"cut/{name}"))
    places = range(len(settings["channels"]))
    with torch.no_grad():
        vectors = projection([stored[f"feature{i}"] for i in places], [stored[f"ids{i}"] for i in places])
    for i, ours in enumerate(vectors):
        assert_output(name, f"output{i}", ours.flatten(0, 1))


@pytest.mark.parametrize(
    ("output", "images"),
    [("negatives_from_the_same_image", 2), ("all_negatives_from_minibatch", 1)],
)
def test_contrasts_are_the_reference_implementations(output, images):
    """Among the patches of each image or, as if all were of one image, of the whole batch."""
    name = "cut_patch_nce_loss"
    stored, results = reference.arrays(f"cut/{name}"), reference.settings(f"cut/{name}")["results"][output]
    query, key = (stored[side].unflatten(0, (images, -1)).requires_grad_() for side in ("query", "key"))
    losses = patch_nce(query, key)
    assert_output(name, f"loss_per_patch_{output}", losses.flatten())
    losses.mean().backward()
    assert losses.mean().item() == pytest.approx(results["mean"], rel=1e-4)
    assert query.grad.norm().item() == pytest.approx(results["gradient_norm_query"], rel=1e-4)
    assert key.grad is None


def trained(name: str):
    cls, config, weight = TRAININGS[name]
    translator = cls(config, Task.covering(Coverage.DIRECTION, ("A", "B"), (64, 64)))
    for network, weights in recipe.weights_by_network(f"cut/{name}").items():
        part = cls.reference.files[network]
        load(translator.get_submodule(part.network), part.family, weights)
    return translator, weight


def draws(stored: dict[str, torch.Tensor], step: int) -> dict[str, torch.Tensor]:
    given = {"mirrored": stored["flip_draw"][step] < 0.5} if "flip_draw" in stored else {}
    for kind, side in (("nce", "A"), ("identity", "B")):
        given |= {
            f"{kind}_{tap}": stored[key][step]
            for tap, number in TAPS.items()
            if (key := f"ids_{side}_layer{number}") in stored
        }
    return given


def theirs(weight: float):
    """Our terms as the reference calls and weights them."""

    def translated(ours):
        adversarial, real, fake = (
            ours[name] for name in ("generator/adversarial", "discriminator/real", "discriminator/fake")
        )
        found = {"G_GAN": adversarial, "D_real": real, "D_fake": fake, "D": (real + fake) / 2}
        means = []
        for kind, name in (("nce", "NCE"), ("identity", "NCE_Y")):
            layers = [weight * ours[key] for tap in TAPS if (key := f"generator/{kind}_{tap}") in ours]
            if layers:
                means.append(sum(layers) / len(layers))
                found |= {name: means[-1], **{f"{name}_by_layer/{place}": own for place, own in enumerate(layers)}}
        return found | {"G": adversarial + sum(means) / len(means)}

    return translated


@pytest.fixture(scope="module", params=TRAININGS)
def training(request):
    name = request.param
    translator, weight = trained(name)
    stored = reference.arrays(f"cut/{name}")
    batches = [UnpairedBatch(a, b) for a, b in zip(stored["A"], stored["B"], strict=True)]
    fixed = [draws(stored, step) for step in range(len(batches))]
    with faulty_gradients() if len(batches[0].a) == 1 else nullcontext():
        return f"cut/{name}", translator, replay(translator, batches, fixed), weight


@pytest.mark.integration
def test_losses_are_the_reference_implementations(training):
    name, _, outcome, weight = training
    assert_terms(name, outcome, theirs(weight))


def test_gradients_and_changes_are_the_reference_implementations(training):
    name, translator, outcome, _ = training
    for key, part in CUT.reference.files.items():
        phase = "discriminator" if key == "D" else "generator"
        own = part.family.rename(translator.get_submodule(part.network))
        assert_gradients(
            name,
            outcome,
            key,
            phase,
            part.network,
            lambda parameter, own=own: f"{own(parameter.rpartition('.')[0])}.{parameter.rpartition('.')[2]}",
        )
        assert_change(name, outcome, key, phase, part.network)


def test_after_the_last_step_the_translation_is_the_reference_implementations(training):
    name, translator, _, _ = training
    stored = reference.arrays(name)
    if "fake_B_of_first_A_after_last_step" in stored:
        fake = translator.translate(stored["A"][0], "A", "B")
        assert_output(name.removeprefix("cut/"), "fake_B_of_first_A_after_last_step", fake)


def test_weights_and_totals_are_the_reference_implementations():
    """The sums that a training differentiates, which no term of the log shows."""
    for name in ("training_cut", "training_fastcut"):
        translator, _ = trained(name)
        stored, step = reference.arrays(f"cut/{name}"), Step()
        batch, given = UnpairedBatch(stored["A"][0], stored["B"][0]), draws(stored, 0)
        totals = [float(drawn_losses(phase, batch, step, given).total.detach()) for phase in translator.phases()]
        expected = reference.settings(f"cut/{name}")["results"]["before_any_update"]
        assert totals == pytest.approx([expected["D"], expected["G"]], rel=1e-4)


def test_parameter_counts_are_the_published_ones():
    counts = reference.settings("parameter_counts")["cut"]
    with torch.device("meta"):
        cut = CUT(CUTConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (256, 256)))
        six = CUT(CUTConfig(blocks=6), cut.task)
    found = {
        "CUT generator resnet_9blocks, ngf 64, antialiased": cut.generator,
        "CUT generator resnet_6blocks, ngf 64, antialiased": six.generator,
        "CUT PatchGAN discriminator (basic), ndf 64": cut.discriminator,
        "CUT PatchSampleF, nc 256, layers 0,4,8,12,16": cut.projection,
    }
    assert {name: sum(p.numel() for p in network.parameters()) for name, network in found.items()} == {
        name: counts[name] for name in found
    }


@pytest.mark.parametrize(
    ("key", "network"),
    [("cut G resnet_9blocks ngf 64", "G"), ("cut D basic ndf 64", "D"), ("cut F mlp_sample nc 256", "F")],
)
def test_initial_weights_are_distributed_as_in_the_reference(key, network):
    torch.manual_seed(0)
    part = CUT.reference.files[network]
    cut = CUT(CUTConfig(), Task.covering(Coverage.DIRECTION, ("a", "b"), (64, 64)))
    state = to_reference(part.family, cut.get_submodule(part.network))
    for parameter, (_, std, *_) in reference.settings("initial_statistics")[key].items():
        if std == 0:
            assert not state[parameter].any(), parameter
        else:
            assert state[parameter].std(correction=0).item() == pytest.approx(std, rel=0.1), parameter


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"blocks": 3}, "--set model.taps=image,down1,down2,block1,block3"),
        ({"taps": ("image", "image")}, "each once"),
        ({"taps": ("down3",)}, "down3"),
    ],
)
def test_feature_maps_that_there_are_not_are_refused(settings, named):
    with pytest.raises(UserError, match=named):
        CUTConfig(**settings)


def test_a_mirrored_translation_is_compared_with_its_source_place_by_place():
    """A generator of one pixel's reach gives the same contrasts, mirrored or not."""
    config = FastCUTConfig(**SMALL, blocks=1, taps=("image",), patches=100_000)
    translator = FastCUT(config, Task.covering(Coverage.DIRECTION, ("A", "B"), (16, 16)))
    images, places = torch.rand(1, 3, 16, 16), {"nce_image": torch.arange(22 * 22)}
    found = [
        translator._nce("nce", images, translated, Step(mirrored=torch.tensor(mirrored), **places))["nce_image"]
        for mirrored, translated in ((False, images), (True, images.flip(3)), (True, images))
    ]
    assert torch.equal(found[0], found[1])
    assert found[2] > found[0]


def test_an_image_is_translated_by_the_generator_alone():
    translator = CUT(CUTConfig(**CUT.test_settings), Task.covering(Coverage.DIRECTION, ("A", "B"), (16, 16)))
    images = torch.rand(2, 3, 16, 16)
    request = Request(0, 1, Noise([0, 0]))
    assert torch.equal(translator.generate(images, request), translator.generator(images))


def saved(folder, change=dict):
    """The authors' three files, small; returns their paths and contents by network."""
    contents = {}
    for name, weights in recipe.weights_by_network("cut/training_cut").items():
        part = CUT.reference.files[name]
        network = trained("training_cut")[0].get_submodule(part.network)
        contents[name] = change(to_reference(part.family, network) | weights)
        torch.save(contents[name], folder / f"latest_net_{name}.pth")
    return [folder / f"latest_net_{name}.pth" for name in contents], contents


@pytest.mark.integration
@pytest.mark.parametrize("model", ["cut", "fastcut"])
def test_the_authors_files_come_in_and_go_out_as_they_were(tmp_path, model):
    files, contents = saved(tmp_path)
    import_run(files, model, ["horse", "zebra"], {}, tmp_path / "run")
    translator, _ = load_translator(tmp_path / "run")
    told = ("width", "discriminator_width", "projection_width", "blocks", "layers", "norm")
    assert [getattr(translator.config, name) for name in told] == [4, 4, 16, 9, 3, "instance"]
    (tmp_path / "out").mkdir()
    export(tmp_path / "run", "reference", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in files}
    for name, expected in contents.items():
        written = torch.load(tmp_path / "out" / f"latest_net_{name}.pth", weights_only=True)
        assert list(written) == list(reference.settings("cut/training_cut")["keys"][name])
        assert all(torch.equal(written[key], value) for key, value in expected.items())


@pytest.mark.integration
def test_the_authors_generator_alone_translates_as_theirs(tmp_path):
    name = "cut_generator_resnet_6blocks"
    state = to_reference(ANTIALIASED_RESNET, generator(4, 6)) | recipe.weights(f"cut/{name}")
    torch.save(state, tmp_path / "latest_net_G.pth")
    import_run([tmp_path / "latest_net_G.pth"], "cut", ["horse", "zebra"], {}, tmp_path / "run")
    translator, _ = load_translator(tmp_path / "run")
    assert_output(name, "output", translator.translate(reference.arrays(f"cut/{name}")["input"], "horse", "zebra"))


@pytest.mark.parametrize("name", NETWORKS)
def test_keys_and_shapes_tell_how_a_network_is_built(name):
    family, build = NETWORKS[name]
    network = build()
    state = to_reference(family, network)
    every = [
        part.family
        for own in registry.names()
        if (known := registry.get(own).reference)
        for part in known.files.values()
    ]
    assert {one.title for one in every if one.recognizes(state)} == {family.title}
    assert str(family.build(**family.read(state))) == str(network)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("change", "model", "named"),
    [
        (
            lambda state: {key: own for key, own in state.items() if not key.endswith(".filt")},
            "cut",
            "--model cyclegan",
        ),
        (
            lambda state: {key: own for key, own in state.items() if key != "model.7.filt"},
            "cut",
            "lacks the 3x3 filter",
        ),
        (dict, "cyclegan", "--model cut"),
    ],
)
def test_a_generator_of_another_kind_is_refused_with_the_model_to_take(tmp_path, change, model, named):
    saved(tmp_path, change)
    with pytest.raises(UserError, match=named):
        import_run([tmp_path / "latest_net_G.pth"], model, ["horse", "zebra"], {}, tmp_path / "run")

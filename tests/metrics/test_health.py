"""Each flag goes up on images that have its fault, and none on true translations."""

import re
from pathlib import Path

import pytest
import torch

from i2i.data.synthetic.embedded import EMBEDDED
from i2i.metrics.health import diverged, flags

SIDE, SCENES = 64, 8


def drawn(name, domain, first=0, side=SIDE, scenes=SCENES):
    draw = EMBEDDED[name].draw
    arrays = [torch.from_numpy(draw(first + scene, domain, (side, side), 0)) for scene in range(scenes)]
    return torch.stack(arrays).permute(0, 3, 1, 2).contiguous()


@pytest.fixture(scope="module")
def seasons():
    """By domain: drawings of some scenes, and of other scenes."""
    return {domain: (drawn("seasons", domain), drawn("seasons", domain, 100)) for domain in EMBEDDED["seasons"].domains}


def raised(*arguments):
    return {flag.name for flag in flags(*arguments) if flag.raised}


def pixels(values):
    return values.round().clamp(0, 255).to(torch.uint8)


def noisy(values, deviation, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return pixels(values.float() + deviation * torch.randn(values.shape, generator=generator))


@pytest.mark.integration
@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("side", [24, 64])
def test_true_translations_raise_no_flag_in_any_direction(name, side):
    domains = EMBEDDED[name].domains
    scenes = {domain: drawn(name, domain, side=side) for domain in domains}
    elsewhere = {domain: drawn(name, domain, 100, side=side) for domain in domains}
    for source in domains:
        for target in domains:
            if source != target:
                others = [scenes[other] for other in domains if other not in (source, target)]
                found = flags(scenes[source], scenes[target], elsewhere[target], others)
                assert not [flag for flag in found if flag.raised], (source, target)
                assert len(found) == 8


@pytest.mark.integration
def test_copies_are_flagged_even_with_some_noise(seasons):
    inputs, reals = seasons["summer"][0], seasons["winter"][1]
    assert raised(inputs, inputs, reals) == {"copied"}
    assert raised(inputs, noisy(inputs, 3), reals) == {"copied"}


def test_one_output_for_all_inputs_is_a_collapse(seasons):
    inputs, reals = seasons["summer"][0], seasons["winter"][1]
    one = reals[:1].expand_as(inputs)
    assert raised(inputs, one, reals) == {"collapsed"}
    assert raised(inputs, noisy(one, 2), reals) == {"collapsed"}


def test_outputs_that_do_not_depend_on_the_target_are_flagged(seasons):
    inputs, reals, outputs = seasons["summer"][0], seasons["winter"][1], seasons["winter"][0]
    assert raised(inputs, outputs, reals, [noisy(outputs, 2)]) == {"ignored target"}
    assert raised(inputs, outputs, reals, [seasons["night"][0]]) == set()
    assert "ignored target" not in {flag.name for flag in flags(inputs, outputs, reals)}


@pytest.mark.parametrize("target", ["autumn", "winter", "night"])
def test_negatives_are_flagged(seasons, target):
    inputs, outputs, reals = seasons["summer"][0], seasons[target][0], seasons[target][1]
    assert raised(inputs, 255 - outputs, reals) == {"inverted"}


def test_what_the_target_itself_turns_round_is_not_called_inverted(seasons):
    inputs = seasons["summer"]
    assert raised(inputs[0], 255 - inputs[0], 255 - inputs[1]) == set()


@pytest.mark.parametrize(("period", "strength"), [(2, 8), (4, 20)])  # the drawings have more detail at 4 than at 2
def test_checkerboards_are_flagged(seasons, period, strength):
    inputs, outputs, reals = seasons["summer"][0], seasons["winter"][0], seasons["winter"][1]
    wave = torch.cos(2 * torch.pi * torch.arange(SIDE) / period)
    for pattern in (wave[:, None] * wave, wave.expand(SIDE, SIDE)):
        assert raised(inputs, pixels(outputs + strength * pattern), reals) == {"checkerboard"}
    assert raised(inputs, noisy(outputs, 20), reals) == set()  # fine detail by itself is no pattern


def test_a_checkerboard_that_the_target_has_is_none(seasons):
    inputs, outputs, reals = seasons["summer"][0], seasons["winter"][0], seasons["winter"][1]
    board = 8 * (torch.arange(SIDE) % 2 * 2 - 1)
    assert raised(inputs, pixels(outputs + board), pixels(reals + board)) == set()


def test_saturated_outputs_are_flagged_unless_the_target_is(seasons):
    inputs, outputs, reals = seasons["summer"][0], seasons["winter"][0], seasons["winter"][1]

    def harsh(some):
        """Three times the contrast, around each image's own mean, since the light of a scene varies."""
        return pixels((some.float() - some.float().mean(dim=(1, 2, 3), keepdim=True)) * 3 + 128)

    assert raised(inputs, harsh(outputs), reals) == {"saturated"}
    assert raised(inputs, harsh(outputs), harsh(reals)) == set()


def test_constant_outputs_are_flagged(seasons):
    inputs, reals = seasons["summer"][0], seasons["winter"][1]
    means = seasons["winter"][0].float().mean(dim=(2, 3), keepdim=True)
    assert "constant" in raised(inputs, pixels(means.expand(inputs.shape)), reals)
    assert "constant" in raised(inputs, torch.zeros_like(inputs), reals)


def test_pure_noise_is_flagged(seasons):
    inputs, reals = seasons["summer"][0], seasons["winter"][1]
    assert "noise" in raised(inputs, noisy(torch.full_like(inputs, 128), 60), reals)


@pytest.mark.integration
def test_large_sets_are_thinned_alike_on_both_sides(seasons):
    inputs, outputs, reals = seasons["summer"][0], seasons["winter"][0], seasons["winter"][1]
    many = [some.repeat(40, 1, 1, 1) for some in (inputs, outputs, reals)]
    assert raised(*many) == set()
    assert "copied" in raised(many[0], many[0], many[2])


def test_sets_that_do_not_fit_are_refused(seasons):
    one, other = seasons["summer"]
    for wrong, text in (
        ((one.float(), one, other), "inputs must be uint8"),
        ((one[:3], one, other), "inputs .* do not fit outputs"),
        ((one, one, other[..., :32]), "reals .* do not fit"),
        ((one[:1], one[:1], other), "inputs must hold 2 or more"),
        ((one, one, other, [one[:3]]), r"others\[0\] .* do not fit"),
    ):
        with pytest.raises(ValueError, match=text):
            flags(*wrong)


def test_the_page_on_scoring_tells_every_flag_and_its_threshold(seasons):
    page = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()
    listed = re.findall(r"^\| `([a-z ]+)` \| ([<>]) (-?[0-9.]+) \|", page, re.MULTILINE)
    found = flags(seasons["summer"][0], seasons["winter"][0], seasons["winter"][1], [seasons["night"][0]])
    found.append(diverged(0.0))
    assert listed == [(flag.name, ">" if flag.above else "<", f"{flag.threshold:g}") for flag in found]

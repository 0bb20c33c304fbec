"""The drawn landscapes: what a scene shares between its domains, and how far these lie apart."""

import re
import sys
from collections import defaultdict
from contextlib import suppress
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from i2i import cli
from i2i.config import DataConfig
from i2i.data.image_files.images import read_image
from i2i.data.open import open_data
from i2i.data.synthetic import embedded, landscapes
from i2i.data.synthetic._light import THICKEST_MIST, Light
from i2i.data.synthetic._palette import MATERIALS
from i2i.data.synthetic._scene import Scene
from i2i.data.synthetic._scene_shapes import spread
from i2i.data.synthetic.seasons import PALETTES, SEASONS
from i2i.data.synthetic.styles import STYLES

FIXED_IN_THE_IMAGE = ("star", "flake", "hatch", "grid")
SETS = {painted.name: painted for painted in (SEASONS, STYLES)}
each_set = pytest.mark.parametrize("painted", SETS.values(), ids=SETS)
each_domain = pytest.mark.parametrize(
    ("painted", "domain"),
    [pytest.param(painted, domain, id=domain) for painted in SETS.values() for domain in painted.domains],
)
each_pair = pytest.mark.parametrize(
    ("painted", "first", "second"),
    [
        pytest.param(painted, *pair, id="-".join(pair))
        for painted in SETS.values()
        for pair in combinations(painted.domains, 2)
    ],
)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal to noise ratio of two uint8 images, in dB."""
    error = np.mean((first.astype(float) - second.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


def edges(image: np.ndarray) -> np.ndarray:
    """Where a uint8 image [H, W, 3] changes: [H - 1, W - 1] in {0, 1}, its strongest tenth."""
    values = image.astype(float)
    change = np.abs(np.diff(values, axis=0))[:, :-1] + np.abs(np.diff(values, axis=1))[:-1]
    strength = change.sum(axis=2)
    return (strength > np.quantile(strength, 0.9)).astype(float)


def borders(labels: np.ndarray) -> np.ndarray:
    """Where a label map [H, W] changes: [H - 1, W - 1] in {0, 1}."""
    return ((labels[1:, :-1] != labels[:-1, :-1]) | (labels[:-1, 1:] != labels[:-1, :-1])).astype(float)


def unexplained(image: np.ndarray, labels: np.ndarray) -> float:
    """The variance that is left of a uint8 image when each label of `labels` [H, W] is given its mean colour."""
    values = image.astype(float)
    regions = [values[labels == label] for label in np.unique(labels)]
    return sum(float(((region - region.mean(axis=0)) ** 2).sum()) for region in regions) / labels.size


def best_shift(first: np.ndarray, second: np.ndarray, reach: int = 3) -> tuple[int, int]:
    """The shift (rows, columns) of `second` at which the two maps overlap most."""
    shifts = [(rows, columns) for rows in range(-reach, reach + 1) for columns in range(-reach, reach + 1)]
    inner = (slice(reach, -reach), slice(reach, -reach))
    return max(shifts, key=lambda shift: float((first * np.roll(second, shift, axis=(0, 1)))[inner].sum()))


def first_and_last(painted):
    return painted.domains[0], painted.domains[-1]


@each_set
def test_images_are_rgb_bytes_of_the_size_asked_for(painted):
    for size in ((64, 64), (16, 16), (48, 96), (97, 33)):
        image = painted.draw(3, painted.domains[0], size)
        assert image.shape == (*size, 3)
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous


@each_set
def test_drawing_is_deterministic_whatever_was_drawn_before(painted):
    domain, other_domain = first_and_last(painted)
    first = painted.draw(7, domain)
    for other in (8, 9, 7):
        painted.draw(other, other_domain, (32, 40))
    landscapes._layers.cache_clear()
    np.testing.assert_array_equal(first, painted.draw(7, domain))


@each_set
def test_drawing_one_domain_leaves_the_next_one_untouched(painted):
    """The layers are shared between the domains of a scene, so painting must not write to them."""
    for domain in painted.domains:
        painted.draw(4, domain)
    shared = [painted.draw(4, domain) for domain in painted.domains]
    for domain, image in zip(painted.domains, shared, strict=True):
        landscapes._layers.cache_clear()
        np.testing.assert_array_equal(image, painted.draw(4, domain))


@each_set
def test_scene_and_seed_each_change_the_image(painted):
    domain = painted.domains[0]
    images = [painted.draw(scene, domain, seed=seed) for scene in range(4) for seed in range(3)]
    for first, second in combinations(images, 2):
        assert psnr(first, second) < 25


@each_set
def test_scenes_differ_in_layout(painted):
    maps = [painted.label_map(scene) for scene in range(12)]
    agreement = [np.mean(first == second) for first, second in combinations(maps, 2)]
    assert max(agreement) < 0.9


@pytest.mark.integration
def test_no_two_sets_share_scenes_or_names_of_domains():
    """So that a training on several of them meets no scene twice, and no two domains of one name."""
    for first, second in combinations(SETS.values(), 2):
        assert not set(first.domains) & set(second.domains)
        for number in range(12):
            assert np.mean(first.label_map(number) == second.label_map(number)) < 0.9


@each_domain
def test_every_domain_has_its_edges_where_the_label_map_has(painted, domain):
    for scene in range(6):
        outline = borders(painted.label_map(scene, (128, 128)))
        assert best_shift(edges(painted.draw(scene, domain, (128, 128))), outline) == (0, 0), scene


@each_pair
def test_two_domains_of_a_scene_have_their_edges_at_the_same_pixels(painted, first, second):
    for scene in range(6):
        one, other = (edges(painted.draw(scene, domain)) for domain in (first, second))
        assert best_shift(one, other) == (0, 0), scene


@each_set
def test_edges_of_different_scenes_do_not_coincide(painted):
    """The control of the two tests above: they would mean nothing if any two images passed them."""
    first, last = first_and_last(painted)
    coinciding = [
        best_shift(edges(painted.draw(scene, first)), edges(painted.draw(scene + 1, last))) == (0, 0)
        for scene in range(6)
    ]
    assert sum(coinciding) <= 2


@each_domain
def test_materials_explain_an_image_better_than_those_of_other_scenes_do(painted, domain):
    image = painted.draw(5, domain)
    own = unexplained(image, painted.label_map(5))
    for other in (6, 7, 8, 9):
        assert own < 0.8 * unexplained(image, painted.label_map(other))


@each_domain
def test_what_a_domain_hides_lies_at_fixed_places_or_on_something_it_shows(painted, domain):
    """Otherwise the other domains could not be painted from this one."""
    hidden = {material for material in MATERIALS if getattr(painted.palettes[domain], material).opacity == 0}
    assert hidden <= {*FIXED_IN_THE_IMAGE, "crater", "twig", "halo", "litter"}


@pytest.mark.parametrize("material", FIXED_IN_THE_IMAGE)
def test_what_lies_at_fixed_places_is_the_same_in_every_scene(material):
    """It cannot be seen in the other domains, so a model can know it only by its place."""
    covers = []
    for scene in (1, 2):
        (layer,) = [layer for layer in landscapes._layers(scene, 0, "", (256, 256)) if layer.material == material]
        covers.append(layer.cover[:96])
    assert covers[0].max() > 0.5
    np.testing.assert_array_equal(*covers)


@each_domain
@pytest.mark.parametrize("material", ["leafy", "conifer", "wall"])
def test_every_domain_shows_the_tint_of_what_is_tinted(painted, domain, material):
    """A colour that varies between the scenes must be seen in the source, whichever it is: at least 10 of 255 apart."""
    paint = getattr(painted.palettes[domain], material)
    assert np.abs(paint.color(0.7, 0.0) - paint.color(0.7, 1.0)).max() > 10 / 255


@each_domain
def test_every_domain_shows_the_lights_and_shades_of_the_meadow(painted, domain):
    """They vary between the scenes and nothing else tells of them: at least 40 of 255 apart."""
    meadow = painted.palettes[domain].meadow
    assert np.abs(meadow.lit - meadow.dark).max() > 40 / 255


@each_set
def test_label_map_shows_the_main_things_of_a_landscape(painted):
    seen = {MATERIALS[label] for scene in range(8) for label in np.unique(painted.label_map(scene))}
    assert {"sky", "sun", "cloud", "meadow", "path", "water", "leafy", "conifer", "trunk", "wall", "roof"} <= seen


@each_domain
@pytest.mark.parametrize(("large", "small"), [((128, 128), (64, 64)), ((192, 96), (64, 48))])
def test_geometry_is_the_same_at_every_size(painted, domain, large, small):
    rows, columns = large[0] // small[0], large[1] // small[1]
    for scene in range(4):
        fine = painted.draw(scene, domain, large).astype(float)
        coarse = fine.reshape(small[0], rows, small[1], columns, 3).mean(axis=(1, 3))
        assert psnr(coarse, painted.draw(scene, domain, small)) > 40


@pytest.mark.integration
@each_pair
def test_copying_the_source_is_a_poor_translation(painted, first, second):
    """The light that a season shares with its scene leaves less to paint than a style does; the worst is all new."""
    scores = [psnr(painted.draw(scene, first), painted.draw(scene, second)) for scene in range(20)]
    mean, best = (25, 29) if painted.lights else (13, 15)
    assert 4 < np.mean(scores) < mean
    assert max(scores) < best


@cache
def small(name):
    """Forty scenes of a set in every domain, [scenes, domains, 32, 32, 3]."""
    painted = SETS[name]
    return np.array([[painted.draw(scene, domain, (32, 32)) for domain in painted.domains] for scene in range(40)])


def colors(painted):
    """Mean and std of each channel of small images: [scenes, domains, 6]."""
    images = small(painted.name)
    return np.concatenate([images.mean(axis=(2, 3)), images.std(axis=(2, 3))], axis=2)


def told_by_colors(painted, domains=slice(None)):
    """The share of unseen images that are nearest to their own domain's average in mean and std of the channels."""
    seen = colors(painted)[:, domains]
    centers, unseen = seen[:20].mean(axis=0), seen[20:]
    distance = np.linalg.norm(unseen[:, :, None] - centers, axis=3)
    return np.mean(distance.argmin(axis=2) == np.arange(seen.shape[1]))


@pytest.mark.integration
def test_colors_tell_styles_apart_but_seasons_hardly():
    assert told_by_colors(STYLES) > 0.95
    assert told_by_colors(SEASONS) < 0.65


@pytest.mark.integration
@pytest.mark.parametrize("pair", list(combinations(range(len(SEASONS.domains)), 2)))
def test_colors_hardly_tell_any_two_seasons_apart(pair):
    """In fog and glare a summer is as pale as a winter, so that a tint leads to neither."""
    assert told_by_colors(SEASONS, list(pair)) < 0.95


@pytest.mark.integration
def test_the_light_of_a_season_changes_colors_more_than_the_season_does():
    """So a transfer of colours leads to another hour, not to another domain."""
    seen = colors(SEASONS)[:, :, :3]
    within, between = seen.std(axis=0).mean(), seen.mean(axis=0).std(axis=0).mean()
    assert within > between
    styled = colors(STYLES)[:, :, :3]  # the control
    assert styled.std(axis=0).mean() < 0.5 * styled.mean(axis=0).std(axis=0).mean()


@pytest.mark.parametrize(("first", "second"), list(combinations(SEASONS.domains, 2)))
def test_two_seasons_of_a_scene_are_in_the_same_light(first, second):
    """Otherwise the colours of the target could not be known from the source."""
    one, other = (
        small("seasons")[:, SEASONS.domains.index(domain), 2:12].mean(axis=(1, 2)) for domain in (first, second)
    )
    assert min(np.corrcoef(one[:, channel], other[:, channel])[0, 1] for channel in range(3)) > 0.85


@pytest.fixture(scope="module")
def materials():
    """By domain and material, the mean colours [scenes, 3] in which scenes show it; nan where one does not."""
    shown = {domain: defaultdict(list) for domain in PALETTES}
    for scene in range(14):
        labels = SEASONS.label_map(scene, (96, 96))
        for domain in PALETTES:
            image = SEASONS.draw(scene, domain, (96, 96))
            for name in ("roof", "meadow", "pane", "leafy", "conifer"):
                there = labels == MATERIALS.index(name)
                shown[domain][name].append(image[there].mean(axis=0) if there.any() else np.full(3, np.nan))
    return {(domain, name): np.array(seen) for domain in shown for name, seen in shown[domain].items()}


@pytest.mark.integration
def test_snow_lies_on_roofs_in_winter_alone(materials):
    """A roof is no darker than the snow around it then, in any light; elsewhere it is darker than the meadow.

    At night lamps and windows light some of it.
    """
    brighter = {domain: (materials[domain, "roof"] - materials[domain, "meadow"]).mean(axis=1) for domain in PALETTES}
    assert np.nanmin(brighter["winter"]) > -15
    assert all(
        np.nanmean(brighter[domain]) < (-10 if domain == "night" else -25) for domain in PALETTES if domain != "winter"
    ), brighter


def test_windows_are_lit_at_night_alone(materials):
    yellow = {domain: materials[domain, "pane"][:, 0] - materials[domain, "pane"][:, 2] for domain in PALETTES}
    assert np.nanmin(yellow["night"]) > max(np.nanmax(yellow[domain]) for domain in PALETTES if domain != "night")


def test_leaves_turn_in_autumn_whatever_the_light(materials):
    red = {
        domain: (materials[domain, "leafy"] @ [1, -1, 0]) - (materials[domain, "conifer"] @ [1, -1, 0])
        for domain in PALETTES
    }
    assert np.nanmean(red["autumn"]) > 30 + max(np.nanmean(red[domain]) for domain in PALETTES if domain != "autumn")


@pytest.mark.parametrize(
    ("domain", "shown"),
    [("summer", set()), ("autumn", {"litter"}), ("winter", {"twig", "flake"}), ("night", {"star", "crater", "halo"})],
)
def test_what_only_one_season_shows(domain, shown):
    rare = ("litter", "twig", "flake", "star", "crater", "halo")
    assert {name for name in rare if getattr(SEASONS.palettes[domain], name).opacity > 0} == shown


def test_stars_are_seen_at_night_in_every_light():
    for scene in range(12):
        sky = SEASONS.draw(scene, "night", (64, 64))[:14].astype(float).sum(axis=2)
        assert np.quantile(sky, 0.99) > np.median(sky) + 90, scene


def test_lamps_stand_beside_the_path_and_not_in_the_pond():
    """Within the image, so that a night is told by them in every scene."""
    for scene in (Scene.sample(number, 0) for number in range(150, 210)):  # 191 has hardly room for its pond
        for lamp in scene.lamps:
            assert 0 < lamp.x < 1 and lamp.base < 1
            assert abs(float(scene.path.center(lamp.base)) - lamp.x) > float(scene.path.half_width(lamp.base))
            assert scene.pond is None or spread(scene.pond, lamp.x, lamp.base) > 1


def warm(image):
    """How many pixels of an image [H, W, 3] are as yellow as a light: red at least 60 of 255 above blue, and bright."""
    values = image.astype(int)
    return int(((values[..., 0] - values[..., 2] > 60) & (values[..., 0] > 190)).sum())


def test_lights_are_large_enough_to_be_seen_at_64_pixels():
    """At least 60 pixels of 4096 at night, and twice those of the same scene in winter."""
    for scene in range(12):
        lit, unlit = (warm(SEASONS.draw(scene, domain, (64, 64))) for domain in ("night", "winter"))
        assert lit > 60 and lit > 2 * unlit, (scene, lit, unlit)


def test_lights_are_bounded_and_differ_between_scenes_and_seeds():
    lights = [Light.sample(scene, seed, "") for scene in range(30) for seed in range(2)]
    gains = np.array([light.gain for light in lights])
    assert len({tuple(gain) for gain in gains.tolist()}) == len(lights)
    assert 0.35 < gains.min() < 0.6 and 1.0 < gains.max() < 1.35
    assert all(0 <= light.mist <= THICKEST_MIST and 0.2 < light.saturation <= 1.0 for light in lights)


def test_what_shines_has_its_colors_in_any_light():
    night = SEASONS.palettes["night"]
    dim, bright = (Light.sample(scene, 0, "").on(night) for scene in (0, 6))
    np.testing.assert_array_equal(dim.pane.lit, bright.pane.lit)
    assert np.abs(dim.meadow.lit - bright.meadow.lit).max() > 0.1


def test_a_set_without_lights_has_the_colors_of_its_palette():
    corners = small("styles")[:, STYLES.domains.index("poster"), 0, 0] / 255
    assert np.abs(np.median(corners, axis=0) - STYLES.palettes["poster"].sky.dark[:, 0, 0]).max() < 0.1


@each_set
def test_unknown_domain_is_refused_with_those_there_are(painted):
    with pytest.raises(ValueError, match=f"'spring' of {painted.name}.*{', '.join(painted.domains)}"):
        painted.draw(0, "spring")


@pytest.mark.parametrize("size", [(15, 64), (64, 8)])
def test_too_small_a_size_is_refused_with_the_smallest(size):
    with pytest.raises(ValueError, match="at least 16"):
        SEASONS.draw(0, "summer", size)
    with pytest.raises(ValueError, match="at least 16"):
        SEASONS.label_map(0, size)


@each_set
def test_a_set_is_drawn_where_the_settings_name_it(painted, tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path))
    data = open_data(DataConfig(embedded=painted.name, scenes=3, test_scenes=2, image_size=(16, 16)))
    assert data.domains == painted.domains
    for domain in painted.domains:
        (first, *others) = sorted(tmp_path.glob(f"*/train/{domain}/*.png"))
        assert len(others) == 2
        np.testing.assert_array_equal(read_image(first), painted.draw(0, domain, (16, 16)))


@pytest.mark.integration
@pytest.mark.parametrize("command", ["bench --models cyclegan", "train --model stargan"])
@pytest.mark.parametrize(
    ("name", "chosen"), [("seasons", {"summer", "winter", "night"}), ("styles", {*STYLES.domains})]
)
def test_three_seasons_are_the_default_and_another_set_comes_whole(
    command, name, chosen, tmp_path, monkeypatch, capsys
):
    settings = [f"embedded={name}", "scenes=2", "test_scenes=2", "image_size=32"]
    monkeypatch.setenv("I2I_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["i2i", *command.split(), "--dry-run", *(f"--set=data.{s}" for s in settings)])
    with suppress(SystemExit):
        cli.main()
    known = {domain for painted in SETS.values() for domain in painted.domains}
    assert known & set(re.findall("[a-z]+", capsys.readouterr().out)) == chosen


@pytest.mark.integration
def test_a_validation_split_leaves_training_and_test_scenes_as_they_are(tmp_path):
    for name, val in (("without", 0), ("with", 2)):
        embedded.make("seasons", tmp_path / name, (16, 16), 3, 2, val=val)
    plain, validated = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.png")}
        for name in ("without", "with")
    )
    added = {path: content for path, content in validated.items() if path.parts[0] == "val"}
    assert plain == {path: content for path, content in validated.items() if path not in added}
    assert len(added) == 2 * len(SEASONS.domains)
    assert not {path.name for path in added} & {path.name for path in plain}


def test_a_set_that_somebody_else_draws_at_the_same_time_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path))
    config = DataConfig(embedded="seasons", scenes=2, test_scenes=2, image_size=(16, 16))
    draw, first = embedded._make, []

    def overtaken(*arguments):
        draw(*arguments)  # the other process, between the look into the cache and the drawing
        first.extend(embedded.cache_place("seasons", config).iterdir())
        draw(*arguments)

    monkeypatch.setattr(embedded, "_make", overtaken)
    assert open_data(config).domains
    assert first and sorted(first) == sorted(embedded.cache_place("seasons", config).iterdir())

"""Label maps: their palettes, the scores of classes, and a segmenter that learns what it can be taught."""

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.errors import UserError
from i2i.metrics.segmentation.palette import Palette, exact_colors
from i2i.metrics.segmentation.scores import agreement
from i2i.metrics.segmentation.segmenter import Segmenter, train_segmenter

COLORS = {"sky": (128, 128, 128), "road": (128, 64, 128), "car": (64, 0, 128), "pole": (192, 192, 128)}
ALL = torch.ones(4, dtype=torch.bool)


def classes(seed, count, side=32, of=4):
    """Random blocks of 8 pixels."""
    random = np.random.default_rng(seed)
    return random.integers(0, of, (count, side // 8, side // 8)).repeat(8, axis=1).repeat(8, axis=2)


def painted(numbers):
    """Label maps uint8 [N, H, W, 3]."""
    return np.array(list(COLORS.values()), dtype=np.uint8)[numbers]


def channels_first(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)


def jpeg(pixels, path):
    Image.fromarray(pixels).save(path, quality=85)
    return np.asarray(Image.open(path))


def test_every_pixel_is_of_the_class_with_the_nearest_color():
    numbers = classes(0, 3)
    noise = np.random.default_rng(1).integers(-20, 21, (*numbers.shape, 3))
    noisy = np.clip(painted(numbers).astype(int) + noise, 0, 255).astype(np.uint8)
    assert torch.equal(Palette.given(COLORS).classes(channels_first(noisy)), torch.from_numpy(numbers).byte())


@pytest.mark.parametrize("compressed", [False, True])
def test_a_palette_is_learnt_whatever_compression_did_to_the_edges(tmp_path, compressed):
    maps = painted(classes(0, 8, side=64))
    if compressed:
        maps = np.stack([jpeg(one, tmp_path / "map.jpg") for one in maps])
        assert exact_colors(maps) is None
    learnt = Palette.learnt(maps)
    assert len(learnt.colors) == 4
    for color in COLORS.values():
        assert min(np.abs(np.subtract(color, found)).max() for found in learnt.colors) <= 2


def test_photos_are_no_label_maps_and_their_colors_no_palette():
    noise = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    assert exact_colors(noise) is None
    assert exact_colors(painted(classes(0, 4))) == 4
    with pytest.raises(UserError, match="label maps have 2 to 64 colors, but 0 were found\nname the domain"):
        Palette.learnt(noise)
    with pytest.raises(UserError, match="but 1 were found"):
        Palette.learnt(np.full((2, 16, 16, 3), 7, dtype=np.uint8))


@pytest.mark.parametrize(
    ("colors", "complaint"),
    [
        (
            {"car": (64, 0, 128), "sky": (1, 2, 3), "bus": (64, 0, 128)},
            r"car and bus are both \[64, 0, 128\]\ngive each",
        ),
        ({"car": (64, 0, 128)}, "a palette has 2 to 64 colors, not 1"),
        ({f"c{n}": (n, 0, 0) for n in range(65)}, "a palette has 2 to 64 colors, not 65"),
        ({"car": (64, 0, 256), "sky": (1, 2, 3)}, r"car is \[64, 0, 256\]: write red, green and blue, each 0 to 255"),
        ({"car": (64, -1, 2), "sky": (1, 2, 3)}, r"car is \[64, -1, 2\]"),
        ({"car": (64, 0), "sky": (1, 2, 3)}, r"car is \[64, 0\]"),
    ],
)
def test_what_is_no_palette_is_refused_with_the_remedy(colors, complaint):
    with pytest.raises(UserError, match=complaint):
        Palette.given(colors)


def test_scores_are_those_of_the_definition():
    truth = torch.tensor([[[0, 0, 0, 1]], [[1, 1, 2, 2]]], dtype=torch.uint8)
    found = torch.tensor([[[0, 0, 1, 1]], [[1, 3, 0, 2]]], dtype=torch.uint8)
    scored = agreement(found, truth, ALL)
    assert scored.pixel_accuracy.tolist() == [0.75, 0.5]
    assert scored.class_accuracy == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert scored.mean_iou == pytest.approx((2 / 4 + 2 / 4 + 1 / 2) / 3)
    perfect = agreement(truth, truth, ALL)
    assert (perfect.class_accuracy, perfect.mean_iou) == (1, 1)


def test_void_is_neither_right_nor_wrong():
    truth = torch.tensor([[[0, 0, 1, 1]], [[1, 1, 1, 1]]], dtype=torch.uint8)
    found = torch.tensor([[[0, 2, 0, 0]], [[0, 0, 0, 0]]], dtype=torch.uint8)
    scored = agreement(found, truth, torch.tensor([True, False, True]))
    assert scored.pixel_accuracy[0] == 0.5
    assert scored.pixel_accuracy[1].isnan()
    assert (scored.class_accuracy, scored.mean_iou) == (0.5, 0.5)
    with pytest.raises(ValueError, match="every one is void"):
        agreement(found[1:], truth[1:], torch.tensor([True, False, True]))


@pytest.fixture(scope="module")
def learnt():
    """A segmenter of photos whose classes differ in brightness and texture, and what it was not shown."""
    palette = Palette.given({**COLORS, "void": (0, 0, 0)})
    numbers = [classes(seed, 24, side=16) for seed in (0, 1)]
    random = np.random.default_rng(2)
    photos = [
        np.clip(40 + 50 * own[..., None] + random.integers(-15, 16, (*own.shape, 3)), 0, 255).astype(np.uint8)
        for own in numbers
    ]
    state = torch.random.get_rng_state()
    trained = train_segmenter(channels_first(photos[0]), torch.from_numpy(numbers[0]).byte(), palette, images=320)
    assert torch.equal(torch.random.get_rng_state(), state)
    return trained, channels_first(photos[1]), torch.from_numpy(numbers[1]).byte()


@pytest.mark.integration
def test_a_segmenter_learns_classes_that_can_be_told_apart(learnt):
    trained, photos, truth = learnt
    scored = agreement(trained.classes(photos), truth, trained.palette.scored)
    assert scored.pixel_accuracy.mean() > 0.9
    assert trained.classes(photos).max() < 4  # never void


def test_a_saved_segmenter_sees_the_same_and_a_damaged_one_is_refused(learnt, tmp_path):
    trained, photos, _ = learnt
    trained.save(tmp_path / "segmenter" / "s.safetensors")
    loaded = Segmenter.load(tmp_path / "segmenter" / "s.safetensors")
    assert loaded.palette == trained.palette
    assert torch.equal(loaded.classes(photos[:2]), trained.classes(photos[:2]))
    (tmp_path / "bad").write_bytes(b"\0" * 64)
    with pytest.raises(UserError, match="is damaged or no segmenter: delete it"):
        Segmenter.load(tmp_path / "bad")


def test_photos_of_any_size_are_segmented(learnt):
    trained, _, _ = learnt
    for height, width in ((17, 40), (8, 8), (33, 33)):
        photos = torch.zeros(2, 3, height, width, dtype=torch.uint8)
        assert trained.classes(photos).shape == (2, height, width)

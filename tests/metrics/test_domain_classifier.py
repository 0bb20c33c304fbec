"""The domain classifier learns, repeats itself, treats domains alike, and survives a file."""

import math
from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from i2i.benchmarks.evaluation.classifier_training import learner
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace
from i2i.metrics.features._sampling import augmented, balanced_order, blurred
from i2i.metrics.features.domain_classifier import DomainClassifier, classify, train_classifier

SHAPES = LabelSpace.of_domains(("bar", "disc", "square"))
SIZE = 24


def shapes(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
    """Images of one bright shape in any colour on a dark noisy ground, and which shape it is."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    center = torch.randint(9, SIZE - 9, (count, 2, 1, 1), generator=generator)
    along = torch.arange(SIZE)
    y, x = along.view(1, SIZE, 1) - center[:, 0], along.view(1, 1, SIZE) - center[:, 1]
    masks = torch.stack([y.abs() + 0 * x <= 1, y**2 + x**2 <= 25, torch.maximum(y.abs(), x.abs()) <= 7])
    mask = masks[labels, torch.arange(count)].unsqueeze(1)  # [count, 1, SIZE, SIZE]
    color = torch.randint(120, 256, (count, 3, 1, 1), generator=generator)
    ground = torch.randint(0, 80, (count, 3, SIZE, SIZE), generator=generator)
    return torch.where(mask, color, ground).byte(), labels


def one_hot(labels: Tensor) -> Tensor:
    return torch.eye(3)[labels]


def predictions(classifier: DomainClassifier, pixels: Tensor, **options: int) -> Tensor:
    return classify(classifier, pixels, **options).argmax(1)


def train(images: int = 64, *, seed: int = 0, count: int = 60) -> DomainClassifier:
    pixels, labels = shapes(count, seed=1)
    return train_classifier(pixels, one_hot(labels), SHAPES, images=images, batch_size=16, seed=seed)


def equal(left: DomainClassifier, right: DomainClassifier) -> bool:
    states = left.state_dict(), right.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.fixture(scope="module")
def classifier() -> DomainClassifier:
    return train()


@pytest.mark.slow
@pytest.mark.parametrize("bf16", [False, True], ids=["float32", "bfloat16"])
def test_it_learns_shapes_it_has_not_seen(bf16: bool) -> None:
    pixels, labels = shapes(300, seed=2)
    trained = train_classifier(pixels, one_hot(labels), SHAPES, images=1200, bf16=bf16)
    unseen, truth = shapes(120, seed=3)
    assert (predictions(trained, unseen) == truth).float().mean() > 0.9
    assert not trained.training
    assert all(value.dtype == torch.float32 for value in trained.parameters())


@pytest.mark.integration
def test_the_same_seed_gives_the_same_classifier_and_another_seed_another() -> None:
    first = train(seed=3)
    torch.rand(5)  # somebody else draws in between
    assert equal(first, train(seed=3))
    assert not equal(first, train(seed=4))


def test_every_image_has_its_turn_with_its_label_at_a_rate_that_rises_and_falls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every image is of one value, and so are its crops."""
    rates, seen = [], []

    def note(_: DomainClassifier, __: object, pixels: Tensor, labels: Tensor, *, rate: float, bf16: bool) -> None:
        rates.append(rate)
        seen.extend(zip(pixels[:, 0, 0, 0].tolist(), labels.argmax(1).tolist(), strict=True))

    monkeypatch.setattr("i2i.metrics.features.domain_classifier._step", note)
    pixels = torch.arange(12, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, SIZE, SIZE)
    train_classifier(pixels, one_hot(torch.arange(12) % 3), SHAPES, images=48, batch_size=6)
    assert Counter(seen) == {(number, number % 3): 4 for number in range(12)}
    assert rates == pytest.approx(
        [
            2e-3 * share
            for share in (0.25, 0.75, *(0.5 + 0.5 * math.cos(math.pi * (place + 0.5) / 6) for place in range(6)))
        ]
    )


@pytest.mark.integration
def test_another_seed_starts_from_other_weights() -> None:
    """A step moves a weight by 0.002 at most, so what differs by more is of the start."""
    one, other = (next(train(16, seed=seed).parameters()) for seed in (0, 1))
    assert (one - other).abs().max() > 0.05


@pytest.mark.integration
def test_training_and_loading_leave_the_global_random_numbers_alone(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    train(32).save(tmp_path / "classifier.safetensors")
    DomainClassifier.load(tmp_path / "classifier.safetensors")
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.integration
def test_the_network_is_given_pixels_between_minus_one_and_one(classifier: DomainClassifier) -> None:
    given: list[torch.Tensor] = []
    hook = classifier.backbone.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, *classifier.size)
    classify(classifier, pixels)
    hook.remove()
    assert given[0][0, :, 0, 0].tolist() == pytest.approx([-1, -0.6, 1])


def test_predictions_do_not_depend_on_batches_or_mode(classifier: DomainClassifier) -> None:
    pixels, _ = shapes(20, seed=5)
    expected = predictions(classifier.eval(), pixels)
    classifier.train()
    buffers = [buffer.clone() for buffer in classifier.buffers()]
    assert torch.equal(predictions(classifier, pixels, batch_size=3), expected)
    assert torch.equal(predictions(classifier, pixels[7:8]), expected[7:8])
    assert classifier.training
    assert all(map(torch.equal, buffers, classifier.buffers()))  # no statistics were updated
    classifier.eval()
    assert classify(classifier, pixels).shape == (20, 3)
    assert classify(classifier, pixels[:0]).shape == (0, 3)


def test_a_saved_classifier_comes_back_whole(classifier: DomainClassifier, tmp_path: Path) -> None:
    path = tmp_path / "new" / "classifier.safetensors"
    classifier.save(path)
    loaded = DomainClassifier.load(path)
    assert loaded.labels == SHAPES
    assert loaded.size == (SIZE, SIZE)
    assert loaded.backbone_name == classifier.backbone_name
    assert not loaded.training
    assert equal(loaded, classifier)
    pixels, _ = shapes(8, seed=6)
    with torch.no_grad():
        torch.testing.assert_close(loaded(pixels), classifier.eval()(pixels), rtol=1e-4, atol=1e-5)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing half-written


def test_files_that_hold_no_classifier_are_errors_of_the_user(classifier: DomainClassifier, tmp_path: Path) -> None:
    path = tmp_path / "classifier.safetensors"
    with pytest.raises(UserError, match="no domain classifier at"):
        DomainClassifier.load(path)
    classifier.save(path)
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], b"\x02\0\0\0\0\0\0\0{}"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="damaged or not a domain classifier"):
            DomainClassifier.load(path)


def test_small_domains_are_drawn_as_often_as_large_ones() -> None:
    labels = torch.tensor([0] * 50 + [1] * 3 + [2] * 10)
    order = balanced_order(labels, 3, 90, torch.Generator().manual_seed(0))
    assert torch.bincount(labels[order]).tolist() == [30, 30, 30]
    assert torch.bincount(labels[order[:9]]).tolist() == [3, 3, 3]  # already within a batch
    assert torch.bincount(order, minlength=63)[50:53].tolist() == [10, 10, 10]
    assert len(set(order[labels[order] == 0].tolist())) == 30  # no repeat before all had their turn


def test_augmentation_moves_pixels_but_never_changes_a_color() -> None:
    pixels = torch.arange(2 * 3 * 16 * 16).remainder(251).byte().view(2, 3, 16, 16)
    varied = augmented(pixels, torch.tensor([0, 1] * 20), torch.Generator().manual_seed(0))
    assert varied.shape == (40, 3, 16, 16)
    assert varied.dtype == torch.uint8
    assert len(torch.unique(varied[::2], dim=0)) > 10
    for image, original in zip(varied, [0, 1] * 20, strict=True):
        known = {tuple(pixel) for pixel in pixels[original].flatten(1).T.tolist()}
        assert {tuple(pixel) for pixel in image.flatten(1).T.tolist()} <= known


def test_augmentation_mirrors_at_the_border_and_never_wraps_around() -> None:
    rows = torch.arange(16, dtype=torch.uint8).view(1, 1, 16, 1).expand(1, 3, 16, 16)
    for image, axis in ((rows, 2), (rows.transpose(2, 3), 3)):
        varied = augmented(image, torch.zeros(40, dtype=torch.int64), torch.Generator().manual_seed(0))
        steps = varied.int().diff(dim=axis)
        assert (steps.abs() == 1).all()  # neighbours stay neighbours
        assert (steps.sum(dim=axis).abs() < 15).any()  # and some images did move


def test_augmentation_flips_left_and_right_only() -> None:
    """With rows that name themselves, a flip up and down or a transposition would show."""
    rows = torch.arange(8, dtype=torch.uint8).view(1, 1, 8, 1).expand(1, 3, 8, 8)
    columns = rows.transpose(2, 3)
    chosen = torch.zeros(60, dtype=torch.int64)
    varied = augmented(rows, chosen, torch.Generator().manual_seed(0))
    assert (varied == varied[..., :1]).all()
    assert (varied[:, 0, 3, 0] < varied[:, 0, 4, 0]).all()
    varied = augmented(columns, chosen, torch.Generator().manual_seed(0))
    flipped = (varied[:, 0, 0, 3] > varied[:, 0, 0, 4]).sum()
    assert 15 < flipped < 45


def noise(count: int = 40, side: int = 64) -> Tensor:
    return torch.randint(0, 256, (count, 3, side, side), generator=torch.Generator().manual_seed(1)).byte()


def test_blur_is_that_of_a_gaussian_of_its_own_strength_for_each_image() -> None:
    pixels, most = noise(), 1 / 32
    shown = blurred(pixels, most, torch.Generator().manual_seed(0))
    stds = most * 64 * torch.rand(len(pixels), generator=torch.Generator().manual_seed(0))
    assert shown.dtype == torch.uint8
    for image, original, std in zip(shown, pixels, stds.clamp(min=0.05), strict=True):
        expected = gaussian_blur(original.float(), [13, 13], [float(std)] * 2)
        assert (image.float() - expected).abs().max() <= 0.51


def test_blur_keeps_colors_and_never_lets_one_image_into_another() -> None:
    pixels = torch.full((8, 3, 32, 32), 10).byte()
    pixels[::2] = torch.tensor([200, 100, 50]).byte()[:, None, None]
    assert torch.equal(blurred(pixels, 1 / 32, torch.Generator().manual_seed(0)), pixels)


@pytest.mark.parametrize(("most", "side"), [(0.0, 64), (1 / 32, 1)])
def test_without_blur_or_room_for_it_images_stay(most: float, side: int) -> None:
    pixels = noise(4, side)
    assert torch.equal(blurred(pixels, most, torch.Generator().manual_seed(0)), pixels)


@pytest.mark.integration
def test_the_classifier_learns_from_images_as_blurred_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def noted(pixels: Tensor, most: float, generator: torch.Generator) -> Tensor:
        asked.append(most)
        return pixels

    monkeypatch.setattr("i2i.metrics.features.domain_classifier.blurred", noted)
    pixels, labels = noise(6, 16), one_hot(torch.arange(6) % 3)
    train_classifier(pixels, labels, SHAPES, images=4, batch_size=2)
    learner(ClassifierConfig(images=2, blur=0.25), bf16=False, device=torch.device("cpu"))(pixels, labels, SHAPES)
    assert asked == [1 / 32, 1 / 32, 0.25]
    assert ClassifierConfig().blur == 1 / 32


@pytest.mark.integration
def test_progress_counts_images_up_to_the_promised_number() -> None:
    seen: list[tuple[int, int]] = []
    pixels, labels = shapes(30, seed=7)
    train_classifier(
        pixels,
        one_hot(labels),
        SHAPES,
        images=40,
        batch_size=16,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(16, 48), (32, 48), (48, 48)]


def test_wrong_training_data_is_refused_with_the_remedy() -> None:
    pixels, labels = shapes(30, seed=8)
    with pytest.raises(UserError, match="no training images of disc"):
        train_classifier(pixels, one_hot(labels) * torch.tensor([1, 0, 1]), SHAPES, images=16)
    with pytest.raises(ValueError, match=r"labels must be float \[30, 3\]"):
        train_classifier(pixels, labels, SHAPES, images=16)
    with pytest.raises(ValueError, match=r"labels must be float \[30, 3\]"):
        train_classifier(pixels, one_hot(labels)[:-1], SHAPES, images=16)
    with pytest.raises(ValueError, match=r"pixels must be uint8"):
        train_classifier(pixels.float(), labels, SHAPES, images=16)
    with pytest.raises(ValueError, match="batch_size must be a whole number of at least 2, not 1"):
        train_classifier(pixels, one_hot(labels), SHAPES, images=16, batch_size=1)
    with pytest.raises(ValueError, match="two or more domains"):
        DomainClassifier(LabelSpace.of_domains(("a",)), (8, 8))
    with pytest.raises(UserError, match="timm knows no backbone 'resnet19'"):
        train_classifier(pixels, one_hot(labels), SHAPES, images=16, backbone="resnet19")


def test_images_of_another_size_are_refused(classifier: DomainClassifier) -> None:
    with pytest.raises(ValueError, match="pixels of 24x20, but the classifier was trained at 24x24"):
        predictions(classifier, shapes(2, seed=9)[0][..., :20])


@pytest.mark.integration
def test_other_backbones_of_timm_work() -> None:
    pixels, labels = shapes(30, seed=10)
    other = train_classifier(pixels, one_hot(labels), SHAPES, backbone="resnet18", images=16, batch_size=16)
    assert other.features(pixels[:2]).shape == (2, other.dimensions)
    assert other(pixels[:2]).shape == (2, 3)


@pytest.mark.slow
def test_it_learns_attributes_and_the_labels_of_two_data_sets() -> None:
    """Attributes: is it a disc, is it bright; beside a data set of its own of squares and bars."""
    first, second = LabelSet(("disc", "dim"), name="a"), LabelSet(("bar", "square"), (("bar", "square"),), "b")
    space = LabelSpace((first, second))

    def images(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        pixels, kinds = shapes(count, seed=seed)
        dim = torch.arange(count) % 3 == 0
        own = torch.arange(count) % 2 == 0
        own &= kinds != 0
        own |= kinds == 1
        pixels = torch.where((own & dim)[:, None, None, None], pixels // 2, pixels)
        rows = torch.stack(((kinds == 1).float(), dim.float()), 1)
        theirs = torch.stack(((kinds == 0).float(), (kinds == 2).float()), 1)
        return pixels, torch.where(own[:, None], space.encode(0, rows), space.encode(1, theirs)), own

    pixels, labels, _ = images(400, 2)
    trained = train_classifier(pixels, labels, space, images=2000)
    pixels, labels, own = images(200, 3)
    logits = classify(trained, pixels)
    for domain, members, truth in (
        ("a/disc", own, labels[:, 0] == 1),
        ("a/-dim", own, labels[:, 1] == 0),
        ("b/bar", ~own, labels[:, 2] == 1),
    ):
        assert (space.shows(domain, logits) == truth)[members].float().mean() > 0.9, domain


@pytest.mark.integration
def test_images_of_sixteen_pixels_are_learnt_whatever_lies_in_memory() -> None:
    pixels, labels = shapes(40, seed=11)
    small = pixels[:, :, ::2, ::2][:, :, :12, :12].contiguous()
    for _ in range(3):
        dirty = [torch.full((count,), torch.nan) for count in (1_000, 20_000, 400_000, 1_200_000)]
        del dirty
        train_classifier(small, one_hot(labels), SHAPES, images=64, bf16=True)

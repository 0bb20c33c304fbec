"""What a step is shown is a function of seed and step, and nothing is left out, distorted or mislabelled."""

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from i2i.data.batches import LabelledBatch, PairedBatch, ReferenceBatch, UnpairedBatch
from i2i.data.image_files.images import Preprocess, to_images, to_pixels
from i2i.data.image_files.load_pixels import load_pixels
from i2i.data.layouts import scan
from i2i.data.training_images import TrainingImages
from i2i.data.training_images import _placed as placed_on
from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace

HEIGHT, WIDTH, CROP = 20, 24, (16, 18)
COUNTS = {"dawn": 5, "noon": 3, "dusk": 4}
DOMAINS = tuple(COUNTS)


def coded(count: int, domain: int) -> np.ndarray:
    """uint8 [N, H, W, 3]: row, column, and 10 * domain + number of the image at every pixel."""
    pixels = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.arange(HEIGHT)[:, None], np.arange(WIDTH)
    pixels[..., 2] = 10 * domain + np.arange(count)[:, None, None]
    return pixels


def training_images(seed: int = 0, flip: bool = True, counts: dict[str, int] = COUNTS) -> TrainingImages:
    pixels = {domain: coded(count, index) for index, (domain, count) in enumerate(counts.items())}
    return TrainingImages(pixels, Preprocess(CROP), flip, seed)


def which(images: Tensor) -> list[int]:
    """The code 10 * domain + number of every image of a batch."""
    codes = to_pixels(images)[:, 2].flatten(1)
    assert (codes == codes[:, :1]).all()
    return codes[:, 0].tolist()


def views(images: Tensor) -> list[tuple[int, int, bool]]:
    """Top, left and flip of every image; fails unless it is an unscaled crop that may be mirrored."""
    found = []
    for rows, columns, _ in to_pixels(images).int():
        top, left = int(rows[0, 0]), int(columns[0].min())
        flipped = bool(columns[0, 0] > columns[0, -1])
        expected = torch.arange(left, left + CROP[1])
        assert torch.equal(columns, (expected.flip(0) if flipped else expected).expand(CROP).int())
        assert torch.equal(rows, torch.arange(top, top + CROP[0])[:, None].expand(CROP).int())
        found.append((top, left, flipped))
    return found


def tensors(batch) -> list[Tensor]:
    return list(vars(batch).values())


KINDS = {
    "paired": (PairedBatch, {"dawn": 5, "dusk": 5}),
    "unpaired": (UnpairedBatch, {"dawn": 5, "dusk": 4}),
    "labelled": (LabelledBatch, COUNTS),
}
every_kind = pytest.mark.parametrize(("kind", "counts"), KINDS.values(), ids=KINDS)


def test_every_epoch_visits_each_image_once_in_an_order_of_its_own():
    source, epochs = training_images(), []
    for epoch in range(4):
        seen = [which(UnpairedBatch.draw(source, DOMAINS[:2], 1, 5 * epoch + step).a)[0] for step in range(5)]
        assert sorted(seen) == [0, 1, 2, 3, 4]
        epochs.append(seen)
    assert len({tuple(seen) for seen in epochs}) > 1


@pytest.mark.parametrize("size", [2, 3, 7])
def test_batches_that_do_not_divide_an_epoch_still_show_images_equally_often(size):
    source = training_images()
    shown = Counter(
        code for step in range(10) for code in which(LabelledBatch.draw(source, DOMAINS, size, step).images)
    )
    assert shown.total() == 10 * size
    assert max(shown.values()) - min(shown[code] for code in (0, 1, 2, 3, 4, 10, 11, 12, 20, 21, 22, 23)) <= 1


@every_kind
def test_a_step_drawn_alone_equals_the_step_drawn_in_turn(kind, counts):
    source = training_images(counts=counts)
    *_, in_turn = [kind.draw(source, tuple(counts), 3, step) for step in range(8)]
    alone = kind.draw(training_images(counts=counts), tuple(counts), 3, 7)
    for first, second in zip(tensors(in_turn), tensors(alone), strict=True):
        assert torch.equal(first, second)


@every_kind
@pytest.mark.parametrize("rows", [slice(0, 3), slice(3, 6), slice(2, 4), slice(5, 6)])
def test_rows_drawn_alone_are_those_of_the_whole_batch(kind, counts, rows):
    whole = kind.draw(training_images(counts=counts), tuple(counts), 6, 4)
    some = kind.draw(training_images(counts=counts), tuple(counts), 6, 4, rows)
    for first, second in zip(tensors(whole), tensors(some), strict=True):
        assert torch.equal(first[rows], second)


@every_kind
def test_seeds_and_steps_each_change_the_batch(kind, counts):
    drawn = [
        kind.draw(training_images(seed, counts=counts), tuple(counts), 3, step)
        for seed in range(3)
        for step in range(3)
    ]
    images = [tensors(batch)[0] for batch in drawn]
    assert not any(torch.equal(a, b) for i, a in enumerate(images) for b in images[:i])


def test_the_seed_changes_order_and_augmentation():
    orders, cuts = [], []
    for seed in (0, 1):
        images = torch.cat([UnpairedBatch.draw(training_images(seed), DOMAINS[:2], 5, step).a for step in range(4)])
        orders.append(which(images))
        cuts.append(views(images))
    assert orders[0] != orders[1]
    assert cuts[0] != cuts[1]


def test_crops_stay_inside_and_reach_every_offset():
    source = training_images()
    seen = [view for step in range(60) for view in views(UnpairedBatch.draw(source, DOMAINS[:2], 10, step).a)]
    assert {top for top, _, _ in seen} == set(range(HEIGHT - CROP[0] + 1))
    assert {left for _, left, _ in seen} == set(range(WIDTH - CROP[1] + 1))


def test_half_of_the_images_are_mirrored():
    source = training_images()
    flips = [flip for step in range(40) for _, _, flip in views(UnpairedBatch.draw(source, DOMAINS[:2], 25, step).a)]
    assert 0.45 < np.mean(flips) < 0.55


@every_kind
def test_nothing_is_mirrored_without_flip(kind, counts):
    source = training_images(flip=False, counts=counts)
    for step in range(6):
        assert not any(flip for _, _, flip in views(tensors(kind.draw(source, tuple(counts), 5, step))[0]))


def test_pairs_show_the_same_place_of_the_same_scene():
    source = training_images(counts={"dawn": 5, "dusk": 5})
    for step in range(10):
        batch = PairedBatch.draw(source, ("dawn", "dusk"), 6, step)
        assert views(batch.source) == views(batch.target)
        assert [code + 10 for code in which(batch.source)] == which(batch.target)


def test_pairs_run_from_the_first_to_the_second_domain():
    batch = PairedBatch.draw(training_images(counts={"dawn": 5, "dusk": 5}), ("dusk", "dawn"), 6, 0)
    assert min(which(batch.source)) >= 10 > max(which(batch.target))


def test_unpaired_sides_are_drawn_independently():
    source = training_images(counts={"dawn": 5, "dusk": 5})
    batches = [UnpairedBatch.draw(source, ("dawn", "dusk"), 5, step) for step in range(20)]
    pairs = {(a, b - 10) for batch in batches for a, b in zip(which(batch.a), which(batch.b), strict=True)}
    assert len(pairs) > 20
    flips = [(a[2], b[2]) for batch in batches for a, b in zip(views(batch.a), views(batch.b), strict=True)]
    assert min(Counter(flips).values()) > 10
    assert len(Counter(flips)) == 4


def test_every_image_carries_the_label_of_its_domain():
    source, seen = training_images(), set()
    for step in range(12):
        batch = LabelledBatch.draw(source, DOMAINS, 5, step)
        assert batch.labels.shape == (5, 3)
        assert torch.equal(batch.labels.sum(1), torch.ones(5))
        owners = [code // 10 for code in which(batch.images)]
        assert batch.labels.argmax(1).tolist() == owners
        seen |= set(owners)
    assert seen == {0, 1, 2}


def test_labels_follow_the_order_of_the_domains_asked_for():
    batch = LabelledBatch.draw(training_images(), ("dusk", "dawn", "noon"), 12, 0)
    place = {2: 0, 0: 1, 1: 2}
    assert batch.labels.argmax(1).tolist() == [place[code // 10] for code in which(batch.images)]


@every_kind
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_splitting_a_batch_keeps_every_item_in_order(kind, counts, parts):
    batch = kind.draw(training_images(counts=counts), tuple(counts), 6, 0)
    pieces = batch.split(parts)
    assert [type(piece) for piece in pieces] == [kind] * parts
    assert {len(tensors(piece)[0]) for piece in pieces} == {6 // parts}
    for position, whole in enumerate(tensors(batch)):
        assert torch.equal(torch.cat([tensors(piece)[position] for piece in pieces]), whole)


def test_moving_a_batch_changes_the_memory_format_and_no_value():
    batch = LabelledBatch.draw(training_images(), DOMAINS, 4, 0)
    moved = batch.to(torch.device("cpu"), torch.channels_last)
    assert moved.images.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(moved.images, batch.images)
    assert torch.equal(moved.labels, batch.labels)


def test_centered_images_are_all_in_order_around_the_middle():
    found = torch.cat(list(training_images().centered("dawn", batch_size=2)))
    assert which(found) == [0, 1, 2, 3, 4]
    assert views(found) == [(2, 3, False)] * 5


def written(root, widths=(24, 30)):
    """A data set whose images' colours tell domain (red) and number (green)."""
    for red, domain in enumerate(("dawn", "dusk")):
        (root / "train" / domain).mkdir(parents=True)
        for green, width in enumerate(widths):
            color = np.full((20, width, 3), (100 * red, 100 * green, 7), np.uint8)
            Image.fromarray(color).save(root / "train" / domain / f"{green}.png")
    return scan(root)


def one_by_one(pixels: np.ndarray, views) -> Tensor:
    """Images as they were made before whole batches were: image after image, in numpy."""
    height, width = views.size
    crops = [
        image[top : top + height, left : left + width][:, :: -1 if flip else 1]
        for image, top, left, flip in zip(pixels, views.tops, views.lefts, views.flips, strict=True)
    ]
    scaled = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()
    return scaled.div_(127.5).sub_(1.0)


def noise(count: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, HEIGHT, WIDTH, channels), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [1, 7])
def test_whole_batches_are_bit_for_bit_what_image_after_image_gave(channels, flip, size):
    pixels = {domain: noise(count, channels) for domain, count in COUNTS.items()}
    source = TrainingImages(pixels, Preprocess(CROP, channels), flip, seed=5)
    for step in range(6):
        batch = UnpairedBatch.draw(source, DOMAINS[:2], size, step)
        for domain, images in zip(DOMAINS, (batch.a, batch.b), strict=False):
            positions = source.order(domain, COUNTS[domain], step, size)
            expected = one_by_one(pixels[domain][positions], source.views(domain, step, size))
            assert torch.equal(images, expected)
            assert images.stride() == expected.stride()


def test_batches_of_several_label_sets_are_bit_for_bit_what_image_after_image_gave():
    domains = LabelSet(("dawn", "dusk"), (("dawn", "dusk"),), "sky")
    attributes = LabelSet(("big", "red"), (), "fruit")
    pixels = {one: noise(count) for one, count in {"sky/dawn": 5, "sky/dusk": 3, "fruit": 4}.items()}
    rows = {"fruit": torch.tensor([[0.0, 1], [1, 0], [1, 1], [0, 0]])}
    labels = LabelSpace((domains, attributes))
    source = TrainingImages(pixels, Preprocess(CROP), seed=5, labels=labels, rows=rows)
    for step in range(4):
        batch = LabelledBatch.draw(source, labels.domains, 7, step)
        sky = source.order("all sky", 8, step, 4)
        fruit = source.order("all fruit", 4, step, 3)
        shown = (np.concatenate([pixels["sky/dawn"], pixels["sky/dusk"]])[sky], pixels["fruit"][fruit])
        views = (source.views("all sky", step, 4), source.views("all fruit", step, 3))
        expected = torch.cat([one_by_one(*pair) for pair in zip(shown, views, strict=True)])
        assert torch.equal(batch.images, expected)
        for some in (slice(0, 2), slice(2, 6), slice(4, 7)):
            part = LabelledBatch.draw(source, labels.domains, 7, step, some)
            assert torch.equal(part.images, expected[some])
            assert torch.equal(part.labels, batch.labels[some])
        one_hot = torch.eye(2)[(torch.from_numpy(sky) >= 5).long()]
        told = [labels.encode(0, one_hot), labels.encode(1, rows["fruit"][torch.from_numpy(fruit)])]
        assert torch.equal(batch.labels, torch.cat(told))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_an_accelerator_makes_the_same_bits():
    device = torch.device("cuda")
    levels = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert torch.equal(to_images(levels.to(device)).cpu(), to_images(levels))
    for kind, counts in KINDS.values():
        source = TrainingImages({domain: noise(count) for domain, count in counts.items()}, Preprocess(CROP), seed=5)
        here, there = (kind.draw(one, tuple(counts), 5, 3) for one in (source, source.on(device)))
        assert tensors(there)[0].device.type == "cuda"
        assert all(torch.equal(ours, theirs.cpu()) for ours, theirs in zip(tensors(here), tensors(there), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_that_lie_on_a_device_give_the_same_batches(kind):
    cls, counts = KINDS[kind]
    source = TrainingImages({domain: noise(count) for domain, count in counts.items()}, Preprocess(CROP), seed=5)
    placed = source.on(torch.device("cpu"))
    placed._there = placed_on(source._pixels, torch.device("cpu"))
    for step in range(4):
        one, other = (tensors(cls.draw(images, tuple(counts), 5, step)) for images in (source, placed))
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(one, other, strict=True))


def test_loaded_images_keep_domain_and_order_at_the_zoomed_size(tmp_path):
    source = TrainingImages.load(written(tmp_path), "train", Preprocess((16, 16)), zoom=1.25)
    for red, domain in enumerate(("dawn", "dusk")):
        assert source.count(domain) == 2
        colors = to_pixels(next(source.centered(domain)))[:, :, 0, 0]
        assert colors.tolist() == [[100 * red, 0, 7], [100 * red, 100, 7]]
    tops = {int(top) for step in range(40) for top in source.views("dawn", step, 4).tops}
    assert tops == {0, 1, 2, 3, 4}


def test_loading_reports_progress_up_to_the_total(tmp_path):
    reports = []
    data = written(tmp_path)
    found = [image for domain in data.domains for image in data.images("train", domain)]
    pixels = load_pixels(found, Preprocess((8, 8), channels=1), progress=lambda *report: reports.append(report))
    assert pixels.shape == (4, 8, 8, 1)
    assert reports == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_loading_names_the_image_that_is_broken(tmp_path):
    data = written(tmp_path)
    (tmp_path / "train/dusk/1.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"train/dusk/1\.png cannot be read"):
        TrainingImages.load(data, "train", Preprocess((16, 16)))


def test_batches_of_pairs_refuse_data_without_pairs(tmp_path):
    data = written(tmp_path)
    assert "aligned pairs" in (PairedBatch.unsuitable(data) or "")
    assert UnpairedBatch.unsuitable(data) is LabelledBatch.unsuitable(data) is None
    (tmp_path / "i2i.json").write_text('{"paired": true}')
    assert PairedBatch.unsuitable(scan(tmp_path)) is None


def reference_batches(count: int, size: int = 4) -> list[ReferenceBatch]:
    return [ReferenceBatch.draw(training_images(), DOMAINS, size, step) for step in range(count)]


def test_references_are_of_the_target_domain_and_images_of_their_own():
    for batch in reference_batches(6):
        assert [code // 10 for code in which(batch.images)] == batch.domains.tolist()
        for references in (batch.first, batch.second):
            assert [code // 10 for code in which(references)] == batch.targets.tolist()


def test_sources_and_targets_are_balanced_whatever_the_sizes_of_the_domains():
    batches = reference_batches(30)
    for indices in (torch.cat([batch.domains for batch in batches]), torch.cat([batch.targets for batch in batches])):
        assert Counter(indices.tolist()) == {0: 40, 1: 40, 2: 40}
    pairs = Counter(
        pair for batch in batches for pair in zip(batch.domains.tolist(), batch.targets.tolist(), strict=True)
    )
    assert len(pairs) == 9  # a target can be the domain of the image


def test_every_image_of_a_domain_is_shown_before_any_is_shown_again():
    batches = reference_batches(15)
    for domain, count in enumerate(COUNTS.values()):
        seen = [code for batch in batches for code in which(batch.images) if code // 10 == domain]
        assert len(seen) == 20
        assert all(len(set(seen[start : start + count])) == count for start in range(0, 20 - count + 1, count))


def test_the_two_references_of_an_item_are_drawn_independently():
    pairs = [
        pair for batch in reference_batches(30) for pair in zip(which(batch.first), which(batch.second), strict=True)
    ]
    assert 0 < sum(first == second for first, second in pairs) < len(pairs) / 2
    assert views(torch.cat([batch.first for batch in reference_batches(5)])) != views(
        torch.cat([batch.second for batch in reference_batches(5)])
    )


def test_rows_of_a_batch_with_references_are_those_of_the_whole():
    whole = ReferenceBatch.draw(training_images(), DOMAINS, 7, 3)
    part = ReferenceBatch.draw(training_images(), DOMAINS, 7, 3, slice(2, 5))
    for one, all_of_it in zip(tensors(part), tensors(whole), strict=True):
        assert torch.equal(one, all_of_it[2:5])


@pytest.mark.parametrize("kind", [LabelledBatch, ReferenceBatch])
def test_batches_of_attributes_are_tried_out_on_images_of_every_domain(kind):
    labels = LabelSpace((LabelSet(("dawn", "dusk"), (("dawn", "dusk"),), "sky"), LabelSet(("big", "red"), (), "fruit")))
    blank = TrainingImages.blank(labels, Preprocess((8, 8)))
    assert all(blank.count(domain) for domain in labels.domains)
    assert all(len(tensor) == 12 for tensor in tensors(kind.draw(blank, labels.domains, 12, 0)))

"""Towards the end of a training images can go without zoom and random crops, as those of CUT do."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import registry
from i2i.benchmarks.report.captions import zoom_lines
from i2i.data.batches import UnpairedBatch
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import scan
from i2i.data.training_images import TrainingImages
from i2i.testing import BATCH_SIZE, CPU, SIDE, STEPS, Subject
from i2i.training.trainer import Trainer
from tests.support.facts import plan_facts

DOMAINS = ("dawn", "noon")


@pytest.fixture
def sky(tmp_path):
    rng = np.random.default_rng(0)
    for domain in DOMAINS:
        (tmp_path / "train" / domain).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (SIDE + 9, SIDE + 20, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "train" / domain / f"{number}.png")
    return scan(tmp_path)


def load(data, zoom, told=None, **options):
    return TrainingImages.load(data, "train", Preprocess((SIDE, SIDE)), zoom, progress=told, **options)


def differs(one, other, step):
    drawn = [UnpairedBatch.draw(source, DOMAINS, 2, step) for source in (one, other)]
    return not all(torch.equal(getattr(drawn[0], side), getattr(drawn[1], side)) for side in "ab")


def test_images_without_zoom_are_those_that_were_loaded_without(sky):
    told = []
    zoomed, plain = load(sky, 1.5, lambda *of: told.append(of), both_sizes=True), load(sky, 1.0)
    assert not any(differs(zoomed.unzoomed().reseeded(3), plain.reseeded(3), step) for step in range(3))
    assert all(differs(zoomed, plain, step) for step in range(3))
    assert not any(differs(zoomed, load(sky, 1.5), step) for step in range(3))
    assert told[-1] == (12, 12)


@pytest.mark.parametrize(("zoom", "options"), [(1.5, {}), (1.0, {"both_sizes": True})])
def test_images_that_were_loaded_in_one_size_stay_as_they_are(sky, zoom, options):
    images = load(sky, zoom, **options)
    assert images.unzoomed() is images


@pytest.mark.parametrize(("share", "zoomed"), [(1.0, STEPS), (0.5, STEPS // 2), (0.0, 0)])
def test_a_training_zooms_until_its_share_is_spent(sky, tmp_path, share, zoomed):
    subject, images = Subject(registry.get("cyclegan")), load(sky, 1.5, both_sizes=True)
    run = Trainer(tmp_path / "run", subject.config(zoom_until=share), subject.task, images, CPU)
    for step in range(STEPS):
        (drawn,) = run._draw(step)
        expected = UnpairedBatch.draw(images if step < zoomed else images.unzoomed(), DOMAINS, BATCH_SIZE, step)
        assert torch.equal(drawn.a, expected.a), step


def test_by_default_images_are_zoomed_all_through_but_for_methods_that_say_otherwise():
    found = {name: Subject(registry.get(name)).config().train.zoom_until for name in ("cyclegan", "cut", "fastcut")}
    assert found == {"cyclegan": 1.0, "cut": 0.5, "fastcut": 0.75}


def test_the_setting_leaves_the_keys_of_earlier_training_runs_as_they_were():
    plain, changed = (Subject(registry.get("cyclegan")).config(zoom_until=share).essentials() for share in (1.0, 0.5))
    assert "zoom_until" not in plain["train"]
    assert changed["train"]["zoom_until"] == 0.5


def test_the_table_says_whose_images_are_not_zoomed_to_the_end():
    settings = {
        "always": {"train": {}, "data": {"zoom": 1.1}},
        "half": {"train": {"zoom_until": 0.5}, "data": {"zoom": 1.1}},
        "without": {"train": {"zoom_until": 0.5}, "data": {"zoom": 1.0}},
    }
    facts = plan_facts(methods={name: {"settings": own} for name, own in settings.items()})
    (line,) = zoom_lines(SimpleNamespace(facts=facts))
    assert line.startswith("half: from 50% of a training run on images are neither zoomed")

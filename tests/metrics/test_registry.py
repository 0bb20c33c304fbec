"""What is known of a metric stands in one entry, from which every reader of its name takes it."""

import pytest
import torch

from i2i.benchmarks.report import latex
from i2i.benchmarks.report.figures.heat_colors import Scale, scale
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.results_json import results_json
from i2i.benchmarks.report.terminal_table import shown
from i2i.metrics import registry
from i2i.metrics.image_scores import ImageValues, against_input, against_truth
from i2i.metrics.registry import METRICS, Metric, content_name, diversity_name, kernel_name, kind_of, metric_named
from tests.bench.test_outputs import PROTOCOL, made_up


def test_arrows_point_to_the_better_values():
    rising, falling = ("psnr", "ssim", "content-ssim", "accuracy"), ("fid", "FD-timm-resnet18-1a2b3c4d", "l1")
    assert [metric_named(name).arrow for name in rising] == ["↑"] * 4
    assert [metric_named(name).arrow for name in (*falling, "content-inception")] == ["↓"] * 4


@pytest.mark.parametrize(("name", "better", "worse"), [("psnr", 21.0, 20.0), ("fid", 20.0, 21.0)])
def test_values_are_better_in_the_direction_of_their_metric(name, better, worse):
    metric = metric_named(name)
    assert metric.is_better(better, worse) and not metric.is_better(worse, better)
    assert not metric.is_better(better, better)
    assert not metric.is_better(float("nan"), worse) and not metric.is_better(better, float("nan"))


@pytest.mark.parametrize(
    ("name", "heading", "kind", "text"),
    [
        ("fid", "FID ↓", "frechet", "1.23"),
        ("FD-timm-resnet18-1a2b3c4d", "FD-timm-resnet18-1a2b3c4d ↓", "frechet", "1.23"),
        ("FD-{extractor}", "FD-{extractor} ↓", "frechet", "1.23"),
        ("kid", "KID ↓", "kernel", "1.2346"),
        ("KID-domain-classifier", "KID-domain-classifier ↓", "kernel", "1.2346"),
        ("psnr", "PSNR, dB ↑", "paired", "1.23"),
        ("lpips-alex", "LPIPS (alex) ↓", "paired", "1.235"),
        ("lpips-vgg-1a2b3c4d", "LPIPS (vgg-1a2b3c4d) ↓", "paired", "1.235"),
        ("content-lpips-alex", "LPIPS (alex) to the input ↓", "content", "1.235"),
        ("content-ssim", "SSIM to the input ↑", "content", "1.235"),
        ("content-inception", "distance to the input, inception ↓", "content", "1.235"),
        ("diversity-lpips-alex", "diversity, LPIPS (alex) ↑", "diversity", "1.235"),
        ("diversity-domain-classifier", "diversity, domain-classifier ↑", "diversity", "1.2346"),
        ("of another version", "of another version ↓", "unlisted", "1.23"),
    ],
)
def test_a_name_that_holds_an_extractor_or_a_network_is_found_by_its_form(name, heading, kind, text):
    metric = metric_named(name)
    assert (metric.name, metric.heading, metric.kind, metric.text(1.23456)) == (name, heading, kind, text)


def test_names_that_the_scorers_write_are_listed():
    for extractor in ("fid", "FD-domain-classifier", "FD-inception-1a2b3c4d"):
        names = (extractor, kernel_name(extractor), content_name(extractor), diversity_name(extractor))
        assert [kind_of(name) for name in names] == ["frechet", "kernel", "content", "diversity"]
    pixels = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)
    whole, narrow = (ImageValues(some, some) for some in (pixels, pixels[..., :10]))
    assert list(against_truth(whole, whole)) == ["psnr", "ssim", "l1"]
    assert list(against_truth(narrow, narrow)) == ["psnr", "l1"]
    assert list(against_input(pixels, pixels)) == ["content-ssim"]


@pytest.fixture
def contrast(monkeypatch):
    """A measure that somebody adds: one function and one entry."""

    def ratio(fakes, truth, data_range):
        return fakes.double().std(dim=(1, 2, 3)) / truth.double().std(dim=(1, 2, 3))

    own = Metric("contrast", "contrast", "%", True, 1, "paired", "`contrast` is made up.", (0.0, 50.0), ratio)
    monkeypatch.setattr(registry, "METRICS", (*METRICS, own))
    metric_named.cache_clear()
    yield own
    metric_named.cache_clear()


def test_a_measure_is_added_by_one_function_and_one_entry(contrast, tmp_path):
    pixels = torch.arange(2 * 3 * 16 * 16, dtype=torch.float64).reshape(2, 3, 16, 16).remainder(251).byte()
    images = ImageValues(pixels, pixels)
    assert against_truth(images, images)["contrast"].tolist() == [1.0, 1.0]

    plan, results = made_up(tmp_path, {("one", "contrast"): [41.26], ("two", "contrast"): [40.0]})
    text = markdown(plan, results)
    assert "| contrast, % ↑ |" in text and "| **41.3** ‡ |" in text and "- `contrast` is made up." in text
    assert r"contrast (\%) $\uparrow$" in latex.table(plan, results, PROTOCOL)
    assert "contrast, % ↑" in shown(plan, results).header
    stated = {"title": "contrast, % ↑", "better": "higher", "decimals": 1}
    assert results_json(plan, results, PROTOCOL)["metrics"]["contrast"] == stated
    assert scale("contrast", [41.26, 40.0]) == Scale(0.0, 50.0)

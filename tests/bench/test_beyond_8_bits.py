"""A bench of data beyond 8-bit RGB: values are compared in the data's own range, all else looks at a rendering."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from i2i import registry
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.benchmarks.evaluation.translate import NOTED, Route, Translations
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report.captions import values_lines
from i2i.benchmarks.results_folder import staleness
from i2i.benchmarks.results_folder.finished_bench import TARGET, Finished, Row
from i2i.benchmarks.results_folder.plan_file import plan_text
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.score_file import write_images
from i2i.benchmarks.suite.schema import suite_of
from i2i.config import DataConfig, PixelFormat, merge
from i2i.data import pixel_formats
from i2i.data.image_files import images
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.readers_and_writers import read_native, write_native
from i2i.data.open import open_data, pixel_cache
from i2i.data.pixel_formats import with_formats
from i2i.errors import UserError
from i2i.metrics.paired import ssim
from i2i.models.identity import Identity
from i2i.translator import Coverage, ModelConfig, Task
from i2i.utils.atomic_write import write_text
from tests.support.classifiers import untrained_classifier
from tests.support.values import folder, modalities, needing

SIDE, TEST = 16, 4
WAY = ("t1", "t2")
LIMITS = {"t1": {"range": [0, 4095]}, "t2": {"range": [100, 3000], "window": [0, 2000]}}
UNLIKE = {"sar": (".npy", "float32", 2), "optical": (".png", "uint8", 3)}


@pytest.fixture(scope="module")
def mri(tmp_path_factory):
    card = {"paired": True, "pixel_formats": LIMITS}
    return modalities(tmp_path_factory.mktemp("data") / "mri", (4, TEST), SIDE, card)


def suite(data, models=("cyclegan",), **more):
    return suite_of(
        {
            "models": models,
            "budget": {"images": 8},
            "model_settings": {name: {"model": registry.get(name).test_settings} for name in models},
            "settings": {"data": {"path": str(data), "image_size": SIDE}} | more,
        }
    )


def config_of(data):
    plain = DataConfig.model_validate({"path": str(data), "image_size": SIDE})
    found = with_formats(plain, open_data(plain))
    return DataConfig.model_validate(merge(plain.model_dump(mode="json"), found))


@pytest.fixture(scope="module")
def config(mri):
    return config_of(mri)


def translated(out, config, translator, back=None):
    made = Translations(out, open_data(config), "test", pixel_cache(config))
    made.add(Route(WAY, translator, back, Preprocess.of(config), torch.device("cpu")))
    write_images(out / NOTED, made.noted)
    staleness.write_key(out, "translations", staleness.files_in(out))
    return made


def copying():
    return Identity(ModelConfig(), Task.covering(Coverage.ALL, WAY, (SIDE, SIDE), 1))


@pytest.fixture(scope="module")
def copies(config, tmp_path_factory):
    """Translations by `identity` in a results folder, and what was noted of them."""
    out = tmp_path_factory.mktemp("bench") / "mri"
    return out, translated(ResultsFolder(out).translations("identity", 0), config, copying(), copying())


@pytest.fixture(scope="module")
def scorer(config, tmp_path_factory):
    path = untrained_classifier(tmp_path_factory.mktemp("classifier") / "classifier.safetensors", WAY, SIDE)
    return Scorer(Scoring(config, path), torch.device("cpu"), intervals=False)


def values(mri, domain):
    """Values of the test images, float64 [N, H, W], within the range."""
    found = [read_native(path)[..., 0] for path in sorted((mri / "test" / domain).iterdir())]
    return np.clip(np.stack(found).astype(float), *LIMITS[domain]["range"])


def test_translations_are_files_of_the_type_and_range_of_their_target(mri, copies):
    out, _ = copies
    for path, value in zip(sorted(out.glob("translations/identity/seed0/t12t2/*.png")), values(mri, "t1"), strict=True):
        found = read_native(path)
        assert found.dtype == np.uint16
        np.testing.assert_allclose(found[..., 0], 100 + value / 4095 * 2900, atol=0.51)


def test_psnr_and_l1_are_their_closed_forms_in_the_range_of_the_target(mri, copies, scorer):
    out, _ = copies
    scores = scorer.translations(ResultsFolder(out).translations("identity", 0), "t1", ["t2"])
    found = {entry["image"] + entry["metric"]: entry["value"] for entry in scores.images}
    made = [read_native(path)[..., 0] for path in sorted(out.glob("translations/identity/seed0/t12t2/*.png"))]
    difference = np.stack(made).astype(float) - values(mri, "t2")
    expected_psnr = 10 * np.log10(2900**2 / (difference**2).mean((1, 2)))
    expected_l1 = abs(difference).mean((1, 2)) / 2900
    assert [found[f"s{one:03}psnr"] for one in range(TEST)] == pytest.approx(expected_psnr, rel=1e-12)
    assert [found[f"s{one:03}l1"] for one in range(TEST)] == pytest.approx(expected_l1, rel=1e-12)


@pytest.mark.parametrize("low", [0, -1000, 0.25])
def test_ssim_of_values_is_that_of_torchmetrics_from_the_lower_end_of_the_range(low):
    structural_similarity = pytest.importorskip("torchmetrics.functional.image").structural_similarity_index_measure
    own = PixelFormat(file="npy", dtype="float64", channels=5, range=(low, low + 3000))
    preprocess, rng = Preprocess((20, 24), 5, own=own), np.random.default_rng(0)
    fake, real = (rng.uniform(0, 3000, (2, 20, 24, 5)) for _ in range(2))
    images = [torch.from_numpy(preprocess.measured(low + some)).permute(0, 3, 1, 2) for some in (fake, real)]
    expected = [torch.from_numpy(some).permute(0, 3, 1, 2) for some in (fake, real)]
    _, full = structural_similarity(*expected, data_range=3000.0, return_full_image=True)
    found = ssim(*images, data_range=preprocess.data_range)
    assert found.tolist() == pytest.approx(full[..., 5:-5, 5:-5].mean((1, 2, 3)).tolist(), abs=1e-6)


def test_the_way_back_starts_from_values_as_files_hold_them(copies):
    _, made = copies
    errors = [entry["value"] for entry in made.noted if entry["metric"] == "cycle"]
    assert len(errors) == TEST
    assert 0 < max(errors) < 0.5 / 2900  # 2901 levels cannot tell 4096 apart


def test_networks_and_people_see_the_declared_window(mri, copies, scorer, config):
    held = np.stack([read_native(path)[..., 0] for path in sorted((mri / "test/t2").iterdir())])
    shown = np.rint(np.clip(held / 2000, 0, 1) * 255)
    np.testing.assert_array_equal(scorer._test("t2").pixels[:, 0].numpy(), shown)
    bench = Finished(copies[0], prepare(suite(mri, ("identity",)), copies[0].parent / "plan").facts)
    cell = bench.cell(TARGET, Row(WAY, 1))
    assert (cell.dtype, cell.shape) == (np.uint8, (SIDE, SIDE, 3))
    np.testing.assert_array_equal(cell[..., 0], scorer._test("t2").pixels[1, 0].numpy())
    forth = scorer._fakes(ResultsFolder(copies[0]).translations("identity", 0), WAY)
    np.testing.assert_array_equal(bench.cell("identity", Row(WAY, 2))[..., 0], forth.pixels[2, 0].numpy())


def test_a_report_says_range_and_rendering(mri, tmp_path):
    first, second = values_lines(planned(mri, tmp_path))
    assert "t2: 1 channel of uint16, range 100 to 3000" in first
    assert "t2: channel 0 as grey, 0 to 2000 as black to white" in second
    assert first.endswith("The range is declared, or that of 8 bits, for t1, t2.")


def test_a_report_says_whose_range_was_measured(tmp_path):
    kinds = {"a": (".npy", "float32", 1), "b": (".npy", "float32", 1), "c": (".png", "uint8", 1)}
    root = folder(tmp_path / "data", kinds, {"paired": True, "pixel_formats": {"b": {"range": [-9, 9]}}})
    first, _ = values_lines(planned(root, tmp_path))
    told = "The range is measured on the training split for a; declared, or that of 8 bits, for b, c."
    assert first.endswith(told)
    stored = planned(root, tmp_path)
    before = replace(stored, facts=stored.facts.model_copy(update={"measured_ranges": None}))
    assert values_lines(before)[0].endswith("compare them within the range.")


def test_channels_that_are_taken_are_not_taken_again_of_translations(tmp_path):
    kinds = {"a": (".npy", "float32", 4), "b": (".npy", "float32", 4)}
    root = folder(tmp_path / "data", kinds, {"paired": True, "pixel_formats": {"b": {"take": [3, 1]}}})
    preprocess = Preprocess.of(config_of(root))
    made = np.zeros((SIDE, SIDE, 2), np.float32)
    preprocess.of_written("b").write(tmp_path / "made.npy", made)
    np.testing.assert_array_equal(preprocess.of_written("b").pixels_of(tmp_path / "made.npy"), made)
    with pytest.raises(UserError, match=r"made\.npy has 2 channels and its domain has at least 4"):
        preprocess.of_domain("b").pixels_of(tmp_path / "made.npy")


def planned(data, tmp_path, models=("identity",), **settings):
    return prepare(suite(data, models, **settings), tmp_path / "bench")


def keys(plan):
    return {str(job.id): job.key for job in plan.jobs}


def test_another_window_scores_again_and_trains_nothing_again(mri, tmp_path):
    before = keys(planned(mri, tmp_path))
    other = tmp_path / "other"
    shutil.copytree(mri, other)
    card = {"paired": True, "pixel_formats": LIMITS | {"t2": {"range": [100, 3000], "window": [0, 900]}}}
    (other / "i2i.json").write_text(json.dumps(card))
    after = keys(planned(other, tmp_path))
    same = {name for name, key in after.items() if before[name] == key}
    assert "identity/seed0/all" in same and "translations of identity, seed 0" in same
    assert "scores of identity, seed 0" not in same
    (other / "i2i.json").write_text(json.dumps({"paired": True, "pixel_formats": {}}))
    assert keys(planned(other, tmp_path))["identity/seed0/all"] != before["identity/seed0/all"]


def test_a_plan_records_what_was_found_and_not_as_asked_for(mri, tmp_path):
    facts = planned(mri, tmp_path).facts
    assert facts.as_json()["pixel_formats"]["t2"]["range"] == [100, 3000]
    assert "pixel_formats" not in facts.suite.settings["data"]
    assert facts.data_config().pixel_formats["t2"].window == (0, 2000)


def test_values_that_a_plan_has_looked_at_are_not_read_again_unless_they_change(mri, tmp_path, monkeypatch):
    data, read = shutil.copytree(mri, tmp_path / "mri"), []

    def counted(path, *half):
        read.append(path)
        return read_native(path, *half)

    first = planned(data, tmp_path)
    place = ResultsFolder(first.out)
    write_text(place.plan_file, plan_text(first))
    first.files.save(place.image_digests)
    for module in (pixel_formats, images):
        monkeypatch.setattr(module, "read_native", counted)
    assert keys(planned(data, tmp_path)) == keys(first)
    assert read == []
    changed, other = (next((data / split / "t1").iterdir()) for split in ("train", "test"))
    changed.write_bytes(other.read_bytes())
    planned(data, tmp_path)
    assert {*read} == {changed}


def test_methods_that_need_like_channels_are_left_out_with_the_reason(tmp_path):
    needing(".png", "uint8")
    data = folder(tmp_path / "sar", UNLIKE, {"paired": True, "domains": ["sar", "optical"]})
    plan = planned(data, tmp_path, ("pix2pix", "stargan"))
    assert {training.method for training in plan.training_runs} == {"pix2pix"}
    assert set(plan.skipped) == {"stargan", "identity", "reinhard"}
    assert plan.skipped["stargan"] == "it needs images of one number of channels, and these have sar 2, optical 3"
    with pytest.raises(UserError, match=r"no model can be trained on .*: stargan: it needs images of one number"):
        planned(data, tmp_path, ("stargan",))


def test_values_of_the_test_split_that_do_not_fit_are_told_before_anything_is_trained(tmp_path):
    data = folder(tmp_path / "data", dict.fromkeys("ab", (".npy", "float32", 1)), {"paired": True}, count=1)
    for values, told in (
        (np.full((SIDE, SIDE, 1), np.nan), "256 of 256 values"),
        (np.ones((SIDE, SIDE, 2)), "2 channels"),
    ):
        write_native(data / "test/b/ax.npy", values.astype(np.float32))
        with pytest.raises(UserError, match=rf"test/b/ax\.npy (holds|has) {told}"):
            planned(data, tmp_path)


def test_values_that_are_no_numbers_become_the_lower_end_of_the_range():
    own = PixelFormat(file="npy", dtype="float32", channels=1, range=(-25, 5))
    images = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0]).reshape(1, 1, 2, 2)
    assert Preprocess((2, 2), 1, own=own).to_arrays(images).flatten().tolist() == [-25, 5, -25, -10]

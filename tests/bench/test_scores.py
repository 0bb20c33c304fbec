"""What a score job measures equals its definition on folders of which the answer is known."""

import json
import shutil
from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2i.benchmarks.evaluation import direction_scores, translate
from i2i.benchmarks.evaluation.cycle_consistency import cycle_errors, reverse_translator
from i2i.benchmarks.evaluation.direction_scores import confusion, of_images, of_sets
from i2i.benchmarks.evaluation.gan_train import gan_train
from i2i.benchmarks.evaluation.real_features import RealFeatures
from i2i.benchmarks.evaluation.scorer import Scorer, Scoring
from i2i.benchmarks.evaluation.translate import FINITE, NOTED, Route, Translations
from i2i.benchmarks.job_id import JobId
from i2i.benchmarks.jobs.score import Score
from i2i.benchmarks.results_folder import staleness
from i2i.benchmarks.results_folder.score_file import images_path, read_images, write_images
from i2i.benchmarks.suite.schema import ClassifierConfig
from i2i.config import DataConfig
from i2i.data.image_files.decode import Decoding
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import scan
from i2i.data.open import pixel_cache
from i2i.data.synthetic.embedded import make
from i2i.labels import LabelSet, LabelSpace
from i2i.metrics.content import cosine_distances
from i2i.metrics.features.domain_classifier import DomainClassifier, classify
from i2i.metrics.frechet import frechet_distance_between
from i2i.metrics.frechet_by_n import distances_of_parts
from i2i.metrics.frechet_interval import frechet_intervals
from i2i.metrics.image_scores import features_of
from i2i.metrics.kernel import kernel_distance
from i2i.metrics.paired import l1, psnr, ssim
from i2i.models.identity import Identity
from i2i.translator import Coverage, ModelConfig, Task
from tests.support.classifiers import untrained_classifier

SIDE, N = 24, 9
DOMAINS = ("summer", "winter", "night")
WAY = ("summer", "winter")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "seasons"
    make("seasons", root, (SIDE, SIDE), 4, N)
    (root / "i2i.json").write_text(json.dumps({"domains": DOMAINS, "paired": True, "name": "seasons"}))
    return root


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = untrained_classifier(tmp_path_factory.mktemp("classifier") / "classifier.safetensors", DOMAINS, SIDE)
    staleness.write_key(path.parent, "classifier", [path])
    return path


def scoring(data, classifier, **settings):
    config = {"path": str(data), "image_size": [SIDE, SIDE], **settings}
    return Scoring(DataConfig.model_validate(config), classifier)


def score_job(out, scoring, translations, directions, gan_train=None):
    return Score(
        id=JobId("score", "x", 0),
        key="key",
        out=out,
        scoring=scoring,
        gan_train=gan_train,
        translations=translations,
        directions=directions,
    )


@pytest.fixture(scope="module")
def scorer(data, classifier):
    return Scorer(scoring(data, classifier), torch.device("cpu"))


def translated(place, data, **by_target):
    """A folder of translations from summer: for each target, copies of the test images of a domain."""
    for target, domain in by_target.items():
        shutil.copytree(data / "test" / domain, place / f"summer2{target}")
    staleness.write_key(place, "translations", staleness.files_in(place))
    return place


@pytest.fixture
def swapped(tmp_path, data):
    """Translations to winter that are nights."""
    return translated(tmp_path, data, winter="night")


def rows(scores):
    return {(row["target"], row["metric"]): row["value"] for row in scores.rows}


@pytest.mark.integration
def test_without_intervals_nothing_is_resampled_and_the_rows_are_the_same(
    data, classifier, scorer, swapped, monkeypatch
):
    expected = scorer.translations(swapped, "summer", ["winter"])
    assert len(expected.intervals) > 2
    for name in ("frechet_intervals", "mean_interval", "share_interval"):
        monkeypatch.setattr(direction_scores, name, lambda *_, name=name, **__: pytest.fail(f"{name} was called"))
    quick = Scorer(scoring(data, classifier), torch.device("cpu"), intervals=False)
    found = quick.translations(swapped, "summer", ["winter"])
    assert found.rows == expected.rows
    assert found.intervals == []


def raised(scores, target):
    return {flag["flag"] for flag in scores.flags if flag["target"] == target and flag["raised"]}


def drawn(n, d=8, seed=0, shift=0.0):
    return np.random.default_rng(seed).standard_normal((n, d)) + shift


def test_distances_of_the_rows_are_those_of_the_features(scorer, swapped):
    scores = scorer.translations(swapped, "summer", ["winter"])
    fake, real = scorer._test("night").features, scorer._test("winter").features
    found = rows(scores)
    assert found["winter", "FD-domain-classifier"] == frechet_distance_between(fake, real)
    assert found["winter", "KID-domain-classifier"] == kernel_distance(fake, real).value
    (interval,) = [one for one in scores.intervals if one["metric"] == "FD-domain-classifier"]
    paired = frechet_intervals(fake, real, reals="paired").at_this_size
    assert (interval["low"], interval["high"], interval["level"]) == (paired.low, paired.high, 0.95)


def test_paired_scores_are_against_the_truth_and_what_is_kept_against_the_input(scorer, swapped):
    found = rows(scorer.translations(swapped, "summer", ["winter"]))
    inputs, truth, fakes = (scorer._test(domain) for domain in ("summer", "winter", "night"))
    measured = {
        "psnr": psnr(fakes.pixels, truth.pixels),
        "ssim": ssim(fakes.pixels, truth.pixels),
        "l1": l1(fakes.pixels, truth.pixels),
        "content-ssim": ssim(fakes.pixels, inputs.pixels),
        "content-domain-classifier": torch.from_numpy(cosine_distances(fakes.features, inputs.features)),
    }
    assert {name: found["winter", name] for name in measured} == pytest.approx(
        {name: float(values.mean()) for name, values in measured.items()}
    )


@pytest.mark.integration
@pytest.mark.parametrize(("training", "test"), [(12, 5), (4, 9)])
def test_the_row_real_compares_as_many_training_as_test_images(tmp_path, classifier, monkeypatch, training, test):
    make("seasons", tmp_path / "data", (SIDE, SIDE), training, test)
    (tmp_path / "data" / "i2i.json").write_text(json.dumps({"domains": DOMAINS}))
    scorer, compared = Scorer(scoring(tmp_path / "data", classifier), torch.device("cpu")), []
    monkeypatch.setattr(
        "i2i.benchmarks.evaluation.scorer.of_sets", lambda *given: compared.append(given) or of_sets(*given)
    )
    first, again = scorer.real("winter"), scorer.real("winter")
    assert first.rows == again.rows
    way, _, scored, reference, reals, _ = compared[0]
    assert (way, reals) == (("winter", "winter"), "drawn")
    for features, split in ((scored, "test"), (reference, "train")):
        everything = scorer._read_real(scorer.data.images(split, "winter"), "winter").features
        places = [int(np.abs(everything - one).sum(1).argmin()) for one in features]
        assert features == pytest.approx(everything[places])
        assert len(set(places)) == len(features) == min(training, test)
    numbers = {row["metric"]: (row["n"], row["value"]) for row in first.rows}
    assert numbers["FD-domain-classifier"] == (min(training, test), frechet_distance_between(scored, reference))
    assert numbers["accuracy"][0] == test


@pytest.mark.parametrize("count", [4, 5, 8])
def test_features_are_of_all_images_though_some_are_taken_at_a_time(monkeypatch, count):
    monkeypatch.setattr("i2i.metrics.image_scores.BATCH", 4)
    pixels = torch.randint(0, 256, (count, 3, 2, 2), generator=torch.Generator().manual_seed(0))
    found = features_of(lambda some: some.double().flatten(1), pixels)
    assert np.array_equal(found, pixels.double().flatten(1).numpy())


def test_the_deviation_of_the_kernel_distance_is_over_subsets_of_half_the_images():
    x, y = drawn(10), drawn(12, seed=1)
    (spread,) = of_sets(WAY, "FD-x", x, y, "drawn").spreads
    expected = kernel_distance(x, y, subset_size=5).std
    assert spread == {"source": "summer", "target": "winter", "metric": "KID-x", "deviation": expected, "subset": 5}
    assert of_sets(WAY, "FD-x", x[:2], y[:2], "drawn").spreads == []


def test_the_distance_of_all_images_ends_the_curve_over_n():
    x, y = drawn(40), drawn(24, seed=1)
    scores = of_sets(WAY, "fid", x, y, "drawn")
    assert [one["n"] for one in scores.by_n] == [5, 10, 20, 40]
    assert {row["n"] for row in scores.rows} == {40}
    assert scores.by_n[-1]["value"] == rows(scores)["winter", "fid"] == frechet_distance_between(x, y)


def test_fewer_images_give_a_larger_distance_of_equal_distributions():
    values = [value for _, value in distances_of_parts(drawn(160), drawn(160, seed=1))]
    assert values[0] > 1.5 * values[1] > 1.5 * 1.5 * values[2]


def test_parts_of_pairs_hold_the_same_pairs_and_no_part_is_left_out():
    x = drawn(17)
    assert [value for _, value in distances_of_parts(x, x, paired=True)] == pytest.approx([0, 0, 0], abs=1e-9)
    assert min(value for _, value in distances_of_parts(x, x)) > 0.1
    outlier = np.zeros((16, 1))
    outlier[3] = 16  # in one of eight parts: its mean 8, its variance 128
    assert distances_of_parts(outlier, np.zeros((16, 1)))[0] == (2, pytest.approx((8**2 + 128) / 8))


def test_too_few_images_have_no_distance_and_no_error():
    assert of_sets(WAY, "fid", drawn(1), drawn(5), "drawn").rows == []
    two = of_sets(WAY, "fid", drawn(2), drawn(5), "drawn")
    assert [row["metric"] for row in two.rows] == ["fid", "kid"]
    assert two.intervals == []


def test_means_and_intervals_are_of_the_single_images(scorer, swapped):
    scores = scorer.translations(swapped, "summer", ["winter"])
    means = rows(scores)
    singles = {}
    for entry in scores.images:
        singles.setdefault(entry["metric"], {})[entry["image"]] = entry["value"]
    assert singles.keys() == {"accuracy", "psnr", "ssim", "l1", "content-ssim", "content-domain-classifier"}
    for metric, values in singles.items():
        assert list(values) == [f"{number:05}" for number in range(4, 4 + N)]
        assert means["winter", metric] == pytest.approx(np.mean(list(values.values())))
        (interval,) = [one for one in scores.intervals if one["metric"] == metric]
        assert interval["low"] <= means["winter", metric] <= interval["high"]
    assert {row["n"] for row in scores.rows} == {N}


def test_a_metric_that_is_not_finite_has_no_interval():
    scores = of_images(WAY, ["a", "b"], {"psnr": np.array([np.inf, 20.0])})
    assert scores.intervals == []
    assert rows(scores)["winter", "psnr"] == np.inf


def test_confusion_counts_what_the_classifier_saw_and_adds_up(scorer, swapped):
    scores = scorer.translations(swapped, "summer", ["winter"])
    (found,) = scores.confusion
    likeliest = classify(scorer._classifier, scorer._test("night").pixels).argmax(1)
    assert found["predicted"] == {name: int((likeliest == i).sum()) for i, name in enumerate(DOMAINS)}
    assert sum(found["predicted"].values()) == N
    assert found["predicted"]["winter"] / N == rows(scores)["winter", "accuracy"]


def test_confusion_of_attributes_is_within_what_excludes_the_target():
    labels = LabelSpace((LabelSet(("Black", "Blond", "Male"), (("Black", "Blond"),)),))
    logits = torch.tensor([[1.0, 2.0, -1.0], [3.0, 2.0, 1.0], [0.0, -1.0, 2.0]])
    assert confusion(labels, "Blond", logits) == {"Black": 2, "Blond": 1}
    assert confusion(labels, "-Male", logits) == {"Male": 2, "-Male": 1}


@pytest.mark.integration
def test_flags_go_up_on_folders_with_the_fault(scorer, data, tmp_path):
    true = scorer.translations(
        translated(tmp_path / "true", data, winter="winter", night="night"), "summer", DOMAINS[1:]
    )
    assert raised(true, "winter") == raised(true, "night") == set()
    copies = scorer.translations(translated(tmp_path / "copies", data, winter="summer"), "summer", ["winter"])
    assert raised(copies, "winter") == {"copied"}
    deaf = translated(tmp_path / "deaf", data, winter="winter", night="winter")
    assert "ignored target" in raised(scorer.translations(deaf, "summer", DOMAINS[1:]), "night")


def test_one_image_that_was_not_finite_raises_the_flag(scorer, swapped):
    entry = {"source": "summer", "target": "winter", "metric": FINITE, "value": 1.0}
    noted = [{**entry, "image": f"{number:05}"} for number in range(4, 4 + N)]
    write_images(swapped / NOTED, noted)
    assert "diverged" not in raised(scorer.translations(swapped, "summer", ["winter"]), "winter")
    noted[2]["value"] = 0.0
    write_images(swapped / NOTED, noted)
    scores = scorer.translations(swapped, "summer", ["winter"])
    assert "diverged" in raised(scores, "winter")
    (flag,) = [flag for flag in scores.flags if flag["flag"] == "diverged"]
    assert flag["value"] == pytest.approx(1 / N)


class Darker(Identity):
    """Takes 51 levels from every channel."""

    def generate(self, images, request):
        return (images - 51 / 127.5).clamp(-1, 1)


class Broken(Identity):
    """Gives what is no number, in the images that begin black."""

    def generate(self, images, request):
        return torch.where(images[:, :1, :1, :1] < -0.99, float("nan"), images)


EIGHT_BITS = (Preprocess((SIDE, SIDE)),) * 2


def built(cls, domains=DOMAINS, coverage=Coverage.ALL):
    return cls(ModelConfig(), Task.covering(coverage, domains, (SIDE, SIDE)))


def test_the_cycle_error_is_the_difference_after_the_way_back():
    inputs = np.stack([np.full((SIDE, SIDE, 3), level, np.uint8) for level in (100, 69)])
    forth = np.full_like(inputs, 120)
    errors = cycle_errors(built(Darker), WAY, EIGHT_BITS, inputs, forth, None, torch.device("cpu"))
    assert errors == pytest.approx([31 / 255, 0], abs=1e-9)


class OneWay(Identity):
    """A copy from summer to winter, black the other way."""

    def generate(self, images, request):
        return images if request.source < request.target else torch.full_like(images, -1)


def test_the_way_back_is_from_the_target_to_the_source():
    black = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    assert cycle_errors(built(OneWay), WAY, EIGHT_BITS, black, black + 255, None, torch.device("cpu")) == [0]
    assert cycle_errors(built(OneWay), WAY[::-1], EIGHT_BITS, black, black + 255, None, torch.device("cpu")) == [1]


@pytest.mark.parametrize("cached", [True, False])
def test_images_of_all_batches_are_translated_and_their_times_added_up(tmp_path, data, monkeypatch, cached):
    ticks = count()
    monkeypatch.setattr(translate, "BATCH", 4)
    monkeypatch.setattr(translate.time, "perf_counter", lambda: float(next(ticks)))
    config = DataConfig.model_validate({"path": str(data), "image_size": [SIDE, SIDE]})
    made = Translations(tmp_path, scan(data), "test", pixel_cache(config) if cached else None)
    made.add(Route(WAY, built(Darker), built(Identity), Preprocess((SIDE, SIDE)), torch.device("cpu")))
    assert (made.costs["images"], made.costs["seconds"]) == (N, 3)
    images = scan(data).images("test", "summer")
    assert [entry["image"] for entry in made.noted if entry["metric"] == "cycle"] == [one.stem for one in images]
    for one in images:
        with Image.open(tmp_path / "summer2winter" / f"{one.stem}.png") as darker, Image.open(one.path) as real:
            expected = np.clip(np.asarray(real).astype(int) - 51, 0, 255)
            np.testing.assert_allclose(np.asarray(darker).astype(int), expected, atol=1)


def test_a_copy_comes_back_exactly_and_a_bench_writes_it(tmp_path, data):
    copying = Route(WAY, built(Identity), built(Identity), Preprocess((SIDE, SIDE)), torch.device("cpu"))
    made = Translations(tmp_path, scan(data), "test")
    made.add(copying)
    cycles = [entry["value"] for entry in made.noted if entry["metric"] == "cycle"]
    assert cycles == [0.0] * N
    assert made.costs["images"] == N


@pytest.mark.integration
@pytest.mark.parametrize("gib", [8.0, 0.0])
def test_real_test_images_are_decoded_once_for_all_translations_and_scores(
    tmp_path, data, classifier, monkeypatch, gib
):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    decoded: Counter[Path] = Counter()
    decode = Decoding._decode
    monkeypatch.setattr(
        Decoding,
        "_decode",
        lambda self, position: decoded.update([self.images[position].path]) or decode(self, position),
    )
    measure = scoring(data, classifier, cache_gib=gib)
    config = measure.data
    for out in (tmp_path / "one", tmp_path / "two"):
        made = Translations(out, scan(data), "test", pixel_cache(config))
        made.add(Route(WAY, built(Identity), None, Preprocess.of(config), torch.device("cpu")))
    for out in (tmp_path / "one", tmp_path / "two"):
        Scorer(measure, torch.device("cpu")).translations(out, WAY[0], [WAY[1]])
    images = scan(data).splits["test"]
    assert {decoded[one.path] for one in images["summer"]} == {1 if gib else 4}
    assert {decoded[one.path] for one in images["winter"]} == {1 if gib else 2}
    for one in images["summer"]:
        with Image.open(tmp_path / "two" / "summer2winter" / f"{one.stem}.png") as copy, Image.open(one.path) as real:
            np.testing.assert_array_equal(np.asarray(copy), np.asarray(real))


@pytest.mark.integration
def test_real_images_pass_the_extractor_once_for_all_scores_of_a_process(
    tmp_path, data, classifier, swapped, monkeypatch
):
    monkeypatch.setattr("i2i.benchmarks.evaluation.scorer.OF_THIS_PROCESS", RealFeatures())
    passed = []
    monkeypatch.setattr(
        "i2i.benchmarks.evaluation.scorer.features_of",
        lambda extractor, pixels: passed.append(len(pixels)) or features_of(extractor, pixels),
    )
    scores = [
        Scorer(scoring(data, classifier), torch.device("cpu")).translations(swapped, "summer", ["winter"])
        for _ in range(2)
    ]
    assert len(passed) == 2 + 2 * 1  # summers and winters, and the translations each time
    assert scores[0].rows == scores[1].rows
    other = untrained_classifier(tmp_path / "other.safetensors", DOMAINS, SIDE, seed=1)
    found = Scorer(scoring(data, other), torch.device("cpu")).translations(swapped, "summer", ["winter"])
    assert len(passed) == 4 + 3
    assert rows(found)["winter", "FD-domain-classifier"] != rows(scores[0])["winter", "FD-domain-classifier"]


def test_without_a_way_back_there_is_no_cycle_error(tmp_path, data):
    route = Route(WAY, built(Identity), None, Preprocess((SIDE, SIDE)), torch.device("cpu"))
    made = Translations(tmp_path, scan(data), "test")
    made.add(route)
    assert {entry["metric"] for entry in made.noted} == {FINITE}


def test_the_way_back_is_the_models_own_or_that_of_its_other_training(tmp_path):
    both, one, other = (
        built(Identity, WAY, coverage) for coverage in (Coverage.PAIR, Coverage.DIRECTION, Coverage.DIRECTION)
    )
    assert reverse_translator(WAY, {WAY: tmp_path}, lambda run: both) is both
    assert reverse_translator(WAY, {WAY: tmp_path}, lambda run: one) is None
    runs = {WAY: tmp_path / "there", WAY[::-1]: tmp_path / "back"}
    assert reverse_translator(WAY, runs, {tmp_path / "there": one, tmp_path / "back": other}.__getitem__) is other


def test_outputs_that_are_not_finite_are_noted_image_by_image(tmp_path, data):
    black = data.parent / "black"
    shutil.copytree(data, black)
    first = min((black / "test" / "summer").iterdir())
    Image.new("RGB", (SIDE, SIDE)).save(first)
    made = Translations(tmp_path, scan(black), "test")
    made.add(Route(WAY, built(Broken), None, Preprocess((SIDE, SIDE)), torch.device("cpu")))
    assert [entry["value"] for entry in made.noted] == [0.0] + [1.0] * (N - 1)


def gray(level, n=4):
    return torch.full((n, 3, SIDE, SIDE), level, dtype=torch.uint8)


class ByLevel(DomainClassifier):
    """Learns the mean level of each domain and takes an image for the nearest one's."""

    device = torch.device("cpu")

    def __init__(self, pixels, labels, space):
        torch.nn.Module.__init__(self)
        self.labels, self.learnt = space, pixels
        levels, members = pixels.double().mean(dim=(1, 2, 3)), labels.argmax(1)
        self.levels = torch.stack([levels[members == i].mean() for i in range(space.classes)])

    def forward(self, pixels):
        return -(pixels.double().mean(dim=(1, 2, 3))[:, None] - self.levels).abs()


def test_gan_train_is_the_share_of_real_images_that_are_known_from_translations():
    labels = LabelSpace.of_domains(DOMAINS)
    reals = dict(zip(DOMAINS, (gray(10), gray(100), gray(200)), strict=True))
    fakes = {(a, b): reals[b] for a in DOMAINS for b in DOMAINS if a != b}
    assert {row["value"] for row in gan_train(fakes, reals, labels, ByLevel).rows} == {1.0}
    swap = {"summer": "winter", "winter": "summer", "night": "night"}
    wrong = {(a, b): reals[swap[b]] for a, b in fakes}
    scores = gan_train(wrong, reals, labels, ByLevel)
    assert {row["target"]: row["value"] for row in scores.rows} == {"summer": 0.0, "winter": 0.0, "night": 1.0}
    assert {(row["source"], row["target"]) for row in scores.rows} == fakes.keys()
    assert {row["n"] for row in scores.rows} == {4}


def test_gan_train_judges_no_image_whose_translation_it_has_learnt_from(monkeypatch):
    """Every image has a level of its own; a copy of a scene in training would be seen by it."""
    scenes = torch.cat([gray(level, 1) for level in range(6)])
    seen = []

    def noting(classifier, pixels):
        seen.append((set(classifier.learnt[:, 0, 0, 0].tolist()), set(pixels[:, 0, 0, 0].tolist())))
        return torch.zeros(len(pixels), 2)

    monkeypatch.setattr("i2i.benchmarks.evaluation.gan_train.classify", noting)
    reals = {"summer": scenes, "winter": scenes}
    gan_train({WAY: scenes, WAY[::-1]: scenes}, reals, LabelSpace.of_domains(WAY), ByLevel)
    assert len(seen) == 4
    assert all(not learnt & judged for learnt, judged in seen)
    assert set.union(*(judged for _, judged in seen)) == set(range(6))


def test_gan_train_needs_two_targets_that_say_everything():
    reals = {"summer": gray(1), "winter": gray(2)}
    assert gan_train({WAY: gray(2)}, reals, LabelSpace.of_domains(WAY), ByLevel).rows == []
    labels = LabelSpace((LabelSet(("Male", "Young")),))
    ways = {("-Male", "Male"): gray(1), ("Male", "-Male"): gray(2)}
    assert gan_train(ways, {"Male": gray(1), "-Male": gray(2)}, labels, ByLevel).rows == []


@pytest.mark.integration
def test_a_score_job_measures_gan_train_where_it_is_asked_to(tmp_path, data, classifier):
    place = translated(tmp_path, data, winter="winter", night="night")
    out, ways = tmp_path / "x.json", [("summer", "winter"), ("summer", "night")]
    options = ClassifierConfig(images=64)
    score_job(out, scoring(data, classifier), place, ways, options).perform(print, torch.device("cpu"))
    found = {row["target"]: row for row in json.loads(out.read_text())["rows"] if row["metric"] == "gan-train"}
    assert found.keys() == {"winter", "night"}
    assert {row["n"] for row in found.values()} == {N}


def test_a_score_job_writes_what_it_measured_and_is_not_done_again(tmp_path, data, classifier, swapped):
    out = tmp_path / "scores" / "x-seed0.json"
    score_job(out, scoring(data, classifier), swapped, [WAY]).perform(print, torch.device("cpu"))
    found = json.loads(out.read_text())
    kinds = {"rows", "intervals", "flags", "confusion", "spreads", "by_n"}
    assert found.keys() == kinds | {"key", "features", "made_from", "files", "checksum"}
    assert all((entry["source"], entry["target"]) == WAY for kind in kinds for entry in found[kind])
    table = read_images(images_path(out)).to_dict("records")
    assert images_path(out).name == "x-seed0.images.csv"
    assert {entry["metric"] for entry in table} >= {"accuracy", "psnr", "content-ssim"}
    shutil.rmtree(swapped / "summer2winter")
    score_job(out, scoring(data, classifier), swapped, [WAY]).perform(print, torch.device("cpu"))

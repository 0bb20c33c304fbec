"""Several translations of one image: made with the noise that `i2i translate` draws, and scored as one is."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from i2i import registry
from i2i.benchmarks.evaluation.scorer import Scorer
from i2i.benchmarks.evaluation.translate import NOTED, Route, SamplingOptions, Translations
from i2i.benchmarks.jobs.translate import Translate
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report import latex
from i2i.benchmarks.report.captions import samples_lines
from i2i.benchmarks.report.markdown import markdown
from i2i.benchmarks.report.protocol import card
from i2i.benchmarks.results_folder.results_folder import of_sample
from i2i.benchmarks.results_folder.score_file import write_images
from i2i.benchmarks.suite.overrides import load_suite, steps_assignments
from i2i.data.batches import UnpairedBatch
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import scan
from i2i.errors import UserError
from i2i.inference.translate_files import of_sample as named
from i2i.inference.translate_files import resized, translate_files, translation
from i2i.metrics import cosine_distances
from i2i.metrics.image_scores import features_of, read_pixels
from i2i.models.identity import Identity
from i2i.translator import Coverage, Translator
from tests.bench.test_outputs import PROTOCOL, made_up
from tests.bench.test_scores import SIDE, WAY, built, classifier, data, scorer, scoring
from tests.bench.test_staleness import OF_TRAINING, TINY, keys
from tests.support.facts import with_facts

__all__ = ["classifier", "data", "scorer"]  # fixtures
CPU, PREPROCESS = torch.device("cpu"), Preprocess((SIDE, SIDE))


class Tinted(Translator):
    """Adds a colour of noise, the stronger the more steps; without learning anything."""

    coverage, batch, takes = Coverage.ALL, UnpairedBatch, frozenset({"noise", "sampling_steps"})

    def phases(self):
        return ()

    def generate(self, images, request):
        return (images + 0.1 * (request.sampling_steps or 1) * request.noise.normal(3, 1, 1)).clamp(-1, 1)


def translated(place, data, translator, **asked):
    made = Translations(place, scan(data), "test", options=SamplingOptions(**asked))
    made.add(Route(WAY, translator, None, PREPROCESS, CPU))
    return made


def shown(folder):
    return {path.stem: np.asarray(Image.open(path)) for path in sorted((folder / "summer2winter").iterdir())}


def test_the_first_sample_is_what_it_was_and_the_others_are_those_of_the_command_line(tmp_path, data):
    tinted = built(Tinted)
    one, several = (translated(tmp_path / str(count), data, tinted, samples=count) for count in (1, 3))
    assert sorted(path.name for path in one.out.iterdir()) == ["summer2winter"]
    files = [(path, path.relative_to(path.parent)) for path in sorted((data / "test/summer").iterdir())]
    for sample in range(3):
        convert = resized(replace(translation(tinted, *WAY, CPU), sample=sample), PREPROCESS)
        out = tmp_path / f"by-command/{sample}/summer2winter"
        translate_files(convert, named(files, sample), out, PREPROCESS.write)
        by_command = list(shown(tmp_path / f"by-command/{sample}").values())
        images = list(shown(of_sample(several.out, sample)).values())
        assert len(images) == len(files)
        assert all((one == two).all() for one, two in zip(images, by_command, strict=True))
    assert all((shown(one.out)[name] == image).all() for name, image in shown(several.out).items())
    last = shown(of_sample(several.out, 2))
    assert not all((last[name] == image).all() for name, image in shown(several.out).items())
    assert several.noted == one.noted
    assert (one.costs["images"], several.costs["images"]) == (len(files), 3 * len(files))


def test_a_method_without_noise_gives_one_translation_and_no_diversity(tmp_path, data, scorer):
    made = translated(tmp_path, data, built(Identity), samples=10)
    assert [path.name for path in made.out.iterdir()] == ["summer2winter"]
    assert scorer.diversity(tmp_path, WAY, 10).rows == []


def test_chosen_steps_are_taken(tmp_path, data):
    one, three = (
        shown(translated(tmp_path / str(steps), data, built(Tinted), sampling_steps=steps).out) for steps in (None, 3)
    )
    assert any((one[name] != three[name]).any() for name in one)


@pytest.mark.integration
def test_diversity_is_the_mean_over_pairs_of_the_samples_of_each_image(tmp_path, data, classifier, scorer):
    made = translated(tmp_path, data, built(Tinted), samples=4)
    write_images(tmp_path / NOTED, made.noted)
    scores = scorer.diversity(tmp_path, WAY, 4)
    files = scorer._files(tmp_path, WAY)
    samples = [read_pixels(scorer._sampled(tmp_path, WAY, files, sample), scorer.preprocess) for sample in range(4)]
    features = [features_of(scorer._extractor, pixels) for pixels in samples]
    pairs = [cosine_distances(one, other) for one, other in combinations(features, 2)]
    assert len(pairs) == 6
    (row,) = scores.rows
    assert row["metric"] == "diversity-domain-classifier"
    assert row["value"] == pytest.approx(np.mean(pairs)) and row["value"] > 0
    assert row["n"] == len(scores.images) == len(features[0])
    assert {entry["image"] for entry in scores.images} == set(shown(tmp_path))
    assert [interval["metric"] for interval in scores.intervals] == ["diversity-domain-classifier"]
    alone = scorer.translations(tmp_path, "summer", ["winter"])
    assert not any(entry["metric"].startswith("diversity") for entry in alone.rows)


def test_lpips_takes_the_place_of_features_where_its_weights_are(tmp_path, data, classifier):
    class Lpips:
        name = "lpips-alex"

        def diversity(self, samples):
            return samples.float().var(dim=1).mean(dim=(1, 2, 3))

    translated(tmp_path, data, built(Tinted), samples=2)
    scorer = Scorer(scoring(data, classifier), CPU, intervals=False)
    scorer._lpips = Lpips()
    (row,) = scorer.diversity(tmp_path, WAY, 2).rows
    pixels = np.stack([list(shown(of_sample(tmp_path, sample)).values()) for sample in range(2)]).astype(float)
    assert row["metric"] == "diversity-lpips-alex"
    assert row["value"] == pytest.approx(pixels.var(axis=0, ddof=1).mean(), rel=1e-5)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", str(tmp_path_factory.mktemp("cache")))
        registry.register("tinted")(Tinted)
        yield tmp_path_factory.mktemp("results") / "bench"
        registry.unregister("tinted")


def planned(out, *changes):
    return prepare(load_suite("seasons", "tinted,stargan", {}, [*TINY, *changes], None), out)


@pytest.mark.integration
def test_samples_and_steps_are_in_the_keys_of_those_who_take_them_and_of_nobody_else(out):
    before = keys(planned(out))
    for change in ("translation.samples=10", "translation.sampling_steps.tinted=7"):
        after = keys(planned(out, change))
        changed = {value[:2] for name, value in after.items() if value != before[name]}
        assert changed == {("translate", "tinted"), ("score", "tinted")} < {(kind, "tinted") for kind in OF_TRAINING}
    again = keys(planned(out, "translation.samples=1"))
    assert again == before


def test_workers_and_the_plan_are_told(out):
    plan = planned(out, "translation.samples=10", "translation.sampling_steps.tinted=7")
    jobs = {job.method: job for job in plan.jobs if isinstance(job, Translate)}
    assert (jobs["tinted"].samples, jobs["tinted"].sampling_steps) == (10, 7)
    assert (jobs["stargan"].samples, jobs["stargan"].sampling_steps) == (1, None)
    facts = plan.facts.methods
    assert (facts["tinted"].samples, facts["tinted"].sampling_steps, facts["stargan"].samples) == (10, 7, 1)
    told = samples_lines(plan)
    assert "10 translations of each image by methods that take noise (tinted); others give one" in told[0]
    assert told[1] == "Sampling steps: tinted 7."
    assert samples_lines(planned(out)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("translation.samples=0", "greater than or equal to 1"),
        ("translation.samples=-3", "greater than or equal to 1"),
        ("translation.samples=1000000", "less than or equal to 1000"),
        ("translation.samples=many", "translation.samples"),
        ("translation.sampling_steps.tinted=0", "greater than or equal to 1"),
        ("translation.sampling_steps.stargan=5", "stargan takes no sampling steps"),
        ("translation.sampling_steps.nobody=5", "unknown model 'nobody'"),
    ],
)
def test_numbers_and_methods_that_do_not_fit_are_refused(out, change, said):
    with pytest.raises(UserError) as refused:
        planned(out, change)
    assert said in str(refused.value)
    if "stargan" in change:
        assert "these do: " in str(refused.value) and "tinted" in str(refused.value)


def test_steps_are_given_by_method():
    assert steps_assignments("bridge=20, unsb=5") == [
        "translation.sampling_steps.bridge=20",
        "translation.sampling_steps.unsb=5",
    ]
    for wrong in ("20", "bridge=", "bridge=-1", "bridge=2.5", "=3", "bridge=1,", ""):
        with pytest.raises(UserError, match="as in --sampling-steps bridge=20,unsb=5"):
            steps_assignments(wrong)


DIVERSE = {("one", "psnr"): [20.0], ("two", "psnr"): [21.0], ("one", "diversity-domain-classifier"): [0.1234]}


def test_methods_of_one_translation_have_a_dash_and_nobody_is_the_best_of_one(tmp_path):
    plan, results = made_up(tmp_path, DIVERSE)
    text = markdown(plan, results)
    rows = {line.split(" | ")[0]: line for line in text.splitlines() if " 20.00 " in line or "21.00** ‡ | " in line}
    assert "| diversity, domain-classifier ↑ |" in text
    assert "- `diversity` is the mean distance of all pairs of translations of an image" in text
    assert "| 0.1234 |" in rows["| one"] and "| – |" in rows["| two"]
    assert r"diversity" in latex.table(plan, results, PROTOCOL)


def test_the_protocol_holds_the_number_of_samples_where_there_are_several(tmp_path):
    plan, results = made_up(tmp_path, DIVERSE)
    none = pd.DataFrame({"split": ["test"] * 3, "domain": list("abc"), "file": "x", "half": "", "sha256": "0"})
    suite = plan.facts.suite.model_dump(mode="json")
    several = with_facts(plan, suite={**suite, "translation": {"samples": 10}}, methods={"one": {}, "two": {}})
    plain = with_facts(plan, methods={"one": {}, "two": {}})
    cards = [card(one, results, none) for one in (plain, several)]
    assert "samples" not in cards[0]["protocol"] and cards[1]["protocol"]["samples"] == 10
    assert cards[0]["fingerprint"] != cards[1]["fingerprint"]


def test_steps_above_the_schedule_are_refused_before_anything_is_trained(out, monkeypatch):
    monkeypatch.setattr(Tinted, "most_sampling_steps", 6)
    assert planned(out, "translation.sampling_steps.tinted=6")
    with pytest.raises(UserError, match="tinted: sampling_steps is 7 and this model's schedule has 6: give at most"):
        planned(out, "translation.sampling_steps.tinted=7")


def test_samples_that_nobody_gives_are_told_once(out):
    nobody = prepare(load_suite("seasons", "stargan", {}, [*TINY, "translation.samples=4"], None), out)
    (told,) = [line for line in nobody.warnings if "samples" in line]
    assert told == "4 samples are asked for and no method here takes noise: each gives one translation of an image"
    assert not [line for line in planned(out, "translation.samples=4").warnings if "samples" in line]

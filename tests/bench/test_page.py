"""report.html: what is in it, how it is escaped, and which images it shows."""

import inspect
import json
import re

import numpy as np
import pandas as pd
import pytest

from i2i.benchmarks.report.html import gallery, image_store, page, training_curves
from i2i.pages.html_page import as_data
from i2i.watch.run_log import POINTS
from tests.support.facts import with_facts
from tests.support.pages import CARD, NASTY, made_up_bench, scores_of


@pytest.fixture
def bench(tmp_path):
    return made_up_bench(tmp_path)


def blocks(text):
    """The data of a page, by the id of their block."""
    found = re.findall(r'<script type="application/json" id="(\w+)">(.*?)</script>', text, re.DOTALL)
    return {name: json.loads(data) for name, data in found}


def page_of(plan, results):
    assert page.write(plan, results, CARD) == ["report.html"]
    return (plan.out / "report.html").read_text()


@pytest.mark.integration
def test_the_page_holds_the_scores_of_every_view_with_the_best_translators_marked(bench):
    plan, results = bench
    facts = blocks(page_of(plan, results))["facts"]
    names = [model["name"] for model in facts["models"]]
    assert [model["kind"] for model in facts["models"]] == ["translator", "translator", "reference", "real"]
    kinds = [view["kind"] for view in facts["views"]]
    assert (kinds.count("all"), kinds.count("target"), kinds.count("direction")) == (1, 3, 6)
    for view in facts["views"]:
        scores = results.scores
        if view["kind"] != "all":
            scores = scores[scores["target"] == view["target"]]
        if view["kind"] == "direction":
            scores = scores[scores["source"].isin([view["source"], view["target"]])]
        means = scores.groupby(["model", "metric"])["value"].mean()
        for name, row in zip(names, view["rows"], strict=True):
            for metric, cell in zip(results.metrics, row, strict=False):
                expected = means.get((name, metric))
                assert cell["value"] == (pytest.approx(expected) if expected is not None else None)
        for place, better in enumerate(metric["better"] for metric in facts["metrics"]):
            ranked = [view["rows"][number][place] for number in (0, 1)]
            best = (max if better == "higher" else min)(ranked, key=lambda cell: float(cell["text"].split(" ")[0]))
            assert best["rank"] == 0
            assert all("rank" not in view["rows"][number][place] for number in (2, 3))


@pytest.mark.integration
def test_no_name_can_end_the_block_that_holds_it(tmp_path):
    for text in NASTY:
        written = as_data({text: [text]})
        assert not set("<>&\u2028\u2029") & set(written)
        assert json.loads(written) == {text: [text]}
    text = page_of(*made_up_bench(tmp_path, nasty=True))
    assert text.count("<script") == text.count("</script>") == 3
    assert blocks(text)["facts"]["domains"] == list(NASTY[:3])


@pytest.mark.integration
def test_the_page_asks_for_nothing_from_elsewhere(bench):
    text = page_of(*bench)
    own = re.sub(r'(?s)<script type="application/json".*?</script>', "", text).replace("http://www.w3.org/2000/svg", "")
    assert "http" not in own.replace("http-equiv", "")
    assert not re.search(r"url\(|@import|srcset|<link (?!rel=\"icon\" href=\"data:,\")|\ssrc=", own)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.integration
def test_a_finished_bench_keeps_its_page_and_another_result_writes_it_again(bench):
    plan, results = bench
    page_of(plan, results)
    path = plan.out / "report.html"
    before = path.stat().st_mtime_ns
    page_of(plan, results)
    assert path.stat().st_mtime_ns == before
    scores = results.scores.assign(value=results.scores["value"] + 1)
    page_of(plan, type(results)(scores, results.costs, results.failures))
    after = path.stat().st_mtime_ns
    assert after != before
    key = plan.out / "translations" / "one" / "seed0" / "key.json"
    key.write_text(json.dumps({"key": "other"}))
    page_of(plan, type(results)(scores, results.costs, results.failures))
    assert path.stat().st_mtime_ns != after


@pytest.mark.integration
def test_another_builder_of_pages_writes_the_page_again(bench, monkeypatch):
    plan, results = bench
    page_of(plan, results)
    path = plan.out / "report.html"
    before, source = path.stat().st_mtime_ns, inspect.getsource
    monkeypatch.setattr(inspect, "getsource", lambda code: f"{source(code)}# other")
    page_of(plan, results)
    assert path.stat().st_mtime_ns != before


@pytest.mark.integration
def test_failed_and_skipped_jobs_stand_on_the_page_with_reasons(bench):
    plan, results = bench
    facts = blocks(
        page_of(plan, type(results)(results.scores, results.costs, {"one/seed0/all": "Trace\nwent <wrong>"}))
    )
    assert facts["facts"]["failed"] == [["one/seed0/all", "Trace\nwent <wrong>"]]
    assert facts["facts"]["skipped"] == [["pix2pix", "it needs pairs"]]


def test_a_bench_of_which_all_failed_has_a_page_without_images(bench):
    plan, results = bench
    data = blocks(page_of(plan, type(results)(results.scores.iloc[:0], {}, {"one/seed0/all": "gone"})))
    assert data["images"]["directions"] == []
    assert data["facts"]["models"] == []


def shown(plan, results, **options):
    suite = {**plan.facts.suite.model_dump(mode="json"), "report": {"images": 60, "seed": 0, **options}}
    return gallery.gallery(with_facts(plan, suite=suite), results)


def test_the_gallery_shows_every_image_of_every_column_once_stored(bench):
    plan, results = bench
    made = shown(plan, results)
    assert made["columns"] == ["input", "one", "two", "copy", "target"]
    assert [way["of"] for way in made["directions"]] == [8] * 6
    for way in made["directions"]:
        assert sorted(image["name"] for image in way["images"]) == [f"{number:05d}" for number in range(8)]
        for image in way["images"]:
            (own,) = image["seeds"]
            assert own["images"][0] == own["images"][3]  # `copy` has the pixels of its input
    assert len(made["images"]) == len(set(made["images"])) == 3 * 8 + 2 * 6 * 8


def test_images_are_chosen_by_the_seed_and_every_fourth_is_one_of_the_worst(bench):
    plan, results = bench
    first = shown(plan, results, images=4)
    again = shown(plan, results, images=4)
    other = shown(plan, results, images=4, seed=1)
    assert first == again
    names = [[image["name"] for image in way["images"]] for way in first["directions"]]
    assert names != [[image["name"] for image in way["images"]] for way in other["directions"]]
    scores = pd.concat(scores_of(plan, name) for name in ("one", "two"))
    for way in first["directions"]:
        assert [image["chosen"] for image in way["images"]] == ["random", "random", "random", "worst"]
        own = scores[(scores["source"] == way["source"]) & (scores["target"] == way["target"])]
        means = own[own["metric"] == "psnr"].groupby("image")["value"].mean()
        rest = means.drop([image["name"] for image in way["images"][:3]])
        assert way["images"][3]["name"] == rest.idxmin()


def test_the_gallery_stops_when_its_space_is_used_up(bench, monkeypatch):
    plan, results = bench
    monkeypatch.setattr(gallery, "SPACE", 1)
    made = shown(plan, results)
    assert [len(way["images"]) for way in made["directions"]] == [1] * 6


@pytest.mark.integration
def test_the_gallery_holds_every_seed_and_the_first_of_those_that_have_no_other(tmp_path):
    plan, results = made_up_bench(tmp_path, seeds=(0, 3))
    made = shown(plan, results)
    assert made["seeds"] == [0, 3]
    assert made["of_first_seed"] == [[], [made["columns"].index("copy")]]
    way = made["directions"][0]
    image = way["images"][2]
    first, other = image["seeds"]
    same = [one == two for one, two in zip(first["images"], other["images"], strict=True)]
    assert dict(zip(made["columns"], same, strict=True)) == {
        "input": True,
        "one": False,
        "two": False,
        "copy": True,
        "target": True,
    }
    read = scores_of(plan, "two", 3).query(f"source == '{way['source']}' and target == '{way['target']}'")
    own = read[(read["image"] == image["name"]) & (read["metric"] == "psnr")]["value"].item()
    assert own == pytest.approx(other["scores"][2][0], rel=1e-4)
    assert len(made["images"]) == 3 * 8 + 2 * 2 * 6 * 8


@pytest.mark.integration
def test_of_other_seeds_the_gallery_holds_no_more_than_has_space(tmp_path, monkeypatch):
    plan, results = made_up_bench(tmp_path, seeds=(0, 3))
    whole = sum(map(len, shown(plan, results)["images"]))
    first = sum(map(len, shown(*made_up_bench(tmp_path / "one"))["images"]))
    monkeypatch.setattr(gallery, "SPACE_OF_SEEDS", (whole - first) // 2)
    made = shown(plan, results)
    assert {len(way["images"]) for way in made["directions"]} == {8}
    counts = [[len(image["seeds"]) for image in way["images"]] for way in made["directions"]]
    (count,) = {tuple(one) for one in counts}  # alike in all directions
    assert sorted(count, reverse=True) == list(count)
    assert 3 <= count.count(2) <= 6


@pytest.mark.integration
def test_other_translations_of_any_seed_write_the_page_again(tmp_path):
    plan, results = made_up_bench(tmp_path, seeds=(0, 3))
    page_of(plan, results)
    before = (plan.out / "report.html").stat().st_mtime_ns
    (plan.out / "translations" / "one" / "seed3" / "key.json").write_text(json.dumps({"key": "other"}))
    page_of(plan, results)
    assert (plan.out / "report.html").stat().st_mtime_ns != before


def test_scores_and_disagreement_are_those_of_the_image(bench):
    plan, results = bench
    made = shown(plan, results)
    way = made["directions"][2]
    image = way["images"][5]
    (seen,) = image["seeds"]
    read = scores_of(plan, "two")
    own = read[(read["source"] == way["source"]) & (read["target"] == way["target"])]
    own = own[own["image"] == image["name"]]
    expected = dict(zip(own["metric"], own["value"], strict=True))
    titles = {"psnr": "PSNR, dB ↑", "accuracy": "accuracy ↑"}
    found = dict(zip((metric["title"] for metric in made["metrics"]), seen["scores"][2], strict=True))
    assert found == {titles[metric]: pytest.approx(value, rel=1e-4) for metric, value in expected.items()}
    assert seen["scores"][0] == [None, None]
    folder = f"{way['source']}2{way['target']}"
    pixels = [
        np.asarray(image_store.Image.open(plan.out / "translations" / name / "seed0" / folder / f"{image['name']}.png"))
        for name in ("one", "two")
    ]
    difference = np.abs(pixels[0].astype(float) - pixels[1]).mean()
    assert seen["difference"] == pytest.approx(difference, rel=1e-4)


def test_small_images_are_stored_exactly_and_large_ones_scaled_with_a_word_about_it():
    from base64 import b64decode
    from io import BytesIO

    rng = np.random.default_rng(0)

    def decoded(address):
        return image_store.Image.open(BytesIO(b64decode(address.partition(",")[2])))

    kept = image_store.Store()
    small = rng.integers(0, 256, (64, 48, 3), dtype=np.uint8)
    assert (kept.add(small), kept.add(small.copy())) == (0, 0)
    assert np.array_equal(np.asarray(decoded(kept.addresses[0])), small)
    assert "exactly" in kept.says
    kept.add(rng.integers(0, 256, (200, 600, 3), dtype=np.uint8))
    assert decoded(kept.addresses[1]).size == (256, 85)
    assert "WebP of quality 90, scaled down to 256 px" in kept.says
    assert kept.size == sum(map(len, kept.addresses))


def test_curves_are_what_the_training_runs_logged_with_half_lines_and_infinities_left_out(bench):
    plan, _ = bench
    folder = plan.out / plan.training_runs[0].folder
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        {"step": n, "images": 8 * n, "learning_rates": {"all": 1}, "losses": {"g/l1": n / 2, "d/real": float("inf")}}
        for n in range(1, 502)
    ]
    (folder / "validation.csv").write_text("step,images,seconds,metric,value\n2,16,1.5,psnr,20\n")
    (folder / "metrics.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 9')
    (found,) = training_curves.curves(plan)
    assert (found["model"], found["seed"], found["training"]) == ("one", 0, "all")
    terms = dict(found["terms"])
    assert list(terms) == ["g/l1", "validation: psnr"]
    assert len(terms["g/l1"]) == POINTS
    assert (terms["g/l1"][0], terms["g/l1"][-1]) == ((8, 0.5), (4008, 250.5))

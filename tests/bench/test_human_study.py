"""A human study from its pages to its findings: balance, blinding, what is refused, and intervals that hold."""

import base64
import io
import json
import random
import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from i2i.benchmarks.human_study import rater_statistics
from i2i.benchmarks.human_study.answer_key import REAL, read_key
from i2i.benchmarks.human_study.design import Design, blocks_of
from i2i.benchmarks.human_study.exclusion import counted, exclusion
from i2i.benchmarks.human_study.findings import findings
from i2i.benchmarks.human_study.rater_statistics import Choices, chance_test, rate_interval, scores
from i2i.benchmarks.human_study.rules import Rules
from i2i.benchmarks.human_study.stimuli import as_png, scrambled
from i2i.benchmarks.human_study.votes import read_all, read_votes
from i2i.data.synthetic import embedded
from i2i.metrics.bootstrap import share_interval
from tests.bench.test_merge import pretend
from tests.support.in_process import command, undrawn
from tests.support.raters import attentive, saved, votes, write_votes

METHODS = {"stargan": 21.0, "cyclegan": 20.0, "mine": 19.0}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A finished bench of three methods and a baseline, on twelve test images a domain."""
    place = tmp_path_factory.mktemp("study")
    embedded.make("seasons", place / "seasons", (16, 16), 3, 12)
    return pretend(place / "bench", place / "seasons", METHODS)


@pytest.fixture(scope="module")
def studies(bench):
    """A study of each mode, of eight raters."""
    for mode in ("real-fake", "preference", "best-of"):
        out = bench.parent / mode
        assert command("study", "make", bench, "--mode", mode, "--raters", 8, "--trials", 20, "--out", out) == 0
    return bench.parent


def data_of(page):
    found = re.findall(r'<script type="application/json" id="([\w-]+)">(.*?)</script>', page.read_text(), re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def refused(capsys, *arguments):
    assert command("study", "read", *arguments) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) <= 2
    return " ".join(said)


def spread(counts):
    return max(counts.values()) - min(counts.values())


@pytest.mark.parametrize(("methods", "size"), [(2, 2), (5, 2), (6, 4), (12, 4), (12, 2)])
def test_methods_pairs_positions_directions_and_images_are_balanced(methods, size):
    names = [f"m{number}" for number in range(methods)]
    design = Design(blocks_of(names, size), {("a", "b"): 20, ("b", "a"): 20}, random.Random(0))
    of_all, pairs, positions, images, ways = (Counter() for _ in range(5))
    for _ in range(10):
        design.next_rater()
        own, seen = Counter(dict.fromkeys(names, 0)), Counter()
        for stimulus in (design.draw() for _ in range(36)):
            own.update(stimulus.methods)
            pairs.update(combinations(sorted(stimulus.methods), 2))
            positions.update(enumerate(stimulus.methods))
            seen[stimulus.direction, stimulus.image] += 1
            ways.update((stimulus.direction, method) for method in stimulus.methods)
        of_all += own
        images += seen
        assert spread(own) <= 2
        assert max(seen.values()) == 1  # nobody sees an image twice while there are others
    assert len(pairs) == methods * (methods - 1) / 2
    assert spread(pairs) <= 4
    assert len(positions) == methods * size
    assert max(spread(positions), spread(images), spread(of_all)) <= 3
    assert spread(ways) <= 8


@pytest.mark.integration
@pytest.mark.parametrize(("mode", "expected"), [("real-fake", 30), ("preference", 20), ("best-of", 20)])
def test_a_rater_has_practice_first_and_a_tenth_of_vigilance_trials(studies, mode, expected):
    key = read_key(studies / mode)
    assert len(key.raters) == 8
    assert key.raters[0] != key.raters[1]
    for trials in key.raters:
        kinds = [trial.kind for trial in trials]
        assert len(kinds) == expected
        assert kinds.count("vigilance") == 2
        assert kinds[:10].count("practice") == kinds.count("practice") == (10 if mode == "real-fake" else 0)
        assert all(trial.right is not None for trial in trials if trial.kind == "vigilance")


def test_of_real_and_fake_images_each_method_is_the_fake_equally_often_on_either_side(studies):
    key = read_key(studies / "real-fake")
    scored = [trial for trials in key.raters for trial in trials if trial.kind == "scored"]
    sides = Counter((trial.about, trial.right) for trial in scored)
    assert {about for about, _ in sides} == {*METHODS, "identity", REAL}
    assert len(sides) == 10
    assert spread(sides) <= 2
    assert all(trial.methods[1 - trial.right] == REAL for trial in scored)


def test_a_page_tells_nothing_of_methods_and_only_practice_of_right_answers(studies):
    for mode in ("real-fake", "preference", "best-of"):
        path = studies / mode / "rater-3.html"
        study = data_of(path)["study-data"]
        text = re.sub(r"data:image/png;base64,[\w+/=]*", "", path.read_text())
        assert not [
            name for name in (*METHODS, "identity", "vigilance", "scrambled") if name in text.split("<script>")[0]
        ]
        assert [("right" in trial) for trial in study["trials"]] == [trial["practice"] for trial in study["trials"]]
        own = text.replace("http-equiv", "")
        assert "http" not in own
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
        assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


@pytest.mark.parametrize("mode", ["real-fake", "preference", "best-of"])
def test_a_page_shows_what_the_key_says_each_image_re_encoded_alike(studies, bench, mode):
    key, data = read_key(studies / mode), data_of(studies / mode / "rater-2.html")
    images = []
    for address in data["image-data"]:
        contents = base64.b64decode(address.removeprefix("data:image/png;base64,"))
        image = Image.open(io.BytesIO(contents))
        assert (image.mode, image.info) == ("RGB", {})
        images.append(np.asarray(image))
        assert as_png(images[-1]) == contents
    assert len({one.tobytes() for one in images}) == len(images)
    for trial, shown in zip(key.raters[1], data["study-data"]["trials"], strict=True):
        if trial.kind == "vigilance":
            continue
        way, truth = f"{trial.source}2{trial.target}", bench.parent / "seasons" / "test" / trial.target
        assert trial.target in shown["question"] or trial.question in ("realism", "identity")
        for method, number in zip(trial.methods, shown["images"], strict=True):
            real = truth / f"{trial.image}.png"
            path = real if method == REAL else bench / "translations" / method / "seed0" / way / f"{trial.image}.png"
            if trial.about != REAL:  # two real images, of which one is any other
                assert (images[number] == np.asarray(Image.open(path).convert("RGB"))).all()


def test_a_scrambled_image_has_no_tile_where_it_was():
    pixels = np.arange(16 * 20 * 3, dtype=np.uint16).reshape(16, 20, 3)
    found = scrambled(pixels, random.Random(0))
    assert not (found == pixels).any()
    assert sorted(found.ravel()) == sorted(pixels.ravel())


@pytest.mark.integration
def test_the_same_seed_makes_the_same_study_and_another_another(bench, studies, tmp_path):
    options = ("--mode", "preference", "--raters", 8, "--trials", 20)
    command("study", "make", bench, *options, "--out", tmp_path / "again")
    command("study", "make", bench, *options, "--seed", 1, "--out", tmp_path / "other")
    same, again, other = (read_key(place) for place in (studies / "preference", tmp_path / "again", tmp_path / "other"))
    assert same == again
    assert other.raters != same.raters
    assert other.study != same.study
    page = "rater-8.html"
    assert (studies / "preference" / page).read_bytes() == (tmp_path / "again" / page).read_bytes()


@pytest.mark.integration
def test_votes_become_a_table_figures_and_a_section_of_the_page_of_the_bench(studies, bench, tmp_path, capsys):
    study = studies / "real-fake"
    key = read_key(study)
    skills = {"stargan": 0.4, "cyclegan": 0.2, "mine": 0.1, "identity": 0.0, REAL: 0.5}
    raters = [attentive(skills, seed) for seed in range(6)]
    paths = write_votes(tmp_path, key, [*raters, lambda trial: 1])
    assert command("study", "read", study, *paths) == 0
    out = capsys.readouterr().out
    assert "Rater 7: " in out
    assert "6 raters of 7" in out
    found = findings(key, read_all(paths, key))
    assert [rate.name for rate in found.overall("fake") if rate.hits == 0] == ["identity"]
    table = (study / "findings.md").read_text()
    assert all(name in table for name in skills)
    assert {path.suffix for path in study.glob("findings.*")} == {".md", ".csv", ".json", ".png", ".pdf", ".svg"}
    facts = data_of(bench / "report.html")["facts"]["studies"]
    assert facts[0]["title"] == "Human study, real or fake"
    assert [row[0]["text"] for row in facts[0]["tables"][0]["rows"]][-1] == "identity"
    assert facts[0]["changed"] == []
    key_file = bench / "translations" / "mine" / "seed0" / "key.json"
    before = key_file.read_text()
    key_file.write_text(json.dumps({"key": "translated again"}))
    try:
        with undrawn():
            assert command("report", bench) == 0
        assert data_of(bench / "report.html")["facts"]["studies"][0]["changed"] == ["mine"]
    finally:
        key_file.write_text(before)


def test_preferences_have_pairs_tests_after_holm_and_scores_of_known_order(studies, tmp_path):
    key = read_key(studies / "preference")
    skills = {"stargan": 1.0, "cyclegan": 0.3, "mine": -0.3, "identity": -1.0, REAL: 2.0}
    paths = write_votes(tmp_path, key, [attentive(skills, seed) for seed in range(8)])
    found = findings(key, read_all(paths, key))
    assert len(found.pairs) == 10
    assert all(rate.p <= rate.corrected for rate in found.pairs)
    assert all(rate.p is None for rate in found.rates)
    best, worst = (sorted(found.strengths, key=lambda one: one.score)[place].name for place in (-1, 0))
    assert (best, worst) == (REAL, "identity")
    assert sum(one.score for one in found.strengths) == pytest.approx(0)
    for rate in found.overall("better"):
        own = [pair.hits for pair in found.pairs if pair.name == rate.name]
        own += [pair.answers - pair.hits for pair in found.pairs if pair.against == rate.name]
        assert rate.hits == sum(own)


def test_the_best_of_several_is_asked_in_three_ways_about_the_same_images(studies, tmp_path):
    key = read_key(studies / "best-of")
    trials = [trial for trial in key.raters[0] if trial.kind == "scored"]
    for start in range(0, len(trials), 3):
        assert [trial.question for trial in trials[start : start + 3]] == ["realism", "transfer", "identity"]
        assert len({(trial.methods, trial.image) for trial in trials[start : start + 3]}) == 1
    paths = write_votes(tmp_path, key, [attentive(dict.fromkeys(key.methods, 0.0), seed) for seed in range(8)])
    found = findings(key, read_all(paths, key))
    assert {rate.chance for rate in found.rates} == {0.25}
    assert {one.question for one in found.strengths} == {"realism", "transfer", "identity"}


class Files:
    """A file of votes that is right, and what is done to it."""

    def __init__(self, study, folder):
        self.study, self.key, self.folder = study, read_key(study), folder

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def good(self, rater=1, name="votes.json"):
        return self.write(name, saved(votes(self.key, rater, lambda trial: 0)))


@pytest.fixture
def files(studies, tmp_path):
    return Files(studies / "preference", tmp_path)


def test_votes_that_are_cut_short_edited_or_of_another_study_are_refused_and_nothing_is_written(files, capsys):
    before = sorted(files.study.iterdir())
    whole = files.good().read_text()
    other = {**votes(files.key, 2, lambda trial: 0), "study": "0" * 16}
    few = {**votes(files.key, 2, lambda trial: 0)}
    few["answers"] = few["answers"][:-1]
    wide = {**votes(files.key, 2, lambda trial: 7)}
    untimed = votes(files.key, 2, lambda trial: 0, exposures=[1000.0])
    bad = {
        "is not JSON": whole[: len(whole) // 2],
        "was edited": whole.replace('"chosen":0', '"chosen":1', 1),
        "of the study 0000000000000000": saved(other),
        "19 answers to 20 trials": saved(few),
        "an image in trial 1 that was not there": saved(wide),
        "lacks times of exposure": saved(untimed),
        "lacks the entry": "{}",
    }
    for words, text in bad.items():
        said = refused(capsys, files.study, files.good(), files.write("bad.json", text))
        assert "bad.json" in said
        assert words in said
        assert "ask this rater" in said or "leave it out" in said
    assert sorted(files.study.iterdir()) == before


def test_a_rater_whose_votes_come_twice_is_refused(files, capsys):
    said = refused(capsys, files.study, files.good(), files.good(name="copy.json"))
    assert "are both of rater 1: keep one" in said


def test_a_file_that_was_saved_with_a_mark_of_its_encoding_or_a_line_end_is_the_same(files):
    path = files.good()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n")
    assert read_votes(path, files.key).rater == 1


def test_an_edited_key_and_a_folder_without_one_are_refused(files, tmp_path, capsys):
    folder = tmp_path / "edited"
    folder.mkdir()
    text = (files.study / "key.json").read_text()
    (folder / "key.json").write_text(text.replace('"vigilance_wrong": 1', '"vigilance_wrong": 9'))
    assert "was changed after it was written" in refused(capsys, folder, files.good())
    assert "is no study" in refused(capsys, tmp_path, files.good())


def session(study, rater=1, choose=None, **answer):
    key = read_key(study)
    given = votes(key, rater, choose or attentive(dict.fromkeys(key.methods, 0.5), rater), **answer)
    path = study.parent / f"one-{random.random()}.json"
    path.write_text(saved(given))
    return read_votes(path, key), key


@pytest.mark.parametrize(
    ("choose", "answer", "why"),
    [
        (lambda trial: 1 - trial.right if trial.kind == "vigilance" else trial.right, {}, "2 vigilance trials wrong"),
        (None, {"ms": 200.0}, "200 ms for an answer"),
        (lambda trial: trial.right if trial.kind == "vigilance" else 1, {}, "position B chosen in 18 of 18"),
        (None, {"exposures": [1000.0, 1017.5]}, "18 of 18 trials not shown as long"),
        (None, {"begun": 2}, "or begun twice"),
        (None, {"exposures": [983.5, 1016.5]}, None),
    ],
)
def test_the_rules_that_were_fixed_leave_out_whom_they_name(studies, choose, answer, why):
    found = exclusion(*session(studies / "real-fake", choose=choose, **answer))
    assert why is None if found is None else why in found


def test_a_slip_in_one_vigilance_trial_is_forgiven(studies):
    slips = iter([True, False])
    choose = lambda trial: abs(trial.right - next(slips)) if trial.kind == "vigilance" else random.randrange(2)  # noqa: E731
    assert exclusion(*session(studies / "real-fake", choose=choose)) is None
    assert Rules().vigilance_wrong == 1


def test_trials_that_were_not_shown_as_asked_do_not_count_and_practice_never_does(studies):
    one, key = session(studies / "real-fake")
    assert len(list(counted(one, key))) == 18
    answers = [
        trial_and_answer.answer.model_copy(update={"exposures": (1000.0, 900.0)}) for trial_and_answer in one.rated[:13]
    ]
    changed = [type(j)(j.trial, answer) for j, answer in zip(one.rated, answers, strict=False)]
    kept = list(counted(type(one)(1, (*changed, *one.rated[13:])), key))
    scored = sum(trial_and_answer.trial.kind == "scored" for trial_and_answer in one.rated[13:])
    assert len(kept) == scored < 18


def test_a_study_of_which_nobody_is_left_says_why(studies, tmp_path, capsys):
    key = read_key(studies / "real-fake")
    paths = write_votes(tmp_path, key, [lambda trial: 1] * 2)
    assert "no votes are left of 2 raters (rater 1: " in refused(capsys, studies / "real-fake", *paths)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mode", "fake"], "unknown mode 'fake'"),
        (["--methods", "stargun"], "did you mean 'stargan'"),
        (["--mode", "preference", "--methods", "mine"], "needs at least 2 methods"),
        (["--methods", "real"], "needs at least 1"),
        (["--mode", "best-of", "--choices", "7"], "--choices 7 is more than there are methods: 5"),
        (["--consent", "nowhere.txt"], "name a text file"),
    ],
)
def test_a_study_that_cannot_be_is_refused(bench, tmp_path, capsys, options, words):
    assert command("study", "make", bench, "--out", tmp_path / "s", *options) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_a_page_that_is_too_large_is_refused_with_a_number_of_trials_that_fits(bench, tmp_path, capsys, monkeypatch):
    options = ("study", "make", bench, "--raters", 1, "--mode", "preference", "--out")
    command(*options, tmp_path / "whole", "--trials", 12)
    size = (tmp_path / "whole" / "rater-1.html").stat().st_size
    monkeypatch.setattr("i2i.benchmarks.human_study.make.LARGEST", size - 5_000)
    fits, tries = 12, 0
    while command(*options, tmp_path / "s", "--trials", fits) == 2:
        tries, before = tries + 1, fits
        fits = int(re.search(r"--trials (\d+)", capsys.readouterr().err)[1])
        assert fits < before
    assert 1 <= tries <= 3  # images that come again take no room, so that half the trials may take more than half of it


@pytest.mark.integration
def test_a_bench_that_has_moved_is_named(studies, bench, tmp_path, capsys):
    study = studies / "best-of"
    key = read_key(study)
    paths = write_votes(tmp_path, key, [attentive(dict.fromkeys(key.methods, 0.0), seed) for seed in range(2)])
    moved = bench.rename(bench.parent / "moved")
    try:
        assert command("study", "read", study, *paths) == 0
        assert "--bench DIR" in capsys.readouterr().err
        assert command("study", "read", study, *paths, "--bench", moved) == 0
        assert "has a section about it" in capsys.readouterr().out
        assert command("study", "read", study, *paths, "--bench", tmp_path) == 2
    finally:
        moved.rename(bench)


def test_an_interval_over_raters_is_longer_than_one_over_answers_where_raters_differ():
    hits = np.array([0, 10] * 10)
    found = rate_interval(hits, np.full(20, 10))
    assert found.estimate == 0.5
    assert found.high - found.low == pytest.approx(2 * 2.093 * np.sqrt(0.25 / 20), abs=0.05)
    alike = rate_interval(np.full(20, 5), np.full(20, 10))
    assert alike.high - alike.low < 0.16


def test_where_raters_do_not_differ_every_answer_counts():
    found, independent = rate_interval(np.full(15, 3), np.full(15, 7)), share_interval(45, 105)
    assert found.high - found.low == pytest.approx(independent.high - independent.low, rel=0.02)


@pytest.mark.parametrize(("hits", "ends"), [(0, (0.0, 0.03)), (10, (0.97, 1.0))])
def test_where_all_raters_agree_the_interval_still_has_a_length(hits, ends):
    found = rate_interval(np.full(15, hits), np.full(15, 10))
    assert ends[0] <= found.low < found.high <= ends[1]


def test_one_rater_gives_no_interval_and_no_test():
    assert rate_interval(np.array([3, 0]), np.array([5, 0])) is None
    assert chance_test(np.array([3, 0]), np.array([2.5, 0.0])) is None


def test_guessers_are_found_to_differ_from_chance_as_rarely_as_the_level_says():
    rng = np.random.default_rng(0)
    p = [chance_test(rng.binomial(9, 0.5, 10), np.full(10, 4.5)) for _ in range(300)]
    assert np.mean(np.array(p) <= 0.05) < 0.08


def pairs_of(m):
    members = np.zeros((m * (m - 1) // 2, m), bool)
    for row, pair in enumerate(combinations(range(m), 2)):
        members[row, list(pair)] = True
    return members


def test_two_methods_score_the_log_odds_of_their_wins():
    found = scores(Choices(pairs_of(2), np.full((4, 1), 100), np.array([[75, 25]] * 4)))
    assert found[0].estimate - found[1].estimate == pytest.approx(np.log(3), abs=0.01)


def test_scores_satisfy_the_equations_of_the_most_likely_ones(monkeypatch):
    monkeypatch.setattr(rater_statistics, "PRIOR", 0.0)
    rng = np.random.default_rng(1)
    members = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1]], bool)
    shown, strength = np.full((1, 4), 400), np.exp([0.5, 0.0, -0.2, -0.3])
    wins = sum(rng.multinomial(400, strength * row / (strength * row).sum()) for row in members)[None]
    fitted = np.exp([one.estimate for one in scores(Choices(members, np.repeat(shown, 2, 0), np.repeat(wins, 2, 0)))])
    expected = sum(400 * fitted * row / (fitted * row).sum() for row in members)
    assert expected == pytest.approx(wins[0], rel=1e-4)


def test_a_method_that_always_wins_has_a_finite_score():
    found = scores(Choices(pairs_of(2), np.full((5, 1), 10), np.array([[10, 0]] * 5)))
    assert np.isfinite(found[0].high)
    assert found[0].estimate > 2


def test_intervals_cover_the_rate_that_simulated_raters_have():
    """`benchmarks/studies/coverage/rater.py` has more of it, at the size that a study has."""
    from i2i.benchmarks.studies.coverage.rater import rates

    assert 0.90 <= rates(raters=20, answers=8, mean=-1.0, spread=0.5, simulations=150, seed=0) <= 0.99

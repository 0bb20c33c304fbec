"""A grid shows the images that its note says, in the columns that were asked for."""

import json
import sys
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from i2i import cli
from i2i.benchmarks.directions import expand
from i2i.benchmarks.report.figures.grid_selection import at_random, choose
from i2i.benchmarks.report.figures.image_table import ImageTable
from i2i.benchmarks.results_folder.finished_bench import Finished, Row
from i2i.benchmarks.results_folder.staleness import files_in, write_key
from i2i.data.layouts import scan
from i2i.errors import UserError

SIDE = 8
STEMS = [f"p{number}" for number in range(5)]
WAYS = [("a", "b"), ("b", "a")]
BETWEEN = ("a", "b"), WAYS
VALUES = {"a": 50, "b": 100}


def paint(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((SIDE, SIDE, 3), value, np.uint8)).save(path)


@pytest.fixture
def results(tmp_path):
    """A results folder in which `one` errs most on p3 from a to b, and `two` differs most from it on p1 from b to a."""
    data, out = tmp_path / "sky", tmp_path / "bench"
    for split in ("train", "test"):
        for domain, value in VALUES.items():
            for stem in STEMS:
                paint(data / split / domain / f"{stem}.png", value)
    card = {"paired": True}
    (data / "i2i.json").write_text(json.dumps(card))
    for name in ("one", "two", "copy", "broken"):
        folder = out / "translations" / name / "seed0"
        for source, target in WAYS:
            for number, stem in enumerate(STEMS):
                error = 90 if name == "one" and (source, stem) == ("a", "p3") else number
                error += 40 if name == "two" and (source, stem) == ("b", "p1") else 0
                error += 100 if name == "two" and (source, stem) == ("a", "p3") else 0
                paint(folder / f"{source}2{target}" / f"{stem}.png", VALUES[target] + error)
        if name != "broken":
            (folder / "key.json").write_text('{"key": "x"}')
    names = ("one", "two", "broken", "copy")
    training_runs = [t for name in names for t in expand(name, "all", *BETWEEN, 1, "task", 0)]
    facts = {
        "name": "sky",
        "dataset": "sky",
        "paired": True,
        "fingerprint": scan(data).fingerprint(),
        "image_size": f"{SIDE}x{SIDE}",
        "budget": {"images": 1, "per": "task"},
        "scoring_version": 3,
        "lpips": None,
        "skipped": {},
        "external": [],
        "keys": {},
        "training_runs": [training.settings() for training in training_runs],
        "domains": ["a", "b"],
        "directions": WAYS,
        "seeds": [0],
        "methods": {
            name: {"model": name, "settings": {}, "checkpoint": "last"} for name in ("one", "two", "broken", "copy")
        },
        "baselines": ["copy"],
        "suite": {"settings": {"data": {"path": str(data), "image_size": SIDE}}},
    }
    (out / "plan.json").write_text(json.dumps(facts))
    return out


@pytest.fixture
def finished(results):
    return Finished.load(results)


def unpaired(results):
    (results.parent / "sky" / "i2i.json").unlink(missing_ok=True)
    return Finished.load(results)


def run(*arguments):
    sys.argv = ["i2i", "grid", *map(str, arguments)]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return stopped.value.code


@pytest.mark.parametrize("out", ["bench/translations/one/seed0/a2b/p0.png", "bench/scores/x.png", "sky/test/a/p0.png"])
def test_no_grid_is_drawn_among_what_a_bench_has_made_or_learnt_from(results, capsys, out):
    place = results.parent / out
    before = place.read_bytes() if place.exists() else None
    assert run(results, "--out", place) == 2
    assert "which is read: choose another place, outside of it" in capsys.readouterr().err
    assert (place.read_bytes() if place.exists() else None) == before


@pytest.mark.parametrize("out", ["plan.json", "results.json", "status/x.json", "scores/one-seed0.json"])
def test_no_entry_is_packed_over_what_a_bench_is_read_from(results, capsys, out):
    before = (results / "plan.json").read_bytes()
    sys.argv = ["i2i", "results", "pack", str(results), "--out", str(results / out)]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "which is read: choose another place, outside of it" in capsys.readouterr().err
    assert (results / "plan.json").read_bytes() == before


def test_random_rows_are_different_images_spread_over_the_directions_and_repeat_with_the_seed(finished):
    rows = at_random(finished, 7, 3)
    assert len(set(rows)) == 7
    assert [row.direction for row in rows] == [("a", "b")] * 4 + [("b", "a")] * 3
    assert at_random(finished, 7, 3) == rows
    assert any(at_random(finished, 7, seed) != rows for seed in range(3))
    assert len(at_random(finished, 100, 0)) == 10
    assert len(at_random(finished, 1, 0)) == 1


def test_rows_are_among_the_images_that_every_shown_method_has(finished, results, capsys):
    folder = results / "translations" / "two" / "seed0"
    (folder / "stems.json").write_text(json.dumps({"a": ["p0", "p4"], "b": STEMS}))
    for stem in ("p1", "p2", "p3"):
        (folder / "a2b" / f"{stem}.png").unlink()
    for way in ("random:10", "disagree:10", "worst:10"):
        rows, _ = choose(finished, way, ["input", "one", "two"], 0)
        assert sorted(row.position for row in rows if row.direction == ("a", "b")) == [0, 4]
        assert sorted(row.position for row in rows if row.direction == ("b", "a")) == [0, 1, 2, 3, 4]
    assert len(choose(finished, "random:10", ["input", "one"], 0)[0]) == 10
    (results / "list.txt").write_text("a2b/p1\n")
    assert run(results, "--rows", f"files:{results / 'list.txt'}", "--out", results / "grid.png") == 2
    assert "two has no a2b/p1: choose other rows" in capsys.readouterr().err


def test_the_seed_of_random_rows_is_in_the_note(finished):
    rows, note = choose(finished, "random:4", ["input", "one"], 17)
    assert rows == at_random(finished, 4, 17)
    assert note == "4 test images at random, seed 17"


def test_worst_rows_have_the_lowest_psnr_of_the_shown_methods(finished):
    rows, note = choose(finished, "worst:2", ["input", "one", "target"], 0)
    assert rows[0] == Row(("a", "b"), 3)
    assert rows[1].position == 4  # of either direction
    assert "lowest PSNR, mean of one" in note
    (row,), _ = choose(finished, "worst:1", ["two"], 0)
    assert row == Row(("a", "b"), 3)


def test_rows_of_disagreement_are_those_where_the_shown_methods_differ_most(finished):
    rows, note = choose(finished, "disagree:2", ["input", "one", "two"], 0)
    assert rows == [Row(("b", "a"), 1), Row(("a", "b"), 3)]
    assert "one, two differ most" in note


def test_listed_rows_stand_in_the_order_of_the_list(finished, tmp_path):
    (tmp_path / "list.txt").write_text("p4\n\nb2a/p0\na2b/p1\n")
    rows, note = choose(finished, f"files:{tmp_path / 'list.txt'}", ["input"], 0)
    assert rows == [Row(("a", "b"), 4), Row(("b", "a"), 0), Row(("a", "b"), 1)]
    assert note == "rows from list.txt"


@pytest.mark.parametrize(
    ("rows", "columns", "complaint"),
    [
        ("rendom:3", ["one"], "unknown way to choose rows: 'rendom'; did you mean 'random'"),
        ("random:0", ["one"], "must be from 1 to 1,000"),
        ("worst:x", ["one"], "must be from 1 to 1,000, as in --rows worst:8"),
        ("worst:2", ["input", "target"], "needs a method"),
        ("disagree:2", ["one", "input"], "needs two methods"),
        ("files:missing.txt", ["one"], "there is no list missing.txt"),
    ],
)
def test_rows_that_cannot_be_chosen_are_refused(finished, rows, columns, complaint):
    with pytest.raises(UserError, match=complaint):
        choose(finished, rows, columns, 0)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("p44", "unknown test image in .*'p44'; did you mean 'p4'"),
        ("a2c/p1", "unknown direction in .*'a2c'"),
        ("", "lists no"),
    ],
)
def test_a_list_that_names_no_test_image_is_refused(finished, tmp_path, line, complaint):
    (tmp_path / "list.txt").write_text(line)
    with pytest.raises(UserError, match=complaint):
        choose(finished, f"files:{tmp_path / 'list.txt'}", ["input"], 0)


def scored(results, **by_metric):
    """Scores of single images of `one` and `two`, a value for each of the five, the same in both directions."""
    for name in ("one", "two"):
        lines = [
            f"{source},{target},{stem},{metric.replace('_', '-')},{value}"
            for source, target in WAYS
            for metric, values in by_metric.items()
            for stem, value in zip(STEMS, values, strict=True)
        ]
        path = results / "scores" / f"{name}-seed0.images.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["source,target,image,metric,value", *lines]))


def test_worst_rows_are_those_by_the_measure_that_is_named(results):
    scored(results, psnr=[9, 9, 9, 9, 1], content_ssim=[5, 1, 5, 5, 5], cycle=[0, 1, 9, 1, 0])
    finished = Finished.load(results)
    rows, note = choose(finished, "worst:2:content-ssim", ["one"], 0)
    assert {(row.direction, row.position) for row in rows} == {(way, 1) for way in WAYS}
    assert note == "the 2 test images with the lowest SSIM to the input, mean of one; below each its SSIM to the input"
    rows, note = choose(finished, "worst:2:cycle", ["one", "two"], 0)
    assert {row.position for row in rows} == {2}
    assert note.startswith("the 2 test images with the highest cycle L1, mean of one, two; below each")
    assert choose(finished, "worst:2", ["one"], 0)[0] == choose(finished, "worst:2:psnr", ["one"], 0)[0]
    assert choose(finished, "worst::cycle", ["one"], 0)[0][:2] == choose(finished, "worst:2:cycle", ["one"], 0)[0]
    with pytest.raises(UserError, match=r"unknown measure of single images 'cycel'.* Known: content-ssim, cycle, psnr"):
        choose(finished, "worst:2:cycel", ["one"], 0)


def test_without_ground_truth_the_worst_rows_are_those_by_another_measure(results):
    scored(results, content_ssim=[5, 1, 5, 5, 5], accuracy=[1, 1, 0, 0, 1])
    finished = unpaired(results)
    rows, note = choose(finished, "worst:4", ["one", "two"], 0)
    assert {row.position for row in rows} == {2, 3}
    assert "lowest accuracy, mean of one, two" in note
    orders = {tuple(choose(finished, "worst:2", ["one"], seed)[0]) for seed in range(9)}
    assert len(orders) > 2  # equal ones are not always the first of the first direction


def test_worst_rows_need_ground_truth_or_scores(results):
    with pytest.raises(UserError, match="needs ground truth, and sky has none, or scores of single images"):
        choose(unpaired(results), "worst:2", ["one"], 0)
    with pytest.raises(UserError, match="sky has no ground truth"):
        unpaired(results).columns("input,target")


def test_columns_are_by_default_the_input_the_finished_translators_and_the_target(finished, results):
    assert finished.columns(None) == ["input", "one", "two", "target"]
    assert finished.columns("copy, input") == ["copy", "input"]
    assert unpaired(results).columns(None) == ["input", "one", "two"]
    with pytest.raises(UserError, match="unknown column 'brokn'; did you mean 'broken'"):
        finished.columns("input,brokn")


LOSSES = {
    "gone": lambda path: path.unlink(),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "other contents": lambda path: paint(path, 9),
}


@pytest.mark.integration
@pytest.mark.parametrize("loss", LOSSES)
def test_damaged_and_unfinished_translations_are_told_as_such_and_never_as_unknown(results, tmp_path, capsys, loss):
    folder = results / "translations" / "one" / "seed0"
    write_key(folder, "x", files_in(folder))
    LOSSES[loss](folder / "a2b" / "p2.png")
    for name, why in (("one", "damaged: a2b/p2.png "), ("broken", "not finished")):
        assert run(results, "--columns", f"input,{name}", "--out", tmp_path / "grid.png") == 2
        said = capsys.readouterr().err
        assert f"the translations of {name} are {why}" in said
        assert f"i2i bench --out {results}" in said
    assert run(results, "--out", tmp_path / "grid.png") == 0
    said = capsys.readouterr().err
    assert "left out: the translations of one are damaged" in said
    assert "left out: the translations of broken are not finished" in said
    assert "two" not in said


def test_a_column_shows_its_own_images(finished):
    row = Row(("b", "a"), 2)
    values = [int(finished.cell(column, row).mean()) for column in ("input", "one", "target")]
    assert values == [100, 52, 50]


def test_a_cell_of_another_seed_shows_the_translation_of_that_seed(finished):
    paint(finished.out / "translations" / "one" / "seed4" / "b2a" / f"{STEMS[2]}.png", 77)
    row = Row(("b", "a"), 2)
    assert [int(finished.cell("one", row, seed).mean()) for seed in (None, 0, 4)] == [52, 52, 77]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "start"), [("grid.pdf", b"%PDF"), ("new/grid.PNG", b"\x89PNG"), ("grid.svg", b"<?xml")]
)
def test_the_command_draws_into_the_format_of_the_name(results, tmp_path, capsys, name, start):
    out = tmp_path / name
    assert run(results, "--rows", "random:3", "--seed", "5", "--out", out) == 0
    assert out.read_bytes().startswith(start)
    assert "3 test images at random, seed 5" in capsys.readouterr().out


@pytest.mark.integration
def test_the_cells_of_the_image_are_the_images_of_the_columns(results, tmp_path):
    (tmp_path / "list.txt").write_text("a2b/p3")
    arguments = (
        "--rows",
        f"files:{tmp_path / 'list.txt'}",
        "--columns",
        "input,one,two",
        "--out",
        tmp_path / "grid.png",
    )
    assert run(results, *arguments) == 0
    with Image.open(tmp_path / "grid.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    line = pixels[pixels.shape[0] // 2]
    values = [int(value) for value in line[:, 0][np.r_[True, np.diff(line[:, 0].astype(int)) != 0]]]
    assert [value for value in values if value in (50, 190, 203)] == [50, 190, 203]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--out", "grid.jpg"), "must end in .png, .pdf, .svg"),
        (("--out", "grid.svg", "--layout", "target"), "unknown layout 'target'; did you mean"),
        (("--out", "grid.pdf", "--columns", "input,on"), "unknown column 'on'; did you mean 'one'"),
    ],
)
def test_a_grid_that_cannot_be_drawn_is_refused(results, tmp_path, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    assert run(results, *arguments) == 2
    assert complaint in capsys.readouterr().err


def test_a_folder_that_is_no_bench_is_named(tmp_path, capsys):
    assert run(tmp_path, "--out", tmp_path / "grid.pdf") == 2
    assert "is no results folder of a bench" in capsys.readouterr().err


def drawn(monkeypatch, results, tmp_path, *arguments):
    """The table of images that `i2i grid` draws."""
    given = []
    monkeypatch.setattr(ImageTable, "save", lambda table, paths: given.append(table))
    assert run(results, *arguments, "--out", tmp_path / "grid.svg") == 0
    return given[0]


@pytest.mark.parametrize(
    ("metric", "texts"), [("psnr", ["p3", "9.05", "7.87", ""]), ("ssim", ["p0", "0.25", "0.25", ""])]
)
def test_below_the_worst_rows_stand_the_inputs_name_and_the_score_of_each_method(
    results, tmp_path, monkeypatch, metric, texts
):
    scored(results, ssim=[0.25, 1, 1, 1, 1])
    table = drawn(monkeypatch, results, tmp_path, "--rows", f"worst:1:{metric}")
    assert [text.rstrip("0") for text in table.texts[0]] == [text.rstrip("0") for text in texts]
    assert len(table.images) == len(table.labels) == 1
    assert "; below each its " in table.note
    assert drawn(monkeypatch, results, tmp_path, "--rows", "random:1").texts is None


def test_a_layout_of_targets_shows_an_input_and_a_method_with_every_target(results, tmp_path, monkeypatch):
    (tmp_path / "list.txt").write_text("a2b/p3\nb2a/p1\na2b/p3")
    rows = ("--rows", f"files:{tmp_path / 'list.txt'}", "--layout", "targets")
    table = drawn(monkeypatch, results, tmp_path, *rows, "--columns", "input,one,target")
    assert table.headers == ["input", "a", "b"]
    assert table.labels == ["one\nof a", "ground truth\nof a", "one\nof b", "ground truth\nof b"]
    values = [[None if pixels is None else int(pixels.mean()) for pixels in row] for row in table.images]
    assert values == [[50, None, 190], [50, None, 100], [100, 51, None], [100, 50, None]]


def test_what_stands_below_images_is_cut_in_its_middle_and_stays_below_its_own():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    name = "a_very_long_name_of_a_photograph_from_a_camera_000123"
    figure = ImageTable(["input", "one"], ["a\nto b"] * 2, [[image] * 2] * 2, "a note", [[name, "12.34"]] * 2).figure()
    figure.canvas.draw()
    texts = {text.get_text(): text.get_window_extent() for text in figure.texts[1:3]}
    (shown, cut), (score, value) = texts.items()
    assert shown.startswith("a_very") and shown.endswith("123") and "…" in shown and score == "12.34"
    first, second, under, _ = (axes.get_window_extent() for axes in figure.axes)
    assert first.x0 <= cut.x0 and cut.x1 <= second.x0 <= value.x0
    assert under.y1 <= cut.y0 and cut.y1 <= first.y0


@pytest.mark.parametrize("header", ["encoder-decoder-l1-cgan", "WWWWWWWWWWWWWWWWWWWW", "one two three four five six"])
def test_long_names_of_columns_stay_above_their_column_and_apart(header):
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    figure = ImageTable([header, header, "truth"], ["a\nto b"], [[image] * 3], "a note").figure()
    figure.canvas.draw()
    first, second, _ = [text.get_window_extent() for text in figure.texts[1:4]]
    image_top = max(axes.get_window_extent().y1 for axes in figure.axes)
    assert first.x1 < second.x0
    assert first.y0 >= image_top and first.y1 <= figure.bbox.y1


def test_words_of_a_columns_name_are_not_broken_where_smaller_letters_fit():
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    name, label = "stargan-without-cycle-consistency", "night_with_street_lamps\nto pencil"
    header = ImageTable([name] * 8, [label], [[image] * 8], "a note").figure().texts[1]
    assert header.get_text().split("\n") == ["stargan-", "without-", "cycle-", "consistency"]


@pytest.mark.integration
@pytest.mark.parametrize("columns", [4, 8, 14])
@pytest.mark.parametrize("name", ["unsb", "a_method_with_a_long_name-l1-gan"])
def test_a_grid_as_wide_as_a_page_can_be_read_with_any_number_of_methods(columns, name):
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    label = "photo\nto van_gogh_late_provence_period"
    figure = ImageTable([name] * columns, [label] * 3, [[image] * columns] * 3, "a note").figure()
    assert figure.get_size_inches()[0] < 8.6
    figure.canvas.draw()
    *texts, _note = figure.texts
    assert min(text.get_fontsize() for text in texts) >= 6
    boxes = [text.get_window_extent() for text in texts] + [axes.get_window_extent() for axes in figure.axes]
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert not any(lies_on(one, other) for one, other in combinations(boxes, 2))


def lies_on(one, other):
    """Whether one box lies on another."""
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1

"""Results of several benches: entries that can be checked, ranks over data sets, and what is kept apart."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest

from i2i.benchmarks.analysis.aggregate import over_seeds
from i2i.benchmarks.board.compare import grouped
from i2i.benchmarks.board.entry import Entry, Measure, Method, entry_of, entry_text, read_entry
from i2i.benchmarks.board.tables import across_table, caption, set_table, verdict, verdicts
from i2i.benchmarks.board.write import write
from i2i.benchmarks.results_folder.finished_results import Stored
from i2i.config import stable_hash
from i2i.data.synthetic import embedded
from i2i.errors import Damaged
from tests.bench.test_merge import pretend
from tests.support.in_process import command

BASELINES = ("identity",)


def entry(dataset, values, name=None, budget=7000, better="higher", doubt=None, seeds=1, **protocol):
    """An entry with these means by method; further seeds have the same."""
    methods = {
        method: Method(
            kind="real" if method == "real" else "reference" if method in BASELINES else "translator",
            costs={"training_seconds": 12.0},
            scores={"psnr": {str(seed): {"a2b": value, "b2a": value} for seed in range(seeds)}},
        )
        for method, value in values.items()
    }
    shared = {"domains": [dataset], "budget": {"images": budget}, "seeds": list(range(seeds)), **protocol}
    return Entry(
        format=1,
        i2i="0",
        name=name or f"bench-{dataset}",
        dataset=dataset,
        fingerprint=stable_hash(shared),
        protocol=shared,
        metrics={"psnr": Measure(heading="PSNR, dB", better=better, decimals=2, doubt=doubt)},
        methods=methods,
        failed=(),
        versions={"torch": "2"},
    )


def several(sets, methods=("x", "y", "z"), seed=0):
    random = np.random.default_rng(seed)
    return [
        entry(f"set{number}", {name: 20 + place + random.normal(0, 0.3) for place, name in enumerate(methods)})
        for number in range(sets)
    ]


def put(folder, *entries):
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(entries):
        (folder / f"{number}-{one.name}.json").write_bytes(entry_text(one))
    return folder


def facts_of(page):
    return json.loads(re.search(r'id="facts">(.*?)</script>', page.read_text(), re.DOTALL)[1])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    places = {}
    for name, scenes in (("seasons", 2), ("other", 3)):
        places[name] = tmp_path_factory.mktemp("data") / name
        embedded.make("seasons", places[name], (16, 16), 3, scenes, 0 if name == "seasons" else 5)
    return places


@pytest.fixture
def benches(tmp_path, data):
    values = {"stargan": 21.0, "cyclegan": 20.0}
    one = pretend(tmp_path / "one", data["seasons"], values)
    other = pretend(tmp_path / "two", data["other"], {**values, "cyclegan": 23.0})
    return one, other


@pytest.mark.integration
def test_an_entry_holds_the_results_of_a_bench_and_reads_back_the_same(benches, tmp_path, capsys):
    assert command("results", "pack", benches[0], "--out", tmp_path / "entries" / "one.json") == 0
    path = tmp_path / "entries" / "one.json"
    found = read_entry(path)
    assert found.model_copy(update={"checksum": ""}) == entry_of(Stored.load(benches[0]))
    assert {name: method.score("psnr").mean for name, method in found.methods.items()} == {
        "stargan": 21.0,
        "cyclegan": 20.0,
        "identity": 10.0,
        "real": 10.0,
    }
    assert [method.kind for method in found.methods.values()] == ["translator", "translator", "reference", "real"]
    card = json.loads((benches[0] / "protocol.json").read_text())
    assert (found.fingerprint, found.protocol) == (card["fingerprint"], card["protocol"])
    assert path.stat().st_size < 50_000
    assert "png" not in json.loads(path.read_text())["methods"]["stargan"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("21.0", "22.0", "was edited after it was written"),
        ('"format": 1', '"format": 2', "later than this one"),
        ('"methods"', '"metods"', "lacks the entry methods"),
        ("}\n", "", "is not JSON|was edited"),
    ],
)
def test_an_entry_that_was_edited_or_cut_short_is_refused_and_nothing_is_written(tmp_path, capsys, old, new, words):
    folder = put(tmp_path / "entries", entry("s", {"x": 21.0}))
    path = next(folder.iterdir())
    text = path.read_text()
    path.write_text(text.replace(old, new, 1) if old in text else text[:-1])
    assert command("results", "table", folder, "--out", tmp_path / "board") == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) <= 2
    assert re.search(words, said[0])
    assert not (tmp_path / "board").exists()


def test_an_entry_whose_protocol_is_not_that_of_its_fingerprint_is_refused(tmp_path):
    forged = entry("s", {"x": 21.0}).model_copy(update={"fingerprint": "0" * 16})
    with pytest.raises(Damaged, match="another protocol than its fingerprint"):
        read_entry(next(put(tmp_path / "entries", forged).iterdir()))


def test_entries_of_unlike_protocols_stand_in_tables_of_their_own(tmp_path):
    groups = grouped([entry("a", {"x": 1.0}), entry("b", {"x": 2.0}), entry("a", {"x": 3.0}, budget=9)])
    assert [[one.dataset for one in group.entries] for group in groups] == [["a", "b"], ["a"]]
    folder = put(tmp_path / "entries", *(one for group in groups for one in group.entries))
    assert command("results", "table", folder, "--out", tmp_path / "board") == 0
    shown = facts_of(tmp_path / "board" / "report.html")["groups"]
    assert [len(group["sets"]) for group in shown] == [2, 1]


def test_a_data_set_with_label_maps_stands_beside_one_without_and_apart_from_itself_with_others():
    [group] = grouped(
        [
            entry("roads", {"x": 21.0}, label_map={"domain": "b", "palette": {"road": [1, 2, 3]}}),
            entry("roads", {"x": 22.0}, name="other", label_map={"domain": "b", "palette": {"road": [9, 2, 3]}}),
            entry("hills", {"x": 23.0}),
        ]
    )
    assert len(group.sets) == 3


def test_a_mean_is_rounded_as_in_the_bench_whatever_the_order_of_directions():
    shares = [52, 50, 59, 57, 53, 59, 39, 51, 60, 59, 60, 40]  # of 60 images each: 0.8875 in all
    scores = {"psnr": {"0": {f"direction{number}": share / 60 for number, share in enumerate(shares)}}}
    own = Method(kind="translator", costs={}, scores=scores)
    frame = pd.DataFrame([("x", 0, share / 60) for share in shares], columns=["model", "seed", "value"])
    assert own.score("psnr") == over_seeds(frame, ["model"])["x"]
    assert f"{own.score('psnr').mean:.3f}" == "0.888"


def test_weights_that_were_learnt_from_the_data_do_not_part_protocols():
    learnt = [
        entry(name, {"x": 1.0}, features={"name": "FD-domain-classifier", "sha256": name}, classifier={"sha256": name})
        for name in "ab"
    ]
    given = [entry(name, {"x": 1.0}, features={"name": "fid", "sha256": name}) for name in "ab"]
    assert len(grouped(learnt)) == 1
    assert len(grouped(given)) == 2


def test_the_table_has_scores_by_data_set_mean_ranks_and_win_rates():
    entries = [
        entry("s", {"x": 3.0, "y": 2.0, "identity": 9.0, "real": 10.0}),
        entry("t", {"x": 1.0, "y": 2.0, "identity": 9.0, "real": 10.0}),
        entry("u", {"x": 5.0, "y": 2.0, "z": 7.0, "identity": 9.0, "real": 10.0}),
    ]
    (group,) = grouped(entries)
    across = group.across("psnr")
    assert [row.name for row in across.rows] == ["x", "y", "z", "identity", "real"]
    assert {row.name: row.mean_rank for row in across.rows if row.mean_rank} == {"x": 4 / 3, "y": 5 / 3}
    assert {row.name: row.win_rate for row in across.rows if row.win_rate is not None} == {
        "x": 0.5,
        "y": 1 / 3,
        "z": 1.0,
    }
    table = across_table(group, across)
    assert table.columns == ("method", "mean rank", "win rate", "s", "t", "u")
    assert [cell.text for cell in table.rows[0]] == ["x", "1.33", "50%", "3.00", "1.00", "5.00"]
    assert [cell.rank for cell in table.rows[0]] == [None, 0, 1, 0, 1, 1]
    assert all(cell.rank is None for row in table.rows[3:] for cell in row)
    assert verdict(across) == [
        "PSNR, dB: No test: a test of ranks takes 3 methods that all data sets have, and here are 2."
    ]


def test_what_all_metrics_have_in_common_is_said_once():
    one = entry("s", {"x": 3.0, "y": 2.0})
    one.methods["x"].scores["ssim"] = one.methods["x"].scores["psnr"]
    both = one.model_copy(
        update={"metrics": {**one.metrics, "ssim": Measure(heading="SSIM", better="higher", decimals=3)}}
    )
    (group,) = grouped([both])
    lines = verdicts([group.across(name) for name in group.metrics])
    assert sum("No test" in line for line in lines) == 2  # they have unlike numbers of methods
    both.methods["y"].scores["ssim"] = both.methods["y"].scores["psnr"]
    assert verdicts([group.across(name) for name in group.metrics]) == [
        "No test: a test of ranks takes 3 methods that all data sets have, and here are 2."
    ]


def test_lower_is_first_where_lower_is_better():
    (group,) = grouped([entry(name, {"x": 3.0, "y": 2.0}, better="lower") for name in "st"])
    assert [row.name for row in group.across("psnr").rows] == ["y", "x"]


@pytest.mark.integration
def test_from_five_data_sets_on_ranks_are_tested_and_drawn(tmp_path):
    four, five = (grouped(several(sets))[0].across("psnr") for sets in (4, 5))
    assert four.test is None
    assert "5 data sets, and here are 4" in verdict(four)[0]
    assert five.test.p < 0.05
    assert "differ (Friedman 10.00" in verdict(five)[0]
    files, _ = write(grouped(several(5)), tmp_path / "board", "Five")
    drawn = [name for name in files if name.startswith("critical-difference-")]
    assert drawn == [f"critical-difference-psnr.{kind}" for kind in ("svg", "png", "pdf")]
    shown = facts_of(tmp_path / "board" / "report.html")["groups"][0]["metrics"][0]
    assert shown["figure"].startswith("data:image/svg+xml;base64,")
    write(grouped(several(4)), tmp_path / "board", "Four")
    assert not list((tmp_path / "board").glob("critical-difference-*"))


def test_a_data_set_on_which_nothing_is_ranked_takes_no_part():
    entries = [entry("s", {"x": 3.0, "y": 2.0}), entry("t", {"x": 1.0, "y": 2.0}, doubt="the classifier guesses")]
    (group,) = grouped(entries)
    across = group.across("psnr")
    assert {row.name: row.mean_rank for row in across.rows} == {"x": 1.0, "y": 2.0}
    assert "PSNR, dB: Not ranked on t: the classifier guesses." in verdict(across)


def test_two_benches_of_one_data_set_stand_side_by_side_and_equal_names_get_the_benchs():
    entries = [
        entry("s", {"x": 3.0, "y": 2.0, "identity": 9.0}, name="mine"),
        entry("s", {"x": 4.0, "z": 1.0, "identity": 9.0}, name="yours"),
    ]
    (group,) = grouped(entries)
    assert [row.name for row in group.across("psnr").rows] == ["x@yours", "x@mine", "y", "z", "identity"]
    assert any("stands with the bench behind it" in line for line in caption(group))
    assert not any("stands with the bench" in line for line in caption(grouped([entries[0]])[0]))


def test_unlike_entries_of_one_name_all_stand_in_the_table():
    entries = [entry("s", {"x": value}, name="bench") for value in (3.0, 4.0, 5.0)]
    (group,) = grouped(entries)
    rows = group.across("psnr").rows
    assert [row.scores[0].mean for row in rows] == [5.0, 4.0, 3.0]
    assert len({row.name for row in rows}) == 3
    assert all(row.name.startswith("x@bench (") for row in rows)


def test_an_entry_that_lies_there_twice_is_counted_once_and_told(tmp_path, capsys):
    one, other = entry("s", {"x": 3.0, "y": 2.0}), entry("t", {"x": 3.0, "y": 2.0})
    folder = put(tmp_path / "entries", one, other, one)
    assert command("results", "table", folder, "--out", tmp_path / "board") == 0
    said = capsys.readouterr().out
    assert "2-bench-s.json is 0-bench-s.json once more, and not counted" in said
    assert "2 data sets in 2 benches" in said
    assert "@" not in (tmp_path / "board" / "datasets.md").read_text()


def test_data_sets_of_one_name_are_told_apart_by_their_contents():
    entries = [entry("s", {"x": 3.0}), entry("s", {"x": 4.0}, training={"sha256": "other"})]
    (group,) = grouped(entries)
    assert len(group.sets) == 2
    assert all(label.startswith("s (") for label in group.sets)


def test_a_seed_without_a_number_is_left_out_of_its_method_alone():
    one = entry("s", {"x": 3.0, "y": 2.0}, seeds=2)
    one.methods["x"].scores["psnr"]["1"]["a2b"] = None
    (group,) = grouped([one])
    assert group.sets["s"]["x"].score("psnr").by_seed == {0: 3.0}
    table = set_table(group, "s")
    assert [row[1].text for row in table.rows] == ["3.00", "2.00 ± 0.00"]


def test_a_report_of_benches_of_several_data_sets(benches, tmp_path, capsys):
    out = tmp_path / "all"
    assert command("report", *benches, "--out", out) == 0
    said = capsys.readouterr().out
    assert "2 data sets in 2 benches of one protocol" in said
    with (out / "datasets.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "cyclegan"]
    assert sorted(float(row["value"]) for row in rows) == [20.0, 23.0]
    found = json.loads((out / "datasets.json").read_text())[0]["metrics"]["psnr"]["methods"]
    assert found["cyclegan"]["mean_rank"] == found["stargan"]["mean_rank"] == 1.5
    assert "| cyclegan | " in (out / "datasets.md").read_text()
    assert command("report", *benches, "--out", out) == 0  # again, into the same folder


def test_benches_whose_protocols_differ_in_more_than_the_data_are_refused(benches, tmp_path, data, capsys):
    third = pretend(tmp_path / "third", data["other"], {"stargan": 1.0}, budget=9)
    assert command("report", benches[0], third, "--out", tmp_path / "all") == 2
    assert "budget.images: 7000" in capsys.readouterr().err
    assert not (tmp_path / "all").exists()


def test_a_folder_with_other_files_is_not_written_into(benches, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    for line in (("report", *benches), ("results", "table", put(tmp_path / "entries", *several(2)))):
        assert command(*line, "--out", tmp_path / "full") == 2
        assert "choose another folder with --out" in capsys.readouterr().err


def test_a_folder_without_entries_and_an_unfinished_bench_are_refused(benches, tmp_path, capsys):
    assert command("results", "table", tmp_path / "none", "--out", tmp_path / "board") == 2
    assert "holds no entries" in capsys.readouterr().err
    (benches[0] / "scores" / "cyclegan-seed0.json").unlink()
    assert command("results", "pack", benches[0], "--out", tmp_path / "one.json") == 2
    assert "is unfinished" in capsys.readouterr().err
    assert not (tmp_path / "one.json").exists()


def test_names_of_others_are_text_on_the_page(tmp_path):
    nasty = "</script><script>alert(1)</script>|`*"
    folder = put(tmp_path / "entries", entry(nasty, {nasty: 1.0, "=1+1": 2.0}, name="x"))
    assert command("results", "table", folder, "--out", tmp_path / "board", "--title", nasty) == 0
    text = (tmp_path / "board" / "report.html").read_text()
    assert text.count("<script") == 2
    assert "'=1+1" in (tmp_path / "board" / "datasets.csv").read_text()

"""A results folder from somebody else runs nothing, writes nothing outside of itself, and shows nothing from there."""

import hashlib
import json
import shutil

import pytest
import yaml

from i2i.benchmarks.plan import Plan
from i2i.benchmarks.results_folder.plan_file import RequestedBench
from i2i.benchmarks.results_folder.results_folder import ResultsFolder
from i2i.benchmarks.results_folder.staleness import measured
from i2i.benchmarks.suite.overrides import load_suite
from i2i.benchmarks.suite.schema import Suite
from i2i.data.synthetic import embedded
from i2i.errors import UserError
from i2i.training.validation import read_rows
from i2i.watch.run_log import curves_of
from tests.bench.test_merge import DOMAINS, pretend, put
from tests.robustness import fuzz_benches
from tests.robustness.test_bad_input import run
from tests.support.facts import plan_facts
from tests.test_custom_models import BLEND, forget

COMMANDS = {
    "dry run": ("bench", "--out", "received", "--dry-run"),
    "collect": ("bench", "--out", "received", "--collect", "--device", "cpu"),
    "report": ("report", "received"),
    "merge": ("report", "mine", "received", "--out", "both"),
    "grid": ("grid", "received", "--out", "both/grid.png"),
}
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    root = tmp_path_factory.mktemp("once")
    embedded.make("seasons", root / "data", (16, 16), 3, 2)
    pretend(root / "work" / "mine", root / "data", {"stargan": 21.0})
    pretend(root / "work" / "received", root / "data", {"cyclegan": 20.0})
    outside = root / "work" / "outside"
    outside.mkdir()
    (outside / "evil.py").write_text("open('ran', 'w')\n" + BLEND)
    (outside / "secret.json").write_text('{"key": "score cyclegan-seed0", "rows": []}')
    shutil.copytree(root / "data" / "test", outside / "images")
    return root / "work"


@pytest.fixture
def place(once, tmp_path, monkeypatch):
    """The working directory, with a bench of one's own, a received one, and a folder that is neither's."""
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    shutil.copytree(once, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def change(place, **entries):
    path = place / "received" / "plan.json"
    put(path, {**json.loads(path.read_text()), **entries})


def suite_of(place, **entries):
    return {**json.loads((place / "received" / "plan.json").read_text())["suite"], **entries}


def contents(folder, leave_out=("received", "both", "cache")):
    """Digests of all files but those that commands are given to write to."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.relative_to(folder).parts[0] not in leave_out
    }


@pytest.mark.parametrize("name", ["dry run", "collect"])
@pytest.mark.parametrize(
    "entries",
    [
        {"custom_models": {"Blend": "outside/evil.py:Blend"}, "models": ["Blend"]},
        {"custom_models": {"cyclegan": "outside/evil.py:Blend"}, "models": ["cyclegan"]},
        {"models": ["outside/evil.py:Blend"]},
        {"models": ["dark"], "variants": {"dark": {"model": "outside.evil:Blend"}}},
        {"model_settings": {"outside/evil.py:Blend": {}}},
    ],
    ids=["custom model", "name of the zoo", "model", "variant of a module", "settings"],
)
def test_code_that_a_plan_names_is_never_run(place, name, entries):
    change(place, suite=suite_of(place, **entries))
    before = contents(place)
    assert run(*COMMANDS[name]) == 2
    assert not (place / "ran").exists()
    assert contents(place) == before


@pytest.mark.integration
@pytest.mark.parametrize("name", ["report", "merge", "grid"])
def test_reports_run_no_code_that_a_plan_names(place, name):
    change(place, suite=suite_of(place, custom_models={"Blend": "outside/evil.py:Blend"}))
    assert run(*COMMANDS[name]) == 0
    assert not (place / "ran").exists()


@every_command
@pytest.mark.parametrize(
    "entries",
    [
        {"model_settings": {"cyclegan": {"data": {"path": "outside/images"}}}},
        {"model_settings": {"identity": {"data": {"sets": {"a": "outside/images", "b": "outside"}}}}},
        {"models": ["far"], "variants": {"far": {"model": "cyclegan", "settings": {"data": {"path": "outside"}}}}},
        {"variants": {"idle": {"model": "reinhard", "settings": {"data": {"embedded": "styles"}}}}},
        {"model_settings": {"stargan": {"data": {"train_split": "test"}}}},
    ],
    ids=["path of a model", "sets of a reference row", "variant", "variant that takes no part", "split"],
)
def test_a_plan_that_names_other_data_for_one_method_is_refused_before_any_are_opened(
    place, command, entries, monkeypatch, capsys
):
    change(place, suite=suite_of(place, **entries))
    monkeypatch.setattr("i2i.benchmarks.planning.build_plan.open_data", lambda *_: pytest.fail("data were opened"))
    before = contents(place)
    assert run(*command) == 2
    said = capsys.readouterr().err
    assert "plan.json" in said
    assert "all methods of a bench have the same data" in said
    assert contents(place) == before


def test_a_custom_model_is_asked_for_again_by_its_name(place, capsys):
    change(place, suite=suite_of(place, custom_models={"Blend": "/elsewhere/mine.py:Blend"}, models=["Blend"]))
    assert run(*COMMANDS["dry run"]) == 2
    said = capsys.readouterr().err
    assert "Blend is a custom model, from mine.py" in said
    assert "--models +mine.py:Blend" in said


def remembering(**entries):
    return Suite(custom_models={"Blend": "/elsewhere/mine.py:Blend"}, **entries).model_dump(mode="json")


def test_a_custom_model_that_is_named_again_takes_part_as_before(tmp_path):
    (tmp_path / "mine.py").write_text(BLEND)
    again = f"+{tmp_path}/mine.py:Blend"
    try:
        suite = load_suite(remembering(models=("Blend", "cyclegan")), again, {}, [])
        assert suite.models == ("Blend", "cyclegan")
        assert suite.own("Blend").source == again[1:]
        suite = load_suite(remembering(models=("dark",), variants={"dark": {"model": "Blend"}}), again, {}, [])
        assert suite.models == ("dark",)
        assert load_suite(remembering(models=("Blend", "cyclegan")), "cyclegan", {}, []).custom_models == {}
    finally:
        forget("Blend")


def test_code_that_is_not_that_of_before_is_told(tmp_path):
    before = RequestedBench.model_validate({"suite": Suite(), "methods": {"Blend": {"sha256": "1" * 64}}}, strict=False)
    warning = "the code of Blend is not that of before: its work is made again"
    for digest, told in (("1" * 64, []), ("2" * 64, [warning])):
        plan = Plan(tmp_path, "x", (), (), (), {}, (), plan_facts(methods={"Blend": {"sha256": digest}}))
        assert before.check(plan, data_named=True, external_named=()) == told


def test_settings_that_name_code_are_shown_without_running_it(place, capsys):
    (place / "suite.yaml").write_text(
        "base: quick\nmodels: [outside/evil.py:Blend, dark, cyclegan]\n"
        "variants:\n  dark: {model: 'outside/evil.py:Blend', settings: {model: {start: -1}}}\n"
    )
    assert run("configs", "show", "suite.yaml") == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert not (place / "ran").exists()
    assert shown["models"] == ["outside/evil.py:Blend", "dark", "cyclegan"]
    assert shown["variants"]["dark"]["settings"] == {"model": {"start": -1}}
    assert shown["model_settings"]["cyclegan"]["model"]["lambda_cycle"] == 10


CLIMBING = ["../../outside/new", "..", "/tmp/new", "a/b", "a\\b", ".hidden", "", "a\0b", "x" * 300]


@pytest.mark.parametrize("name", CLIMBING)
@pytest.mark.parametrize("entry", ["methods", "external", "baselines", "domains", "method", "folder"])
def test_names_of_a_plan_that_lead_out_of_its_folder_are_refused(place, entry, name):
    plan = json.loads((place / "received" / "plan.json").read_text())
    if entry == "methods":
        plan["methods"][name] = plan["methods"].pop("cyclegan")
        plan["training_runs"][0]["method"] = name
    elif entry == "domains":
        plan["domains"][0] = plan["directions"][0][0] = plan["directions"][1][1] = name if name else ".."
        if name == "a/b":
            pytest.skip("so are domains of joint data sets called")
    elif entry in ("external", "baselines"):
        plan[entry] = [name]
    else:
        plan["training_runs"][0][entry] = f"trainings/cyclegan/seed0/{name}" if entry == "folder" else name
    change(place, **plan)
    with pytest.raises(UserError, match=r"received/plan\.json"):
        _ = ResultsFolder(place / "received").plan


@pytest.mark.parametrize("seed", ["../..", -1, 1.5, 10**30, True, None])
def test_seeds_of_a_plan_are_numbers(place, seed):
    plan = json.loads((place / "received" / "plan.json").read_text())
    change(place, training_runs=[{**plan["training_runs"][0], "seed": seed}])
    with pytest.raises(UserError, match=r"received/plan\.json holds training_runs\.0\.seed"):
        _ = ResultsFolder(place / "received").plan


def test_a_merged_report_is_not_written_where_a_plan_says(place, capsys):
    change(place, external=["../../../outside/images"])
    before = contents(place)
    assert run(*COMMANDS["merge"]) == 2
    assert contents(place) == before
    assert not (place / "both").exists()
    assert "plan.json" in capsys.readouterr().err


LINKS = {
    "plan.json": "mine/plan.json",
    "scores/cyclegan-seed0.json": "outside/secret.json",
    "scores/new.json": "outside/new.json",
    "translations/cyclegan/seed0/summer2winter": "outside/images/summer",
    "translations": "mine/translations",
    "trainings/cyclegan/seed0/all/metrics.jsonl": "outside/secret.json",
    "status": "outside",
    "table.md": "outside/secret.json",
    "deep/in/it": "../../..",
    "circle": "received/circle",
}


@every_command
@pytest.mark.parametrize(("link", "target"), LINKS.items(), ids=LINKS)
def test_links_out_of_a_received_folder_are_refused(place, command, link, target, capsys):
    path = place / "received" / link
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target if target.startswith("..") else place / target)
    before = contents(place)
    assert run(*command) == 2
    assert "link" in capsys.readouterr().err
    assert contents(place) == before
    assert not (place / "both").exists()


def test_links_within_a_results_folder_and_a_folder_that_is_reached_by_one_are_taken(place):
    scores = place / "received" / "scores"
    (scores / "cyclegan-seed0.json").rename(place / "received" / "elsewhere.json")
    (scores / "cyclegan-seed0.json").symlink_to("../elsewhere.json")
    (place / "received").rename(place / "real")
    (place / "received").symlink_to("real")
    assert run(*COMMANDS["grid"]) == 0
    assert ResultsFolder(place / "received").asked is not None


@pytest.mark.parametrize("name", ["dry run", "collect", "report", "merge", "grid"])
def test_images_of_ones_own_that_a_plan_names_are_not_shown(place, name, capsys):
    private = place / "outside" / "private"
    for split in ("train", "test"):
        shutil.copytree(place / "outside" / "images", private / split)
    settings = {"data": {"path": str(private), "image_size": 16, "domains": list(DOMAINS)}}
    change(place, suite=suite_of(place, settings=settings))
    before = contents(place / "received", ())
    order = ("received", "mine") if name == "merge" else ()
    assert run(*(("report", *order, "--out", "both") if order else COMMANDS[name])) == 2
    assert "images than" in capsys.readouterr().err
    assert contents(place / "received", ()) == before


@pytest.mark.parametrize(
    ("file", "entry", "value"),
    [
        ("plan.json", "suite", {"settings": {"data": {"image_size": "large"}}}),
        ("plan.json", "training_runs", [{}]),
        ("plan.json", "domains", ["summer", "spring"]),
        ("plan.json", "keys", {"x": 5}),
        ("scores/cyclegan-seed0.json", "rows", [{"source": "summer"}]),
        ("scores/cyclegan-seed0.json", "rows", [{"source": "a", "target": "b", "metric": "x", "value": "1", "n": 1}]),
        ("scores/cyclegan-seed0.json", "flags", {"x": 1}),
        ("results.json", "failed", ["x"]),
    ],
)
def test_what_does_not_fit_is_told_with_file_and_entry(place, capsys, file, entry, value):
    path = place / "received" / file
    put(path, {**json.loads(path.read_text()), entry: value})
    assert run("report", "received") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"i2i: received/{file} ")
    assert entry in said
    assert said.count("\n") == 2


@pytest.mark.parametrize(
    "entries",
    [
        {"models": ["outside/evil.py:Blend"]},
        {"seeds": list(range(5000))},
        {"name": "x" * 3000, "report": {"images": 0}},
    ],
)
def test_a_suite_that_does_not_fit_is_told_without_quoting_it(place, capsys, entries):
    change(place, suite=suite_of(place, **entries))
    assert run(*COMMANDS["dry run"]) == 2
    said = capsys.readouterr().err
    assert said.index("does not fit (") < 120


@pytest.mark.parametrize(
    ("entry", "many"),
    [
        ("seeds", list(range(1001))),
        ("claims", [{"metric": "psnr", "order": ["stargan", "cyclegan"], "says": "x"}] * 1001),
        ("variants", {f"v{number}": {"model": "stargan"} for number in range(1001)}),
        ("external", {f"v{number}": {"folder": "outside"} for number in range(1001)}),
    ],
)
@pytest.mark.parametrize("name", ["dry run", "report"])
def test_a_plan_of_more_than_anybody_runs_is_refused_with_the_bound(place, capsys, name, entry, many):
    change(place, suite=suite_of(place, **{entry: many}))
    assert run(*COMMANDS[name]) == 2
    assert "should have at most 1000 items" in capsys.readouterr().err


def test_costs_that_do_not_fit_are_told_with_file_and_entry(tmp_path):
    put(tmp_path / "key.json", {"key": "x", "seconds": "long"})
    with pytest.raises(UserError, match=r"key\.json holds seconds = 'long'"):
        measured(tmp_path)


@pytest.mark.parametrize("contents", ["", "[", "5", "[1]", '{"key": "\\ud800"}', "9" * 5000, "[" * 100_000, "\x00"])
@pytest.mark.parametrize("file", ["plan.json", "scores/cyclegan-seed0.json", "protocol.json"])
def test_what_is_no_json_is_told_in_two_lines(place, capsys, file, contents):
    (place / "received" / file).write_text(contents)
    assert run("report", "mine", "received", "--out", "both") == 2
    said = capsys.readouterr().err
    assert f"received/{file}" in said or "unfinished" in said
    assert said.count("\n") <= 2


@pytest.mark.parametrize(
    "line", ['{"images": "x"}', '{"images": 1, "losses": [1]}', "[" * 10_000, '{"images": 1e999}', "5"]
)
def test_lines_of_a_log_that_do_not_fit_are_left_out(tmp_path, line):
    (tmp_path / "metrics.jsonl").write_text(f'{line}\n{{"images": 8, "losses": {{"x": 1.5, "y": null}}}}\n')
    assert curves_of(tmp_path) == {"x": [(8, 1.5)]}


@pytest.mark.parametrize("rows", ["1,many,1,psnr,2", "1,2", "1,2,inf,psnr,2", f"1,{10**30},1,psnr,2", "1,2,3,psnr,x"])
def test_a_table_of_validation_scores_that_does_not_fit_is_told(tmp_path, rows):
    (tmp_path / "validation.csv").write_text(f"step,images,seconds,metric,value\n{rows}\n")
    with pytest.raises(UserError, match=r"validation\.csv is no table of scores"):
        read_rows(tmp_path)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory):
    return fuzz_benches.Place(tmp_path_factory.mktemp("fuzz"), lambda out, data: pretend(out, data, {"stargan": 21.0}))


@pytest.mark.parametrize("number", range(8))
def test_a_mutated_bench_ends_in_a_line_and_touches_nothing_else(fuzzed, number):
    assert fuzzed.fault(number) is None


def test_the_fuzzer_sees_tracebacks_code_that_runs_and_files_that_change(tmp_path, monkeypatch):
    place = fuzz_benches.Place(tmp_path, lambda out, data: out.mkdir())
    assert place._touched() is None
    (tmp_path / "outside" / "new").touch()
    assert "outside/new" in place._touched()
    place.ran.touch()
    assert "code" in place._touched()
    monkeypatch.setattr(fuzz_benches.cli, "main", lambda: 1 / 0)
    assert "ZeroDivisionError" in fuzz_benches.run("report x")

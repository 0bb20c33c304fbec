"""What the README, docs/ and docstrings say is so: links, command lines, settings, examples."""

import doctest
import importlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest
import torch
import typer
import yaml

from i2i import registry
from i2i.benchmarks.suite.overrides import load_suite
from i2i.benchmarks.suite.schema import Suite
from i2i.cli import app
from i2i.config import DataConfig, TrainConfig, merge, parse_assignments
from i2i.presets.files import shipped
from i2i.presets.training import base_settings
from i2i.runs.load import require_checkpoint
from i2i.testing import check_translator
from i2i.training.setup import run_config

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
EXAMPLE = ROOT / "docs" / "adding_a_model.md"
CONFIGS = ROOT / "docs" / "configs.md"
OPTIONS = ROOT / "docs" / "options.md"
SETTINGS = ROOT / "docs" / "settings.md"
TUTORIALS = ROOT / "docs" / "tutorials"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SOURCE_FILE = re.compile(r"`((?:\w+/)*\w+\.py)`")
OF_READERS = {"models/refiner.py", "curves.py"}
"""Files that the examples have their reader write."""
ABSENT = "–"
MODULES = sorted([*ROOT.glob("i2i/**/*.py"), *ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("models/**/*.py")])
WITH_EXAMPLES = [path.relative_to(ROOT) for path in MODULES if "    >>> " in path.read_text(encoding="utf-8")]
NEEDS = {"i2i/tracking/mlflow_run.py": "mlflow"}
"""Modules that import what is no part of the test extra."""


def blocks(page: Path, language: str) -> list[str]:
    return [code for name, code in FENCE.findall(page.read_text()) if name == language]


def command_lines(page: Path) -> list[str]:
    """Calls of i2i in code blocks without a language."""
    parts = [part.strip() for code in blocks(page, "") for line in code.splitlines() for part in line.split("&&")]
    return [part for part in parts if part.startswith("i2i ")]


OF_EXAMPLE = command_lines(EXAMPLE)
OF_TUTORIAL = command_lines(TUTORIALS / "your_own_model.md")
OF_MODELS = OF_EXAMPLE + OF_TUTORIAL
COMMANDS = list(dict.fromkeys(line for page in PAGES for line in command_lines(page)))


def table(page: Path, first_header: str) -> list[list[str]]:
    """Header and rows of the table whose first header cell is `first_header`."""
    lines = page.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    end = next((number for number in range(start, len(lines)) if not lines[number].startswith("|")), len(lines))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]
    return [rows[0], *rows[2:]]


def value(cell: str) -> object:
    return yaml.safe_load(cell.strip("`"))


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=str)
def test_examples_in_docstrings_give_what_they_say(path):
    pytest.importorskip(NEEDS.get(str(path), "i2i"))
    inside = path if path.parts[0] == "i2i" else Path("i2i") / path
    module = importlib.import_module(".".join(inside.with_suffix("").parts))
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files(page):
    targets = {link.split("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link}
    missing = [target for target in targets if target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_source_files_that_pages_name_exist(page):
    named = {f"/{name}" for name in SOURCE_FILE.findall(page.read_text()) if name not in OF_READERS}
    files = [f"/{path.relative_to(ROOT)}" for path in [*MODULES, *ROOT.glob("tests/**/*.py")]]
    assert not [name for name in named if not any(path.endswith(name) for path in files)]


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_into_pages_lead_to_headings(page):
    links = [link.partition("#") for link in LINK.findall(page.read_text()) if "://" not in link and "#" in link]
    for target, _, heading in links:
        there = page.parent / target if target else page
        assert there.suffix != ".md" or heading in anchors(there), f"{target}#{heading}"


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


def test_the_table_of_the_readme_is_that_of_the_results():
    shown, results = table(README, "model"), table(ROOT / "docs" / "results.md", "model")
    places = [results[0].index(heading) for heading in shown[0]]
    assert shown[1:] == [[row[place] for place in places] for row in results[1:]]


@pytest.mark.parametrize("command", ["pip install '.[imagenet]' && i2i bench", "pip install -e '.[test]' && pytest"])
def test_readme_has_the_two_commands_in_blocks_of_their_own(command):
    assert f"{command}\n" in blocks(README, "")


@pytest.fixture(scope="module")
def commands():
    return typer.main.get_command(app)


@pytest.mark.parametrize("line", COMMANDS)
def test_command_line_parses(line, commands):
    command, words = commands, shlex.split(line, comments=True)[1:]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        command, words = command.commands[words[0]], words[1:]
    options = {word.split("=")[0] for word in words if word.startswith("-")}
    known = {name for parameter in command.params for name in parameter.opts}
    assert options <= known
    if not hasattr(command, "commands"):
        command.make_context(line, list(words))  # also missing arguments, and values of the wrong type


def test_a_first_comparison_takes_at_most_ten_commands():
    """From the installation to the end of the tutorial."""
    assert len("".join(blocks(TUTORIALS / "first_comparison.md", "")).splitlines()) <= 10


@pytest.fixture
def curves():
    """The model of the tutorial."""
    (source,) = blocks(TUTORIALS / "your_own_model.md", "python")
    module = ModuleType("curves")
    try:
        exec(compile(source, "curves.py", "exec"), module.__dict__)
        yield module.Curves
    finally:
        registry.unregister("curves")


def test_settings_of_the_tutorial_are_accepted(curves):
    with_settings = [line for line in OF_TUTORIAL if "--set" in line]
    assert with_settings
    for line in with_settings:
        accept_settings(line.replace("curves.py:Curves", "curves"))


def test_the_model_of_the_tutorial_passes_the_contract_suite(curves):
    check_translator(curves)


def test_the_suite_of_the_tutorial_is_accepted_and_trains_nothing_again(tmp_path):
    (source,) = blocks(TUTORIALS / "papers_table.md", "yaml")
    (tmp_path / "mine.yaml").write_text(source)
    mine, papers = (load_suite(name, None, {}, []) for name in (str(tmp_path / "mine.yaml"), "pix2pix-losses"))
    assert mine.models == papers.models
    assert mine.report != papers.report
    of_training = [[suite.method(name).for_training(1, 0) for name in suite.models] for suite in (mine, papers)]
    assert of_training[0] == of_training[1]


def accept_settings(line: str) -> None:
    """Check the settings of a command line as the command would; UserError if one does not fit."""
    words = shlex.split(line, comments=True)
    given = [words[place + 1] for place, word in enumerate(words) if word == "--set"]

    def value_of(option: str) -> str | None:
        return words[words.index(option) + 1] if option in words else None

    if words[1] == "bench":
        suite = load_suite(value_of("--suite") or "quick", value_of("--models"), {}, given)
        for method in (suite.method(name) for name in suite.models):
            run_config(method.model, method.for_training(1, 0))
    else:
        config, model, base = value_of("--config"), value_of("--model"), {}
        if config:
            model, base = base_settings(config, model, {})
        run_config(model or "cyclegan", merge(base, parse_assignments(given)))  # `data check` names none


@pytest.mark.parametrize("line", [line for line in COMMANDS if "--set" in line and line not in OF_MODELS])
def test_settings_on_command_lines_are_accepted(line):
    accept_settings(line)


@pytest.mark.parametrize("row", table(SETTINGS, "Setting")[1:], ids=lambda row: row[0].strip("`"))
def test_the_page_of_main_settings_tells_the_defaults_of_a_training(row):
    section, name = row[0].strip("`").split(".")
    config = {"train": TrainConfig, "data": DataConfig}[section]
    stated = config.model_validate({name: value(row[1])})
    assert getattr(stated, name) == getattr(config(), name)


@pytest.mark.parametrize("row", table(SETTINGS, "Model setting")[1:], ids=lambda row: row[0].strip("`"))
def test_the_page_of_main_settings_tells_the_defaults_of_the_models(row):
    header = table(SETTINGS, "Model setting")[0]
    name = row[0].strip("`")
    for model, cell in zip(header[1:-1], row[1:-1], strict=True):
        defaults = registry.get(model).Config()
        if cell == ABSENT:
            assert name not in type(defaults).model_fields, f"{model} has {name}"
        else:
            assert getattr(defaults, name) == value(cell), model


def sections(page: Path) -> dict[str, str]:
    """What stands below each heading of the second level."""
    _, *parts = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
    return {title: text for title, _, text in (part.partition("\n") for part in parts)}


GANS = ("pix2pix", "cyclegan", "stargan")
OPTION = re.compile(r"`(--set [^`]*)`(, the default)?")


def settings_of(line: str) -> Mapping[str, object]:
    return parse_assignments(word for word in shlex.split(line) if word != "--set")


@pytest.mark.parametrize("model", GANS)
def test_an_option_is_the_default_exactly_where_the_page_says_so(model):
    lines = OPTION.findall(sections(OPTIONS)[model])
    assert len(lines) >= 5
    for line, default in lines:
        assert (run_config(model, settings_of(line)) == run_config(model, {})) == bool(default), line


@pytest.mark.parametrize("model", GANS)
def test_options_for_all_models_are_accepted_by_each(model):
    lines = OPTION.findall(sections(OPTIONS)["All models"])
    assert len(lines) >= 5
    for line, default in lines:
        config = run_config(model, settings_of(line))
        assert not default or config == run_config(model, {}), line


@pytest.mark.parametrize("model", ["pix2pix", "cyclegan"])
def test_every_option_of_the_papers_is_listed(model):
    """All settings but sizes and those of the optimiser."""
    others = {"width", "discriminator_width", "learning_rate", "beta1", "lambda_gp"}
    listed = "".join(sections(OPTIONS)[title] for title in (model, "All models"))
    missing = {name for name in registry.get(model).Config.model_fields if f"model.{name}=" not in listed}
    assert missing <= others


def test_readme_lists_every_registered_model():
    listed = {row[0].strip("`") for row in table(README, "Model")[1:]}
    ours = {name for name in registry.names() if registry.get(name).__module__.startswith("i2i.models.")}
    assert listed == ours  # others are of tests that ran before


def test_suite_sections_that_the_pages_name_exist():
    assert {"budget", "classifier"} <= set(Suite.model_fields)
    assert load_suite("quick", None, {}, ["budget.per=task"]).budget.per == "task"


@pytest.mark.parametrize(
    ("heading", "names"),
    [("Name | Image size", shipped("models")), ("Name | Compares", shipped("bench")), ("Entry", Suite.model_fields)],
)
def test_the_page_of_settings_lists_all_there_are(heading, names):
    listed = {row[0].strip("`") for row in table(CONFIGS, heading)[1:]}
    assert listed == set(names) | ({"base"} if heading == "Entry" else set())


@pytest.mark.parametrize("row", table(CONFIGS, "Name | Image size")[1:], ids=lambda row: row[0].strip("`"))
def test_the_page_of_settings_tells_size_and_schedule_as_they_are(row):
    model, settings = base_settings(row[0].strip("`"), None, {})
    config = run_config(model, settings)
    height, _, width = row[1].partition("x")
    assert config.data.image_size == (int(height), int(width or height))
    assert (
        config.train.decay_from
        == {"no": 1, "second half": 0.5, "last quarter": 0.75, "halved after each tenth": None}[row[3]]
    )


def test_the_settings_written_out_on_their_page_are_accepted(tmp_path):
    variants, claims, training = blocks(CONFIGS, "yaml")
    (tmp_path / "suite.yaml").write_text(variants + claims.replace("cgan]", "cyclegan]"))
    suite = load_suite(str(tmp_path / "suite.yaml"), None, {}, [])
    for method in (suite.method(name) for name in (*suite.models, *suite.variants)):
        run_config(method.model, method.for_training(1, 0))
    (tmp_path / "training.yaml").write_text(training)
    model, settings = base_settings(str(tmp_path / "training.yaml"), None, {})
    assert run_config(model, settings).train.images == 100_000


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The namespace that the worked example's Python blocks leave, run in order in a folder of their own."""
    folder = tmp_path_factory.mktemp("example")
    module = ModuleType("adding_a_model")
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.setenv("I2I_CACHE", str(folder / "cache"))
            for number, code in enumerate(blocks(EXAMPLE, "python"), 1):
                exec(compile(code, f"{EXAMPLE.name}, block {number}", "exec"), module.__dict__)
        module.run = folder / module.run
        yield module
    finally:
        for name in {"refiner", "restyler"} & set(registry.names()):
            registry.unregister(name)


@pytest.mark.integration
def test_example_passes_the_contract_suite(example):
    check_translator(example.Refiner)


@pytest.mark.integration
def test_the_second_example_has_a_translation_for_each_seed_and_for_a_reference(example):
    assert not torch.equal(*example.two_styles)
    assert torch.equal(*example.like_it)
    assert not torch.equal(example.like_it[0], example.two_styles[0])


@pytest.mark.integration
def test_example_trains_and_translates(example):
    checkpoint = require_checkpoint(example.run)
    position = checkpoint.position
    assert checkpoint.finished
    assert (position.step, position.images) == (4, 32)
    assert example.night.shape == (1, 3, 32, 32)
    assert torch.isfinite(example.night).all()


@pytest.mark.integration
def test_settings_of_the_example_are_accepted(example):
    with_settings = [line for line in OF_EXAMPLE if "--set" in line]
    assert with_settings
    for line in with_settings:
        accept_settings(line)

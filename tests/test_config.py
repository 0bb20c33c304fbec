"""Settings are checked where they come in and name what does not fit; what runs can be written down and read back."""

from pathlib import Path
from typing import Annotated

import pytest
import yaml

from i2i import registry
from i2i.benchmarks.suite.overrides import budget_assignments, load_suite, notes_on_absent_methods
from i2i.config import (
    DataConfig,
    InKey,
    RunConfig,
    Section,
    TrainConfig,
    build_run,
    merge,
    parse_assignments,
    read_settings,
    stable_hash,
    to_yaml,
    validate,
)
from i2i.data.open import settings_of
from i2i.errors import EARLIER_NAMES, UserError, unknown
from i2i.presets.training import base_settings
from i2i.training.setup import run_config
from i2i.translator import ModelConfig

FINGERPRINT = "0" * 32


def run(*assignments: str, model: str = "cyclegan") -> RunConfig:
    return run_config(model, parse_assignments(assignments))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20000", 20000),
        ("-1", -1),
        ("0.5", 0.5),
        ("2e-4", "2e-4"),
        ("true", True),
        ("null", None),
        ("", None),
        ("winter", "winter"),
        ("'5'", "5"),
        ("[64, 96]", [64, 96]),
        ("{a: 1}", {"a": 1}),
        ("a=b", "a=b"),
    ],
)
def test_set_reads_values_as_yaml(text, value):
    assert parse_assignments([f"train.images={text}"]) == {"train": {"images": value}}


class Lists(Section):
    words: tuple[str, ...] = ()
    more: list[str] | None = None
    numbers: tuple[float, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    pair: tuple[str, str] = ("a", "b")
    text: str = ""


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("words=a, b,c", ("a", "b", "c")),
        ("words=a", ("a",)),
        ("more=a,b", ["a", "b"]),
        ("numbers=1,2.5", (1.0, 2.5)),
        ("words=[a, 'b, c']", ("a", "b, c")),
        ("text=a,b", "a,b"),
    ],
)
def test_any_list_may_be_set_with_commas(assignment, value):
    found = validate(Lists, parse_assignments([f"x.{assignment}"])["x"], "x")
    assert getattr(found, assignment.partition("=")[0]) == value


def test_lists_among_a_model_s_settings_are_set_with_commas():
    class Config(ModelConfig):
        widths: tuple[int, ...] = (1,)

    assert validate(Config, parse_assignments(["model.widths=8,16"])["model"], "model").widths == (8, 16)


@pytest.mark.parametrize("assignment", ["groups=a,b", "pair=a,b", "numbers=1,b"])
def test_what_commas_do_not_say_is_refused(assignment):
    with pytest.raises(UserError, match=f"x.{assignment.partition('=')[0]}"):
        validate(Lists, parse_assignments([f"x.{assignment}"])["x"], "x")


def test_columns_of_the_report_are_set_with_commas():
    suite = load_suite("quick", None, {}, ["report.columns=fid, seconds"])
    assert suite.report.columns == ("fid", "seconds")


def test_set_fills_several_sections_and_the_last_one_wins():
    found = parse_assignments(["train.images=1", " data.zoom =1.5", "train.seed=2", "train.images=3"])
    assert found == {"train": {"images": 3, "seed": 2}, "data": {"zoom": 1.5}}


@pytest.mark.parametrize(
    ("assignment", "section", "name", "value"),
    [
        ("train.images=500", "train", "images", 500),
        ("train.batch_size=null", "train", "batch_size", 1),
        ("train.precision=bf16", "train", "precision", "bf16"),
        ("train.channels_last=false", "train", "channels_last", False),
        ("train.decay_from=1", "train", "decay_from", 1.0),
        ("data.path=some/where", "data", "path", Path("some/where")),
        ("data.image_size=64", "data", "image_size", (64, 64)),
        ("data.image_size=64x96", "data", "image_size", (64, 96)),
        ("data.image_size=[64, 96]", "data", "image_size", (64, 96)),
        ("data.domains=winter, summer", "data", "domains", ("winter", "summer")),
        ("data.domains=[winter, summer]", "data", "domains", ("winter", "summer")),
        ("data.domains=null", "data", "domains", None),
        ("data.channels=1", "data", "channels", 1),
        ("model.learning_rate=2e-4", "model", "learning_rate", 2e-4),
        ("model.blocks=null", "model", "blocks", None),
        ("model.norm=batch", "model", "norm", "batch"),
    ],
)
def test_settings_of_every_type_are_understood(assignment, section, name, value):
    found = getattr(getattr(run(assignment), section), name)
    assert found == value
    assert type(found) is type(value) or isinstance(found, Path)


@pytest.mark.parametrize(("earlier", "now"), EARLIER_NAMES.items())
def test_a_name_of_an_earlier_version_suggests_todays(earlier, now):
    assert f"unknown setting {earlier!r}; did you mean {now!r}? Known: " in str(unknown("setting", earlier, [now, "x"]))


def test_keys_keep_the_words_that_settings_had_before():
    train = {"images": 8, "precision": "fp32", "channels_last": True}  # the defaults of then
    found = {name: run_config(name, {"train": train}).key("f") for name in ("pix2pix", "cyclegan")}
    assert found == {"pix2pix": "fb424e2fec74925f", "cyclegan": "12700639810fa363"}


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("train.image=5", "unknown setting train: 'image'; did you mean 'images'"),
        ("data.image_sise=5", "unknown setting data: 'image_sise'; did you mean 'image_size'"),
        ("model.lambda_cicle=5", "unknown setting model: 'lambda_cicle'; did you mean 'lambda_cycle'"),
        ("trian.images=5", "unknown setting 'trian'; did you mean 'train'"),
    ],
)
def test_an_unknown_setting_suggests_the_nearest(assignment, complaint):
    with pytest.raises(UserError, match=complaint):
        run(assignment)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("train.images=many", r"train\.images='many' .*integer"),
        ("train.images=0", r"train\.images=0 .*greater than or equal to 1"),
        ("train.images=1.5", r"train\.images=1\.5 .*integer"),
        ("train.precision=fp16", r"train\.precision='fp16' .*'fp32' or 'bf16'"),
        ("data.flip=perhaps", r"data\.flip='perhaps' .*boolean"),
        ("data.zoom=0.5", r"data\.zoom=0\.5 .*greater than or equal to 1"),
        ("data.zoom=.nan", r"data\.zoom=nan does not fit"),
        ("data.channels=4", r"data\.channels=4 .*1 or 3"),
        ("data.image_size=big", r"data\.image_size='big' .*N, HxW or \[H, W\]"),
        ("data.image_size=1x2x3", r"data\.image_size='1x2x3' .*N, HxW or \[H, W\]"),
        ("data.image_size=4", r"data\.image_size=4 .*at least 8 pixels"),
        ("data.image_size=true", r"data\.image_size=True does not fit"),
        ("data.image_size=[8, tall]", r"data\.image_size\.1='tall' .*integer"),
        ("data.domains=[1, 2]", r"data\.domains\.0=1 .*string"),
        ("model.norm=layer", r"model\.norm='layer' .*'instance'"),
        ("model.width=wide", r"model\.width='wide' .*integer"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_section(assignment, complaint):
    with pytest.raises(UserError, match=complaint):
        run(assignment)


@pytest.mark.parametrize(
    "assignment", ["images=5", "train.images", "train.=5", ".images=5", "train..images=5", "", "="]
)
def test_a_malformed_set_shows_how_it_must_look(assignment):
    with pytest.raises(UserError, match=r"must look like section\.name=value, e\.g\. train\.images=20000"):
        parse_assignments([assignment])


@pytest.mark.parametrize("text", ["[1, 2", "{a", "2021-99-99", "'open", "!!float", "!!timestamp", "!!bool x"])
def test_a_value_that_is_no_yaml_is_named(text):
    with pytest.raises(UserError, match=r"--set .*train\.images=.* not valid YAML"):
        parse_assignments([f"train.images={text}"])


def test_a_value_that_gives_a_key_twice_is_refused():
    with pytest.raises(UserError, match=r"--set .*x\.train=.*: images is given twice in line 1: leave one out"):
        parse_assignments(["x.train={images: 1, images: 2}"])


def test_a_setting_below_a_plain_value_is_refused():
    with pytest.raises(UserError, match=r"train\.images\.x=5.* another --set gives images itself a value"):
        parse_assignments(["train.images=4", "train.images.x=5"])


@pytest.mark.parametrize("section", ["model", "data", "train"])
@pytest.mark.parametrize("value", [5, "text", [1]])
def test_a_section_that_holds_no_settings_is_named(section, value):
    with pytest.raises(UserError, match=f"setting {section}=.* does not fit"):
        run_config("cyclegan", {section: value})


def test_accumulation_must_divide_the_batch():
    with pytest.raises(UserError, match=r"train\.accumulate=2 does not divide train\.batch_size=3: .*accumulate=1"):
        run("train.accumulate=2", "train.batch_size=3")


def test_the_batch_size_is_the_papers_unless_it_is_set():
    assert run(model="stargan").train.batch_size == 16
    assert run("train.batch_size=3", model="stargan").train.batch_size == 3


@pytest.mark.parametrize("name", registry.names())
def test_settings_survive_the_way_through_yaml_to_an_equal_config(name, tmp_path):
    first = run("data.image_size=32x48", "data.domains=b,a", f"data.path={tmp_path}", "train.seed=3", model=name)
    settings = yaml.safe_load(to_yaml(first.settings()))
    assert settings["model"].pop("name") == name
    cls = registry.get(name)
    assert build_run(settings, name, cls.Config, cls.train_defaults()) == first


def test_settings_cannot_be_changed_after_they_were_checked():
    with pytest.raises(ValueError, match="frozen"):
        run().train.images = 5


LEARNT = {
    "data.image_size": "[128, 256]",
    "data.channels": "1",
    "data.pixel_formats": "{a: {file: npy, dtype: int16, channels: 1, range: [0, 1]}}",
    "data.fit": "pad",
    "data.background": "black",
    "data.domains": "[b, a]",
    "data.attributes": "[a, b]",
    "data.exclusive": "[[a, b]]",
    "data.zoom": "1.5",
    "data.flip": "false",
    "data.train_split": "val",
    "data.test_split": "val",
    "train.images": "7",
    "train.batch_size": "6",
    "train.accumulate": "2",
    "train.precision": "bf16",
    "train.channels_last": "false",
    "train.seed": "1",
    "train.decay_from": "0.25",
    "train.ema": "0.999",
    "train.ema_warmup": "false",
    "train.ema_statistics": "true",
    "train.zoom_until": "0.5",
    "train.updates": "7",
    "train.seconds": "7",
    "train.epochs": "7",
    "train.best_by": "psnr",
    "model.width": "8",
    "model.lambda_cycle": "3",
}
REPORTED = {
    "train.graphs": "off",
    "train.compile": "auto",
    "data.path": "elsewhere",
    "data.layout": "halves",
    "data.paired": "true",
    "data.sets": "{a: elsewhere, b: there}",
    "data.embedded": "other",
    "data.scenes": "7",
    "data.test_scenes": "7",
    "data.val_scenes": "5",
    "data.cache_gib": "0.5",
    "data.columns": "image,label",
    "train.log_every": "7",
    "train.sample_every": "7",
    "train.checkpoint_every": "7",
    "train.on_nan": "rollback",
}
EVALUATED = {"train.evaluations": "7", "data.val_split": "extra"}
"""What decides the result of a training that is evaluated, and of no other."""


def key(*assignments: str) -> str:
    return run("train.batch_size=4", *assignments).key(FINGERPRINT)


def test_every_setting_is_known_to_decide_the_result_or_not():
    declared = {f"data.{name}" for name in DataConfig.model_fields} | {
        f"train.{name}" for name in TrainConfig.model_fields
    }
    assert declared == {name for name in (*LEARNT, *REPORTED, *EVALUATED) if not name.startswith("model.")}


@pytest.mark.parametrize("name", LEARNT)
def test_the_key_changes_with_what_decides_the_result(name):
    assert key(f"{name}={LEARNT[name]}") != key()


@pytest.mark.parametrize("name", EVALUATED)
def test_the_key_changes_with_how_a_training_is_evaluated_if_it_is(name):
    change, best = f"{name}={EVALUATED[name]}", "train.best_by=psnr"
    assert key(change) == key()
    assert key(change, best) != key(best)


@pytest.mark.parametrize("name", REPORTED)
def test_the_key_ignores_where_data_lie_and_how_often_is_reported(name):
    assert key(f"{name}={REPORTED[name]}") == key()


def test_the_key_changes_with_the_data_and_the_model():
    assert run().key(FINGERPRINT) != run().key("1" * 32)
    assert run(model="identity").key(FINGERPRINT) != run(model="reinhard").key(FINGERPRINT)


@pytest.mark.parametrize(("section", "name"), [(s, name) for s in (DataConfig, TrainConfig) for name in s.model_fields])
def test_every_setting_says_once_whether_it_enters_the_key(section, name):
    assert len([said for said in section.model_fields[name].metadata if isinstance(said, InKey)]) == 1


def test_what_enters_every_key_is_known():
    """One name more, and no earlier result is found: a new setting says `InKey.WHERE_CHANGED`."""
    essentials = run().essentials()
    assert " ".join(essentials["data"]) == (
        "image_size channels fit background domains attributes exclusive zoom flip train_split test_split"
    )
    assert " ".join(essentials["train"]) == ("images batch_size accumulate precision channels_last seed decay_from ema")


def test_a_new_setting_of_a_model_can_leave_the_keys_of_its_default_as_they_are():
    class Older(ModelConfig):
        width: int = 2

    class Newer(Older):
        depth: Annotated[int, InKey.WHERE_CHANGED] = 1
        rate: float = 1.0

    def essentials(kind, **settings):
        return build_run({"model": settings}, "m", kind, {"batch_size": 1}).essentials()["model"]

    assert essentials(Older) == {"name": "m", "width": 2}
    assert essentials(Newer) == {"name": "m", "width": 2, "rate": 1.0}
    assert essentials(Newer, depth=2, rate=2) == {"name": "m", "width": 2, "depth": 2, "rate": 2.0}


def test_the_hash_is_the_same_in_every_version():
    """Results folders are found again by it: a new value here makes every bench start over."""
    assert stable_hash({"b": [1, 2.5, None, True], "a": "grün"}) == "f290269a4fcbf50d"


def test_the_hash_depends_on_values_and_not_on_their_order():
    assert stable_hash({"a": 1, "b": {"c": 2, "d": 3}}) == stable_hash({"b": {"d": 3, "c": 2}, "a": 1})
    assert len({stable_hash(value) for value in (1, "1", 1.5, [1], {"a": 1}, {"a": None}, None)}) == 7


def test_merging_goes_section_by_section_and_changes_neither_side():
    base, other = {"a": {"x": 1, "y": {"z": 2}}, "b": 3}, {"a": {"y": {"w": 4}}, "b": {"c": 5}}
    assert merge(base, other, {"a": {"x": 6}}) == {"a": {"x": 6, "y": {"z": 2, "w": 4}}, "b": {"c": 5}}
    assert base == {"a": {"x": 1, "y": {"z": 2}}, "b": 3}
    assert other == {"a": {"y": {"w": 4}}, "b": {"c": 5}}


def test_a_missing_settings_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no settings file .*mine\.yaml"):
        read_settings(tmp_path / "mine.yaml")


@pytest.mark.parametrize("content", [b"[1", b"\xff\xfe\xfa", b"just words", b"- 1", b"", b"d: 2021-99-99"])
def test_a_broken_settings_file_is_named(tmp_path, content):
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.yaml (is not valid YAML|must hold sections)"):
        read_settings(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("train: {images: 40, images: 80}", "images is given twice in line 1"),
        ("models: [cut]\nseeds: [1]\nmodels: [stargan]", "models is given in line 1 and in line 3"),
        ("a:\n  b:\n    c: 1\n    c: 1", "c is given in line 3 and in line 4"),
    ],
)
def test_a_key_that_a_file_has_twice_is_named_with_its_lines(tmp_path, text, told):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match=rf"mine\.yaml: {told}: leave one out"):
        read_settings(tmp_path / "mine.yaml")


def test_a_key_may_replace_one_that_is_merged_in_and_stand_in_several_sections(tmp_path):
    text = "base: &base {x: 1, y: 1}\nmore: &more {<<: *base, x: 2}\nlast: {<<: *more, y: 3}"
    (tmp_path / "mine.yaml").write_text(text)
    assert read_settings(tmp_path / "mine.yaml")["more"] == {"x": 2, "y": 1}


SUITE = """
models: [pix2pix, stargan]
budget: {images: 500, per: task}
seeds: [3, 4]
settings:
  data: {image_size: 64}
  train: {precision: bf16, batch_size: 5}
model_settings:
  stargan: {model: {layers: 4}, train: {batch_size: 6}}
"""


@pytest.fixture
def mine(tmp_path) -> str:
    (tmp_path / "mine.yaml").write_text(SUITE)
    return str(tmp_path / "mine.yaml")


def test_a_suite_gives_each_model_its_own_settings(mine):
    suite = load_suite(mine, None, {}, [])
    found = {model: run_config(model, suite.method(model).for_training(1, 0)) for model in suite.models}
    assert {model: config.train.batch_size for model, config in found.items()} == {"pix2pix": 5, "stargan": 6}
    assert {config.train.precision for config in found.values()} == {"bf16"}
    assert (found["pix2pix"].model.layers, found["stargan"].model.layers) == (3, 4)


def test_a_single_training_takes_the_settings_and_budget_of_its_suite(mine):
    model, settings = base_settings(mine, "stargan", {})
    assert model == "stargan"
    assert settings["train"] == {"precision": "bf16", "batch_size": 6, "images": 500, "seed": 3}
    assert settings["model"] == {"layers": 4}
    with pytest.raises(UserError, match="suite of several models: choose one with --model"):
        base_settings(mine, None, {})


def test_the_command_line_wins_over_a_suite(mine):
    changes = ["train.batch_size=3", "data.zoom=1.2", "stargan.width=4", "budget.images=50", "classifier.images=60"]
    changes.append("report.images=7")
    suite = load_suite(mine, "stargan, cyclegan", settings_of(["photos"]), changes)
    assert suite.models == ("stargan", "cyclegan")
    assert (suite.budget.images, suite.classifier.images, suite.report.images) == (50, 60, 7)
    for model in suite.models:
        config = run_config(model, suite.method(model).for_training(50, 0))
        assert (config.train.batch_size, config.data.zoom) == (3, 1.2)
        assert config.data.path == Path("photos").absolute()
        assert config.model.width == (4 if model == "stargan" else 64)


@pytest.mark.parametrize(
    ("models", "assignment", "complaint"),
    [
        ("stargun", "budget.images=5", "unknown model 'stargun'; did you mean 'stargan'"),
        (",", "budget.images=5", "--models ',' names no model: name some, or leave it out"),
        ("", "budget.images=5", "--models '' names no model"),
        (" + ,", "budget.images=5", r"--models ' \+ ,' names no model"),
        (None, "budget.imags=5", r"unknown setting suite\.budget: 'imags'; did you mean 'images'"),
        (None, "budget.per=model", r"suite\.budget\.per='model' .*'dataset' or 'task'"),
        (None, "train.images=5", "one budget for all models: use --budget images=N"),
        (None, "train.seed=5", r"seeds of its suite: use --seeds 1, or write seeds: \[1\] into a settings file"),
        (None, "stargun.width=5", r"unknown section of --set: 'stargun'; did you mean 'stargan'"),
    ],
)
def test_a_choice_that_does_not_fit_a_suite_is_named(models, assignment, complaint):
    with pytest.raises(UserError, match=complaint):
        load_suite("quick", models, {}, [assignment])


@pytest.mark.parametrize(
    ("assignment", "told"), [("pix2pix.width=3", True), ("cut.width=3", False), ("data.zoom=2", False)]
)
def test_settings_of_a_model_that_is_not_in_the_bench_are_told_with_those_that_are(assignment, told):
    lines = notes_on_absent_methods([assignment], load_suite("quick", "stargan,cut", {}, [assignment]))
    assert [line.partition(":")[0] for line in lines] == ["--set pix2pix... changes nothing yet"] * told
    assert all("the methods of this bench, stargan, cut; add it with --models +pix2pix" in line for line in lines)


def test_seeds_and_budget_of_the_command_line_win_over_the_suite(mine):
    suite = load_suite(mine, None, {}, budget_assignments("images=400_000, per=task"), "2,0, 1")
    assert suite.seeds == (2, 0, 1)
    assert (suite.budget.images, suite.budget.per) == (400_000, "task")
    assert load_suite(mine, None, {}, []).seeds == (3, 4)


@pytest.mark.parametrize(
    ("seeds", "complaint"),
    [
        ("0,,1", "--seeds '0,,1' must be whole numbers with commas"),
        ("-1", "--seeds '-1' must be whole numbers"),
        ("", "--seeds '' must be whole numbers"),
        ("1,1", r"suite\.seeds=.* name every seed once"),
    ],
)
def test_seeds_that_do_not_fit_are_named(seeds, complaint):
    with pytest.raises(UserError, match=complaint):
        load_suite("quick", None, {}, [], seeds)


@pytest.mark.parametrize(
    ("budget", "complaint"),
    [
        ("update=5", "unknown kind of budget 'update'; did you mean 'updates'"),
        ("images=5,updates=6", "setting suite.budget does not fit: .* choose one of images=5, updates=6"),
        ("seconds=0", r"suite\.budget\.seconds=0 .*greater than 0"),
        ("400000", "--budget '400000' must look like images=400000"),
        ("images=", "must look like images=400000"),
        ("images=many", r"suite\.budget\.images='many' .*integer"),
        ("images=5,per=model", r"suite\.budget\.per='model' .*'dataset' or 'task'"),
    ],
)
def test_a_budget_that_does_not_fit_is_named(budget, complaint):
    with pytest.raises(UserError, match=complaint):
        load_suite("quick", None, {}, budget_assignments(budget))


def test_an_unknown_suite_suggests_the_nearest():
    with pytest.raises(UserError, match="unknown suite or settings 'quik'; did you mean 'quick'"):
        load_suite("quik", None, {}, [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("models: [stargan]\nmodel_settings: {stargn: {}}", "unknown model 'stargn'; did you mean 'stargan'"),
        ("models: 5", r"suite\.models=5 does not fit"),
        ("model: [stargan]", "unknown setting suite: 'model'; did you mean 'models'"),
        ("settings: 5", r"suite\.settings=5 does not fit"),
    ],
)
def test_a_suite_of_ones_own_is_checked(tmp_path, text, complaint):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(UserError, match=complaint):
        load_suite(str(tmp_path / "mine.yaml"), None, {}, [])


def test_a_section_prefix_names_the_place_of_a_setting():
    with pytest.raises(UserError, match=r"setting size\.image_size='x' does not fit"):
        validate(DataConfig, {"image_size": "x"}, "size")


VARIANTS = """
models: [l1, pix2pix, l1-wide]
settings:
  data: {image_size: 64}
  train: {batch_size: 5}
model_settings:
  pix2pix: {model: {width: 16, layers: 2}, train: {batch_size: 2}}
variants:
  l1: {model: pix2pix, settings: {model: {lambda_gan: 0}}}
  l1-wide: {model: pix2pix, settings: {model: {lambda_gan: 0, width: 32}, train: {batch_size: 4}}}
"""


@pytest.fixture
def variants(tmp_path) -> str:
    (tmp_path / "variants.yaml").write_text(VARIANTS)
    return str(tmp_path / "variants.yaml")


def resolved(suite, name: str) -> RunConfig:
    method = suite.method(name)
    return run_config(method.model, method.for_training(1, 0))


def test_a_variant_is_its_model_with_settings_of_its_own(variants):
    suite = load_suite(variants, None, {}, [])
    found = {name: resolved(suite, name) for name in suite.models}
    assert {config.name for config in found.values()} == {"pix2pix"}
    assert [(c.model.width, c.model.layers, c.model.lambda_gan) for c in found.values()] == [
        (16, 2, 0),
        (16, 2, 1),
        (32, 2, 0),
    ]
    assert [config.train.batch_size for config in found.values()] == [2, 2, 4]


@pytest.mark.parametrize(
    ("assignment", "widths", "batches"),
    [
        ("pix2pix.width=8", [8, 8, 32], [2, 2, 4]),
        ("l1.width=8", [8, 16, 32], [2, 2, 4]),
        ("l1-wide.width=8", [16, 16, 8], [2, 2, 4]),
        ("train.batch_size=7", [16, 16, 32], [7, 7, 7]),
    ],
)
def test_set_reaches_one_variant_or_all_of_a_model_or_everything(variants, assignment, widths, batches):
    suite = load_suite(variants, None, {}, [assignment])
    found = [resolved(suite, name) for name in suite.models]
    assert [config.model.width for config in found] == widths
    assert [config.train.batch_size for config in found] == batches


def test_models_chooses_among_variants_and_translators(variants):
    suite = load_suite(variants, "l1-wide,stargan", {}, ["stargan.width=4"])
    assert suite.models == ("l1-wide", "stargan")
    assert [resolved(suite, name).model.width for name in suite.models] == [32, 4]


def test_a_variant_can_be_trained_by_itself(variants):
    model, settings = base_settings(variants, "l1-wide", {})
    assert model == "pix2pix"
    assert settings["model"] == {"width": 32, "layers": 2, "lambda_gan": 0}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("variants: {stargan: {model: pix2pix}}", "the variant 'stargan' has the name of a model: choose another"),
        ("variants: {thin: {model: pix3pix}}", "unknown model of variant thin: 'pix3pix'; did you mean 'pix2pix'"),
        ("variants: {thin: {modle: pix2pix}}", r"unknown setting suite\.variants\.thin: 'modle'; did you mean 'model'"),
        ("variants: {thin: {}}", r"suite\.variants\.thin\.model=.* does not fit: Field required"),
        ("variants: {real: {model: pix2pix}}", "a variant cannot be called 'real'"),
        ("variants: {a/b: {model: pix2pix}}", "a variant cannot be called 'a/b': use letters, digits"),
        ("variants: {thin: {model: pix2pix}}\nmodels: [thinn]", "unknown model 'thinn'; did you mean 'thin'"),
        ("claims: [{metric: psnr, order: [pix2pix], says: x}]", r"suite\.claims\.0\.order=.* at least 2 items"),
        ("claims: [{metrik: psnr}]", r"unknown setting suite\.claims\.0: 'metrik'; did you mean 'metric'"),
        ("claims: [{metric: psnr, order: [pix2pix, l1], says: x}]", "unknown model 'l1'"),
    ],
)
def test_variants_and_claims_that_do_not_fit_are_named(tmp_path, text, complaint):
    (tmp_path / "mine.yaml").write_text(text if "models" in text else f"models: [pix2pix]\n{text}")
    with pytest.raises(UserError, match=complaint):
        load_suite(str(tmp_path / "mine.yaml"), None, {}, [])


def test_settings_of_one_model_are_not_given_to_another(tmp_path):
    (tmp_path / "mine.yaml").write_text("model: {name: pix2pix, width: 8}")
    assert base_settings(str(tmp_path / "mine.yaml"), "pix2pix", {})[0] == "pix2pix"
    with pytest.raises(UserError, match="holds settings of pix2pix, not of cyclegan: leave out --model"):
        base_settings(str(tmp_path / "mine.yaml"), "cyclegan", {})


def test_settings_for_the_embedded_set_hold_only_where_no_other_data_is_given(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "models: [stargan]\nmodel_settings: {stargan: {data: {zoom: 2}}}\n"
        "embedded: {data: {domains: [summer, night], zoom: 1.5}}"
    )
    place, real = str(tmp_path / "mine.yaml"), {"path": "photos"}
    for data, domains, zoom in (({}, ("summer", "night"), 1.5), (real, None, 2), ({"embedded": "styles"}, None, 2)):
        found = resolved(load_suite(place, None, data, []), "stargan")
        assert (found.data.domains, found.data.zoom) == (domains, zoom)
    assert resolved(load_suite(place, None, {}, ["data.zoom=3"]), "stargan").data.zoom == 3
    assert base_settings(place, "stargan", {})[1]["data"] == {"domains": ["summer", "night"], "zoom": 1.5}
    assert base_settings(place, "stargan", real)[1]["data"] == {"zoom": 2}


def test_settings_for_the_embedded_set_are_not_inherited_by_a_suite_of_other_data(tmp_path):
    (tmp_path / "mine.yaml").write_text("base: seasons\nsettings: {data: {embedded: styles}}")
    place = str(tmp_path / "mine.yaml")
    assert resolved(load_suite(place, None, {}, []), "stargan").data.domains is None
    assert "domains" not in base_settings(place, "stargan", {})[1]["data"]
    back = load_suite(place, None, {"embedded": "seasons"}, [])
    assert resolved(back, "stargan").data.domains == ("summer", "winter", "night")


@pytest.mark.integration
def test_settings_nested_too_deeply_are_refused(tmp_path):
    (tmp_path / "deep.yaml").write_text("{a: " * 5000)
    with pytest.raises(UserError, match=r"deep\.yaml is not valid YAML"):
        read_settings(tmp_path / "deep.yaml")
    with pytest.raises(UserError, match="not valid YAML; quote it"):
        parse_assignments(["train.images=" + "[" * 5000])


@pytest.mark.parametrize("place", ["data.domains", "data", "train.images"])
def test_a_few_lines_that_stand_for_billions_of_items_give_a_short_error(place):
    value: object = ["lol"]
    for _ in range(40):
        value = [value] * 9
    for name in reversed(place.split(".")):
        value = {name: value}
    with pytest.raises(UserError, match="does not fit") as error:
        run_config("cyclegan", value)
    assert len(str(error.value)) < 5000


def test_a_misspelt_setting_is_named_in_a_section_that_may_be_left_out():
    with pytest.raises(UserError, match=r"unknown setting data\.pixel_formats\.summer: 'dtipe'; did you mean 'dtype'"):
        validate(DataConfig, {"pixel_formats": {"summer": {"dtipe": "uint8"}}}, "data")

"""A custom model, from a file or a module, takes part like a model of the zoo."""

import json
import sys

import pytest
import torch

from i2i import cli, custom_models, registry
from i2i.benchmarks.suite.overrides import load_suite
from i2i.config import DataConfig
from i2i.data.open import open_data
from i2i.errors import UserError
from i2i.runs.load import require_checkpoint
from i2i.training.feasibility import assess, choose_models
from tests.robustness.test_bad_input import data_set
from tests.support import in_process

BLEND = '''
"""A mixture of the input and a constant that is learnt."""

import torch
from i2i.data.batches import UnpairedBatch
from i2i.translator import Coverage, Losses, ModelConfig, Optimizer, Phase, Translator


class BlendConfig(ModelConfig):
    start: float = 0.5


class Blend(Translator):
    coverage = Coverage.ALL
    batch = UnpairedBatch
    generators = ("mixer",)
    Config = BlendConfig

    def __init__(self, config, task):
        super().__init__(config, task)
        self.mixer = torch.nn.Conv2d(3, 3, 1)

    def phases(self):
        return (Phase("mixer", self._loss),)

    def optimizers(self):
        return {"mixer": Optimizer(("mixer",), 1e-3)}

    def _loss(self, batch, step):
        error = (self._mixed(batch.a) - batch.b).abs().mean()
        return Losses(error, {"error": error})

    def generate(self, images, request):
        return self._mixed(images)

    def _mixed(self, images):
        return torch.tanh(self.mixer(images) + self.config.start)
'''


@pytest.fixture
def blend(tmp_path):
    """A file with a class; what it registers is forgotten afterwards."""
    path = tmp_path / "mine.py"
    path.write_text(BLEND)
    yield path
    forget("Blend")


def forget(name):
    if name in registry.names():
        registry.unregister(name)
    custom_models._LOADED.clear()


def cause(text):
    with pytest.raises(UserError) as refused:
        custom_models.load(text)
    return str(refused.value)


def test_a_class_of_a_file_is_registered_under_its_name(blend):
    own = custom_models.load(f"{blend}:Blend")
    assert own.name == "Blend"
    assert registry.get("Blend").__name__ == "Blend"
    assert custom_models.load(f"{blend}:Blend") == own
    assert own.label == "mine.py:Blend"


def test_a_name_that_the_class_was_given_is_kept(blend):
    blend.write_text(
        "from i2i.registry import register\n" + BLEND.replace("class Blend(", "@register('mixed')\nclass Blend(")
    )
    try:
        assert custom_models.load(f"{blend}:Blend").name == "mixed"
    finally:
        forget("mixed")


def test_a_changed_file_is_imported_again_and_has_another_hash(blend):
    before, first = custom_models.load(f"{blend}:Blend"), registry.get("Blend")
    blend.write_text(BLEND.replace("0.5", "0.7"))
    after = custom_models.load(f"{blend}:Blend")
    assert after.sha256 != before.sha256
    assert registry.get("Blend").Config().start == 0.7
    assert registry.get("Blend") is not first
    with pytest.raises(UserError, match="changed while it was in use"):
        custom_models.require(before.source, before.sha256)


def test_a_class_of_a_module_is_found_from_the_working_directory(tmp_path, monkeypatch):
    package = tmp_path / "lab_of_mine"
    package.mkdir()
    (package / "mixing.py").write_text(BLEND)
    monkeypatch.chdir(tmp_path)
    try:
        assert custom_models.load("lab_of_mine.mixing:Blend").source == "lab_of_mine.mixing:Blend"
        assert registry.get("Blend").__module__ == "lab_of_mine.mixing"
        assert str(tmp_path) not in sys.path
    finally:
        forget("Blend")


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        (
            "import nothing_of_that_name\n",
            "ModuleNotFoundError: No module named 'nothing_of_that_name' (mine.py, line 1)",
        ),
        ("import json\n\njson.loads('')\n", "Expecting value: line 1 column 1 (char 0) (mine.py, line 3)"),
        ("x = 1\nclass Broken(\n", "SyntaxError: '(' was never closed (mine.py, line 2)"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3 (mine.py, line 2)"),
        ("raise KeyError('a\\nb')\n", "(mine.py, line 1)"),
    ],
)
def test_a_file_that_does_not_import_is_one_line_with_file_and_line(tmp_path, capsys, monkeypatch, code, complaint):
    (tmp_path / "mine.py").write_text(code)
    monkeypatch.setattr(sys, "argv", ["i2i", "bench", "--models", f"+{tmp_path}/mine.py:MyModel", "--dry-run"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert said.count("\n") == 1
    assert "mine.py cannot be imported: " in said
    assert complaint in said


def test_a_class_that_does_not_fit_is_told_what_the_contract_asks(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from i2i.translator import Coverage, Translator\n"
        "class NoModel: pass\n"
        "class Half(Translator):\n"
        "    coverage = Coverage.PAIR\n"
        "    def generate(self, images, request): return images\n"
        "class Odd(Translator):\n"
        "    batch = int\n"
        "    takes = frozenset({'labels', 'nose'})\n"
        "    def phases(self): return ()\n"
        "class Odder(Half):\n"
        "    takes = frozenset({'labels', 'nose'})\n"
        "    from i2i.data.batches import UnpairedBatch as batch\n"
        "    def phases(self): return ()\n"
    )
    assert "is no Translator" in cause(f"{path}:NoModel")
    assert "docs/adding_a_model.md" in cause(f"{path}:NoModel")
    assert "it lacks batch, phases;" in cause(f"{path}:Half")
    assert "it lacks coverage, batch, generate;" in cause(f"{path}:Odd")
    assert "takes nose, which is none of labels, noise, reference, sampling_steps" in cause(f"{path}:Odder")
    assert "has no class Haff; it has Half, Odd, Odder" in cause(f"{path}:Haff")
    assert "names no class: write FILE.py:CLASS" in cause(str(path))
    assert f"there is no file {tmp_path / 'other.py'}" in cause(f"{tmp_path}/other.py:Half")
    assert "No module named 'no_such_package'" in cause("no_such_package.module:Half")


FIRST = """
import torch
from i2i.data.batches import PairedBatch
from i2i.translator import Coverage, Translator

class Mine(Translator):
    coverage = Coverage.DIRECTION
    batch = PairedBatch
    def phases(self): return ()
    BODY
"""


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ("from i2i.translator import Adam", "Adam is of the contract as it was: write optimizers(self)"),
        (
            "from i2i.translator import Scratch",
            "Scratch is of the contract as it was: a loss takes (self, batch, step)",
        ),
        ("from i2i.translator import Inference", "write the property inference(self), which gives a text"),
        ("def generate(self, images, source, target): ...", "write generate(self, images, request), with the indices"),
        ("def generate_labels(self, images, labels): ...", "write generate(self, images, request) with request.labels"),
        ("labelled = True", 'write takes = frozenset({"labels"})'),
        ("batch_size = 16", 'write defaults = {"batch_size": ...}'),
    ],
)
def test_a_file_written_for_the_first_contract_is_told_what_to_write_and_where_it_is_shown(tmp_path, body, remedy):
    path = tmp_path / "mine.py"
    path.write_text(FIRST.replace("BODY", body))
    message = cause(f"{path}:Mine")
    assert remedy in message
    assert "docs/adding_a_model.md shows how" in message
    assert message.count("\n") == 0


def test_a_class_with_the_name_of_a_model_is_refused(blend):
    blend.write_text(BLEND.replace("Blend(", "cyclegan("))
    assert "two translators are named 'cyclegan'" in cause(f"{blend}:cyclegan")
    assert registry.get("cyclegan").__module__ == "i2i.models.cyclegan"


def suite(models, *assignments):
    return load_suite("quick", models, {}, list(assignments))


def test_a_plus_adds_to_the_models_of_the_suite_and_without_it_these_are_all(blend):
    listed = suite(None).models
    assert suite(f"+{blend}:Blend,identity").models == (*listed, "Blend", "identity")
    assert suite("+cyclegan").models == listed
    assert suite(f"{blend}:Blend,cyclegan").models == ("Blend", "cyclegan")
    with pytest.raises(UserError, match="a \\+ in front of the list"):
        suite("cyclegan,+reinhard")


def test_a_suite_keeps_where_its_own_classes_are_and_takes_settings_for_them(blend):
    chosen = suite(f"+{blend}:Blend", "Blend.start=0.25")
    assert chosen.custom_models == {"Blend": f"{blend}:Blend"}
    assert chosen.method("Blend").settings["model"] == {"start": 0.25}
    assert chosen.own("cyclegan") is None


def test_a_variant_of_ones_own_class_competes_under_its_own_name(blend, tmp_path):
    (tmp_path / "suite.yaml").write_text(
        f"base: quick\nmodels: [dark, cyclegan]\nvariants:\n  dark: {{model: '{blend}:Blend'}}\n"
    )
    chosen = load_suite(str(tmp_path / "suite.yaml"), None, {}, ["dark.start=-1"])
    assert chosen.method("dark").model == "Blend"
    assert chosen.own("Blend").source == f"{blend}:Blend"


SMALL = ["data.image_size=16", "data.scenes=6", "data.test_scenes=3", "data.domains=summer,winter"]


def run(command, *arguments):
    sys.argv = ["i2i", command, *map(str, arguments)]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
        raise SystemExit(0)
    return stopped.value.code


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))


@pytest.mark.integration
def test_a_class_of_ones_own_trains_resumes_and_translates_from_the_command_line(blend, tmp_path, cache, capsys):
    out = tmp_path / "run"
    settings = [f"--set={text}" for text in [*SMALL, "train.images=8", "train.sample_every=0"]]
    assert run("train", "--model", f"{blend}:Blend", "--out", out, "--device", "cpu", *settings) == 0
    assert require_checkpoint(out).settings["model"]["name"] == "Blend"
    forget("Blend")
    images = next((tmp_path / "cache").glob("*/test/summer"))
    translate = ("translate", out, images, "--source", "summer", "--target", "winter", "--out", tmp_path / "png")
    assert run(*translate) == 2
    assert "unknown model 'Blend'" in capsys.readouterr().err
    assert run(*translate, "--model", f"{blend}:Blend") == 0
    assert len(list((tmp_path / "png").rglob("*.png"))) == 3
    forget("Blend")
    assert run("train", "--resume", out, "--model", f"{blend}:Blend") == 2
    assert "is finished" in capsys.readouterr().err
    assert run("train", "--resume", out, "--model", "cyclegan") == 2
    assert "leave out --model" in capsys.readouterr().err


@pytest.mark.slow
def test_a_class_of_ones_own_is_benched_and_only_a_changed_file_is_trained_again(blend, tmp_path, cache, capfd):
    out = tmp_path / "bench"
    settings = [f"--set={text}" for text in [*SMALL, "budget.images=16", "classifier.images=32"]]
    assert run("bench", "--models", f"{blend}:Blend", "--out", out, "--workers", 1, *settings) == 0
    (checkpoint,) = (out / "trainings" / "Blend").rglob("checkpoint.json")
    card = json.loads((out / "protocol.json").read_text())
    assert card["methods"]["Blend"]["source"] == "mine.py:Blend"
    assert card["methods"]["Blend"]["sha256"] == custom_models.load(f"{blend}:Blend").sha256
    keys = {name: (out / "trainings" / name / "seed0/all/key.json").read_text() for name in ("Blend",)}
    written = checkpoint.stat().st_mtime_ns

    forget("Blend")
    moved = blend.rename(tmp_path / "elsewhere.py")
    assert in_process.bench(out, "--models", f"{moved}:Blend", *settings) == 0
    assert checkpoint.stat().st_mtime_ns == written
    assert (out / "trainings/Blend/seed0/all/key.json").read_text() == keys["Blend"]

    moved.write_text(BLEND.replace("0.5", "0.75"))
    assert in_process.bench(out, "--models", f"{moved}:Blend", *settings) == 0
    assert checkpoint.stat().st_mtime_ns != written
    assert (out / "translations/Blend/seed0/summer2winter/00006.png").is_file()


@pytest.mark.slow
def test_a_class_of_ones_own_is_checked_and_tried_on_data_before_it_is_trained(blend, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = data_set(tmp_path / "sky")
    options = ["--size", "16", "--device", "cpu", "--set", "train.images=40", "--set", "train.batch_size=2"]
    arguments = ["i2i", "data", "check", str(data), "--models", "identity,mine.py:Blend", "--json", "found.json"]
    monkeypatch.setattr(sys, "argv", [*arguments, *options])
    with pytest.raises(SystemExit):
        cli.main()
    assert "trying Blend on cpu" in capsys.readouterr().err
    found = {one["model"]: one for one in json.loads((tmp_path / "found.json").read_text())["models"]}
    assert found.keys() == {"identity", "Blend"}
    assert found["Blend"]["trial"]["steps"] == 10


@pytest.mark.slow
def test_a_file_that_changes_before_the_trial_is_refused(blend, tmp_path):
    data = open_data(DataConfig(path=data_set(tmp_path / "sky"), image_size=(16, 16)))
    models = choose_models(f"{blend}:Blend")
    blend.write_text(BLEND.replace("0.5", "0.7"))
    (verdict,) = assess(models, data, {"data": {"image_size": 16}}, torch.device("cpu"))
    assert "mine.py changed while it was in use: start again" in verdict.reason

"""Published folders load again as the same model, tell what they are, and are refused when they are not whole."""

import json
import shutil
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file

import i2i
from i2i.config import merge
from i2i.conversion import formats, hub
from i2i.data.synthetic.embedded import make
from i2i.errors import UserError
from i2i.runs.checkpoint import Position
from i2i.runs.save import save_checkpoint
from i2i.training.setup import run_config
from tests.support.exported import images, make_run

KINDS = ["cyclegan", "pix2pix", "stargan"]
RESULTS = """dataset,model,seed,source,target,metric,value,n
sky,cyclegan,0,dawn,dusk,accuracy,0.625,8
sky,cyclegan,0,dawn,night,accuracy,0.375,8
sky,stargan,0,dawn,dusk,accuracy,0.125,8
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    make_run(tmp_path / "run", "cyclegan")
    return tmp_path / "run"


@pytest.mark.parametrize("format", ["safetensors", "hub"])
@pytest.mark.parametrize("name", KINDS)
def test_an_exported_folder_gives_the_same_translator(tmp_path, name, format):
    translator = make_run(tmp_path / "run", name)
    formats.export(tmp_path / "run", format, tmp_path / "new" / "out")
    loaded = i2i.from_pretrained(tmp_path / "new" / "out")
    assert not loaded.training
    assert loaded.task == translator.task
    assert loaded.config == translator.config
    # Dropout draws its mask in memory order, which a run's loader takes from the settings, as this one does.
    again = i2i.load(tmp_path / "run")
    for direction in translator.task.directions:
        assert torch.equal(loaded.translate(images(2), *direction), again.translate(images(2), *direction))


def test_the_folder_holds_every_network_and_nothing_pickled(run, tmp_path):
    formats.export(run, "safetensors", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.safetensors", "config.json", "README.md"}
    assert load_file(tmp_path / "out" / "model.safetensors").keys() == i2i.load(run).state_dict().keys()


def test_the_config_has_settings_task_and_versions(run, tmp_path):
    formats.export(run, "hub", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["i2i"] == i2i.__version__
    assert config["settings"]["model"]["name"] == "cyclegan"
    assert config["task"]["domains"] == ["dawn", "dusk"]
    assert config["task"]["image_size"] == [64, 64]
    assert config["inference"] == "dropout off"
    assert config["images"] == 24


@pytest.mark.parametrize("format", ["safetensors", "hub"])
def test_no_path_of_this_machine_is_published(run, tmp_path, format):
    assert str(tmp_path) in json.dumps(json.loads(next(run.glob("checkpoints/*/checkpoint.json")).read_text()))
    formats.export(run, format, tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        assert str(tmp_path).encode() not in path.read_bytes()


def test_the_card_has_front_matter_that_the_hub_reads(run, tmp_path):
    formats.export(run, "hub", tmp_path / "out", license="apache-2.0")
    data = ModelCard((tmp_path / "out" / "README.md").read_text()).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "i2i", "image-to-image")
    assert {"i2i", "cyclegan"} <= set(data.tags)


def test_a_licence_that_nobody_stated_is_unknown_and_said_so(run, tmp_path, stop):
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out")
    assert status == 0, said.err
    assert "license: unknown" in said.out
    assert ModelCard((tmp_path / "out" / "README.md").read_text()).data.license == "unknown"


@pytest.mark.integration
def test_the_card_tells_data_and_budget(tmp_path):
    make("seasons", tmp_path / "sky", (32, 32), train=2, test=1)
    domains = ["summer", "winter", "night"]
    data = {"path": str(tmp_path / "sky"), "image_size": 32, "domains": domains}
    config = run_config("stargan", {"data": data, "model": {"width": 4}})
    translator = i2i.create("stargan", domains, 32, width=4)
    save_checkpoint(tmp_path / "run", translator, config.settings(), Position(3, 6, 48, 1.5), {})
    formats.export(tmp_path / "run", "hub", tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "`seasons`" in text
    assert "- train: summer 2, winter 2, night 2" in text
    assert "48 images shown, 3 steps (of 6, not finished)" in text
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert len(config["data"]["fingerprint"]) == 32
    assert f"`{config['data']['fingerprint']}`" in text
    assert f"Parameters: {sum(p.numel() for p in translator.parameters()):,} in" in text


def test_data_that_is_gone_is_named_and_not_counted(run, tmp_path):
    formats.export(run, "hub", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["data"] == {"name": "sky", "drawn": False}
    assert "so they are not counted" in (tmp_path / "out" / "README.md").read_text()


def test_a_drawn_set_that_is_not_drawn_is_named_and_not_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    config = run_config("identity", {"data": {"image_size": 32, "scenes": 2, "test_scenes": 2}})
    translator = i2i.create("identity", ["summer", "winter"], 32)
    save_checkpoint(tmp_path / "run", translator, config.settings(), Position(1, 1, 2, 1.0), {})
    formats.export(tmp_path / "run", "hub", tmp_path / "out")
    described = json.loads((tmp_path / "out" / "config.json").read_text())
    assert described["data"] == {"name": "seasons", "drawn": True}
    assert described["settings"]["data"]["scenes"] == 2
    assert not (tmp_path / "cache").exists()


def test_scores_of_the_model_and_its_directions_stand_in_the_card(run, tmp_path):
    (tmp_path / "results.csv").write_text(RESULTS)
    formats.export(run, "hub", tmp_path / "out", scores=tmp_path / "results.csv")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| sky | cyclegan | 0 | dawn | dusk | accuracy | 0.625 | 8 |" in text
    assert "0.375" not in text
    assert "0.125" not in text


def test_averaged_weights_are_exported_as_the_only_ones(tmp_path):
    translator = make_run(tmp_path / "first", "cyclegan")
    config = run_config("cyclegan", {"model": translator.config.model_dump(), "data": {"image_size": 64}})
    average = {name: tensor / 2 for name, tensor in translator.state_dict().items() if name.startswith("a_to_b")}
    save_checkpoint(tmp_path / "run", translator, config.settings(), Position(1, 1, 2, 1.0), {}, average)
    formats.export(tmp_path / "run", "hub", tmp_path / "out", weights="ema")
    loaded = i2i.from_pretrained(tmp_path / "out").state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in average.items())
    assert all(
        torch.equal(loaded[name], tensor)
        for name, tensor in i2i.load(tmp_path / "run", weights="ema").state_dict().items()
    )
    assert "moving average" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(UserError, match="no averaged weights"):
        formats.export(tmp_path / "first", "hub", tmp_path / "other", weights="ema")


def test_scores_under_another_name_are_chosen_by_row(run, tmp_path):
    (tmp_path / "results.csv").write_text(RESULTS + "sky,narrow,0,dusk,dawn,accuracy,0.875,8\n")
    formats.export(run, "hub", tmp_path / "out", scores=tmp_path / "results.csv", row="narrow")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| sky | narrow | 0 | dusk | dawn | accuracy | 0.875 | 8 |" in text
    assert "0.625" not in text


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (None, "cannot be read"),
        ("a,b\n1,2\n", "lacks the columns"),
        (RESULTS.replace("cyclegan", "reinhard"), "choose one of reinhard, stargan with --row"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_scores_that_do_not_fit_are_refused(run, tmp_path, stop, contents, reason):
    path = tmp_path / "results.csv"
    if contents is not None:
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out", "--scores", path)
    assert status == 2
    assert reason in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.integration
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("cyclegan", set()),
        ("munit", {"others", "styled"}),
        ("stargan-v2", {"others", "styled"}),
        ("bridge", {"others", "sooner"}),
        ("unsb", {"others", "sooner"}),
    ],
)
def test_the_example_of_the_card_runs_and_shows_all_that_the_model_takes(tmp_path, monkeypatch, name, more):
    make_run(tmp_path / "run", name)
    formats.export(tmp_path / "run", "hub", tmp_path / "OWNER" / "NAME")
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {}
    exec((tmp_path / "OWNER/NAME/README.md").read_text().split("```python\n")[1].split("```")[0], scope)
    assert {"others", "styled", "sooner"} & scope.keys() == more
    assert all(scope[other].shape == (1, 3, 64, 64) for other in ("translated", *more))
    assert not any(torch.equal(scope[other], scope["translated"]) for other in more)


class Api:
    """Stands for the Hub: keeps what is uploaded in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private: bool | None = None

    def create_repo(self, repository, private=None, exist_ok=False):
        assert exist_ok
        self.private = private
        return f"https://hub.test/{repository}"

    def upload_folder(self, repo_id, folder_path, commit_message):
        assert commit_message
        shutil.copytree(folder_path, self.root / repo_id)


@pytest.fixture
def fake_hub(tmp_path, monkeypatch) -> Api:
    api = Api(tmp_path / "remote")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: api)

    def download(repository, revision=None, allow_patterns=None):
        if not (api.root / repository).is_dir():
            raise huggingface_hub.errors.LocalEntryNotFoundError("no such repository\nand more")
        return str(api.root / repository)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return api


def test_what_is_pushed_is_loaded_by_its_name(run, tmp_path, stop, fake_hub):
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out", "--push", "me/sky", "--private")
    assert status == 0, said.err
    assert "uploaded to https://hub.test/me/sky" in said.out
    assert fake_hub.private is True
    assert 'from_pretrained("me/sky")' in (tmp_path / "remote/me/sky/README.md").read_text()
    loaded, trained = i2i.from_pretrained("me/sky"), i2i.load(run)
    assert torch.equal(loaded.translate(images(1), "dusk", "dawn"), trained.translate(images(1), "dusk", "dawn"))


def test_a_repository_that_is_not_there_is_refused(fake_hub):
    with pytest.raises(UserError, match=r"there is no folder me/gone, nor .* from the Hub: no such repository$"):
        i2i.from_pretrained("me/gone")


def test_a_path_that_is_not_there_is_no_traceback(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        i2i.from_pretrained(tmp_path / "gone" / "far")


def test_an_upload_that_fails_leaves_nothing(run, tmp_path, stop, monkeypatch, fake_hub):
    def fail(**arguments):
        raise PermissionError("401, you are nobody\nand more")

    monkeypatch.setattr(fake_hub, "upload_folder", fail)
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out", "--push", "me/sky")
    assert status == 2
    assert "hf auth login" in said.err
    assert "401, you are nobody" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["sky", "a/b/c", "me/", "me/s ky"])
def test_a_name_that_no_repository_can_have_is_refused_first(run, tmp_path, stop, fake_hub, name):
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out", "--push", name)
    assert status == 2
    assert "OWNER/NAME" in said.err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def folder(run, tmp_path) -> Path:
    formats.export(run, "hub", tmp_path / "out")
    return tmp_path / "out"


def test_a_truncated_file_is_refused(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"model.safetensors cannot be loaded .*:\ndownload or export it again"):
        i2i.from_pretrained(folder)


def test_the_weights_of_another_model_are_refused(folder, tmp_path):
    make_run(tmp_path / "other", "stargan")
    formats.export(tmp_path / "other", "hub", tmp_path / "stars")
    shutil.copy(tmp_path / "stars" / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(UserError, match="does not fit this model"):
        i2i.from_pretrained(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"holds no {name}"):
        i2i.from_pretrained(folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {}}, "settings: it must hold the sections model, data and train"),
        ({"task": {"domains": ["dawn"]}}, "task.domains: "),
        ({"format": 99}, "checkpoint format 99"),
        ({"settings": {"model": {"name": "evil.module"}, "data": {}, "train": {}}}, "unknown model"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(folder, change, reason):
    path = folder / "config.json"
    path.write_text(json.dumps(merge(json.loads(path.read_text()), {}) | change))
    with pytest.raises(UserError, match=reason):
        i2i.from_pretrained(folder)


def test_a_config_that_is_no_json_is_refused(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json cannot be read"):
        i2i.from_pretrained(folder)


def test_a_folder_that_does_not_load_is_never_finished(run, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "save_file", lambda tensors, path, metadata: path.write_bytes(b"half"))
    with pytest.raises(UserError):
        formats.export(run, "safetensors", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_in_use_is_refused(run, tmp_path, stop):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    status, said = stop(run, "--format", "hub", "--out", tmp_path / "out")
    assert status == 2
    assert "is not empty" in said.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_taken(run, tmp_path):
    (tmp_path / "out").mkdir()
    formats.export(run, "safetensors", tmp_path / "out")
    assert i2i.from_pretrained(tmp_path / "out").task.domains == ("dawn", "dusk")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--format", "tflite"], "unknown format 'tflite'"),
        (["--format", "hub", "--opset", "20"], "--opset goes with --format onnx, not with hub"),
        (["--format", "onnx", "--push", "me/sky"], "--push goes with --format hub"),
        (["--format", "hub", "--row", "narrow"], "--scores"),
        (["--format", "hub", "--private"], "--push OWNER/NAME"),
    ],
)
def test_options_that_do_not_go_together_are_refused(run, tmp_path, stop, options, reason):
    status, said = stop(run, "--out", tmp_path / "out", *options)
    assert status == 2
    assert reason in said.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", list(formats.FORMATS))
def test_a_folder_that_is_no_run_is_refused(tmp_path, stop, format):
    status, said = stop(tmp_path / "gone", "--format", format, "--out", tmp_path / "out")
    assert status == 2
    assert "there is no run folder" in said.err
    assert list(tmp_path.iterdir()) == []

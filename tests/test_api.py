"""The functions of `import i2i`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch

import i2i
from i2i import registry
from i2i.errors import UserError
from i2i.labels import LabelSet, LabelSpace
from i2i.runs.load import load_translator
from i2i.training.setup import run_config
from i2i.training.trainer import build_translator
from tests.support.exported import images, make_run

SMALL = {"width": 4, "discriminator_width": 4}


@pytest.mark.integration
def test_import_is_light_and_the_functions_come_when_asked_for():
    script = (
        "import sys, i2i\n"
        "heavy = {'torch', 'numpy', 'pandas', 'PIL', 'pydantic', 'huggingface_hub'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert set(i2i.__all__) <= set(dir(i2i))\n"
        "assert callable(i2i.load) and 'torch' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        i2i.laod  # noqa: B018


def test_load_gives_the_run_s_translator(tmp_path):
    make_run(tmp_path, "pix2pix")
    loaded, wanted = i2i.load(str(tmp_path)), load_translator(tmp_path)[0]
    assert not loaded.training
    assert torch.equal(loaded.translate(images(2), "dawn", "dusk"), wanted.translate(images(2), "dawn", "dusk"))


def test_a_domain_that_the_model_does_not_have_is_refused_as_by_the_contract(tmp_path):
    make_run(tmp_path, "cyclegan")
    with pytest.raises(UserError, match="unknown domain 'down'; did you mean 'dawn'"):
        i2i.load(tmp_path).translate(images(1), "down", "dusk")
    with pytest.raises(UserError, match="'dusk,dawn' is more than one domain:\nask for each by itself"):
        i2i.load(tmp_path).translate(images(1), "dawn", "dusk,dawn")


def test_a_folder_that_holds_something_else_is_told_and_not_to_be_trained_into(tmp_path):
    run = tmp_path / "bench/trainings/cut/seed0/all"
    (tmp_path / "data/train/a").mkdir(parents=True)
    (tmp_path / "file").touch()
    for action in (i2i.load, lambda place: i2i.train(resume=place)):
        with pytest.raises(UserError, match="data is no run folder, it holds other files: name the folder"):
            action(tmp_path / "data")
        with pytest.raises(UserError, match="file is a file and no run folder"):
            action(tmp_path / "file")
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench/plan.json").touch()
    with pytest.raises(UserError, match="holds a bench, of which nothing is trained yet"):
        i2i.load(tmp_path / "bench")
    (run / "checkpoints").mkdir(parents=True)
    with pytest.raises(UserError, match=f"holds a bench: name one of its run folders, such as {run}"):
        i2i.load(tmp_path / "bench")


def test_load_of_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="there is no run folder"):
        i2i.load(tmp_path / "gone")


@pytest.mark.integration
def test_create_has_the_paper_s_settings():
    translator = i2i.create("stargan", domains=["a", "b", "c"], image_size=128)
    assert translator.config == registry.get("stargan").Config()
    assert translator.task.domains == ("a", "b", "c")
    assert translator.task.image_size == (128, 128)
    assert translator.multiple == 4


def test_create_takes_settings_of_the_model():
    translator = i2i.create("cyclegan", ["a", "b"], (32, 64), channels=1, **SMALL, blocks=1)
    assert translator.config.blocks == 1
    assert translator.task.image_size == (32, 64)
    assert translator.translate(torch.zeros(2, 1, 32, 64), "b", "a").shape == (2, 1, 32, 64)


def test_create_takes_attributes():
    space = LabelSpace((LabelSet(("Young", "Male")),))
    translator = i2i.create("stargan", space, 32, **SMALL, layers=3)
    assert translator.task.labels == space


@pytest.mark.integration
def test_create_depends_on_its_seed_alone():
    first = i2i.create("cyclegan", ["a", "b"], 32, **SMALL)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    again, other = (i2i.create("cyclegan", ["a", "b"], 32, seed=seed, **SMALL) for seed in (0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    states = [translator.state_dict() for translator in (first, again, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert any(not torch.equal(states[0][name], states[2][name]) for name in states[0])


@pytest.mark.parametrize(
    ("arguments", "settings", "reason"),
    [
        (("stargun", ["a", "b"]), {}, "did you mean 'stargan'"),
        (("stargan", ["a", "b"]), {"widht": 4}, "did you mean 'width'"),
        (("stargan", ["a"]), {}, "at least two domains"),
        (("cyclegan", ["a", "b", "c"]), {}, "one pair of domains"),
        (("stargan", ["a", "b"], 30), {}, "does not divide by 4"),
        (("pix2pix", ["a", "b"], 30), {}, "cannot be halved twice"),
    ],
)
def test_create_refuses_what_cannot_be(arguments, settings, reason):
    with pytest.raises(UserError, match=reason):
        i2i.create(*arguments, **settings)


@pytest.mark.parametrize("name", ["cyclegan", "pix2pix", "stargan"])
def test_a_translator_without_a_run_can_be_saved(tmp_path, name):
    cls = registry.get(name)
    created = i2i.create(name, ["a", "b"], 32, seed=3, **cls.test_settings)
    folder = i2i.save_pretrained(created, tmp_path / "out", license="mit")
    loaded = i2i.from_pretrained(folder)
    assert loaded.config == created.config
    assert loaded.task == created.task
    assert all(torch.equal(tensor, loaded.state_dict()[key]) for key, tensor in created.state_dict().items())
    text = (folder / "README.md").read_text()
    assert "license: mit" in text
    assert "## Training\n\nNone recorded." in text


def test_a_run_is_saved_with_what_it_knows(tmp_path):
    make_run(tmp_path / "run", "stargan")
    folder = i2i.save_pretrained(tmp_path / "run", tmp_path / "out")
    assert "24 images shown" in (folder / "README.md").read_text()


def test_push_uploads_what_is_saved(tmp_path, monkeypatch):
    uploaded = {}

    class Api:
        def create_repo(self, repository, private, exist_ok):
            return f"https://hub.test/{repository}"

        def upload_folder(self, repo_id, folder_path, commit_message):
            uploaded[repo_id] = {path.name for path in folder_path.iterdir()}
            assert f'from_pretrained("{repo_id}")' in (folder_path / "README.md").read_text()

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    make_run(tmp_path / "run", "cyclegan")
    assert i2i.push_to_hub(tmp_path / "run", "me/sky") == "https://hub.test/me/sky"
    assert i2i.push_to_hub(i2i.load(tmp_path / "run"), "me/bare") == "https://hub.test/me/bare"
    files = {"model.safetensors", "config.json", "README.md"}
    assert uploaded == {"me/sky": files, "me/bare": files}
    with pytest.raises(UserError, match="OWNER/NAME"):
        i2i.push_to_hub(tmp_path / "run", "sky")


@pytest.mark.integration
def test_the_seed_of_create_is_that_of_a_training():
    config = run_config("cyclegan", {"model": SMALL, "data": {"image_size": 32}, "train": {"seed": 5}})
    created = i2i.create("cyclegan", ["a", "b"], 32, seed=5, **SMALL)
    built = build_translator(config, created.task)
    assert all(torch.equal(tensor, built.state_dict()[key]) for key, tensor in created.state_dict().items())


@pytest.mark.integration
def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    make_run(tmp_path / "runs" / "h2z", "cyclegan", ("horse", "zebra"))
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs" / "export.md").read_text()
    blocks = [part.split("```")[0] for part in page.split("```python\n")[1:]]
    *local, remote = blocks
    scope: dict[str, Any] = {}
    for code in local:
        exec(code, scope)
    assert scope["zebras"].shape == scope["images"].shape
    assert torch.equal(scope["again"].translate(scope["images"], "horse", "zebra"), scope["zebras"])
    called = []
    monkeypatch.setattr("i2i.api.translators.upload", lambda folder, *rest: called.append(rest))
    monkeypatch.setattr("i2i.api.loading.fetch", lambda *asked: called.append(asked) or tmp_path / "h2z")
    exec(remote, scope)
    assert called == [("OWNER/NAME", True), ("OWNER/NAME", "main")]


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_images_of_any_floats_are_translated_in_those_of_the_weights(kind):
    model = i2i.create("cyclegan", domains=["day", "night"], image_size=32, width=4, blocks=1)
    images = (torch.rand(2, 3, 32, 32) * 2 - 1).to(kind)
    assert torch.equal(model.translate(images, "day", "night"), model.translate(images.float(), "day", "night"))


@pytest.mark.parametrize(("source", "target"), [(0, 1), ("day", ["night"]), (None, None), ("day", b"night")])
def test_domains_that_are_no_names_and_images_that_are_no_tensor_are_user_errors(source, target):
    model = i2i.create("stargan", domains=["day", "night"], image_size=32, width=4)
    images = torch.zeros(1, 3, 32, 32)
    with pytest.raises(UserError, match="given by name, one of day, night"):
        model.translate(images, source, target)
    for wrong in (images.numpy(), [images], "x.png"):
        with pytest.raises(UserError, match=r"must be a torch\.Tensor"):
            model.translate(wrong, "day", "night")


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda _: i2i.load(None), "run is None"),
        (lambda _: i2i.from_pretrained(b"runs/x"), "source is b'runs/x'"),
        (lambda _: i2i.create(None, ["a", "b"]), "model is None"),
        (lambda _: i2i.create("cyclegan", "ab"), "domains is 'ab'"),
        (lambda _: i2i.create("cyclegan", None), "domains is None"),
        (lambda _: i2i.create("cyclegan", [1, 2]), r"domains is \[1, 2\]"),
        (lambda out: i2i.save_pretrained(3, out), "model is 3"),
        (lambda _: i2i.save_pretrained("run", None), "out is None"),
        (lambda out: i2i.save_pretrained("run", out, license=3), "license is 3"),
        (lambda out: i2i.save_pretrained("run", out, scores=["x"]), r"scores is \['x'\]"),
    ],
)
def test_arguments_of_another_type_are_named_with_what_to_give(call, told, tmp_path):
    with pytest.raises(UserError, match=f"{told}: give"):
        call(tmp_path / "out")
    assert not (tmp_path / "out").exists()

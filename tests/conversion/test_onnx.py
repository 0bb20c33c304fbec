"""Exported graphs give what `translate` gives, at any size and in any batch, and nothing wrong is ever left behind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from i2i.conversion import formats, onnx
from i2i.errors import ExportError, UserError
from i2i.labels import LabelSet, LabelSpace
from i2i.models import pix2pix
from i2i.models.pix2pix import INSTANCE_NORM, NO_DROPOUT
from i2i.translator import Noise
from tests.support.exported import images, make_run

for package in onnx.PACKAGES:
    pytest.importorskip(package, reason=f"{package} is not installed: pip install '.[onnx]'")

pytestmark = pytest.mark.slow

TOLERANCE = 1e-4
SIZES = [(1, 64, 64), (1, 128, 64), (3, 64, 192), (4, 128, 128)]
HAPPY_OR_SAD = LabelSet(("happy", "sad"), (("happy", "sad"),), "moods")
KINDS = ["cyclegan", "pix2pix", "stargan"]


def session(path: Path):
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run_graph(path: Path, batch: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
    inputs = {"images": batch.numpy()} | ({} if labels is None else {"labels": labels.numpy()})
    return torch.from_numpy(session(path).run(None, inputs)[0])


def silence(translator):
    for module in translator.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return translator


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The exported folder and the model of each kind, made when first asked for."""
    made = {}

    def of(name: str, **model):
        """Of UGATIT one direction, since a graph of it takes many seconds."""
        key = (name, *model.items())
        if key not in made:
            root = tmp_path_factory.mktemp(name)
            domains = ("dawn", "noon", "dusk") if name == "stargan" else ("dawn", "dusk")
            translator = make_run(root / "run", name, domains, 1 if name == "ugatit" else None, **model)
            lines = formats.export(root / "run", "onnx", root / "onnx")
            made[key] = root / "onnx", translator, lines
        return made[key]

    return of


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["cyclegan", "pix2pix", "pix2pixhd", "ugatit"])
def test_every_direction_gives_what_translate_gives(exported, name, size):
    folder, translator, _ = exported(name)
    batch = images(*size)
    silence(translator)
    for source, target in translator.task.directions:
        given = run_graph(folder / f"{source}2{target}.onnx", batch)
        wanted = translator.translate(batch, source, target)
        assert wanted.std() > 0.01
        assert (given - wanted).abs().max() < TOLERANCE


def test_a_model_that_is_bound_to_its_size_gives_a_graph_of_that_size(exported):
    folder, translator, _ = exported("ugatit", light=False)
    batch = images(3, *translator.task.image_size)
    given = run_graph(folder / "dawn2dusk.onnx", batch)
    assert (given - translator.translate(batch, "dawn", "dusk")).abs().max() < TOLERANCE
    assert "Height and width must be 64 and 64." in (folder / "README.md").read_text()
    with pytest.raises(Exception, match="Got invalid dimensions"):
        run_graph(folder / "dawn2dusk.onnx", images(1, 64, 128))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_graph_takes_the_label_vector_of_every_domain(exported, size):
    folder, translator, _ = exported("stargan")
    batch, domains = images(*size), translator.task.domains
    assert [path.name for path in folder.glob("*.onnx")] == ["stargan.onnx"]
    for source, target in zip(domains, domains[1:] + domains[:1], strict=True):
        labels = translator.task.labels.vector(target).expand(len(batch), -1).clone()
        given = run_graph(folder / "stargan.onnx", batch, labels)
        assert (given - translator.translate(batch, source, target)).abs().max() < TOLERANCE


def test_label_vectors_of_attributes_and_masks_are_described(tmp_path):
    space = LabelSpace((LabelSet(("Blond", "Black", "Male"), (("Blond", "Black"),), "faces"), HAPPY_OR_SAD))
    translator = make_run(tmp_path / "run", "stargan", space)
    formats.export(tmp_path / "run", "onnx", tmp_path / "onnx")
    description = json.loads((tmp_path / "onnx" / "translator.json").read_text())
    assert description["label_columns"] == [
        *("faces/Blond", "faces/Black", "faces/Male", "moods/happy", "moods/sad"),
        *("faces (mask)", "moods (mask)"),
    ]
    assert description["labels"]["moods/sad"] == [0, 0, 0, 0, 1, 0, 1]
    batch, labels = images(2), torch.tensor([[0, 1, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 1, 0]]).float()
    given = run_graph(tmp_path / "onnx" / "stargan.onnx", batch, labels)
    male = translator.translate(batch[:1], None, "faces/Black", ["faces/Blond,Male"])
    blond = translator.translate(batch[1:], None, "faces/Blond,-Male", ["faces/Black,Male"])
    assert (given - torch.cat([male, blond])).abs().max() < TOLERANCE


def test_images_of_a_batch_can_go_to_different_domains(exported):
    folder, translator, _ = exported("stargan")
    task, batch = translator.task, images(3)
    given = run_graph(folder / "stargan.onnx", batch, torch.eye(3))
    for number, target in enumerate(task.domains):
        wanted = translator.translate(batch[number][None], None, target)[0]
        assert (given[number] - wanted).abs().max() < TOLERANCE
    assert (given[0] - run_graph(folder / "stargan.onnx", batch, torch.eye(3).flip(0))[0]).abs().max() > 0.01


@pytest.mark.parametrize("name", KINDS)
def test_an_image_does_not_depend_on_its_batch(exported, name):
    folder, translator, _ = exported(name)
    (path, *_), batch = sorted(folder.glob("*.onnx")), images(3)
    labels = torch.eye(3)[:, : translator.task.labels.width] if "labels" in translator.takes else None
    together = run_graph(path, batch, labels)
    for number in range(3):
        some = slice(number, number + 1)
        alone = run_graph(path, batch[some], None if labels is None else labels[some])
        assert (together[some] - alone).abs().max() < 1e-5


def test_batch_norm_by_running_statistics_stays_one(exported):
    folder, translator, lines = exported("pix2pix", test_statistics="running", test_dropout=False)
    batch = images(3)
    given = run_graph(folder / "dawn2dusk.onnx", batch)
    assert (given - translator.translate(batch, "dawn", "dusk")).abs().max() < TOLERANCE
    by_image, *_ = exported("pix2pix")
    assert (given - run_graph(by_image / "dawn2dusk.onnx", batch)).abs().max() > 0.01
    assert not {NO_DROPOUT, INSTANCE_NORM} & set(lines)


def test_dropout_left_out_is_said_on_the_terminal_and_in_the_card(exported):
    folder, _, lines = exported("pix2pix")
    for note in (NO_DROPOUT, INSTANCE_NORM):
        assert note in lines
        assert note in (folder / "README.md").read_text()
        assert note in json.loads((folder / "translator.json").read_text())["notes"]


@pytest.mark.parametrize("name", KINDS)
def test_file_and_description_say_how_to_use_it(exported, name):
    folder, translator, _ = exported(name)
    description = json.loads((folder / "translator.json").read_text())
    for file, facts in description["files"].items():
        meta = session(folder / file).get_modelmeta().custom_metadata_map
        assert meta["model"] == description["model"] == name
        assert json.loads(meta["domains"]) == description["domains"] == list(translator.task.domains)
        assert json.loads(meta["multiple"]) == description["multiple"] == translator.multiple
        assert json.loads(meta["value_range"]) == [-1, 1]
        assert facts["largest_difference"] < TOLERANCE
        assert meta.get("source") == facts.get("source")
    assert {file.name for file in folder.glob("*.onnx")} == description["files"].keys()
    if name == "stargan":
        assert description["labels"] == {"dawn": [1, 0, 0], "noon": [0, 1, 0], "dusk": [0, 0, 1]}
        assert description["label_columns"] == ["dawn", "noon", "dusk"]


@pytest.mark.parametrize("name", KINDS)
def test_the_graph_holds_only_what_translating_needs(exported, name):
    import onnx

    folder, translator, _ = exported(name)
    used = translator.a_to_b if name == "cyclegan" else translator.generator
    needed = sum(parameter.numel() for parameter in used.parameters())
    for path in folder.glob("*.onnx"):
        stored = onnx.load(path).graph.initializer
        assert sum(int(np.prod(tensor.dims)) for tensor in stored) < 1.1 * needed + 1000


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_the_card_runs(exported, name, monkeypatch):
    folder, _, _ = exported(name)
    code = (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(folder)
    scope: dict[str, object] = {}
    exec(code, scope)
    assert scope["translated"].shape == (1, 3, 64, 64)


def test_models_without_networks_are_exported_too(tmp_path):
    translator = make_run(tmp_path / "run", "reinhard", ("noon", "dusk"))
    formats.export(tmp_path / "run", "onnx", tmp_path / "onnx")
    assert {path.name for path in (tmp_path / "onnx").glob("*.onnx")} == {"noon2dusk.onnx", "dusk2noon.onnx"}
    batch = images(2, 31, 17)
    given = run_graph(tmp_path / "onnx" / "noon2dusk.onnx", batch)
    assert (given - translator.translate(batch, "noon", "dusk")).abs().max() < TOLERANCE


@pytest.fixture
def traced(exported, tmp_path, monkeypatch):
    """A run folder whose graph was traced before and is taken from there, since that takes seconds."""
    folder, *_ = exported("stargan")
    shutil.copytree(folder.parent / "run", tmp_path / "run")
    monkeypatch.setattr(onnx, "_write", lambda path, *_: bool(shutil.copy(folder / path.name, path)) and 20)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("error", [0.01, float("nan")])
def test_a_graph_that_differs_is_not_kept(tmp_path, monkeypatch, stop, error):
    run = onnx._Session.run
    monkeypatch.setattr(onnx._Session, "run", lambda self, inputs: run(self, inputs) + error)
    status, said = stop(tmp_path / "run", "--format", "onnx", "--out", tmp_path / "onnx")
    assert status == 1
    assert "stargan.onnx differs from PyTorch by" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_batch_norm_forgotten_is_found_out(tmp_path, monkeypatch):
    make_run(tmp_path / "run", "pix2pix", depth=3)
    monkeypatch.setattr(pix2pix, "use_instance_norms", lambda network: None)
    with pytest.raises(ExportError, match="dawn2dusk"):
        formats.export(tmp_path / "run", "onnx", tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_a_graph_of_one_size_is_found_out(tmp_path, monkeypatch):
    make_run(tmp_path / "run", "stargan")
    free = {"images": {0: "batch", 2: "height"}, "labels": {0: "batch"}}
    monkeypatch.setattr("i2i.conversion.onnx_graphs._free", lambda cases, inputs: free)
    with pytest.raises(ExportError, match=r"stargan.onnx does not run with images \[2, 3, 64, 72\], labels \[2, 2\]"):
        formats.export(tmp_path / "run", "onnx", tmp_path / "onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_opset_can_be_chosen(tmp_path, stop):
    import onnx

    make_run(tmp_path / "run", "stargan")
    status, said = stop(tmp_path / "run", "--format", "onnx", "--out", tmp_path / "onnx", "--opset", 18)
    assert status == 0, said.err
    assert "opset 18" in said.out
    assert "license: unknown" in said.out
    assert [entry.version for entry in onnx.load(tmp_path / "onnx" / "stargan.onnx").opset_import] == [18]


@pytest.mark.parametrize(("opset", "reason"), [(999, "knows 1 to"), (0, "knows 1 to"), (9, "use --opset 18")])
def test_an_opset_that_cannot_be_is_refused(tmp_path, stop, opset, reason):
    make_run(tmp_path / "run", "cyclegan")
    status, said = stop(tmp_path / "run", "--format", "onnx", "--out", tmp_path / "onnx", "--opset", opset)
    assert status == 2
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "onnx").exists()


@pytest.mark.usefixtures("traced")
def test_an_opset_that_the_runtime_does_not_know_is_refused(tmp_path, monkeypatch):
    import onnxruntime

    def refuse(*arguments, **options):
        raise RuntimeError("opset 27 is under development")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(UserError, match="choose a lower --opset"):
        formats.export(tmp_path / "run", "onnx", tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_missing_packages_are_named_with_the_extra(tmp_path, monkeypatch, stop):
    make_run(tmp_path / "run", "stargan")
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxscript" else object())
    status, said = stop(tmp_path / "run", "--format", "onnx", "--out", tmp_path / "onnx")
    assert status == 2
    assert "needs onnxscript: pip install 'i2i[onnx]'" in said.err
    assert not (tmp_path / "onnx").exists()


@pytest.mark.parametrize(
    ("name", "model", "options"),
    [
        ("munit", {}, {}),
        ("stargan-v2", {}, {}),
        ("bridge", {"multipliers": (1,)}, {"sampling_steps": 2}),
    ],
    ids=str,
)
def test_noise_and_reference_images_are_inputs(tmp_path, capsys, name, model, options):
    side = 32  # fewer levels, and so fewer operations to trace
    translator = make_run(tmp_path / "run", name, ways=1, side=side, **model)
    formats.export(tmp_path / "run", "onnx", tmp_path / "onnx", **options)
    assert ("writes out every sampling step" in capsys.readouterr().err) == ("sampling_steps" in translator.takes)
    files = json.loads((tmp_path / "onnx" / "translator.json").read_text())["files"]
    batch, like = images(2, side, side), images(2, side, side, seed=9)
    noise = Noise([4, 5]).normal(*_lengths(files["dawn2dusk.onnx"]["inputs"]["noise"], side))
    (given,) = session(tmp_path / "onnx/dawn2dusk.onnx").run(None, {"images": batch.numpy(), "noise": noise.numpy()})
    wanted = translator.translate(batch, "dawn", "dusk", seeds=[4, 5], **options)
    assert (torch.from_numpy(given) - wanted).abs().max() < TOLERANCE
    if "reference" in translator.takes:
        graph = session(tmp_path / "onnx/dawn2dusk.reference.onnx")
        (given,) = graph.run(None, {"images": batch.numpy(), "reference": like.numpy()})
        wanted = translator.translate(batch, "dawn", "dusk", reference=like)
        assert (torch.from_numpy(given) - wanted).abs().max() < TOLERANCE
    assert '"noise": np.random.normal' in (tmp_path / "onnx" / "README.md").read_text()


def _lengths(shape, side):
    return [side if isinstance(length, str) else length for length in shape[1:]]

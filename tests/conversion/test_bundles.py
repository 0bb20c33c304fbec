"""Reference files that hold several networks by name are taken and given whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from i2i.conversion.formats import export
from i2i.conversion.from_reference import import_run
from i2i.errors import UserError
from i2i.interop.family import Bundle
from i2i.registry import get
from i2i.runs.load import load_translator, require_checkpoint
from tests.support import reference

NAMES = {"genA2B": "G_A", "genB2A": "G_B", "disA": "D_A", "disB": "D_B"}
# Of networks of two families under the same names, in two files.
SPLIT = (
    Bundle("gen_{step:08d}.pt", {"a": "G_A", "b": "G_B"}),
    Bundle("dis_{step:08d}.pt", {"a": "D_A", "b": "D_B"}),
)


def states() -> dict[str, dict[str, torch.Tensor]]:
    stored = reference.weights("training_cyclegan")
    return {name: stored[f"net{name}"] for name in NAMES.values()}


@pytest.fixture
def cyclegan(monkeypatch):
    """CycleGAN as if its reference had other files."""

    def with_bundles(*bundles: Bundle) -> None:
        monkeypatch.setattr(get("cyclegan"), "reference", replace(get("cyclegan").reference, bundles=bundles))

    with_bundles(Bundle("params_{step:07d}.pt", NAMES, ignored=("landmarks",)))
    return with_bundles


def save(path: Path, **networks: object) -> Path:
    torch.save(networks, path)
    return path


def bundle(path: Path, **others: object) -> Path:
    return save(path, **{own: states()[name] for own, name in NAMES.items()}, **others)


def take(folder: Path, *files: Path) -> Path:
    import_run(files, "cyclegan", ["horse", "zebra"], {"data": {"image_size": 64}}, folder / "run")
    return folder / "run"


def assert_weights(run: Path) -> None:
    translator, _ = load_translator(run)
    for name, network in (("G_B", translator.b_to_a.layers[1]), ("D_A", translator.discriminator_b.trunk[0])):
        key = "model.1.weight" if name.startswith("G") else "model.0.weight"
        assert torch.equal(network.weight, states()[name][key])


def test_all_networks_of_a_file_are_taken(tmp_path, cyclegan):
    run = take(tmp_path, bundle(tmp_path / "whatever.pt"))
    assert_weights(run)
    origin = require_checkpoint(run).meta["origin"]
    assert [one["name"] for one in origin["files"]] == ["whatever.pt"] * 4
    assert [one["network"] for one in origin["files"]] == ["a_to_b", "b_to_a", "discriminator_b", "discriminator_a"]


@pytest.mark.integration
def test_an_export_is_the_imported_file_again(tmp_path, cyclegan):
    given = torch.load(bundle(tmp_path / "x.pt"), weights_only=True)
    (tmp_path / "out").mkdir()
    export(take(tmp_path, tmp_path / "x.pt"), "reference", tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "params_0000000.pt"
    written = torch.load(file, weights_only=True)
    assert list(written) == list(given)
    for name, state in given.items():
        assert list(written[name]) == list(state)
        assert all(torch.equal(written[name][key], value) for key, value in state.items())


@pytest.mark.integration
def test_equal_names_in_two_files_are_told_apart_by_what_the_networks_are(tmp_path, cyclegan):
    cyclegan(*SPLIT)
    generators = save(tmp_path / "gen_00000001.pt", a=states()["G_A"], b=states()["G_B"])
    critics = save(tmp_path / "dis_00000001.pt", a=states()["D_A"], b=states()["D_B"])
    run = take(tmp_path, critics, generators)
    assert_weights(run)
    export(run, "reference", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dis_00000000.pt", "gen_00000000.pt"]


def test_a_file_that_is_only_read_is_not_written(tmp_path, cyclegan):
    cyclegan(*SPLIT, Bundle("all.pt", NAMES, written=False))
    export(take(tmp_path, bundle(tmp_path / "all.pt")), "reference", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dis_00000000.pt", "gen_00000000.pt"]


def test_what_a_model_does_without_is_left_out(tmp_path, cyclegan):
    assert_weights(take(tmp_path, bundle(tmp_path / "x.pt", landmarks={"conv.weight": torch.zeros(2)})))


def test_the_prefix_of_parallel_training_is_taken_off_each_network(tmp_path, cyclegan):
    wrapped = {own: {f"module.{key}": value for key, value in states()[name].items()} for own, name in NAMES.items()}
    assert_weights(take(tmp_path, save(tmp_path / "x.pt", **wrapped)))


@pytest.mark.parametrize(
    ("networks", "complaint"),
    [
        ({"genA2B": "G_A", "more": "G_B"}, r"x.pt \(more\) is none of the networks in files of cyclegan"),
        (
            {"genA2B": "G_A", "mapping_network": "G_B"},
            r"files of stargan-v2 hold one: take it with --model stargan-v2$",
        ),
        ({"genA2B": "D_A"}, r"x.pt \(genA2B\) is a PatchGAN and its name says G_A"),
        ({"disA": "D_A"}, "there is no generator, and without one nothing translates: give its file too, as in "),
    ],
)
def test_networks_that_do_not_belong_are_refused(tmp_path, cyclegan, networks, complaint):
    save(tmp_path / "x.pt", **{own: states()[name] for own, name in networks.items()})
    with pytest.raises(UserError, match=complaint):
        take(tmp_path, tmp_path / "x.pt")
    assert not (tmp_path / "run").exists()


def test_the_same_network_of_two_files_is_refused(tmp_path, cyclegan):
    files = bundle(tmp_path / "last.pt"), bundle(tmp_path / "average.pt")
    with pytest.raises(UserError, match=r"last.pt \(genA2B\) and .*average.pt \(genA2B\) are the same network.*one of"):
        take(tmp_path, *files)


@pytest.mark.parametrize("content", [{"a": {}}, {"a": 3}, {"a": {"w": 3}}, {"a": {"w": torch.ones(1)}, "epoch": 3}])
def test_what_is_no_network_is_refused(tmp_path, cyclegan, content):
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(UserError, match="holds no network: a state dict, tensors by name"):
        take(tmp_path, tmp_path / "x.pt")

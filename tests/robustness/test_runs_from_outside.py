"""Run folders from somebody else, or that cannot be read: told in a line, and nothing is taken or lost."""

import errno
import json
import os
import resource
import shutil
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import i2i
from i2i import registry
from i2i.errors import Damaged, UserError
from i2i.labels import LabelSpace
from i2i.metrics.features.domain_classifier import DomainClassifier
from i2i.runs.checkpoint_meta import Meta
from i2i.runs.folder import intact_checkpoint, newest_checkpoint, set_aside_damaged
from i2i.runs.load import load_translator, require_checkpoint
from i2i.runs.lock import sole_training
from i2i.testing import CPU, Subject
from i2i.training.callbacks.metrics_file import MetricsFile
from i2i.training.trainer import Trainer
from i2i.utils.checksums import SEAL, sealed
from i2i.utils.locks import Lock
from tests.robustness import fuzz_runs


def trainer(run, **train):
    subject = Subject(registry.get("cyclegan"))
    return Trainer(run, subject.config(**train), subject.task, subject.training_images(), CPU)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run folder with the checkpoints of steps 3 and 6."""
    run = tmp_path_factory.mktemp("trained") / "run"
    trainer(run, checkpoint_every=3, ema=0.9).train()
    return run


@pytest.fixture
def run(trained, tmp_path):
    return Path(shutil.copytree(trained, tmp_path / "run"))


def newest(run):
    return require_checkpoint(run).folder


def rewrite(run, change):
    """Change the contents of the newest checkpoint.json, with a right checksum."""
    path = newest(run) / "checkpoint.json"
    meta = json.loads(path.read_text())
    change(meta)
    path.write_bytes(sealed({name: value for name, value in meta.items() if name != SEAL}))


# Contents


@pytest.mark.parametrize(
    ("change", "entry"),
    [
        (lambda meta: meta.update(step="6"), "step: "),
        (lambda meta: meta.update(images=-1), "images: "),
        (lambda meta: meta.update(steps=True), "steps: "),
        (lambda meta: meta.update(seconds=float("inf")), "seconds: "),
        (lambda meta: meta.update(task=["dawn", "noon"]), "task: "),
        (lambda meta: meta["task"].update(channels=33), "task.channels: "),
        (lambda meta: meta["task"].update(channels=4), "different sizes or channels"),
        (lambda meta: meta["task"].update(image_size=[32, 10**9]), r"task.image_size.1: "),
        (lambda meta: meta["task"].update(directions=[["dawn", "dusk"]]), "task: a direction does not lead"),
        (lambda meta: meta["task"].update(domains=["a", "b"]), "task: the domains are not those of the labels"),
        (lambda meta: meta["task"]["labels"][0].update(columns=["dawn", "dawn"]), "'dawn' stands twice"),
        (lambda meta: meta["settings"].pop("train"), "settings: it must hold the sections"),
        (lambda meta: meta["settings"]["data"].update(background=7), "setting data.background"),
        (lambda meta: meta["settings"]["data"].update(image_size=[16, 16]), "different sizes or channels"),
        (lambda meta: meta["settings"]["model"].update(name=["cyclegan"]), "model.name must name a model"),
        (lambda meta: meta.update(files={"../../secret": "00"}), "must stay inside their folder"),
        (lambda meta: meta.update(processes=0), "processes: "),
    ],
)
def test_contents_that_cannot_be_are_damage_told_by_file_and_entry_whatever_the_checksum(run, change, entry):
    rewrite(run, change)
    with pytest.raises(
        Damaged, match=f"checkpoint.json cannot be used .*{entry}.*:\nremove .* to use that of step 3"
    ) as told:
        newest_checkpoint(run)
    assert len(str(told.value).splitlines()) == 2
    assert intact_checkpoint(run)[0].position.step == 3


def test_what_is_written_is_what_is_read_and_entries_of_later_versions_stay(run):
    rewrite(run, lambda meta: meta.update(later={"entry": [1]}))
    written = json.loads((newest(run) / "checkpoint.json").read_text())
    assert require_checkpoint(run).meta == written
    assert isinstance(require_checkpoint(run).facts, Meta)
    assert load_translator(run)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"width": 2048, "discriminator_width": 2048}, r"does not fit this model: its \S+ is \[\d+"),
        ({"blocks": 7}, "is absent and the settings ask for"),
        ({"width": 10**9}, "setting model.width=1000000000 does not fit"),
    ],
)
def test_a_network_that_its_files_do_not_hold_is_refused_before_memory_is_taken(run, change, told):
    rewrite(run, lambda meta: meta["settings"]["model"].update(change))
    folder = run.parent / "hub"
    folder.mkdir()
    shutil.copy(newest(run) / "model.safetensors", folder)
    meta = json.loads((newest(run) / "checkpoint.json").read_text())
    (folder / "config.json").write_text(json.dumps({k: v for k, v in meta.items() if k not in (SEAL, "files")}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for load in (load_translator, i2i.from_pretrained):
        with pytest.raises(UserError, match=told):
            load(run if load is load_translator else folder)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB; the first asks for some GiB


def states(run, change):
    path = newest(run) / "training.pt"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    fuzz_runs.seal(newest(run))


def first_moments(state):
    return next(iter(state["optimizers"].values()))["state"][0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda state: first_moments(state).update(exp_avg=torch.zeros(3)),
            r"exp_avg of parameter 0 has the shape \[3\]",
        ),
        (lambda state: first_moments(state).update(exp_avg=torch.zeros(1).expand(10**12)), "has the shape"),
        (lambda state: first_moments(state).update(step="1"), "step of parameter 0 is no tensor"),
        (lambda state: first_moments(state).pop("exp_avg_sq"), "it lacks 'exp_avg_sq'"),
        (lambda state: first_moments(state)["exp_avg"].fill_(float("nan")), "exp_avg of parameter 0 is not finite"),
        (lambda state: next(iter(state["optimizers"].values())).update(state={5: {}}), "its optimizer is not of"),
        (lambda state: state.pop("optimizers"), "it lacks 'optimizers'"),
        (lambda state: state["translator"].update(pool_a=torch.zeros(2, 3, 8, 8)), "a pool of .* cannot hold"),
        (lambda state: state.update(translator={"pool": torch.zeros(1)}), "own state does not hold pool_a"),
        (lambda state: state.update(log={"x": 1}), "training.pt cannot be loaded"),
    ],
)
def test_states_of_a_training_that_do_not_fit_are_told_when_it_is_resumed(run, change, told):
    states(run, change)
    with pytest.raises(Damaged, match=told):
        trainer(run)


def test_checkpoints_with_the_words_of_earlier_versions_are_read(run, tmp_path):
    states(run, lambda state: state.update({"optimisers": state.pop("optimizers")}))
    now, before = trainer(run).optimizers, trainer(tmp_path / "fresh").optimizers
    assert all(now[name].state and not before[name].state for name in now)
    rewrite(run, lambda meta: meta["settings"]["model"].update(name="pix2pix", test_statistics="picture"))
    assert require_checkpoint(run).settings["model"]["test_statistics"] == "image"


@pytest.mark.integration
def test_a_classifier_whose_header_lies_is_refused_before_memory_is_taken(tmp_path):
    classifier = DomainClassifier(LabelSpace.of_domains(["dawn", "dusk"]), (16, 16), backbone="resnet10t")
    classifier.save(tmp_path / "classifier.safetensors")
    weights = load_file(tmp_path / "classifier.safetensors")
    for header in (
        {"backbone": "resnet200", "labels": classifier.labels.settings(), "size": [16, 16]},
        {"backbone": "resnet10t", "labels": classifier.labels.settings(), "size": ["16", 16]},
        {"backbone": "resnet10t", "labels": [{"columns": 3}], "size": [16, 16]},
        {"backbone": 5, "labels": classifier.labels.settings(), "size": [16, 16]},
        [],
    ):
        save_file(weights, tmp_path / "other.safetensors", {"classifier": json.dumps(header)})
        with pytest.raises(UserError, match="is damaged or not a domain classifier"):
            DomainClassifier.load(tmp_path / "other.safetensors")


# Links


def test_a_link_out_of_a_run_folder_keeps_a_training_from_starting_and_nothing_behind_it_is_touched(run, tmp_path):
    secret, elsewhere = tmp_path / "secret", tmp_path / "elsewhere"
    secret.write_text("kept")
    (elsewhere / "inner").mkdir(parents=True)
    for name in ("metrics.jsonl", "config.yaml", ".lock", "samples", "tensorboard", "checkpoints/00000009"):
        link = run / name
        link.unlink(missing_ok=True)
        link.symlink_to(secret if "." in name else elsewhere)
        with pytest.raises(UserError, match="is a link"), sole_training(run):
            pass
        link.unlink()
    assert secret.read_text() == "kept"
    assert [path.name for path in elsewhere.rglob("*")] == ["inner"]
    with sole_training(run):
        assert json.loads((run / ".lock").read_text())["pid"] == os.getpid()


def test_a_link_that_comes_later_is_not_written_through_either(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("kept")
    log = MetricsFile(tmp_path, 0)
    (tmp_path / "metrics.jsonl").symlink_to(secret)
    with pytest.raises(UserError, match=r"metrics\.jsonl is a link"):
        log._append({"step": 1})
    (tmp_path / "lock").symlink_to(secret)
    with pytest.raises(UserError, match="lock is a link"):
        Lock(tmp_path / "lock")
    assert secret.read_text() == "kept"


# What cannot be read is not damaged


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.ENOMEM, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("name", ["checkpoint.json", "model.safetensors", "checkpoints"])
def test_what_cannot_be_read_just_now_is_neither_called_damaged_nor_set_aside(run, monkeypatch, name, number):
    def refuse(method):
        def guarded(path, *rest, **options):
            if path.name == name:
                raise OSError(number, os.strerror(number), str(path))
            return method(path, *rest, **options)

        return guarded

    for method in ("open", "read_bytes", "iterdir"):
        monkeypatch.setattr(Path, method, refuse(getattr(Path, method)))
    with pytest.raises(UserError, match=f"{name} cannot be read just now .{os.strerror(number)}") as told:
        set_aside_damaged(run)
    assert not isinstance(told.value, Damaged)
    monkeypatch.undo()
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == ["00000003", "00000006"]


def test_want_of_memory_while_states_are_loaded_is_no_damage(run, monkeypatch):
    def no_memory(*arguments, **options):
        return torch.empty(2**60)

    monkeypatch.setattr(torch, "load", no_memory)
    with pytest.raises(RuntimeError, match="allocate"):
        require_checkpoint(run).training()


# Values that are not finite


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["last", "ema", "best"])
def test_weights_that_are_not_finite_are_told_by_name_whichever_are_taken(run, kind, value):
    file = {"last": "model", "ema": "ema", "best": "best"}[kind]
    path = newest(run) / f"{file}.safetensors"
    weights = load_file(newest(run) / "model.safetensors" if kind == "best" else path)
    name = sorted(weights)[0]
    weights[name].view(-1)[0] = value
    save_file(weights, path)
    best = {"step": 1, "images": 2, "metric": "psnr", "value": 1.0}
    rewrite(run, lambda meta: (meta.update(best=best), meta["files"].update({path.name: "0"})))
    fuzz_runs.seal(newest(run))
    with pytest.raises(
        UserError, match=f"{file}.safetensors cannot be loaded .1 of .* values of {name} are not finite"
    ):
        load_translator(run, weights=kind)


def test_a_model_in_memory_that_is_not_finite_is_not_exported(run, tmp_path):
    translator = load_translator(run)[0]
    name, parameter = next(translator.named_parameters())
    parameter.data[0] = float("nan")
    with pytest.raises(UserError, match=f"values of {name} are not finite"):
        i2i.save_pretrained(translator, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Permissions


@pytest.mark.integration
def test_every_file_of_a_run_has_the_permissions_of_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        trainer(tmp_path / "run", ema=0.5).train()
        i2i.save_pretrained(tmp_path / "run", tmp_path / "hub")
    finally:
        os.umask(before)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".safetensors", ".pt", ".json", ".yaml"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}


# Fuzzed


@pytest.mark.slow
def test_changed_run_folders_end_in_a_result_or_in_two_lines_at_most(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    cases, faults, _ = fuzz_runs.fuzz(range(60), seed=1, place=tmp_path)
    assert cases == 60
    assert not faults, "\n".join(f"{fault.told}\n{fault.trace}" for fault in faults)


def test_the_fuzzer_of_run_folders_finds_what_ends_in_a_traceback(run, monkeypatch, tmp_path):
    def broken(*arguments):
        raise KeyError("step")

    monkeypatch.setattr(fuzz_runs.cli, "main", broken)
    (tmp_path / "sky").mkdir()
    *_, fault = fuzz_runs.run_case(0, 0, [run], tmp_path)
    assert "KeyError" in fault.trace

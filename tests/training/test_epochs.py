"""Budgets in epochs are counted in images once the data are open, and only images are kept."""

import shutil
import sys
from pathlib import Path

import pytest

from i2i import cli, registry
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.report.captions import budget_text
from i2i.benchmarks.suite.overrides import budget_assignments, load_suite
from i2i.config import DataConfig
from i2i.data.open import open_data
from i2i.errors import UserError
from i2i.runs.load import require_checkpoint
from i2i.training.budget import epoch_of, in_images, training_budget
from i2i.training.setup import check_trainable, run_config, task_of
from i2i.translator import Coverage, Task
from tests.data.test_celeba import celeba, opened
from tests.robustness.test_bad_input import data_set, image

TINY = ["data.image_size=16", "model.width=2", "model.blocks=1", "model.discriminator_width=2", "model.layers=1"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))


def uneven(root: Path, paired: bool = False) -> Path:
    """Two images of dawn and two of dusk, and without pairs three more of dusk."""
    data_set(root, paired=paired)
    for number in range(2, 2 if paired else 5):
        image(root / "train" / "dusk" / f"{number}.png")
    return root


def steps(model: str, data, epochs: float, batch_size: int) -> int:
    train = {"epochs": epochs, "batch_size": batch_size}
    settings = {"model": registry.get(model).test_settings, "data": {"image_size": [16, 16]}, "train": train}
    config = in_images(run_config(model, settings), data)
    return training_budget(config, check_trainable(config, task_of(config, data))).steps


def run(*arguments: object) -> int:
    sys.argv = ["i2i", *map(str, arguments)]
    with pytest.raises(SystemExit) as stopped:
        cli.main()
        sys.exit(0)
    return stopped.value.code or 0


@pytest.mark.parametrize(
    ("model", "paired", "batch_size", "expected"),
    [("pix2pix", True, 1, 6), ("cyclegan", False, 1, 11), ("stargan", False, 2, 11), ("stargan", False, 7, 3)],
)
def test_three_epochs_show_as_many_images_as_three_times_the_training_split(
    tmp_path, model, paired, batch_size, expected
):
    """Of two pairs that is two steps of a pair an epoch; of two and five images seven, in pairs or alone."""
    data = open_data(DataConfig(path=uneven(tmp_path / "sky", paired)))
    assert epoch_of(data, "train") == (4 if paired else 7)
    assert steps(model, data, 3, batch_size) == expected


def test_an_image_with_several_attributes_counts_once(tmp_path):
    data = opened(celeba(tmp_path))
    listed = [one for domain in data.domains for one in data.images("train", domain)]
    assert (epoch_of(data, "train"), len(listed) > 20) == (20, True)


def test_only_the_domains_that_are_learnt_count(tmp_path):
    data = open_data(DataConfig(path=data_set(tmp_path / "sky", domains="dawn dusk noon")))
    assert (epoch_of(data, "train"), epoch_of(data.restricted(["dawn", "noon"]), "train")) == (6, 4)


def test_parts_of_an_epoch_are_rounded_and_show_something(tmp_path):
    data = open_data(DataConfig(path=uneven(tmp_path / "sky")))
    images = [
        in_images(run_config("cyclegan", {"train": {"epochs": epochs}}), data).train.budget
        for epochs in (0.01, 0.5, 1.3)
    ]
    assert images == [("images", 1), ("images", 4), ("images", 9)]


def test_epochs_have_the_key_of_as_many_images(tmp_path):
    data = open_data(DataConfig(path=uneven(tmp_path / "sky")))
    counted = in_images(run_config("cyclegan", {"train": {"epochs": 2}}), data)
    assert counted == run_config("cyclegan", {"train": {"images": 14}})
    assert "epochs" not in counted.essentials()["train"]
    assert in_images(counted, data) is counted


@pytest.mark.parametrize("epochs", [0, -1, "many", 1e13])
def test_epochs_that_are_none_are_refused(epochs):
    with pytest.raises(UserError, match=rf"setting train\.epochs={epochs!r}"):
        run_config("cyclegan", {"train": {"epochs": epochs}})
    with pytest.raises(UserError, match=r"suite\.budget\.epochs="):
        load_suite("quick", None, {}, budget_assignments(f"epochs={epochs}"))


def test_a_misspelt_unit_is_told_the_nearest_and_two_are_refused():
    with pytest.raises(UserError, match="did you mean 'epochs'"):
        run_config("cyclegan", {"train": {"epoch": 2}})
    with pytest.raises(UserError, match="unknown kind of budget 'epoch'; did you mean 'epochs'"):
        budget_assignments("epoch=2")
    with pytest.raises(UserError, match=r"choose one of images=5, epochs=6"):
        run_config("cyclegan", {"train": {"images": 5, "epochs": 6}})


def test_epochs_that_nobody_has_counted_are_no_steps():
    config = run_config("cyclegan", {"train": {"epochs": 2}})
    with pytest.raises(UserError, match=r"train\.epochs=2 .*\.in_images counts them"):
        check_trainable(config, Task.covering(Coverage.PAIR, ("dawn", "dusk"), (64, 64)))


@pytest.mark.slow
def test_i2i_train_takes_epochs_tells_and_keeps_images_and_goes_on_to_more(tmp_path, capsys):
    data, out = uneven(tmp_path / "sky"), tmp_path / "run"
    options = [f"--set={one}" for one in TINY]
    run(
        "train",
        "--model",
        "cyclegan",
        "--data",
        data,
        "--device",
        "cpu",
        "--out",
        out,
        *options,
        "--set=train.epochs=1",
    )
    assert "budget: 1 epochs of 7 images: 7 images" in capsys.readouterr().err
    kept = require_checkpoint(out)
    assert (kept.budget, kept.position.step) == (("images", 7), 4)
    run("train", "--resume", out, "--device", "cpu", "--set=train.epochs=2")
    assert "budget: 2 epochs of 7 images: 14 images" in capsys.readouterr().err
    kept = require_checkpoint(out)
    assert (kept.budget, kept.position.step) == (("images", 14), 7)


def planned(tmp_path: Path, budget: str, models: str = "cyclegan,stargan"):
    data = tmp_path / "sky"
    if not data.is_dir():
        data_set(data, domains="dawn dusk noon")
        image(data / "train" / "noon" / "2.png")
    shutil.rmtree(tmp_path / "bench", ignore_errors=True)
    suite = load_suite("quick", models, {"path": str(data), "image_size": 64}, budget_assignments(budget))
    return prepare(suite, tmp_path / "bench")


def amounts(plan) -> dict[str, float]:
    return {str(training.id): training.amount for training in plan.training_runs if training.amount}


@pytest.mark.integration
def test_epochs_of_a_bench_are_divided_as_their_images_are(tmp_path):
    by_epochs, by_images = planned(tmp_path, "epochs=6"), planned(tmp_path, "images=42")
    assert amounts(by_epochs) == amounts(by_images)
    assert set(amounts(by_epochs).values()) == {14, 42}
    assert {job.key for job in by_epochs.jobs} == {job.key for job in by_images.jobs}
    assert by_epochs.facts.as_json()["budget"] == {"images": 42, "per": "dataset"}
    assert by_epochs.facts.suite.budget.epochs == 6
    assert {training.unit for training in by_epochs.training_runs} == {"images"}


@pytest.mark.integration
def test_with_per_task_each_training_gets_epochs_of_its_own_domains(tmp_path):
    plan = planned(tmp_path, "epochs=2,per=task")
    assert amounts(plan) == {
        "cyclegan/seed0/dawn-dusk": 8,
        "cyclegan/seed0/dawn-noon": 10,
        "cyclegan/seed0/dusk-noon": 10,
        "stargan/seed0/all": 14,
    }
    budgets = {job.settings["train"]["images"] for job in plan.jobs if job.stage == "train"}
    assert {8, 10, 14} <= budgets
    assert budget_text(plan) == "Budget: 2 epochs (8 to 14 images) for each training."
    assert plan.facts.as_json()["budget"] == {"epochs": 2, "per": "task"}

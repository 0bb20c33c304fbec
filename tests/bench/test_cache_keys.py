"""A key holds what a result was made from: what changes the result changes its key, and those of what rests on it."""

import pytest

from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.suite.overrides import load_suite

TINY = [
    "data.image_size=16",
    "data.scenes=4",
    "data.test_scenes=2",
    "data.domains=summer,winter",
    "budget.images=16",
    "classifier.images=32",
    "pix2pix.layers=1",
    *(f"{model}.{width}=2" for model in ("pix2pix", "stargan") for width in ("width", "discriminator_width")),
]
OF_CLASSIFIER = {"classifier", "score", "score_real"}
OF_TRAINING = {"train", "translate", "score"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A results folder, which planning leaves as it is, and a cache for the drawn set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("results") / "bench"


def planned(out, *assignments, seeds="0"):
    return prepare(load_suite("seasons", "pix2pix,stargan", {}, [*TINY, *assignments], seeds), out)


def keys(plan):
    return {job.id: (job.function, job.method, job.arguments["key"]) for job in plan.jobs}


@pytest.fixture(scope="module")
def changed(out):
    """Jobs whose key other settings change: function and contestant."""
    before = keys(planned(out))

    def jobs(*assignments):
        after = keys(planned(out, *assignments))
        assert before.keys() == after.keys()
        return {value[:2] for name, value in after.items() if value != before[name]}

    return jobs


@pytest.mark.parametrize("setting", ["classifier.images=64", "classifier.backbone=resnet18"])
def test_settings_of_the_classifier_are_in_its_key_and_in_those_of_all_scores(changed, setting):
    found = changed(setting)
    assert {function for function, _ in found} == OF_CLASSIFIER
    scored = {contestant for function, contestant in found if function == "score"}
    assert scored == {"pix2pix", "stargan", "identity", "colour"}


def test_settings_of_one_model_are_in_the_keys_of_its_own_work(changed):
    assert changed("stargan.learning_rate=0.01") == {(function, "stargan") for function in OF_TRAINING}


@pytest.mark.parametrize("setting", ["data.flip=false", "data.zoom=1.25", "train.batch_size=3", "budget.images=32"])
def test_settings_of_all_trainings_are_in_their_keys(changed, setting):
    found = changed(setting)
    learning = {(function, name) for function in OF_TRAINING for name in ("pix2pix", "stargan")}
    assert learning <= found


def test_other_pictures_are_in_every_key(changed):
    found = changed("data.image_size=32")
    assert {function for function, _ in found} == OF_CLASSIFIER | OF_TRAINING
    assert changed("data.test_scenes=3") >= {("score", "stargan"), ("score_real", None)}


def test_how_often_a_training_reports_is_in_no_key(changed):
    assert changed("train.log_every=7", "train.sample_every=5", "train.checkpoint_every=3") == set()


def test_every_seed_has_trainings_of_its_own_and_every_direction_is_translated_by_what_serves_it(out):
    plan = planned(out, seeds="3,4")
    trainings = [job for job in plan.jobs if job.function == "train"]
    assert len({job.arguments["key"] for job in trainings}) == len(trainings)
    for training, job in zip(plan.trainings, trainings, strict=True):
        assert job.arguments["settings"]["train"]["seed"] == training.seed
        assert job.arguments["run"] == plan.out / training.folder
    served = {(one.contestant, one.seed, way): plan.out / one.folder for one in plan.trainings for way in one.serves}
    for job in plan.jobs:
        if job.function == "translate":
            seed = int(job.arguments["out"].name.removeprefix("seed"))
            assert job.arguments["runs"] == {way: served[job.method, seed, way] for way in plan.directions}

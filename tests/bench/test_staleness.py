"""A key holds what a result was made from: what changes the result changes its key, and those of what rests on it."""

import pickle
from typing import get_args

import pytest

from i2i.benchmarks.job_id import Kind
from i2i.benchmarks.jobs.train import Train
from i2i.benchmarks.jobs.translate import Translate
from i2i.benchmarks.planning.build_plan import prepare
from i2i.benchmarks.suite.external import External
from i2i.benchmarks.suite.overrides import load_suite
from i2i.data.layouts import DataSet
from i2i.data.synthetic import embedded

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
    """A results folder, which planning leaves as it is, and a cache for the built-in dataset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("I2I_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("results") / "bench"


def planned(out, *assignments, seeds="0"):
    return prepare(load_suite("seasons", "pix2pix,stargan", {}, [*TINY, *assignments], seeds), out)


def keys(plan):
    return {job.id: (job.id.kind, job.method, job.key) for job in plan.jobs}


@pytest.fixture(scope="module")
def changed(out):
    """Jobs whose key other settings change: function and method."""
    before = keys(planned(out))

    def jobs(*assignments):
        after = keys(planned(out, *assignments))
        assert before.keys() == after.keys()
        return {value[:2] for name, value in after.items() if value != before[name]}

    return jobs


@pytest.mark.parametrize("setting", ["classifier.images=64", "classifier.backbone=resnet18", "classifier.blur=0"])
def test_settings_of_the_classifier_are_in_its_key_and_in_those_of_all_scores(changed, setting):
    found = changed(setting)
    assert {function for function, _ in found} == OF_CLASSIFIER
    scored = {method for function, method in found if function == "score"}
    assert scored == {"pix2pix", "stargan", "identity", "reinhard"}


def test_settings_of_one_model_are_in_the_keys_of_its_own_work(changed):
    assert changed("stargan.learning_rate=0.01") == {(function, "stargan") for function in OF_TRAINING}


@pytest.mark.parametrize("setting", ["data.flip=false", "data.zoom=1.25", "train.batch_size=6", "budget.images=32"])
def test_settings_of_all_training_runs_are_in_their_keys(changed, setting):
    found = changed(setting)
    learning = {(function, name) for function in OF_TRAINING for name in ("pix2pix", "stargan")}
    assert learning <= found


@pytest.mark.integration
def test_other_images_are_in_every_key(changed):
    found = changed("data.image_size=32")
    assert {function for function, _ in found} == OF_CLASSIFIER | OF_TRAINING
    assert changed("data.test_scenes=3") >= {("score", "stargan"), ("score_real", None)}


def test_how_often_a_training_reports_is_in_no_key(changed):
    assert changed("train.log_every=7", "train.sample_every=5", "train.checkpoint_every=3") == set()


def test_every_seed_has_training_runs_of_its_own_and_every_direction_is_translated_by_what_serves_it(out):
    plan = planned(out, seeds="3,4")
    training_runs = [job for job in plan.jobs if isinstance(job, Train)]
    assert len({job.key for job in training_runs}) == len(training_runs)
    for training, job in zip(plan.training_runs, training_runs, strict=True):
        assert job.settings["train"]["seed"] == training.seed
        assert job.run == plan.out / training.folder
    served = {(one.method, one.seed, way): plan.out / one.folder for one in plan.training_runs for way in one.serves}
    for job in plan.jobs:
        if isinstance(job, Translate):
            assert job.runs == {way: served[job.method, job.id.seed, way] for way in plan.directions}


OF_BEFORE = {
    "stargan/seed0/all": "361250fe69baef2d",
    "translations of stargan, seed 0": "6ab13ad2615c0a5c",
    "scores of stargan, seed 0": "d4b6b9f5a0c3b6fd",
    "domain classifier": "7a63b3a0232fde90",
    "scores of real images": "1d8069ae307603a6",
}
"""Keys that version 0.1 gave before jobs had classes. They change with the formats and versions that enter them."""
SETTINGS_OF_BEFORE = (
    "classifier.blur=0",
    "train.ema=0",
    "checkpoint.rule=last",
    "stargan.gan=wgan-gp",
    "stargan.n_critic=3",
    "stargan.lambda_classification=1",
    "stargan.learning_rate=1e-3",
    "stargan.upsampling=deconv",
    "stargan.layers=5",
    "stargan.norm=instance-affine",
    "train.batch_size=8",
    "train.channels_last=false",
    "train.ema_statistics=false",
    "train.ema_warmup=true",
)


def test_work_of_before_has_the_key_that_is_asked_for_now(out, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # no weights of other features
    monkeypatch.setattr(DataSet, "fingerprint", lambda *_: "the same pictures")
    found = {str(job.id): job.key for job in planned(out, *SETTINGS_OF_BEFORE).jobs}
    assert {name: found[name] for name in OF_BEFORE} == OF_BEFORE


@pytest.mark.integration
@pytest.mark.usefixtures("packaged_weights")
def test_every_kind_of_job_reaches_a_worker_as_it_is(out, tmp_path):
    embedded.make("seasons", tmp_path, (16, 16), 4, 2)
    for way, source in (("summer2winter", "summer"), ("winter2summer", "winter")):
        (tmp_path / "test" / source).rename(tmp_path / "test" / way)
    elsewhere = {"elsewhere": External(folder=tmp_path / "test", intersection=True)}
    labels = ["scoring.label_map=winter", "scoring.palette.dark=[0, 0, 0]", "scoring.palette.light=[255, 255, 255]"]
    changes = [*TINY, "scoring.gan_train=true", *labels]
    suite = load_suite("seasons", "stargan", {}, changes, "0").with_external(elsewhere)
    jobs = prepare(suite, out, extractor="classifier,imagenet").jobs
    assert {job.id.kind for job in jobs} == set(get_args(Kind))
    for job in jobs:
        assert pickle.loads(pickle.dumps(job)) == job

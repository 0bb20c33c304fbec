"""A job has one text, which files of results folders hold and are named after, and the text gives the job back."""

import pytest

from i2i.benchmarks.job_id import CLASSIFIER, REAL_SCORES, SEGMENTER, STAGES, JobId
from i2i.benchmarks.results_folder.results_folder import ResultsFolder

EVERY = [
    (JobId("train", "a", 0, "dawn2dusk"), "a/seed0/dawn2dusk"),
    (JobId("train", "stargan@my bench, seed 1", 10, "all"), "stargan@my bench, seed 1/seed10/all"),
    (JobId("translate", "a", 4294967295), "translations of a, seed 4294967295"),
    (JobId("external", "translations of b, seed 0"), "images of translations of b, seed 0"),
    (JobId("score", "a@b, seed 0", 1), "scores of a@b, seed 0, seed 1"),
    (JobId("score", "été\n", 1), "scores of été\n, seed 1"),
    (REAL_SCORES, "scores of real images"),
    (JobId("features", "b of a, seed 0", 1, features="x-1.0"), "scores in x-1.0 of b of a, seed 0, seed 1"),
    (JobId("features", "real images", 0, features="of"), "scores in of of real images, seed 0"),
    (JobId("features_real", features="x"), "scores in x of real images"),
    (CLASSIFIER, "domain classifier"),
    (SEGMENTER, "segmenter"),
]


@pytest.mark.parametrize(("job", "text"), EVERY)
def test_a_job_has_a_text_that_gives_it_back(job, text):
    assert str(job) == text
    assert JobId.parse(text) == job


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scores",
        "scores of ",
        "scores of a",
        "scores of a, seed -1",
        "scores of a, seed 01",
        "scores of real images, and more",
        "a/seed0",
        "a/seed0/b/c",
        "../a/seed0/all",
        "Domain classifier",
        "domain classifier\n",
    ],
)
def test_what_is_no_text_of_a_job_is_refused_with_those_that_are(text):
    with pytest.raises(ValueError, match=r"is not the name of a job, as in .*, domain classifier, "):
        JobId.parse(text)


def test_every_job_belongs_to_a_stage_and_the_report_has_none():
    assert {job.stage for job, _ in EVERY} == set(STAGES) - {"report"}


@pytest.mark.parametrize(
    ("job", "name"),
    [
        (JobId("train", "stargan", 0, "all"), "stargan-seed0-all.d48bdc.json"),
        (JobId("score", "a", 0), "scores-of-a-seed-0.cbc506.json"),
        (CLASSIFIER, "domain-classifier.6c55a4.json"),
    ],
)
def test_records_lie_where_they_always_did(tmp_path, job, name):
    """Earlier versions named the files after the same texts."""
    assert ResultsFolder(tmp_path).record(job) == tmp_path / "status" / name

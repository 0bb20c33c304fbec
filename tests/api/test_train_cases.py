"""What `i2i train` is asked for is a new training run, one that goes on, or one from other weights; never two."""

from pathlib import Path

import pytest

from i2i.api.train_cases import New, Options, Resume, case_of
from i2i.errors import UserError

RUN = Path("run")


@pytest.mark.parametrize(
    "options",
    [
        {"model": "stargan"},
        {"attributes": "Smiling"},
        {"config": "quick"},
        {"size": "32"},
        {"out": Path("new")},
        {"init": RUN},
        {"skip_bad": True},
        {"model": "cyclegan", "size": "32", "init": RUN},
    ],
)
def test_options_that_a_run_folder_decides_are_refused_by_name(options):
    names = " and ".join(f"--{name.replace('_', '-')}" for name in Options.__annotations__ if name in options)
    with pytest.raises(UserError) as refused:
        case_of(Options(resume=RUN, **options))
    assert set(str(refused.value).rpartition("leave out ")[2].split(" and ")) == set(names.split(" and "))


def test_options_that_change_what_goes_on_are_its_changes(tmp_path):
    options = Options(resume=RUN, data=[str(tmp_path)], settings=["train.images=9"], on_nan="rollback", cache_gib=2)
    data = {"path": str(tmp_path), "sets": None, "cache_gib": 2}
    assert case_of(options) == Resume(RUN, {"train": {"images": 9, "on_nan": "rollback"}, "data": data})
    assert case_of(Options(resume=RUN)) == Resume(RUN, {})


@pytest.mark.parametrize("options", [{}, {"init": RUN}])
def test_changed_data_can_be_accepted_only_of_a_run_that_goes_on(options, monkeypatch):
    monkeypatch.setattr("i2i.api.train_cases.require_checkpoint", lambda folder: None)
    with pytest.raises(UserError, match="--accept-data says how to go on with a training: give it with --resume RUN"):
        case_of(Options(accept_data=True, **options))


def test_a_new_run_takes_size_and_faults_as_settings():
    asked = case_of(Options("cyclegan", size="16x32", settings=["train.images=9"], on_nan="rollback"))
    changes = {"train": {"images": 9, "on_nan": "rollback"}, "data": {"image_size": "16x32"}}
    assert asked == New("cyclegan", None, {}, changes, None, skip_bad=False)

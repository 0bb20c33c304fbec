"""Names that a file tells lead nowhere but into their folder."""

import pytest

from i2i.errors import UserError
from i2i.utils.safe_paths import inside, plain_name

CLIMBING = [
    "",
    ".",
    "..",
    "../x",
    "a/..",
    "a/../../x",
    "/etc/x",
    "a//b/../c",
    "C:\\x",
    "..\\x",
    "a\\..\\x",
    "a\0b",
    ".hidden",
    "a\nb",
]


@pytest.mark.parametrize("name", [*CLIMBING, "a/b"])
def test_what_is_no_plain_name_is_refused_with_its_place(name):
    with pytest.raises(UserError, match=r"bench/plan\.json"):
        plain_name(name, "bench/plan.json")


@pytest.mark.parametrize("name", CLIMBING)
def test_what_leads_out_of_a_folder_is_refused_with_its_place(tmp_path, name):
    with pytest.raises(UserError, match=r"bench/plan\.json"):
        inside(tmp_path, name, "bench/plan.json")


@pytest.mark.parametrize("name", ["tench, Tinca tinca", "夏 冬", "a.b", "C", "\u3000x", "can't"])
def test_other_names_are_taken(tmp_path, name):
    assert inside(tmp_path, f"translations/{name}", "plan.json") == tmp_path / "translations" / name


def test_a_link_that_leads_out_is_refused_wherever_it_stands(tmp_path):
    (tmp_path / "received").mkdir()
    (tmp_path / "received" / "translations").symlink_to(tmp_path)
    (tmp_path / "received" / "circle").symlink_to(tmp_path / "received" / "circle")
    for name in ("translations", "translations/deeper/file.png"):
        with pytest.raises(UserError, match="link out of"):
            inside(tmp_path / "received", name, "plan.json")
    with pytest.raises(UserError, match="link"):
        inside(tmp_path / "received", "circle", "plan.json")


def test_a_link_within_the_folder_and_a_folder_reached_by_a_link_are_taken(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "one").mkdir()
    (tmp_path / "real" / "two").symlink_to("one")
    (tmp_path / "bench").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "bench", "two/x.png", "plan.json") == tmp_path / "bench" / "two" / "x.png"

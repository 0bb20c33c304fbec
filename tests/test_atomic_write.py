"""Files are replaced whole, without following links, with the permissions of the umask."""

import os

import pytest

from i2i.atomic_write import partial_name, replacing, write_text


def test_a_file_that_breaks_off_leaves_the_one_before(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "before")
    with pytest.raises(RuntimeError), replacing(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_at_the_place_is_replaced_and_not_followed(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("mine")
    link = tmp_path / "link.txt"
    link.symlink_to(own)
    write_text(link, "new")
    assert own.read_text() == "mine"
    assert not link.is_symlink() and link.read_text() == "new"


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("mine")
    partial_name(tmp_path / "file.txt").symlink_to(own)
    write_text(tmp_path / "file.txt", "new")
    assert own.read_text() == "mine"
    assert (tmp_path / "file.txt").read_text() == "new"


def test_permissions_are_those_of_the_umask_whatever_the_writer_makes_of_them(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "file") as partial:
            partial.unlink()
            partial.touch(0o600)
        assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 127])
def test_names_as_long_as_the_file_system_allows(tmp_path, name):
    write_text(tmp_path / name, "text")
    assert (tmp_path / name).read_text() == "text"

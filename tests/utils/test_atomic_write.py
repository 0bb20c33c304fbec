"""Files are replaced whole, without following links, with the permissions of the umask."""

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from i2i.errors import UserError
from i2i.utils.atomic_write import partial_name, replacing, replacing_folder, write_text


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


def test_a_folder_is_there_complete_or_not_at_all(tmp_path):
    path = tmp_path / "made/below/folder"
    with pytest.raises(RuntimeError), replacing_folder(path) as partial:
        (partial / "half.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with replacing_folder(path) as partial:
        (partial / "whole.txt").write_text("whole")
        assert not path.exists() and partial.name.startswith(".")
    assert [file.name for file in path.iterdir()] == ["whole.txt"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["made"]


def test_an_empty_folder_is_replaced_and_a_filled_one_is_not(tmp_path):
    (tmp_path / "folder").mkdir()
    with replacing_folder(tmp_path / "folder") as partial:
        (partial / "first.txt").touch()
    with pytest.raises(OSError), replacing_folder(tmp_path / "folder") as partial:
        (partial / "second.txt").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "first.txt"]


def test_of_two_that_make_a_shared_folder_at_once_the_first_one_stays(tmp_path):
    path = tmp_path / "folder"
    with replacing_folder(path, shared=True) as partial:
        (partial / "second.txt").touch()
        path.mkdir()
        (path / "first.txt").touch()
    assert [found.name for found in tmp_path.rglob("*")] == ["folder", "first.txt"]
    (tmp_path / "file").touch()
    with pytest.raises(OSError), replacing_folder(tmp_path / "file", shared=True):
        pass


def test_a_link_under_the_hidden_name_of_a_folder_is_not_followed(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.txt").write_text("mine")
    partial_name(tmp_path / "folder").symlink_to(own)
    with replacing_folder(tmp_path / "folder") as partial:
        (partial / "new.txt").touch()
    assert [path.name for path in own.iterdir()] == ["mine.txt"]
    assert not (tmp_path / "folder").is_symlink()


def test_the_name_of_a_folder_is_synced_where_asked(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("i2i.utils.atomic_write.sync_to_disk", synced.append)
    for sync in (False, True):
        with replacing_folder(tmp_path / f"folder-{sync}", sync=sync):
            pass
        assert synced == ([tmp_path] if sync else [])


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("unexpected pos 69824 vs 69712"),
        OSError("4096 requested and 0 written"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
)
@pytest.mark.parametrize("writing", [replacing, replacing_folder])
def test_whatever_a_full_disk_raises_is_one_error_of_the_place(tmp_path, monkeypatch, writing, error):
    """There is no room while what is being written is there, and much once it is removed."""
    path = tmp_path / "new"
    usage = lambda folder: SimpleNamespace(free=0 if partial_name(path).exists() else 1 << 30)  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(OSError) as raised, writing(path):
        raise error
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError("unexpected pos 1 vs 2"), UserError("write OWNER/NAME"), KeyError("x")])
@pytest.mark.parametrize("free", [0, 1 << 30])
def test_other_errors_stay_what_they_are(tmp_path, monkeypatch, error, free):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    of_the_disk = isinstance(error, RuntimeError) and not free
    with pytest.raises(OSError if of_the_disk else type(error)), replacing(tmp_path / "new"):
        raise error


def test_an_error_names_the_place_that_was_asked_for_and_not_the_hidden_one(tmp_path):
    path, other = tmp_path / "new", str(tmp_path / "other")
    with pytest.raises(PermissionError) as inside, replacing_folder(path) as partial:
        raise PermissionError(errno.EACCES, "no", str(partial / "a/b.png"))
    assert inside.value.filename == str(path / "a/b.png")
    with pytest.raises(PermissionError) as outside, replacing_folder(path):
        raise PermissionError(errno.EACCES, "no", other)
    assert outside.value.filename == other
    with pytest.raises(OSError) as full_elsewhere, replacing(path):
        raise OSError(errno.ENOSPC, "No space left on device", other)
    assert full_elsewhere.value.filename == other

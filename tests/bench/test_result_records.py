"""A result is as it was written, or its record says which file is not; what is there is never removed in silence."""

import errno
import os

import pytest

from i2i.benchmarks.results_folder import result_records, staleness
from i2i.benchmarks.results_folder.staleness import DONE, TO_DO, StoredResult
from i2i.errors import UserError

NAMES = ("a2b/one.png", "a2b/two.png", "notes.csv")


@pytest.fixture
def result(tmp_path):
    """A folder with three files and its record."""
    folder = tmp_path / "seed0"
    for number, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(range(50 + number)))
    staleness.write_key(folder, "key", staleness.files_in(folder), seconds=1.5)
    return folder


def remove(path):
    path.unlink()


def empty(path):
    path.write_bytes(b"")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"\0")


def flip(path):
    """One bit, with the times of before."""
    found, contents = path.stat(), bytearray(path.read_bytes())
    contents[20] ^= 4
    path.write_bytes(contents)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def link(path):
    moved = path.rename(path.with_name("elsewhere"))
    path.symlink_to(moved)


def make_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", [remove, empty, cut, lengthen, flip, link, make_folder])
def test_a_damaged_file_of_a_result_is_found_and_named(result, name, damage):
    place = StoredResult.of_folder(result)
    assert place.state("key") == DONE
    damage(result / name)
    assert place.state("key").startswith(f"damaged: {name} ")
    assert staleness.lack_of(result).startswith(f"damaged: {name} ")
    with pytest.raises(UserError, match=f"{name} .*run the bench again"):
        place.require_intact()


def test_damage_beneath_the_file_system_is_found_where_the_result_is_used(result):
    """What leaves no trace in the times: the record is made to agree with them."""
    flip(result / NAMES[0])
    record = result_records.read_record(result / staleness.KEY_FILE)
    files = {name: [told[0], *result_records._state(result / name)] for name, told in record.files.items()}
    assert result_records.first_fault(result, files) is None
    assert (
        result_records.first_fault(result, files, read_all=True)
        == f"{NAMES[0]} holds something else than what was written"
    )


def test_a_copy_with_other_times_is_the_same_result(result):
    os.utime(result / NAMES[0], ns=(1, 1))
    assert StoredResult.of_folder(result).state("key") == DONE


def test_no_flipped_bit_of_a_record_gives_another_key_or_cost(result):
    path = result / staleness.KEY_FILE
    written = path.read_bytes()
    for position in range(0, len(written), 3):
        changed = bytearray(written)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        record = result_records.read_record(path)
        assert record.fault or (record.key, record.contents["seconds"]) == ("key", 1.5)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"key": 3}', '{"key": "a", "files": []}', '{"key": "a", "files": {"b": [1]}}', "[" * 9999]
)
def test_a_record_that_is_none_is_damaged_and_its_result_kept(result, text, caplog):
    (result / staleness.KEY_FILE).write_text(text)
    place = StoredResult.of_folder(result)
    assert place.state("key") == "damaged: key.json is not as it was written"
    place.make_room("key")
    assert not result.exists()
    aside = result.parent / "set-aside/1/seed0"
    assert (aside / NAMES[0]).read_bytes() == bytes(range(50))
    assert str(aside) in caplog.text


def test_a_result_of_another_key_is_set_aside_each_time_under_a_name_of_its_own(result, caplog):
    for number in (1, 2, 3):
        StoredResult.of_folder(result).make_room(f"key {number}")
        assert (result.parent / f"set-aside/{number}/seed0/key.json").is_file()
        assert "was made from other settings or data" in caplog.text
        staleness.write_key(result, f"key {number}")
    assert StoredResult.of_folder(result).state("key 3") == DONE


def test_scores_are_set_aside_with_their_tables(tmp_path, caplog):
    scores = tmp_path / "scores"
    for name in ("x-seed0.json", "x-seed0.images.csv", "x-seed01.json"):
        scores.mkdir(exist_ok=True)
        (scores / name).write_text('{"key": "one"}')
    StoredResult.of_scores(scores / "x-seed0.json").make_room("two")
    assert sorted(path.name for path in (scores / "set-aside/1").iterdir()) == ["x-seed0.images.csv", "x-seed0.json"]
    assert (scores / "x-seed01.json").is_file()
    assert len(caplog.messages) == 1


def test_a_training_without_a_record_is_set_aside_and_leftovers_go(tmp_path, caplog):
    run = tmp_path / "all"
    (run / "checkpoints/00000004").mkdir(parents=True)
    StoredResult.of_folder(run).make_room("key")
    assert (tmp_path / "set-aside/1/all/checkpoints/00000004").is_dir()
    assert "key.json is gone" in caplog.text
    run.mkdir()
    (run / "config.yaml").touch()
    StoredResult.of_folder(run).make_room("key")
    assert not run.exists()
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE, errno.ESTALE])
def test_what_cannot_be_read_is_an_error_and_nothing_is_touched(result, number, monkeypatch):
    def refuse(path):
        raise OSError(number, os.strerror(number), str(path))

    place, before = StoredResult.of_folder(result), sorted(result.rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.read_bytes", refuse)
        for function in (place.read, place.key, lambda: place.state("key"), lambda: place.make_room("other")):
            with pytest.raises(UserError, match=rf"key\.json cannot be read \({os.strerror(number)}\)"):
                function()
    flip(result / NAMES[0])
    monkeypatch.setattr(result_records, "checksum", refuse)
    with pytest.raises(UserError, match=r"one\.png cannot be read"):
        place.state("key")
    assert sorted(result.rglob("*")) == before


def test_a_name_that_leads_out_is_refused(result):
    with pytest.raises(UserError, match="names must stay inside their folder"):
        result_records.first_fault(result, {"../outside": ["", 1, 1, 1]})


def test_scores_of_another_state_of_what_they_were_made_from_are_to_do(result, tmp_path):
    scores = StoredResult.of_scores(tmp_path / "x.json", {"translations": StoredResult.of_folder(result)})
    assert scores.state("key") == TO_DO
    result_records.write_record(scores.record, {"key": "key", **scores.identities()}, tmp_path)
    assert scores.state("key") == DONE
    remove(result / NAMES[0])  # what it was made from is made again first
    assert scores.state("key") == DONE
    staleness.write_key(result, "key", staleness.files_in(result), seconds=9)
    assert scores.state("key") == "to do: what is there was made from another state of the translations"

"""What was read to know its contents is not read again while it stays as it is, and every change is still found."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from i2i.data.data_record import DataRecord
from i2i.data.image_files import digests
from i2i.data.image_files.digests import digests_of
from i2i.data.layouts import scan
from i2i.utils import checksums, fingerprint
from i2i.utils.atomic_write import write_text
from i2i.utils.checksums import checksum, checksum_matches, sealed
from tests.training.test_survival import command, data_set, forget_newest, train  # noqa: F401

LONG_AGO = 1_000_000_000


@pytest.fixture
def settled(monkeypatch):
    """Files need not be seconds old to be relied on."""
    monkeypatch.setattr(fingerprint, "SETTLED", -3600.0)
    monkeypatch.setattr(checksums, "_known", {})


@pytest.fixture
def reads(monkeypatch):
    """How often each image's contents were read."""
    counted: Counter[str] = Counter()
    digest = digests._digest
    monkeypatch.setattr(digests, "_digest", lambda path: counted.update([path.name]) or digest(path))
    return counted


@pytest.fixture
def images(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def ticked() -> None:
    """Wait until a file system's clock shows another time."""
    time.sleep(0.05)


def test_digests_are_kept_from_one_training_to_the_next(tmp_path, images, reads, settled):
    first = digests_of(images, tmp_path / "kept")
    assert digests_of(images, tmp_path / "kept") == first
    assert set(reads.values()) == {1}
    assert len(set(first.values())) == 3


@pytest.mark.parametrize("change", ["contents", "damage", "cut", "no folder"])
def test_digests_that_may_be_wrong_are_not_taken(tmp_path, images, reads, settled, change):
    folder = tmp_path / "kept"
    before = digests_of(images, folder)
    (place,) = folder.glob("*.json")
    ticked()
    if change == "contents":
        images[1].write_bytes(b"x.png")
        os.utime(images[1], (LONG_AGO, LONG_AGO))
    elif change == "no folder":
        place.unlink()
        folder.rmdir()
        folder.write_text("")
    else:
        text = place.read_text()
        digit = text.index('"digests"') + 15
        place.write_text(
            text[:-30] if change == "cut" else f"{text[:digit]}{(int(text[digit], 16) + 1) % 16:x}{text[digit + 1 :]}"
        )
    after = digests_of(images, folder)
    assert [path.name for path in images if after[path] != before[path]] == (["b.png"] if change == "contents" else [])
    assert set(reads.values()) == {2}


def test_times_that_are_too_fresh_are_not_relied_on(tmp_path, images, reads):
    for _ in range(2):
        digests_of(images, tmp_path / "kept")
    assert set(reads.values()) == {2}
    assert not (tmp_path / "kept").exists()


def test_only_the_newest_digests_stay(tmp_path, images, settled, monkeypatch):
    monkeypatch.setattr(digests, "KEPT", 2)
    for path in images:
        digests_of([path], tmp_path / "kept")
        ticked()
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_training_runs_on_overlapping_domains_read_every_image_once(tmp_path, monkeypatch, reads, settled):
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    for number, domain in enumerate("xyz"):
        for split in ("train", "test"):
            (tmp_path / "sky" / split / domain).mkdir(parents=True)
            (tmp_path / "sky" / split / domain / f"{domain}{split}.png").write_bytes(bytes([number]))
    data = scan(tmp_path / "sky")
    records = [DataRecord.of(data.restricted(domains), ["train", "test"]) for domains in ("xy", "xz", "yz", "xyz")]
    assert set(reads.values()) == {1}
    assert len(reads) == 6
    assert records[3].files.items() > records[0].files.items()


@pytest.mark.integration
def test_resuming_hashes_every_file_of_a_checkpoint_once(command, settled, monkeypatch):  # noqa: F811
    run = train(command)
    forget_newest(run)
    checksums._known.clear()
    hashed: Counter[str] = Counter()
    digest = checksums.hashlib.file_digest
    monkeypatch.setattr(
        checksums.hashlib, "file_digest", lambda file, kind: hashed.update([file.name]) or digest(file, kind)
    )
    status, said = command("train", "--resume", run, "--device", "cpu")
    assert status == 0, said
    resumed = {Path(name).name: count for name, count in hashed.items() if "/00000006/" in name}
    assert resumed == {"model.safetensors": 1, "training.pt": 1, "data.json": 1}


@pytest.mark.parametrize("change", ["contents", "time"])
def test_a_file_that_changes_after_its_checksum_was_taken_has_another(tmp_path, settled, monkeypatch, change):
    path = tmp_path / "x"
    path.write_bytes(b"before")
    before = checksum(path)
    ticked()
    if change == "contents":
        path.write_bytes(b"beFore")
        os.utime(path, (LONG_AGO, LONG_AGO))
    else:  # of which the file system tells nothing
        state = fingerprint.state_of(path)
        path.write_bytes(b"beFore")
        monkeypatch.setattr(checksums, "state_of", lambda path: state)
        monkeypatch.setattr(checksums, "REMEMBERED", 0.0)
        checksums._known[path] = checksums._known[path]._replace(until=time.monotonic())
    assert checksum(path) != before


def test_names_that_are_no_utf8_are_recorded_and_read_again(tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    record = DataRecord({"train/day": {name: "00", "plain ü.png": "11"}})
    write_text(tmp_path / "data.json", record.text)
    again = DataRecord.from_text((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert again.files == record.files
    assert again.fingerprint == record.fingerprint
    assert "ü" in record.text
    written = sealed({"root": name})
    assert checksum_matches(written, json.loads(written))
    assert json.loads(written)["root"] == name

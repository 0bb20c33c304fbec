"""An archive is unpacked once into the cache; nothing in it can reach outside, and it cannot fill the disk."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from i2i.data.layouts import archives
from i2i.data.open import open_place
from i2i.errors import UserError
from tests.data.test_layouts import put

PLACES = [f"{split}/{domain}/{n}.png" for split in ("train", "test") for domain in ("dusk", "dawn") for n in "12"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("I2I_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return path


def tarred(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:].replace('tar', '').replace('tgz', 'gz')}") as archive:
        for name, contents in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            archive.addfile(info, io.BytesIO(contents))
    return path


def pack(path: Path, members: dict[str, bytes]) -> Path:
    return zipped(path, members) if path.suffix == ".zip" else tarred(path, members)


def contents(root: Path, prefix: str = "") -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {prefix + path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def members(tmp_path) -> dict[str, bytes]:
    return contents(put(tmp_path / "sky", *PLACES))


KINDS = ["photos.zip", "photos.tar", "photos.tar.gz", "photos.tgz", "photos.tar.bz2", "photos.tar.xz"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["", "sky/", "./"])
def test_an_archive_is_read_like_the_folder_in_it(tmp_path, members, kind, prefix):
    data = open_place(pack(tmp_path / kind, {prefix + name: inside for name, inside in members.items()}))
    folder = open_place(tmp_path / "sky")
    assert data.name == ("sky" if prefix == "sky/" else "photos")
    assert data.fingerprint() == folder.fingerprint()
    assert data.root.is_relative_to(tmp_path / "cache")


def test_an_archive_is_unpacked_once_and_again_when_its_contents_change(tmp_path, members, own_cache):
    first = open_place(pack(tmp_path / "photos.zip", members)).root
    moments = {path: path.stat().st_mtime_ns for path in own_cache.rglob("*")}
    assert open_place(tmp_path / "photos.zip").root == first
    assert {path: path.stat().st_mtime_ns for path in own_cache.rglob("*")} == moments
    del members["train/dusk/1.png"]
    changed = open_place(pack(tmp_path / "photos.zip", members))
    assert changed.root != first
    assert len(changed.images("train", "dusk")) == 1


def test_a_manifest_in_an_archive_is_read(tmp_path, members):
    table = "path,split,domain\ntrain/dusk/1.png,train,x\ntrain/dawn/1.png,train,y\n"
    kept = {name.replace("test", "more").replace("train", "some"): inside for name, inside in members.items()}
    data = open_place(pack(tmp_path / "p.zip", {**kept, "manifest.csv": table.replace("train/", "some/").encode()}))
    assert data.domains == ("x", "y")


def test_files_that_no_layout_reads_stay_packed_and_are_told(tmp_path, members, own_cache):
    extra = {"__MACOSX/train/dusk/._1.png": b"x", ".hidden/1.png": b"x", "run.sh": b"rm", "inner.zip": b"PK"}
    data = open_place(pack(tmp_path / "photos.zip", members | extra))
    assert contents(data.root) == members | {"run.sh": b"", "inner.zip": b""}
    assert "left out: 2 files of no image format (inner.zip, run.sh)" in data.recognized


@pytest.mark.parametrize("kind", ["photos.zip", "photos.tar"])
def test_images_in_an_archive_are_known_by_their_contents(tmp_path, members, own_cache, kind):
    more = {f"train/dusk/{name}": next(iter(members.values())) for name in ("a.dat", "b")}
    data = open_place(pack(tmp_path / kind, members | more))
    assert contents(data.root) == members | more
    assert {"a", "b"} <= {one.stem for one in data.images("train", "dusk")}


OUTSIDE = {
    "../1.png": "leads out of the folder by ..",
    "a/../../1.png": "leads out of the folder by ..",
    "/etc/1.png": "is an absolute path",
    "C:/1.png": "is an absolute path",
}


@pytest.mark.parametrize("kind", ["photos.zip", "photos.tar.gz"])
@pytest.mark.parametrize(("name", "fault"), OUTSIDE.items(), ids=OUTSIDE)
def test_a_member_that_leads_outside_is_named_and_nothing_is_left(tmp_path, members, own_cache, kind, name, fault):
    path = pack(tmp_path / kind, {**members, name: b"x"})
    with pytest.raises(UserError) as error:
        open_place(path)
    assert f"{kind}, member {name!r} {fault}: pack plain files" in str(error.value)
    assert not [found for found in own_cache.rglob("*") if found.is_file()]
    assert not (tmp_path / "1.png").exists()


def test_a_backslash_in_a_tar_member_is_refused(tmp_path, members):
    with pytest.raises(UserError, match="leads out of the folder"):
        open_place(pack(tmp_path / "photos.tar", {**members, "..\\1.png": b"x"}))
    with pytest.raises(UserError, match="holds a backslash"):
        open_place(pack(tmp_path / "photos.tar", {**members, "a\\1.png": b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, members, kind):
    path = pack(tmp_path / "photos.tar", members)
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("train/dusk/9.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UserError, match=r"member 'train/dusk/9\.png' is a link or a device"):
        open_place(path)


def test_links_in_a_zip_are_refused(tmp_path, members):
    path = pack(tmp_path / "photos.zip", members)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("train/dusk/9.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match=r"member 'train/dusk/9\.png' is a link or a device"):
        open_place(path)


def test_an_encrypted_member_is_named(tmp_path, members):
    path = pack(tmp_path / "photos.zip", members)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"member 'test/dawn/1\.png' is encrypted"):
        open_place(path)


@pytest.mark.parametrize("kind", ["photos.zip", "photos.tar.xz"])
def test_a_bomb_is_refused_while_it_unpacks(tmp_path, monkeypatch, own_cache, kind):
    monkeypatch.setattr(archives, "GROWTH_FROM", 1 << 16)
    path = pack(tmp_path / kind, {"train/a/1.png": bytes(1 << 24), "train/b/1.png": b"x"})
    assert path.stat().st_size * archives.MOST_GROWTH < 1 << 24
    with pytest.raises(UserError, match=r"member 'train/a/1\.png': the contents are larger than .* bytes, too large"):
        open_place(path)
    assert not [found for found in own_cache.rglob("*") if found.is_file()]


def test_too_many_members_are_refused(tmp_path, monkeypatch, members):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 7)
    with pytest.raises(UserError, match="more than 7 members"):
        open_place(pack(tmp_path / "photos.zip", members))


def test_a_full_disk_is_told_before_it_is_full(tmp_path, monkeypatch, members):
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda place: type("Usage", (), {"free": 10}))
    with pytest.raises(UserError, match="is full: free it, or set I2I_CACHE"):
        open_place(pack(tmp_path / "photos.zip", members))


def test_a_member_that_stands_twice_is_named(tmp_path, members):
    path = pack(tmp_path / "photos.tar", members)
    with tarfile.open(path, "a") as archive:
        archive.addfile(tarfile.TarInfo("./train/dusk/1.png"))
    with pytest.raises(UserError, match=r"'\./train/dusk/1\.png' stands twice"):
        open_place(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0, 0.5, 0.8])
def test_a_truncated_archive_is_named(tmp_path, members, kind, share):
    path = pack(tmp_path / kind, members)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(UserError, match=rf"{kind}.*(cannot be unpacked|has no|holds no)"):
        open_place(path)


def test_an_archive_without_images_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"photos\.zip holds no images"):
        open_place(pack(tmp_path / "photos.zip", {"notes.doc": b"x"}))


def test_a_name_too_long_for_the_disk_is_told(tmp_path, members):
    with pytest.raises(UserError, match=r"cannot be unpacked .*File name too long"):
        open_place(pack(tmp_path / "photos.zip", {**members, "train/a/" + "x" * 300 + ".png": b"x"}))


def test_an_archive_that_was_read_is_read_again_under_another_name(tmp_path):
    first = zipped(tmp_path / "sky.zip", dict.fromkeys(PLACES, b"x"))
    assert open_place(first).name == "sky"
    for name in ("sky (1).zip", "SKY.ZIP", "moon.zip"):
        again = first.rename(tmp_path / name)
        data = open_place(again)
        assert data.name == name[:-4]
        assert all(path.path.is_file() for path in data.images("train", "dusk"))
        first = again


@pytest.mark.parametrize("beside", ["README.txt", "LICENSE.txt", "info.json", "classes.csv", "photos.txt"])
@pytest.mark.parametrize("folders", ["sky/", "data/sky/", "a/b/sky/"])
def test_the_folder_that_lies_beside_documents_is_the_data(tmp_path, folders, beside):
    members = {folders + place: b"x" for place in PLACES} | {beside: b"hello"}
    data = open_place(pack(tmp_path / "set.tar.gz", members))
    assert (data.name, data.domains) == ("sky", ("dawn", "dusk"))


def test_what_a_layout_reads_beside_a_folder_keeps_the_folder_in_place(tmp_path):
    table = "path,split,domain\n" + "".join(
        f"files/{place},{place.split('/')[0]},{place.split('/')[1]}\n" for place in PLACES
    )
    members = {f"files/{place}": b"x" for place in PLACES} | {"manifest.csv": table.encode()}
    assert open_place(zipped(tmp_path / "set.zip", members)).layout.startswith("a manifest of domains")

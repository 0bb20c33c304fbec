"""Decoded images on disk: made once, shared, never out of date, checked whenever they are opened, and bounded."""

import json
import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from i2i import cli
from i2i.data.batches import LabelledBatch, PairedBatch, UnpairedBatch
from i2i.data.image_files import images as images_module
from i2i.data.image_files import pixel_cache as cache_module
from i2i.data.image_files.decode import Decoding
from i2i.data.image_files.images import Preprocess
from i2i.data.image_files.pixel_cache import CARD, GIB, PIXELS, SEEN, PixelCache
from i2i.data.layouts import ImageFile, scan
from i2i.data.training_images import TrainingImages
from i2i.errors import UserError
from i2i.testing import CPU
from i2i.training.run import TrainingRun, train_run
from i2i.training.setup import run_config, task_of
from i2i.utils import fingerprint

SIZE, ZOOM, COUNT = (16, 12), 1.25, 5
BYTES = COUNT * 20 * 15 * 3
HEADER = 128
LONG_AGO = 1_600_000_000


@pytest.fixture
def root(tmp_path) -> Path:
    """A paired data set of two domains."""
    rng = np.random.default_rng(0)
    for domain in ("dawn", "dusk"):
        folder = tmp_path / "data/train" / domain
        folder.mkdir(parents=True)
        for number in range(COUNT):
            Image.fromarray(rng.integers(0, 256, (18, 30, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    (tmp_path / "data/i2i.json").write_text('{"paired": true}')
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "cache/pictures"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the images that are decoded, in any order."""
    names = []

    def read(path, half=None):
        names.append(f"{path.parent.name}/{path.name}")
        return decoded(path, half)

    decoded = images_module.decoded
    monkeypatch.setattr(images_module, "decoded", read)
    return names


def of(root: Path, domain: str = "dawn", **changes) -> Decoding:
    found = scan(root).images("train", domain)
    return Decoding(
        changes.get("images", found), changes.get("preprocess", Preprocess(SIZE)), changes.get("zoom", ZOOM)
    )


def plain(decoding: Decoding) -> np.ndarray:
    def one(image) -> np.ndarray:
        with images_module.decoded(image.path, image.half) as whole:
            return decoding.preprocess(whole, decoding.zoom)

    return np.stack([one(image) for image in decoding.images])


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def test_the_cache_gives_what_decoding_gives(root, folder):
    for decoding in (of(root), of(root, preprocess=Preprocess(SIZE, channels=1))):
        pixels = PixelCache(folder, 1).pixels(decoding)
        np.testing.assert_array_equal(pixels, plain(decoding))
        assert pixels.shape == decoding.shape
        assert not pixels.flags.writeable


@pytest.mark.integration
def test_images_are_decoded_once_for_all_training_runs(root, folder, decoded, tmp_path, monkeypatch):
    monkeypatch.setenv("I2I_CACHE", str(folder.parent))
    data = scan(root)
    small = {"image_size": 16, "zoom": ZOOM}
    settings = {
        "cyclegan": {"width": 4, "blocks": 1, "discriminator_width": 4, "layers": 1},
        "pix2pix": {"width": 4, "depth": 3, "discriminator_width": 4, "layers": 1},
    }
    for number, (name, model) in enumerate(settings.items()):
        train = {"images": 4, "batch_size": 1, "seed": number}
        config = run_config(name, {"model": model, "data": small, "train": train})
        train_run(TrainingRun(tmp_path / name, config, task_of(config, data), data, CPU))
        assert sorted(decoded) == sorted(f"{d}/{n}.png" for d in ("dawn", "dusk") for n in range(COUNT))
    assert len(entries(folder)) == 2


def test_what_decides_the_pixels_decides_the_entry(root, folder):
    first, *others = [
        of(root),
        of(root, "dusk"),
        of(root, zoom=1.0),
        of(root, preprocess=Preprocess((12, 16))),
        of(root, preprocess=Preprocess(SIZE, channels=1)),
        of(root, images=of(root).images[::-1]),
        of(root, images=[ImageFile(p.path, "left") for p in of(root).images]),
        of(root, images=[ImageFile(p.path, "right") for p in of(root).images]),
    ]
    for decoding in (first, *others, first):
        np.testing.assert_array_equal(PixelCache(folder, 1).pixels(decoding), plain(decoding))
    assert len(entries(folder)) == 1 + len(others)


def aged(root: Path) -> None:
    """Let the files look old, as far as a user can."""
    for path in root.rglob("*.png"):
        os.utime(path, (LONG_AGO, LONG_AGO))


def test_other_contents_are_another_entry_even_with_the_size_and_time_of_before(root, folder, monkeypatch):
    monkeypatch.setattr(fingerprint, "SETTLED", -1.0)
    path = root / "train/dawn/3.png"
    for color in (10, 200):
        Image.new("RGB", (30, 18), (color, color, color)).save(path, "BMP")
        aged(root)
        pixels = PixelCache(folder, 1).pixels(of(root, images=[ImageFile(path)]))
        assert path.stat().st_size == 54 + 18 * 92
        assert (pixels == color).all()
    assert len(entries(folder)) == 2


def test_contents_are_read_again_only_if_a_size_or_time_changed(root, folder, monkeypatch):
    monkeypatch.setattr(fingerprint, "SETTLED", -1.0)
    read = []
    content = cache_module._content
    monkeypatch.setattr(cache_module, "_content", lambda path: read.append(path) or content(path))
    for _ in range(2):
        PixelCache(folder, 1).pixels(of(root))
    assert len(read) == COUNT
    os.utime(root / "train/dawn/0.png", (LONG_AGO, LONG_AGO))
    PixelCache(folder, 1).pixels(of(root))
    assert len(read) == 2 * COUNT
    assert len(entries(folder)) == 1


def test_times_that_are_too_fresh_are_not_relied_on(root, folder):
    PixelCache(folder, 1).pixels(of(root))
    assert not list(folder.glob(f"*/{SEEN}*"))


DAMAGE = {
    "truncated": lambda entry: os.truncate(entry / PIXELS, HEADER + BYTES - 1),
    "empty": lambda entry: os.truncate(entry / PIXELS, 0),
    "longer": lambda entry: (entry / PIXELS).open("ab").write(b"x"),
    "header": lambda entry: flip(entry / PIXELS, 20),
    "first byte": lambda entry: flip(entry / PIXELS, 0),
    "a pixel": lambda entry: flip(entry / PIXELS, HEADER + BYTES // 2),
    "the last pixel": lambda entry: flip(entry / PIXELS, HEADER + BYTES - 1),
    "no pixels": lambda entry: (entry / PIXELS).unlink(),
    "no card": lambda entry: (entry / CARD).unlink(),
    "half a card": lambda entry: os.truncate(entry / CARD, 9),
    "a card of another shape": lambda entry: (entry / CARD).write_text("[1]"),
    "no text": lambda entry: (entry / CARD).write_bytes(b"\xff\xfe\x00"),
}


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_made_again(root, folder, decoded, damage):
    PixelCache(folder, 1).pixels(of(root))
    assert (entries(folder)[0] / PIXELS).stat().st_size == HEADER + BYTES
    DAMAGE[damage](entries(folder)[0])
    for _ in range(2):
        np.testing.assert_array_equal(PixelCache(folder, 1).pixels(of(root)), plain(of(root)))
    assert len(decoded) == 2 * COUNT + 2 * COUNT  # two entries, and two comparisons


def test_the_least_recently_used_entries_give_way(root, folder):
    three = [of(root, zoom=zoom) for zoom in (1.25, 1.2501, 1.2502)]
    bound = 2.5 * BYTES / GIB

    def kept() -> list[bool]:
        return [any((folder / cache_module._key(one)).glob(PIXELS)) for one in three]

    for number in (0, 1, 0, 2):
        assert PixelCache(folder, bound).pixels(three[number]) is not None
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        assert sum(sizes) <= bound * GIB
    assert kept() == [True, False, True]


def test_images_of_one_training_do_not_push_out_each_other(root, folder):
    cache = PixelCache(folder, 1.5 * BYTES / GIB)
    assert cache.pixels(of(root)) is not None
    assert cache.pixels(of(root, "dusk")) is None
    assert PixelCache(folder, 1.5 * BYTES / GIB).pixels(of(root, "dusk")) is not None
    assert len(entries(folder)) == 1


KINDS = {"paired": PairedBatch, "unpaired": UnpairedBatch, "labelled": LabelledBatch}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gib", [0, 1.5 * BYTES / GIB, 1])
def test_batches_are_the_same_with_and_without_room_in_the_cache(root, folder, kind, gib):
    data, preprocess = scan(root), Preprocess(SIZE)
    memory = TrainingImages.load(data, "train", preprocess, ZOOM, seed=3)
    cached = TrainingImages.load(data, "train", preprocess, ZOOM, seed=3, cache=PixelCache(folder, gib))
    assert cached.decoded_when_drawn == {0: 2 * COUNT, 1: 0}.get(gib, COUNT)
    for step in range(4):
        ours, theirs = (vars(KINDS[kind].draw(one, data.domains, 7, step)) for one in (cached, memory))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_without_a_place_on_disk_images_are_decoded_when_drawn(root, folder):
    folder.parent.mkdir()
    folder.write_text("a file where the folder should be")
    images = TrainingImages.load(scan(root), "train", Preprocess(SIZE), cache=PixelCache(folder, 1))
    assert images.decoded_when_drawn == 2 * COUNT


def test_a_disk_that_fills_up_leaves_nothing_behind(root, folder, monkeypatch):
    def full(*arguments):
        yield b"some"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache_module, "_npy", full)
    assert PixelCache(folder, 1).pixels(of(root)) is None
    assert entries(folder) == []


def test_a_disk_without_room_is_not_filled(root, folder, monkeypatch):
    usage = shutil.disk_usage(root)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=BYTES))
    assert PixelCache(folder, 1).pixels(of(root)) is None
    assert entries(folder) == []


@pytest.mark.parametrize("gib", [0, 1])
def test_a_broken_image_is_named_before_the_first_batch(root, folder, gib):
    (root / "train/dusk/1.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"dusk/1\.png cannot be read"):
        TrainingImages.load(scan(root), "train", Preprocess(SIZE), cache=PixelCache(folder, gib))
    assert len(entries(folder)) == gib if folder.exists() else not gib


def test_an_image_that_has_gone_is_named(root, folder):
    decoding = of(root)
    (root / "train/dawn/1.png").unlink()
    with pytest.raises(UserError, match=r"there is no image .*dawn/1\.png"):
        PixelCache(folder, 1).pixels(decoding)


def test_what_killed_processes_left_is_removed(root, folder):
    (folder / ".0123.77.part").mkdir(parents=True)
    PixelCache(folder, 1).pixels(of(root))
    assert not list(folder.glob(".*"))


def test_loading_counts_all_pools_up_to_the_total(root, folder):
    reports = []
    for gib in (0, 1):
        cache = PixelCache(folder, gib)
        TrainingImages.load(
            scan(root), "train", Preprocess(SIZE), progress=lambda *report: reports.append(report), cache=cache
        )
        assert reports == [(done, 2 * COUNT) for done in range(1, 2 * COUNT + 1)]
        reports.clear()


CHILD = """
import sys, time
from pathlib import Path
from i2i.data.image_files import decode, images
from i2i.data.image_files.pixel_cache import PixelCache
from i2i.data.image_files.images import Preprocess
from i2i.data.layouts import scan

read, count = images.decoded, []
def slowly(path, half=None):
    count.append(path)
    time.sleep(0.1)
    return read(path, half)
images.decoded = slowly
decoding = decode.Decoding(scan(Path(sys.argv[1])).images("train", "dawn"), Preprocess((16, 12)), 1.25)
print("ready", flush=True)
sys.stdin.readline()
pixels = PixelCache(Path(sys.argv[2]), 1).pixels(decoding)
print(len(count), int(pixels.astype(int).sum()))
"""


@pytest.mark.slow
def test_of_two_processes_at_once_one_decodes_and_both_get_the_pixels(root, folder):
    pytest.importorskip("fcntl")
    command = [sys.executable, "-c", CHILD, str(root), str(folder)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0].split() for process in both)
    total = str(int(plain(of(root)).astype(int).sum()))
    assert said == [["0", total], [str(COUNT), total]]
    assert len(entries(folder)) == 1


def test_an_entry_that_is_removed_while_it_is_mapped_can_be_read_on(root, folder):
    pixels = PixelCache(folder, 1).pixels(of(root))
    shutil.rmtree(folder)
    np.testing.assert_array_equal(pixels, plain(of(root)))


def test_an_entry_with_pickled_contents_is_made_again_and_never_unpickled(root, folder):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    PixelCache(folder, 1).pixels(of(root))
    path = entries(folder)[0] / PIXELS
    np.save(path, np.array([Trap()]), allow_pickle=True)
    content = path.read_bytes()
    path.with_name(CARD).write_text(json.dumps({"length": len(content), "checksum": zlib.crc32(content)}))
    np.testing.assert_array_equal(PixelCache(folder, 1).pixels(of(root)), plain(of(root)))


SMALL = ("data.image_size=16", "model.width=4", "model.blocks=1", "model.discriminator_width=4", "model.layers=1")


@pytest.mark.integration
@pytest.mark.parametrize(("gib", "told"), [("0", f"{2 * COUNT} images have no place in the cache"), ("0.5", "")])
def test_the_command_line_bounds_the_cache_and_says_what_does_not_fit(root, folder, monkeypatch, capsys, gib, told):
    monkeypatch.setenv("I2I_CACHE", str(folder.parent))
    settings = [word for setting in (*SMALL, "train.images=2") for word in ("--set", setting)]
    where = ["--data", str(root), "--out", str(root.parent / "run"), "--device", "cpu", "--cache-gib", gib]
    monkeypatch.setattr(sys, "argv", ["i2i", "train", "--model", "cyclegan", *where, *settings])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert not stopped.value.code
    said = capsys.readouterr().err
    assert told in said
    assert ("no place" in said) == bool(told)
    assert folder.exists() == (not told)

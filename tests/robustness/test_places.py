"""Commands on places that are no places: each ends in a line that names the place, whatever the reason is."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from i2i import cli
from i2i.cli.endings import REASONS, ending
from i2i.errors import UserError
from i2i.utils.atomic_write import write_text
from i2i.utils.given_paths import check_file, check_folder, lies_in
from tests.robustness.test_bad_input import SMALL, SMALL_BENCH, contents, data_set, run
from tests.robustness.test_bad_input import trained_once as trained_once

LONG = "x" * 300
DATA = ["--data", "sky"]
COMMANDS = {
    "train": ["train", "--model", "cyclegan", *DATA, *SMALL, "--out"],
    "translate": ["translate", "run", "sky/test/dawn", "--target", "dusk", "--out"],
    "export": ["export", "run", "--format", "safetensors", "--out"],
    "import": ["import", "w.pth", "--model", "pix2pix", "--domains", "a,b", "--out"],
    "bench": ["bench", "--models", "identity", *DATA, *SMALL_BENCH[:4], "--out"],
    "make": ["data", "make", "seasons", "--size", "16", "--scenes", "1", "--test-scenes", "1", "--out"],
    "prepare": ["data", "prepare", "sky", "--size", "16", "--out"],
    "report": ["report", "run", "run", "--out"],
}
FILES = {
    "score": ["score", "--fake", "sky/test/dawn", "--real", "sky/test/dusk", "--source", "sky/test/dawn", "--json"],
    "check": ["data", "check", "sky", "--size", "16", "--no-trial", "--json"],
    "sheet": ["data", "check", "sky", "--size", "16", "--no-trial", "--sheet"],
    "grid": ["grid", "run", "--out"],
}
READ = {
    "resume": ["train", "--resume"],
    "init": ["train", *DATA, "--init"],
    "data": ["train", "--model", "cyclegan", "--data"],
    "config": ["train", "--model", "cyclegan", *DATA, "--config"],
    "suite": ["bench", *DATA, "--suite"],
    "inception": ["bench", *DATA, *SMALL_BENCH, "--inception"],
    "check data": ["data", "check"],
    "fake": ["score", "--real", "sky/test/dusk", "--fake"],
    "run": ["translate", "--target", "dusk", "--out", "new", "sky/test/dawn", "--"],
    "model": ["train", *DATA, "--model"],
    "report": ["report"],
    "grid": ["grid", "--out", "x.png"],
    "show": ["configs", "show"],
    "export": ["export", "--format", "hub", "--out", "new"],
}
PLACES = ["file/below", f"deep/{LONG}/x", "/proc/x", "/dev/full"]


@pytest.fixture(scope="module")
def prepared(trained_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("places")
    data_set(root / "sky")
    (root / "file").write_text("Dear reader")
    (root / "run").symlink_to(trained_once)
    return root


@pytest.fixture(autouse=True)
def place(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("I2I_CACHE", str(prepared / "cache"))
    monkeypatch.chdir(prepared)
    return prepared


def told(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """The last word of a command that must end in one, having left everything as it was."""
    before = {path: found for path, found in contents(Path()).items() if path.parts[0] != "cache"}
    devices = Path("/dev/null").stat().st_rdev, Path("/dev/full").stat().st_rdev
    assert run(*command) in (1, 2)
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert {path: found for path, found in contents(Path()).items() if path.parts[0] != "cache"} == before
    assert (Path("/dev/null").stat().st_rdev, Path("/dev/full").stat().st_rdev) == devices
    *_, last = said.err.strip().split("i2i: ")
    assert last.count("\n") <= 1
    return last


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_folder_that_cannot_be_is_told_and_nothing_is_done(capsys, command, where):
    last = told(capsys, [*command, where])
    assert any(part in last for part in ("file", LONG, "/proc", "/dev", "w.pth", "run"))


@pytest.mark.parametrize("where", [f"deep/{LONG}.png", "/proc/x.png", "/dev/null/x.png", "sky/"])
@pytest.mark.parametrize("command", FILES.values(), ids=FILES)
def test_a_file_that_cannot_be_is_told_and_nothing_is_done(capsys, command, where):
    last = told(capsys, [*command, where])
    assert "no place for a file" in last or "another" in last or "shorter" in last or "must end in" in last


@pytest.mark.parametrize("where", ["gone/x.png", "gone/on/x.png"])
@pytest.mark.parametrize("command", [command for name, command in FILES.items() if name != "grid"])
def test_no_folder_is_made_for_the_file_of_a_report(capsys, command, where):
    assert "there is no folder gone" in told(capsys, [*command, where])


@pytest.mark.parametrize(
    ("command", "where"),
    [
        *(
            (name, place)
            for name in ("check", "sheet")
            for place in ("sky/test/dawn/0.png", "sky/new.png", "sky/../sky/x")
        ),
        ("score", "sky/test/dawn/0.png"),
        ("score", "sky/test/dusk/new.png"),
    ],
)
def test_no_file_of_a_report_lies_among_the_images_that_it_is_about(capsys, command, where):
    assert "which is read: choose another place, outside of it" in told(capsys, [*FILES[command], where])


def test_no_file_of_a_report_replaces_a_list_of_images_or_one_that_it_names(capsys, place):
    lines = [
        f"sky/{split}/{domain}/0.png,{split},{domain}" for split in ("train", "test") for domain in ("dawn", "dusk")
    ]
    (place / "list.csv").write_text("\n".join(["path,split,domain", *lines]))
    for option, where in (("--json", "list.csv"), ("--sheet", "sky/train/dawn/0.png")):
        said = told(capsys, ["data", "check", "list.csv", "--size", "16", "--no-trial", option, where])
        assert f"{option} {where} is" in said
    (place / "colors.json").write_text('{"a": [0, 0, 0]}')
    words = [*FILES["score"][:-1], "--label-maps", "--palette", "colors.json", "--json", "colors.json"]
    assert "--json colors.json is colors.json, which is read" in told(capsys, words)


@pytest.mark.parametrize("where", ["run/metrics.jsonl", "run/config.yaml", "run/new"])
def test_a_page_replaces_no_file_of_a_run(capsys, where):
    assert f"--out {where} must end in .html or .htm" in told(capsys, ["watch", "run", "--out", where])


@pytest.mark.parametrize(
    ("path", "place", "inside"),
    [
        ("data", "data", True),
        ("data/new/x", "data", True),
        ("more/../data/x", "data", True),
        ("link/x", "data", True),
        ("data/away/x", "data", True),
        ("data/x", "link", True),
        ("twin", "file", True),
        ("data-2/x", "data", False),
        ("x", "data", False),
        ("data/../x", "data", False),
        ("data/x", "gone", False),
    ],
)
def test_a_place_lies_in_another_however_both_are_written(tmp_path, monkeypatch, path, place, inside):
    monkeypatch.chdir(tmp_path)
    for folder in ("data", "more", "elsewhere"):
        Path(folder).mkdir()
    Path("link").symlink_to("data")
    Path("data/away").symlink_to(tmp_path / "elsewhere")
    Path("file").touch()
    os.link("file", "twin")
    for one in (Path(path), Path(path).absolute()):
        assert lies_in(one, Path(place)) is inside


@pytest.mark.slow
@pytest.mark.parametrize("where", ["file/below", LONG, "/dev/full"])
@pytest.mark.parametrize("command", READ.values(), ids=READ)
def test_what_cannot_be_read_is_told(capsys, command, where):
    told(capsys, [*command, where])


def test_a_place_where_nothing_can_be_written_is_named_not_the_hidden_file(tmp_path):
    with pytest.raises(OSError, match=r"/proc'$"):
        check_folder(Path("/proc/new"))
    with pytest.raises(OSError, match=r"/proc/x.json'$"):
        write_text(Path("/proc/x.json"), "{}")
    (tmp_path / "pipe").touch()
    check_file(tmp_path / "pipe", "--json")
    check_folder(tmp_path / "a/b/c")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("special", ["/dev/null", "/dev/full"])
def test_a_device_is_never_replaced_by_a_file(special):
    with pytest.raises(UserError, match="a device or pipe: name a file"):
        check_file(Path(special), "--json")


@pytest.mark.parametrize("number", sorted(REASONS))
def test_an_error_of_the_system_names_place_reason_and_remedy(number):
    line, status = ending(OSError(number, os.strerror(number), "some\x1b/place"))
    assert line.startswith("some\\x1b/place: ")
    assert status == 1
    assert line.partition(": ")[2].count(":") == 1
    assert ending(OSError(number, os.strerror(number), ".hidden.part", None, "b"))[0].startswith("b: ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("no number"), "no number"),
        (OSError(errno.ENOSPC, "full"), "the disk of the output is full"),
        (MemoryError(), "not enough memory"),
        (RecursionError(), "nested too deeply"),
        (UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates"), "is no text of utf-8: rename it"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "start"), "is no text of utf-8"),
    ],
)
def test_other_errors_of_the_surroundings_are_a_line(error, words):
    assert words in ending(error)[0]


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("x"), AssertionError()])
def test_a_mistake_of_the_program_is_not_passed_off_as_one_of_the_user(error):
    assert ending(error) is None


def test_ctrl_c_ends_in_a_line_with_its_status(capsys, monkeypatch):
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("i2i.presets.files.listing", stop)
    assert run("configs") == 130
    assert capsys.readouterr().err == "i2i: stopped by Ctrl-C\n"


def i2i(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "i2i", *arguments]
    return subprocess.run(command, capture_output=True, check=False, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.integration
def test_output_that_nobody_reads_or_no_disk_takes_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    shell = f"{sys.executable} -m i2i configs > /dev/full; {sys.executable} -m i2i configs >&{writer}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False, pass_fds=[writer])
    os.close(writer)
    assert done.stderr == "i2i: the disk of the output is full: make room and run it again\n"
    assert done.returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_a_table_is_shown_and_a_json_written_where_output_is_not_utf8(encoding, place):
    json_file = place / f"{encoding}.json"
    done = i2i(*FILES["score"], str(json_file), env={**os.environ, "PYTHONIOENCODING": encoding})
    assert done.returncode == 0, done.stderr
    assert b"+---" in done.stdout
    assert json.loads(json_file.read_text())["metrics"]


def test_the_json_is_there_before_the_table_is_shown(place, monkeypatch):
    def refuse(text: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("i2i.utils.console.say", refuse)
    with pytest.raises((BrokenPipeError, SystemExit)):
        monkeypatch.setattr(sys, "argv", ["i2i", *FILES["score"], "early.json"])
        cli.main()
    assert json.loads((place / "early.json").read_text())["metrics"]


def test_without_a_home_the_variable_to_set_is_named(monkeypatch, tmp_path):
    from i2i.utils.cache_folder import cache_folder

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("I2I_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(UserError, match="I2I_CACHE=DIR"):
        cache_folder()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "i2i"

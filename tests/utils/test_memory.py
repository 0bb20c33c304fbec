"""Freed memory is kept where that is asked for, and given back to the system after."""

import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from i2i.benchmarks.execution.job_runner import Runner
from i2i.data.image_files.images import Preprocess, read_image
from i2i.inference import frames
from i2i.inference.translate_files import translate_files
from i2i.metrics import folder_scores
from i2i.utils import memory
from i2i.utils.memory import freed_memory_kept
from tests.support.job_functions import Write, named

MIB = 2**20
PAGES = 48 * MIB // resource.getpagesize()
"""Of a tensor so large that glibc maps it by itself."""
needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep what is freed")


def faults(times: int = 20) -> float:
    """Pages that the system has to bring for one large tensor, of which one after another is made and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(48 * MIB // 4)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times


@needs_glibc
def test_pages_of_freed_tensors_serve_the_next_ones_in_the_block():
    with freed_memory_kept():
        faults()
        assert faults() < 0.2 * PAGES
        with freed_memory_kept():
            pass
        assert faults() < 0.2 * PAGES, "the inner of two blocks ended what the outer asks for"


@needs_glibc
def test_after_the_block_what_was_freed_is_the_systems_again():
    """In a process of its own, whose memory nothing else has."""
    script = """
import torch
from i2i.utils.memory import freed_memory_kept
def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) // 1024
torch.ones(8)
before = resident()
with freed_memory_kept():
    tensors = [torch.ones(2**20) for _ in range(100)]
    del tensors
    print(resident() - before)
print(resident() - before)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    within, after = map(int, run.stdout.split())
    assert within > 390
    assert after < 40


@pytest.mark.parametrize("given", [{}, {"MALLOC_ARENA_MAX": "2"}, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}])
def test_without_glibc_or_where_the_environment_decides_the_block_runs_and_its_errors_are_its_own(monkeypatch, given):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if not given:
        monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with pytest.raises(ValueError, match="mine") as raised, freed_memory_kept():
        assert not memory.keeping()
        raise ValueError("mine")
    assert raised.value.__context__ is None


def test_an_error_ends_the_block():
    with pytest.raises(KeyboardInterrupt), freed_memory_kept():
        raise KeyboardInterrupt
    assert not memory.keeping()


def keeps(function):
    """The function, and what it is told of kept memory whenever it runs."""
    seen = []

    def looking(*arguments, **options):
        seen.append(memory.keeping())
        return function(*arguments, **options)

    return looking, seen


@needs_glibc
def test_it_is_kept_while_files_are_translated(tmp_path):
    write, seen = keeps(lambda path, pixels, source: None)
    translate_files(lambda paths: paths, [(tmp_path / "a.png", Path("a.png"))], tmp_path, write)
    assert (seen, memory.keeping()) == ([True], False)


@needs_glibc
def test_it_is_kept_while_frames_are_translated(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "_only", (looking := keeps(frames._only))[0])
    Image.new("RGB", (16, 16)).save(tmp_path / "1.png")
    preprocess = Preprocess((16, 16))
    monkeypatch.setattr(
        frames, "resized", lambda *given: lambda paths: [preprocess(read_image(path)) for path in paths]
    )
    monkeypatch.setattr(frames, "replace", lambda translate, **changes: translate)
    frames.translate_frames(None, preprocess, tmp_path, tmp_path / "out")
    assert (looking[1], memory.keeping()) == ([True], False)


@needs_glibc
def test_it_is_kept_while_folders_are_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_scores, "_measures", (looking := keeps(folder_scores._measures))[0])
    for name in ("a.png", "b.png"):
        Image.new("RGB", (16, 16)).save(tmp_path / name)
    folder_scores.score_folders(folder_scores.Folders(tmp_path, tmp_path, truth=tmp_path))
    assert (looking[1], memory.keeping()) == ([True], False)


@needs_glibc
def test_it_is_kept_while_a_job_of_a_bench_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(Write, "perform", (looking := keeps(Write.perform))[0])
    Runner(tmp_path, "cpu")(Write(id=named("job"), path=tmp_path / "job"), lambda text: None)
    assert (looking[1], memory.keeping()) == ([True], False)

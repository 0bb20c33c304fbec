"""Freed memory is kept where that is asked for, and given back to the system after."""

import platform
import resource
import subprocess
import sys

import pytest
import torch

from i2i.utils import memory
from i2i.utils.memory import freed_memory_kept

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

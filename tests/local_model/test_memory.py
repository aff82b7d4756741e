from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
import torch

from promptlab.local_model.host.memory import free_bytes, give_back, group_free, machine_free


def test_a_machine_tells_what_is_available(tmp_path: Path) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:  100 kB\nMemFree: 3 kB\nMemAvailable:      70 kB\n")
    assert machine_free(file) == 70 * 1024


def test_a_machine_that_does_not_tell_is_taken_to_be_small(tmp_path: Path) -> None:
    assert machine_free(tmp_path / "none") == 2 * 2**30
    (tmp_path / "odd").write_text("MemTotal: 100 kB\n")
    assert machine_free(tmp_path / "odd") == 2 * 2**30


def test_a_container_leaves_what_its_limit_does(tmp_path: Path) -> None:
    assert group_free(tmp_path) > 2**60
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5000\n")
    assert group_free(tmp_path) > 2**60
    (tmp_path / "memory.max").write_text("8000\n")
    assert group_free(tmp_path) == 3000
    (tmp_path / "memory.max").write_text("4000\n")
    assert group_free(tmp_path) == 0


def test_this_machine_has_some() -> None:
    assert 0 < free_bytes(torch.device("cpu")) < 2**60


def resident() -> int:
    """Return the bytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no other heap is asked")
def test_what_nobody_uses_goes_back_to_the_system() -> None:
    held = [bytearray(b"x" * 100_000) for _ in range(1000)]
    last = bytearray(b"y" * 100_000)  # above them: the heap's end does not move
    del held
    before = resident()
    give_back()
    assert resident() < before - 50_000_000
    assert last[0] == ord("y")

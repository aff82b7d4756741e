"""Measure the memory that this process may still use on a device, and give some back."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import torch

_GUESS = 2 * 2**30  # where the system does not say
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def free_bytes(device: torch.device) -> int:
    """Return the bytes that are free on `device`."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + unused)
    return min(machine_free(_MEMINFO), group_free(_CGROUP))


def give_back() -> None:
    """Return unused heap memory to the system.

    Tensors of many sizes fragment the heap: over thousands of prompts a process would grow to
    several times what it needs. Only glibc is known to do so, and it has a function to undo it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def machine_free(meminfo: Path) -> int:
    """Return the memory that Linux reports as available; a guess elsewhere."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return _GUESS
    sizes = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(sizes["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in sizes else _GUESS


def group_free(folder: Path) -> int:
    """Return the memory left below a container's limit; without one, more than any machine has."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = (folder / "memory.current").read_text().strip()
    except OSError:
        return 2**62
    return 2**62 if limit == "max" else max(0, int(limit) - int(used))

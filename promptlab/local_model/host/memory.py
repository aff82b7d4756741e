"""How much memory a device has left, as far as this process may use it; giving some back."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import torch

_GUESS = 2 * 2**30  # where the system does not tell
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
    """Return to the system what the heap holds and nobody uses.

    Tensors of many sizes leave holes in it: over thousands of prompts a process would grow by what
    it needs several times over. Only glibc is known to do so, and has a function against it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def machine_free(meminfo: Path) -> int:
    """Return what Linux calls available; a guess elsewhere."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return _GUESS
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(told["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in told else _GUESS


def group_free(folder: Path) -> int:
    """Return what the limit of a container leaves; without a limit, more than any machine has."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = (folder / "memory.current").read_text().strip()
    except OSError:
        return 2**62
    return 2**62 if limit == "max" else max(0, int(limit) - int(used))

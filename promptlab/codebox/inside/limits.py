"""Limits on what one process may take."""

from __future__ import annotations

import resource
from dataclasses import dataclass

PROCESSES = 16
"""Processes and threads of a job, its own four among them. Each may take the whole memory."""

FILE_BYTES = 32 * 2**20
FOLDER_BYTES = 64 * 2**20
OPEN_FILES = 64
_GROWTH = 32 * 2**20  # bytes by which a forked interpreter grows before it does anything


@dataclass(frozen=True, slots=True)
class Limits:
    """`cpu_s`: seconds of the processor; `wall_s`: of the clock; `memory_mb`: for each process."""

    cpu_s: int
    wall_s: float
    memory_mb: int


def address_space() -> int:
    """Return how many bytes of address space this process has. It needs /proc."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def confine(limits: Limits, own_bytes: int) -> None:
    """Set the limits of this process and of all that it starts.

    `own_bytes` is the address space that an interpreter takes by itself.
    """
    memory = own_bytes + _GROWTH + limits.memory_mb * 2**20
    bounds = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_NPROC: PROCESSES,
        resource.RLIMIT_FSIZE: FILE_BYTES,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: OPEN_FILES,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for kind, bound in bounds.items():
        hard = resource.getrlimit(kind)[1]
        lower = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (lower, lower))

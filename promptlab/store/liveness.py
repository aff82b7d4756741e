"""Whether the process that carries out a run is alive.

On the same machine, and among the same processes, the system knows. Elsewhere only the database
does: the process reports every few seconds that it goes on.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.store.connection import Connection, Value

if TYPE_CHECKING:
    import psutil
else:
    psutil = lazy_module("psutil")

BEAT_S = 5.0  # between two heartbeats
SILENT_S = 60.0  # without a heartbeat, until a process that cannot be seen counts as dead

NOW = "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"
"""This moment, in SQL: a heartbeat and whoever reads it go by the clock, not by that of a run."""

PROCESS = "pid, host, process_started, place, (julianday('now') - julianday(heartbeat)) * 86400.0"
"""The columns of a run that `is_alive` takes."""

_STATUS = f"SELECT status, {PROCESS} FROM runs WHERE id = :run"

OWNER = """
SELECT json_array(pid, host, process_started, place) FROM runs WHERE id = :run
"""
"""Which process carries out a run, as one text."""


def this_process() -> dict[str, Value]:
    """Return what identifies this process: its number, machine and start time."""
    process = psutil.Process()
    return {
        "pid": process.pid,
        "host": platform.node(),
        "process_started": _started(process),
        "place": _place(),
    }


def has_ended(connection: Connection, run: int) -> bool:
    """Return whether nobody carries out a run any more."""
    status, *process = connection.row(_STATUS, run=run) or ()
    return status != "running" or not is_alive(*process)


def is_alive(
    pid: int, host: str, started: str | None, place: str | None, silent_s: float | None
) -> bool:
    """Return whether a run's process is alive.

    Where it cannot be seen, on another machine or in another container, its heartbeat tells.
    """
    if place != _place() and (place is not None or host != platform.node()):
        return silent_s is not None and abs(silent_s) < SILENT_S  # clocks may differ a little
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # killed, but not yet reaped
            return False
        return started is None or _started(process) == started
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # alive, but another user's
        return started is None


@cache
def _place() -> str:
    """Return what tells this start of the machine, and its processes as seen here, from others."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: there are no containers but machines of their own
        return platform.node()


def _started(process: psutil.Process) -> str:
    """Return when a process started, in hundredths of a second since boot.

    Linux counts this way, and older databases store it; adjusting the clock does not change it.
    """
    return str(round((process.create_time() - psutil.boot_time()) * 100))

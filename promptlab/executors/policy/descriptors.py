"""How many calls the open files of this process allow: each call has a connection, which is one."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import resource

_OTHERS = 48  # files that may be opened meanwhile: the database, name look-ups, second addresses
_OPEN_AT_START = 32  # where the system does not list what is open


def allowed(calls: int) -> tuple[int, int]:
    """Return how many of `calls` there are files for, and the limit of open files.

    The limit is raised as far as that is needed and the system lets us.
    """
    if sys.platform == "win32":
        return calls, sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return calls, sys.maxsize
    used = _open() + _OTHERS
    if used + calls > soft:
        most = used + calls if hard == resource.RLIM_INFINITY else min(hard, used + calls)
        with suppress(OSError, ValueError):  # a system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(calls, soft - used)), soft


def _open() -> int:
    """Return how many files this process has open."""
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:
        return _OPEN_AT_START

"""Runs Python as an ordinary user, wherever Python is installed: `python as_user.py SCRIPT ...`.

Root's own folders are not an ordinary user's to enter, and Python may be in one of them. Where it
is, a file system of this process alone shows it at the same place with a way to it.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from promptlab.codebox.inside import kernel

USER = 64123  # of no one, and not the one that a box makes of root


def closed_above(folder: Path) -> Path | None:
    """Return the first folder on the way to another that only its owner may enter."""
    for above in reversed(folder.parents):
        if not above.stat().st_mode & stat.S_IXOTH:
            return above
    return None


def show(folder: Path) -> None:
    """Make a folder reachable that is below a closed one."""
    closed = closed_above(folder)
    if closed is None:
        return
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    source = os.open(folder, os.O_PATH)
    kernel.mount("tmpfs", str(closed), "tmpfs", 0, "size=1m,mode=755")
    folder.mkdir(parents=True)
    kernel.mount(f"/proc/self/fd/{source}", str(folder), None, kernel.MS_BIND | kernel.MS_REC)


if __name__ == "__main__":
    os.umask(0o022)
    show(Path(sys.base_prefix))
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    os.chdir("/")
    os.execve(sys.executable, [sys.executable, "-P", *sys.argv[1:]], dict(os.environ))

"""A file system with nothing in it but Python's library: what is not there cannot be opened.

That holds for sockets, too, through which other programs would do what a process itself may not.
"""

from __future__ import annotations

import os
import sys
import sysconfig

from promptlab.codebox.inside import kernel
from promptlab.codebox.inside.kernel import LayerMissing, told
from promptlab.codebox.inside.limits import FOLDER_BYTES

LAYER = "mount namespaces"
FOLDER = "/tmp"  # noqa: S108 - it is one's own, and in memory
DEVICES = "/dev"

_SHARED = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
_FILES = ("/etc/ld.so.cache", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def enter() -> None:
    """Make the room the root of this process, which must be privileged in its own namespaces."""
    covered = [path for path in _wanted() if path.startswith(FOLDER + "/")]
    if covered:
        raise LayerMissing(LAYER, f"Python is in {covered[0]}, where the box has its own folder")
    try:
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        # Opened before one of them is covered by what is mounted next.
        sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in _wanted()}
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount("tmpfs", FOLDER, "tmpfs", flags, "size=1m,mode=755")
        proc = os.open("/proc/self/fd", os.O_PATH | os.O_CLOEXEC)
        for path, source in sources.items():
            _bring_in(path, source)
        os.close(proc)
        os.makedirs(FOLDER + FOLDER, exist_ok=True)
        kernel.change_root(FOLDER)
        kernel.make_readonly("/")
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def own_folder() -> None:
    """Mount an empty folder in memory for this process alone, and go there."""
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.unshare(kernel.CLONE_NEWNS)
        options = f"size={FOLDER_BYTES},nr_inodes=4096,mode=700"
        kernel.mount("tmpfs", FOLDER, "tmpfs", flags, options)
        os.chdir(FOLDER)
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def _wanted() -> list[str]:
    """List what is brought in, none within another."""
    library = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    dynamic = {path for path in sys.path if path.endswith("lib-dynload")}
    wanted = [*_SHARED, *_FILES, *library, *dynamic]
    there = sorted({path for path in wanted if path and os.path.exists(path)})
    real = [path for path in there if not os.path.islink(path)]
    inner = {path for path in there for outer in real if path.startswith(outer + "/")}
    return [path for path in there if path not in inner]


def _bring_in(path: str, source: int) -> None:
    """Put a file, a folder or a link into the room, where it has always been."""
    target = FOLDER + path
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.islink(path):
        if not os.path.lexists(target):
            os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(f"/proc/self/fd/{source}"):
        os.makedirs(target, mode=0o755, exist_ok=True)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    kernel.mount(f"/proc/self/fd/{source}", target, None, kernel.MS_BIND | kernel.MS_REC)

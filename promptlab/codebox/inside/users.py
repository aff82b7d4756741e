"""Namespaces of users: who one is outside, and that one is nobody inside."""

from __future__ import annotations

import os

from promptlab.codebox.inside import kernel
from promptlab.codebox.inside.kernel import LayerMissing, told

LAYER = "user namespaces"
NOBODY = 65534
"""Who everything in a box is, as seen from within; and for root from outside, too."""


def enter_own(flags: int) -> None:
    """Enter a namespace of users in which this user is known, and others made along with it."""
    try:
        if os.geteuid() == 0:
            _enter_as_root(flags)
            return
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWUSER | flags)
        write_maps("/proc/self", f"{user} {user} 1", f"{group} {group} 1")
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def _enter_as_root(flags: int) -> None:
    """Know root and nobody, which only a process outside may set."""
    ready, go = os.pipe()
    parent = os.getpid()
    helper = os.fork()
    if helper == 0:
        try:
            os.close(go)
            os.read(ready, 1)
            both = f"0 0 1\n{NOBODY} {NOBODY} 1"
            write_maps(f"/proc/{parent}", both, both, may_set_groups=True)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    os.close(ready)
    try:
        kernel.unshare(kernel.CLONE_NEWUSER | flags)
    finally:
        os.close(go)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise OSError(status, f"uid_map: {os.strerror(abs(status))}")


def become_nobody(proc: int, flags: int) -> None:
    """Give up every right, and enter a namespace in which one is nobody, and others with it.

    `proc` is a descriptor of /proc, which need not be there any more.
    """
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            kernel.prctl("dumpable", kernel.PR_SET_DUMPABLE, 1)  # or /proc/self would be root's
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWUSER | flags)
        write_maps("self", f"{NOBODY} {user} 1", f"{NOBODY} {group} 1", folder=proc)
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def write_maps(
    process: str,
    users: str,
    groups: str,
    *,
    folder: int | None = None,
    may_set_groups: bool = False,
) -> None:
    """Say which users and groups of a process's namespace are which of ours."""
    files = [] if may_set_groups else [("setgroups", "deny")]
    for name, text in [*files, ("uid_map", users), ("gid_map", groups)]:
        file = os.open(f"{process}/{name}", os.O_WRONLY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.write(file, text.encode())
        except OSError as error:
            raise OSError(error.errno, f"{name}: {error.strerror}") from None
        finally:
            os.close(file)

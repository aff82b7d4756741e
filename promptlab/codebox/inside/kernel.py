"""Calls of the Linux kernel that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import platform

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 38, 47

_MOUNT_SETATTR = 442  # as all calls since Linux 5.1: the same on every machine
_AT_RECURSIVE = 0x8000
_AT_FDCWD = -100
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class LayerMissing(Exception):
    """A layer cannot be had on this machine: its name, and why."""

    def __init__(self, layer: str, why: str) -> None:
        super().__init__(layer, why)
        self.layer, self.why = layer, why


def told(error: Exception) -> str:
    """Return what an error says, without its number."""
    return getattr(error, "strerror", None) or str(error)


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def syscall(call: str, number: int, *arguments: object) -> int:
    """Call the kernel by number. Raise `OSError`, which names the call."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *words), call)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_libc.unshare(ctypes.c_int(flags)), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """Mount a file system, or bind what is mounted elsewhere."""
    _checked(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            None if kind is None else os.fsencode(kind),
            ctypes.c_ulong(flags),
            options.encode() or None,
        ),
        f"mount {kind or source}",
    )


def make_readonly(target: str) -> None:
    """Make a mount and all below it read-only, without set-user-id programs."""
    attributes = (ctypes.c_uint64 * 4)(MS_RDONLY | MS_NOSUID, 0, 0, 0)
    syscall(
        "mount_setattr",
        _MOUNT_SETATTR,
        _AT_FDCWD,
        ctypes.c_char_p(os.fsencode(target)),
        _AT_RECURSIVE,
        ctypes.byref(attributes),
        ctypes.sizeof(attributes),
    )


def change_root(folder: str) -> None:
    """Make a mounted folder the root, and let go of what was there before."""
    os.chdir(folder)
    here = ctypes.c_char_p(b".")
    syscall("pivot_root", machine_number("pivot_root", _PIVOT_ROOT), here, here)
    _checked(_libc.umount2(b".", ctypes.c_int(MNT_DETACH)), "umount2")
    os.chdir("/")


def machine_number(call: str, numbers: dict[str, int]) -> int:
    """Return the number of a call on this machine. Raise `OSError` if it is not known here."""
    machine = platform.machine()
    if machine not in numbers:
        raise OSError(f"{call}: not known on {machine}, only on {', '.join(numbers)}")
    return numbers[machine]


def prctl(call: str, option: int, *arguments: object) -> None:
    """Change a property of this process."""
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in arguments]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    _checked(_libc.prctl(ctypes.c_int(option), *words), call)


def give_up_capabilities() -> None:
    """Keep no capability, and make it impossible to regain one."""
    for capability in range(64):
        try:
            prctl("capbset", PR_CAPBSET_DROP, capability)
        except OSError:  # beyond the last
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "capset")
    prctl("no_new_privs", PR_SET_NO_NEW_PRIVS, 1)

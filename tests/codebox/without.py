"""Takes something of the kernel away, then runs what follows: `python without.py WHAT COMMAND ...`.

`landlock` and `seccomp`: the call does not exist. `users`: no namespace of users can be made.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

from promptlab.codebox.inside import kernel

_LANDLOCK = 444


def refuse(number: int, error: int, argument: int | None = None) -> None:
    """Let a call fail, or only with this first argument, for this process and its children."""
    steps = [struct.pack("=HBBI", 0x20, 0, 0, 0), struct.pack("=HBBI", 0x15, 0, 1, number)]
    if argument is not None:
        steps[1] = struct.pack("=HBBI", 0x15, 0, 3, number)
        steps += [struct.pack("=HBBI", 0x20, 0, 0, 16), struct.pack("=HBBI", 0x15, 0, 1, argument)]
    steps += [
        struct.pack("=HBBI", 0x06, 0, 0, 0x00050000 | error),
        struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000),
    ]
    code = ctypes.create_string_buffer(b"".join(steps))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    given = Filter(len(steps), ctypes.addressof(code))
    kernel.prctl("no_new_privs", kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl("seccomp", kernel.PR_SET_SECCOMP, 2, ctypes.byref(given))


def main(what: str, *command: str) -> None:
    """Take something away, and become the command."""
    numbers = {"x86_64": (272, 157, 165), "aarch64": (97, 167, 40)}
    unshare, prctl, mount = numbers[os.uname().machine]
    if what == "landlock":
        refuse(_LANDLOCK, errno.EOPNOTSUPP)
    elif what == "seccomp":
        refuse(prctl, errno.EINVAL, kernel.PR_SET_SECCOMP)
    elif what == "users":
        refuse(unshare, errno.EPERM)
    elif what == "mount":
        refuse(mount, errno.EPERM)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])

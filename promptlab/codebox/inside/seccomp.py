"""Seccomp: calls that are refused whatever they are called with, for ever.

Each would get around another layer: memory that no limit counts (memfd, System V), an address
family that is not bound to a network namespace (vsock), namespaces in which one is privileged.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from promptlab.codebox.inside.kernel import PR_SET_SECCOMP, LayerMissing, prctl, told

LAYER = "seccomp"

_MODE_FILTER = 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # where the call's number, its machine and argument stand
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_AF_UNIX = 1
_NAMESPACES = 0x7E020080  # the flags of clone that make a namespace
_X32 = 0x40000000

# Numbers that all machines share are in both tables, so that each can be read by itself.
_NUMBERS = {
    "x86_64": {
        "machine": 0xC000003E, "socket": 41, "clone": 56, "clone3": 435,
        "refused": {
            "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68, "ptrace": 101, "execve": 59,
            "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166, "add_key": 248,
            "request_key": 249, "keyctl": 250, "mq_open": 240, "unshare": 272, "setns": 308,
            "perf_event_open": 298, "open_by_handle_at": 304, "process_vm_readv": 310,
            "process_vm_writev": 311, "memfd_create": 319, "bpf": 321, "execveat": 322,
            "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429,
            "fsopen": 430, "fsmount": 432, "pidfd_getfd": 438, "mount_setattr": 442,
            "memfd_secret": 447, "name_to_handle_at": 303, "kcmp": 312, "personality": 135,
        },
    },
    "aarch64": {
        "machine": 0xC00000B7, "socket": 198, "clone": 220, "clone3": 435,
        "refused": {
            "shmget": 194, "shmat": 196, "semget": 190, "msgget": 186, "ptrace": 117,
            "execve": 221, "pivot_root": 41, "chroot": 51, "mount": 40, "umount2": 39,
            "add_key": 217, "request_key": 218, "keyctl": 219, "mq_open": 180, "unshare": 97,
            "setns": 268, "perf_event_open": 241, "open_by_handle_at": 265,
            "process_vm_readv": 270, "process_vm_writev": 271, "memfd_create": 279, "bpf": 280,
            "execveat": 281, "userfaultfd": 282, "io_uring_setup": 425, "open_tree": 428,
            "move_mount": 429, "fsopen": 430, "fsmount": 432, "pidfd_getfd": 438,
            "mount_setattr": 442, "memfd_secret": 447, "name_to_handle_at": 264, "kcmp": 272,
            "personality": 92,
        },
    },
}  # fmt: skip


def confine() -> None:
    """Refuse those calls from here on. Needs `no_new_privs`."""
    program = _program(platform.machine())
    code = ctypes.create_string_buffer(b"".join(program))

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    given = Filter(len(program), ctypes.addressof(code))
    try:
        prctl("seccomp", PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(given))
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def _program(machine: str) -> list[bytes]:
    """Return the filter: calls of another kind of machine are refused as well."""
    if machine not in _NUMBERS:
        raise LayerMissing(LAYER, f"it is not known which numbers calls have on {machine}")
    numbers = _NUMBERS[machine]
    no, absent = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    found = [
        _step(_LOAD, _MACHINE),
        _step(_EQUAL, int(str(numbers["machine"])), yes=1),
        _step(_RETURN, no),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, no=1),
        _step(_RETURN, no),
        # The flags of clone3 are in memory, where a filter cannot look; libraries then use clone.
        _step(_EQUAL, int(str(numbers["clone3"])), no=1),
        _step(_RETURN, absent),
    ]
    refused = numbers["refused"]
    assert isinstance(refused, dict)
    for number in refused.values():
        found += [_step(_EQUAL, number, no=1), _step(_RETURN, no)]
    found += [
        _step(_EQUAL, int(str(numbers["socket"])), no=4),
        _step(_LOAD, _FIRST),
        _step(_EQUAL, _AF_UNIX, yes=1),
        _step(_RETURN, _REFUSE | errno.EACCES),
        _step(_RETURN, _ALLOW),
        _step(_EQUAL, int(str(numbers["clone"])), no=3),
        _step(_LOAD, _FIRST),
        _step(_ANY_BIT, _NAMESPACES, no=1),
        _step(_RETURN, no),
        _step(_RETURN, _ALLOW),
    ]
    return found


def _step(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """Return one step: where a comparison holds, skip `yes` steps, otherwise `no` steps."""
    return struct.pack("=HBBI", code, yes, no, value)

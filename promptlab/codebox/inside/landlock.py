"""Landlock: which files a process may open, for ever and for all that it starts."""

from __future__ import annotations

import ctypes
import os
import struct

from promptlab.codebox.inside.kernel import LayerMissing, syscall, told

LAYER = "Landlock"

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
# Rights over files that each version of Landlock knows: one bit each, from the first.
_KNOWN = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_REFER, _TRUNCATE = 1 << 13, 1 << 14  # to move between folders, and to shorten
_NO_TCP = 0b11  # bind, connect: since version 4
_SCOPED = 0b11  # abstract sockets, signals: since version 6

READ = _READ_FILE | _READ_DIR
WRITE = (1 << 13) - 1 & ~_EXECUTE
"""All that can be done in a folder of one's own, but to run programs."""


def version() -> int:
    """Return the version of Landlock here. Raise `LayerMissing` if there is none."""
    try:
        return syscall("landlock_create_ruleset", _CREATE, None, 0, _VERSION)
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def confine(readable: str, writable: tuple[str, ...]) -> None:
    """Allow reading below one folder and working below others; nothing else, for ever."""
    known = version()
    files = (1 << _KNOWN[min(known, 5)]) - 1
    words = [files, _NO_TCP, _SCOPED][: 1 + (known >= 4) + (known >= 6)]
    attributes = (ctypes.c_uint64 * len(words))(*words)
    try:
        rules = syscall(
            "landlock_create_ruleset",
            _CREATE,
            ctypes.byref(attributes),
            ctypes.sizeof(attributes),
            0,
        )
        _allow(rules, readable, READ)
        for folder in writable:
            _allow(rules, folder, files & (WRITE | _REFER | _TRUNCATE))
        syscall("landlock_restrict_self", _RESTRICT, rules, 0)
        os.close(rules)
    except OSError as error:
        raise LayerMissing(LAYER, told(error)) from None


def _allow(rules: int, folder: str, rights: int) -> None:
    beneath = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    rule = struct.pack("=Qi", rights, beneath)
    syscall("landlock_add_rule", _ADD, rules, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    os.close(beneath)

"""The process that waits in the room and forks a job for every run.

It has left everything behind that a job must not have: the files, the environment, the terminal.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys

from promptlab.codebox.inside import job, kernel, limits, room, users
from promptlab.codebox.inside.kernel import LayerMissing

# What code imports most: loaded once here, not in every run.
_COMMON = (
    "abc", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "heapq", "itertools", "math", "operator", "random", "re",
    "statistics", "string", "typing",
)  # fmt: skip


def main(control: int) -> None:
    """Enter the room, say whether that worked, then fork a job for every socket received."""
    os.set_inheritable(control, False)
    os.environ.clear()
    os.umask(0o022)
    with socket.socket(fileno=control) as line:
        try:
            proc, own_bytes = _enter()
        except LayerMissing as missing:
            line.send(json.dumps([missing.layer, missing.why]).encode())
            return
        line.send(b"[]")
        _serve(line, proc, own_bytes)


def _enter() -> tuple[int, int]:
    """Enter the room; return a descriptor of /proc, which the room has not, and the memory used."""
    for name in _COMMON:
        importlib.import_module(name)
    proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC)
    own_bytes = limits.address_space()
    users.enter_own(kernel.CLONE_NEWNS)
    room.enter()
    sys.path[:] = [path for path in sys.path if os.path.exists(path)]
    gc.collect()
    gc.freeze()
    return proc, own_bytes


def _serve(line: socket.socket, proc: int, own_bytes: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for jobs: none becomes a zombie
    while True:
        message, files, _, _ = socket.recv_fds(line, 1, 1)
        if not message:
            return
        [given] = files
        try:
            child = os.fork()
        except OSError:  # no process to be had: the other side sees that the socket closes
            child = -1
        if child == 0:
            line.close()
            job.main(given, proc, own_bytes)
        os.close(given)

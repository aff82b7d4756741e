"""The box as the rest of promptlab sees it: code and tests in, a ruling out."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from promptlab.codebox.inside import frames
from promptlab.codebox.ruling import Ruling, rule

_SLACK_S = 30.0  # how long a job may take beyond its limit, on a machine that is busy
_FIRST_S = 60.0  # how long the server may take to start
_MOST = 4 * 2**20
_BOOT = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from promptlab.codebox.inside.server import main; "
    "del sys.path[0]; main({file})"
)
_OLDEST = (5, 14)  # before, a limit of processes counted those outside of the box, too
_ROOT = Path(__file__).resolve().parents[2]
_FIXED = {"PYTHONHASHSEED": "0"}  # sets have the same order each time that code is graded
_KEPT = ("LD_LIBRARY_PATH",)  # without which some interpreters do not start


class Refused(Exception):
    """Nothing is run here: the layer that is missing, and why."""

    def __init__(self, layer: str, why: str) -> None:
        super().__init__(f"{layer}: {why}")
        self.layer, self.why = layer, why


@dataclass(frozen=True, slots=True)
class Job:
    """Code with its tests. `prompt` is what the code goes on from, `entry_point` what is tested.

    `timeout_s` is the time of the processor, for code and for tests; twice as much may pass by the
    clock. `memory_mb` is what each process may take. With `apart`, code and tests are processes of
    their own.
    """

    code: str
    tests: str
    entry_point: str | None = None
    prompt: str = ""
    timeout_s: float = 10.0
    memory_mb: int = 512
    apart: bool = True

    @property
    def cpu_s(self) -> int:
        """Return the limit in whole seconds, as the kernel counts them."""
        return max(1, math.ceil(self.timeout_s))

    @property
    def wall_s(self) -> float:
        """Return the limit by the clock, which also ends code that only waits."""
        return 2 * self.timeout_s + 2

    def messages(self) -> bytes:
        """Return what a job is told: first what the code may know, then its tests."""
        limits = {
            "cpu_s": self.cpu_s,
            "wall_s": self.wall_s,
            "memory_mb": self.memory_mb,
        }
        program = {"prompt": self.prompt, "code": self.code, "entry_point": self.entry_point}
        first = {"limits": limits, "program": program, "apart": self.apart}
        tests = {"tests": self.tests, "entry_point": self.entry_point}
        return frames.packed(first) + frames.packed(tests)


_TRIED = Job("def one():\n    return 1\n", "assert one() == 1\n", timeout_s=20)


class Box:
    """The server process, and the jobs that it has forked."""

    def __init__(self) -> None:
        """Start the server. Raise `Refused` if a layer cannot be had."""
        _require_linux()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        boot = _BOOT.format(root=str(_ROOT), file=theirs.fileno())
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, and words of our own
                [sys.executable, "-P", "-s", "-S", "-B", "-c", boot],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _KEPT if name in os.environ} | _FIXED,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self._line.settimeout(_FIRST_S)
            if missing := json.loads(self._line.recv(_MOST) or '["server", "it did not start"]'):
                raise Refused(*missing)
            self._try()
        except TimeoutError:
            self.close()
            raise Refused("server", f"it did not start within {_FIRST_S:g} s") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the server, and every job with it."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def is_alive(self) -> bool:
        """Return whether the server still runs."""
        return self._process.poll() is None

    async def run(self, job: Job) -> Ruling:
        """Run code against its tests. A run that is given up ends at once, with all it started."""
        loop = asyncio.get_running_loop()
        with self._begin() as line:
            line.setblocking(False)
            data = bytearray()
            try:
                async with asyncio.timeout(job.wall_s + _SLACK_S):
                    with contextlib.suppress(ConnectionError):  # it has refused already
                        await loop.sock_sendall(line, job.messages())
                    while part := await loop.sock_recv(line, 65536):
                        data += part
            except TimeoutError:
                return Ruling(None, "the box did not answer: the machine is too busy")
        return _ruled(job, bytes(data))

    def _begin(self) -> socket.socket:
        """Return the socket of a new job."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._line, [b"j"], [theirs.fileno()])
        return ours

    def _try(self) -> None:
        """Run a function of our own: every layer of a job is asked for."""
        with self._begin() as line:
            line.settimeout(_FIRST_S)
            with contextlib.suppress(ConnectionError):
                line.sendall(_TRIED.messages())
            data = b""
            while part := line.recv(65536):
                data += part
        ruling = _ruled(_TRIED, data)
        if not ruling.passed:
            raise Refused("trial", f"a function of our own did not pass: {ruling.reason}")


def _require_linux() -> None:
    if sys.platform != "linux":
        raise Refused("Linux", f"this is {sys.platform}")
    release = os.uname().release
    if tuple(map(int, re.findall(r"\d+", release)[:2])) < _OLDEST:
        raise Refused("Linux", f"this is {release}, and limits of processes need 5.14")


def _ruled(job: Job, data: bytes) -> Ruling:
    """Return the ruling of a job's report. Raise `Refused` if it lacked a layer."""
    if len(data) <= frames.LENGTH.size:
        return Ruling(None, "the box ended without a report")
    report: dict[str, Any] = json.loads(data[frames.LENGTH.size :])
    for place in (report, frames.read_text(report.get("said", ""))):
        if "missing" in place:
            raise Refused(*place["missing"])
        if "broken" in place:
            return Ruling(None, f"the box is broken: {place['broken']}")
    return rule(report, job.cpu_s, job.wall_s, apart=job.apart)


_lock = threading.Lock()
_boxes: dict[int, Box] = {}
_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def shared_box() -> Box:
    """Return the box of this process, started on first use. Raise `Refused` if it cannot be had."""
    with _lock:
        box = _boxes.get(os.getpid())
        if box is None or not box.is_alive():
            box = _boxes[os.getpid()] = Box()
            _at_exit()
        return box


async def run(job: Job) -> Ruling:
    """Run code against its tests in the shared box: at most as many at once as there are cores."""
    loop = asyncio.get_running_loop()
    if loop not in _slots:
        for closed in [each for each in _slots if each.is_closed()]:
            del _slots[closed]
        _slots[loop] = asyncio.Semaphore(len(os.sched_getaffinity(0)))
    async with _slots[loop]:
        return await shared_box().run(job)


@cache
def _at_exit() -> None:
    atexit.register(_close_own)


def _close_own() -> None:
    """End the box of this process, not one of a process that this was forked from."""
    if os.getpid() in _boxes:
        _boxes.pop(os.getpid()).close()

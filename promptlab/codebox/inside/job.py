"""One run: two confined processes, watched from outside of their namespaces.

The code is forked before the tests have come, so that no trace of them is in its memory.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from promptlab.codebox.inside import frames, kernel, trial, users
from promptlab.codebox.inside.confine import close_all_but, confine, die_with_parent
from promptlab.codebox.inside.kernel import LayerMissing
from promptlab.codebox.inside.limits import Limits
from promptlab.codebox.inside.solution import serve

MOST = 64 * 2**20  # bytes of a message
_SAID = 64 * 1024  # bytes that the tests may say
_LATE_S = 5.0  # how long the tests may take to say that the code has ended
_GRACE_MS = 1000  # how long code may take to end after its channel has
_STOP, _GONE = b"s", b"g"
_REFUSED = 77  # how a process ends that lacks a layer

_NAMESPACES = (
    kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
    | kernel.CLONE_NEWNS
)


@dataclass(slots=True)
class Ended:
    """How a process ended: its exit status, negative for a signal, and seconds of the processor."""

    status: int | None = None
    cpu_s: float = 0.0
    by_itself: bool = False


def main(line: int, proc: int, own_bytes: int) -> NoReturn:
    """Carry out what comes over a socket, report, and exit.

    `proc` is a descriptor of /proc, `own_bytes` the address space of the server.
    """
    try:
        _prepare(line)
        frames.send(line, _run(line, proc, own_bytes))
    except LayerMissing as missing:
        frames.send(line, {"missing": [missing.layer, missing.why]})
    except frames.Ended:
        pass  # nobody is waiting any more
    except Exception as error:  # noqa: BLE001 - a mistake of ours, which must be told
        frames.send(line, {"broken": repr(error)})
    finally:
        os._exit(0)


def _prepare(line: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.set_inheritable(line, False)


def _run(line: int, proc: int, own_bytes: int) -> dict[str, Any]:
    first = frames.receive(line, MOST)
    limits = Limits(**first["limits"])
    users.become_nobody(proc, _NAMESPACES)
    os.close(proc)
    ours, theirs = socket.socketpair()
    keeper = None
    if first["apart"]:
        keeper = _start_keeper(theirs.fileno(), first["program"], limits, own_bytes)
    theirs.close()
    tests = frames.receive(line, MOST)
    nonce = os.urandom(16).hex()
    said, tell = os.pipe()
    lifeline, alive = os.pipe()

    def run_tests() -> None:
        os.close(alive)
        program = None if keeper else first["program"]
        confine(limits, own_bytes, {tell, ours.fileno()}, lifeline)
        trial.run(tests, program, ours.fileno(), tell, nonce)

    kernel.unshare(kernel.CLONE_NEWPID)
    tester = _fork(run_tests, tell)
    os.close(tell)
    ours.close()
    words, stopped = _watch(line, said, keeper, time.monotonic() + limits.wall_s)
    ended = _end(tester)
    code = keeper.end(gone=trial.GONE in words) if keeper else Ended()
    os.close(alive)
    return {
        "said": words[frames.LENGTH.size :].decode("utf-8", "replace"),
        "nonce": nonce,
        "stopped": stopped,
        "tests": [ended.status, ended.cpu_s],
        "code": [code.status, code.cpu_s, code.by_itself],
    }


def _fork(work: Callable[[], None], tell: int) -> int:
    """Fork a process that does its work and exits; a layer that it lacks it names in `tell`."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except LayerMissing as missing:
        frames.send(tell, {"missing": [missing.layer, missing.why]})
        os._exit(_REFUSED)
    except BaseException as error:  # noqa: BLE001 - this process must not go on as another
        frames.send(tell, {"broken": repr(error)})
    finally:
        os._exit(1)


@dataclass(slots=True)
class Keeper:
    """The process that forked the code's: it sees how that ends, and ends it when it is told to."""

    process: int
    told: int
    stop: int

    def end(self, *, gone: bool) -> Ended:
        """End the code and all that it started; return how it ended.

        With `gone` it no longer answers: it may be about to end by itself.
        """
        with suppress(BrokenPipeError):  # it has said so already
            os.write(self.stop, _GONE if gone else _STOP)
        os.close(self.stop)
        try:
            told = frames.receive(self.told, MOST)
            if isinstance(told, dict):
                raise LayerMissing(*told.get("missing", ("server", told.get("broken"))))
            return Ended(*told)
        except frames.Ended:
            return Ended()
        finally:
            os.close(self.told)
            os.waitpid(self.process, 0)


def _start_keeper(channel: int, program: dict[str, Any], limits: Limits, own_bytes: int) -> Keeper:
    told, tell = os.pipe()
    stopped, stop = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            close_all_but({channel, tell, stopped})
            _keep(channel, tell, stopped, program, (limits, own_bytes))
        finally:
            os._exit(0)
    os.close(tell)
    os.close(stopped)
    return Keeper(process, told, stop)


def _keep(
    channel: int, tell: int, stopped: int, program: dict[str, Any], bounds: tuple[Limits, int]
) -> None:
    die_with_parent(stopped)
    lifeline, alive = os.pipe()

    def run_code() -> None:
        os.close(alive)
        confine(*bounds, {channel}, lifeline)
        serve(channel, program)

    kernel.unshare(kernel.CLONE_NEWPID)
    code = _fork(run_code, tell)
    os.close(channel)
    watched = os.pidfd_open(code)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(stopped, select.POLLIN)
    by_itself = any(file == watched for file, _ in poll.poll())
    if not by_itself and os.read(stopped, 1) == _GONE:
        poll.unregister(stopped)
        by_itself = bool(poll.poll(_GRACE_MS))
    ended = _end(code)
    os.close(alive)
    frames.send(tell, [ended.status, ended.cpu_s, by_itself])


def _end(process: int) -> Ended:
    """Kill a process, and with it all that is in its namespace; return how it ended."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    return Ended(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime)


def _watch(line: int, said: int, keeper: Keeper | None, until: float) -> tuple[bytes, str | None]:
    """Return what the tests say until they are through, and why they were stopped before, if so."""
    poll = select.poll()
    poll.register(said, select.POLLIN)
    poll.register(line, select.POLLRDHUP)
    if keeper:
        poll.register(keeper.told, select.POLLIN)
    words = b""
    while True:
        left = until - time.monotonic()
        happened = dict(poll.poll(max(left, 0) * 1000))
        if not happened:
            return words, "time"
        if line in happened:
            raise frames.Ended
        if said in happened:
            part = os.read(said, _SAID)
            words += part
            if not part or len(words) > _SAID:
                return words[:_SAID], None
        elif keeper and keeper.told in happened:  # the code has ended: the tests may still say so
            poll.unregister(keeper.told)
            until = min(until, time.monotonic() + _LATE_S)

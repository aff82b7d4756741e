"""What a run came to: from what the processes said, and from how they ended."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptlab.codebox.inside.frames import read_text

_NEARLY = 0.5  # share of its limit: the kernel counts in ticks to enforce it, exactly to report it


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether code passed its tests, and why not.

    `passed` is None where that cannot be told: because of what the tests need (`undecided`), or
    because the run itself was disturbed.
    """

    passed: bool | None
    reason: str | None = None
    undecided: bool = False


def rule(report: Mapping[str, Any], cpu_s: float, wall_s: float, *, apart: bool) -> Ruling:
    """Return what a job's report comes to. Passing takes a word that all agree on."""
    said = read_text(report["said"])
    tests_status, tests_cpu_s = report["tests"]
    if report["stopped"] == "time":
        return Ruling(False, f"time-out: not finished after {wall_s:g} s")
    known = said.get("nonce") == report["nonce"] and tests_status == 0
    ruling = said.get("ruling") if known else None
    if ruling == "passed":
        return Ruling(True)
    if ruling == "failed":
        return Ruling(False, str(said.get("reason")))
    if ruling == "undecided":
        return Ruling(None, str(said.get("reason")), undecided=True)
    if ruling == "gone":
        status, spent_s, by_itself = report["code"]
        return _ended(status, spent_s, by_itself, cpu_s)
    ended = _ended(tests_status, tests_cpu_s, True, cpu_s)
    if apart and ended.passed is False and not _out_of_time(tests_status, tests_cpu_s, cpu_s):
        return Ruling(None, f"the tests ended their own process ({_how(tests_status)})")
    return ended


def _ended(status: int | None, spent_s: float, by_itself: bool, cpu_s: float) -> Ruling:
    """Rule on code whose process ended before its tests were through."""
    if status is None:
        return Ruling(None, "it is not known how the code's process ended")
    if _out_of_time(status, spent_s, cpu_s):
        return Ruling(False, f"time-out: more than {cpu_s:g} s of the processor")
    if status == -signal.SIGKILL and by_itself:
        return Ruling(None, "it was killed from outside, as when the machine has no memory left")
    if not by_itself:
        return Ruling(False, "the code no longer answers its tests")
    return Ruling(False, f"the code ended its process before its tests ({_how(status)})")


def _out_of_time(status: int | None, spent_s: float, cpu_s: float) -> bool:
    return status == -signal.SIGKILL and spent_s > cpu_s * _NEARLY


def _how(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"

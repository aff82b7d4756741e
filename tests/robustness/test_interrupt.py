"""Ctrl-C and SIGTERM: a quick end that keeps what was measured and says how to go on."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.robustness.conftest import Lab

LIMIT_S = 2.0
INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param((INT,), id="once"),
        pytest.param((INT, INT), id="twice", marks=pytest.mark.slow),
        pytest.param((TERM,), id="term", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_an_interrupted_run_keeps_all_and_is_resumed(
    lab: Lab, signals: tuple[signal.Signals, ...]
) -> None:
    process, log = lab.begin("run", "one", pace=0.05)
    lab.wait_until(lambda: log.stat().st_size > 5_000)
    for number in signals:
        process.send_signal(number)
        time.sleep(0.003)
    _, told = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 130
    [run] = re.findall(r"^interrupted: .* trials are stored; finish with: (.*)$", told, re.M)
    stored = lab.stored()
    assert stored == lab.asked(log)
    document = lab.carry(*run.removeprefix("promptlab ").split())
    assert document["calls"] == lab.calls - len(stored)
    lab.assert_complete()


def asked(lab: Lab, log: Path) -> None:
    """Wait until calls are in flight."""
    lab.wait_until(lambda: log.with_suffix(".begun").exists())


@pytest.mark.slow
def test_ctrl_c_waits_for_the_answers_that_are_paid_for(lab: Lab) -> None:
    process, log = lab.begin("run", "one", pace=1.5)
    asked(lab, log)
    process.send_signal(INT)
    _, told = process.communicate(timeout=1.5 + LIMIT_S)
    assert process.returncode == 130
    assert "waiting for 32 answers in flight; Ctrl-C again drops them\ninterrupted: " in told
    assert len(lab.stored()) == len(lab.asked(log)) == 32


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param((INT, INT), id="twice", marks=pytest.mark.slow),
        pytest.param((TERM,), id="term", marks=pytest.mark.slow),
    ],
)
def test_waiting_for_a_slow_answer_can_be_interrupted(
    lab: Lab, signals: tuple[signal.Signals, ...]
) -> None:
    process, log = lab.begin("run", "one", pace=60)
    asked(lab, log)
    for number in signals:
        assert process.poll() is None
        process.send_signal(number)
        time.sleep(0.3)
    _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "waiting for 32 answers in flight; Ctrl-C again drops them" in told
    assert (
        f"0 of {lab.trials:,} trials are stored; finish with: promptlab --project {lab.root} resume"
        in told
    )
    assert lab.rows("SELECT status FROM runs") == [("interrupted",)]
    assert lab.carry("resume")["calls"] == lab.calls
    lab.assert_complete()


@pytest.mark.slow
def test_sigterm_ends_a_run_that_ignores_ctrl_c(lab: Lab) -> None:
    """A shell starts what a script puts in the background with SIGINT ignored."""

    def in_background() -> None:
        signal.signal(INT, signal.SIG_IGN)

    process, log = lab.begin("run", "one", pace=0.05, set_up=in_background)
    lab.wait_until(lambda: log.stat().st_size > 5_000)
    process.send_signal(INT)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(TERM)
    _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert f"finish with: promptlab --project {lab.root} resume" in told
    assert lab.stored() == lab.asked(log)
    assert lab.sound()


@pytest.mark.slow
def test_the_third_ctrl_c_ends_a_run_that_hangs(lab: Lab) -> None:
    process, _ = lab.begin("run", "one", pace=-60)
    lab.wait_until(lambda: lab.rows("SELECT 1 FROM sqlite_schema WHERE name = 'runs'"))
    lab.wait_until(lambda: lab.rows("SELECT 1 FROM runs"))
    time.sleep(0.3)
    for _ in range(3):
        assert process.poll() is None
        process.send_signal(INT)
        time.sleep(0.1)
    _, told = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert f"finish with: promptlab --project {lab.root} resume" in told

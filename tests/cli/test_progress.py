"""What a run tells while it goes on."""

from __future__ import annotations

import io

import pytest

from promptlab.backends import Throughput
from promptlab.backends.echo import Echo, Options
from promptlab.cli.progress import RunProgress, computed
from promptlab.core.types import (
    Completion,
    Message,
    Outcome,
    Plan,
    Request,
    Sampling,
    Trial,
    TrialResult,
    Turn,
)
from promptlab.workbench.progress import Progress

PLAN = Plan(
    suite="greet",
    arms=(),
    cases=(),
    repeats=1,
    seed=1,
    scorers=(),
    primary="",
    grade=None,
    templates=(),
    backends=(),
    split="all",
    gates=(),
    assets=".",
)


TURN = Turn(
    "answer",
    Request("b2:1", (Message("user", "hi"),), Sampling()),
    Completion(Outcome.OK, "x"),
    cached=False,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("busy, waits 200 s", "mini: busy, waits 200 s"),
        ("retrying in 1 s: HTTP 503 [/key] [key]", "mini: retrying in 1 s: HTTP 503 [/key] [key]"),
        ("no " * 99, "mini: " + "no " * 18 + "no ..."),
    ],
)
def test_a_terminal_shows_why_calls_wait(text: str, shown: str) -> None:
    stream = Terminal()
    progress = RunProgress(PLAN, (), stream)
    with progress.showing():
        progress.begun(0)
        progress.waiting("mini", text)
    assert shown in stream.getvalue()


def test_elsewhere_that_is_a_line_now_and_then() -> None:
    stream = io.StringIO()
    progress = RunProgress(PLAN, (), stream)
    with progress.showing():
        progress.begun(0)
        for seconds in range(50):
            progress.waiting("mini", f"busy, waits {seconds} s")
        progress.draining(1)
    assert stream.getvalue() == (
        "mini: busy, waits 0 s\nwaiting for 1 answer in flight; Ctrl-C again drops them\n"
    )


class Computing(Echo):
    """An echo that has computed something."""

    def __init__(self, throughput: Throughput) -> None:
        super().__init__(None, Options())
        self.throughput = throughput


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (Throughput(), []),
        (Throughput(1000, 250, 0, 600, 2.0), ["300 tokens/s", "75 % of prompts shared"]),
        (Throughput(1000, 1000, 0, 600, 2.0), ["300 tokens/s"]),
        (Throughput(900, 90, 0, 0, 0.5), ["180 prompt tokens/s", "90 % of prompts shared"]),
    ],
)
def test_it_shows_how_fast_local_models_are(done: Throughput, expected: list[str]) -> None:
    progress = RunProgress(PLAN, [Computing(done), Echo(None, Options())], io.StringIO())
    assert computed(progress.throughput) == expected


def test_local_models_are_counted_together() -> None:
    one, other = Throughput(100, 50, 10, 20, 1.0), Throughput(300, 30, 0, 40, 1.0)
    progress = RunProgress(PLAN, [Computing(one), Computing(other)], io.StringIO())
    assert computed(progress.throughput) == ["30 tokens/s", "80 % of prompts shared"]


def test_a_rate_counts_only_what_came_since_the_clock_was_started() -> None:
    now = [0.0]
    progress = Progress(PLAN, (), lambda: now[0])
    progress.begun(0)
    for _ in range(40):  # answers of trials that wait for their judge
        progress.answered(TURN)
    progress.opened("judge")
    now[0] = 10.0
    assert progress.rate == 0.0
    for seq in range(5):
        progress.answered(TURN)
        progress.finished(TrialResult(Trial(seq, 0, 0, seq), (TURN, TURN), 0, Outcome.OK, None, {}))
    assert progress.rate == 5 / 2 / 10  # two answers a trial

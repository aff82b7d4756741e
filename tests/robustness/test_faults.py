"""Whole runs against a server that fails in every way: each trial ends once, as what it was."""

from __future__ import annotations

import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.remote.fault_server import FaultServer

from .fault_bench import Met, meet, model_of, play_model, prompt_of, set_up

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call

KINDS = {
    "busy": ("429", "429-retry-after", "503", "529"),
    "server": ("500", "error-in-200", "gave-up"),
    "broken": ("reset", "cut", "half-chunk", "stream-cut"),
    "timeout": ("stalled", "drip", "silent"),
    "unreadable": (
        *("html", "half-json", "empty", "gzip-bomb", "huge", "huge-chunked", "redirect", "no-http"),
    ),
}
KIND = {fault: kind for kind, faults in KINDS.items() for fault in faults}

LASTING = [fault for fault, kind in KIND.items() if kind != "busy"]

# Each fault alone. All of them are met in one run, each by a backend of its own.

CASES = 6


def _timeout_s(fault: str) -> float:
    """Return a time that is long for any but those who never end, also on a busy machine."""
    return 1.5 if KIND.get(fault) == "timeout" else 20.0


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    """A run in which every first try fails."""
    with FaultServer() as server:
        root = tmp_path_factory.mktemp("passing")
        backends = {fault: {"timeout_s": _timeout_s(fault), "max_retries": 20} for fault in KIND}
        bench = set_up(root, server, backends, cases=CASES)
        yield meet(bench, "run all", play_model(server, times=1))


def test_every_fault_is_in_the_table() -> None:
    assert set(KIND) == set(FaultServer.PASSING)


@pytest.mark.parametrize("fault", KIND)
@pytest.mark.slow
def test_what_passes_leaves_no_trace(passing: Met, fault: str) -> None:
    assert passing.code == 0
    assert passing.played[fault] == CASES
    told = {row.prompt: (row.outcome, row.output) for row in passing.rows[fault]}
    prompts = [prompt_of("v1", f"c{number}") for number in range(CASES)]
    assert told == {prompt: ("ok", FaultServer.answer_to(prompt)) for prompt in prompts}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Met, Met]]:
    """A run whose faults do not end, and its resumption when they have.

    Servers that are busy for ever have a test of their own: these stop their backend.
    """
    with FaultServer() as server:
        root = tmp_path_factory.mktemp("lasting")
        backends = {
            fault: {
                "timeout_s": _timeout_s(fault),
                "max_retries": 1,
                "time_limit_s": 60.0,
            }
            for fault in (*LASTING, "context")
        }
        bench = set_up(root, server, backends, cases=3)
        during = meet(bench, "run all", play_model(server, times=None))
        server.fail(None)
        yield during, meet(bench, "resume latest", Counter())


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.slow
def test_what_lasts_is_an_error_of_its_kind(lasting: tuple[Met, Met], fault: str) -> None:
    during, after = lasting
    assert [row.outcome for row in during.rows[fault]] == ["error"] * 3
    for row in during.rows[fault]:
        assert str(row.error).startswith(f"{KIND[fault]}: "), row.error
        assert "(the last of " in str(row.error)
        assert (row.output, row.input_tokens) == (None, None)
    assert during.played[fault] == 2 * 3
    assert [row.outcome for row in after.rows[fault]] == ["ok"] * 3


def test_a_run_that_failed_in_parts_says_so_and_can_be_resumed(lasting: tuple[Met, Met]) -> None:
    during, after = lasting
    assert (during.code, after.code) == (4, 0)
    said = [str(row.error).partition(" (you")[0] for row in during.rows["context"]]
    assert said == ["rejected: HTTP 400: At most 16 tokens"] * 3
    assert during.played["context"] == 3


STRANGE = {
    "text-plain": "ok",
    "gzip": "ok",
    "streamed": "ok",
    "thinks-aloud": "ok",
    "no-usage": "ok",
    "null-content": "empty",
    "refusal": "refused",
    "content-filter": "refused",
    "moderated": "refused",
}


@pytest.mark.slow
def test_strange_answers_are_answers(tmp_path: Path, fault_server: FaultServer) -> None:
    bench = set_up(tmp_path, fault_server, {fault: {} for fault in STRANGE}, cases=3)
    met = meet(bench, "run all", play_model(fault_server, times=None))
    assert met.code == 0
    assert met.played == dict.fromkeys(STRANGE, 3)
    for fault, outcome in STRANGE.items():
        for row in met.rows[fault]:
            counted = fault not in ("no-usage", "moderated")
            usage = FaultServer.usage_of(row.prompt) if counted else (None, None)
            assert (fault, row.outcome, row.error) == (fault, outcome, None)
            assert (fault, row.input_tokens, row.output_tokens) == (fault, *usage)
            if outcome == "ok":
                assert row.output == FaultServer.answer_to(row.prompt)


# What stops a backend for good


@pytest.mark.parametrize(
    ("fault", "remedy", "begins"),
    [
        ("401", "check the key", 1),
        pytest.param("401", "check the key", 20, marks=pytest.mark.slow),
        pytest.param("404", "check the name of the model", 1, marks=pytest.mark.slow),
        ("quota", "check the account's plan and credit", 20),
    ],
)
def test_what_is_fatal_stops_its_backend_at_once_and_no_other(
    tmp_path: Path, fault_server: FaultServer, fault: str, remedy: str, begins: int
) -> None:
    fault_server.latency_s = 0.02
    backends = {"bad": {"concurrency": 64}, "good": {"concurrency": 64}}
    bench = set_up(tmp_path, fault_server, backends, cases=60, versions=2)
    asked = Counter[str]()

    def plan(call: Call) -> str | None:
        asked[model_of(call)] += 1
        return fault if model_of(call) == "bad" and asked["bad"] >= begins else None

    fault_server.plan = plan
    code, err = bench("run", "all")
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert code == 2
    assert remedy in line
    assert asked["bad"] < begins + 32 + begins  # as many as are in flight by then
    ended = Counter((row.backend, row.outcome) for row in bench.rows())
    assert ended == {("good", "ok"): 120} | ({("bad", "ok"): begins - 1} if begins > 1 else {})
    fault_server.fail(None)
    assert bench("resume")[0] == 0
    assert (asked["good"], len(bench.rows())) == (120, 240)


def test_a_server_that_was_never_there_is_told_soon(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        one = {"base_url": f"http://{address}/v1"}
        bench = set_up(tmp_path, fault_server, {"one": one}, cases=50)
        began = time.monotonic()
        code, err = bench("run", "all")
    assert time.monotonic() - began < 5
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (code, bench.rows()) == (2, [])
    assert f"'one' cannot be reached: unreachable: no connection: {address}: Conn" in line
    assert "check base_url" in line


@pytest.mark.slow
def test_a_server_that_wants_to_be_left_alone_for_hours_is(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.retry_after = "7200"
    fault_server.fail("429-retry-after")
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 4}}, cases=50)
    code, err = bench("run", "all")
    assert code == 2
    assert "'one' asks to be left alone for 7200 s: busy: HTTP 429: Rate limit reached" in err
    assert fault_server.requests <= 8
    fault_server.fail(None)
    assert bench("resume")[0] == 0
    assert [row.outcome for row in bench.rows()] == ["ok"] * 50


@pytest.mark.slow
def test_a_server_that_refuses_all_and_names_no_time_is_given_up(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.retry_after = "0.1"
    backends = {fault: {"time_limit_s": 2.0} for fault in KINDS["busy"]}
    bench = set_up(tmp_path, fault_server, backends, cases=50)
    play_model(fault_server, times=None)
    code, err = bench("run", "all")
    assert code == 2
    for fault in KINDS["busy"]:
        assert f"backend {fault!r} refuses every call: busy: HTTP {fault[:3]}" in err
    rows = bench.rows()  # a call may have ended on a slow machine before its backend was stopped
    assert len(rows) < 50
    assert {row.outcome for row in rows} <= {"error"}
    fault_server.fail(None)
    assert bench("resume")[0] == 0
    assert {row.outcome for row in bench.rows()} == {"ok"}


@pytest.mark.parametrize("fault", ["html", "redirect"])
def test_a_wrong_address_that_something_else_answers_at_is_told_soon(
    tmp_path: Path, fault_server: FaultServer, fault: str
) -> None:
    fault_server.fail(fault)
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 4}}, cases=50)
    code, err = bench("run", "all")
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (code, bench.rows()) == (2, [])
    assert "backend 'one' sends no readable reply: unreadable: " in line
    assert line.endswith("(check base_url, then resume the run)")
    assert fault_server.requests <= 4 * 3


# Long runs on bad ground


@pytest.mark.parametrize("cases", [200, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_of_many_calls_on_bad_ground_all_are_answered(
    tmp_path: Path, fault_server: FaultServer, cases: int
) -> None:
    fault_server.mix(share=0.1, times=3)
    options = {"concurrency": 64, "timeout_s": 0.5}
    bench = set_up(tmp_path, fault_server, {"one": options}, cases=cases, versions=3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert bench("run", "all")[0] == 0
    rows = bench.rows()
    calls = 3 * cases
    assert len(rows) == calls
    wrong = [r for r in rows if (r.outcome, r.output) != ("ok", FaultServer.answer_to(r.prompt))]
    assert wrong == []
    assert set(fault_server.faults) == set(FaultServer.PASSING)
    faults = fault_server.faults.total()
    assert calls / 15 < faults  # each first try is planned; a slow machine's own tries add some
    assert fault_server.requests < calls + faults + 100  # hardly a call too many
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KB


@pytest.mark.parametrize("seconds", [0.5, pytest.param(20.0, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_server_that_goes_away_and_comes_back_is_waited_for(
    tmp_path: Path, fault_server: FaultServer, seconds: float
) -> None:
    fault_server.latency_s = 0.05
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 32}}, cases=600)

    def go_away() -> None:
        while fault_server.requests < 150:
            time.sleep(0.005)
        fault_server.down(seconds)

    away = threading.Thread(target=go_away)
    away.start()
    began = time.monotonic()
    code, err = bench("run", "all")
    away.join()
    assert (code, time.monotonic() - began > seconds) == (0, True), err
    rows = bench.rows()
    assert len(rows) == 600
    assert {(row.outcome, row.output == FaultServer.answer_to(row.prompt)) for row in rows} == {
        ("ok", True)
    }
    tries = [len(moments) for moments in fault_server.asked.values()]
    assert sum(tries) <= 600 + 32  # only what was in flight is asked twice


# How much at once


def test_a_server_gets_the_time_that_it_asks_for(tmp_path: Path, fault_server: FaultServer) -> None:
    fault_server.retry_after = "0.4"
    fault_server.fail("429-retry-after", times=1)
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 8}}, cases=20)
    assert bench("run", "all")[0] == 0
    for prompt in map(prompt_of, ["v1"] * 20, [f"c{number}" for number in range(20)]):
        first, second = fault_server.asked[prompt]
        assert second - first >= 0.4


@pytest.mark.slow
def test_as_much_is_sent_at_once_as_a_server_bears(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.latency_s = 0.03
    flying: list[int] = []

    def plan(call: Call) -> str | None:
        flying.append(fault_server.in_flight)
        return "429" if fault_server.in_flight > 10 else None

    fault_server.plan = plan
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 64}}, cases=400)
    assert bench("run", "all")[0] == 0
    assert {row.outcome for row in bench.rows()} == {"ok"}
    settled = flying[200:]
    assert max(settled) <= 14
    assert sum(settled) / len(settled) > 4
    assert sum(number > 10 for number in settled) < 0.2 * len(settled)


@pytest.mark.slow
def test_a_refusal_now_and_then_does_not_slow_a_run_down(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.latency_s = 0.1
    flying: list[int] = []

    def plan(call: Call) -> str | None:
        flying.append(fault_server.in_flight)
        return "429" if call.number % 50 == 0 else None

    fault_server.plan = plan
    bench = set_up(tmp_path, fault_server, {"one": {"concurrency": 64}}, cases=600)
    assert bench("run", "all")[0] == 0
    assert fault_server.faults["429"] == fault_server.requests // 50
    assert sum(flying[200:500]) / 300 > 20  # some 60; halved at each refusal, 7

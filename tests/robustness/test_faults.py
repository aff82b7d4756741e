"""Whole runs against a server that fails in every way: each trial ends once, as what it was."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.cli import run_cli

from ..remote.fault_server import FaultServer

if TYPE_CHECKING:
    from ..remote.fault_replies import Call

KINDS = {
    "busy": ("429", "429-retry-after", "503", "529"),
    "server": ("500", "error-in-200"),
    "broken": ("reset", "cut", "half-chunk"),
    "timeout": ("stalled", "drip", "silent"),
    "unreadable": (
        *("html", "half-json", "empty", "gzip-bomb", "huge", "huge-chunked", "redirect", "no-http"),
    ),
}
KIND = {fault: kind for kind, faults in KINDS.items() for fault in faults}
COLUMNS = "backend, case_id, version, outcome, output, error, input_tokens, output_tokens"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the view `results`."""

    backend: str
    case: str
    version: str
    outcome: str
    output: str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None

    @property
    def prompt(self) -> str:
        return prompt_of(self.version, self.case)


@dataclass(frozen=True, slots=True)
class Bench:
    """A project with backends against one server; a backend's model is the name of a fault."""

    root: Path
    server: FaultServer

    def __call__(self, *words: str) -> tuple[int, str]:
        """Run `promptlab`; return its exit code and what it wrote to stderr."""
        with contextlib.redirect_stderr(io.StringIO()) as err:
            code = run_cli(["--project", str(self.root), *words])
        return code, err.getvalue()

    def rows(self) -> list[Row]:
        """Return all results; there is one run, and each of its trials is there once."""
        with contextlib.closing(sqlite3.connect(self.root / "promptlab.db")) as database:
            rows = [Row(*row) for row in database.execute(f"SELECT {COLUMNS} FROM results")]
        assert len({(row.backend, row.version, row.case) for row in rows}) == len(rows)
        return rows


def prompt_of(version: str, case: str) -> str:
    return f"{version}: write about number {case}."


def set_up(
    root: Path,
    server: FaultServer,
    options: Mapping[str, object],
    *,
    backends: tuple[str, ...] = ("one",),
    cases: int = 10,
    versions: int = 1,
) -> Bench:
    """Write a project whose suite `all` asks each backend all versions of all cases."""
    templates, suites = root / "templates" / "write", root / "suites"
    templates.mkdir(parents=True)
    suites.mkdir()
    for number in range(1, versions + 1):
        (templates / f"v{number}.j2").write_text(prompt_of(f"v{number}", "{{ about }}"))
    rows = [{"id": f"c{number}", "about": f"c{number}"} for number in range(cases)]
    (suites / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (suites / "all.yaml").write_text(
        f'templates: ["write@*"]\nbackends: {json.dumps(backends)}\ncases: cases.jsonl\n'
        "scorers:\n  - length: {unit: words, max: 9}\n"
    )
    common = {"kind": "openai", "base_url": server.base_url, **options}
    config = ""
    for name in backends:
        told = {**common, "model": name}
        lines = [f"{key} = {json.dumps(value)}" for key, value in told.items()]
        config += "\n".join([f'[backends."{name}"]', *lines, ""])
    (root / "promptlab.toml").write_text(config)
    return Bench(root, server)


def model_of(call: Call) -> str:
    return str(call.body["model"])


def play_model(server: FaultServer, times: int | None) -> Counter[str]:
    """Play the fault that a backend's model names at the first tries of each of its prompts."""
    played = Counter[str]()
    tries = Counter[tuple[str, str]]()

    def plan(call: Call) -> str | None:
        fault = model_of(call)
        tries[fault, call.prompt] += 1
        if times is not None and tries[fault, call.prompt] > times:
            return None
        played[fault] += 1
        return fault

    server.plan = plan
    return played


# Each fault alone. All of them are met in one run, each by a backend of its own.

CASES = 6


@dataclass(frozen=True, slots=True)
class Met:
    """What came of the faults: the rows of the run, how it ended, what it said."""

    rows: Mapping[str, list[Row]]
    code: int
    err: str
    played: Counter[str]


def meet(bench: Bench, words: str, played: Counter[str]) -> Met:
    code, err = bench(*words.split())
    rows = bench.rows()
    sorted_rows = {name: [r for r in rows if r.backend == name] for name in {*KIND, *played}}
    return Met(sorted_rows, code, err, played)


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Met]:
    """A run in which every first try fails."""
    with FaultServer() as server:
        options = {"timeout_s": 1.0, "max_retries": 9}
        root = tmp_path_factory.mktemp("passing")
        bench = set_up(root, server, options, backends=tuple(KIND), cases=CASES)
        yield meet(bench, "run all", play_model(server, times=1))


def test_every_fault_is_in_the_table() -> None:
    assert set(KIND) == set(FaultServer.PASSING)


@pytest.mark.parametrize("fault", KIND)
def test_what_passes_leaves_no_trace(passing: Met, fault: str) -> None:
    assert passing.code == 0
    assert passing.played[fault] == CASES
    told = {row.prompt: (row.outcome, row.output) for row in passing.rows[fault]}
    prompts = [prompt_of("v1", f"c{number}") for number in range(CASES)]
    assert told == {prompt: ("ok", FaultServer.answer_to(prompt)) for prompt in prompts}


@dataclass(frozen=True, slots=True)
class Lasting:
    """A run whose faults do not end, and its resumption when they have."""

    during: Met
    after: Met


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lasting]:
    with FaultServer() as server:
        options = {"timeout_s": 0.5, "max_retries": 1, "time_limit_s": 1.5}
        backends = (*KIND, "context")
        root = tmp_path_factory.mktemp("lasting")
        bench = set_up(root, server, options, backends=backends, cases=3)
        during = meet(bench, "run all", play_model(server, times=None))
        server.fail(None)
        yield Lasting(during, meet(bench, "resume latest", Counter()))


@pytest.mark.parametrize("fault", KIND)
def test_what_lasts_is_an_error_of_its_kind(lasting: Lasting, fault: str) -> None:
    rows = lasting.during.rows[fault]
    assert [row.outcome for row in rows] == ["error"] * 3
    for row in rows:
        assert str(row.error).startswith(f"{KIND[fault]}: "), row.error
        assert "(the last of " in str(row.error)
        assert (row.output, row.input_tokens) == (None, None)
    tries = lasting.during.played[fault]
    assert tries >= 2 * 3 if KIND[fault] == "busy" else tries == 2 * 3
    assert [row.outcome for row in lasting.after.rows[fault]] == ["ok"] * 3


def test_a_run_that_failed_in_parts_says_so_and_can_be_resumed(lasting: Lasting) -> None:
    assert (lasting.during.code, lasting.after.code) == (4, 0)
    rejected = lasting.during.rows["context"]
    said = [str(row.error).partition(" (you")[0] for row in rejected]
    assert said == ["rejected: HTTP 400: At most 16 tokens"] * 3
    assert lasting.during.played["context"] == 3


STRANGE = {
    "text-plain": "ok",
    "gzip": "ok",
    "no-usage": "ok",
    "null-content": "empty",
    "refusal": "refused",
    "content-filter": "refused",
    "moderated": "refused",
}


def test_strange_answers_are_answers(tmp_path: Path, fault_server: FaultServer) -> None:
    bench = set_up(tmp_path, fault_server, {}, backends=tuple(STRANGE), cases=3)
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


@pytest.mark.parametrize("begins", [1, 20])
@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("401", "check the key"),
        ("404", "check the name of the model"),
        ("quota", "check the account's plan and credit"),
    ],
)
def test_what_is_fatal_stops_its_backend_at_once_and_no_other(
    tmp_path: Path, fault_server: FaultServer, fault: str, remedy: str, begins: int
) -> None:
    bench = set_up(
        tmp_path, fault_server, {"concurrency": 8}, backends=("bad", "good"), cases=60, versions=2
    )
    asked = Counter[str]()

    def plan(call: Call) -> str | None:
        asked[model_of(call)] += 1
        return fault if model_of(call) == "bad" and asked["bad"] >= begins else None

    fault_server.plan = plan
    code, err = bench("run", "all")
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert code == 2
    assert remedy in line
    assert asked["bad"] < begins + 8
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
        bench = set_up(tmp_path, fault_server, {"base_url": f"http://{address}/v1"}, cases=50)
        began = time.monotonic()
        code, err = bench("run", "all")
    assert time.monotonic() - began < 5
    [line] = [line for line in err.splitlines() if line.startswith("Error: ")]
    assert (code, bench.rows()) == (2, [])
    assert f"'one' cannot be reached: unreachable: no connection: {address}: Conn" in line
    assert "check base_url" in line


def test_a_server_that_wants_to_be_left_alone_for_hours_is(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.retry_after = "7200"
    fault_server.fail("429-retry-after")
    bench = set_up(tmp_path, fault_server, {"concurrency": 4}, cases=50)
    code, err = bench("run", "all")
    assert code == 2
    assert "'one' is to be left alone for 7200 s: busy: HTTP 429: Rate limit reached" in err
    assert fault_server.requests <= 8
    fault_server.fail(None)
    assert bench("resume")[0] == 0
    assert [row.outcome for row in bench.rows()] == ["ok"] * 50


# Long runs on bad ground


def test_of_three_thousand_calls_on_bad_ground_all_are_answered(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.mix(share=0.1, times=3)
    options = {"concurrency": 64, "timeout_s": 0.5}
    bench = set_up(tmp_path, fault_server, options, cases=1000, versions=3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert bench("run", "all")[0] == 0
    rows = bench.rows()
    assert len(rows) == 3000
    wrong = [r for r in rows if (r.outcome, r.output) != ("ok", FaultServer.answer_to(r.prompt))]
    assert wrong == []
    assert set(fault_server.faults) == set(FaultServer.PASSING)
    assert 200 < fault_server.faults.total() < 450
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250_000  # KB


@pytest.mark.parametrize("seconds", [1.0, pytest.param(20.0, marks=pytest.mark.slow)])
def test_a_server_that_goes_away_and_comes_back_is_waited_for(
    tmp_path: Path, fault_server: FaultServer, seconds: float
) -> None:
    fault_server.latency_s = 0.05
    bench = set_up(tmp_path, fault_server, {"concurrency": 32}, cases=600)

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
    bench = set_up(tmp_path, fault_server, {"concurrency": 8}, cases=20)
    assert bench("run", "all")[0] == 0
    for prompt in map(prompt_of, ["v1"] * 20, [f"c{number}" for number in range(20)]):
        first, second = fault_server.asked[prompt]
        assert second - first >= 0.4


def test_as_much_is_sent_at_once_as_a_server_bears(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.latency_s = 0.02
    flying: list[int] = []

    def plan(call: Call) -> str | None:
        flying.append(fault_server.in_flight)
        return "429" if fault_server.in_flight > 10 else None

    fault_server.plan = plan
    bench = set_up(tmp_path, fault_server, {"concurrency": 64}, cases=600)
    assert bench("run", "all")[0] == 0
    assert {row.outcome for row in bench.rows()} == {"ok"}
    settled = flying[200:]
    assert max(settled) <= 14
    assert sum(settled) / len(settled) > 5
    assert fault_server.faults["429"] < 0.2 * fault_server.requests


def test_a_refusal_now_and_then_does_not_slow_a_run_down(
    tmp_path: Path, fault_server: FaultServer
) -> None:
    fault_server.latency_s = 0.1
    fault_server.plan = lambda call: "429" if call.number % 50 == 0 else None
    bench = set_up(tmp_path, fault_server, {"concurrency": 64}, cases=900)
    assert bench("run", "all")[0] == 0
    assert fault_server.faults["429"] == fault_server.requests // 50
    assert fault_server.most_in_flight > 55

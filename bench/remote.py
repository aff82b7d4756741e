"""What a remote call costs promptlab, beside a bare aiohttp client and beside its peers.

    python bench/remote.py [--shared DIR] [--step STEP ...] [--calls 3000] [--rounds 5] [--quick]

DIR holds the mock server, the job, the bare client and the peers' side of it; by default that is
`shared/bench` beside this repository. The steps, all of them by default:

    main        the whole job at 0 and 100 ms of latency: three templates, a third of the calls each
    scale       ten times the job at 0 ms: does time or memory grow faster than the job?
    cold        one case, from the start of the process to its end, into a new database
    warm        the job again, all of it from the store
    transports  what clients take of the processor for a call: the reason for `remote.transport`

Promptfoo takes part where BENCH_PROMPTFOO names it, inspect-ai where BENCH_INSPECT_PY names a
Python that has it. Everything runs in processes of its own, by turns, so that a busy moment hits
all; shown is the median, and a ratio is the median of the ratios of the rounds. Before the clock
starts, each client has run once, with its bytecode kept as an installation keeps it. `ms/call` is
the processor time of the whole process for each call; in `transports` that of the calls alone.

It ends with 1 where a bar of the design is missed or an answer is not where it belongs. `--quick`
is a tenth of the job and one round: it shows that all works, and judges the answers alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, Self

SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench"
FLIGHT = 64  # calls in flight
LIMIT_S = 900  # for one process
OURS, BARE, PROMPTFOO, INSPECT = "promptlab", "aiohttp", "promptfoo", "inspect"
HEADERS = {"authorization": "Bearer x", "content-type": "application/json"}
PACKAGES = ("promptlab-workbench", "aiohttp", "httpx", "httpx-aiohttp", "httpx2", "jinja2")

SUITE = """\
templates: ["bench@*"]
backends: [mock]
cases: cases.jsonl
columns: {id: id, expect: expected}
scorers:
  - contains: {any: "{{ expect }}"}
sampling: {temperature: 0, max_tokens: 16}
"""
BACKEND = """\
[backends.mock]
kind = "openai"
model = "mock-model"
base_url = "%s/v1"
concurrency = %d
"""

Call = Callable[[int, bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done, the same for every client. `single` is the first call of the folder's."""

    folder: Path
    calls: int
    must_pass: int
    single: bool = False

    def first(self) -> Job:
        """Return the first call alone."""
        return Job(self.folder, 1, 0, single=True)


@dataclass(frozen=True, slots=True)
class Run:
    """What one process took, what the server saw of it, and what it stored."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    calls: int
    requests: int
    connections: int
    stored: int
    passed: int
    wrong: int

    @property
    def cpu_ms(self) -> float:
        """Return the processor time of a call, start and end of the process included."""
        return self.cpu_s / self.calls * 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """Something that is to be no more than so much."""

    name: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        """Say whether it is."""
        return self.value <= self.limit

    def __str__(self) -> str:
        told = "met   " if self.met else "MISSED"
        return f"{told}  {self.name}: {self.value:.2f} (at most {self.limit:g})"


class Server:
    """The mock server, on a free port, in a process of its own that is not measured."""

    def __init__(self, shared: Path, latency_ms: int) -> None:
        self.latency_ms = latency_ms
        script = [str(shared / "mock_openai.py"), "--port", "0", "--latency-ms", str(latency_ms)]
        self._process = subprocess.Popen(
            [sys.executable, *script], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        told = self._process.stdout.readline()
        found = re.search(r"(http://\S+)/v1", told)
        if found is None:
            raise SystemExit(f"the mock server did not start: {told!r}")
        self.url = found[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def ask(self, path: str) -> dict[str, Any]:
        """Return its counters (`/stats`), or set them back (`/reset`); a connection of its own."""
        with urllib.request.urlopen(self.url + path, timeout=10) as reply:
            found: dict[str, Any] = json.load(reply)
        return found


class Bench:
    """The place where everything is measured: a folder, and what is shared with the peers."""

    def __init__(self, shared: Path, folder: Path, rounds: int) -> None:
        self.shared = shared
        self.folder = folder
        self.rounds = rounds
        self.mistakes: list[str] = []
        sys.path.insert(0, str(shared))
        peers: Any = import_module("bench_remote")  # typed Any: it is not ours
        peers.a = argparse.Namespace(
            work=str(folder), concurrency=FLIGHT, retries=0, display="plain"
        )
        self._peers = peers
        self._projects: dict[tuple[Path, str], Path] = {}
        self.clients = [BARE, OURS, *filter(self._peers.have, (PROMPTFOO, INSPECT))]

    def warm_up(self) -> None:
        """Let every client run once: what it compiles and sets up for good is not measured."""
        with Server(self.shared, 0) as server:
            for name in self.clients:
                self.run(name, self.job(3), server)

    def job(self, calls: int) -> Job:
        """Write a job of so many calls, a multiple of three."""
        folder = self.folder / f"job{calls}"
        script = [str(self.shared / "workload.py"), str(folder), "--cases", str(calls // 3)]
        made = subprocess.run([sys.executable, *script], check=True, capture_output=True)
        truth = json.loads(made.stdout)
        return Job(folder, truth["calls"], truth["must_pass"])

    def run(self, client: str, job: Job, server: Server, database: str | None = None) -> Run:
        """Let a client do a job, from the start of its process to its end.

        Ours stores in a new database unless one is named.
        """
        out = self.folder / "out" / client
        shutil.rmtree(out.parent, ignore_errors=True)
        out.parent.mkdir()
        kept = self.folder / database if database else out.with_suffix(".db")
        if client == OURS:
            command, environment = self._ours(job, server, kept), None
        else:
            command, environment = self._peers.command(
                client, str(job.folder), server.url, str(out), job.single
            )
        log = out.with_suffix(".log")
        server.ask("/reset")
        with log.open("w") as told:
            cost = self._peers.measure(
                command, LIMIT_S, env=environment, stdout=told, stderr=told, cwd=out.parent
            )
        if cost["rc"] != 0 and client in (OURS, BARE):
            raise SystemExit(f"{client} ended with {cost['rc']}: {log.read_text()[-600:]}")
        seen = server.ask("/stats")
        found = (0, 0, 0) if job.single else self._look_at(client, job, out, kept)
        unit = 2**20 / 1e6  # the shared script counts in MiB
        return Run(
            *(cost["wall_s"], cost["cpu_s"], cost["peak_rss_mb"] * unit, job.calls),
            *(seen["requests"], seen["connections"] - 1, *found),
        )

    def _ours(self, job: Job, server: Server, database: Path) -> list[str]:
        project = self._projects.get((job.folder, server.url))
        if project is None:
            project = self.folder / f"project{len(self._projects)}"
            make_project(project, job.folder, server.url)
            self._projects[job.folder, server.url] = project
        module = [sys.executable, "-m", "promptlab", "--project", str(project)]
        chosen = ["-n", "1", "-t", "bench@t1"] if job.single else []
        return [*module, "--db", str(database), "run", "bench", *chosen]

    def _look_at(self, client: str, job: Job, out: Path, database: Path) -> tuple[int, int, int]:
        """Return how many answers are stored, have passed, and belong to another prompt."""
        if client == OURS:
            return look_at(database, job.folder / "rendered.jsonl", self._peers.answer_for)
        found = self._peers.verify(client, str(out))
        return found["stored"] - found["errors"], found["passed"], found["wrong_answer"]

    def require(self, name: str, runs: Sequence[Run], job: Job, requests: int) -> None:
        """Note what is wrong with what our client asked and stored."""
        wanted = (requests, job.calls, job.must_pass, 0)
        for run in runs:
            found = (run.requests, run.stored, run.passed, run.wrong)
            if found != wanted or run.connections > FLIGHT:
                self.mistakes.append(
                    f"{name}: requests, stored, passed, wrong are {found} instead of {wanted},"
                    f" over {run.connections} connections"
                )


def make_project(root: Path, job: Path, url: str) -> None:
    """Write the job as a project of promptlab."""
    for folder in ("templates/bench", "suites"):
        (root / folder).mkdir(parents=True)
    for template in job.glob("t*.txt"):
        shutil.copy(template, root / "templates" / "bench" / f"{template.stem}.j2")
    shutil.copy(job / "cases.jsonl", root / "suites")
    (root / "suites" / "bench.yaml").write_text(SUITE)
    (root / "promptlab.toml").write_text(BACKEND % (url, FLIGHT))


def look_at(
    database: Path, rendered: Path, answer_for: Callable[[str], str]
) -> tuple[int, int, int]:
    """Read the newest run in `results`: good rows, passed ones, answers to another prompt."""
    newest = "run_id = (SELECT run_id FROM runs ORDER BY id DESC LIMIT 1)"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        [(stored, passed)] = connection.execute(
            f"SELECT count(*), sum(passed) FROM results WHERE outcome = 'ok' AND {newest}"
        )
        # Both come in the order of template and case, so neither need be held in memory.
        outputs = connection.execute(
            f"SELECT output FROM results WHERE {newest} ORDER BY version, case_id"
        )
        with rendered.open() as lines:
            wrong = sum(
                output != answer_for(json.loads(line)["prompt"])
                for (output,), line in zip(outputs, lines, strict=False)
            )
    return stored, passed or 0, wrong


def table(title: str, rows: Sequence[tuple[str, Sequence[Run]]]) -> None:
    """Print the medians of the runs of each row."""
    print(f"\n{title:26}{'wall s':>8}{'ms/call':>9}{'peak MB':>9}", end="")
    print(f"{'requests':>10}{'conns':>7}{'stored':>8}{'passed':>8}{'wrong':>7}")
    for name, runs in rows:
        wall, cpu = median(run.wall_s for run in runs), median(run.cpu_ms for run in runs)
        last = runs[-1]
        print(f"{name:26}{wall:8.2f}{cpu:9.2f}{median(run.peak_mb for run in runs):9.0f}", end="")
        print(f"{last.requests:10,}{last.connections:7}{last.stored:8,}", end="")
        print(f"{last.passed:8,}{last.wrong:7}")


def ratio(ours: Sequence[Run], theirs: Sequence[Run], of: str) -> float:
    """Return the median of what ours takes against theirs, round by round."""
    pairs = zip(ours, theirs, strict=True)
    return median([float(getattr(mine, of) / getattr(other, of)) for mine, other in pairs])


def by_turns(runs: Sequence[Callable[[], Run]], rounds: int) -> list[list[Run]]:
    """Run by turns; return what each run took."""
    done = [[run() for run in runs] for _ in range(rounds)]
    return [list(column) for column in zip(*done, strict=True)]


def main_step(bench: Bench, calls: int) -> list[Bar]:
    """Do the whole job at 0 and at 100 ms."""
    job = bench.job(calls)
    with Server(bench.shared, 0) as quick, Server(bench.shared, 100) as slow:
        plan = [(name, server) for server in (quick, slow) for name in bench.clients]
        runs = by_turns([partial(bench.run, name, job, at) for name, at in plan], bench.rounds)
    at_once, late = (
        dict(zip(bench.clients, part, strict=True))
        for part in (runs[: len(bench.clients)], runs[len(bench.clients) :])
    )
    for latency, found in ((0, at_once), (100, late)):
        table(f"{job.calls:,} calls at {latency} ms", list(found.items()))
        bench.require(f"main at {latency} ms", found[OURS], job, job.calls)
    limits = {BARE: 2.5, PROMPTFOO: 0.1, INSPECT: 0.04}
    return [
        Bar("wall at 100 ms, of bare aiohttp's", ratio(late[OURS], late[BARE], "wall_s"), 1.15),
        *(
            Bar(
                f"cpu a call at 0 ms, of {name}'s",
                ratio(at_once[OURS], runs, "cpu_ms"),
                limits[name],
            )
            for name, runs in at_once.items()
            if name != OURS
        ),
    ]


def scale_step(bench: Bench, calls: int) -> list[Bar]:
    """Do ten times the job beside the job itself, at 0 ms."""
    small, large = bench.job(calls), bench.job(10 * calls)
    with Server(bench.shared, 0) as server:
        plan = [(OURS, bench.job(3).first()), *product((BARE, OURS), (small, large))]
        runs = by_turns([partial(bench.run, name, job, server) for name, job in plan], bench.rounds)
    rows = [
        (f"{name}, {job.calls:,} calls", run) for (name, job), run in zip(plan, runs, strict=True)
    ]
    table("ten times the job, 0 ms", rows[1:])
    for job, found in ((small, runs[3]), (large, runs[4])):
        bench.require(f"scale, {job.calls:,} calls", found, job, job.calls)
    start = median(run.wall_s for run in runs[0])
    pairs = list(zip(runs[3], runs[4], strict=True))
    share = median((b.wall_s - start) / (a.wall_s - start) / 10 for a, b in pairs)
    growth = median((b.peak_mb - a.peak_mb) * 1000 / (9 * small.calls) for a, b in pairs)
    return [
        Bar("time of a call with ten times the job, start taken off", share, 1.15),
        Bar("growth of memory, KB a call", growth, 1.0),
        Bar("peak, MB", median(run.peak_mb for run in runs[4]), 100),
    ]


def cold_step(bench: Bench, _: int) -> list[Bar]:
    """Make one call, from cold."""
    job = bench.job(3).first()
    with Server(bench.shared, 0) as server:
        plan = [partial(bench.run, name, job, server) for name in bench.clients]
        found = dict(zip(bench.clients, by_turns(plan, 2 * bench.rounds + 1), strict=True))
    table("one call, from cold", list(found.items()))
    return [
        Bar("wall of one call, of bare aiohttp's", ratio(found[OURS], found[BARE], "wall_s"), 2.0)
    ]


def warm_step(bench: Bench, calls: int) -> list[Bar]:
    """Do the job again, with every answer in the store."""
    job = bench.job(calls)
    with Server(bench.shared, 0) as server:
        again = partial(bench.run, OURS, job, server, "warm.db")
        again()
        [runs] = by_turns([again], 2 * bench.rounds + 1)
    table(f"{job.calls:,} calls, all stored", [(OURS, runs)])
    bench.require("warm", runs, job, 0)
    return [Bar("wall with everything stored, s", median(run.wall_s for run in runs), 0.6)]


def transports_step(bench: Bench, calls: int) -> list[Bar]:
    """Post the prompts of the job through each client, and do nothing else."""
    prompts = bench.job(calls).folder / "rendered.jsonl"
    names = [name for name in TRANSPORTS if name != "httpx2" or find_spec("httpx2")]
    costs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    with Server(bench.shared, 0) as server:
        for name in names * bench.rounds:
            server.ask("/reset")
            command = [sys.executable, __file__, "--transport", name, server.url, str(prompts)]
            told = subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)
            costs[name].append(
                {**json.loads(told.stdout), "conns": server.ask("/stats")["connections"] - 1}
            )
    title = f"{calls:,} calls at 0 ms, the client alone"
    print(f"\n{title:42}{'wall s':>8}{'ms/call':>9}{'conns':>7}")
    for name, found in costs.items():
        wall, cpu = (median(cost[key] for cost in found) for key in ("wall_s", "cpu_ms"))
        print(f"{name:42}{wall:8.2f}{cpu:9.2f}{found[-1]['conns']:7}")
    return []


@asynccontextmanager
async def over_aiohttp(url: str) -> AsyncIterator[Call]:
    """Post by aiohttp itself."""
    aiohttp = import_module("aiohttp")
    connector = aiohttp.TCPConnector(limit=FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def call(_: int, body: bytes) -> bytes:
            async with session.post(url, data=body) as reply:
                content: bytes = await reply.read()
                return content

        yield call


@asynccontextmanager
async def over_httpx(
    url: str, library: str = "httpx", clients: int = 1, adapter: str | None = None
) -> AsyncIterator[Call]:
    """Post by so many clients of httpx, or of its continuation; `adapter` carries the calls."""
    httpx = import_module(library)
    share = FLIGHT // clients
    limits = httpx.Limits(max_connections=share, max_keepalive_connections=share)
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(clients):
            below = import_module(adapter).AiohttpTransport(limits=limits) if adapter else None
            client = httpx.AsyncClient(
                limits=limits, transport=below, headers=HEADERS, timeout=60, trust_env=False
            )
            opened.append(await stack.enter_async_context(client))

        async def call(worker: int, body: bytes) -> bytes:
            reply = await opened[worker % clients].post(url, content=body)
            content: bytes = reply.content
            return content

        yield call


@asynccontextmanager
async def over_exchange(url: str) -> AsyncIterator[Call]:
    """Post as promptlab does."""
    transport = import_module("promptlab.remote.transport").open_transport(url)
    exchange = import_module("promptlab.remote.exchange").Exchange(transport, 60.0)

    async def call(_: int, body: bytes) -> bytes:
        reply = await exchange.send("POST", url, HEADERS, body)
        content: bytes = reply.content
        return content

    try:
        yield call
    finally:
        await exchange.aclose()


TRANSPORTS: dict[str, Callable[[str], AbstractAsyncContextManager[Call]]] = {
    "bare aiohttp": over_aiohttp,
    "promptlab's Exchange": over_exchange,
    "httpx.AsyncClient over httpx-aiohttp": partial(over_httpx, adapter="httpx_aiohttp"),
    "httpx2.AsyncClient": partial(over_httpx, library="httpx2"),
    "eight httpx.AsyncClient of 8 connections": partial(over_httpx, clients=8),
    "httpx.AsyncClient, one pool of 64": over_httpx,
}


async def post_all(name: str, url: str, rendered: Path) -> dict[str, float]:
    """Post every prompt, 64 in flight, and read every reply; return what that took."""
    prompts = [json.loads(line)["prompt"] for line in rendered.read_text().splitlines()]
    left = iter(prompts)
    async with TRANSPORTS[name](f"{url}/v1/chat/completions") as call:

        async def work(worker: int) -> None:
            for prompt in left:
                asked = {"role": "user", "content": prompt}
                body = {
                    "model": "mock-model",
                    "messages": [asked],
                    "temperature": 0,
                    "max_tokens": 16,
                }
                reply = json.loads(await call(worker, json.dumps(body).encode()))
                assert reply["choices"][0]["message"]["content"]

        began, began_cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*map(work, range(FLIGHT)))
        wall, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"wall_s": wall, "cpu_ms": cpu / len(prompts) * 1000}


STEPS: dict[str, Callable[[Bench, int], list[Bar]]] = {
    "main": main_step,
    "scale": scale_step,
    "cold": cold_step,
    "warm": warm_step,
    "transports": transports_step,
}


def environment() -> str:
    """Say what the figures are taken on."""
    told = ", ".join(f"{name} {installed(name)}" for name in PACKAGES)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{machine}, Python {platform.python_version()}, {told}"


def installed(package: str) -> str:
    """Return the version of a package that may be missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure the remote calls of promptlab.")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the mock server, the job")
    parser.add_argument("--step", action="append", choices=STEPS, help="this step alone")
    parser.add_argument("--calls", type=int, default=3_000, help="of the job; a multiple of 3")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth, once; no bar is judged")
    parser.add_argument("--transport", nargs=3, help=argparse.SUPPRESS)  # what the step starts
    return parser.parse_args()


def main() -> int:
    """Measure, print, judge."""
    asked = options()
    if asked.transport:
        name, url, rendered = asked.transport
        print(json.dumps(asyncio.run(post_all(name, url, Path(rendered)))))
        return 0
    if not (asked.shared / "mock_openai.py").exists():
        print(f"nothing is measured: {asked.shared} has no mock server (--shared DIR names it)")
        return 0
    print(environment())
    calls, rounds = (asked.calls // 10, 1) if asked.quick else (asked.calls, asked.rounds)
    with tempfile.TemporaryDirectory() as folder:
        # As an installation has it: no start compiles what an earlier one has compiled.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        bench = Bench(asked.shared, Path(folder), rounds)
        bench.warm_up()
        bars = [bar for step in asked.step or STEPS for bar in STEPS[step](bench, calls // 3 * 3)]
    print("", *bars, *bench.mistakes, sep="\n")
    if asked.quick:
        print("too small a job, and too few rounds, to judge a bar by")
    return 1 if bench.mistakes or not (asked.quick or all(bar.met for bar in bars)) else 0


if __name__ == "__main__":
    sys.exit(main())

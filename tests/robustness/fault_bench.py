"""A project whose backends all ask one fault server, and the command line over it."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.cli import run_cli

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call
    from tests.remote.fault_server import FaultServer

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
    backends: Mapping[str, Mapping[str, object]],
    *,
    cases: int = 10,
    versions: int = 1,
) -> Bench:
    """Write a project whose suite `all` asks each backend all versions of all cases.

    `backends` are the options of each, by its name, which is its model's too.
    """
    templates, suites = root / "templates" / "write", root / "suites"
    templates.mkdir(parents=True)
    suites.mkdir()
    for number in range(1, versions + 1):
        (templates / f"v{number}.j2").write_text(prompt_of(f"v{number}", "{{ about }}"))
    rows = [{"id": f"c{number}", "about": f"c{number}"} for number in range(cases)]
    (suites / "cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (suites / "all.yaml").write_text(
        f'templates: ["write@*"]\nbackends: {json.dumps([*backends])}\ncases: cases.jsonl\n'
        "scorers:\n  - length: {unit: words, max: 9}\n"
    )
    config = ""
    for name, options in backends.items():
        told = {"kind": "openai", "base_url": server.base_url, "model": name, **options}
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


@dataclass(frozen=True, slots=True)
class Met:
    """What came of the faults: how the run ended, its rows, and how often each was played."""

    code: int
    rows: Mapping[str, list[Row]]
    played: Counter[str]


def meet(bench: Bench, words: str, played: Counter[str]) -> Met:
    code, _ = bench(*words.split())
    rows = bench.rows()
    return Met(code, {r.backend: [o for o in rows if o.backend == r.backend] for r in rows}, played)

"""What a run promises, where it is easily broken: odd scorers, odd values, odd answers."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Promptlab, edit, query, spawn

ODD_SCORERS = """\
import asyncio

class Odd(BaseException):
    pass

async def cancels(sample):
    if sample.case.id == "ben":
        raise asyncio.CancelledError
    return True

async def raises(sample):
    if sample.case.id == "ben":
        raise Odd("boom")
    return True

def blocks(sample):
    if sample.case.id == "ben":
        raise Odd("boom")
    return True
"""
TWO_CALLS = """\
{% user %}Draft for {{ name }}.{% enduser %}
{% generate draft %}
{% user %}Mend: {{ draft }}{% enduser %}
"""


@pytest.mark.parametrize("name", ["cancels", "raises", "blocks"])
def test_whatever_a_scorer_raises_every_trial_is_kept(
    project: Path, promptlab: Promptlab, name: str
) -> None:
    (project / "odd_scorers.py").write_text(ODD_SCORERS, encoding="utf-8")
    edit(project / "suites/greet.yaml", "scorers:\n", f"scorers:\n  - odd_scorers:{name}\n")
    ran = promptlab("run", "greet", "-t", "greet@v1", "--json")
    assert ran.code == 4  # finished, and a score failed
    assert query(project, "SELECT count(*) FROM trials") == [(3,)]
    sql = "SELECT case_id, error FROM results WHERE scorer = ? AND score IS NULL"
    [(case, error)] = query(project, sql, name)
    assert case == "ben"
    assert error in ("CancelledError", "Odd: boom")
    assert promptlab("db", "verify").code == 0


@pytest.mark.parametrize("vars_", ["gift: {7: seven}", "gift: [{1: one}]"])
def test_keys_that_are_no_texts_are_refused_at_any_depth(
    project: Path, promptlab: Promptlab, vars_: str
) -> None:
    edit(project / "suites/greet.yaml", "cases: people.jsonl", f"cases: [{{name: Ada, {vars_}}}]")
    ran = promptlab("run", "greet")
    assert ran.code == 2
    assert re.match(
        r"Error: suites/greet.yaml:4: .*gift has the key [17], which is not text", ran.err
    )


@pytest.mark.parametrize("value", ["NaN", "1e999", "-Infinity", "[" * 100_000])
def test_a_parameter_that_json_cannot_hold_is_refused(
    project: Path, promptlab: Promptlab, value: str
) -> None:
    (project / "templates/greet/v3.j2").write_text(
        "---\ninputs: {n: number}\n---\n{{ name }} {{ n }}", encoding="utf-8"
    )
    ran = promptlab("run", "greet", "-t", "greet@v3", "-p", "n", value)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "the input 'n' is" in ran.err


def test_a_parameter_given_twice_is_refused(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "greet", "-p", "tone", "dry", "-p", "tone", "warm")
    assert (ran.code, ran.err) == (2, "Error: -p tone is given twice (keep one of them)\n")


def test_an_odd_answer_is_foreseen_as_it_is_asked(project: Path, promptlab: Promptlab) -> None:
    (project / "promptlab.toml").write_text(
        '[backends.odd]\nkind = "echo"\nreply = "a\\u0000b"\n', encoding="utf-8"
    )
    (project / "templates/greet/v3.j2").write_text(TWO_CALLS, encoding="utf-8")
    words = ["run", "greet", "-t", "greet@v3", "-b", "odd"]
    assert json.loads(promptlab(*words, "--json").out)["calls"] == 6
    foreseen = json.loads(promptlab(*words, "--dry-run", "--json").out)
    assert (foreseen["calls"], foreseen["stored"]) == (6, 6)
    offline = json.loads(promptlab(*words, "--offline", "--json").out)
    assert (offline["calls"], offline["outcomes"]["ok"]) == (0, 3)
    assert query(project, "SELECT DISTINCT output FROM results") == [
        ("a\N{REPLACEMENT CHARACTER}b",)
    ]


def test_a_backend_that_reads_no_images_is_reported_before_any_call(
    project: Path, promptlab: Promptlab
) -> None:
    (project / "blind.py").write_text(
        "from promptlab.backends.echo import Echo\nclass Blind(Echo):\n    reads_images = False\n",
        encoding="utf-8",
    )
    (project / "promptlab.toml").write_text(
        '[backends.blind]\nkind = "blind:Blind"\n', encoding="utf-8"
    )
    (project / "suites/face.png").write_bytes(b"\x89PNG\r\n\x1a\n pixels")
    (project / "templates/greet/v3.j2").write_text(
        "{% user %}{{ name }} {{ image('face.png') }}{% enduser %}", encoding="utf-8"
    )
    for more in ((), ("--dry-run",)):
        ran = promptlab("run", "greet", "-t", "greet@v3", "-b", "blind", *more)
        assert (ran.code, ran.out) == (2, "")
        assert "greet@v3 shows an image in case 'ada', which backend 'blind' cannot read" in ran.err
    assert promptlab("run", "greet", "-t", "greet@v3").code == 0


def test_no_place_of_this_machine_is_stored(project: Path, promptlab: Promptlab) -> None:
    (project / "suites/face.png").write_bytes(b"\x89PNG\r\n\x1a\n pixels")
    (project / "templates/greet/v3.j2").write_text(
        "{% user %}{{ name }} {{ image('face.png') }}{% enduser %}", encoding="utf-8"
    )
    assert promptlab("run", "greet", "-t", "greet@v3").code == 0
    assert str(project).encode() not in (project / "promptlab.db").read_bytes()
    settings = query(project, "SELECT settings FROM runs")[0][0]
    assert json.loads(settings)["assets"] == "suites"


def test_facts_are_kept_from_the_beginning(project: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet")
    [(facts,)] = query(project, "SELECT facts FROM runs")
    assert json.loads(facts)["echo"]["kind"] == "echo"


@pytest.mark.slow
def test_the_command_that_is_reported_works_as_it_stands(project: Path, tmp_path: Path) -> None:
    (project / "promptlab.toml").write_text(
        '[backends.slow]\nkind = "echo"\ndelay_s = 60\n', encoding="utf-8"
    )
    database = tmp_path / "an other.db"
    started = subprocess.Popen(
        [sys.executable, "-m", "promptlab", "--project", str(project), "--db", str(database),
         "run", "greet", "-b", "slow"],
        stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    try:
        for _ in range(500):
            if database.exists() and _runs(database):
                break
            try:
                started.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
    finally:
        started.terminate()
    match = re.search(r"finish with: promptlab (.*)$", started.communicate(timeout=20)[1], re.M)
    assert match is not None
    words = shlex.split(match[1])
    assert words[:4] == ["--project", str(project), "--db", str(database)]
    again = spawn(*words[:4], "show", words[-1])
    assert (again.returncode, again.stderr) == (0, "")


def _runs(database: Path) -> int:
    import sqlite3

    try:
        with sqlite3.connect(database) as opened:
            return int(opened.execute("SELECT count(*) FROM runs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0

"""`try`: one answer of one version, now."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit, query

BACKENDS = """
[tool.promptlab.backends.priced]
kind = "echo"
price = 1000000.0

[tool.promptlab.backends.frail]
kind = "echo"
fail = "Ada"

[tool.promptlab.backends.evil]
kind = "echo"
reply = "\\u001b[2J \\u001b]0;x\\u0007 \\u202eb [red]c[/]"
"""
TURNS = """\
{% user %}Draft on {{ topic }}{% enduser %}
{% generate draft %}
{% user %}Shorten: {{ draft }}{% enduser %}
"""
JUDGED = """\
templates: [greet@v1]
backends: [echo]
cases: people.jsonl
scorers:
  - contains: {any: ["{{ name }}"]}
  - rubric: {judge: echo, criteria: Is it kind?}
"""


@pytest.fixture
def project(project: Path) -> Path:
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(BACKENDS)
    (project / "templates/turns").mkdir()
    (project / "templates/turns/v1.j2").write_text(TURNS, encoding="utf-8")
    return project


@pytest.fixture(autouse=True)
def _nothing_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, b"")


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def told(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(promptlab("try", *words, "--json").out)
    return document


def test_the_answer_alone_is_on_stdout(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("try", "greet@v1", "-p", "name", "Ada")
    assert (ran.code, ran.out) == (0, "Say hello to Ada.\n")
    assert ran.err == "greet@v1: ok, echo, 4 tokens in, 4 out, 0.00 s, 1 call\n"


@pytest.mark.slow
def test_a_run_finds_the_answer_and_the_other_way_round(
    project: Path, promptlab: Promptlab
) -> None:
    assert told(promptlab, "greet@v1", "-p", "name", "Ada")["cached"] is False
    promptlab("run", "greet", "--json")
    cached = dict(query(project, "select case_id || version, max(cached) from results group by 1"))
    assert cached == {"adav1": 1, "adav2": 0, "benv1": 0, "benv2": 0, "evev1": 0, "evev2": 0}
    for words in (("greet@v2", "--case", "ben"), ("greet@v1", "-p", "name", "Benjamin")):
        assert (told(promptlab, *words)["cached"], told(promptlab, *words)["calls"]) == (True, 0)


def test_no_run_is_made_and_the_store_stays_sound(project: Path, promptlab: Promptlab) -> None:
    promptlab("try", "turns", "-b", "echo", "-p", "topic", "cats")
    assert query(project, "select count(*) from runs") == [(0,)]
    assert query(project, "select count(*), count(run) from generations") == [(2, 0)]
    assert promptlab("db", "verify").code == 0


def test_fresh_asks_again_and_offline_never(project: Path, promptlab: Promptlab) -> None:
    words = ("try", "greet@v1", "-p", "name", "Ada")
    missed = promptlab(*words, "--offline")
    assert (missed.code, missed.out) == (2, "")
    assert "is not stored" in missed.err
    promptlab(*words)
    assert promptlab(*words, "--offline").code == 0
    assert told(promptlab, *words[1:], "--fresh")["calls"] == 1
    assert "exclude each other" in promptlab(*words, "--fresh", "--offline").err


@pytest.mark.parametrize(
    ("limit", "said"),
    [(("--max-calls", "1"), "--max-calls 1"), (("--max-cost", "0.5"), "--max-cost 0.5")],
)
def test_a_budget_holds(
    project: Path, promptlab: Promptlab, limit: tuple[str, str], said: str
) -> None:
    ran = promptlab("try", "turns", "-b", "priced", "-p", "topic", "cats", *limit)
    assert (ran.code, ran.out) == (4, "")
    assert ran.err == f"stopped at {said}, after 1 call\n"


def test_a_text_is_piped_into_the_only_input(
    project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, "Zoë\n\n".encode())
    assert told(promptlab, "greet@v1")["vars"] == {"name": "Zoë\n"}
    pipe(monkeypatch, b"\xff\xfe")
    assert "is not UTF-8: byte 1" in promptlab("try", "greet@v1").err
    pipe(monkeypatch, b"not read")
    assert told(promptlab, "greet@v1", "-p", "name=Ada")["vars"] == {"name": "Ada"}


def test_a_case_is_graded_but_no_judge_is_asked_without_leave(
    project: Path, promptlab: Promptlab
) -> None:
    (project / "suites/judged.yaml").write_text(JUDGED, encoding="utf-8")
    words = ("greet@v1", "--suite", "judged", "--case", "ada")
    plain = told(promptlab, *words)
    assert [(score["scorer"], score["passed"]) for score in plain["scores"]] == [("contains", True)]
    assert plain["not_graded"] == {"rubric": "it asks a model: --score"}
    assert plain["calls"] == 1
    asked = told(promptlab, *words, "--score")
    assert [score["scorer"] for score in asked["scores"]] == ["contains", "rubric"]
    assert asked["calls"] >= 1
    assert [turn["aside"] for turn in asked["turns"]][:2] == [False, True]
    assert asked["answer"] == "Say hello to Ada."


def test_what_a_case_expects_is_told_with_its_grades(project: Path, promptlab: Promptlab) -> None:
    edit(project / "suites/people.jsonl", '"name": "Ada"', '"name": "Ada", "expect": "Hi\\u001b"')
    ran = promptlab("try", "greet@v2", "--case", "ada")
    assert ran.err.splitlines()[1:] == ["expected: Hi^[", "contains: pass", "length: FAIL, 7 words"]
    other = told(promptlab, "greet@v2", "--case", "ada", "-p", "name", "Eve")
    assert (other["vars"]["name"], other["expect"]) == ("Eve", "Hi\x1b")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("greet@v1",), "greet@v1 needs name (give -p NAME VALUE"),
        (("greet@v1", "-p", "nam", "Ada"), "unknown variable 'nam' of greet@v1 (did you mean"),
        (("greet@v1", "--case", "ada", "-p", "nam", "Ada"), "unknown variable 'nam' of greet@v1"),
        (("greet@v9", "-p", "name", "Ada"), "unknown version 'v9' of greet"),
        (("greet@v1", "--case", "zoe"), "unknown case 'zoe' of suite greet"),
        (("turns", "-p", "topic", "x"), "which backend is to answer? (name one: -b priced"),
        (("turns", "--case", "x"), "of which suite? turns is in: none"),
        (("greet@v1", "-p", "name", "Ada", "-b", "ech"), "unknown backend 'ech'"),
        (("greet@v1", "-p", "name", "A", "-p", "name", "B"), "-p name is given twice"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    project: Path, promptlab: Promptlab, words: tuple[str, ...], said: str
) -> None:
    ran = promptlab("try", *words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err


def test_a_call_that_fails_says_why(project: Path, promptlab: Promptlab) -> None:
    ran = promptlab("try", "greet@v1", "-b", "frail", "-p", "name", "Ada")
    assert (ran.code, ran.out) == (4, "")
    assert "told to fail on 'Ada'" in ran.err


def test_each_turn_is_told(project: Path, promptlab: Promptlab) -> None:
    found = told(promptlab, "turns", "-b", "echo", "-p", "topic", "cats")
    assert [(turn["answer"], turn["output"]) for turn in found["turns"]] == [
        ("draft", "Draft on cats"),
        ("answer", "Shorten: Draft on cats"),
    ]
    assert found["answer"] == "Shorten: Draft on cats"


@pytest.mark.parametrize("as_json", [False, True])
def test_nothing_in_an_answer_is_obeyed(project: Path, promptlab: Promptlab, as_json: bool) -> None:
    words = ("try", "greet@v1", "-b", "evil", "-p", "name", "\x1b]0;y\x07")
    ran = promptlab(*words, *(["--json"] if as_json else []))
    assert ran.code == 0
    for sign in "\x1b\x07\u202e":
        assert sign not in ran.out + ran.err


@pytest.mark.slow
def test_a_terminal_shows_turns_as_they_come(project: Path) -> None:
    shown = on_terminal(project, "try", "turns", "-b", "evil", "-p", "topic", "cats")
    assert shown.count("^[[2J ^[]0;x^G <U+202E>b [red]c[/]") == 2
    assert shown.index("[draft]") < shown.index("[answer]")
    assert "\x1b" not in shown


def on_terminal(root: Path, *words: str) -> str:
    """Return what a terminal of 80 columns is sent."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "promptlab", *words]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=root, env=environment
    ) as process:
        os.close(theirs)
        sent = b""
        try:
            while part := os.read(ours, 4096):
                sent += part
        except OSError:  # the other end is closed
            pass
        process.wait(20)
    os.close(ours)
    return sent.decode().replace("\r\n", "\n")

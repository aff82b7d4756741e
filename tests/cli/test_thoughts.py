"""Models that think aloud: what is graded, sent on, stored and shown, from suite to screen."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Promptlab, edit, query, with_backend

THINKER = """\
def answer(messages):
    with open("asked.jsonl", "a") as file:
        print(__import__("json").dumps(messages), file=file)
    name = messages[0]["content"].split()[-1]
    return f"<think>\\nIs it Bob? No.\\n</think>\\n\\nHello {name}"
"""
TURNS = """\
{% user %}Greet {{ name }}{% enduser %}
{% generate draft %}
{% user %}You said {{ draft }}. Again.{% enduser %}
"""


@pytest.fixture
def thinking(project: Path) -> Path:
    with_backend(project, THINKER, kind="mine:answer")
    (project / "templates/greet/v1.j2").write_text(TURNS, encoding="utf-8")
    suite = project / "suites/greet.yaml"
    edit(suite, "greet@*", "greet@v1")
    edit(suite, '{any: ["{{ name }}"]}', '{any: ["{{ name }}"], not: ["Bob"]}')
    edit(suite, "max: 5", "max: 2")
    return project


def asked(project: Path) -> list[list[dict[str, str]]]:
    lines = (project / "asked.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def lines(screen: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in screen.splitlines())


def test_scorers_and_later_turns_see_the_answer_alone(thinking: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "greet", "--case", "ada").code == 0
    rows = query(thinking, "SELECT output, thoughts, score FROM results ORDER BY scorer")
    assert rows == [("Hello Ada", "Is it Bob? No.", 1.0)] * 2
    second = asked(thinking)[1]
    assert [message["content"] for message in second] == [
        "Greet Ada",
        "Hello Ada",
        "You said Hello Ada. Again.",
    ]


def test_thoughts_are_shown_as_such(thinking: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet", "--case", "ada")
    assert "  thoughts: Is it Bob? No.\n  Hello Ada\n" in lines(promptlab("show").out)
    whole = lines(promptlab("show", "--full").out)
    assert whole.count("thoughts before draft\n  Is it Bob? No.\ndraft (ok)\n  Hello Ada\n") == 1
    turns = json.loads(promptlab("show", "--full", "--json").out)["results"][0]["turns"]
    assert [(turn["output"], turn["thoughts"]) for turn in turns] == [
        ("Hello Ada", "Is it Bob? No.")
    ] * 2


def test_a_stored_answer_keeps_its_thoughts(thinking: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet")
    calls = len(asked(thinking))
    assert "no model call was made" in promptlab("run", "greet").out
    assert len(asked(thinking)) == calls
    rows = query(thinking, "SELECT DISTINCT thoughts, score FROM results")
    assert rows == [("Is it Bob? No.", 1.0)]


@pytest.mark.parametrize(
    "said", ["<think>Bob?</think>Hello Ada", "<think>\n\n</think>\n\nHello Ada"]
)
def test_an_answer_of_an_older_version_is_used_without_its_thoughts(
    thinking: Path, promptlab: Promptlab, said: str
) -> None:
    promptlab("run", "greet", "--case", "ada")
    with closing(sqlite3.connect(thinking / "promptlab.db")) as database, database:
        database.execute("UPDATE generations SET output = ?, thoughts = NULL", [said])
    calls = len(asked(thinking))
    promptlab("run", "greet", "--case", "ada")
    assert len(asked(thinking)) == calls
    rows = query(
        thinking,
        "SELECT DISTINCT output, score FROM results"
        " WHERE run_id = (SELECT run_id FROM runs ORDER BY id DESC LIMIT 1)",
    )
    assert rows == [("Hello Ada", 1.0)]
    assert promptlab("db", "verify").code == 0


def test_thoughts_that_never_end_are_no_answer(thinking: Path, promptlab: Promptlab) -> None:
    edit(thinking / "mine.py", "\\n</think>\\n\\n", " Or ")
    ran = promptlab("run", "greet", "--case", "ada")
    assert "ended within its thoughts" in ran.err
    rows = query(thinking, "SELECT DISTINCT outcome, output, score FROM results")
    assert {row[:2] for row in rows} == {("empty", "")}

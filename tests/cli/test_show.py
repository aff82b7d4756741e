"""`promptlab show` and `runs`: reviewing what is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptlab.store import Store
from promptlab.store.columns import RESULT_COLUMNS
from promptlab.workbench.session import Session

from .conftest import Gold, Promptlab, Ran, edit, query

RAISES = """\
import asyncio

def fragile(sample):
    return 1 / (len("Benjamin") - len(sample.case.vars["name"]))

async def slow(sample, *, least=1):
    await asyncio.sleep(0)
    return len(sample.output) >= least
"""


def shown(ran: Ran) -> list[tuple[str, str]]:
    """Return case and arm of each trial in a list."""
    heads = (line.split("  ") for line in ran.out.splitlines() if " on echo  " in line)
    return [(case, arm) for case, arm, *_ in heads]


def rows(ran: Ran) -> list[dict[str, Any]]:
    document: list[dict[str, Any]] = json.loads(ran.out)["results"]
    return document


def test_show_prints_the_run_and_its_trials(
    ran_project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    ran = promptlab("show")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("show.txt", "show", ran.out)


def test_full_shows_whole_conversations(
    ran_project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    ran = promptlab("show", "--full", "--case", "ada", "-t", "greet@v2")
    gold("show.txt", "show --full", ran.out)


@pytest.mark.parametrize(
    ("words", "trials"),
    [
        (["--failed"], [("ada", "v2"), ("ben", "v2"), ("eve", "v2")]),
        (["--failed", "--case", "ben"], [("ben", "v2")]),
        (["--errors"], []),
        (["--case", "ben"], [("ben", "v1"), ("ben", "v2")]),
        (["--case", "ben", "--case", "ada", "-t", "greet@v1"], [("ada", "v1"), ("ben", "v1")]),
        (["-t", "greet", "--limit", "2"], [("ada", "v2"), ("ben", "v2")]),
        (["-t", "greet@v1..v2", "--limit", "1"], [("ada", "v1")]),
        (["--where", "output_tokens > 4 and case_id <> 'eve'"], [("ada", "v2"), ("ben", "v2")]),
    ],
)
def test_show_filters(
    ran_project: Path, promptlab: Promptlab, words: list[str], trials: list[tuple[str, str]]
) -> None:
    ran = promptlab("show", *words)
    assert ran.code == 0
    assert shown(ran) == [(case, f"greet@{version} on echo") for case, version in trials]


def test_show_says_when_there_is_more_and_when_there_is_nothing(
    ran_project: Path, promptlab: Promptlab
) -> None:
    more = "There are more trials than that: --limit N shows more than 5.\n"
    assert promptlab("show", "--limit", "5").out.endswith(more)
    assert "There are more" not in promptlab("show", "--limit", "6").out
    assert "matches.\n" in promptlab("show", "--errors").out


def test_the_json_of_show_is_the_view_results(ran_project: Path, promptlab: Promptlab) -> None:
    document = rows(promptlab("show", "--json"))
    columns = [*RESULT_COLUMNS]
    assert list(document[0]) == columns
    # The view knows only what scorers tell; here an answer counts unless they say otherwise.
    assert all(row.pop("gradable") is True for row in document)
    columns.remove("gradable")
    stored = query(ran_project, f"SELECT {', '.join(columns)} FROM results")
    reported = [tuple(row.values()) for row in document]
    assert sorted(reported, key=repr) == sorted(
        (tuple(_as_json(name, value) for name, value in zip(columns, row, strict=True))
         for row in stored), key=repr,
    )  # fmt: skip


def _as_json(column: str, value: object) -> object:
    if column in ("tags", "vars", "expect"):
        return json.loads(str(value))
    return bool(value) if column in ("passed", "cached") else value


def test_the_json_of_show_full_has_the_turns(ran_project: Path, promptlab: Promptlab) -> None:
    first = rows(promptlab("show", "--json", "--full", "--limit", "1"))[0]
    assert first["traceback"] is None
    assert first["turns"] == [
        {
            "answer": "answer",
            "messages": [{"role": "user", "content": "Say hello to Ada."}],
            "output": "Say hello to Ada.",
            "thoughts": None,
            "outcome": "ok",
            "finish_reason": "stop",
            "input_tokens": 4,
            "output_tokens": 4,
            "error": None,
            "likelihoods": None,
            "aside": False,
            "backend": None,
        }
    ]


def test_a_run_is_named_by_its_age_its_id_or_a_prefix(
    ran_project: Path, promptlab: Promptlab
) -> None:
    promptlab("run", "greet", "-n", "1")
    [(old,), (new,)] = query(ran_project, "SELECT run_id FROM runs ORDER BY id")

    def named(*words: str) -> str:
        run: str = json.loads(promptlab("show", "--json", *words).out)["run"]
        return run

    assert named() == named("latest") == named("-1") == named(new) == new
    assert named("-2") == named(old) == old
    assert named(new, "--limit", "1") == new


def test_a_scorer_that_raises_is_recorded_and_the_run_goes_on(
    project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    (project / "checks_that_raise.py").write_text(RAISES, encoding="utf-8")
    edit(project / "suites/greet.yaml", "  - length", "  - checks_that_raise:fragile\n  - length")
    ran = promptlab("run", "greet", "-t", "greet@v1")
    assert ran.code == 4
    gold("show.txt", "run with a scorer that raises", ran.out)
    listed = promptlab("show", "--errors")
    assert shown(listed) == [("ben", "greet@v1 on echo")]
    assert "fragile: ZeroDivisionError: division by zero" in listed.out
    assert "Traceback" not in listed.out
    assert "in fragile" in promptlab("show", "--errors", "--full").out
    [row] = rows(promptlab("show", "--errors", "--json", "--full"))
    assert (row["score"], row["error"]) == (None, "ZeroDivisionError: division by zero")
    assert row["traceback"].startswith("Traceback (most recent call last)")
    counted = "SELECT scorer, count(score) FROM results GROUP BY 1 ORDER BY 1"
    assert query(project, counted) == [("contains", 3), ("fragile", 2), ("length", 3)]


def test_own_scorers_may_be_async_and_have_parameters(project: Path, promptlab: Promptlab) -> None:
    (project / "checks_that_wait.py").write_text(RAISES, encoding="utf-8")
    scorers = (
        "  - checks_that_wait:slow: {least: 18}\n"
        "  - checks_that_wait:slow: {name: easy, least: 1}\n  - length"
    )
    edit(project / "suites/greet.yaml", "  - length", scorers)
    assert promptlab("run", "greet", "-t", "greet@v1").code == 0
    passes = "SELECT scorer, sum(passed) FROM results WHERE scorer IN ('slow', 'easy') GROUP BY 1"
    assert query(project, passes) == [("easy", 3), ("slow", 1)]


def test_errors_shows_the_trials_that_failed(
    project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    moody = '[backends.moody]\nkind = "echo"\nfail = "Ben"\n'
    (project / "promptlab.toml").write_text(moody, encoding="utf-8")
    assert promptlab("run", "greet", "-b", "moody").code == 4
    gold("show.txt", "show --errors --full", promptlab("show", "--errors", "--full").out)


def test_runs_lists_the_newest_first(ran_project: Path, promptlab: Promptlab, gold: Gold) -> None:
    moody = '[backends.moody]\nkind = "echo"\nfail = "Eve"\n'
    (ran_project / "promptlab.toml").write_text(moody, encoding="utf-8")
    promptlab("run", "greet", "-b", "moody", "--fresh", "-n", "2")
    gold("show.txt", "runs", promptlab("runs").out)
    newest, oldest = json.loads(promptlab("runs", "--json").out)
    assert (newest["suite"], newest["fresh"], newest["outcomes"]["error"]) == ("greet", True, 2)
    assert newest["overrides"] == {"backends": ["moody"], "limit": 2}
    assert (oldest["trials"], oldest["stored"], oldest["status"]) == (6, 6, "finished")
    assert json.loads(promptlab("runs", "-n", "1", "--json").out) == [newest]


def test_runs_of_a_database_without_any(project: Path, promptlab: Promptlab) -> None:
    Store.open(project / "promptlab.db", Session.now).close()
    assert promptlab("runs").out == "There are no runs yet: promptlab run SUITE\n"
    assert promptlab("runs", "--json").out == "[]\n"

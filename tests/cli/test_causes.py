"""Where a difference comes from, in every verb that tells one, and in the store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, query

CASES = 60
SUITE = """\
templates: ["mood@*"]
backends: [echo]
cases: moods.jsonl
scorers:
  - label: {labels: [good, bad], name: mood}
  - exact_match: {name: letter}
"""


def answers(case: int) -> tuple[str, str]:
    """Return what the two versions say to a case whose mood is good if its number is even."""
    right, wrong = ("good", "bad") if case % 2 == 0 else ("bad", "good")
    first = right if case % 5 else wrong
    if case % 3 == 0:
        first = "It depends on how one looks at it"
    return first, f"{right if case % 7 else wrong}, number {case}"


@pytest.fixture
def moods(project: Path, promptlab: Promptlab) -> Path:
    """Return a project that ran two versions, one of which often names no mood."""
    (project / "templates/mood").mkdir()
    for version, practices in (("v1", ""), ("v2", "practices: [short]\n")):
        text = f"---\n{practices}description: d\n---\n{{{{ {version} }}}}\n"
        (project / f"templates/mood/{version}.j2").write_text(text)
    rows = []
    for case in range(CASES):
        first, second = answers(case)
        mood = "good" if case % 2 == 0 else "bad"
        rows.append(
            json.dumps({"id": f"c{case}", "vars": {"v1": first, "v2": second}, "expect": mood})
        )
    (project / "suites/moods.jsonl").write_text("\n".join(rows))
    (project / "suites/mood.yaml").write_text(SUITE)
    assert promptlab("run", "mood").code == 0
    return project


def compared(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    [row] = json.loads(promptlab("compare", "--json", *words).out)["comparisons"]
    return dict(row)


def codes(row: dict[str, Any]) -> list[str]:
    return [note["code"] for note in row["notes"]]


@pytest.mark.slow
def test_compare_says_which_answers_hold_no_label(moods: Path, promptlab: Promptlab) -> None:
    row = compared(promptlab)
    causes = row["causes"]
    assert causes["a"]["not_gradable"] == pytest.approx(1 / 3)
    assert causes["a"]["gradable"] == pytest.approx(2 / 3)
    assert causes["b"]["gradable"] == 1
    parts = causes["form"]["delta"] + causes["content"]["delta"]
    assert parts == pytest.approx(row["delta"])
    assert causes["form"]["ci"][0] > 0
    [note] = [note for note in row["notes"] if note["code"] == "difference-in-form"]
    assert note["text"].startswith("of the answers of mood@v1 33 % hold no single label: +")
    out = " ".join(promptlab("compare").out.split())
    assert "of v1's answers 33 % hold no single label" in out


@pytest.mark.slow
def test_on_several_backends_each_note_says_on_which(moods: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "mood", "-b", "echo", "-b", "echo:other").code == 0
    lines = [line for line in promptlab("compare").out.splitlines() if line.startswith("note: ")]
    told = [line for line in lines if "33 % hold no single label" in line]
    assert [line.partition("v1 ")[2].partition(" 33 %")[0] for line in told] == [
        "on echo",
        "on echo:other",
        "on all backends",
    ]


def test_the_distribution_of_answers_stands_beside(moods: Path, promptlab: Promptlab) -> None:
    side = compared(promptlab)["causes"]["b"]
    assert sum(side["found"].values()) == CASES
    assert side["majority"] == {"answer": "good", "score": 0.5}


@pytest.mark.slow
def test_diff_and_practices_tell_the_same(moods: Path, promptlab: Promptlab) -> None:
    row = compared(promptlab)
    [found] = json.loads(promptlab("diff", "mood@v1", "mood@v2", "--json").out)["measured"]
    assert found["causes"] == row["causes"]
    assert "difference-in-form" in codes(found)
    practices = json.loads(promptlab("practices", "--json").out)["practices"]
    assert practices[0]["causes"] == row["causes"]
    assert "difference-in-form" in codes(practices[0])


@pytest.mark.slow
def test_a_scorer_that_says_the_other_way_is_in_the_sentence(
    moods: Path, promptlab: Promptlab
) -> None:
    """The answers of v2 hold more than the label: letter by letter they are never right."""
    [other] = compared(promptlab)["causes"]["other_scorers"]
    assert (other["scorer"], other["delta"] < 0) == ("letter", True)
    out = " ".join(promptlab("compare").out.split())
    assert out.count("by letter the other way, -") == 2  # the note and the sentence
    assert (
        compared(promptlab, "--scorer", "letter")["causes"]["other_scorers"][0]["scorer"] == "mood"
    )


def test_the_store_keeps_what_was_found(moods: Path, promptlab: Promptlab) -> None:
    shown = "SELECT found, count(*) FROM results WHERE scorer = 'mood' AND version = 'v1'"
    rows = dict(query(moods, f"{shown} AND gradable GROUP BY found"))
    assert set(rows) == {"good", "bad"}
    assert sum(rows.values()) == 40
    listed = json.loads(promptlab("show", "--json", "--where", "gradable = 0").out)["results"]
    assert len(listed) == 20
    assert {row["found"] for row in listed} == {None}
    assert not any(row["gradable"] for row in listed)


@pytest.mark.slow
def test_answers_graded_before_are_known_once_they_are_graded_again(
    moods: Path, promptlab: Promptlab
) -> None:
    before = compared(promptlab)["causes"]
    with closing(sqlite3.connect(moods / "promptlab.db")) as database, database:
        database.execute("UPDATE scores SET gradable = NULL, found = NULL, expected = NULL")
    forgotten = compared(promptlab)
    assert forgotten["causes"]["form"] is None
    assert "difference-in-form" not in codes(forgotten)
    assert promptlab("score", "latest").code == 0
    assert compared(promptlab)["causes"] == before


def imported(promptlab: Promptlab, folder: Path, lines: list[str]) -> None:
    (folder / "o.csv").write_text("\n".join(["template,case,score,repeat", *lines]))
    ran = promptlab("import", "o.csv", "--suite", "o")
    assert ran.code == 0, ran.err


def test_an_import_that_lost_repeats_bears_no_verdict(project: Path, promptlab: Promptlab) -> None:
    lines = []
    for case in range(40):
        for repeat in range(4):
            score = int((case * 5 + repeat * 3) % 8 < 5)
            lines.append(f"a,c{case},{score},{repeat}")
            if score or repeat == 0 or (case + repeat) % 3:
                lines.append(f"b,c{case},{score},{repeat}")
    imported(promptlab, project, lines)
    row = compared(promptlab)
    assert row["verdict"] == "refused"
    assert "missing-repeats" in [reason["code"] for reason in row["reasons"]]


@pytest.mark.slow
def test_a_bound_that_too_few_trials_have_a_score_for_fails(
    moods: Path, promptlab: Promptlab
) -> None:
    scorer = "def sure(sample):\n    return Score(None, error='odd') if {} else True\n"
    text = "from promptlab import Score\n\n\n" + scorer.format("sample.case.id in ('c1', 'c2')")
    (moods / "mine.py").write_text(text)
    suite = moods / "suites/mood.yaml"
    suite.write_text(SUITE.partition("scorers")[0] + "scorers: ['mine:sure']\n")
    ran = promptlab("run", "mood", "--gate", "sure >= 0.9")
    assert ran.code == 1
    assert "3.3 % of the trials of mood@v1 on echo have no score" in ran.err
    (moods / "mine.py").write_text(text.replace("in ('c1', 'c2')", "== 'c1'"))
    assert promptlab("run", "mood", "--gate", "sure >= 0.9").code == 4

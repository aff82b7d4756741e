"""Flips by hunk: cases that flipped stand at the hunk that flipped them, in terminal and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, query
from .drawn import lay_out, suite, write

A = "Right on 20-29. Item {{ rank }}.\nOne.\nTwo.\n"
B = "Right on 20-29. Item {{ rank }}.\nRight on 0-9.\nOne.\nBe brief.\nTwo.\n"
RANK = {f"c{place:02}": place * 7 % 40 for place in range(40)}
TEN = {case for case, rank in RANK.items() if rank < 10}


@pytest.fixture
def planted(project: Path) -> Path:
    """Return a project in which hunk 1 wins ten cases, and hunk 2 changes nothing."""
    return lay_out(project, {"v1": A, "v2": B})


def ok(promptlab: Promptlab, *words: str) -> str:
    ran = promptlab(*words)
    assert ran.code == 0, ran.err
    return ran.out


def document(promptlab: Promptlab, first: str = "task@v1", second: str = "task@v2") -> Any:
    return json.loads(ok(promptlab, "diff", first, second, "--json"))


def split_and_run(promptlab: Promptlab, first: str = "task@v1", second: str = "task@v2") -> Any:
    made = json.loads(ok(promptlab, "template", "split", first, second, "--json"))
    ok(promptlab, *made["command"].split()[1:])
    return made


def test_ten_cases_stand_at_the_hunk_that_won_them(planted: Path, promptlab: Promptlab) -> None:
    split_and_run(promptlab)
    first, second = document(promptlab)["hunks"]
    assert ({*first["won"]}, first["lost"]) == (TEN, [])
    assert first["text"] == "+Right on 0-9."
    assert first["lines"] == [{"file": "templates/task/v2.j2", "key": None, "first": 2, "last": 2}]
    assert (second["won"], second["lost"], second["text"]) == ([], [], "+Be brief.")
    [one] = first["measured"]
    assert (one["a"], one["b"], one["cases"]) == ("task@v1", "task@v1-v2-h1", 40)
    [other] = second["measured"]
    assert (other["a"], other["b"]) == ("task@v1-v2-h1", "task@v2")
    shown = ok(promptlab, "diff", "task@v1", "v2", "--full")
    _, _, part = shown.partition("Flips by hunk")
    at_first, _, at_second = part.partition("Hunk 2")
    assert {word.strip(",\n") for word in at_first.split() if word.strip(",") in RANK} == TEN
    assert not [word for word in at_second.split() if word.strip(",") in RANK]
    assert "No case flipped of 40 cases" in at_second


@pytest.mark.slow
def test_hunks_that_changed_at_once_are_told_apart_by_one_command(
    planted: Path, promptlab: Promptlab
) -> None:
    ok(promptlab, "run", "task")
    found = document(promptlab)
    assert [hunk["measured"] for hunk in found["hunks"]] == [None, None]
    assert [hunk["won"] for hunk in found["hunks"]] == [[], []]
    assert found["separate"] == "promptlab template split task@v1 task@v2"
    assert "2 hunks changed at once" in found["hunk_notes"][0]
    shown = ok(promptlab, "diff", "task@v1", "v2")
    assert "2 hunks changed at once" in shown
    assert "To tell them apart: promptlab template split task@v1 task@v2" in shown
    ok(promptlab, *found["separate"].split()[1:])
    again = document(promptlab)["separate"]  # it is written: now it is to be run
    assert again == "promptlab run task -t task@v1 -t task@v1-v2-h1 -t task@v2"
    ok(promptlab, *again.split()[1:])
    assert document(promptlab)["separate"] is None
    assert {*document(promptlab)["hunks"][0]["won"]} == TEN


@pytest.mark.slow
def test_one_hunk_alone_has_every_flip(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": A, "v2": A.replace("20-29", "25-34")})
    ok(promptlab, "run", "task")
    found = document(promptlab)
    [hunk] = found["hunks"]
    assert hunk["won"] == found["measured"][0]["won"] != []
    assert hunk["lost"] == found["measured"][0]["lost"] != []
    assert (len(hunk["won"]), len(hunk["lost"]), found["separate"]) == (5, 5, None)
    assert "every flip is its own" in ok(promptlab, "diff", "task@v1", "v2")


def test_what_was_never_run_has_hunks_without_flips(planted: Path, promptlab: Promptlab) -> None:
    found = document(promptlab)
    assert [hunk["sentence"] for hunk in found["hunks"]] == ["Not measured.", "Not measured."]
    assert (found["hunk_notes"], found["separate"]) == ([], None)
    assert "Hunk" not in ok(promptlab, "diff", "task@v1", "v2")


@pytest.mark.slow
def test_a_version_of_the_way_tells_them_apart_also_where_it_is_a_text_of_the_past(
    planted: Path, promptlab: Promptlab
) -> None:
    write(planted, "templates/task/v1b.j2", "---\ndescription: Between.\n---\n" + B.replace(
        "Be brief.\n", ""
    ))  # fmt: skip
    ok(promptlab, "run", "task")
    write(planted, "templates/task/v1b.j2", "Something else on {{ rank }}.\n")
    first, second = document(promptlab)["hunks"]
    assert {*first["won"]} == TEN
    assert second["won"] == second["lost"] == []
    assert first["measured"][0]["b"].startswith("task@v1b [")


@pytest.mark.slow
def test_a_practice_that_was_switched_off_is_such_a_measurement(
    project: Path, promptlab: Promptlab
) -> None:
    block = '{% practice "clear" %}\nRight on 0-9.\n{% endpractice %}\n'
    changed = A.replace("One.\n", f"{block}One.\n").replace("Two.\n", "Be brief.\nTwo.\n")
    lay_out(project, {"v1": A, "v2": changed}, suite(more="design: ablation\n"))
    ok(promptlab, "run", "task")
    first, second = document(promptlab)["hunks"]
    assert ({*first["won"]}, first["lost"]) == (TEN, [])
    assert (first["measured"][0]["a"], first["measured"][0]["b"]) == ("task@v2 -clear", "task@v2")
    assert (second["won"], second["lost"]) == ([], [])
    assert (second["measured"][0]["a"], second["measured"][0]["b"]) == ("task@v1", "task@v2 -clear")


@pytest.mark.slow
def test_hunks_that_need_one_another_are_said_not_to_add_up(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(
        project,
        {
            "v1": "{% set a, b = 0, 0 %}\nItem {{ rank }}.\n{% set c = 1 %}\nOne.\n{# #}\n"
            "{% if a + b == 2 %}Right on 0-9.{% endif %}\n",
            "v2": "{% set a, b = 1, 0 %}\nItem {{ rank }}.\n{% set b = b + 1 %}\nOne.\n{# #}\n"
            "Be brief.\n{% if a + b == 2 %}Right on 0-9.{% endif %}\n",
        },
    )
    split_and_run(promptlab)
    found = document(promptlab)
    assert [(hunk["won"], hunk["lost"]) for hunk in found["hunks"]] == [([], [])] * 3
    assert {*found["measured"][0]["won"]} == TEN
    assert "do not add up" in found["hunk_notes"][-1]
    assert "10 cases" in found["hunk_notes"][-1]


@pytest.mark.slow
def test_sampling_is_a_hunk_and_a_comment_is_none_that_could_flip(
    project: Path, promptlab: Promptlab
) -> None:
    front = "---\ndescription: Longer.\nsampling: {max_tokens: 30}\n---\n"
    lay_out(project, {"v1": A, "v2": front + "{# a comment #}\n" + A + "Be brief.\n"})
    ok(promptlab, "run", "task")
    comment, line, key = document(promptlab)["hunks"]
    assert (comment["silent"], line["silent"], key["silent"]) == (True, False, False)
    assert key["lines"] == [
        {"file": None, "key": "sampling.max_tokens", "first": None, "last": None}
    ]
    assert key["text"] == "+sampling.max_tokens: 30"
    split_and_run(promptlab)
    assert all(hunk["measured"] for hunk in document(promptlab)["hunks"] if not hunk["silent"])


@pytest.mark.slow
def test_tags_that_need_each_other_are_one_hunk(project: Path, promptlab: Promptlab) -> None:
    opened = "{% user %}\nItem {{ rank }}.\nMiddle.\n"
    lay_out(
        project,
        {
            "v1": opened + "Last.\n{% enduser %}\n",
            "v2": opened.replace("Middle.", "{% if rank < 10 %}\nRight on 0-9.\n")
            + "Last.\n{% endif %}\nEnd.\n{% enduser %}\n",
            "v3": opened.replace("Middle.", "{% if rank < 10 %}\nMiddle.")
            + "Last.\n{% endif %}\n{% enduser %}\n",
        },
    )
    refused = promptlab("template", "split", "task@v1", "v3")
    assert (refused.code, "one hunk alone" in refused.err) == (2, True)
    ok(promptlab, "run", "task")
    [hunk] = document(promptlab, "task@v1", "task@v3")["hunks"]
    assert [each["first"] for each in hunk["lines"]] == [3, 6]


@pytest.mark.slow
def test_split_writes_what_is_never_the_newest(planted: Path, promptlab: Promptlab) -> None:
    write(planted, "templates/task/v3.j2", B + "Three.\n")
    made = json.loads(ok(promptlab, "template", "split", "task@v1", "v3", "--json"))
    assert [each["version"] for each in made["versions"]] == ["v1-v3-h1", "v1-v3-h2", "v1-v3-h3"]
    back = json.loads(ok(promptlab, "template", "split", "task@v3", "v1", "--json"))
    assert back["versions"][0]["version"] == "v1-from-v3-h1"
    listed = json.loads(ok(promptlab, "template", "list", "--json"))
    assert listed[-1]["version"] == "v3"
    of = {each["version"]: each for each in listed}
    assert of["v1-v3-h2"]["parent"] == "v1"
    assert of["v1-v3-h2"]["description"] == "v1 with hunk 2 of v3 alone."
    again = json.loads(ok(promptlab, "template", "split", "task@v1", "v3", "--json"))
    assert [each["created"] for each in again["versions"]] == [False] * 3
    text = (planted / "templates/task/v1-v3-h1.j2").read_text(encoding="utf-8")
    assert text.partition("---\n")[2].partition("---\n")[2] == A.replace(
        "One.", "Right on 0-9.\nOne."
    )


def test_split_refuses_what_is_no_pair(planted: Path, promptlab: Promptlab) -> None:
    write(planted, "templates/other/v1.j2", "Another {{ rank }}.\n")
    for words, told in (
        (("task@v1", "other@v1"), "not versions of one template"),
        (("task@v1", "task@v1"), "send the same"),
        (("task@v1", "task@v9"), "unknown version"),
    ):
        ran = promptlab("template", "split", *words)
        assert (ran.code, ran.out) == (2, "")
        assert told in ran.err, ran.err
    assert [path.name for path in sorted((planted / "templates/task").iterdir())] == [
        "v1.j2",
        "v2.j2",
    ]


@pytest.mark.slow
def test_flips_are_those_of_the_means_over_repeats(planted: Path, promptlab: Promptlab) -> None:
    write(planted, "suites/task.yaml", suite(20, more="repeats: 3\n"))
    split_and_run(promptlab)
    assert query(planted, "SELECT max(repeat) FROM results") == [(2,)]
    found = document(promptlab)
    assert {*found["hunks"][0]["won"]} == {*found["measured"][0]["won"]} != set()

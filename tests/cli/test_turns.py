"""Templates in which the model speaks more than once, from suite to screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Gold, Promptlab, edit, query

REFINED = """\
---
description: Drafts, criticises, revises.
parent: v2
practices: [refine]
sampling: {max_tokens: 12}
---
{% system %}You greet people.{% endsystem %}
{% user %}Greet {{ name }}.{% enduser %}
{% generate draft max_tokens=1 %}
{% practice "refine" %}
{% user %}Name one flaw of: {{ draft }}{% enduser %}
{% generate critique %}
{% user %}Greet {{ name }} anew, minding: {{ critique }}{% enduser %}
{% generate %}
{% endpractice %}
"""


@pytest.fixture
def refined(project: Path) -> Path:
    (project / "templates/greet/v3.j2").write_text(REFINED, encoding="utf-8")
    edit(project / "suites/greet.yaml", "greet@*", "greet@v3")
    return project


def test_a_refined_answer_reads_well(refined: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("run", "greet")
    assert (ran.code, ran.err) == (0, "")
    assert "3 trials in" in ran.out
    assert "9 model calls" in ran.out
    gold("turns.txt", "show --full", promptlab("show", "--full", "--case", "ada").out)


def test_the_last_answer_is_graded_unless_the_suite_says_otherwise(
    refined: Path, promptlab: Promptlab
) -> None:
    promptlab("run", "greet", "--case", "ada")
    edit(refined / "suites/greet.yaml", "cases:", "grade: draft\ncases:")
    assert "no model call was made" in promptlab("run", "greet", "--case", "ada").out
    outputs = query(refined, "SELECT DISTINCT output FROM results ORDER BY output")
    assert outputs == [
        ("Greet",),
        ("Greet Ada anew, minding: Name one flaw of: Greet",),
    ]


def test_every_answer_of_a_trial_is_in_its_json(refined: Path, promptlab: Promptlab) -> None:
    promptlab("run", "greet", "--case", "ada")
    row, *_ = json.loads(promptlab("show", "--json", "--full").out)["results"]
    reported = [(turn["answer"], turn["outcome"], turn["output_tokens"]) for turn in row["turns"]]
    assert reported == [("draft", "truncated", 1), ("critique", "ok", 5), ("answer", "ok", 9)]
    assert row["output_tokens"] == 15
    assert row["outcome"] == "ok"


def test_an_ablation_runs_with_and_without_the_rounds(refined: Path, promptlab: Promptlab) -> None:
    edit(refined / "suites/greet.yaml", "cases:", "design: ablation\ncases:")
    run = json.loads(promptlab("run", "greet", "--json").out)
    arms = {arm["arm"]: arm["outcomes"] for arm in run["arms"]}
    assert set(arms) == {"greet@v3 on echo", "greet@v3 -refine on echo"}
    assert arms["greet@v3 -refine on echo"]["truncated"] == 3
    assert run["calls"] == 9  # the drafts are the same, and asked once


def test_versions_of_equal_text_make_half_the_calls(project: Path, promptlab: Promptlab) -> None:
    (project / "templates/greet/v2.j2").write_text("Say hello to {{ name }}.", encoding="utf-8")
    run = json.loads(promptlab("run", "greet", "--json").out)
    assert (run["trials"], run["calls"]) == (6, 3)
    assert query(project, "SELECT count(*) FROM generations") == [(3,)]


def test_render_shows_what_is_still_to_come(refined: Path, promptlab: Promptlab) -> None:
    ran = promptlab("template", "render", "greet@v3", "-p", "name", "Zoe", "--json")
    calls = json.loads(ran.out)
    assert [call["answer"] for call in calls] == ["draft", "critique", "answer"]
    last = calls[2]["messages"][-1]["content"]
    assert last == "Greet Zoe anew, minding: (an answer not given yet)"

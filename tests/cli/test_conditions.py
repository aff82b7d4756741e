"""Composites, bounds and the answer that each scorer grades, from a suite to what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Promptlab, edit, query

REFINE = """\
{% user %}Write to {{ name }}.{% enduser %}{% generate draft %}
{% user %}Say it again, politely.{% enduser %}{% generate final %}
"""
SUITE = """\
templates: [refine]
backends: [echo]
cases: people.jsonl
scorers:
  - contains: {any: "{{ name }}", name: final_names, grade: final}
  - contains: {any: "{{ name }}", name: draft_names, grade: draft}
  - all_of:
      of:
        - contains: {any: politely, grade: final}
        - not: {contains: {any: politely, grade: draft}}
      name: improved
  - length: {at_most: 3, name: short}
  - length: {grade: answers, name: answers}
  - contains: {any: ["user: Write to", "assistant: Say it"], name: whole, grade: all}
"""


@pytest.fixture
def refined(project: Path) -> Path:
    (project / "templates/refine").mkdir()
    (project / "templates/refine/v1.j2").write_text(REFINE, encoding="utf-8")
    (project / "suites/refine.yaml").write_text(SUITE, encoding="utf-8")
    return project


def test_each_scorer_grades_the_answer_that_it_names(refined: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "refine").code == 0
    found = query(
        refined,
        "SELECT scorer, graded, output, score, passed FROM results WHERE case_id = 'ada'",
    )
    final, draft = "Say it again, politely.", "Write to Ada."
    assert found == [
        ("final_names", "final", final, 0.0, 0),
        ("draft_names", "draft", draft, 1.0, 1),
        ("improved", "final", final, 1.0, 1),
        ("short", "final", final, 4.0, 0),
        ("answers", "answers", final, 7.0, None),
        ("whole", "all", final, 1.0, 1),
    ]
    shown = promptlab("show", "--case", "ada", "--full").out
    assert "draft_names of draft" in shown


def test_graded_again_the_scores_are_of_the_same_answers(
    refined: Path, promptlab: Promptlab
) -> None:
    promptlab("run", "refine")
    columns = "SELECT scorer, case_id, graded, output, score, passed, reason FROM results"
    before = query(refined, columns)
    graded = json.loads(promptlab("score", "--json").out)
    assert [(each["changed"], each["failed"]) for each in graded["scorers"]] == [(0, 0)] * 6
    assert query(refined, columns) == before
    former = query(refined, "SELECT count(*) FROM former_scores WHERE answer = 'draft'")
    assert former == [(3,)]


def test_numbers_out_of_bounds_are_listed_as_failed(refined: Path, promptlab: Promptlab) -> None:
    promptlab("run", "refine")
    rows = json.loads(promptlab("show", "--failed", "--json").out)["results"]
    failed = [(row["scorer"], row["score"]) for row in rows if row["case_id"] == "ben"]
    assert failed == [("final_names", 0.0), ("short", 4.0)]
    [row, *_] = [row for row in rows if row["scorer"] == "short"]
    assert row["reason"] == "4 words, not at most 3"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("grade: draft}\n  - all_of", "grade: drat}\n  - all_of", "suites/refine.yaml:6: "
         "scorers.1.contains.grade: refine@v1 gives no answer named 'drat' (it gives: draft"),
        ("{any: politely, grade: draft}", "{any: politely, grad: draft}", "suites/refine.yaml:10: "
         "scorers.2.all_of.of.1.not.contains.grad: scorer 'contains': unknown parameter 'grad'"),
        ("at_most: 3", "at_most: three", "suites/refine.yaml:12: scorers.3.length.at_most: scorer"
         " 'short': at_most must be a number, not 'three'"),
    ],
)  # fmt: skip
def test_mistakes_are_told_where_they_are(
    refined: Path, promptlab: Promptlab, old: str, new: str, said: str
) -> None:
    edit(refined / "suites/refine.yaml", old, new)
    ran = promptlab("run", "refine", "--dry-run")
    assert (ran.code, ran.err.startswith(f"Error: {said}")) == (2, True), ran.err


def test_an_answer_of_a_reserved_name_is_ambiguous(refined: Path, promptlab: Promptlab) -> None:
    edit(refined / "templates/refine/v1.j2", "{% generate draft %}", "{% generate answers %}")
    suite = refined / "suites/refine.yaml"
    suite.write_text(suite.read_text().replace("grade: draft", "grade: final"), encoding="utf-8")
    ran = promptlab("run", "refine", "--dry-run")
    assert ran.code == 2
    assert "gives an answer named 'answers', and so 'answers' would mean two things" in ran.err


SOMETIMES = """\
{% user %}Write to {{ name }}.{% enduser %}{% generate draft %}
{% if name == "Ada" %}{% user %}Again.{% enduser %}{% generate final %}{% endif %}
"""


def test_an_answer_that_is_not_there_is_not_gradable(project: Path, promptlab: Promptlab) -> None:
    (project / "templates/refine").mkdir()
    (project / "templates/refine/v1.j2").write_text(SOMETIMES, encoding="utf-8")
    scorers = "\n  - ".join(
        ("contains: {any: Again, grade: final}", "not: {contains: {any: Again, grade: final}}")
    )
    suite = f"templates: [refine]\nbackends: [echo]\ncases: people.jsonl\nscorers:\n  - {scorers}\n"
    (project / "suites/refine.yaml").write_text(suite, encoding="utf-8")
    promptlab("run", "refine")
    rows = "SELECT case_id, scorer, graded, output, score, gradable, error FROM results LIMIT 4"
    missing = "the trial has no answer 'final'"
    assert query(project, rows) == [
        ("ada", "contains", "final", "Again.", 1.0, None, None),
        ("ada", "not", "final", "Again.", 0.0, None, None),
        ("ben", "contains", "final", None, None, 0, f"not gradable: {missing}"),
        (
            "ben",
            "not",
            "draft",
            "Write to Benjamin.",
            None,
            0,
            f"not gradable: contains: {missing}",
        ),
    ]
    assert promptlab("db", "verify").code == 0


JUDGE = """\
from promptlab import Ask, BackendName, Sample, scorer


def question(sample, *, judge):
    return [Ask(f"Is this polite? {sample.output}", backend=judge)]


@scorer(version="1", judge=True, asks=question)
def polite(sample: Sample, *, judge: BackendName = "echo") -> bool:
    [ask] = question(sample, judge=judge)
    return "politely" in sample.answer_to(ask).text
"""


@pytest.mark.slow
def test_questions_of_parts_are_planned_asked_and_stored(
    refined: Path, promptlab: Promptlab
) -> None:
    (refined / "judges.py").write_text(JUDGE, encoding="utf-8")
    edit(
        refined / "suites/refine.yaml",
        "scorers:\n",
        "scorers:\n  - all_of:\n      - judges:polite: {grade: final}\n"
        "      - not: {judges:polite: {grade: draft}}\n",
    )
    planned = json.loads(promptlab("run", "refine", "--dry-run", "--json").out)
    ran = json.loads(promptlab("run", "refine", "--json").out)
    # Of 3 cases 2 answers and 2 questions; all have the same last answer, which is judged once.
    assert (planned["calls"], ran["calls"]) == (12, 10)
    assert query(refined, "SELECT sum(passed) FROM results WHERE scorer = 'all_of'") == [(3,)]
    asked = query(refined, "SELECT DISTINCT name FROM trial_turns WHERE aside ORDER BY 1")
    assert asked == [("all_of: not: polite",), ("all_of: polite",)]
    assert query(refined, "SELECT judge FROM run_scorers WHERE label = 'all_of'") == [(1,)]
    assert promptlab("run", "refine", "--offline").code == 0
    assert json.loads(promptlab("score", "--json").out)["scorers"][0]["changed"] == 0
    limited = promptlab("run", "refine", "--fresh", "--max-calls", "7")
    assert limited.code != 0

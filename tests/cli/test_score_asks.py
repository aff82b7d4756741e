"""`score` with a scorer that asks a model: only what is not stored is asked, and nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Promptlab, edit, query

if TYPE_CHECKING:
    from tests.remote.fault_server import FaultServer

CONFIG = """\
[backends.judge]
kind = "openai"
model = "m"
base_url = "{url}"
price = {{input = 1.0, output = 2.0}}
"""
OTHERS = "  - contains: {any: ["
QUESTION = "Is this polite?"
POLITE = "SELECT case_id, score FROM results WHERE scorer = 'polite' ORDER BY run_id, arm, case_id"


@pytest.fixture
def judged(project: Path, fault_server: FaultServer, promptlab: Promptlab) -> Path:
    """Return a project with a run that a judge has graded, too: 6 trials, 6 calls to it."""
    (project / "promptlab.toml").write_text(CONFIG.format(url=fault_server.base_url))
    shutil.copy(Path(__file__).parent / "toy_judge.py", project)
    edit(project / "suites/greet.yaml", OTHERS, "  - toy_judge:polite\n" + OTHERS)
    fault_server.say = lambda call: call.prompt
    assert promptlab("run", "greet").code == 0
    assert fault_server.requests == 6
    return project


def reworded(root: Path, words: str = "Is this kind, Ada?") -> None:
    """Let the judge be asked in other words."""
    edit(root / "toy_judge.py", QUESTION, words)


def document(promptlab: Promptlab, *words: str, code: int = 0) -> Any:
    ran = promptlab("score", *words, "--json")
    assert ran.code == code, ran.err
    return json.loads(ran.out)


@pytest.mark.slow
def test_a_reworded_question_is_asked_and_stored(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    before = query(judged, POLITE)
    reworded(judged)
    done = document(promptlab)
    assert (done["calls"], fault_server.requests, done["unfinished"]) == (6, 12, [])
    graded = {each["scorer"]: (each["scores"], each["changed"]) for each in done["scorers"]}
    assert graded == {"polite": (6, 4), "contains": (6, 0), "length": (6, 0)}
    assert query(judged, POLITE) == [(case, 1) for case, _ in before]
    shown = promptlab("show", "--full", "--case", "ben", "-t", "greet@v1").out
    assert "Is this kind, Ada? Say hello to Benjamin." in shown
    kept = "SELECT score FROM former_scores s JOIN former_gradings g ON g.id = s.grading"
    assert len(query(judged, f"{kept} WHERE g.scorer = 0")) == 6
    assert promptlab("db", "verify").out == "The database is sound.\n"
    again = document(promptlab)
    assert (again["calls"], fault_server.requests) == (0, 12)
    assert [each["changed"] for each in again["scorers"]] == [0, 0, 0]
    assert promptlab("score", "--offline").code == 0


@pytest.mark.slow
def test_it_grades_as_a_run_of_the_suite_would(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    reworded(judged, "Eve?")
    assert promptlab("run", "greet", "--json").code == 0
    first = query(judged, "SELECT min(run_id) FROM results")[0][0]
    done = document(promptlab, first, "--offline")
    assert (done["calls"], fault_server.requests) == (0, 12)  # the other run has asked
    assert query(judged, POLITE)[:6] == query(judged, POLITE)[6:]


@pytest.mark.slow
def test_only_what_is_new_is_asked(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    edit(judged / "toy_judge.py", "range(votes)", "range(votes + 1)")
    assert document(promptlab, "--scorer", "polite")["calls"] == 6
    assert fault_server.requests == 12
    turns = "SELECT count(*) FROM trial_turns WHERE aside = 1 GROUP BY run, seq"
    assert query(judged, turns) == [(2,)] * 6


@pytest.mark.slow
def test_a_limit_keeps_the_scores_and_what_was_answered(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    before = query(judged, POLITE)
    reworded(judged)
    stopped = promptlab("score", "--max-calls", "4", "--json")
    done = json.loads(stopped.out)
    assert (stopped.code, done["calls"], done["unfinished"]) == (4, 4, ["polite"])
    assert [each["scorer"] for each in done["scorers"]] == ["contains", "length"]
    assert "stopped at --max-calls 4, after 4 calls: scores as before of polite" in stopped.err
    assert query(judged, POLITE) == before
    assert document(promptlab, "--max-calls", "4")["calls"] == 2
    assert fault_server.requests == 12
    [(calls, cost)] = query(judged, "SELECT spent_calls, spent_cost_usd FROM runs")
    assert calls == 6 + 6 + 6  # those of echo and the judge, and those of the grading
    assert cost > 0


def test_offline_asks_nothing_and_changes_nothing(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    reworded(judged)
    before = query(judged, "SELECT * FROM scores")
    refused = promptlab("score", "--offline")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "about 6 of the trials" in refused.err
    assert query(judged, "SELECT * FROM scores") == before
    assert fault_server.requests == 6
    assert promptlab("score", "--offline", "--scorer", "length").code == 0


@pytest.mark.slow
def test_a_question_that_had_no_answer_is_asked_again(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.fail("401")
    assert promptlab("run", "greet", "--fresh").code == 2
    unscored = "SELECT count(*) - count(score) FROM results WHERE scorer = 'polite'"
    assert query(judged, unscored) == [(6,)]
    fault_server.fail(None)
    done = document(promptlab, "--scorer", "polite")
    assert (done["calls"], done["scorers"][0]["changed"]) == (6, 6)
    assert query(judged, unscored) == [(0,)]
    assert query(judged, "SELECT count(*) FROM trial_turns WHERE generation IS NULL") == [(0,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"
    asked = fault_server.requests
    assert promptlab("resume").code == 0  # nothing is left to do
    assert fault_server.requests == asked


def test_a_judge_that_fails_leaves_the_scores_as_they_are(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    before = query(judged, "SELECT * FROM scores")
    reworded(judged)
    fault_server.fail("401")
    ran = promptlab("score")
    assert ran.code == 2
    assert "judge" in ran.err
    assert query(judged, "SELECT * FROM scores") == before


@pytest.mark.slow
def test_a_run_keeps_the_judge_that_it_began_with(judged: Path, promptlab: Promptlab) -> None:
    backends = "SELECT json_extract(identity, '$.backends') FROM run_scorers WHERE label = 'polite'"
    before = query(judged, backends)
    edit(judged / "promptlab.toml", 'model = "m"', 'model = "n"')
    reworded(judged)
    assert document(promptlab)["calls"] == 6
    assert query(judged, backends) == before


@pytest.mark.slow
def test_the_model_that_answered_is_not_needed(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    code = "from promptlab.backends.echo import Echo as Mine\n"
    (judged / "mine.py").write_text(code, encoding="utf-8")
    with (judged / "promptlab.toml").open("a", encoding="utf-8") as file:
        file.write('[backends.mine]\nkind = "mine:Mine"\n')
    assert promptlab("run", "greet", "-b", "mine").code == 0
    (judged / "mine.py").unlink()
    reworded(judged)
    assert document(promptlab, "--scorer", "polite")["calls"] == 6


@pytest.mark.slow
def test_a_part_of_a_composite_asks(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    edit(
        judged / "suites/greet.yaml",
        "  - toy_judge:polite\n",
        "  - not: {toy_judge:polite: {}}\n  - toy_judge:polite\n",
    )
    assert promptlab("run", "greet").code == 0
    reworded(judged)
    done = document(promptlab)
    assert done["calls"] == 6  # both ask the same
    assert [each["changed"] for each in done["scorers"]] == [4, 4, 0, 0]


OWN = """\
from promptlab import Ask, scorer

WORDS = "Are you sure?"

def question(sample):
    return [Ask(f"{WORDS} {sample.output}")]

@scorer(asks=question)
def sure(sample):
    [ask] = question(sample)
    return WORDS in sample.answer_to(ask).text
"""


def test_the_model_that_answered_can_be_asked(project: Path, promptlab: Promptlab) -> None:
    (project / "own.py").write_text(OWN, encoding="utf-8")
    edit(project / "suites/greet.yaml", OTHERS, "  - own:sure\n" + OTHERS)
    assert promptlab("run", "greet").code == 0
    edit(project / "own.py", "Are you sure?", "Are you quite sure?")
    done = document(promptlab)
    assert (done["calls"], done["scorers"][0]["failed"]) == (6, 0)
    assert document(promptlab)["calls"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_grading_that_is_broken_off_asks_nothing_twice(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer, number: signal.Signals
) -> None:
    cases = [{"id": f"c{number}", "name": f"Number {number}"} for number in range(60)]
    (judged / "suites/people.jsonl").write_text("\n".join(map(json.dumps, cases)))
    edit(judged / "promptlab.toml", "price", "concurrency = 4\nprice")
    assert promptlab("run", "greet").code == 0
    before = query(judged, "SELECT * FROM scores")
    reworded(judged)
    fault_server.latency_s = 0.1
    command = [sys.executable, "-m", "promptlab", "--project", str(judged), "score"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while len(query(judged, ANSWERED)) < 10:
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate()
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted: the scores are as before, what scorers were answered is stored" in told
    kept = {json.loads(text)[-1]["content"] for (text,) in query(judged, ANSWERED)}
    tries = {prompt: len(moments) for prompt, moments in fault_server.asked.items()}
    assert 10 <= len(kept) < 120
    assert query(judged, "SELECT * FROM scores") == before
    fault_server.latency_s = 0.0
    assert document(promptlab)["calls"] == 120 - len(kept)
    assert all(len(fault_server.asked[prompt]) == tries[prompt] for prompt in kept)
    assert query(judged, "SELECT count(*), count(DISTINCT key) FROM generations") == [(372, 372)]
    assert promptlab("db", "verify").out == "The database is sound.\n"


ANSWERED = (
    "SELECT p.text FROM generations g JOIN texts p ON p.id = g.prompt WHERE p.text LIKE '%kind%'"
)


def test_the_answer_that_the_run_has_graded_is_graded_again(
    project: Path, promptlab: Promptlab
) -> None:
    chain = (
        "{% user %}One {{ name }}{% enduser %}{% generate draft %}"
        "{% user %}Now something else{% enduser %}{% generate final %}"
    )
    (project / "templates/greet/v1.j2").write_text(chain, encoding="utf-8")
    (project / "templates/greet/v2.j2").write_text(f"{chain}\n", encoding="utf-8")
    suite = project / "suites/greet.yaml"
    text = suite.read_text(encoding="utf-8")
    suite.write_text(f"{text}  - regex: {{pattern: One}}\ngrade: draft\n", encoding="utf-8")
    assert promptlab("run", "greet").code == 0
    before = query(project, "SELECT scorer, case_id, score, reason FROM results")
    assert {score for scorer, _, score, _ in before if scorer == "regex"} == {1.0}
    done = document(promptlab)
    assert [(each["scores"], each["changed"]) for each in done["scorers"]] == [(6, 0)] * 3
    assert query(project, "SELECT scorer, case_id, score, reason FROM results") == before

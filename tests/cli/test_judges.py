"""The built-in judges in a suite: asked as any model, known by their prompt, never moved by it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Promptlab, edit, query

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call
    from tests.remote.fault_server import FaultServer

CONFIG = """\
[backends.judge]
kind = "openai"
model = "m"
base_url = "{url}"
price = {{input = 1.0, output = 2.0}}
concurrency = 4
"""
RUBRIC = '  - rubric: {criteria: "It says hello to {{ name }}.", judge: judge}\n'
SCORERS = "  - contains: {any: ["
CALLS = "SELECT count(*), count(DISTINCT key) FROM generations"


def by_the_rule(call: Call) -> str:
    """Reply as a judge by a rule does: 5 where the answer is short, else 2."""
    [*_, (_, text)] = re.findall(r"<text (\w+)>\n(.*?)\n</text \1>", call.prompt, re.DOTALL)
    score = 5 if len(text) < 20 else 2
    return f'{{"reason": "It has {len(text)} letters.", "score": {score}}}'


@pytest.fixture
def judged(project: Path, fault_server: FaultServer) -> Path:
    """Return a project whose suite is graded by a judge, too."""
    (project / "promptlab.toml").write_text(CONFIG.format(url=fault_server.base_url))
    edit(project / "suites/greet.yaml", SCORERS, RUBRIC + SCORERS)
    fault_server.say = by_the_rule
    return project


def test_a_rubric_is_asked_planned_limited_resumed_and_replayed(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    dry = json.loads(promptlab("run", "greet", "--dry-run", "--json").out)
    [asked] = dry["asked"]
    assert (dry["calls"], asked["backend"], asked["calls"]) == (12, "judge", 6)
    assert 0 < asked["cost_usd"][0] < asked["cost_usd"][1]
    assert fault_server.requests == 0
    assert promptlab("run", "greet", "--max-calls", "8").code == 4
    assert query(judged, CALLS) == [(8, 8)]
    assert promptlab("resume", "--max-calls", "12").code == 0
    assert query(judged, CALLS) == [(12, 12)]
    of_judge = "score, passed, reason FROM results WHERE scorer = 'rubric' AND case_id <> 'ben'"
    rows = f"SELECT case_id, version, {of_judge} ORDER BY case_id, version"
    assert query(judged, rows) == [
        ("ada", "v1", 1.0, None, "grade 5 (1 to 5): It has 17 letters."),
        ("ada", "v2", 0.25, None, "grade 2 (1 to 5): It has 29 letters."),
        ("eve", "v1", 1.0, None, "grade 5 (1 to 5): It has 17 letters."),
        ("eve", "v2", 0.25, None, "grade 2 (1 to 5): It has 29 letters."),
    ]
    assert (
        "rubric: 1, grade 5 (1 to 5): It has 17 letters." in promptlab("show", "--case", "ada").out
    )
    before = fault_server.requests
    offline = promptlab("run", "greet", "--offline", "--json")
    assert (offline.code, json.loads(offline.out)["calls"]) == (0, 0), offline.err
    scores = (
        "SELECT arm, case_id, scorer, score, reason FROM results WHERE run_id = ? ORDER BY 1, 2, 3"
    )
    runs = [run for (run,) in query(judged, "SELECT DISTINCT run_id FROM results ORDER BY 1")]
    first, second = (query(judged, scores.replace("?", f"'{run}'")) for run in runs)
    assert first == second
    again = json.loads(promptlab("score", "--json").out)["scorers"]
    assert [(one["changed"], one["failed"]) for one in again] == [(0, 0)] * 3
    assert fault_server.requests == before


def test_no_conclusion_is_drawn_from_a_judge_that_nobody_has_checked(
    judged: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "greet").code == 0
    [one] = json.loads(promptlab("compare", "--scorer", "rubric", "--json").out)["comparisons"]
    assert one["verdict"] == "refused"
    assert "judge-unchecked" in [reason["code"] for reason in one["reasons"]]


@pytest.mark.parametrize("reply", ["Splendid!", "", '{"score": 7}', "I cannot help with that."])
def test_a_reply_without_a_grade_is_an_unknown_score(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer, reply: str
) -> None:
    fault_server.say = lambda call: reply
    assert promptlab("run", "greet").code in (0, 4)
    rows = "SELECT DISTINCT score, passed, gradable FROM results WHERE scorer = 'rubric'"
    assert query(judged, rows) == [(None, None, 0)]


@pytest.mark.slow
def test_one_changed_character_of_its_prompt_makes_another_judge(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    own = judged / "templates/_judges/rubric/v1.j2"
    own.parent.mkdir(parents=True)
    own.write_text("Grade by {{ criteria }}: {{ output }} Reply with a score of 1 to 5.\n")
    assert promptlab("run", "greet", "-t", "greet@v1", "--max-calls", "4").code == 4
    edit(own, "Grade", "grade")
    refused = promptlab("resume")
    assert (refused.code, "scorer 'rubric' has changed since" in refused.err) == (2, True)
    edit(own, "grade", "Grade")
    assert promptlab("resume", "--max-calls", "99").code == 0
    edit(own, "Grade", "grade")
    asked = fault_server.requests
    assert promptlab("run", "greet", "-t", "greet@v2").code == 0
    assert fault_server.requests == asked + 3
    [one] = json.loads(promptlab("compare", "latest", "-2", "--scorer", "rubric", "--json").out)[
        "comparisons"
    ]
    assert one["verdict"] == "refused"
    assert "scorer" in " ".join(reason["code"] for reason in one["reasons"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("judge: judge}", "judge: jugde}", "rubric: unknown backend 'jugde'"),
        ("judge: judge}", "judge: judge, prompt: rubric@v7}", "prompt: scorer 'rubric', parameter"
         " 'prompt': unknown version 'v7' of rubric"),
        ("{{ name }}.", "{{ nmae }}.", "parameter 'criteria', case 'ada': 'nmae' is undefined"),
    ],
)  # fmt: skip
def test_mistakes_are_told_before_any_call(
    judged: Path,
    promptlab: Promptlab,
    fault_server: FaultServer,
    old: str,
    new: str,
    said: str,
) -> None:
    edit(judged / "suites/greet.yaml", old, new)
    ran = promptlab("run", "greet")
    assert (ran.code, ran.err.count("\n"), fault_server.requests) == (2, 1, 0)
    assert said in ran.err
    assert ran.err.startswith("Error: suites/greet.yaml:")


def test_a_mistake_in_the_prompt_is_told_before_any_call(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    own = judged / "templates/_judges/rubric/v1.j2"
    own.parent.mkdir(parents=True)
    own.write_text("Grade {{ output }}\n{{ outptu }}.\n")
    ran = promptlab("run", "greet")
    assert (ran.code, fault_server.requests) == (2, 0)
    assert "templates/_judges/rubric/v1.j2:2: 'outptu' is undefined" in ran.err
    own.write_text("Grade it from 1 to 5.\n")
    ran = promptlab("run", "greet")
    assert (ran.code, fault_server.requests) == (2, 0)
    assert "the prompt rubric@v1 does not show {{ output }}" in ran.err


@pytest.mark.slow
def test_only_what_changed_is_asked_where_outputs_are_graded_again(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    own = judged / "templates/_judges/rubric/v1.j2"
    text = promptlab("scorer", "show", "rubric", "--prompt").out
    own.parent.mkdir(parents=True)
    own.write_text(text)
    assert promptlab("run", "greet").code == 0
    before = query(judged, "SELECT scorer, case_id, version, score FROM results ORDER BY 1, 2, 3")
    assert json.loads(promptlab("score", "--json").out)["calls"] == 0
    edit(own, "Grade the answer", "Now grade the answer")
    again = json.loads(promptlab("score", "--json").out)
    assert (again["calls"], fault_server.requests) == (6, 12)
    assert [(one["changed"], one["failed"]) for one in again["scorers"]] == [(0, 0)] * 3
    after = query(judged, "SELECT scorer, case_id, version, score FROM results ORDER BY 1, 2, 3")
    assert after == before
    edit(own, "Now grade the answer", "Grade the answer")
    assert json.loads(promptlab("score", "--json").out)["calls"] == 0  # stored, as all answers


def test_a_judge_of_answers_of_its_own_model_is_noted(judged: Path, promptlab: Promptlab) -> None:
    dry = promptlab("run", "greet", "--dry-run")
    assert "prefer their own" not in dry.out + dry.err
    told = promptlab("run", "greet", "-b", "judge", "--dry-run")
    assert "scorer 'rubric' asks judge, whose model also gave answers" in " ".join(
        (told.out + told.err).split()
    )


@pytest.mark.slow
def test_votes_that_cannot_differ_are_noted(judged: Path, promptlab: Promptlab) -> None:
    reply = "reply = '{\"score\": 4}'"
    (judged / "promptlab.toml").write_text(f'[backends.judge]\nkind = "echo"\n{reply}\n')
    edit(judged / "suites/greet.yaml", "judge: judge}", "judge: judge, votes: 3}")
    said = " ".join(promptlab("run", "greet").err.split())
    assert "judge gives the same answer in each of the 3 votes of 'rubric'" in said
    edit(judged / "suites/greet.yaml", "votes: 3}", "votes: 3, temperature: 0.7}")
    assert "the same answer in each" not in " ".join(promptlab("run", "greet").err.split())


def test_the_prompt_of_a_judge_is_shown(judged: Path, promptlab: Promptlab) -> None:
    for name in ("decision", "pairwise", "rubric"):
        shown = promptlab("scorer", "show", name, "--prompt")
        assert shown.code == 0
        assert shown.out.startswith("---\ndescription: ")
        assert shown.out.endswith("{% enduser %}\n")
    refused = promptlab("scorer", "show", "label", "--prompt")
    assert (refused.code, refused.err) == (
        2,
        "Error: scorer 'label' has no prompt (only judges do)\n",
    )


PAIRS = '  - pairwise: {criteria: "It is short.", judge: judge, against: greet@v1}\n'


@pytest.mark.slow
@pytest.mark.parametrize("scorer", [RUBRIC, PAIRS], ids=["rubric", "pairwise"])
def test_a_killed_run_loses_nothing_and_asks_nothing_twice(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer, scorer: str
) -> None:
    edit(judged / "suites/greet.yaml", RUBRIC, scorer)
    fault_server.say = lambda call: '{"reason": "So.", "score": 4, "better": "A"}'
    cases = [{"id": f"c{number}", "name": f"Number {number}"} for number in range(60)]
    (judged / "suites/people.jsonl").write_text("\n".join(map(json.dumps, cases)))
    fault_server.latency_s = 0.1
    command = [sys.executable, "-m", "promptlab", "--project", str(judged), "run", "greet"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(_kept(judged)) < 10:
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = _kept(judged)
    tries = {prompt: len(moments) for prompt, moments in fault_server.asked.items()}
    assert 10 <= len(kept) < 120
    fault_server.latency_s = 0.0
    assert promptlab("resume").code == 0
    assert all(len(fault_server.asked[prompt]) == tries[prompt] for prompt in kept)
    assert query(judged, CALLS) == [(240, 240)]
    assert query(judged, "SELECT count(*) FROM results WHERE score IS NULL") == [(0,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"
    asked = fault_server.requests
    assert promptlab("run", "greet", "--offline").code == 0
    assert fault_server.requests == asked


def _kept(root: Path) -> set[str]:
    """Return the questions to the judge whose answers are stored."""
    made = "SELECT 1 FROM sqlite_master WHERE name = 'generations'"
    if not (root / "promptlab.db").exists() or not query(root, made):
        return set()
    texts = "SELECT p.text FROM generations g JOIN texts p ON p.id = g.prompt"
    prompts = {json.loads(text)[-1]["content"] for (text,) in query(root, texts)}
    return {prompt for prompt in prompts if "<text " in prompt}

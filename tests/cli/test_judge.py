"""A scorer that asks a second backend: its calls are calls like any, and its answers too."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

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
SCORERS = "  - contains: {any: ["
ASKED = "SELECT u.name, u.aside, b.name FROM trial_turns u LEFT JOIN backends b ON b.id = u.backend"


@pytest.fixture
def judged(project: Path, fault_server: FaultServer) -> Path:
    """Return a project whose suite is graded by a judge, too."""
    (project / "promptlab.toml").write_text(CONFIG.format(url=fault_server.base_url))
    shutil.copy(Path(__file__).parent / "toy_judge.py", project)
    edit(project / "suites/greet.yaml", SCORERS, "  - toy_judge:polite\n" + SCORERS)
    fault_server.say = lambda call: call.prompt
    return project


@pytest.mark.slow
def test_a_judge_grades_by_what_another_backend_answers(judged: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "greet", "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert (document["calls"], document["outcomes"]["ok"]) == (12, 6)
    assert set(document["backends"]) == {"echo", "judge"}
    rows = (
        "SELECT case_id, score, reason FROM results WHERE scorer = 'polite' ORDER BY arm, case_id"
    )
    assert query(judged, rows) == [
        *[("ada", 1, "1 of 1"), ("ben", 0, "0 of 1"), ("eve", 0, "0 of 1")] * 2
    ]
    turns = query(judged, f"{ASKED} WHERE u.seq = 0 ORDER BY u.turn")
    assert turns == [("answer", 0, None), ("polite: vote", 1, "judge")]
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_what_is_stored_is_not_asked_again(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    assert promptlab("run", "greet").code == 0
    asked = fault_server.requests
    again = promptlab("run", "greet", "--offline")
    assert (again.code, fault_server.requests) == (0, asked)
    assert "no model call was made: the store had every answer" in again.out
    edit(judged / "suites/greet.yaml", "toy_judge:polite", "toy_judge:polite: {votes: 3}")
    assert json.loads(promptlab("run", "greet", "--json").out)["calls"] == 12  # two votes more each
    assert fault_server.requests == 3 * asked


def test_versions_that_answer_alike_are_judged_once(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    shutil.copy(judged / "templates/greet/v1.j2", judged / "templates/greet/v2.j2")
    ran = promptlab("run", "greet", "-j", "64", "--json")
    assert (ran.code, json.loads(ran.out)["calls"], fault_server.requests) == (0, 6, 3)


@pytest.mark.slow
def test_a_dry_run_shows_what_the_judge_will_cost(judged: Path, promptlab: Promptlab) -> None:
    dry = json.loads(promptlab("run", "greet", "--dry-run", "--json").out)
    assert (dry["calls"], dry["stored"], [arm["calls"] for arm in dry["arms"]]) == (12, 0, [3, 3])
    [asked] = dry["asked"]
    assert (asked["backend"], asked["trials"], asked["calls"], asked["stored"]) == (
        "judge",
        6,
        6,
        0,
    )
    low, high = asked["cost_usd"]
    assert dry["cost_usd"] == [low, high]
    assert 0 < low < high
    # Each question may quote an answer of 256 tokens, and be answered by as many.
    assert high == pytest.approx(asked["input_tokens"][1] * 1e-6 + 6 * 256 * 2e-6)
    assert asked["input_tokens"][1] > 6 * 256
    text = promptlab("run", "greet", "--dry-run").out
    assert "scorers, asking judge" in text
    assert "12 model calls, 0 answered by the store." in text
    assert promptlab("run", "greet").code == 0
    [done] = json.loads(promptlab("run", "greet", "--dry-run", "--json").out)["asked"]
    assert (done["calls"], done["stored"], done["cost_usd"]) == (6, 6, None)


@pytest.mark.slow
def test_its_calls_count_against_the_limit(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    stopped = promptlab("run", "greet", "--max-calls", "8")
    assert (stopped.code, "stopped at --max-calls 8, after 8 calls" in stopped.err) == (4, True)
    assert query(judged, "SELECT count(*) FROM generations") == [(8,)]
    assert promptlab("resume", "--max-calls", "12").code == 0
    assert query(judged, "SELECT count(*), count(DISTINCT key) FROM generations") == [(12, 12)]
    paid = "SELECT spent_calls, spent_cost_usd > 0 FROM runs"
    assert query(judged, paid) == [(12, 1)]


def test_what_it_may_cost_is_limited_by_its_price(judged: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "greet", "--max-cost", "0.00001", "-j", "1").code == 4
    edit(judged / "promptlab.toml", "price", "#")
    refused = promptlab("run", "greet", "--max-cost", "1")
    assert (refused.code, "--max-cost needs the price of backend 'judge'" in refused.err) == (
        2,
        True,
    )


def test_offline_refuses_what_it_was_not_asked(judged: Path, promptlab: Promptlab) -> None:
    edit(judged / "suites/greet.yaml", "  - toy_judge:polite\n", "")
    assert promptlab("run", "greet").code == 0
    edit(judged / "suites/greet.yaml", SCORERS, "  - toy_judge:polite\n" + SCORERS)
    refused = promptlab("run", "greet", "--offline")
    assert (refused.code, refused.out) == (2, "")
    assert "6 of 12 answers are not stored, first that of greet@v1 on echo" in refused.err


def test_an_answer_of_the_judge_is_shown_with_what_it_was_asked(
    judged: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "greet", "-t", "greet@v1", "--case", "ada").code == 0
    shown = promptlab("show", "--full").out
    assert "polite: vote, asked of judge (ok)" in shown
    assert shown.count("Is this polite? Say hello to Ada.") == 2  # the question, and its echo
    [first, _, _] = json.loads(promptlab("show", "--full", "--json").out)["results"]
    assert [turn["backend"] for turn in first["turns"]] == [None, "judge"]


@pytest.mark.slow
def test_a_judge_that_is_gone_costs_its_scores_alone_until_it_is_back(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.fail("401")
    broken = promptlab("run", "greet")
    assert broken.code == 2
    scores = "SELECT scorer, count(*), count(score), max(error) FROM results GROUP BY scorer"
    rows = {scorer: rest for scorer, *rest in query(judged, scores)}
    assert rows["contains"] == [6, 6, None]
    assert rows["polite"][:2] == [6, 0]
    assert "the model was asked, but backend 'judge' has failed" in rows["polite"][2]
    assert query(judged, "SELECT DISTINCT outcome FROM trials") == [("ok",)]
    fault_server.fail(None)
    resumed = promptlab("resume", "--json")
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out)["calls"] == 6  # the judge's: all else is stored
    assert query(judged, "SELECT count(score) FROM results WHERE scorer = 'polite'") == [(6,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_an_edited_judge_grades_again_by_the_answers_that_are_stored(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    assert promptlab("run", "greet").code == 0
    asked = fault_server.requests
    edit(judged / "toy_judge.py", '"ada" in', '"eve" in')
    again = promptlab("score", "latest", "--scorer", "polite")
    assert (again.code, fault_server.requests) == (0, asked), again.err
    rows = "SELECT case_id, score FROM results WHERE scorer = 'polite' ORDER BY arm, case_id"
    assert query(judged, rows) == [("ada", 0), ("ben", 0), ("eve", 1)] * 2


@pytest.mark.slow
def test_runs_that_another_model_has_judged_are_not_compared(
    judged: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "greet", "-t", "greet@v1").code == 0
    edit(judged / "promptlab.toml", 'model = "m"', 'model = "n"')
    assert promptlab("run", "greet", "-t", "greet@v2").code == 0
    compared = promptlab("compare", "latest", "-2", "--json")
    [one] = json.loads(compared.out)["comparisons"]
    assert one["verdict"] == "refused"
    assert "scorer-asked-others" in [reason["code"] for reason in one["reasons"]]


def test_a_judge_may_be_a_backend_of_the_suite(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    ran = promptlab("run", "greet", "-b", "echo", "-b", "judge", "--json")
    assert (ran.code, json.loads(ran.out)["calls"]) == (0, 18)  # echo and judge answer alike
    assert fault_server.requests == 12
    dry = json.loads(promptlab("run", "greet", "-b", "judge", "--dry-run", "--json").out)
    assert (dry["asked"], [arm["calls"] for arm in dry["arms"]]) == ([], [6, 6])


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        ("toy_judge:polite: {judge: nobody}", "unknown backend 'nobody'"),
        ("toy_judge:polite: {judge: '{{ name }}'}", "cannot be filled in from the case"),
        ("toy_judge:polite: {judge: 5}", "parameter 'judge'"),
    ],
)
def test_a_judge_that_cannot_be_is_refused_before_any_call(
    judged: Path, promptlab: Promptlab, scorer: str, expected: str
) -> None:
    edit(judged / "suites/greet.yaml", "toy_judge:polite", scorer)
    refused = promptlab("run", "greet")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert expected in refused.err
    assert "suites/greet.yaml" in refused.err


@pytest.mark.slow
def test_a_run_that_may_stop_early_leaves_questions_out(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    cases = [{"id": f"c{number}", "name": f"Ada {number}"} for number in range(400)]
    (judged / "suites/people.jsonl").write_text("\n".join(map(json.dumps, cases)))
    (judged / "templates/greet/v2.j2").write_text("Say hello to Mr. {{ name[4:] }}.\n")
    ran = promptlab("run", "greet", "--until-decided", "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["status"] == "finished"
    assert 2 * document["outcomes"]["ok"] <= document["calls"] < 1600
    assert query(judged, "SELECT count(*) FROM results WHERE score IS NULL") == [(0,)]


@pytest.mark.slow
def test_a_killed_run_asks_the_judge_nothing_twice(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    cases = [{"id": f"c{number}", "name": f"Number {number}"} for number in range(60)]
    (judged / "suites/people.jsonl").write_text("\n".join(map(json.dumps, cases)))
    edit(judged / "promptlab.toml", "price", "concurrency = 4\nprice")
    fault_server.latency_s = 0.1
    command = [sys.executable, "-m", "promptlab", "--project", str(judged), "run", "greet"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while stored(judged) < 10:
        assert time.monotonic() < deadline, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {json.loads(text)[-1]["content"] for (text,) in query(judged, JUDGED)}
    tries = {prompt: len(moments) for prompt, moments in fault_server.asked.items()}
    assert 10 <= len(kept) < 120
    fault_server.latency_s = 0.0
    assert promptlab("resume").code == 0
    assert all(len(fault_server.asked[prompt]) == tries[prompt] for prompt in kept)
    assert query(judged, "SELECT count(*), count(DISTINCT key) FROM generations") == [(240, 240)]
    assert query(judged, "SELECT count(*) FROM results WHERE score IS NULL") == [(0,)]
    assert promptlab("db", "verify").out == "The database is sound.\n"


JUDGED = (
    "SELECT p.text FROM generations g JOIN texts p ON p.id = g.prompt WHERE p.text LIKE '%polite%'"
)


def stored(root: Path) -> int:
    """Return how many answers of the judge are stored."""
    made = "SELECT 1 FROM sqlite_master WHERE name = 'generations'"
    if not (root / "promptlab.db").exists() or not query(root, made):
        return 0
    return len(query(root, JUDGED))

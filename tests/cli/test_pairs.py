"""`pairwise` in a suite: against the answers of another version, to the same case and repeat."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Promptlab, edit, query

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call
    from tests.remote.fault_server import FaultServer

CONFIG = '[backends.judge]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
PAIRS = '  - pairwise: {criteria: "It is short.", judge: judge, against: greet@v1}\n'
SCORERS = "  - contains: {any: ["
SCORES = (
    "SELECT case_id, version, score FROM results WHERE scorer = 'pairwise' ORDER BY 1, 2, run_id"
)


def shorter(call: Call) -> str:
    """Prefer the shorter text, and the first where a name begins with B."""
    texts = [text for _, text in re.findall(r"<text (\w+)>\n(.*?)\n</text \1>", call.prompt, re.S)]
    first, second = map(len, texts[-2:])
    better = "A" if first < second or "Benjamin" in call.prompt else "B"
    return json.dumps({"reason": f"{first} against {second} letters.", "better": better})


@pytest.fixture
def judged(project: Path, fault_server: FaultServer) -> Path:
    (project / "promptlab.toml").write_text(CONFIG.format(url=fault_server.base_url))
    edit(project / "suites/greet.yaml", SCORERS, PAIRS + SCORERS)
    fault_server.say = shorter
    return project


def test_versions_are_judged_against_one_of_them(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    dry = json.loads(promptlab("run", "greet", "--dry-run", "--json").out)
    assert (dry["calls"], [asked["calls"] for asked in dry["asked"]]) == (6 + 6, [6])
    ran = promptlab("run", "greet", "--json")
    document = json.loads(ran.out)
    assert (ran.code, document["calls"], fault_server.requests) == (0, 12, 6), ran.err
    assert document["order_agreement"] == {"pairwise": {"pairs": 3, "agree": 2, "share": 2 / 3}}
    expected = [
        *[("ada", "v1", 0.5), ("ada", "v2", 0.0)],
        *[("ben", "v1", 0.5), ("ben", "v2", 0.5)],
        *[("eve", "v1", 0.5), ("eve", "v2", 0.0)],
    ]
    assert query(judged, SCORES) == expected
    shown = promptlab("show", "--case", "ben", "--full").out
    assert "tie with greet@v1, as the two orders disagree: " in shown
    assert "greet@v1: answer (ok)" in shown
    assert "pairwise: output second, asked of judge (ok)" in shown
    graded = json.loads(promptlab("score", "--json").out)["scorers"]
    assert [(one["changed"], one["failed"]) for one in graded] == [(0, 0)] * 3
    offline = promptlab("run", "greet", "--offline")
    assert (offline.code, fault_server.requests) == (0, 6), offline.err
    assert "pairwise: both orders of 3 pairs agree in 2 (67 %)." in offline.out
    assert query(judged, SCORES) == [row for row in expected for _ in range(2)]
    compared = promptlab("compare").out
    assert "v2: worse in both orders 2, orders disagree 1, of 3" in compared
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_a_run_that_was_cut_short_is_finished_with_the_answers_that_are_stored(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    assert promptlab("run", "greet", "--max-calls", "9").code == 4
    assert promptlab("resume", "--max-calls", "12").code == 0
    assert query(judged, "SELECT count(*), count(DISTINCT key) FROM generations") == [(12, 12)]
    assert len(query(judged, f"{SCORES} LIMIT 99")) == 6
    fresh = promptlab("run", "greet", "--fresh", "--json")
    assert (json.loads(fresh.out)["calls"], fault_server.requests) == (12, 12)


@pytest.mark.slow
def test_another_text_of_the_version_makes_another_judge(
    judged: Path, promptlab: Promptlab
) -> None:
    identities = "SELECT DISTINCT identity FROM run_scorers WHERE label = 'pairwise'"
    promptlab("run", "greet")
    promptlab("run", "greet", "-n", "2")
    assert len(query(judged, identities)) == 1
    edit(judged / "templates/greet/v1.j2", "hello", "good morning")
    promptlab("run", "greet")
    assert len(query(judged, identities)) == 2


@pytest.mark.parametrize(
    ("words", "name", "said"),
    [
        (["-t", "greet@v2"], "greet@v1", "unknown arm 'greet@v1' of this run"),
        ([], "greet@v3", "unknown arm 'greet@v3' of this run"),
        ([], "v1", "unknown arm 'v1' of this run"),
    ],
)
def test_a_version_that_the_run_lacks_is_refused(
    judged: Path, promptlab: Promptlab, words: list[str], name: str, said: str
) -> None:
    edit(judged / "suites/greet.yaml", "against: greet@v1", f"against: {name}")
    refused = promptlab("run", "greet", *words)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert refused.err.startswith("Error: suites/greet.yaml:6: scorers.0.pairwise.against: ")
    assert said in refused.err


@pytest.mark.slow
def test_it_may_decide_when_a_run_stops(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    cases = [{"id": f"c{number}", "name": f"Ada {number}"} for number in range(200)]
    (judged / "suites/people.jsonl").write_text("\n".join(map(json.dumps, cases)))
    ran = promptlab("run", "greet", "--until-decided", "--json")
    assert ran.code == 0, ran.err
    document = json.loads(ran.out)
    assert document["status"] == "finished"
    assert document["calls"] < 800
    assert query(judged, "SELECT count(*) FROM results WHERE score IS NULL") == [(0,)]


@pytest.mark.slow
def test_another_prompt_asks_anew_about_the_answers_that_are_stored(
    judged: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    own = judged / "templates/_judges/pairwise/v1.j2"
    own.parent.mkdir(parents=True)
    own.write_text(promptlab("scorer", "show", "pairwise", "--prompt").out)
    promptlab("run", "greet")
    before = query(judged, SCORES)
    edit(own, "Which answer", "So which answer")
    again = json.loads(promptlab("score", "--json").out)
    assert (again["calls"], fault_server.requests) == (6, 12)
    assert [(one["changed"], one["failed"]) for one in again["scorers"]] == [(0, 0)] * 3
    assert query(judged, SCORES) == before
    assert promptlab("db", "verify").out == "The database is sound.\n"

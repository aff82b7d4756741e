"""`promptlab run`: what they print, choose, store and return."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from promptlab.stats.intervals import t_interval, wilson

from .conftest import Gold, Promptlab, Ran, edit, query

BACKENDS = """\
[backends.moody]
kind = "echo"
fail = "Ben"

[backends.mute]
kind = "echo"
reply = ""

[backends.parrot]
kind = "echo"
reply = "Hello Ada"
"""
SHAKY = """\
asked = []

def shaky(sample):
    asked.append(sample.case.id)
    if sample.case.id == "ben" and asked.count("ben") == 1:
        raise ValueError("not this time")
    return sample.case.id == "ben"
"""
MEANS = """
SELECT arm, scorer, CASE scorer WHEN 'size' THEN avg(score) ELSE avg(ifnull(score, 0)) END,
    count(score)
FROM results WHERE run_id = ? GROUP BY 1, 2
"""


@pytest.fixture
def backends(project: Path) -> None:
    (project / "promptlab.toml").write_text(BACKENDS, encoding="utf-8")


def run_json(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    ran = promptlab("run", "greet", "--json", *words)
    assert ran.code in (0, 1, 4)
    document: dict[str, Any] = json.loads(ran.out)
    return document


def test_a_run_shows_its_arms(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("run", "greet")
    assert (ran.code, ran.err) == (0, "")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("run.txt", "a run", ran.out)


@pytest.mark.usefixtures("backends")
def test_every_outcome_fits_80_columns(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    edit(project / "suites/greet.yaml", "cases:", "sampling: {max_tokens: 3}\ncases:")
    ran = promptlab("run", "greet", "-b", "moody", "-b", "mute", "-b", "parrot")
    assert ran.code == 4
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("run.txt", "every outcome, three backends", ran.out)


def test_the_json_of_a_run(project: Path, promptlab: Promptlab) -> None:
    run = run_json(promptlab)
    assert set(run) == {
        "run", "suite", "status", "created_at", "split", "trials", "calls", "cost_usd",
        "unpriced_answers", "outcomes", "primary", "arms", "backends", "gates_failed", "gates",
        "throughput",
    }  # fmt: skip
    assert (run["suite"], run["status"], run["primary"]) == ("greet", "finished", "contains")
    assert (run["trials"], run["calls"], run["gates_failed"]) == (6, 6, [])
    assert (run["cost_usd"], run["unpriced_answers"]) == (0.0, 0)  # nobody charges for it
    assert run["outcomes"] == {"ok": 6, "truncated": 0, "refused": 0, "empty": 0, "error": 0}
    first, second = run["arms"]
    assert first["arm"] == "greet@v1 on echo"
    assert second["practices"] == ["clear"]
    words = len(["Say", "hello", "to", "Ada", "in", "one", "word."])
    assert second["output_tokens"] == {"total": 3 * words, "mean": words, "known": 3}
    assert set(second) == {
        "arm", "template", "version", "practices", "off", "backend", "trials", "cached",
        "outcomes", "input_tokens", "output_tokens", "latency_s", "cost_usd", "scores",
    }  # fmt: skip
    unknown = {"total": None, "mean": None, "known": 0}  # not free
    assert second["cost_usd"] == unknown
    assert second["scores"][0] == {
        "scorer": "contains",
        "n": 3,
        "trials": 3,
        "n_groups": 3,
        "reduce": "mean",
        "mean": 1.0,
        "ci": list(wilson(3, 3) or ()),
        "failed": 0,
        "unscored": 0,
        "unscored_count_as": 0,
    }


@pytest.mark.usefixtures("backends")
def test_the_json_shows_the_numbers_of_the_view_results(
    project: Path, promptlab: Promptlab
) -> None:
    checks = "def size(sample):\n    return float(len(sample.output))\n"
    (project / "checks_of_size.py").write_text(checks, encoding="utf-8")
    edit(project / "suites/greet.yaml", "scorers:\n", "scorers:\n  - checks_of_size:size\n")
    run = run_json(promptlab, "-b", "moody", "-b", "parrot", "-b", "echo")
    reported = {
        (arm["arm"], score["scorer"]): (pytest.approx(score["mean"]), score["trials"])
        for arm in run["arms"]
        for score in arm["scores"]
    }
    stored = {
        (arm, scorer): (mean, n) for arm, scorer, mean, n in query(project, MEANS, run["run"])
    }
    assert len(stored) == 6 * 3
    assert reported == stored


def test_with_repeats_the_documented_query_shows_what_the_json_does(
    project: Path, promptlab: Promptlab
) -> None:
    (project / "checks_that_shake.py").write_text(SHAKY, encoding="utf-8")
    edit(project / "suites/greet.yaml", "scorers:\n", "scorers:\n  - checks_that_shake:shaky\n")
    run = run_json(promptlab, "--repeats", "3", "-t", "greet@v1")
    guide = (Path(__file__).parents[2] / "docs/store.md").read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", guide, re.DOTALL)
    [sql] = [text for text in queries if "from (" in text]
    rows = query(project, sql.replace("'...'", "?"), run["run"])
    [arm] = run["arms"]
    reported = {score["scorer"]: (score["mean"], score["n"]) for score in arm["scores"]}
    assert {scorer: (mean, n) for _, scorer, mean, n in rows} == reported
    assert reported["shaky"] == (pytest.approx(2 / 9), 3)  # one of Ben's three was not graded


def test_a_number_has_students_interval(project: Path, promptlab: Promptlab) -> None:
    checks = "def letters(sample):\n    return len(sample.case.vars['name'])\n"
    (project / "checks_of_letters.py").write_text(checks, encoding="utf-8")
    edit(project / "suites/greet.yaml", "scorers:\n", "scorers:\n  - checks_of_letters:letters\n")
    score = run_json(promptlab)["arms"][0]["scores"][0]
    assert (score["scorer"], score["mean"]) == ("letters", pytest.approx(14 / 3))
    variance = ((3 - 14 / 3) ** 2 * 2 + (8 - 14 / 3) ** 2) / 2
    assert score["ci"] == pytest.approx(t_interval(14 / 3, variance, 3))


def test_a_second_run_makes_no_call(ran_project: Path, promptlab: Promptlab) -> None:
    again = promptlab("run", "greet")
    assert again.code == 0
    assert "6 trials" in again.out
    assert "no model call was made: the store had every answer" in again.out
    assert query(ran_project, "SELECT count(*) FROM generations") == [(6,)]
    assert query(ran_project, "SELECT cached, count(*) FROM trials GROUP BY 1") == [(0, 6), (1, 6)]


def test_fresh_ignores_stored_answers(ran_project: Path, promptlab: Promptlab) -> None:
    assert run_json(promptlab, "--fresh")["calls"] == 6
    assert query(ran_project, "SELECT count(*) FROM generations") == [(12,)]


def test_offline_answers_from_the_store(ran_project: Path, promptlab: Promptlab) -> None:
    assert run_json(promptlab, "--offline")["calls"] == 0
    missing = promptlab("run", "greet", "--offline", "--repeats", "2")
    assert missing.code == 2
    assert "6 of 12 answers are not stored" in missing.err
    assert query(ran_project, "SELECT count(*) FROM runs") == [(2,)]


def test_offline_knows_that_an_empty_answer_ends_its_trial(
    project: Path, promptlab: Promptlab
) -> None:
    draft = (
        "{% user %}Draft for {{ name }}{% enduser %}{% generate draft %}{% user %}Mend {{ draft }}"
    )
    (project / "templates/greet/v3.j2").write_text(draft + "{% enduser %}", encoding="utf-8")
    (project / "promptlab.toml").write_text(BACKENDS, encoding="utf-8")
    words = ("-b", "mute", "-t", "greet@v3")
    assert run_json(promptlab, *words)["outcomes"]["empty"] == 3
    assert run_json(promptlab, *words, "--offline")["calls"] == 0


def test_a_dry_run_makes_no_call_and_no_run(
    ran_project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    dry = promptlab("run", "greet", "--dry-run", "--repeats", "2", "-b", "echo", "-b", "echo:big")
    assert dry.code == 0
    notes = dry.err.splitlines()
    assert [note.split()[:2] for note in notes] == [["Note:", "echo"], ["Note:", "echo:big"]]
    assert all("the same answer in each of the 2 repeats" in note for note in notes)
    gold("run.txt", "a dry run", dry.out)
    assert query(ran_project, "SELECT count(*) FROM runs") == [(1,)]
    assert query(ran_project, "SELECT count(*) FROM generations") == [(6,)]


def test_the_json_of_a_dry_run(ran_project: Path, promptlab: Promptlab) -> None:
    dry = promptlab("run", "greet", "--dry-run", "--json", "-n", "2", "--repeats", "2")
    assert json.loads(dry.out) == {
        "suite": "greet",
        "cases": 2,
        "repeats": 2,
        "trials": 8,
        "calls": 8,
        "stored": 4,
        "cost_usd": None,
        "unpriced_backends": [],
        "not_honoured": {},
        "arms": [
            {"arm": "greet@v1 on echo", "trials": 4, "calls": 4, "stored": 2,
             "prompt_tokens": 8, "exact": True, "input_tokens": [8, 8],
             "output_tokens": [2, 512], "cost_usd": None},
            {"arm": "greet@v2 on echo", "trials": 4, "calls": 4, "stored": 2,
             "prompt_tokens": 20, "exact": True, "input_tokens": [20, 20],
             "output_tokens": [2, 512], "cost_usd": None},
        ],
        "asked": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "arms", "cases"),
    [
        (["-n", "2"], ["greet@v1 on echo", "greet@v2 on echo"], ["ada", "eve"]),
        (["--case", "eve", "--case", "ada"], ["greet@v1 on echo", "greet@v2 on echo"],
         ["ada", "eve"]),
        (["--tag", "short"], ["greet@v1 on echo", "greet@v2 on echo"], ["ada", "eve"]),
        (["-t", "greet@v2"], ["greet@v2 on echo"], ["ada", "ben", "eve"]),
        (["-t", "greet", "-t", "greet@v1"], ["greet@v1 on echo", "greet@v2 on echo"],
         ["ada", "ben", "eve"]),
        (["-t", "greet@v1", "-b", "echo:a", "-b", "echo:b"],
         ["greet@v1 on echo:a", "greet@v1 on echo:b"], ["ada", "ben", "eve"]),
    ],
)  # fmt: skip
def test_options_choose(
    project: Path, promptlab: Promptlab, words: list[str], arms: list[str], cases: list[str]
) -> None:
    run = run_json(promptlab, *words)
    assert sorted(arm["arm"] for arm in run["arms"]) == arms
    stored = query(project, "SELECT DISTINCT case_id FROM results ORDER BY 1")
    assert [case for (case,) in stored] == cases


@pytest.mark.slow
def test_a_split_takes_its_side_of_the_holdout(project: Path, promptlab: Promptlab) -> None:
    cases = "".join(f'{{"id": {number}, "name": "Ann"}}\n' for number in range(20))
    (project / "suites/people.jsonl").write_text(cases, encoding="utf-8")
    edit(project / "suites/greet.yaml", "cases:", "holdout: 0.5\ncases:")
    sides = {}
    for split in ("dev", "holdout", "all"):
        run = run_json(promptlab, "--split", split)["run"]
        rows = query(project, "SELECT DISTINCT case_id FROM results WHERE run_id = ?", run)
        sides[split] = {case for (case,) in rows}
    assert sides["dev"]
    assert sides["holdout"]
    assert not sides["dev"] & sides["holdout"]
    assert sides["dev"] | sides["holdout"] == sides["all"]
    assert len(sides["all"]) == 20
    assert run_json(promptlab)["trials"] == 2 * len(sides["dev"])


def test_repeats_are_trials_of_their_own(project: Path, promptlab: Promptlab) -> None:
    run = run_json(promptlab, "--repeats", "3", "-t", "greet@v1")
    assert (run["trials"], run["calls"]) == (9, 9)
    score = run["arms"][0]["scores"][0]
    assert (score["n"], score["trials"]) == (3, 9)
    repeats = query(project, "SELECT DISTINCT repeat FROM results ORDER BY 1")
    assert repeats == [(0,), (1,), (2,)]


def test_a_parameter_is_a_variable_of_every_case(project: Path, promptlab: Promptlab) -> None:
    run_json(promptlab, "-p", "name", "Zoe", "-t", "greet@v1")
    assert query(project, "SELECT DISTINCT output FROM results") == [("Say hello to Zoe.",)]


def test_a_seed_is_kept_with_the_run(project: Path, promptlab: Promptlab) -> None:
    run_json(promptlab, "--seed", "7", "-n", "1")
    [(settings, overrides)] = query(project, "SELECT settings, overrides FROM runs")
    assert json.loads(settings)["seed"] == 7
    assert json.loads(overrides) == {"seed": 7, "limit": 1}


@pytest.mark.slow
def test_a_gate_that_fails_ends_with_1(project: Path, promptlab: Promptlab) -> None:
    edit(project / "suites/greet.yaml", "cases:", 'gates: ["contains >= 0.9"]\ncases:')
    assert promptlab("run", "greet").code == 0
    ran = promptlab("run", "greet", "--gate", "length < 0.5")
    assert ran.code == 1
    assert "Outcomes" in ran.out
    assert ran.err.splitlines() == [
        "gate holds: contains >= 0.9",
        "gate failed: length < 0.5: greet@v1 on echo has 1",
    ]
    failed = run_json(promptlab, "--gate", "length < 0.5")["gates_failed"]
    assert failed == ["length < 0.5: greet@v1 on echo has 1"]


def test_an_edit_is_noticed(ran_project: Path, promptlab: Promptlab) -> None:
    was = promptlab("template", "show", "greet@v1").out.split()[1][:11]
    edit(ran_project / "templates/greet/v1.j2", "Say", "Please say")
    ran = promptlab("run", "greet")
    assert ran.code == 0
    assert ran.err == (
        "Note: greet@v1 was edited since it was run; earlier results stay with the earlier text"
        f" (keep both: promptlab template new --from {was} greet)\n"
    )
    assert "3 model calls, 3 answers reused" in ran.out
    assert promptlab("run", "greet").err == ""


def test_a_mistake_makes_no_run(project: Path, promptlab: Promptlab) -> None:
    edit(project / "templates/greet/v2.j2", "{{ name }}", "{{ nme }}")
    ran: Ran = promptlab("run", "greet")
    assert ran.code == 2
    assert query(project, "SELECT count(*) FROM runs") == [(0,)]
    assert query(project, "SELECT count(*) FROM generations") == [(0,)]

"""Runs and plans: what goes in comes out, and every reference means one run or a clear error."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptlab.core.digest import digest_json
from promptlab.core.errors import StoreError
from promptlab.core.runs import BackendFacts, RunSettings
from promptlab.core.types import (
    BackendSpec,
    Case,
    Json,
    Outcome,
    Plan,
    Sampling,
    Sequential,
    TrialResult,
)
from promptlab.store import Store

MakePlan = Callable[..., Plan]
MakeResult = Callable[..., TrialResult]

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6
)


def begin(store: Store, plan: Plan, *run_ids: str) -> None:
    for run_id in run_ids:
        store.begin_run(run_id, plan)


def have_results(store: Store, make_result: MakeResult, *run_ids: str) -> None:
    for run_id in run_ids:
        with store.writer(run_id) as writer:
            writer.put_result(make_result(store.load_plan(run_id), 0))


def test_a_plan_comes_back_equal(store: Store, make_plan: MakePlan) -> None:
    plan = make_plan(cases=5, repeats=2, scorers=("a", "b"), group="doc")
    store.begin_run("r1", plan)
    assert store.load_plan("r1") == plan


@pytest.mark.slow
@settings(max_examples=40)
@given(
    variables=st.dictionaries(st.text(), values, max_size=3),
    expect=values,
    tags=st.lists(st.text(), max_size=2),
    group=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_json_in_a_case_comes_back_equal(
    store: Store,
    make_plan: MakePlan,
    variables: dict[str, Json],
    expect: Json,
    tags: list[str],
    group: str | None,
) -> None:
    content: Json = {
        "id": "x", "vars": variables, "expect": expect, "tags": [*tags], "group": group
    }  # fmt: skip
    case = Case("x", variables, expect, tuple(tags), group, digest_json(content))
    plan = replace(make_plan(), cases=(case,), split="dev", gates=("x > 0",))
    run_id = f"r{len(store.runs())}"
    store.begin_run(run_id, plan)
    loaded = store.load_plan(run_id)
    assert loaded == plan
    assert json.dumps(loaded.cases[0].vars) == json.dumps(variables)  # the order of keys too
    assert store.verify() == []


def test_a_lone_surrogate_in_a_case_comes_back(store: Store, make_plan: MakePlan) -> None:
    variables: dict[str, Json] = {"review": "cut \ud83d short"}
    content: Json = {"id": "x", "vars": variables, "expect": None, "tags": [], "group": None}
    plan = replace(make_plan(), cases=(Case("x", variables, None, (), None, digest_json(content)),))
    store.begin_run("r1", plan)
    assert store.load_plan("r1") == plan
    assert store.verify() == []


def test_content_is_stored_once(store: Store, make_plan: MakePlan) -> None:
    begin(store, make_plan(cases=4), "r1", "r2", "r3")
    rows = store.stats().rows
    assert (rows["runs"], rows["cases"], rows["templates"], rows["backends"]) == (3, 4, 2, 1)


def test_one_name_with_other_options_is_another_backend(store: Store, make_plan: MakePlan) -> None:
    plan = make_plan()
    slower = replace(plan, backends=(replace(plan.backends[0], options={"pace": 9}),))
    store.begin_run("r1", plan)
    store.begin_run("r2", slower)
    assert store.load_plan("r1").backends[0].options == {"pace": 1}
    assert store.load_plan("r2") == slower


def test_arms_on_several_backends_keep_their_own(store: Store, make_plan: MakePlan) -> None:
    plan = make_plan(versions=("v1",))
    other = BackendSpec("big", "echo", None, {}, {"kind": "echo"}, digest_json({"kind": "echo"}))
    arm = plan.arms[0]
    plan = replace(
        plan,
        backends=(*plan.backends, other),
        arms=(
            replace(arm, sampling=Sampling()),
            replace(arm, backend="big", sampling=Sampling(temperature=0.7, top_p=0.9)),
        ),
    )
    store.begin_run("r1", plan)
    assert store.load_plan("r1") == plan


def test_a_run_that_cannot_begin_leaves_nothing(store: Store, make_plan: MakePlan) -> None:
    begin(store, make_plan(), "r1")
    with pytest.raises(sqlite3.IntegrityError):
        store.begin_run("r1", make_plan(cases=9))
    assert store.stats().rows["cases"] == 3


def test_a_run_reports_what_is_known_of_it(store: Store, make_plan: MakePlan) -> None:
    store.begin_run("r1", make_plan(), fresh=True, settings=RunSettings(limit=3))
    going = store.run("r1")
    assert (going.status, going.fresh, going.settings) == ("running", True, RunSettings(limit=3))
    assert (going.trials, going.stored, going.finished_at) == (6, 0, None)
    assert going.created_at == "2026-01-01T00:00:01.000+00:00"

    store.keep_facts("r1", "small", BackendFacts({"device": "cpu"}))
    store.end_run("r1", "finished")
    ended = store.run("r1")
    known = BackendFacts({"kind": "echo", "model": "tiny"})
    assert going.facts == {"small": known}  # from the beginning: the process may be killed
    more = BackendFacts({**known.details, "device": "cpu"})
    assert (ended.status, ended.facts) == ("finished", {"small": more})
    assert ended.finished_at == "2026-01-01T00:00:02.000+00:00"


def test_runs_come_newest_first_with_outcomes(
    store: Store,
    make_plan: MakePlan,
    make_result: Callable[..., TrialResult],
    make_turn: Callable[..., object],
) -> None:
    plan = make_plan()
    begin(store, plan, "r1", "r2", "r3")
    with store.writer("r2") as writer:
        writer.put_result(make_result(plan, 0))
        writer.put_result(make_result(plan, 1, make_turn("x", error="timeout")))
    assert [run.run_id for run in store.runs()] == ["r3", "r2", "r1"]
    assert [run.run_id for run in store.runs(limit=1)] == ["r3"]
    outcomes = store.run("r2").outcomes
    assert outcomes == {**dict.fromkeys(Outcome, 0), Outcome.OK: 1, Outcome.ERROR: 1}
    assert store.finished("r2") == {0}


def test_a_running_run_whose_process_is_gone_was_interrupted(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    begin(store, make_plan(), "alive", "dead", "elsewhere", "stopped", "done")
    store.end_run("stopped", "interrupted")
    store.end_run("done", "finished")
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE runs SET pid = ? WHERE run_id = 'dead'", [child])
        raw.execute(
            "UPDATE runs SET host = 'another machine', place = NULL, heartbeat = NULL"
            " WHERE run_id = 'elsewhere'"
        )
    raw.close()
    assert [run.run_id for run in store.unfinished()] == ["stopped", "elsewhere", "dead"]
    assert store.run("alive").status == "running"

    store.resume_run("dead")
    assert store.run("dead").status == "running"


def test_a_process_of_somebody_else_is_alive(store: Store, path: Path, make_plan: MakePlan) -> None:
    begin(store, make_plan(), "r1")
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE runs SET pid = 1, process_started = NULL")  # always there
    raw.close()
    user, effective, saved = os.getresuid()
    if user == 0:
        os.setresuid(65534, 65534, 0)  # root may signal any process
    try:
        assert store.run("r1").status == "running"
    finally:
        os.setresuid(user, effective, saved)


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("latest", "b-2"),
        ("-1", "b-2"),
        ("-2", "b-1"),
        ("-3", "a-1"),
        ("a", "a-1"),
        ("b-1", "b-1"),
        ("b-", None),
    ],
)
def test_a_reference_means_one_run(
    store: Store, make_plan: MakePlan, make_result: MakeResult, ref: str, expected: str | None
) -> None:
    begin(store, make_plan(), "a-1", "b-1", "b-2")
    have_results(store, make_result, "a-1", "b-1", "b-2")
    if expected is None:
        with pytest.raises(StoreError, match=r"2 runs begin with 'b-' .*b-2, b-1"):
            store.find_run(ref)
    else:
        assert store.find_run(ref) == expected


def test_an_exact_id_wins_over_a_prefix(store: Store, make_plan: MakePlan) -> None:
    begin(store, make_plan(), "a", "ab")
    assert store.find_run("a") == "a"


def test_many_candidates_are_not_all_listed(store: Store, make_plan: MakePlan) -> None:
    begin(store, make_plan(), *(f"r{number}" for number in range(7)))
    with pytest.raises(StoreError, match=r"7 runs begin with 'r'.*r6, r5, r4, r3, r2, \.\.\.\)"):
        store.find_run("r")


def test_a_run_without_a_result_is_not_counted(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    begin(store, make_plan(), "r1", "r2", "r3", "r4")
    with pytest.raises(StoreError, match="no run has a result yet"):
        store.find_run()
    have_results(store, make_result, "r1", "r3")
    assert [store.find_run(ref) for ref in ("latest", "-1", "-2")] == ["r3", "r3", "r1"]
    assert store.find_run("r4") == "r4"  # by its name it is found
    assert [run.run_id for run in store.runs()] == ["r4", "r3", "r2", "r1"]


def test_a_suite_means_its_newest_complete_run(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    plan = make_plan()

    def add(run_id: str, given: RunSettings, status: str | None) -> str:
        store.begin_run(run_id, plan, settings=given)
        have_results(store, make_result, run_id)
        if status is not None:
            store.end_run(run_id, "finished" if status == "finished" else "interrupted")
        return store.find_run("sentiment")

    with pytest.raises(StoreError, match="unknown run 'sentiment'"):
        store.find_run("sentiment")
    whole = RunSettings(label="all of it")
    assert add("r1", whole, "interrupted") == "r1"  # there is no other
    assert add("r2", RunSettings(limit=2), "finished") == "r2"
    assert add("r3", whole, "finished") == "r3"
    assert add("r4", RunSettings(limit=2), "finished") == "r3"
    assert add("r5", RunSettings(templates=("sentiment@v2",)), "finished") == "r3"
    assert add("r6", whole, None) == "r3"
    assert add("r7", whole, "finished") == "r7"
    assert store.find_run() == "r7"
    store.begin_run("sentiment-1", plan)  # the beginning of an id comes first
    assert store.find_run("sentiment") == "sentiment-1"
    assert store.run("r3").label == "all of it"


def test_references_to_nothing_say_so(
    store: Store, make_plan: MakePlan, make_result: MakeResult
) -> None:
    with pytest.raises(StoreError, match="there is no run yet"):
        store.find_run()
    begin(store, make_plan(), "r1")
    have_results(store, make_result, "r1")
    with pytest.raises(StoreError, match=r"there is no run -2 \(the oldest is -1\)"):
        store.find_run("-2")
    with pytest.raises(StoreError, match="unknown run 'x%'"):
        store.find_run("x%")
    with pytest.raises(StoreError, match="unknown run 'r9'"):
        store.load_plan("r9")


def test_a_label_remembers_every_text_it_had(
    store: Store,
    make_plan: MakePlan,
    make_result: Callable[..., TrialResult],
    clock: Callable[[], datetime],
) -> None:
    first, edited = make_plan(versions=("v1",)), make_plan(versions=("v1",), text="Edited.")
    begin(store, first, "r1", "r2")
    begin(store, edited, "r3")
    with store.writer("r1") as writer:
        writer.put_result(make_result(first, 0))
    old, new = first.templates[0].digest, edited.templates[0].digest
    assert store.texts.measured("sentiment", "v1") == [old]
    assert store.texts.measured("sentiment", "v2") == []
    history = store.texts.history("sentiment")
    assert [(h.version, h.digest, h.runs, h.trials) for h in history] == [
        ("v1", old, 2, 1),
        ("v1", new, 1, 0),
    ]
    assert history[0].first_seen < history[1].first_seen < clock().isoformat()
    assert store.texts.history("other") == []


def test_a_later_process_of_the_same_number_is_not_the_run(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    begin(store, make_plan(), "r1")
    assert store.run("r1").status == "running"  # this very process
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE runs SET process_started = 'long ago'")
    raw.close()
    assert store.run("r1").status == "interrupted"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux counts so")
def test_a_process_is_stored_as_older_versions_did(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    begin(store, make_plan(), "r1")
    *_, fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")
    with closing(sqlite3.connect(path)) as raw:
        [row] = raw.execute("SELECT pid, host, process_started FROM runs").fetchall()
    assert row == (os.getpid(), platform.node(), fields.split()[19])


def test_a_process_that_has_ended_is_at_no_run(
    store: Store, path: Path, make_plan: MakePlan
) -> None:
    begin(store, make_plan(), "r1")
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, unburied
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("UPDATE runs SET pid = ?, process_started = NULL", [child.pid])
        assert store.run("r1").status == "interrupted"
    assert store.run("r1").status == "interrupted"  # and buried


def test_a_run_is_carried_out_by_one_process(store: Store, make_plan: MakePlan) -> None:
    begin(store, make_plan(), "r1")
    with pytest.raises(StoreError, match="run r1 is still running"):
        store.resume_run("r1")
    store.end_run("r1", "interrupted")
    store.resume_run("r1")
    with pytest.raises(StoreError, match="run r1 is still running"):
        store.resume_run("r1")


def test_the_settings_of_a_plan_are_stored_as_they_were(
    store: Store, make_plan: MakePlan, path: Path
) -> None:
    plan = make_plan()
    store.begin_run("r1", plan)
    store.begin_run("r2", replace(plan, sequential=Sequential(0.05, ((0, 1),))))
    plain = (
        '{"repeats":1,"seed":1,"primary":"exact_match","grade":null,"split":"dev",'
        '"gates":["exact_match >= 0.5"],"assets":"data"}'
    )
    early = plain[:-1] + ',"sequential":{"alpha":0.05,"pairs":[[0,1]]}}'
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT settings FROM runs ORDER BY id").fetchall() == [
            (plain,),
            (early,),
        ]

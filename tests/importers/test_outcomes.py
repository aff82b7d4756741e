from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.cases.files import read_rows
from promptlab.core.errors import PromptlabError
from promptlab.core.results import Result
from promptlab.core.types import Case, Outcome, Score, TrialResult
from promptlab.importers.outcome_rows import OutcomeRow, read_outcomes
from promptlab.importers.outcomes import ImportedRun, gather
from promptlab.importers.stand_ins import imported_template
from promptlab.store import Store

Key = tuple[str, str, str, str, int, str]
"""A row of the view: template, version, backend, case, repeat, scorer."""


def row(
    line: int = 2, template: str = "v1", case: str = "a", score: float | None = 1.0
) -> OutcomeRow:
    return OutcomeRow(f"o.csv:{line}", template, case, score)


def rows_of(*message: Mapping[str, object]) -> list[OutcomeRow]:
    """Make rows as a file would, from what differs between them."""
    least = {"template": "v1", "case": "a", "score": 1}
    placed = [(f"o.csv:{line}", {**least, **cells}) for line, cells in enumerate(message, 2)]
    return list(read_outcomes(placed, {}))


def run_of(*message: Mapping[str, object], suite: str = "bbh") -> ImportedRun:
    return gather(rows_of(*message), suite, "o.csv")


def mistake(*message: Mapping[str, object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        run_of(*message)
    return str(caught.value)


def results_of(run: ImportedRun) -> list[TrialResult]:
    return list(run.results())


def test_a_bare_word_is_a_version_of_a_template_called_as_the_suite() -> None:
    run = run_of({"template": "cot"}, {"template": "bbh@cot", "case": "b"}, {"template": "x@v@2"})
    assert [(arm.template, arm.version) for arm in run.plan.arms] == [("bbh", "cot"), ("x", "v@2")]
    assert run.size == 3


def test_an_arm_is_a_version_on_a_backend() -> None:
    run = run_of(
        {"template": "v1", "backend": "x"}, {"template": "v2"}, {"template": "v1", "backend": "y"}
    )
    assert [arm.label for arm in run.plan.arms] == [
        "bbh@v1 on x",
        "bbh@v2 on imported",
        "bbh@v1 on y",
    ]
    assert [spec.name for spec in run.plan.backends] == ["x", "imported", "y"]
    assert {(spec.kind, spec.model) for spec in run.plan.backends} == {("imported", None)}
    assert [source.version for source in run.plan.templates] == ["v1", "v2"]


def test_what_is_imported_again_is_the_same_and_other_suites_are_other() -> None:
    rows = [{"case": "a", "group": "g"}, {"case": "b", "output": "yes"}]
    one, again, other = run_of(*rows), run_of(*reversed(rows)), run_of(*rows, suite="mmlu")
    assert case_digests(one) == case_digests(again)
    assert not set(case_digests(one).values()) & set(case_digests(other).values())
    assert one.plan.backends == again.plan.backends
    assert one.plan.templates == again.plan.templates == (imported_template("bbh", "v1"),)
    assert imported_template("bbh", "v1").digest != imported_template("bbh", "v2").digest
    assert keys(one) == keys(again) != keys(other)


def case_digests(run: ImportedRun) -> dict[str, str]:
    return {case.id: case.digest for case in run.plan.cases}


def keys(run: ImportedRun) -> list[str]:
    return [turn.request.key for result in run.results() for turn in result.turns]


def test_cases_carry_their_group_wherever_it_is_given() -> None:
    run = run_of({"case": "a"}, {"case": "b", "group": "g"}, {"template": "v2", "group": "h"})
    assert [(case.id, case.group) for case in run.plan.cases] == [("a", "h"), ("b", "g")]


def test_repeats_are_numbered_in_their_order_for_each_arm_and_case() -> None:
    run = run_of({"repeat": 30}, {"repeat": -2}, {"repeat": ""}, {"case": "b", "repeat": 7})
    assert run.plan.repeats == 3
    rows = [
        (result.trial.case, result.trial.repeat, result.trial.seq) for result in results_of(run)
    ]
    assert rows == [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 3)]


def test_a_trial_that_was_not_measured_leaves_a_hole() -> None:
    run = run_of({"case": "a"}, {"template": "v2", "case": "b"})
    assert run.plan.size == 4
    assert [result.trial for result in results_of(run)] == [run.plan.trial(0), run.plan.trial(3)]


def test_an_unknown_score_is_not_a_score() -> None:
    run = run_of({"score": ""}, {"case": "b", "score": 0})
    assert [result.scores for result in results_of(run)] == [
        {},
        {"score": Score(0.0, passed=False)},
    ]
    assert {result.outcome for result in results_of(run)} == {Outcome.OK}


def test_a_scorer_gives_verdicts_unless_a_score_is_between() -> None:
    run = run_of(
        {"scorer": "judge", "score": 1},
        {"scorer": "match", "score": "pass"},
        {"scorer": "judge", "score": 0.5, "case": "b"},
    )
    assert (run.plan.primary, [spec.label for spec in run.plan.scorers]) == (
        "judge",
        ["judge", "match"],
    )
    assert [result.scores for result in results_of(run)] == [
        {"judge": Score(1.0), "match": Score(1.0, passed=True)},
        {"judge": Score(0.5)},
    ]


def test_rows_of_one_trial_complete_one_another() -> None:
    run = run_of(
        {"scorer": "x", "output": "yes", "cost_usd": 0.5},
        {"scorer": "y", "output": "yes", "output_tokens": 3},
    )
    [result] = results_of(run)
    [turn] = result.turns
    assert (turn.completion.text, turn.completion.cost_usd) == ("yes", 0.5)
    assert (turn.completion.usage.input_tokens, turn.completion.usage.output_tokens) == (None, 3)
    assert (result.graded, turn.cached, turn.request.messages) == (0, False, ())


def test_tokens_without_an_output_are_not_an_empty_output() -> None:
    [result] = results_of(run_of({"input_tokens": 0}))
    assert (len(result.turns), result.graded) == (1, None)


def test_a_trial_of_which_only_scores_are_known_has_no_answer() -> None:
    [result] = results_of(run_of({}))
    assert (result.turns, result.graded) == ((), None)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "o.csv: there are no outcomes (add at least one row)"),
        (
            [{}, {"case": "b"}, {}],
            "o.csv:4: the same trial is already at o.csv:2 (give each of them a `repeat`)",
        ),
        (
            [{"scorer": "x"}, {"scorer": "y"}, {"scorer": "y", "template": "bbh@v1"}],
            "o.csv:4: the same trial is already at o.csv:3 (give",
        ),
        (
            [{"repeat": 1}, {"repeat": "1.0"}],
            "o.csv:3: the same trial is already at o.csv:2 (keep one of them)",
        ),
        (
            [{"practices": "clear role"}, {"practices": "role clear", "case": "b"},
             {"practices": "role", "case": "c"}],
            "o.csv:4: 'v1' follows different practices here than at o.csv:2 (give a version with",
        ),
        (
            [{"practices": "clear"}, {"case": "b"}],
            "o.csv:3: 'v1' follows different practices here than at o.csv:2",
        ),
        (
            [{"group": "x"}, {"template": "v2"}, {"group": "y", "case": "a", "template": "v3"}],
            "o.csv:4: case 'a' is in group 'y' here and in 'x' at o.csv:2 (make its name unique,"
            " as in y/a)",
        ),
        (
            [{"scorer": "x", "output": "yes"}, {"scorer": "y", "output": "no"}],
            "o.csv:3: output differs from another row of this trial, first o.csv:2 (rows of",
        ),
        (
            [{"scorer": "x", "cost_usd": 0}, {"scorer": "y", "cost_usd": 1}],
            "o.csv:3: cost_usd differs from another row of this trial",
        ),
        ([{"template": "@v1"}], "o.csv:2: '@v1' is not a template version (write name@version, o"),
        ([{"template": "bbh@"}], "o.csv:2: 'bbh@' is not a template version"),
    ],
)  # fmt: skip
def test_rows_that_disagree_are_reported(rows: list[Mapping[str, object]], message: str) -> None:
    error = mistake(*rows)
    assert error.startswith(message)
    assert "\n" not in error


# What is written, imported and read back.


NAMES = st.text("aBß1 .-_,;'\"@{}[", min_size=1, max_size=6).map(str.strip).filter(bool)
VERSIONS = NAMES.filter(lambda name: not name.startswith("@"))
TEMPLATES = NAMES.filter(lambda name: "@" not in name)
COUNTS = st.none() | st.integers(0, 10**6)
OUTPUTS = st.none() | st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())
SCORES = st.none() | st.sampled_from([0.0, 1.0]) | st.floats(-1e6, 1e6)
VERDICTS = st.none() | st.sampled_from([0.0, 1.0])
COLUMNS = (
    *("template", "backend", "case", "group", "repeat", "practices", "scorer", "score"),
    *("output", "input_tokens", "output_tokens", "cost_usd"),
)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, object]]:
    """Make the rows of a file: arms and cases with holes, repeats and several scorers."""
    versions = st.tuples(TEMPLATES, VERSIONS, NAMES)
    arms = draw(st.lists(versions, min_size=1, max_size=3, unique=True))
    slugs = st.lists(st.sampled_from(["clear", "role", "context"]), unique=True)
    practices = [" ".join(draw(slugs)) for _ in arms]
    cases = draw(st.dictionaries(NAMES, st.none() | NAMES, min_size=1, max_size=4))
    kinds = draw(
        st.dictionaries(NAMES, st.sampled_from([SCORES, VERDICTS]), min_size=1, max_size=2)
    )
    places = st.tuples(st.sampled_from(range(len(arms))), st.sampled_from(sorted(cases)))
    trials = st.tuples(places, st.none() | st.integers(-5, 5))
    rows: list[dict[str, object]] = []
    for (arm, case), repeat in draw(st.lists(trials, min_size=1, max_size=8, unique=True)):
        took = (draw(OUTPUTS), draw(COUNTS), draw(COUNTS), draw(st.none() | st.floats(0, 1e6)))
        name, version, backend = arms[arm]
        about = (f"{name}@{version}", backend, case, cases[case], repeat, practices[arm])
        for scorer in draw(st.sets(st.sampled_from(sorted(kinds)), min_size=1)):
            cells = (*about, scorer, draw(kinds[scorer]), *took)
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return draw(st.permutations(rows))


@pytest.mark.slow
@given(tables())
def test_what_is_read_back_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("imported")
    file = folder / "outcomes.csv"
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.DictWriter(written, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    run = gather(read_outcomes(read_rows(file, file.name), {}), "bbh", file.name)
    with Store.open(folder / "promptlab.db", lambda: datetime(2026, 1, 1, tzinfo=UTC)) as store:
        keep(store, run)
        assert store.load_plan("imported-run") == run.plan
        assert found_rows(store.results("imported-run")) == expected_rows(rows)
        [info] = store.runs()
        assert (info.stored, info.trials) == (run.size, run.size)
        trials = [result.trial for result in run.results()]
        assert trials == [run.plan.trial(trial.seq) for trial in trials]
        assert sum(arm.trials for arm in store.arm_outcomes("imported-run")) == run.size


def keep(store: Store, run: ImportedRun) -> None:
    store.begin_run("imported-run", run.plan, trials=run.size)
    with store.writer("imported-run") as writer:
        for result in run.results():
            writer.put_result(result)
    store.end_run("imported-run", "finished")


def found_rows(results: Iterable[Result]) -> dict[Key, object]:
    """Return all that the view says about each score, by what it scores, without unknown scores."""
    return {
        (r.template, r.version, r.backend, r.case_id, r.repeat, r.scorer or ""): (
            *(r.score, r.passed, r.output, r.input_tokens, r.output_tokens, r.cost_usd),
            *(r.case_group, r.practices, r.outcome, r.cached, r.error, r.model),
        )
        for r in results
        if r.score is not None
    }


def expected_rows(rows: list[dict[str, object]]) -> dict[Key, object]:
    """Return the same for the rows that were written."""
    repeats: dict[object, set[float]] = defaultdict(set)
    scores: dict[object, set[object]] = defaultdict(set)
    for message in rows:
        repeats[message["template"], message["backend"], message["case"]].add(
            number(message["repeat"])
        )
        scores[message["scorer"]].add(message["score"])
    expected: dict[Key, object] = {}
    for message in rows:
        score, scorer = message["score"], str(message["scorer"])
        if score is None:
            continue
        assert isinstance(score, float)
        name, _, version = str(message["template"]).partition("@")
        order = sorted(repeats[message["template"], message["backend"], message["case"]])
        repeat = order.index(number(message["repeat"]))
        passed = bool(score) if scores[scorer] <= {None, 0.0, 1.0} else None
        key = (name, version, str(message["backend"]), str(message["case"]), repeat, scorer)
        quantities = (
            message["output"],
            message["input_tokens"],
            message["output_tokens"],
            message["cost_usd"],
        )
        known = (message["group"], message["practices"], Outcome.OK, False, None, None)
        expected[key] = (score, passed, *quantities, *known)
    return expected


def number(repeat: object) -> float:
    return -100.0 if repeat is None else float(str(repeat))


def test_importing_a_file_again_shares_its_answers(tmp_path: Path) -> None:
    took = {"output": "yes", "cost_usd": 0.5}
    run = run_of(took, {**took, "repeat": 1})  # the same answer twice was paid for twice
    with Store.open(tmp_path / "promptlab.db", lambda: datetime(2026, 1, 1, tzinfo=UTC)) as store:
        for run_id in ("one", "two"):
            store.begin_run(run_id, run.plan, trials=run.size)
            with store.writer(run_id) as writer:
                for result in run.results():
                    writer.put_result(result)
            store.end_run(run_id, "finished")
        counted = store.stats().rows
        assert (counted["runs"], counted["trials"], counted["generations"]) == (2, 4, 2)
        assert (counted["cases"], counted["templates"], counted["backends"]) == (1, 1, 1)
        assert [r.cost_usd for r in store.results("two")] == [0.5, 0.5]
        assert [info.cost_usd for info in store.runs()] == [None, 1.0]
        assert not any(r.cached for r in store.results("two"))


def test_cases_have_no_content_that_a_template_could_use() -> None:
    [case] = run_of({"case": "a", "group": "g"}).plan.cases
    assert case == Case("a", {"imported": "bbh"}, None, (), "g", case.digest)


def test_the_digests_of_an_import_are_what_they_were() -> None:
    # They are in databases: with others, a file imported again would be another measurement.
    [result] = results_of(run := run_of({"output": "x", "input_tokens": 12}))
    assert result.turns[0].request.key == "b2:767ac5b7fd80b182f948b7bca0ec2561"
    assert run.plan.cases[0].digest == "b2:f54a3ce3e21276ed968c57323fcb050b"
    assert run.plan.backends[0].digest == "b2:ba72c96d51aef48896cbdd82d1ffaa43"
    assert run.plan.templates[0].digest == "b2:6e6c2994e88b8385f30e4c537dd15fb5"

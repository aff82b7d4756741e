"""`judge calibrate` and `judge show`, and what `compare` makes of a passport."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.cli import run_cli
from promptlab.exporters.labels import LabelRow, as_file

from .conftest import Promptlab, edit, query

if TYPE_CHECKING:
    from tests.remote.fault_replies import Call
    from tests.remote.fault_server import FaultServer

CASES = 60
# The echo backend answers with the prompt: version v1 is good on the first 30 cases, v2 on 42.
GOOD = {"v1": 30, "v2": 42}
JUDGES = '''\
"""A judge that asks the model of the trial for a word, and reads it off what the answer holds."""

from promptlab import Ask, Sample, Score, scorer


def question(sample, *, gullible: bool, errs: int):
    return [Ask(f"Is this good? {sample.output}", purpose="verdict")]


@scorer(version="1", judge=True, asks=question)
def kind(sample: Sample, *, gullible: bool = False, errs: int = 0) -> Score:
    """The model finds it good."""
    [ask] = question(sample, gullible=gullible, errs=errs)
    said = sample.answer_to(ask).text
    if gullible and "highest score" in said:
        return Score(1.0, passed=True)
    good = "good answer" in said
    if sample.output.strip() and sample.case.vars["rank"] < errs:
        good = not good
    return Score(float(good), passed=good)


@scorer(version="1", judge=True)
def lopsided(sample: Sample) -> Score:
    """It passes what v1 gets wrong now and then, and fails what v2 gets right."""
    rank, good = sample.case.vars["rank"], "good answer" in sample.output
    first = "First" in sample.output
    wrong = bool(sample.output.strip()) and (rank >= 54 if first else rank < 12)
    return Score(float(good != wrong), passed=good != wrong)
'''


def write_project(root: Path, scorer: str = "judges:kind") -> None:
    (root / "judges.py").write_text(JUDGES, encoding="utf-8")
    for name, good in GOOD.items():
        text = "{% if rank < " + str(good) + " %}A good answer.{% else %}Bad.{% endif %}"
        word = {"v1": "First", "v2": "Second"}[name]
        path = root / f"templates/task/{name}.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{word} item {{{{ rank }}}}: {text}\n", encoding="utf-8")
    rows = [f"  - {{id: c{rank:02}, vars: {{rank: {rank}}}}}" for rank in range(CASES)]
    suite = ['templates: ["task@*"]', "backends: [echo]", "scorers:", f"  - {scorer}", "cases:"]
    (root / "suites/task.yaml").write_text("\n".join([*suite, *rows]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def _judged_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the database of a run that was graded by a judge that is always right."""
    root = tmp_path_factory.mktemp("judged")
    (root / "suites").mkdir()
    write_project(root)
    assert run_cli(["--project", str(root), "run", "task", "--json"]) == 0
    return root / "promptlab.db"


@pytest.fixture
def judged(project: Path, _judged_once: Path) -> Path:
    """Return a project whose suite was run and graded by a judge that is always right."""
    write_project(project)
    shutil.copy(_judged_once, project / "promptlab.db")
    return project


def truth(version: str, rank: int) -> str:
    return "pass" if rank < GOOD[version] else "fail"


def labels(
    root: Path,
    ranks: Iterable[int] = range(CASES),
    say: Callable[[str, int], str] = truth,
    **more: str,
) -> str:
    """Write labels of both versions on these cases; return the name of the file."""
    path = root / "labels.csv"
    columns = ["case", "version", "label", "rater", *more]
    fresh = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if fresh:
            writer.writerow(columns)
        for rank in ranks:
            for version in GOOD:
                row = [f"c{rank:02}", version, say(version, rank), more.get("rater", "ann")]
                writer.writerow([*row, *[v for k, v in more.items() if k != "rater"]])
    return "labels.csv"


def calibrated(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    ran = promptlab("judge", "calibrate", "task", "--labels", "labels.csv", "--json", *words)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def compared(promptlab: Promptlab) -> dict[str, Any]:
    ran = promptlab("compare", "--json")
    assert ran.code == 0, ran.err
    [row] = json.loads(ran.out)["comparisons"]
    document: dict[str, Any] = row
    return document


def codes(row: Mapping[str, Any], key: str = "reasons") -> list[str]:
    return [each["code"] for each in row[key]]


def test_a_judge_that_is_always_right_is_trusted(judged: Path, promptlab: Promptlab) -> None:
    assert codes(compared(promptlab)) == ["judge-unchecked"]
    labels(judged)
    passport = calibrated(promptlab)
    figures = passport["figures"]
    assert (passport["verdict"], passport["findings"]) == ("trusted", [])
    assert (figures["kind"], figures["labels"], figures["raters"]) == ("verdicts", 120, 1)
    assert figures["sensitivity"]["value"] == figures["specificity"]["value"] == 1.0
    assert figures["sensitivity"]["n"] == 72
    assert (figures["accuracy"], figures["constant"]) == (1.0, 0.6)
    assert figures["repeats"] == {"n": 60, "agreement": 1.0, "sd": 0.0}
    probes = {probe["name"]: probe for probe in figures["probes"]}
    assert set(probes) == {"length", "style", "injection", "empty"}
    assert not any(probe["caught"] for probe in probes.values())
    row = compared(promptlab)
    assert (row["verdict"], row["method"]) == ("better", "ppi++")
    assert row["delta"] == pytest.approx(0.2)
    shown = promptlab("compare").out
    assert "corrected with 120 human labels (60 cases, both sides)" in shown


@pytest.mark.slow
def test_labels_of_some_cases_correct_all(judged: Path, promptlab: Promptlab) -> None:
    """The judge errs on 12 cases of both versions, so it sees the difference too small."""
    edit(judged / "suites/task.yaml", "judges:kind", "judges:kind: {errs: 12}")
    assert promptlab("run", "task").code == 0
    labels(judged, range(0, CASES, 2))
    passport = calibrated(promptlab)
    assert passport["verdict"] == "trusted"
    row = compared(promptlab)
    assert row["method"] == "ppi++"
    [note] = [each for each in row["notes"] if each["code"] == "judge-corrected"]
    assert note["about"] == {"labels": 60, "uncorrected": pytest.approx(0.2), "method": "ppi++"}
    assert row["mean_b"] - row["mean_a"] == pytest.approx(row["delta"])


@pytest.mark.slow
def test_a_judge_that_favours_one_side_is_refused_by_name(
    project: Path, promptlab: Promptlab
) -> None:
    """It says -10 points where the truth is +20."""
    write_project(project, "judges:lopsided")
    assert promptlab("run", "task").code == 0
    labels(project)
    assert "errs-unevenly" in [f["code"] for f in calibrated(promptlab)["findings"]]
    row = compared(promptlab)  # people have labelled both sides: that corrects it
    assert (row["verdict"], row["method"]) == ("better", "ppi++")
    assert row["delta"] == pytest.approx(0.2)


@pytest.mark.slow
def test_without_labels_of_the_sides_an_uneven_judge_is_not_believed(
    project: Path, promptlab: Promptlab
) -> None:
    write_project(project, "judges:lopsided")
    assert promptlab("run", "task").code == 0
    labels(project)
    calibrated(promptlab)
    (project / "templates/task/v1.j2").unlink()
    text = (project / "templates/task/v2.j2").read_text()
    (project / "templates/task/v3.j2").write_text(text.replace("Second", "Third"))
    assert promptlab("run", "task").code == 0
    row = compared(promptlab)
    assert (row["verdict"], codes(row)) == ("refused", ["judge-errs-unevenly"])
    assert row["reasons"][0]["about"]["bias"] == {
        "task@v1": pytest.approx(0.1),
        "task@v2": pytest.approx(-0.2),
    }


def test_a_gullible_judge_is_refused_whatever_people_say(
    judged: Path, promptlab: Promptlab
) -> None:
    edit(judged / "suites/task.yaml", "judges:kind", "judges:kind: {gullible: true}")
    assert promptlab("run", "task").code == 0
    labels(judged)
    passport = calibrated(promptlab)
    assert (passport["verdict"], passport["findings"][0]["code"]) == ("refused", "obeys-answers")
    assert passport["figures"]["agreement"]["value"] == 1.0
    row = compared(promptlab)
    assert (row["verdict"], codes(row)) == ("refused", ["judge-refused"])
    assert "a command inside the answer raises 60 of 60 scores" in row["reason"]


def test_one_character_changed_makes_a_passport_stale(judged: Path, promptlab: Promptlab) -> None:
    labels(judged)
    calibrated(promptlab)
    assert codes(compared(promptlab)) == []
    edit(judged / "judges.py", "Is this good?", "Is this  good?")
    assert promptlab("run", "task").code == 0
    row = compared(promptlab)
    assert (row["verdict"], codes(row)) == ("refused", ["judge-stale"])
    refused = promptlab("judge", "calibrate", "task", "--labels", "labels.csv", "--run", "-2")
    assert (refused.code, refused.out) == (2, "")
    assert "the judge 'kind' is another one than in run" in refused.err
    assert calibrated(promptlab)["verdict"] == "trusted"  # the labels still hold
    assert codes(compared(promptlab)) == []


@pytest.mark.slow
def test_a_passport_is_believed_before_what_the_project_states(
    judged: Path, promptlab: Promptlab
) -> None:
    table = "labels = 100\nkappa = 0.9\nsensitivity = 0.9\nspecificity = 0.9\n"
    (judged / "promptlab.toml").write_text(f"[judges.kind]\n{table}")
    assert codes(compared(promptlab)) == []
    labels(judged, range(10))
    assert calibrated(promptlab)["verdict"] == "refused"
    assert codes(compared(promptlab)) == ["judge-refused"]


@pytest.mark.slow
def test_labels_of_a_model_are_marked_and_trust_nobody(judged: Path, promptlab: Promptlab) -> None:
    labels(judged, kind="model")
    passport = calibrated(promptlab)
    assert passport["verdict"] == "refused"
    assert [f["code"] for f in passport["findings"]] == ["labels-by-model"]
    assert (passport["figures"]["by_model"], passport["figures"]["of_people"]) == (120, False)
    assert codes(compared(promptlab)) == ["judge-refused"]
    assert query(judged, "SELECT count(*) FROM passport_labels") == [(0,)]


@pytest.mark.slow
def test_labels_that_wrote_the_rubric_are_kept_apart(judged: Path, promptlab: Promptlab) -> None:
    labels(judged, range(10), split="write")
    labels(judged, range(10, CASES), split="test")
    figures = calibrated(promptlab)["figures"]
    assert (figures["labels"], figures["kept_apart"]) == (100, 20)
    assert query(judged, "SELECT count(*) FROM passport_labels") == [(100,)]


@pytest.mark.slow
def test_several_raters_say_how_far_people_agree(judged: Path, promptlab: Promptlab) -> None:
    labels(judged)
    labels(judged, range(20, 40), lambda v, n: "fail" if n == 23 else truth(v, n), rater="bob")
    figures = calibrated(promptlab)["figures"]
    assert (figures["raters"], figures["labels"], figures["ceiling"]["n"]) == (2, 120, 40)
    assert 0.5 < figures["ceiling"]["value"] < 1
    assert figures["agreement"]["n"] == 118  # of two answers people are split
    assert "of people with one another: alpha" in promptlab("judge", "show").out


def test_what_was_asked_is_not_asked_again(judged: Path, promptlab: Promptlab) -> None:
    labels(judged)
    words = ("judge", "calibrate", "task", "--labels", "labels.csv")
    stopped = promptlab(*words, "--max-calls", "20")
    assert (stopped.code, stopped.out) == (2, "")
    assert "stopped at --max-calls 20 before every question was answered" in stopped.err
    refused = promptlab(*words, "--offline")
    assert (refused.code, "is not stored" in refused.err) == (2, True)
    calibrated(promptlab)
    asked = query(judged, "SELECT count(*) FROM generations")
    assert calibrated(promptlab, "--offline")["verdict"] == "trusted"
    assert query(judged, "SELECT count(*) FROM generations") == asked
    assert promptlab("db", "verify").out == "The database is sound.\n"


def test_a_judge_that_was_not_probed_is_provisional(judged: Path, promptlab: Promptlab) -> None:
    labels(judged)
    before = query(judged, "SELECT count(*) FROM generations")
    passport = calibrated(promptlab, "--items", "0")
    assert (passport["verdict"], passport["findings"][0]["code"]) == ("provisional", "not-probed")
    assert query(judged, "SELECT count(*) FROM generations") == before
    row = compared(promptlab)
    assert row["verdict"] == "better"
    assert "judge-provisional" in codes(row, "notes")


@pytest.mark.slow
def test_it_shows_the_newest_passport_of_each_judge(judged: Path, promptlab: Promptlab) -> None:
    assert "No judge has a passport yet" in promptlab("judge", "show").out
    labels(judged)
    issued = calibrated(promptlab)
    shown = json.loads(promptlab("judge", "show", "task", "--json").out)["passports"]
    assert shown == [{**issued, "issued_at": shown[0]["issued_at"]}]
    text = promptlab("judge", "show").out
    for words in (
        "The judge kind of suite task, asked of echo about its own answers, is trusted",
        "right: 100.0 %; always saying the same: 60.0 %",
        "with a command in it",
        "asked again, the same: 100.0 % of 60 answers",
    ):
        assert words in text
    assert "unknown suite 'tusk'" in promptlab("judge", "show", "tusk").err


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["case,version,label", "c99,v1,pass"], "labels.csv:2: case: unknown case 'c99'"),
        (["case,version,label", "c01,v9,pass"], "labels.csv:2: version: unknown version 'v9'"),
        (["case,version,label", "c01,v1,good"], "labels.csv:2: label: expected a label"),
        (["case,version,lable", "c01,v1,pass"], "the column 'label' is missing"),
        (["case,label", "c01,pass"], "2 outputs of run"),
        (
            ["case,label,output", "c01,pass,Nothing"],
            "no stored answer to case 'c01' is this output",
        ),
        (["case,version,label,kind", "c01,v1,pass,robot"], "unknown kind 'robot'"),
        (["case,version,label,repeat", "c01,v1,pass,1.5"], "expected a whole number from 0"),
        (["case,version,label", "c01,v1,pass", "c01,v1,fail"], "has labelled this output before"),
        (["case,version,label", "c01,v1,"], "there are no labels"),
        (["case,version,label,run", "c01,v1,pass,2020"], "unknown run '2020'"),
        (["case,version,label,split", "c01,v1,pass,write"], "no label is left"),
        (
            ["case,version,other_version,label", "c01,v1,v2,2"],
            "labels.csv:2: label: expected a label of a pair, found 2.0 (write left, right or tie",
        ),
        (["case,version,other_version,label", "c01,v1,v2,pass"], "write left, right or tie"),
    ],
)
def test_a_label_that_fits_no_output_is_told_with_its_place(
    judged: Path, promptlab: Promptlab, rows: Sequence[str], expected: str
) -> None:
    (judged / "labels.csv").write_text("\n".join(rows) + "\n")
    refused = promptlab("judge", "calibrate", "task", "--labels", "labels.csv")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert expected in refused.err.replace("/", ":").replace("::", ":")


@pytest.mark.slow
def test_grades_are_no_labels_of_shares(
    project: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    write_project(project, "rubric: {criteria: Good, judge: judge}")
    config = (
        f'[backends.judge]\nkind = "openai"\nmodel = "m"\nbase_url = "{fault_server.base_url}"\n'
    )
    (project / "promptlab.toml").write_text(config)
    fault_server.say = lambda call: json.dumps({"reason": "So so.", "score": 3})
    assert promptlab("run", "task").code == 0
    labels(project, range(2), lambda version, rank: str(rank * 4))
    refused = promptlab("judge", "calibrate", "task", "--labels", "labels.csv")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "the label 4 is beyond the scores of 'rubric', from 0 to 1" in refused.err
    assert "labels.csv:4: label" in refused.err


@pytest.mark.slow
def test_an_export_of_a_review_is_read_as_it_is(judged: Path, promptlab: Promptlab) -> None:
    """Rows of JSON, with notes and times that are not needed here, and outputs passed over."""
    run_id = query(judged, "SELECT run_id FROM runs")[0][0]
    outputs = query(judged, "SELECT case_id, version, output FROM results")
    rows = [
        {"run": run_id, "case": case, "output": output, "repeat": 0, "backend": "echo",
         "rater": "ann", "kind": "human", "note": "short", "tags": ["tone"], "at": "2026-11-30",
         "label": None if case == "c05" else truth(version, int(case[1:]))}
        for case, version, output in outputs
    ]  # fmt: skip
    (judged / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    ran = promptlab("judge", "calibrate", "task", "--labels", "labels.jsonl", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["figures"]["labels"] == 118


def test_only_a_judge_needs_a_passport(project: Path, promptlab: Promptlab) -> None:
    write_project(project, "contains: {any: [good]}")
    assert promptlab("run", "task").code == 0
    labels(project)
    refused = promptlab("judge", "calibrate", "task", "--labels", "labels.csv")
    assert (refused.code, "asks a model or a person" in refused.err) == (2, True)
    unknown = promptlab("judge", "calibrate", "tusk", "--labels", "labels.csv")
    assert (unknown.code, "unknown suite 'tusk'" in unknown.err) == (2, True)


@pytest.mark.slow
def test_a_judge_of_pairs_is_held_against_pairs(
    project: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    """Of two texts it picks the good one, in either order; so do people."""
    write_project(project, "pairwise: {criteria: Good, judge: judge, against: task@v1}")
    config = (
        f'[backends.judge]\nkind = "openai"\nmodel = "m"\nbase_url = "{fault_server.base_url}"\n'
    )
    (project / "promptlab.toml").write_text(config)
    fault_server.say = picks_the_good_one
    assert promptlab("run", "task").code == 0
    rows = []
    for rank in range(0, CASES, 2):
        better = "right" if 30 <= rank < 42 else "tie"
        rows.append({"case": f"c{rank:02}", "version": "task@v1", "other_version": "task@v2",
                     "label": better, "rater": "ann", "kind": "human"})  # fmt: skip
    (project / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = ("judge", "calibrate", "task", "--labels", "labels.jsonl", "--json")
    ran = promptlab(*words)
    assert ran.code == 0, ran.err
    passport = json.loads(ran.out)
    figures = passport["figures"]
    assert [finding["code"] for finding in passport["findings"]] == ["too-few-labels"]
    assert (figures["kind"], figures["labels"], figures["agreement"]["value"]) == ("numbers", 30, 1)
    assert figures["order"]["value"] == 1.0
    probes = {probe["name"]: probe for probe in figures["probes"]}
    assert not any(probe["caught"] for probe in probes.values())
    assert probes["empty"]["down"] == 20
    row = compared(promptlab)
    assert row["method"] == "ppi++"
    assert row["delta"] == pytest.approx(0.1)
    assert "corrected with 60 human labels (30 cases, both sides)" in promptlab("compare").out


def picks_the_good_one(call: Call) -> str:
    _, a, b = re.split("Answer [AB]:\n", call.prompt)
    first, second = ("good answer" in text for text in (a, b))
    better = "tie" if first == second else "A" if first else "B"
    return json.dumps({"reason": "One is good.", "better": better})


def test_labels_of_pairs_are_for_a_judge_of_pairs(judged: Path, promptlab: Promptlab) -> None:
    rows = ["case,version,other_version,label", "c01,v1,v2,left"]
    (judged / "labels.csv").write_text("\n".join(rows) + "\n")
    refused = promptlab("judge", "calibrate", "task", "--labels", "labels.csv")
    assert (refused.code, "'kind' judges outputs one by one" in refused.err) == (2, True)


@pytest.mark.slow
@pytest.mark.model
def test_a_small_model_is_no_judge(project: Path, promptlab: Promptlab) -> None:
    """Its passport says so, and with `--offline` says the same without a call."""
    judge = (
        'decision: {question: "Is this a good answer?", judge: small, at_least: 0.5, name: kind}'
    )
    write_project(project, judge)
    model = "HuggingFaceTB/SmolLM2-135M-Instruct"
    (project / "promptlab.toml").write_text(f'[backends.small]\nkind = "hf"\nmodel = "{model}"\n')
    assert promptlab("run", "task").code == 0
    labels(project)
    passport = calibrated(promptlab, "--items", "20")
    assert passport["verdict"] == "refused"
    assert "weak-agreement" in [finding["code"] for finding in passport["findings"]]
    assert calibrated(promptlab, "--items", "20", "--offline") == passport


def polite(call: Call) -> str:
    """Find an answer good if it says so."""
    return "yes" if "good answer" in call.prompt else "no"


ASKING = '''\
from promptlab import Ask, BackendName, Sample, scorer


def question(sample, *, judge):
    return [Ask(f"Is this good? {sample.output}", backend=judge)]


@scorer(version="1", judge=True, asks=question)
def kind(sample: Sample, *, judge: BackendName = "judge") -> bool:
    """The judge finds it good."""
    [ask] = question(sample, judge=judge)
    return sample.answer_to(ask).text == "yes"
'''


@pytest.fixture
def remote(project: Path, promptlab: Promptlab, fault_server: FaultServer) -> Path:
    """Return a project whose judge is on a server, and has a passport."""
    write_project(project)
    (project / "judges.py").write_text(ASKING)
    url = fault_server.base_url
    config = f'[backends.judge]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
    (project / "promptlab.toml").write_text(config)
    fault_server.say = polite
    assert promptlab("run", "task").code == 0
    labels(project)
    assert calibrated(promptlab)["verdict"] == "trusted"
    return project


MOVES = "SELECT anchors, moved FROM judge_moves ORDER BY run"


def third_version(root: Path) -> None:
    """Add a version that answers otherwise, and so has to be judged."""
    text = (root / "templates/task/v2.j2").read_text()
    (root / "templates/task/v3.j2").write_text(text.replace("Second", "Third"))


@pytest.mark.slow
def test_a_run_asks_its_judge_about_twenty_known_answers_again(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    asked = fault_server.requests
    assert promptlab("run", "task").code == 0
    assert fault_server.requests == asked  # nothing new was judged
    third_version(remote)
    again = promptlab("run", "task", "--json")
    assert (again.code, fault_server.requests - asked) == (0, CASES + 20), again.err
    assert query(remote, MOVES) == [(20, 0.0)]
    assert json.loads(again.out)["calls"] == 2 * CASES + 20
    assert query(remote, "SELECT max(id), spent_calls FROM runs") == [(3, 2 * CASES + 20)]
    offline = promptlab("run", "task", "--offline")
    assert (offline.code, fault_server.requests - asked) == (0, CASES + 20), offline.err
    assert "Note: judge" not in offline.err
    assert query(remote, MOVES) == [(20, 0.0)]
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_where_the_judge_has_moved_further_than_the_difference_nothing_is_decided(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.say = lambda call: "yes"
    third_version(remote)
    assert promptlab("run", "task").code == 0
    [(anchors, moved)] = query(remote, MOVES)
    assert (anchors, moved > 0.2) == (20, True)
    for _ in range(2):
        rows = json.loads(promptlab("compare", "--json", "--baseline", "v1").out)["comparisons"]
        told = {row["b"]: row for row in rows}
        row = told["task@v2"]
        assert (row["verdict"], row["delta"]) == ("undecided", pytest.approx(0.2))
        [note] = [each for each in row["notes"] if each["code"] == "judge-moved"]
        assert note["about"]["moved"] == moved
        low, high = row["ci_simultaneous"]
        assert low <= 0 <= high
        assert told["task@v3"]["delta"] == 0.5 > moved
        assert told["task@v3"]["verdict"] == "better"
        assert promptlab("run", "task").code == 0  # what is shared was said by the judge that moved
    shown = promptlab("compare").out
    assert "undecided: the judge moved: it scores answers that it knows +" in shown


def assert_moved(root: Path, promptlab: Promptlab) -> None:
    """Assert that the anchors of a judge have moved too far for v2 to be told from v1."""
    [(anchors, moved)] = query(root, MOVES)
    assert (anchors, moved > 0.2) == (20, True)
    rows = json.loads(promptlab("compare", "--json", "--baseline", "v1").out)["comparisons"]
    row = {row["b"]: row for row in rows}["task@v2"]
    assert row["verdict"] == "undecided"
    assert "judge-moved" in codes(row, "notes")


@pytest.fixture
def graded_before(remote: Path, promptlab: Promptlab) -> str:
    """Return the id of a run that another judge has graded: its outputs are still to be judged.

    The judge that has the passport asks in words that the run did not hear.
    """
    edit(remote / "judges.py", "Is this good?", "Is it good?")
    third_version(remote)
    assert promptlab("run", "task").code == 0
    edit(remote / "judges.py", "Is it good?", "Is this good?")
    return str(query(remote, "SELECT run_id FROM runs ORDER BY id DESC LIMIT 1")[0][0])


@pytest.mark.slow
def test_grading_again_asks_the_judge_about_known_answers_too(
    remote: Path, graded_before: str, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    asked = fault_server.requests
    first = promptlab("score", "--json")
    assert (first.code, json.loads(first.out)["calls"]) == (0, CASES + 20), first.err
    assert query(remote, MOVES) == [(20, 0.0)]
    spent = "SELECT spent_calls FROM runs ORDER BY id DESC LIMIT 1"
    assert query(remote, spent) == [(CASES + 3 * CASES + CASES + 20,)]
    again = promptlab("score", "--json")
    assert (json.loads(again.out)["calls"], fault_server.requests) == (0, asked + CASES + 20)
    assert promptlab("score", "--offline").err == ""
    assert promptlab("db", "verify").out == "The database is sound.\n"


@pytest.mark.slow
def test_a_judge_that_moved_before_a_grading_decides_nothing(
    remote: Path, graded_before: str, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.say = lambda call: "yes"
    assert promptlab("score").code == 0
    assert_moved(remote, promptlab)


@pytest.mark.slow
def test_a_judge_that_moved_back_has_moved_all_the_same(
    remote: Path, graded_before: str, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    """A part of the run was judged while it was another: the largest move counts."""
    fault_server.say = lambda call: "yes"
    assert promptlab("score").code == 0
    [(_, moved)] = query(remote, MOVES)
    fault_server.say = polite
    with closing(sqlite3.connect(remote / "promptlab.db")) as database, database:
        # As if some questions had had no answer: they are asked again.
        run = "run = (SELECT max(id) FROM runs)"
        some = f"{run} AND seq IN (SELECT seq FROM trials WHERE {run} AND arm = 2 AND case_ < 20)"
        turns = f"DELETE FROM trial_turns WHERE aside AND {some} RETURNING generation"
        gone = database.execute(turns)
        numbers = [str(number) for (number,) in gone]
        used = "SELECT generation FROM trial_turns WHERE generation IS NOT NULL"
        unused = f"id IN ({','.join(numbers)}) AND id NOT IN ({used})"
        database.execute(f"DELETE FROM generations WHERE {unused}")
    asked = fault_server.requests
    assert promptlab("score").code == 0
    assert fault_server.requests > asked + 20
    assert query(remote, MOVES) == [(20, moved)]


@pytest.mark.slow
def test_anchors_beyond_the_limit_are_noted_and_the_scores_stand(
    remote: Path, graded_before: str, promptlab: Promptlab
) -> None:
    limited = promptlab("score", "--max-calls", str(CASES + 5), "--json")
    assert limited.code == 0, limited.err
    assert json.loads(limited.out)["unfinished"] == []
    assert "Note: judge 'kind': its anchors were not asked: stopped at --max-calls" in limited.err
    assert query(remote, MOVES) == []


@pytest.mark.slow
def test_a_judge_that_is_pinned_is_not_asked_again(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    """It says so itself: how much it takes at once says nothing of where it computes."""
    url = fault_server.base_url
    for name, said, calls in (("here", True, 0), ("there", False, 20)):
        (remote / f"{name}.py").write_text(PINNED.format(pinned=said), encoding="utf-8")
        config = f'[backends.judge]\nkind = "{name}:Mine"\nmodel = "{name}"\nbase_url = "{url}"\n'
        (remote / "promptlab.toml").write_text(config)
        (remote / "templates/task/v3.j2").unlink(missing_ok=True)
        assert promptlab("run", "task").code == 0
        calibrated(promptlab)
        third_version(remote)
        asked = fault_server.requests
        assert promptlab("run", "task").code == 0
        assert fault_server.requests - asked == CASES + calls


PINNED = """\
from promptlab.backends.openai import OpenAI


class Mine(OpenAI):
    pinned = {pinned}
"""


@pytest.mark.slow
def test_an_outage_of_the_judge_costs_no_more_than_the_check(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    third_version(remote)
    limited = promptlab("run", "task", "--max-calls", str(2 * CASES + 5))
    assert limited.code == 0, limited.err
    assert "Note: judge 'kind': its anchors were not asked: stopped at --max-calls" in limited.err
    assert query(remote, MOVES) == []


@pytest.mark.slow
def test_trials_with_one_answer_store_the_mean_of_their_labels(
    judged: Path, promptlab: Promptlab
) -> None:
    edit(judged / "suites/task.yaml", "backends: [echo]", "backends: [echo]\nrepeats: 2")
    assert promptlab("run", "task").code == 0
    first = query(judged, "SELECT run_id FROM runs ORDER BY id LIMIT 1")[0][0]
    rows = ["case,version,repeat,label,rater,run"]
    for rank in range(CASES):
        rows.append(f"c{rank:02},v1,0,{truth('v1', rank)},ann,")
        rows.append(f"c{rank:02},v1,0,{'fail' if rank == 0 else truth('v1', rank)},ann,{first}")
    (judged / "labels.csv").write_text("\n".join(rows) + "\n")
    figures = calibrated(promptlab, "--items", "0")["figures"]
    assert (figures["labels"], figures["agreement"]["value"]) == (60, 1.0)
    stored = "SELECT value, count(*) FROM passport_labels GROUP BY value"
    assert query(judged, stored) == [(0.0, 30), (0.5, 1), (1.0, 29)]


OTHER = '[backends.other]\nkind = "echo"\nmodel = "other"\n'


@pytest.mark.slow
def test_a_judge_that_asks_the_model_of_each_answer_has_a_passport_for_each(
    judged: Path, promptlab: Promptlab
) -> None:
    labels(judged)
    first = calibrated(promptlab)
    assert (first["verdict"], first["judge"]["backend"]) == ("trusted", "echo")
    (judged / "promptlab.toml").write_text(OTHER)
    assert promptlab("run", "task", "-b", "other").code == 0
    row = compared(promptlab)
    assert (row["verdict"], codes(row)) == ("refused", ["judge-stale"])
    assert "or that was for other models" in row["reason"]
    second = calibrated(promptlab)
    assert second["judge"]["backend"] == "other"
    assert second["digest"] != first["digest"]
    assert codes(compared(promptlab)) == []
    shown = json.loads(promptlab("judge", "show", "task", "--json").out)["passports"]
    assert [one["judge"]["backend"] for one in shown] == ["echo", "other"]
    assert "asked of other about its own answers, is trusted" in promptlab("judge", "show").out
    both = json.loads(promptlab("compare", "latest", "-2", "--json").out)["comparisons"]
    assert {one["verdict"] for one in both} == {"better"}


@pytest.mark.slow
def test_models_that_judge_their_own_answers_are_calibrated_one_by_one(
    judged: Path, promptlab: Promptlab
) -> None:
    (judged / "promptlab.toml").write_text(OTHER)
    assert promptlab("run", "task", "-b", "echo", "-b", "other").code == 0
    labels(judged, backend="echo")
    labels(judged, backend="other")
    words = ("judge", "calibrate", "task", "--labels", "labels.csv")
    refused = promptlab(*words)
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "of several: echo, other (calibrate it for each with --backend NAME)" in refused.err
    assert promptlab(*words, "--backend", "ehco").err.startswith(
        "Error: unknown backend 'ehco' (did you mean 'echo'?"
    )
    assert calibrated(promptlab, "--backend", "echo")["judge"]["backend"] == "echo"
    rows = json.loads(promptlab("compare", "--json").out)["comparisons"]
    verdicts = {row["backend"]: (row["verdict"], codes(row)) for row in rows}
    stale = ("refused", ["judge-stale"])
    assert verdicts == {"echo": ("better", []), "other": stale, None: stale}
    assert calibrated(promptlab, "--backend", "other")["figures"]["labels"] == 120
    rows = json.loads(promptlab("compare", "--json").out)["comparisons"]
    assert {row["verdict"] for row in rows} == {"better"}


@pytest.mark.slow
def test_a_judge_that_names_its_model_has_one_passport_for_all(
    remote: Path, promptlab: Promptlab
) -> None:
    with (remote / "promptlab.toml").open("a", encoding="utf-8") as file:
        file.write(OTHER)
    assert promptlab("run", "task", "-b", "other").code == 0
    assert codes(compared(promptlab)) == []
    [one] = json.loads(promptlab("judge", "show", "task", "--json").out)["passports"]
    assert "model" not in one["judge"]


def gate_of(promptlab: Promptlab, *gates: str, code: int) -> list[dict[str, Any]]:
    words = [word for gate in gates for word in ("--gate", gate)]
    ran = promptlab("run", "task", "--json", *words)
    assert ran.code == code, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["gates"]
    return found


@pytest.mark.slow
def test_a_gate_on_a_judge_needs_what_a_comparison_needs(
    judged: Path, promptlab: Promptlab
) -> None:
    gates = ("kind >= 0.4", "kind <= 0.9", "task@v2 > task@v1")
    for gate in gate_of(promptlab, *gates, code=1):
        assert {reason["code"] for each in gate["findings"] for reason in each["reasons"]} == {
            "judge-unchecked"
        }
    labels(judged)
    calibrated(promptlab)
    for gate in gate_of(promptlab, *gates, code=0):
        assert gate["holds"]
    notes = gate_of(promptlab, "kind >= 0.4", code=0)[0]["notes"]
    assert [note["code"] for note in notes] == ["judge-corrected"] * 2
    told = promptlab("run", "task", "--gate", "kind >= 0.55")
    assert told.code == 1
    assert "gate failed: kind >= 0.55: task@v1 on echo has 0.5" in told.err
    assert "note on kind >= 0.55: task@v1 is corrected with 60 human labels" in told.err
    edit(judged / "judges.py", "Is this good?", "Is this  good?")
    told = promptlab("run", "task", "--gate", "kind >= 0.4")
    assert told.code == 1
    assert "was changed since it was held against people's labels" in told.err


@pytest.mark.slow
def test_a_gate_goes_by_the_mean_that_people_would_see(judged: Path, promptlab: Promptlab) -> None:
    """The judge errs on 12 cases, in favour of neither version; it passes 18 too few of v1."""
    edit(judged / "suites/task.yaml", "judges:kind", "judges:kind: {errs: 12}")
    assert promptlab("run", "task").code == 0
    labels(judged)
    assert calibrated(promptlab)["verdict"] != "refused"
    [raw] = query(judged, "SELECT avg(score) FROM results WHERE version = 'v1' AND run_id IN"
                  " (SELECT run_id FROM runs ORDER BY id DESC LIMIT 1)")  # fmt: skip
    assert raw[0] == pytest.approx(0.3)
    [gate] = gate_of(promptlab, "kind >= 0.45", code=0)  # the truth is 0.5
    assert gate["holds"]


ASKING_ITSELF = '''\
from promptlab import Ask, Sample, scorer


def question(sample):
    return [Ask(f"Is this good? {sample.output}")]


@scorer(version="1", judge=True, asks=question)
def kind(sample: Sample) -> bool:
    """The model finds its own answer good."""
    [ask] = question(sample)
    return sample.answer_to(ask).text == "yes"
'''


def answers_and_judges(call: Call) -> str:
    """Answer with the prompt itself; find an answer good if it says so."""
    return polite(call) if call.prompt.startswith("Is this") else call.prompt


@pytest.fixture
def of_its_own(project: Path, promptlab: Promptlab, fault_server: FaultServer) -> Path:
    """Return a project whose judge is the model of each answer, and has a passport."""
    write_project(project)
    (project / "judges.py").write_text(ASKING_ITSELF)
    suite = project / "suites/task.yaml"
    suite.write_text(suite.read_text().replace("[echo]", "[server]"))
    url = fault_server.base_url
    config = f'[backends.server]\nkind = "openai"\nmodel = "m"\nbase_url = "{url}"\n'
    (project / "promptlab.toml").write_text(config)
    fault_server.say = answers_and_judges
    ran = promptlab("run", "task")
    assert ran.code == 0, ran.err
    labels(project)
    assert calibrated(promptlab)["judge"]["backend"] == "server"
    return project


@pytest.mark.slow
def test_a_model_that_judges_its_own_answers_has_anchors_too(
    of_its_own: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    third_version(of_its_own)
    asked = fault_server.requests
    assert promptlab("run", "task").code == 0
    assert fault_server.requests - asked == 2 * CASES + 20  # answers, their grades, anchors
    assert query(of_its_own, MOVES) == [(20, 0.0)]
    offline = promptlab("run", "task", "--offline")
    assert (offline.code, "Note: judge" in offline.err) == (0, False)
    assert fault_server.requests - asked == 2 * CASES + 20
    assert query(of_its_own, MOVES) == [(20, 0.0)]


@pytest.mark.slow
def test_a_model_that_has_moved_decides_nothing_of_its_own_answers(
    of_its_own: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.say = lambda call: "yes" if call.prompt.startswith("Is this") else call.prompt
    third_version(of_its_own)
    assert promptlab("run", "task").code == 0
    assert_moved(of_its_own, promptlab)


@pytest.mark.slow
def test_grading_again_asks_a_model_about_its_own_known_answers(
    of_its_own: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    edit(of_its_own / "judges.py", "Is this good?", "Is this fine?")
    third_version(of_its_own)
    assert promptlab("run", "task").code == 0
    assert query(of_its_own, MOVES) == []  # another judge, which has no passport
    edit(of_its_own / "judges.py", "Is this fine?", "Is this good?")
    asked = fault_server.requests
    ran = promptlab("score", "--json")
    assert (ran.code, json.loads(ran.out)["calls"]) == (0, CASES + 20), ran.err
    assert fault_server.requests - asked == CASES + 20
    assert query(of_its_own, MOVES) == [(20, 0.0)]


@pytest.mark.slow
def test_a_model_that_said_nothing_new_is_not_asked_about_its_own_answers(
    of_its_own: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    config = of_its_own / "promptlab.toml"
    config.write_text(config.read_text() + config.read_text().replace("server]", "twin]", 1)
                      .replace('"m"', '"n"'))  # fmt: skip
    assert promptlab("run", "task", "-b", "twin").code == 0
    assert calibrated(promptlab)["judge"]["backend"] == "twin"
    third_version(of_its_own)
    assert promptlab("run", "task", "-b", "twin").code == 0
    assert query(of_its_own, MOVES) == [(20, 0.0)]
    asked = fault_server.requests
    assert promptlab("run", "task", "-b", "twin", "-b", "server").code == 0
    assert fault_server.requests - asked == 2 * CASES + 20  # the server's answers and anchors
    assert query(of_its_own, MOVES) == [(20, 0.0), (20, 0.0)]


@pytest.mark.slow
def test_a_gate_on_a_judge_that_moved_is_not_decided(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    fault_server.say = lambda call: "yes"
    third_version(remote)
    [gate, worse] = gate_of(promptlab, "kind >= 0.4", "no-worse task@v1 by 0.3", code=1)
    assert {each["arm"] for each in gate["findings"]} == {"task@v1 on echo", "task@v2 on echo"}
    assert {r["code"] for each in gate["findings"] for r in each["reasons"]} == {"judge-moved"}
    assert {each["arm"] for each in worse["findings"]} == {"task@v2"}


@pytest.mark.slow
def test_a_passport_is_of_one_suite(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    text = (remote / "suites/task.yaml").read_text()
    (remote / "suites/other.yaml").write_text(text.replace("c0", "d0"))
    assert "has no passport" in promptlab("plan", "other").err
    third_version(remote)
    assert promptlab("run", "other").code == 0
    assert query(remote, MOVES) == []  # no anchors either
    rows = json.loads(promptlab("compare", "--json", "--baseline", "v1").out)["comparisons"]
    assert {code for row in rows for code in codes(row)} == {"judge-unchecked"}
    assert "has no passport" not in promptlab("plan", "task").err


@pytest.mark.slow
def test_a_plan_says_what_its_judge_can_see(judged: Path, promptlab: Promptlab) -> None:
    text = promptlab("plan", "task").err
    assert "the judge 'kind' has no passport, so `compare` may conclude nothing" in text
    labels(judged, range(20))
    calibrated(promptlab)
    assert "the judge 'kind' is refused: promptlab judge show task" in promptlab("plan", "task").err


@pytest.mark.slow
def test_what_was_said_in_a_review_is_read_as_labels(judged: Path, promptlab: Promptlab) -> None:
    """Both of outputs and of pairs, as `review --export` writes it."""
    run_id = query(judged, "SELECT run_id FROM runs")[0][0]
    rows = [
        LabelRow(
            run=run_id, case=f"c{rank:02}", version=f"task@{version}", backend="echo", repeat=0,
            label=None if rank == 7 else truth(version, rank), rater="ann", time="2026-11-30",
            note="", tags=("tone",),
        )
        for rank in range(CASES)
        for version in GOOD
    ]  # fmt: skip
    for name in ("labels.csv", "labels.jsonl"):
        (judged / name).write_text(as_file(rows, name))
        ran = promptlab("judge", "calibrate", "task", "--labels", name, "--json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["figures"]["labels"] == 118


@pytest.mark.slow
def test_a_server_that_fails_while_a_judge_is_probed_loses_nothing(
    remote: Path, promptlab: Promptlab, fault_server: FaultServer
) -> None:
    edit(remote / "judges.py", "Is this good?", "Is this any good?")  # another judge
    assert promptlab("run", "task").code == 0
    words = ("judge", "calibrate", "task", "--labels", "labels.csv")
    fault_server.fail("401")
    broken = promptlab(*words)
    assert (broken.code, broken.out) == (2, "")
    assert "401" in broken.err, broken.err
    assert codes(compared(promptlab)) == ["judge-stale"]
    fault_server.fail(None)
    assert promptlab(*words).code == 0
    assert codes(compared(promptlab)) == []

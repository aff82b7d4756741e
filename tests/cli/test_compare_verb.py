"""`promptlab compare`: what it compares, concludes, prints and refuses."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from promptlab.cli import run_cli

from .conftest import Gold, Promptlab, query
from .drawn import lay_out, suite, version, write

PAIR = {
    "v1": version("0-19"),
    "v2": version("0-17,20-35", "Take your time, and answer with the label alone."),
}
THREE = {**PAIR, "v3": version("0-21")}
TWO_BACKENDS = '[backends.small]\nkind = "echo"\n[backends.large]\nkind = "echo"\nprice = 2\n'
CONTRACT: dict[str, tuple[type, ...]] = {
    "a": (str,), "b": (str,), "backend": (str, type(None)), "n": (int,), "n_groups": (int,),
    "mean_a": (float,), "mean_b": (float,), "delta": (float,), "ci": (list,),
    "ci_simultaneous": (list, type(None)), "p": (float, type(None)), "null": (str, type(None)),
    "p_adjusted": (float, type(None)), "p_family": (float, type(None)), "family": (dict,),
    "method": (str,), "verdict": (str,), "wins": (int,),
    "losses": (int,), "ties": (int,), "cases_needed": (int,), "delta_tokens": (float,),
    "delta_cost_usd": (float, type(None)), "warnings": (list,),
}  # fmt: skip


def run(promptlab: Promptlab, *words: str) -> str:
    """Run the suite and return the id of the run."""
    ran = promptlab("run", "task", "--json", *words)
    assert ran.code == 0, ran.err
    run_id: str = json.loads(ran.out)["run"]
    return run_id


def compared(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    """Return the document of `compare --json`, in which no number may be NaN."""
    ran = promptlab("compare", "--json", *words)
    assert (ran.code, ran.err) == (0, "")
    document: dict[str, Any] = json.loads(ran.out, parse_constant=pytest.fail)
    return document


def verdicts(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(one["a"], one["b"]): one["verdict"] for one in document["comparisons"]}


def refused(promptlab: Promptlab, *words: str) -> str:
    """Return the one line of a mistake."""
    ran = promptlab(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    return ran.err.removeprefix("Error: ").rstrip()


@pytest.fixture(scope="module")
def _ran(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Run two versions, and three, and return both databases."""
    databases = {}
    for versions in (PAIR, THREE):
        root = tmp_path_factory.mktemp("ran")
        lay_out(root, versions)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "path", sys.path.copy())
            assert run_cli(["--project", str(root), "run", "task", "--json"]) == 0
        databases[len(versions)] = root / "promptlab.db"
    return databases


@pytest.fixture
def pair(project: Path, _ran: dict[int, Path]) -> Path:
    """Return a project that ran two versions."""
    lay_out(project, PAIR)
    shutil.copy(_ran[2], project / "promptlab.db")
    return project


@pytest.fixture
def three(project: Path, _ran: dict[int, Path]) -> Path:
    """Return a project that ran three versions."""
    lay_out(project, THREE)
    shutil.copy(_ran[3], project / "promptlab.db")
    return project


# The tables


@pytest.mark.slow
def test_two_versions(pair: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("compare")
    assert (ran.code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    gold("compare.txt", "two versions", ran.out)


def test_three_versions(three: Path, promptlab: Promptlab, gold: Gold) -> None:
    gold("compare.txt", "three versions", promptlab("compare").out)


def test_a_baseline(three: Path, promptlab: Promptlab, gold: Gold) -> None:
    ran = promptlab("compare", "--baseline", "v2", "--min-effect", "0.1")
    gold("compare.txt", "against a baseline, differences below 10 points being none", ran.out)


@pytest.mark.slow
def test_two_backends(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    lay_out(project, PAIR, suite(40, group=4))
    write(project, "promptlab.toml", TWO_BACKENDS)
    run(promptlab, "-b", "small", "-b", "large")
    ran = promptlab("compare")
    assert max(map(len, ran.out.splitlines())) <= 80
    gold("compare.txt", "two backends, cases in groups, one priced", ran.out)
    gold("compare.txt", "by backend", promptlab("compare", "--by", "backend").out)


@pytest.mark.slow
def test_groups(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    lay_out(project, PAIR, suite(48, group=16))
    run(promptlab)
    gold("compare.txt", "by group", promptlab("compare", "--by", "group").out)


@pytest.mark.parametrize("columns", ["40", "60", "80", "200"])
def test_no_line_is_wider_than_the_terminal(
    three: Path, promptlab: Promptlab, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out = promptlab("compare").out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert "+11.1 to +55.6" in out  # no number is cut off
    assert "v3" in out


def test_what_users_name_is_no_markup_and_steers_no_terminal(
    project: Path, promptlab: Promptlab
) -> None:
    lines = [
        json.dumps({"id": f"[b]{n}[/]", "rank": n, "group": "[red]é" if n % 2 else "[/]\x1b[2J"})
        for n in range(40)
    ]
    write(project, "suites/cases.jsonl", "\n".join(lines))
    lay_out(project, PAIR, suite().partition("cases:")[0] + "cases: cases.jsonl\n")
    run(promptlab)
    out = promptlab("compare", "--by", "group").out
    assert "[red]é " in out
    assert "[/]^[[2J " in out
    assert "won by v2: [b]20[/], [b]21[/], " in promptlab("compare").out


# The document


def test_the_document_has_the_keys_of_the_contract(three: Path, promptlab: Promptlab) -> None:
    comparisons = compared(promptlab)
    [run_id] = query(three, "SELECT run_id FROM runs")[0]
    assert (comparisons["run"], comparisons["scorer"]) == ([run_id], "right")
    assert len(comparisons["comparisons"]) == 3
    for one in comparisons["comparisons"]:
        for key, kind in CONTRACT.items():
            assert isinstance(one[key], kind), key
        assert one["verdict"] in ("better", "worse", "equivalent", "undecided", "refused")
        assert one["delta"] == pytest.approx(one["mean_b"] - one["mean_a"])
        low, high = one["ci"]
        assert low <= one["delta"] <= high
        assert one["wins"] + one["losses"] + one["ties"] == one["n"] == one["n_groups"] == 40
        assert one["family"] == {"question": "which version", "size": 3}
        if one["verdict"] == "refused":  # it shows neither p-value nor interval
            assert [one[key] for key in ("p", "p_family", "ci_simultaneous")] == [None] * 3
        else:
            assert one["p"] <= one["p_family"] == one["p_adjusted"] <= 1
            low, high = one["ci_simultaneous"]
            assert low < one["ci"][0] < one["ci"][1] < high
        assert (len(one["won"]), len(one["lost"])) == (one["wins"], one["losses"])


def test_the_document_says_what_was_planted(three: Path, promptlab: Promptlab) -> None:
    first, second, third = compared(promptlab)["comparisons"]
    assert (first["a"], first["b"], first["backend"]) == ("task@v1", "task@v2", "echo")
    assert (first["mean_a"], first["mean_b"]) == (0.5, 0.85)
    assert (first["wins"], first["losses"], first["ties"]) == (16, 2, 22)
    assert (first["verdict"], first["method"], first["reason"]) == ("better", "mcnemar-midp", None)
    assert first["delta_tokens"] == 2 * 9  # words more in the prompt, and in the echo of it
    assert first["delta_cost_usd"] is None  # unknown, not free
    assert second["verdict"] == "refused"
    assert "only 2 of 40 cases differ" in second["reason"]
    assert (third["a"], third["b"], third["verdict"]) == ("task@v2", "task@v3", "worse")
    ranks = {f"c{place:02}": place * 7 % 40 for place in range(40)}
    assert {ranks[case] for case in first["lost"]} == {18, 19}
    assert {ranks[case] for case in first["won"]} == set(range(20, 36))


def test_the_price_of_a_point(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR)
    write(project, "promptlab.toml", TWO_BACKENDS)
    run(promptlab, "-b", "large")
    [one] = compared(promptlab)["comparisons"]
    assert one["delta_cost_usd"] == pytest.approx(one["delta_tokens"] * 2 / 1e6)
    assert one["usd_per_point"] == pytest.approx(one["delta_cost_usd"] / one["delta"])


# Options


def test_a_lower_level_asks_for_more(pair: Path, promptlab: Promptlab) -> None:
    [usual] = compared(promptlab)["comparisons"]
    document = compared(promptlab, "--alpha", "0.0001")
    [one] = document["comparisons"]
    assert document["alpha"] == 0.0001
    assert (usual["verdict"], one["verdict"]) == ("better", "undecided")
    assert one["p"] == usual["p"]
    assert one["ci"][0] < usual["ci"][0] < usual["ci"][1] < one["ci"][1]


def test_what_is_within_the_smallest_effect_is_equivalent(
    three: Path, promptlab: Promptlab
) -> None:
    comparisons = verdicts(compared(promptlab, "--min-effect", "0.25"))
    assert comparisons["task@v1", "task@v3"] == "equivalent"
    # Better, but perhaps by less than 25 points.
    assert comparisons["task@v1", "task@v2"] == "undecided"
    shown = promptlab("compare", "--min-effect", "0.25").out
    assert shown.startswith("Of 3 comparisons: 2 undecided, 1 equivalent.\n")
    assert shown.count("equivalent") == 2  # and in the table


def test_strict_asks_for_the_exact_test(pair: Path, promptlab: Promptlab) -> None:
    [one] = compared(promptlab, "--strict")["comparisons"]
    assert one["method"] == "mcnemar-exact"
    assert one["p"] == pytest.approx(2 * sum(math.comb(18, k) for k in range(3)) / 2**18)
    assert one["p"] > compared(promptlab)["comparisons"][0]["p"]


@pytest.mark.parametrize("baseline", ["task@v2", "v2", "task@best"])
def test_all_are_set_against_a_baseline(three: Path, promptlab: Promptlab, baseline: str) -> None:
    write(three, "templates/task/aliases.yaml", "best: v2\n")
    comparisons = verdicts(compared(promptlab, "--baseline", baseline))
    assert comparisons == {("task@v2", "task@v1"): "worse", ("task@v2", "task@v3"): "worse"}


def test_another_scorer(project: Path, promptlab: Promptlab) -> None:
    versions = {"v1": version("0-19", "Grade 2."), "v2": version("0-17,20-35", "Grade 3.5.")}
    scorers = "drawn_checks:right\n  - drawn_checks:grade"
    lay_out(project, versions, suite(scorer=scorers))
    run(promptlab)
    document = compared(promptlab, "--scorer", "grade")
    [one] = document["comparisons"]
    assert (document["scorer"], one["method"], one["verdict"]) == (
        "grade", "paired-t+cubic", "better",
    )  # fmt: skip
    assert one["delta"] == pytest.approx(0.85 * 3.5 - 0.5 * 2)
    out = promptlab("compare", "--scorer", "grade").out
    assert "delta  interval" in out
    assert "+1.975" in out
    assert "points" not in out


@pytest.mark.slow
def test_pairs_of_backends(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR)
    write(project, "promptlab.toml", TWO_BACKENDS)
    run(promptlab, "-b", "small", "-b", "large")
    comparisons = compared(promptlab, "--by", "backend")["comparisons"]
    assert [(one["a"], one["b"], one["backend"]) for one in comparisons] == [
        ("task@v1 on small", "task@v1 on large", None),
        ("task@v2 on small", "task@v2 on large", None),
    ]
    [one, _] = compared(promptlab, "--by", "backend", "--baseline", "large")["comparisons"]
    assert (one["a"], one["b"]) == ("task@v1 on large", "task@v1 on small")


@pytest.mark.slow
def test_each_backend_and_all_together(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR)
    write(project, "promptlab.toml", TWO_BACKENDS)
    run(promptlab, "-b", "small", "-b", "large")
    comparisons = compared(promptlab)["comparisons"]
    assert [one["backend"] for one in comparisons] == ["small", "large", None]
    assert {one["n"] for one in comparisons} == {40}
    assert [one["delta"] for one in comparisons] == pytest.approx([0.35] * 3)


@pytest.mark.slow
def test_groups_are_compared_by_themselves(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR, suite(48, group=16))
    run(promptlab)
    comparisons = compared(promptlab, "--by", "group")["comparisons"]
    assert [(one["group"], one["n"], one["n_groups"]) for one in comparisons] == [
        (f"g0{group}", 16, 16) for group in range(3)
    ]
    assert sum(one["wins"] for one in comparisons) == 16
    [whole] = compared(promptlab)["comparisons"]
    assert (whole["n"], whole["n_groups"], whole["method"]) == (48, 3, "cr2+cubic")
    assert "3 groups of cases are too few" in whole["reason"]


# Several runs


@pytest.mark.slow
def test_runs_are_joined(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, PAIR)
    runs = [run(promptlab, "-t", f"task@{label}") for label in PAIR]
    assert "there is nothing to compare" in refused(promptlab, "compare", runs[1])
    assert sorted(compared(promptlab)["run"]) == sorted(runs)  # all that is stored of the suite
    document = compared(promptlab, *runs)
    assert document["run"] == runs
    assert verdicts(document) == {("task@v1", "task@v2"): "better"}
    assert compared(promptlab, "-2", "latest", runs[0])["run"] == runs


@pytest.mark.slow
def test_a_baseline_of_an_earlier_run_is_joined(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, THREE)
    write(project, "templates/task/aliases.yaml", "best: v2\n")
    earlier = run(promptlab, "-t", "task@v1", "-t", "task@v2")
    newest = run(promptlab, "-t", "task@v3")
    assert len(compared(promptlab, "--baseline", "task@best")["comparisons"]) == 2
    document = compared(promptlab, newest, "--baseline", "task@best")
    assert document["run"] == [newest, earlier]
    assert verdicts(document) == {("task@v2", "task@v3"): "worse"}  # v1 was not asked about
    out = promptlab("compare", newest, "--baseline", "task@v2").out
    assert f"Note: task@v2 is taken from run {earlier}\n" in out


@pytest.mark.slow
def test_an_edited_version_is_reported_from_what_it_was(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, {"v1": PAIR["v1"]})
    first = run(promptlab)
    write(project, "templates/task/v1.j2", PAIR["v2"])
    second = run(promptlab)
    [one] = compared(promptlab, first, second)["comparisons"]
    assert (one["verdict"], one["wins"], one["losses"]) == ("better", 16, 2)
    digests = [digest for (digest,) in query(project, "SELECT digest FROM template_labels")]
    labels = {f"task@v1 [{digest.partition(':')[2][:6]}]" for digest in digests}
    assert {one["a"], one["b"]} == labels
    assert one["b"].removeprefix("task@") in promptlab("compare", first, second).out


def test_a_version_against_its_own_copy_is_identical(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": PAIR["v1"], "copy": PAIR["v1"]})
    run(promptlab)
    assert query(project, "SELECT count(*) FROM generations") == [(40,)]  # shared
    expected = "both arms share every answer: they are the same prompt under two names"
    for words in ((), ("--min-effect", "0.2")):  # never equivalent by luck
        [one] = compared(promptlab, *words)["comparisons"]
        assert (one["verdict"], one["reason"], one["delta"]) == ("refused", expected, 0.0)
    ran = promptlab("compare")
    assert (ran.code, ran.err) == (0, "")
    assert f"no verdict: {expected}" in " ".join(ran.out.split())


# How a project decides


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("promptlab.toml", "[compare]\nmin_cases = 41\n"),
        ("pyproject.toml", "[tool.promptlab.compare]\nmin_cases = 41\n"),
    ],
)
def test_a_project_sets_its_limits(pair: Path, promptlab: Promptlab, file: str, text: str) -> None:
    write(pair, file, text)
    [one] = compared(promptlab)["comparisons"]
    assert (one["verdict"], one["reason"]) == ("refused", "40 cases are too few: at least 41")


def test_a_project_sets_its_level_and_the_command_line_another(
    pair: Path, promptlab: Promptlab
) -> None:
    write(pair, "promptlab.toml", "[compare]\nalpha = 0.0001\nmin_effect = 0.01\nstrict = true\n")
    document = compared(promptlab)
    assert (document["alpha"], document["min_effect"]) == (0.0001, 0.01)
    assert document["comparisons"][0]["method"] == "mcnemar-exact"
    document = compared(promptlab, "--alpha", "0.05", "--min-effect", "0")
    assert (document["alpha"], document["min_effect"]) == (0.05, 0.0)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "the judge 'judged' was never compared with people's labels"),
        ("labels = 100\nkappa = 0.3\nsensitivity = 0.9\nspecificity = 0.9\n",
         "the judge 'judged' is not good enough: its kappa is 0.3, below 0.4"),
        ("labels = 10\nkappa = 0.8\nsensitivity = 0.9\nspecificity = 0.9\n",
         "the judge 'judged' is not good enough: 10 labels are too few: at least 50"),
        ("labels = 100\nkappa = 0.8\nsensitivity = 0.9\nspecificity = 0.9\n", None),
    ],
)  # fmt: skip
def test_a_judge_is_believed_as_far_as_it_is_calibrated(
    project: Path, promptlab: Promptlab, table: str, reason: str | None
) -> None:
    lay_out(project, PAIR, suite(scorer="drawn_checks:judged"))
    write(project, "promptlab.toml", f"[judges.judged]\n{table}" if table else "")
    run(promptlab)
    [one] = compared(promptlab)["comparisons"]
    assert one["reason"] == reason
    assert one["verdict"] == ("better" if reason is None else "refused")


def test_a_database_alone_can_be_compared(
    pair: Path, promptlab: Promptlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [inside] = compared(promptlab, "--baseline", "v1")["comparisons"]
    monkeypatch.chdir(tmp_path)
    words = ("--db", str(pair / "promptlab.db"), "compare", "--baseline")
    ran = promptlab(*words, "v1", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["comparisons"] == [inside]
    assert refused(promptlab, *words, "v9") == "unknown arm 'v9' (known: task@v1, task@v2)"
    assert "no project" in refused(promptlab, "compare")


# Mistakes


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--scorer", "left"], "unknown scorer 'left' of run "),
        (["--baseline", "nobody"], "unknown arm 'nobody' (known: task@v1, task@v2)"),
        (["--baseline", "task@v9"], "unknown version 'v9' of task (known: v1, v2)"),
        (["--baseline", "task@*"], "'task@*' names 2 versions (choose one of task@v1, task@v2)"),
        (["--baseline", "greet@v1"], "the text of greet@v1 was never run (promptlab run SUITE"),
        (["2020"], "unknown run '2020'"),
        (["-2"], "there is no run -2"),
        (["--by", "backend"], "there is nothing to compare by backend"),
        (["--by", "backend", "--baseline", "big"], "unknown backend 'big' (known: echo)"),
        (["--by", "group"], "there is nothing to compare by group"),
        (["--by", "case"], "invalid value for '--by': 'case' is not one of"),
        (["--alpha", "0"], "invalid value for '--alpha': 0.0 is not in the range 0<x<1"),
        (["--alpha", "nan"], "invalid value for '--alpha': nan is not a number"),
        (["--min-effect", "-1"], "invalid value for '--min-effect': -1.0 is not in the range x>=0"),
        (["--min-effect", "inf"], "invalid value for '--min-effect': inf is not a number"),
    ],
)
def test_mistakes(pair: Path, promptlab: Promptlab, words: list[str], expected: str) -> None:
    assert refused(promptlab, "compare", "--json", *words).startswith(expected)


def test_no_database(project: Path, promptlab: Promptlab) -> None:
    assert "there is no database yet" in refused(promptlab, "compare")


def test_one_arm_is_nothing_to_compare(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": PAIR["v1"]})
    run(promptlab)
    expected = "there is nothing to compare by version (run more than one version or backend, or"
    assert refused(promptlab, "compare").startswith(expected)
    assert refused(promptlab, "compare", "--baseline", "v1").startswith(expected)


def test_a_broken_project_file_is_reported_with_a_named_database_too(
    pair: Path, promptlab: Promptlab
) -> None:
    write(pair, "promptlab.toml", "[compare]\nalpha = 2\n")
    for words in (["compare"], ["--db", "promptlab.db", "compare"]):
        assert refused(promptlab, *words).startswith("promptlab.toml: compare.alpha: ")


@pytest.mark.slow
def test_an_alias_alone_names_the_baseline(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": version("0-9"), "v2": version("0-29")}, suite())
    assert promptlab("run", "task").code == 0
    assert promptlab("template", "tag", "task@v2", "best").code == 0
    [one] = json.loads(promptlab("compare", "--baseline", "best", "--json").out)["comparisons"]
    assert (one["a"], one["b"]) == ("task@v2", "task@v1")

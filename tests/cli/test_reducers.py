"""`reduce` of a scorer: read, refused, kept with the run, and used by every verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit

SCORER = """
from collections import Counter

seen = Counter()


def nth(sample):
    name, _, scores = sample.output.partition(":")
    seen[name] += 1
    return float(scores.split()[(seen[name] - 1) % 3])


def reducing(sample, *, reduce: int = 0):
    return reduce == 2
"""

LABELS = """
from collections import Counter

from promptlab import Score

seen = {"said": Counter(), "other": Counter()}


def answer(sample, scorer):
    name, _, answers = sample.output.strip().partition(":")
    seen[scorer][name] += 1
    return answers.split("/")[(seen[scorer][name] - 1) % 3]


def said(sample):
    text = answer(sample, "said")
    right = text == sample.case.vars["right"]
    return Score(float(right), right, gradable=text != "no idea")


def other(sample):
    return answer(sample, "other") == "no idea"
"""

# What the three repeats of each case score, by version.
CASES = """\
{"id": "a", "v1": "a1: 1 0 0", "v2": "a2: 1 1 0"}
{"id": "b", "v1": "b1: 0 0 0", "v2": "b2: 0 1 1"}
{"id": "c", "v1": "c1: 1 1 1", "v2": "c2: 0 0 1"}
{"id": "d", "v1": "d1: 0 0 1", "v2": "d2: 1 0 1"}
"""

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
repeats: 3
scorers:
  - mine:nth: {name: score, reduce: pass_at_2}
"""


@pytest.fixture
def repeated(project: Path) -> Path:
    """Return a project of two versions whose three repeats score as `CASES` says."""
    (project / "mine.py").write_text(SCORER)
    (project / "templates/t").mkdir()
    for version in ("v1", "v2"):
        (project / f"templates/t/{version}.j2").write_text(f"{{{{ {version} }}}}")
    (project / "suites/cases.jsonl").write_text(CASES)
    (project / "suites/s.yaml").write_text(SUITE)
    return project


def means(promptlab: Promptlab, *words: str) -> list[float]:
    ran = promptlab("run", "s", "--json", *words)
    assert ran.code == 0, ran.err
    return [arm["scores"][0]["mean"] for arm in json.loads(ran.out)["arms"]]


def compared(promptlab: Promptlab) -> dict[str, Any]:
    document = json.loads(promptlab("compare", "--json").out)
    row: dict[str, Any] = document["comparisons"][0]
    return row


@pytest.mark.parametrize(
    ("reduce", "first", "second"),
    [
        ("mean", [1 / 3, 0, 1, 1 / 3], [2 / 3, 2 / 3, 1 / 3, 2 / 3]),
        ("median", [0, 0, 1, 0], [1, 1, 0, 1]),
        ("mode", [0, 0, 1, 0], [1, 1, 0, 1]),
        ("max", [1, 0, 1, 1], [1, 1, 1, 1]),
        ("at_least_2", [0, 0, 1, 0], [1, 1, 0, 1]),
        ("pass_at_2", [2 / 3, 0, 1, 2 / 3], [1, 1, 2 / 3, 1]),
        ("all_2", [0, 0, 1, 0], [1 / 3, 1 / 3, 0, 1 / 3]),
    ],
)
def test_every_verb_counts_what_repeats_are_reduced_to(
    repeated: Path, promptlab: Promptlab, reduce: str, first: list[float], second: list[float]
) -> None:
    edit(repeated / "suites/s.yaml", "pass_at_2", reduce)
    assert means(promptlab) == pytest.approx([sum(first) / 4, sum(second) / 4])
    row = compared(promptlab)
    assert (row["mean_a"], row["mean_b"]) == pytest.approx((sum(first) / 4, sum(second) / 4))
    pairs = list(zip("abcd", first, second, strict=True))
    assert row["won"] == [case for case, a, b in pairs if b > a + 1e-9]
    assert row["lost"] == [case for case, a, b in pairs if b < a - 1e-9]


def test_a_run_names_the_reducer(repeated: Path, promptlab: Promptlab) -> None:
    arms = json.loads(promptlab("run", "s", "--json").out)["arms"]
    assert [arm["scores"][0]["reduce"] for arm in arms] == ["pass_at_2"] * 2
    ran = promptlab("run", "s")
    assert "score, pass_at_2 of 3 repeats" in ran.out
    assert "0.5833" in ran.out


@pytest.mark.slow
def test_titles_name_the_reducer(repeated: Path, promptlab: Promptlab) -> None:
    promptlab("run", "s")
    reduced = "pass_at_2 of 3 repeats"
    assert f"score, {reduced} on echo, against v1" in promptlab("compare").out
    assert compared(promptlab)["reduced"] == reduced
    assert f"score {reduced} 0.5833 -> 0.9167" in promptlab("diff", "t@v1", "t@v2").out
    edit(repeated / "suites/s.yaml", "pass_at_2", "mean")
    promptlab("run", "s")
    assert "score on echo, against v1" in promptlab("compare").out
    assert compared(promptlab)["reduced"] is None


@pytest.mark.slow
@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_what_does_not_add_up_is_not_told(
    repeated: Path, promptlab: Promptlab, reduce: str
) -> None:
    """Of v1's answers half hold no label; by the best of three repeats that is no part of it."""
    labels = [["no idea", "no idea", "yes"], ["yes", "yes", "no"]]
    rows = [
        {
            "id": f"c{n}",
            "right": ["yes", "no"][n % 7 == 0],
            **{f"v{v + 1}": f"{n}-{v}:{'/'.join(labels[v])}" for v in range(2)},
        }
        for n in range(40)
    ]
    cases = "".join(json.dumps(row) + "\n" for row in rows)
    (repeated / "suites/cases.jsonl").write_text(cases)
    (repeated / "mine.py").write_text(LABELS)
    suite = SUITE.replace("nth: {name: score, reduce: pass_at_2}", f"said: {{reduce: {reduce}}}")
    (repeated / "suites/s.yaml").write_text(f"{suite}  - mine:other\n")
    promptlab("run", "s")
    row = compared(promptlab)
    causes = row["causes"]
    assert causes["a"]["not_gradable"] == pytest.approx(2 / 3)
    means = reduce == "mean"
    assert (causes["form"] is not None) == means
    assert (causes["a"]["right_given_gradable"] is not None) == means
    assert bool(causes["other_scorers"]) == means
    assert ("difference-in-form" in [note["code"] for note in row["notes"]]) == means


@pytest.mark.slow
def test_a_gate_takes_what_repeats_are_reduced_to(repeated: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "s", "--gate", "score >= 0.58").code == 0
    assert promptlab("run", "s", "--gate", "score >= 0.59").code == 1


def test_it_is_kept_with_the_run(repeated: Path, promptlab: Promptlab) -> None:
    promptlab("run", "s")
    edit(repeated / "suites/s.yaml", "pass_at_2", "max")
    assert compared(promptlab)["mean_a"] == pytest.approx(7 / 12)
    assert promptlab("db", "verify").code == 0


@pytest.mark.parametrize(
    ("reduce", "said"),
    [
        ("pass_at_k", "such as pass_at_3"),
        ("most", "mean, median, mode, max"),
        ("pass_at_0", "cannot reduce repeats by 'pass_at_0'"),
        ("3", "cannot reduce repeats by 3"),
        ("[max]", "cannot reduce repeats by ['max']"),
    ],
)
def test_what_is_no_reducer(repeated: Path, promptlab: Promptlab, reduce: str, said: str) -> None:
    edit(repeated / "suites/s.yaml", "pass_at_2", reduce)
    ran = promptlab("run", "s")
    assert ran.code == 2
    assert "suites/s.yaml:6: scorers.0" in ran.err
    assert said in ran.err


@pytest.mark.parametrize("reduce", ["pass_at_4", "at_least_4", "all_4"])
def test_more_tries_than_repeats(repeated: Path, promptlab: Promptlab, reduce: str) -> None:
    edit(repeated / "suites/s.yaml", "pass_at_2", reduce)
    ran = promptlab("run", "s")
    assert ran.code == 2
    assert f"reduces by {reduce}, which takes 4 repeats: there are 3" in ran.err
    assert promptlab("run", "s", "--repeats", "4", "--dry-run").code == 0


def test_stopping_early_compares_means(repeated: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "s", "--until-decided")
    assert ran.code == 2
    assert "--until-decided compares means" in ran.err
    edit(repeated / "suites/s.yaml", "  - mine", "  - contains: {any: a}\n  - mine")
    assert promptlab("run", "s", "--until-decided", "--dry-run").code == 0  # not the primary one


def test_a_scorer_may_have_such_a_parameter_of_its_own(
    repeated: Path, promptlab: Promptlab
) -> None:
    edit(
        repeated / "suites/s.yaml", "nth: {name: score, reduce: pass_at_2}", "reducing: {reduce: 2}"
    )
    assert means(promptlab) == [1, 1]

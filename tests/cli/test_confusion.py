"""`show --confusion`: how each arm classifies, from what is stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit

LABELS = ["negative", "neutral", "positive"]
SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers:
  - label: {{labels: [{labels}]}}
  - length
  - exact_match
"""
# What v1 and v2 say in each case, and what is right.
SAID = [
    ("positive", "positive", "positive"),
    ("negative", "It is positive.", "positive"),
    ("negative", "negative", "negative"),
    ("none of these", "positive, or negative", "negative"),
    ("neutral", "", "neutral"),
]


@pytest.fixture
def labelled(project: Path, promptlab: Promptlab) -> Path:
    """Return a project with a run of two versions that label five cases."""
    (project / "templates/t").mkdir()
    for version in ("v1", "v2"):
        text = f"{{{{ {version} }}}}"
        (project / f"templates/t/{version}.j2").write_text(text, encoding="utf-8")
    rows = [
        {"id": f"c{n}", "v1": first, "v2": second or "?", "expect": right}
        for n, (first, second, right) in enumerate(SAID)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "suites/cases.jsonl").write_text(text, encoding="utf-8")
    suite = SUITE.format(labels=", ".join(LABELS))
    (project / "suites/s.yaml").write_text(suite, encoding="utf-8")
    assert promptlab("run", "s").code == 0
    return project


def document(promptlab: Promptlab, *words: str) -> Any:
    ran = promptlab("show", *words, "--confusion", "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_the_figures_of_each_arm(labelled: Path, promptlab: Promptlab) -> None:
    found = document(promptlab)
    assert found["without"] == {"length": "it does not record what would have been right"}
    by_label, exact = found["scorers"]
    assert (by_label["scorer"], by_label["classes"]) == ("label", LABELS)
    first, second = by_label["arms"]
    assert (first["arm"], first["n"], first["accuracy"]) == ("t@v1 on echo", 5, 0.6)
    # negative: 1 of 2 found twice; neutral: 1 of 1; positive: 1 of 2 found once.
    assert [each["f1"] for each in first["classes"]] == [0.5, 1.0, pytest.approx(2 / 3)]
    assert first["macro_f1"] == pytest.approx((1 / 2 + 1 + 2 / 3) / 3)
    assert [row["nothing"] for row in first["matrix"]] == [1, 0, 0]
    assert second["matrix"][0] == {
        "expected": "negative",
        "found": {"negative": 1, "neutral": 0, "positive": 0},
        "nothing": 1,
        "other": 0,
        "no_score": 0,
    }
    neutral = second["classes"][1]
    assert (neutral["n"], neutral["found"], neutral["precision"]) == (1, 0, None)
    assert [row["other"] for row in exact["arms"][1]["matrix"]] == [1, 1, 1]


def test_it_agrees_with_the_means_and_fits_a_terminal(labelled: Path, promptlab: Promptlab) -> None:
    shown = promptlab("show", "--confusion")
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "label (primary), 3 classes" in lines[0]
    assert next(line for line in lines if line.startswith("t@v1")).split() == [
        *("t@v1", "5", "60.0", "%", "72.2", "%")
    ]
    assert any(line.split() == ["negative", "1", "0", "0", "1"] for line in lines)
    assert "(nothing): no label was found in the answer, or none could be told." in lines
    assert "length: it does not record what would have been right" in lines


@pytest.mark.slow
def test_many_classes_are_numbered_or_listed(labelled: Path, promptlab: Promptlab) -> None:
    shown = ""
    for number, told in ((9, "found, by number"), (30, "Found instead of the right answer")):
        labels = [f"label-of-kind-{n:02}" for n in range(number)]
        rows = [
            {"id": f"c{n}", "v1": labels[0], "v2": label, "expect": label}
            for n, label in enumerate(labels)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (labelled / "suites/cases.jsonl").write_text(text, encoding="utf-8")
        suite = SUITE.format(labels=", ".join(labels)).replace("  - exact_match\n", "")
        (labelled / "suites/s.yaml").write_text(suite, encoding="utf-8")
        assert promptlab("run", "s").code == 0
        shown = promptlab("show", "--confusion").out
        assert told in shown
        assert max(map(len, shown.splitlines())) <= 80
    assert "1  label-of-kind-01 -> label-of-kind-00" in shown
    assert "... and 17 pairs more" in shown


def test_a_label_that_cannot_be_told_keeps_its_row(labelled: Path, promptlab: Promptlab) -> None:
    unread = "እሱ positive ነው"
    edit(labelled / "templates/t/v1.j2", "{{ v1 }}", unread)
    assert promptlab("run", "s", "-t", "t@v1").code == 4
    [matrix] = [arm["matrix"] for arm in document(promptlab)["scorers"][0]["arms"]]
    assert [row["nothing"] for row in matrix] == [2, 1, 2]


def test_without_classes_there_is_nothing_to_show(ran_project: Path, promptlab: Promptlab) -> None:
    refused = promptlab("show", "--confusion")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "no scorer of run" in refused.err
    assert "contains: it does not record what would have been right" in refused.err
    for words in (("--failed",), ("--by", "tag"), ("--case", "ada"), ("--full",)):
        refused = promptlab("show", "--confusion", *words)
        assert (refused.code, "leave one of the two out" in refused.err) == (2, True)

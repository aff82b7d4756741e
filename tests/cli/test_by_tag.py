"""Means and comparisons on the cases of each tag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers:
  - exact_match
  - length
"""


@pytest.fixture
def tagged(project: Path, promptlab: Promptlab) -> Path:
    """Run a suite in which v2 is right on every case, v1 on hard ones alone, in 6 groups of 10."""
    (project / "templates/t").mkdir()
    (project / "templates/t/v1.j2").write_text("{{ a }}", encoding="utf-8")
    (project / "templates/t/v2.j2").write_text("yes {{ n }}", encoding="utf-8")
    rows = [
        {
            "id": f"c{n}",
            "n": n,
            "a": f"yes {n}" if n % 3 == 0 else f"no {n}",
            "expect": f"yes {n}",
            "tags": [*(["hard"] if n % 3 == 0 else ["easy"]), *(["long"] if n < 20 else [])],
            "group": f"g{n % 6}",
        }
        for n in range(60)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "suites/cases.jsonl").write_text(text, encoding="utf-8")
    (project / "suites/s.yaml").write_text(SUITE, encoding="utf-8")
    assert promptlab("run", "s").code == 0
    return project


def _json(promptlab: Promptlab, *words: str) -> Any:
    return json.loads(promptlab(*words, "--json").out)


@pytest.mark.slow
def test_versions_are_compared_on_the_cases_of_each_tag(tagged: Path, promptlab: Promptlab) -> None:
    rows = _json(promptlab, "compare", "--by", "tag")["comparisons"]
    told = [(row["tag"], row["group"], row["n"], row["n_groups"], row["delta"]) for row in rows]
    assert told == [
        ("hard", None, 20, 2, 0.0),
        ("long", None, 20, 6, pytest.approx(13 / 20)),  # 13 of the first 20 are easy
        ("easy", None, 40, 4, 1.0),
    ]
    assert all("q" in row for row in rows)
    assert {row["family"]["question"] for row in rows} == {"which version on cases of which tag"}
    assert rows[2]["p_family"] is None or rows[2]["p_family"] >= rows[2]["p"]
    out = promptlab("compare", "--by", "tag").out
    assert "easy" in out
    assert _json(promptlab, "compare")["comparisons"][0]["tag"] is None


@pytest.mark.slow
def test_means_are_shown_by_tag(tagged: Path, promptlab: Promptlab) -> None:
    document = _json(promptlab, "show", "--by", "tag")
    assert document["by"] == "tag"
    found = {
        (part["tag"], arm["arm"]): (part["cases"], arm["scores"][0]["n"], arm["scores"][0]["mean"])
        for part in document["parts"]
        for arm in part["arms"]
    }
    assert found == {
        ("hard", "t@v1 on echo"): (20, 20, 1.0),
        ("hard", "t@v2 on echo"): (20, 20, 1.0),
        ("long", "t@v1 on echo"): (20, 20, pytest.approx(7 / 20)),
        ("long", "t@v2 on echo"): (20, 20, 1.0),
        ("easy", "t@v1 on echo"): (40, 40, 0.0),
        ("easy", "t@v2 on echo"): (40, 40, 1.0),
    }
    shown = promptlab("show", "--by", "tag").out
    assert "easy: 40 cases" in shown
    assert "length" in shown


@pytest.mark.slow
def test_reduced_scores_are_those_of_the_tag(tagged: Path, promptlab: Promptlab) -> None:
    suite = tagged / "suites/s.yaml"
    text = suite.read_text(encoding="utf-8").replace(
        "- exact_match", "- exact_match: {reduce: max}"
    )
    suite.write_text(text + "repeats: 2\n", encoding="utf-8")
    assert promptlab("run", "s").code == 0
    [hard, *_] = _json(promptlab, "show", "--by", "tag")["parts"]
    [scores] = [each for each in hard["arms"][0]["scores"] if each["scorer"] == "exact_match"]
    assert (scores["n"], scores["trials"], scores["reduce"], scores["mean"]) == (20, 40, "max", 1.0)


def test_without_tags_there_is_nothing_to_show(project: Path, promptlab: Promptlab) -> None:
    people = project / "suites/people.jsonl"
    people.write_text('{"id": "ada", "name": "Ada"}\n', encoding="utf-8")
    assert promptlab("run", "greet").code == 0
    for words in (("show", "--by", "tag"), ("compare", "--by", "tag")):
        ran = promptlab(*words)
        assert (ran.code, "give the cases tags" in ran.err) == (2, True)
    ran = promptlab("show", "--by", "tag", "--failed")
    assert (ran.code, "--by tag shows means" in ran.err) == (2, True)

"""`largest_difference` of a scorer, and the family of all scorers beside the primary one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab

SCORERS = """
def number(sample):
    return float(sample.output.split()[0])


def other(sample):
    return float(sample.output.split()[1])
"""
SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers:
  - mine:number{declared}
  - mine:other
  - exact_match: {{target: "no"}}
"""


@pytest.fixture
def tight(project: Path) -> Path:
    """Return a project whose second version scores .01 to .05 more on each of 60 cases."""
    (project / "mine.py").write_text(SCORERS)
    (project / "templates/t").mkdir()
    for name in ("v1", "v2"):
        (project / f"templates/t/{name}.j2").write_text(f"{{{{ {name} }}}}")
    rows = (
        {"id": f"c{at}", "v1": f"0.5 {at % 2} {at}", "v2": f"{0.51 + at % 5 / 100} 1 {at}x"}
        for at in range(60)
    )
    (project / "suites/cases.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return project


def compared(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    [one] = json.loads(promptlab("compare", "--json", *words).out)["comparisons"]
    assert isinstance(one, dict)
    return one


@pytest.mark.slow
def test_what_the_suite_declares_is_used_and_told(tight: Path, promptlab: Promptlab) -> None:
    verdicts = {}
    for declared in ("", ": {largest_difference: 0.2}"):
        (tight / "suites/s.yaml").write_text(SUITE.format(declared=declared))
        assert promptlab("run", "s").code == 0
        one = compared(promptlab)
        verdicts[declared] = one["verdict"]
        assert one["method"] == "paired-t+imagined"
        [note] = [note for note in one["notes"] if note["code"] == "imagined-units"]
        assert note["about"]["largest"] == (0.2 if declared else 1.0)
        told = "the suite says that no case differs by more than 0.2"
        assert (told in one["warnings"]) == bool(declared)
    assert verdicts == {"": "undecided", ": {largest_difference: 0.2}": "better"}


@pytest.mark.slow
def test_what_a_case_contradicts_is_not_used(tight: Path, promptlab: Promptlab) -> None:
    (tight / "suites/s.yaml").write_text(SUITE.format(declared=": {largest_difference: 0.04}"))
    promptlab("run", "s")
    one = compared(promptlab)
    assert one["verdict"] == "undecided"
    text = "the suite says that no case differs by more than 0.04"
    assert f"{text}: one differs by 0.05, so this was not used" in one["warnings"]


@pytest.mark.parametrize("wrong", ["0", "-1", "true", "'0.1'", ".inf", ".nan"])
def test_it_must_be_a_number_above_0(tight: Path, promptlab: Promptlab, wrong: str) -> None:
    (tight / "suites/s.yaml").write_text(
        SUITE.format(declared=f": {{largest_difference: {wrong}}}")
    )
    ran = promptlab("run", "s")
    assert ran.code == 2
    assert "largest_difference must be a number above 0" in ran.err
    assert "s.yaml" in ran.err


@pytest.mark.slow
def test_scorers_beside_the_primary_one_are_one_family(tight: Path, promptlab: Promptlab) -> None:
    (tight / "suites/s.yaml").write_text(SUITE.format(declared=""))
    promptlab("run", "s")
    primary, other = compared(promptlab), compared(promptlab, "--scorer", "other")
    assert primary["family"] == {"question": "which version", "size": 1}
    assert other["family"]["size"] == 2
    assert "beside the primary" in other["family"]["question"]
    assert other["p_family"] == pytest.approx(2 * other["p"])
    assert other["verdict"] == "better"

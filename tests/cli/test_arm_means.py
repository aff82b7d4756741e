"""The mean of an arm counts what a comparison counts: of shares, a failed trial is 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab

SCORER = """
def share(sample):
    number = int(sample.output)
    if number % 7 == 3:
        raise ValueError("nothing to read")
    return {scale} * (number % 5) / 4
"""

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers:
  - mine:share{more}
"""


def laid_out(project: Path, *, scale: int = 1, more: str = "", group: int = 0) -> None:
    """Write two versions of which the first fails on 5 of 35 cases, the second on none."""
    (project / "mine.py").write_text(SCORER.format(scale=scale))
    (project / "templates/t").mkdir()
    (project / "templates/t/v1.j2").write_text("{{ a }}")
    (project / "templates/t/v2.j2").write_text("{{ b }}")
    rows = [
        {
            "id": f"c{n}",
            "a": str(n),
            "b": str(7 * n),
            **({"group": f"g{n // group}"} if group else {}),
        }
        for n in range(35)
    ]
    (project / "suites/cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project / "suites/s.yaml").write_text(SUITE.format(more=more))


def compared(promptlab: Promptlab) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(promptlab("compare", "--json").out)["comparisons"][0]
    return row


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", ": {reduce: max}"])
@pytest.mark.parametrize("group", [0, 5])
def test_means_are_those_of_the_comparison(
    project: Path, promptlab: Promptlab, more: str, group: int
) -> None:
    laid_out(project, more=more, group=group)
    assert promptlab("run", "s").code == 4
    first, second = promptlab("run", "s", "--json").out, compared(promptlab)
    arms = [arm["scores"][0] for arm in json.loads(first)["arms"]]
    means = [arm["mean"] for arm in arms]
    assert means == pytest.approx([second["mean_a"], second["mean_b"]])
    assert second["mean_b"] - second["mean_a"] == pytest.approx(second["delta"])
    assert means[0] == pytest.approx(sum(n % 5 / 4 for n in range(35) if n % 7 != 3) / 35)
    assert [(arm["n"], arm["trials"], arm["unscored"]) for arm in arms] == [
        (35, 30, 5),
        (35, 35, 0),
    ]
    assert [arm["unscored_count_as"] for arm in arms] == [0, 0]
    assert arms[0]["ci"][0] < means[0] < arms[0]["ci"][1]
    assert "5 trials without a score count as 0." in promptlab("run", "s").out


@pytest.mark.slow
def test_numbers_without_bounds_leave_failures_out_and_say_so(
    project: Path, promptlab: Promptlab
) -> None:
    laid_out(project, scale=3)
    ran = promptlab("run", "s")
    assert "5 trials without a score are left out." in ran.out
    first, _ = (arm["scores"][0] for arm in json.loads(promptlab("run", "s", "--json").out)["arms"])
    known = [3 * (n % 5) / 4 for n in range(35) if n % 7 != 3]
    assert (first["mean"], first["n"]) == (pytest.approx(sum(known) / 30), 30)
    assert first["unscored_count_as"] is None
    row = compared(promptlab)
    assert (row["n"], row["mean_b"] - row["mean_a"]) == (30, pytest.approx(row["delta"]))


@pytest.mark.slow
def test_an_arm_of_which_nothing_is_known_has_no_mean(project: Path, promptlab: Promptlab) -> None:
    laid_out(project)
    (project / "templates/t/v1.j2").write_text("3")
    promptlab("run", "s")
    first, second = (
        arm["scores"][0] for arm in json.loads(promptlab("run", "s", "--json").out)["arms"]
    )
    assert (first["mean"], first["n"], first["ci"], first["unscored"]) == (None, 0, None, 35)
    assert second["n"] == 35
    assert promptlab("run", "s").code == 4


def test_a_gate_takes_that_mean(project: Path, promptlab: Promptlab) -> None:
    laid_out(project)
    mean = sum(n % 5 / 4 for n in range(35) if n % 7 != 3) / 35
    ran = promptlab("run", "s", "--gate", f"share >= {mean + 0.01:.3f}")
    assert ran.code == 1
    assert f"t@v1 on echo has {mean:.4g}" in ran.out + ran.err

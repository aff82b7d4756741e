"""What a comparison tells to do next: one command that works as it stands."""

from __future__ import annotations

import pytest

from promptlab.analysis.basis import Basis
from promptlab.core.codes import Code
from promptlab.core.messages import Json
from promptlab.core.reasons import Reason
from promptlab.report.views.next_step import next_step

from .conclusions import build_comparison

DEV = Basis(("r1",), "exact", frozenset({"mood"}), frozenset({"dev"}))
HOLDOUT = Basis(("r1",), "exact", frozenset({"mood"}), frozenset({"holdout"}))
ALL = Basis(("r1",), "exact", frozenset({"mood"}))
BETTER = build_comparison(a="mood@v1", b="mood@v3", verdict="better")
WORSE = build_comparison(a="mood@v1", b="mood@v3", verdict="worse")
OPEN = build_comparison(a="mood@v1", b="mood@v3", verdict="undecided", delta=0.01, ci=(-0.1, 0.1))


@pytest.mark.parametrize(
    ("basis", "comparison", "words"),
    [
        (DEV, BETTER, "run mood --split holdout -t mood@v1 -t mood@v3"),
        (DEV, WORSE, "run mood --split holdout -t mood@v3 -t mood@v1"),
        (HOLDOUT, BETTER, "template tag mood@v3 best"),
        (ALL, OPEN, "plan mood"),
    ],
)
def test_the_next_command(basis: Basis, comparison: object, words: str) -> None:
    step = next_step(basis, [comparison])  # type: ignore[list-item]
    assert step is not None
    assert " ".join(step.words) == words
    assert step.line(".venv/bin/promptlab").startswith(f"Next: .venv/bin/promptlab {words}\n")


def test_without_a_holdout_new_cases_are_asked_for() -> None:
    step = next_step(ALL, [BETTER, OPEN])
    assert step is not None
    assert step.words == ()
    assert step.line().startswith("Next: confirm it on new cases")


def test_a_refusal_names_the_command_that_helps() -> None:
    about: dict[str, Json] = {"run": "r1", "stored": 3, "trials": 9}
    unfinished = Reason(Code.RUN_UNFINISHED, "run r1 is not finished", about)
    step = next_step(ALL, [build_comparison(verdict="refused", reasons=(unfinished,))])
    assert step is not None
    assert step.words == ("resume", "r1")


@pytest.mark.parametrize(
    ("basis", "comparison"),
    [
        (Basis(("r1",), "exact"), BETTER),  # imported: nothing can be run
        (Basis(("r1", "r2"), "exact", frozenset({"mood", "tone"})), BETTER),
        (ALL, build_comparison(verdict="refused")),
        (ALL, build_comparison(a="mood@v1 on x", b="mood@v1 on y")),
        (ALL, build_comparison(group="long", verdict="better")),
    ],
)
def test_where_no_single_command_helps_none_is_named(basis: Basis, comparison: object) -> None:
    assert next_step(basis, [comparison]) is None  # type: ignore[list-item]

"""Which answers each arm gives how often, beside label scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from promptlab.analysis.basis import Basis as Runs
from promptlab.analysis.causes import Causes, Shares
from promptlab.analysis.compare import Comparison
from promptlab.analysis.inference import PASSES
from promptlab.analysis.readings import Majority
from promptlab.analysis.tipping import Basis
from promptlab.core.decision import Rule
from promptlab.report.documents.comparison import compare_json
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.terminal.page import as_text
from promptlab.report.views.answers import answer_lines
from promptlab.report.views.comparison import ComparisonView, comparison_view

from .conclusions import build_comparison

NONE = Shares(72, 0, 0, 0, 0, 0, 0, 1.0, 0.5, {}, None)
ONE = replace(NONE, found={"positive": 65, "negative": 7}, majority=Majority("positive", 0.569))
OTHER = replace(NONE, found={"positive": 40, "negative": 20}, majority=Majority("positive", 0.569))


def compared(first: Shares, second: Shares, **names: str | None) -> Comparison:
    basis = Basis(np.zeros(1), np.zeros(1, dtype=np.int64), PASSES, 0)
    causes = Causes(first, second, None, None, (), (), 0, basis, ())
    return build_comparison(causes=causes, **names)


def view(*rows: Comparison) -> ComparisonView:
    return comparison_view(Runs(("r1",), "label"), rows, Rule())


def test_each_arm_and_the_constant_answer() -> None:
    row = compared(ONE, OTHER, a="t@v5", b="t@v6")
    lines = (
        "v5 answers positive to 65, negative to 7 of 72",
        "v6 answers positive to 40, negative to 20, none of these to 12 of 72",
        "always answering 'positive' scores 56.9 %",
    )
    assert view(row).answers == lines
    shown = as_text(print_comparisons, view(row))
    assert all(line in shown for line in lines)


def test_many_answers_are_counted_together() -> None:
    found = {str(place): 9 - place for place in range(7)}
    [line, *_] = answer_lines([compared(replace(ONE, found=found), NONE)], str)
    assert "answers 0 to 9, 1 to 8, 2 to 7, 3 to 6, 3 others to 12," in line
    assert line.endswith("none of these to 30 of 72")


def test_an_arm_is_told_once_and_by_backend_where_there_are_several() -> None:
    places = [compared(ONE, OTHER, a="t@v1", b="t@v2", backend=name) for name in ("m", "n", None)]
    lines = view(*places).answers
    assert [line.split(" answers ")[0] for line in lines[:-1]] == [
        "v1 on m", "v2 on m", "v1 on n", "v2 on n",
    ]  # fmt: skip
    assert lines[-1] == "always answering 'positive' scores 56.9 %"


def test_more_arms_are_shown_in_full_only() -> None:
    rows = [compared(ONE, OTHER, a="t@v1", b=f"t@v{number}") for number in (2, 3)]
    assert "answers positive" not in as_text(print_comparisons, view(*rows))
    full = as_text(lambda console, it: print_comparisons(console, it, full=True), view(*rows))
    assert full.count("answers positive") == 3


def test_scores_without_labels_have_none() -> None:
    row = compared(NONE, NONE)
    assert view(row).answers == ()
    assert compare_json(view(row))["throughput"] == {}

"""Every number that a terminal shows stands in Markdown too."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from promptlab.analysis.basis import Basis
from promptlab.analysis.changes import Price
from promptlab.analysis.compare import Comparison
from promptlab.analysis.flipped_cases import FlippedCases
from promptlab.analysis.pair import PairResults
from promptlab.analysis.practices import Practices
from promptlab.core.decision import Rule
from promptlab.report.markdown.compare import comparison_markdown
from promptlab.report.markdown.diff import diff_markdown
from promptlab.report.markdown.practices import practices_markdown
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.terminal.diff import print_diff
from promptlab.report.terminal.practices import print_practices
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.diff import diff_view
from promptlab.report.views.practices import practices_view
from promptlab.templates.diff import PromptSize

from .conclusions import build_comparison, build_practice, change
from .conftest import Printed
from .test_diff_document import FOUND
from .test_diff_measured import measured

WIDE = 400  # columns: nothing is left out
_NUMBER = re.compile(r"[+-]?\d+(?:,\d{3})*(?:\.\d+)?")

DEAR = build_comparison(
    cost_usd=change(0.001, 0.0022, (0.0011, 0.0013)), price=Price(0.0137, (0.0061, 0.0243))
)
OTHER = build_comparison(
    b="mood@v3",
    n=77,
    delta=-0.031,
    ci=(-0.0987, 0.0412),
    p_adjusted=0.271,
    verdict="undecided",
    tokens=change(100, 88, (-17.0, -9.0)),
    latency_s=change(1.0, 0.61, (-0.47, -0.33)),
)


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, Markdown or not."""
    return set(_NUMBER.findall(unescape(text)))


@pytest.mark.parametrize("comparisons", [[DEAR], [DEAR, OTHER]], ids=["one", "several"])
def test_of_comparisons(printed: Printed, comparisons: list[Comparison]) -> None:
    view = comparison_view(Basis(("r1",), "exact"), comparisons, Rule())
    view = replace(view, answers=("v1 answers yes to 4,711 of 9,042",))
    shown = numbers(printed(print_comparisons, view, width=WIDE, full=True))
    of_intervals = {"+28", "+34", "+0.20", "+0.30", "0.000061", "0.00024", "4,711"}
    assert of_intervals - shown == set()
    assert shown - numbers(comparison_markdown(view, FlippedCases())) == set()


def test_of_practices(printed: Printed) -> None:
    effects = Practices(
        (
            build_practice("clear"),
            build_practice("role", delta=-0.05, ci=(-0.11, 0.013), p_adjusted=0.3),
        ),
        (),
    )
    view = practices_view(Basis(("r1",), "exact"), effects, Rule())
    shown = numbers(printed(print_practices, view, width=WIDE))
    of_the_plot = {view.scale.low, view.scale.high, "0"}
    assert {"-11.0", "+1.3"} <= shown - of_the_plot
    assert shown - of_the_plot - numbers(practices_markdown(view)) == set()


def test_of_a_diff(printed: Printed) -> None:
    size = PromptSize(3.5, 5.0, "tokens", "echo", "mood", 2, 2)
    view = diff_view(FOUND, size, None, PairResults((measured(),), ()))
    shown = numbers(printed(print_diff, view, width=WIDE))
    assert {"+45.1", "+68.8"} <= shown
    assert shown - numbers(diff_markdown(view)) == set()

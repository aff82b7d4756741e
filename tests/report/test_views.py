"""What the views of conclusions say beside what a terminal prints of them."""

from __future__ import annotations

import pytest

from promptlab.analysis.basis import Basis
from promptlab.analysis.practices import Practices
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.report.documents.comparison import compare_json
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.practices import practices_view

from .conclusions import build_comparison, build_practice, build_reason


def test_a_reason_is_reported_once_for_all_that_it_is_about() -> None:
    few = build_reason(Code.TOO_FEW_CASES, "12 cases are too few: at least 15")
    label = "mood@v3"
    lone = build_reason(Code.LONE_CASES, f"{label} alone has c9", label)
    comparisons = [
        build_comparison(reasons=(few,), verdict="refused"),
        build_comparison(b=label, reasons=(few,), verdict="refused", warnings=(lone,)),
        build_comparison(a="mood@v2", b=label, warnings=(lone,)),
    ]
    first, second = comparison_view(Basis(("r1",), "exact"), comparisons, Rule()).notes
    assert (first.reason, first.about) == (few, ("v2 against v1", "v3 against v1"))
    assert (second.reason, second.text, second.about) == (lone, "v3 alone has c9", ())
    assert second.line == "note: v3 alone has c9"


def test_a_name_is_shortened_only_where_the_reason_is_about_it() -> None:
    exploratory = build_reason(Code.EXPLORATORY, "exploratory: mood@v1 is no arm here")
    view = comparison_view(
        Basis(("r1",), "exact"), [build_comparison(warnings=(exploratory,))], Rule()
    )
    assert [note.text for note in view.notes] == [exploratory.text]


def test_what_is_open_is_a_reason_too() -> None:
    one = build_comparison(verdict="undecided", n=100, cases_needed=2000, detectable=0.09)
    view = comparison_view(Basis(("r1",), "exact"), [one], Rule(min_effect=0.05))
    about = {"cases": 100, "detectable": 0.09, "more_cases": 1900, "to_detect": 0.05}
    text = "100 cases can show 9 points; 5 points need 2,000"
    assert view.rows[0].open == Reason(Code.MORE_CASES_NEEDED, text, about)
    document = compare_json(view)["comparisons"]
    assert isinstance(document, list)
    [entry] = document
    assert (entry["reason"], entry["warnings"], entry["notes"]) == (None, [], [])
    assert entry["reasons"] == [{"code": "more-cases-needed", "text": text, "about": about}]


def test_the_conclusion_comes_in_parts() -> None:
    comparisons = [build_comparison(), build_comparison(b="mood@v3", verdict="worse", delta=-0.3)]
    conclusion = comparison_view(Basis(("r1",), "exact"), comparisons, Rule()).conclusion
    assert conclusion is not None
    assert (conclusion.b, conclusion.verdict, conclusion.a) == ("v3", "worse", "v1")
    assert (conclusion.delta, conclusion.p, conclusion.place) == ("-30.0 points", "p = 0.002", None)


def test_rows_keep_their_order_and_tables_share_them() -> None:
    comparisons = [
        build_comparison(backend=backend, b=b)
        for b in ("mood@v2", "mood@v3")
        for backend in ("small", "large")
    ]
    view = comparison_view(Basis(("r1",), "exact"), comparisons, Rule())
    assert [row.comparison for row in view.rows] == comparisons
    assert [[row.name for row in table.rows] for table in view.tables] == [["v2", "v3"]] * 2
    assert [table.place for table in view.tables] == ["on small", "on large"]


def test_the_scale_of_a_forest_plot_is_a_number() -> None:
    few = build_reason(Code.TOO_FEW_MODELS, "2 models tell nothing of others: at least 5")
    silent = build_practice("clear", scope="models in general", backend=None, reasons=(few,))
    effects = (build_practice("clear", ci=(-0.034, 0.1987)), silent)
    view = practices_view(Basis(("r1",), "exact"), Practices(effects, ()), Rule())
    assert (view.scale.reach, view.scale.low, view.scale.high) == (0.2, "-20", "+20")
    assert [row.is_silent for row in view.rows] == [False, True]
    assert view.silence == (few,)
    assert [definition.practice for definition in view.definitions] == ["clear"]


def test_groups_of_cases_have_a_q_for_exploring() -> None:
    """The values of Benjamini and Hochberg; a row of all cases has none."""
    named = zip(("g1", "g2", "g3", "g4", None), (0.01, 0.04, 0.03, 0.005, 0.01), strict=True)
    rows = [build_comparison(group=group, p=p, b=f"mood@v{p}") for group, p in named]
    document = compare_json(comparison_view(Basis(("r1",), "exact"), rows, Rule()))["comparisons"]
    assert isinstance(document, list)
    assert [row.get("q") for row in document] == pytest.approx([0.02, 0.04, 0.04, 0.02, None])
    assert [row["probability_better"] for row in document] == pytest.approx(
        [0.99752] * 5, abs=0.002
    )

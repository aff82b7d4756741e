from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inline_snapshot import snapshot
from rich.console import Console

from promptlab.analysis.compare import Comparison
from promptlab.core.codes import Code
from promptlab.core.flips import Flip
from promptlab.report.terminal import diff_measured
from promptlab.report.views.measured import flip_view, measured_view

from .conclusions import build_comparison, build_reason
from .conftest import Printed


def measured(**changes: Any) -> Comparison:
    """Return a comparison of two versions on 72 cases, changed as the test wants it."""
    usual: dict[str, Any] = {
        "a": "mood@v1",
        "b": "mood@v3",
        "backend": "smollm2",
        "scorer": "label",
        "n": 72,
        "nonzero": 47,
        "mean_a": 0.181,
        "mean_b": 0.75,
        "delta": 0.569,
        "ci": (0.451, 0.688),
        "p_adjusted": 0.00001,
        "won": tuple(f"r{number:02}" for number in range(44)),
        "lost": ("x1", "x2", "x3"),
    }
    return build_comparison(**{**usual, **changes})


def print_measured(
    console: Console,
    comparisons: Sequence[Comparison],
    flips: Sequence[Flip],
    *,
    full: bool = False,
) -> None:
    """Print the views of comparisons and flips."""
    measured_views = [measured_view(one) for one in comparisons]
    diff_measured.print_measured(console, measured_views, [flip_view(f) for f in flips], full=full)


def test_a_comparison_takes_a_sentence(printed: Printed) -> None:
    assert printed(print_measured, [measured()], []) == snapshot("""\
measured on smollm2: label 18.1 % -> 75.0 % (72 cases), +56.9 points, interval
+45.1 to +68.8, p <0.001, 44 won, 3 lost, 25 tied: better
""")


def test_numbers_have_no_per_cent_and_what_is_unknown_is_left_out(printed: Printed) -> None:
    few = build_reason(Code.TOO_FEW_CASES, "one case is too few")
    unsure = measured(backend=None, scorer="length", n=1, nonzero=1, mean_a=None, mean_b=12.3456,
                      delta=None, ci=None, p_adjusted=None, verdict="refused",
                      reasons=(few,), won=(), lost=(), is_rate=False)  # fmt: skip
    dull = measured(mean_a=1.5, mean_b=1.25, delta=-0.25, ci=(-0.5, 0.0), p_adjusted=0.0421,
                    verdict="undecided", is_rate=False)  # fmt: skip
    assert printed(print_measured, [unsure, dull], []) == snapshot("""\
measured on all backends together: length - -> 12.35 (1 case), 0 won, 0 lost, 1
tied: no verdict (one case is too few)
measured on smollm2: label 1.5 -> 1.25 (72 cases), -0.25, interval -0.5 to +0, p
0.042, 44 won, 3 lost, 25 tied: undecided
""")


def test_lost_cases_come_first_with_both_outputs(printed: Printed) -> None:
    flips = [
        Flip("r01", 0.0, 1.0, "I would say it is positive.", "It is positive."),
        Flip("x1", 1.0, 0.0, "positive", "negative", backend="smollm2"),
        Flip("x2", None, None, None, "first\nsecond"),
        Flip("r02", None, None, "[bold]same[/bold]", "[bold]same[/bold]"),
    ]
    text = printed(print_measured, [measured()], flips)
    assert text.partition("\n\n")[2] == snapshot("""\
Lost by mood@v3: 1 case
x1 on smollm2  1 -> 0
-positive
+negative

Won by mood@v3: 1 case
r01  0 -> 1
-I would say it is positive.
+It is positive.

As before: 2 cases
x2
-(no output)
+first
+second
r02
 [bold]same[/bold]
""")


def test_many_flips_are_cut_short_unless_all_are_wanted(printed: Printed) -> None:
    flips = [Flip(f"x{number}", 1.0, 0.0, "yes", "no") for number in range(7)]
    short = printed(print_measured, [measured()], flips)
    assert "Lost by mood@v3: 7 cases\n" in short
    assert "x4  1 -> 0" in short
    assert "x5  1 -> 0" not in short
    assert short.endswith("... and 2 more: --full shows all.\n")
    full = printed(print_measured, [measured()], flips, full=True)
    assert "x6  1 -> 0" in full
    assert "more" not in full


def test_long_outputs_are_cut_short_unless_all_is_wanted(printed: Printed) -> None:
    long = "\n".join(f"line {number}" for number in range(20))
    flips = [Flip("x1", 1.0, 0.0, long, "no")]
    short = printed(print_measured, [measured()], flips)
    assert short.count("-line") == 12
    assert short.endswith("... 9 more lines: --full shows all.\n")
    assert printed(print_measured, [measured()], flips, full=True).endswith("-line 19\n+no\n")

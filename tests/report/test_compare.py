"""Comparisons on a terminal."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.cells import cell_len

from promptlab.analysis.changes import Price
from promptlab.analysis.compare import Comparison
from promptlab.analysis.families import Family
from promptlab.analysis.look import Look
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.report.terminal.screen import Screen

from .conclusions import build_comparison, build_reason, change, print_comparisons
from .conftest import Printed

AGAIN = Look("q", "e", 0, 0.05, number=2)
LONG = "customer-support-triage@v12-with-a-rather-long-label"


def refused(*reasons: Reason, **changes: object) -> Comparison:
    return build_comparison(verdict="refused", reasons=reasons, **changes)


def test_one_comparison_ends_in_a_sentence(printed: Printed) -> None:
    assert printed(print_comparisons, "exact", [build_comparison()], Rule()) == snapshot("""\
v2 is better than v1: +12.0 points, 95 % interval +5.2 to +19.9, p = 0.002; 15
cases won, 3 lost; +31 % tokens.

exact on small, against v1 (70.0 %), 100 cases, 95 % intervals
       b  points  interval           p  won:lost  tokens  verdict
─────────────────────────────────────────────────────────────────
v2  82.0   +12.0  +5.2 to +19.9  0.002      15:3   +31 %  better

What a trial takes
b against a    tokens more    interval  s more        interval
──────────────────────────────────────────────────────────────
v2 against v1          +31  +28 to +34   +0.25  +0.20 to +0.30

won by v2: w0, w1, w2, w3, w4, w5, w6, w7 and 7 more
lost by v2: l1, l2, l3
""")


def test_worse_and_a_p_value_too_small_to_write(printed: Printed) -> None:
    worse = build_comparison(
        delta=-0.1, ci=(-0.2, -0.05), p_adjusted=1e-9, verdict="worse", tokens=change(100, 250)
    )
    text = printed(print_comparisons, "exact", [worse], Rule(alpha=0.1))
    assert text.splitlines()[-2:] == snapshot(
        [
            "won by v2: w0, w1, w2, w3, w4, w5, w6, w7 and 7 more",
            "lost by v2: l1, l2, l3",
        ]
    )
    assert "<0.001" in text


def test_what_is_not_a_rate_has_no_per_cent(printed: Printed) -> None:
    one = build_comparison(
        is_rate=False, mean_a=12.5, mean_b=14.0, delta=1.5, ci=(0.25, 2.75), verdict="better"
    )
    text = printed(print_comparisons, "length", [one], Rule())
    assert "%" not in text.replace("95 %", "").replace("+31 %", "")
    assert text == snapshot("""\
v2 is better than v1: +1.5, 95 % interval +0.25 to +2.75, p = 0.002; 15 cases
won, 3 lost; +31 % tokens.

length on small, against v1 (12.5), 100 cases, 95 % intervals
     b  delta  interval            p  won:lost  tokens  verdict
───────────────────────────────────────────────────────────────
v2  14   +1.5  +0.25 to +2.75  0.002      15:3   +31 %  better

What a trial takes
b against a    tokens more    interval  s more        interval
──────────────────────────────────────────────────────────────
v2 against v1          +31  +28 to +34   +0.25  +0.20 to +0.30

won by v2: w0, w1, w2, w3, w4, w5, w6, w7 and 7 more
lost by v2: l1, l2, l3
""")


def test_what_is_unknown_is_a_dash_or_left_out(printed: Printed) -> None:
    nothing = refused(
        build_reason(Code.TOO_FEW_CASES, "0 cases are too few: at least 15"),
        n=0, n_groups=0, nonzero=0, delta=None, ci=None, p=None, p_adjusted=None, mean_a=None,
        mean_b=None, won=(), lost=(), tokens=None, latency_s=None, cases_needed=None,
        detectable=None,
    )  # fmt: skip
    assert printed(print_comparisons, "exact", [nothing], Rule()) == snapshot("""\
v2 against v1: no verdict (0 cases are too few: at least 15).

exact on small, against v1 (-), 0 cases, 95 % intervals
    b  points  interval  p  won:lost  tokens  verdict
────────────────────────────────────────────────────────
v2  -       -  -         -       0:0       -  no verdict

no verdict: 0 cases are too few: at least 15
""")


def test_tables_are_reported_apart_by_baseline_and_backend(printed: Printed) -> None:
    pairs = [("mood@v1", "mood@v2"), ("mood@v1", "mood@v3"), ("mood@v2", "mood@v3")]
    many = [build_comparison(a=a, b=b) for a, b in pairs]
    many.append(build_comparison(backend="large", delta=0.3, n=90, mean_a=0.6))
    many.append(build_comparison(backend=None, delta=0.2, n=90))
    text = printed(print_comparisons, "exact", many, Rule())
    titles = [line for line in text.splitlines() if "against" in line and "intervals" in line]
    assert titles == snapshot(
        [
            "exact on small, against v1 (70.0 %), 100 cases, 95 % intervals",
            "exact on small, against v2 (70.0 %), 100 cases, 95 % intervals",
            "exact on large, against v1 (60.0 %), 90 cases, 95 % intervals",
            "exact on all backends, against v1 (70.0 %), 90 cases, 95 % intervals",
        ]
    )
    assert text.splitlines()[-2:] == snapshot(
        [
            "v2 against v1 on large                 +31  +28 to +34   +0.25  +0.20 to +0.30",
            "v2 against v1 on all backends          +31  +28 to +34   +0.25  +0.20 to +0.30",
        ]
    )


def test_groups_are_rows(printed: Printed) -> None:
    groups = [build_comparison(group=name, n=n) for name, n in (("[b]a[/b]", 20), ("é中", 30))]
    text = printed(print_comparisons, "exact", groups, Rule())
    assert text == snapshot("""\
Of 2 comparisons: 2 better.

exact on small, against v1 (70.0 %), 95 % intervals
           n     b  points  interval           p  won:lost  tokens  verdict
───────────────────────────────────────────────────────────────────────────
[b]a[/b]  20  82.0   +12.0  +5.2 to +19.9  0.002      15:3   +31 %  better
é中       30  82.0   +12.0  +5.2 to +19.9  0.002      15:3   +31 %  better

What a trial takes
b against a                tokens more    interval  s more        interval
──────────────────────────────────────────────────────────────────────────
v2 against v1 in [b]a[/b]          +31  +28 to +34   +0.25  +0.20 to +0.30
v2 against v1 in é中               +31  +28 to +34   +0.25  +0.20 to +0.30
""")


def test_the_price_of_a_trial_and_of_a_point(printed: Printed) -> None:
    cost = change(0.001, 0.0022, (0.0011, 0.0013))
    dear = build_comparison(cost_usd=cost, price=Price(0.01, (0.006, 0.024)), tokens=None)
    cheap = build_comparison(b="mood@v3", cost_usd=change(0.001, 0.0005), tokens=None)
    text = printed(print_comparisons, "exact", [dear, cheap], Rule())
    assert text == snapshot("""\
v2 is better than v1: +12.0 points, 95 % interval +5.2 to +19.9, p = 0.002; 15
cases won, 3 lost. It is the best of 2 on these cases: expect less on new ones.

exact on small, against v1 (70.0 %), 100 cases, 95 % intervals
       b  points  interval           p  won:lost  tokens  verdict
─────────────────────────────────────────────────────────────────
v2  82.0   +12.0  +5.2 to +19.9  0.002      15:3       -  better
v3  82.0   +12.0  +5.2 to +19.9  0.002      15:3       -  better

What a trial takes
b against a    s more  USD more  USD a point             interval
─────────────────────────────────────────────────────────────────
v2 against v1   +0.25   +0.0012      0.00010  0.000060 to 0.00024
v3 against v1   +0.25  -0.00050            -                    -
""")


def test_why_and_what_to_know_are_reported_once_each(printed: Printed) -> None:
    few = build_reason(Code.TOO_FEW_CASES, "12 cases are too few: at least 15")
    expected = "the arms ran on different cases: mood@v3 alone has c9"
    apart = build_reason(Code.DIFFERENT_CASES, expected, "mood@v3")
    exploratory = build_reason(Code.EXPLORATORY, "exploratory: 12 cases")
    many = [
        refused(few, warnings=(exploratory,)),
        refused(few, apart, b="mood@v3", warnings=(exploratory,)),
        refused(apart, a="mood@v2", b="mood@v3", warnings=(exploratory,)),
    ]
    text = printed(print_comparisons, "exact", many, Rule())
    notes = [line for line in text.splitlines() if line.startswith(("no verdict:", "note:"))]
    assert notes == snapshot(
        [
            "no verdict: 12 cases are too few: at least 15 (v2 against v1; v3 against v1)",
            "no verdict: the arms ran on different cases: v3 alone has c9",
            "note: exploratory: 12 cases",
        ]
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            snapshot("undecided: v2 against v1: 100 cases can show 9 points; 5 points need 2,000"),
        ),
        (
            {"cases_needed": 90},
            snapshot("undecided: v2 against v1: 100 cases can show 9 points"),
        ),
        (
            {"cases_needed": None},
            snapshot("undecided: v2 against v1: 100 cases can show 9 points"),
        ),
        (
            {"is_rate": False},
            snapshot("undecided: v2 against v1: 100 cases can show 0.09; 0.05 needs 2,000"),
        ),
    ],
)
def test_what_more_cases_would_show(
    printed: Printed, changes: dict[str, object], expected: str
) -> None:
    one = build_comparison(verdict="undecided", p_adjusted=0.3, **changes)
    text = printed(print_comparisons, "exact", [one], Rule(min_effect=0.05))
    _, _, question = " ".join(text.split()).partition("undecided: ")
    assert f"undecided: {question}" == expected


def test_of_very_many_comparisons_not_all_is_reported(printed: Printed) -> None:
    many = [
        build_comparison(b=f"mood@v{number}", verdict="undecided", p_adjusted=0.5)
        for number in range(2, 42)
    ]
    lines = printed(print_comparisons, "exact", many, Rule()).splitlines()
    assert "What a trial takes" not in lines
    shown = [line for line in lines if line.startswith("undecided:")]
    assert len(shown) == 13
    assert shown[-1] == "undecided: 28 more, listed by --json"


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("b", ["mood@v2", LONG, "评估@版本二", f"{LONG} -context -examples"])
@pytest.mark.parametrize("group", [None, "a [group] of cases with a name that goes on and on"])
def test_every_width_and_label_fits(
    printed: Printed, width: int, b: str, group: str | None
) -> None:
    rows = [
        build_comparison(a="other@v1", b=b, group=group, cost_usd=change(0.1, 0.2)),
        build_comparison(a="other@v1", b="mood@v9", group=group, delta=-1.0, ci=(-1.0, -0.9999)),
    ]
    text = printed(print_comparisons, "exact", rows, Rule(), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    figures = ["+12.0", "-100.0", "better"]
    figures += ["+5.2 to +19.9", "-100.0 to -100.0"] if width > 40 else []
    assert all(figure in text for figure in figures)
    kept = text.replace("\n", "").replace(" ", "")
    assert all(letter in kept for letter in b.replace(" ", ""))


def test_numbers_of_any_size_are_not_cut_off(printed: Printed) -> None:
    huge = build_comparison(
        is_rate=False, mean_a=1.2345e9, mean_b=-1.2345e-9, delta=-1.2345e9, ci=(-2.2345e9, -1e-9)
    )
    text = printed(print_comparisons, "length", [huge], Rule())
    assert max(map(len, text.splitlines())) <= 80
    assert "-2.234e+09 to -1e-09" in text


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(str.strip),
    case=st.text(st.characters(codec="utf-8"), min_size=1, max_size=10),
)
def test_no_name_is_obeyed_by_the_terminal(name: str, case: str) -> None:
    stream = StringIO()
    console = Screen(stream, 80, force_terminal=True, color_system=None)
    label = f"mood@{name}"
    alone = build_reason(Code.LONE_CASES, f"{label} alone has {case}", label)
    one = build_comparison(b=label, won=(case,), warnings=(alone,))
    print_comparisons(console, "exact", [one], Rule())
    unseen = set(map(chr, [*range(10), *range(11, 32), *range(127, 160)]))
    text = stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert not unseen & set(text.replace("\t", ""))


def test_colour_is_for_terminals_and_only_says_again_what_words_say(printed: Printed) -> None:
    verdicts = [
        build_comparison(b=f"mood@{word}", verdict=word)
        for word in ("better", "worse", "equivalent", "undecided", "refused")
    ]
    stream = StringIO()
    console = Screen(stream, 80, force_terminal=True, color_system="standard")
    print_comparisons(console, "exact", verdicts, Rule())
    coloured = stream.getvalue()
    for code, word in (("1;32", "better"), ("1;31", "worse"), ("33", "no verdict")):
        assert re.search(rf"\x1b\[{code}m{word} *\x1b\[0m", coloured)
    plain = printed(print_comparisons, "exact", verdicts, Rule())
    assert "\x1b" not in plain
    rows = [line.split() for line in plain.splitlines()]
    assert ["equivalent", "equivalent"] in [[row[0], row[-1]] for row in rows if row]


def test_intervals_are_told_with_the_level_that_looks_have_left(printed: Printed) -> None:
    out = printed(print_comparisons, "exact", [build_comparison(look=AGAIN)], Rule())
    assert "+12.0 points, 99.75 % interval" in out
    assert "100 cases, 99.75 % intervals" in out
    assert "95 %" not in out
    assert "level" not in out


def test_rows_of_one_table_may_have_different_levels(printed: Printed) -> None:
    three, six = Family("which version", 3), Family("which version", 6)
    rows = [
        build_comparison(b="mood@v2", family=three),
        build_comparison(b="mood@v3", family=six, look=AGAIN),
        build_comparison(b="mood@v4", family=six, verdict="refused"),
    ]
    out = " ".join(printed(print_comparisons, "exact", rows, Rule()).split())
    assert "95 % for all 3 together or 99.75 % for all 6 together" in out
    assert "points interval level p" in out
    assert re.search(r"v2 .* 95 % .* v3 .* 99.75 % .* v4 82.0 \+12.0 - - - ", out)

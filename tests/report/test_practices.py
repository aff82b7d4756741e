"""The effects of practices on a terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.cells import cell_len

from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.practices import Practices
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.report.terminal.screen import Screen
from promptlab.stats.meta import random_effects

from .conclusions import build_practice, build_reason, change, print_practices
from .conftest import Printed

FEW = build_reason(Code.TOO_FEW_MODELS, "2 models tell nothing of others: at least 5")
NO_CASES = build_reason(Code.TOO_FEW_CASES, "no cases")
NO_PLOT: dict[str, Any] = {"delta": None, "ci": None, "p": None, "p_adjusted": None}


def practices(*effects: PracticeEffect) -> Practices:
    return Practices(effects, ())


def two_models(practice: str, **changes: Any) -> list[PracticeEffect]:
    few = {
        "scope": "models in general", "backend": None, "verdict": "refused",
        "reasons": (FEW,), "ci": None, "p": None,
        "p_adjusted": None, "tokens": change(1, 2),
    }  # fmt: skip
    other = {**changes, "backend": "large", "delta": 0.03, "ci": (-0.05, 0.11)}
    return [
        build_practice(practice, **changes),
        build_practice(practice, **other),
        build_practice(practice, scope="these models", backend=None, **changes),
        build_practice(practice, **few),
    ]


def test_a_row_for_each_practice(printed: Printed) -> None:
    effects = practices(
        build_practice("clear"),
        build_practice("role", delta=-0.05, ci=(-0.11, 0.01), verdict="undecided", p_adjusted=0.3),
        build_practice("context", **NO_PLOT, verdict="refused", reasons=(NO_CASES,)),
        build_practice("examples", delta=0.0, ci=None, tokens=None, verdict="undecided"),
    )
    assert printed(print_practices, "exact", effects, Rule()) == snapshot("""\
exact: what each practice changes, 95 % intervals
practice  points  interval           p  -20      0      +20  tokens  verdict
───────────────────────────────────────────────────────────────────────────────
clear      +12.0  +5.2 to +19.9  0.002  ·········│·───●────   +31 %  better
role        -5.0  -11.0 to +1.0  0.300  ····───●─┼·········   +31 %  undecided
context        -  -                  -  ·········│·········   +31 %  no verdict
examples    +0.0  -              0.002  ·········●·········       -  undecided

clear: mood@v1 against mood@v1 -clear (one wording)
role: mood@v1 against mood@v1 -role (one wording)
context: mood@v1 against mood@v1 -context (one wording)
examples: mood@v1 against mood@v1 -examples (one wording)

no verdict: no cases (context)
undecided: role: 100 cases can show 9 points; 5 points need 2,000
undecided: examples: 100 cases can show 9 points; 5 points need 2,000
""")


def test_models_stand_below_their_practice(printed: Printed) -> None:
    effects = practices(*two_models("clear"), *two_models("a-practice-of-ones-own"))
    assert printed(print_practices, "exact", effects, Rule()) == snapshot("""\
exact: what each practice changes, 95 % intervals
practice                         points  interval           p  tokens  verdict
──────────────────────────────────────────────────────────────────────────────
clear on small                    +12.0  +5.2 to +19.9  0.002   +31 %  better
  on large                         +3.0  -5.0 to +11.0  0.002   +31 %  better
  these models                    +12.0  +5.2 to +19.9  0.002   +31 %  better
a-practice-of-ones-own on small   +12.0  +5.2 to +19.9  0.002   +31 %  better
  on large                         +3.0  -5.0 to +11.0  0.002   +31 %  better
  these models                    +12.0  +5.2 to +19.9  0.002   +31 %  better

Intervals, points
                                      -20            0            +20
─────────────────────────────────────────────────────────────────────
clear on small                        ···············│···─────●──────
clear on large                        ···········────┼─●──────·······
clear, these models                   ···············│···─────●──────
a-practice-of-ones-own on small       ···············│···─────●──────
a-practice-of-ones-own on large       ···········────┼─●──────·······
a-practice-of-ones-own, these models  ···············│···─────●──────

clear: mood@v1 against mood@v1 -clear (one wording)
a-practice-of-ones-own: mood@v1 against mood@v1 -a-practice-of-ones-own (one
wording)

models in general: 2 models tell nothing of others: at least 5
""")


def test_models_in_general(printed: Printed) -> None:
    general = random_effects((0.0, 0.1, 0.2, 0.1, 0.15), (0.02,) * 5, 0.95)
    effects = practices(
        *two_models("clear")[:3],
        build_practice("clear", scope="models in general", backend=None, general=general),
    )
    text = printed(print_practices, "exact", effects, Rule())
    assert "  in general" in text
    assert [line for line in text.splitlines() if " models, " in line] == snapshot(
        ["clear: 5 models, Q 55.0, I2 93 %, tau 0.071"]
    )


def test_the_arms_behind_an_effect(printed: Printed) -> None:
    with_it, without = (tuple(f"mood@v{n}" for n in range(at, at + 4)) for at in (1, 5))
    effects = practices(
        build_practice("clear"),
        build_practice("role", source="factorial", with_it=with_it, without=without),
        build_practice("tone", source="versions", wordings=4, with_it=with_it, without=without[:1]),
    )
    text = printed(print_practices, "exact", effects, Rule())
    lines = [line for line in text.splitlines() if line.startswith(("clear:", "role:", "tone:"))]
    assert lines == snapshot(
        [
            "clear: mood@v1 against mood@v1 -clear (one wording)",
            "role: 4 arms with it against 4 without (one wording)",
            "tone: mood@v1, mood@v2, mood@v3 and 1 more against mood@v5 (4 wordings against",
        ]
    )


def test_what_the_design_confounds(printed: Printed) -> None:
    effects = Practices((build_practice("clear"),), ((("a", "b"), ("c", "d")), (("a", "c"),)))
    text = printed(print_practices, "exact", effects, Rule())
    assert [line for line in text.splitlines() if line.startswith("confounded")] == snapshot(
        ["confounded: a x b = c x d", "confounded: a x c"]
    )


@pytest.mark.parametrize(
    ("delta", "ci", "drawn"),
    [
        (0.5, (0.2, 0.8), snapshot("··········│·────●────")),
        (-0.5, (-0.8, -0.2), snapshot("────●────·│··········")),
        (0.1, (-0.2, 0.4), snapshot("········──┼●────·····")),
        (0.0, (-0.4, 0.4), snapshot("·····─────●─────·····")),
        (0.8, (0.79, 0.8), snapshot("··········│·········●")),
        (0.001, (0.0005, 0.0015), snapshot("··········●··········")),
        (0.0, None, snapshot("··········●··········")),
    ],
)
def test_an_interval_is_drawn_around_zero(
    printed: Printed, delta: float, ci: tuple[float, float] | None, drawn: str
) -> None:
    widest = build_practice("wide", delta=0.0, ci=(-0.8, 0.8))
    one = build_practice("one", delta=delta, ci=ci, tokens=None)
    text = printed(print_practices, "exact", practices(widest, one), Rule())
    [row] = [line for line in text.splitlines() if line.startswith("one  ")]
    assert "".join(letter for letter in row if letter in "·─│┼●") == drawn


@given(
    ci=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted),
    share=st.floats(0, 1),
    width=st.integers(100, 200),
    is_rate=st.booleans(),
)
def test_a_plot_shows_on_which_sides_of_zero_an_interval_is(
    ci: list[float], share: float, width: int, is_rate: bool
) -> None:
    low, high = ci
    one = build_practice("one", delta=low + share * (high - low), ci=(low, high), is_rate=is_rate)
    stream = StringIO()
    console = Screen(stream, width, color_system=None)
    print_practices(console, "exact", practices(one), Rule())
    lines = stream.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    row = next(line for line in lines if line.startswith("one "))
    plot = "".join(letter for letter in row if letter in "·─│┼●")
    middle = len(plot) // 2
    heading = lines[1][row.index(plot) : row.index(plot) + len(plot)]
    assert (heading[middle], plot.count("●")) == ("0", 1)
    assert plot[middle] in "│┼●"
    left, right = plot[:middle], plot[middle + 1 :]
    drawn = set("─●")
    assert not (low > 0 and drawn & set(left))
    assert not (high < 0 and drawn & set(right))


def test_numbers_have_a_scale_of_their_own(printed: Printed) -> None:
    effects = practices(
        build_practice("clear", is_rate=False, delta=123.4, ci=(-20.123, 1234.5)),
        build_practice("role", is_rate=False, delta=-1e-5, ci=(-2e-5, 1e-5)),
    )
    assert printed(print_practices, "length", effects, Rule()) == snapshot("""\
length: what each practice changes, 95 % intervals
practice  effect  interval              p  -1300    0    +1300  tokens  verdict
───────────────────────────────────────────────────────────────────────────────
clear     +123.4  -20.12 to +1234   0.002  ·········┼●────────   +31 %  better
role      -1e-05  -2e-05 to +1e-05  0.002  ·········●·········   +31 %  better

clear: mood@v1 against mood@v1 -clear (one wording)
role: mood@v1 against mood@v1 -role (one wording)
""")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("backend", ["small", "a-model-of-a-very-long-name-indeed", "模型[b]"])
def test_every_width_fits(printed: Printed, width: int, backend: str) -> None:
    effects = practices(
        *two_models("clear", ci=(-1.0, 1.0)), build_practice("role", backend=backend)
    )
    text = printed(print_practices, "exact", effects, Rule(), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "+12.0" in text
    assert ("●" in text) is (width >= 80)


def test_eighty_columns_have_room_for_plot_and_tokens(printed: Printed) -> None:
    effects = practices(*two_models("examples"), *two_models("structure"))
    head = printed(print_practices, "exact", effects, Rule()).splitlines()[1]
    assert head == snapshot(
        "practice            points  interval           p  -20   0   +20  tokens  verdict"
    )

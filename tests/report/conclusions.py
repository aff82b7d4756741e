"""Comparisons and effects that nobody measured: every number is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from promptlab.analysis.basis import Basis
from promptlab.analysis.changes import Change
from promptlab.analysis.compare import Comparison
from promptlab.analysis.conclude import Effect
from promptlab.analysis.estimates import PracticeEffect
from promptlab.analysis.families import Family
from promptlab.analysis.planning import Aim
from promptlab.analysis.practices import Practices
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.report.terminal import compare as terminal_compare
from promptlab.report.terminal import practices as terminal_practices
from promptlab.report.views.comparison import comparison_view
from promptlab.report.views.practices import practices_view
from promptlab.stats.intervals import Interval

EFFECT = Effect(
    n=100, n_groups=100, nonzero=18, delta=0.12, se=0.03, ci=(0.0523, 0.1987), p=0.0012,
    method="mcnemar-midp",
)  # fmt: skip


def change(mean_a: float, mean_b: float, ci: Interval | None = None) -> Change:
    return Change(mean_a, mean_b, mean_b - mean_a, ci)


_CONTRAST: dict[str, Any] = {
    "effect": EFFECT, "is_rate": True, "mean_a": 0.7, "mean_b": 0.82,
    "won": tuple(f"w{n}" for n in range(15)), "lost": ("l1", "l2", "l3"), "reasons": (),
    "cases_needed": 2000, "detectable": 0.09, "tokens": change(100, 131, (28.4, 33.6)),
    "output_tokens": None, "cost_usd": None, "latency_s": change(1.0, 1.25, (0.2, 0.3)),
    "spread": None, "aim": Aim(0.05, 0.05), "price": None,
    "warnings": (), "p_adjusted": 0.0024, "verdict": "better",
}  # fmt: skip


def build_comparison(**changes: Any) -> Comparison:
    """Return a comparison of `mood@v2` with `mood@v1`; fields of its effect count as its own."""
    of_effect = {name: changes.pop(name) for name in Effect.__slots__ if name in changes}
    named = {"a": "mood@v1", "b": "mood@v2", "backend": "small", "group": None, "scorer": "exact"}
    return Comparison(**_concluded({**_CONTRAST, **named, **changes}, of_effect))


def build_practice(practice: str, **changes: Any) -> PracticeEffect:
    """Return the effect of a practice on one model; fields of its effect count as its own."""
    of_effect = {name: changes.pop(name) for name in Effect.__slots__ if name in changes}
    named = {
        "practice": practice, "scope": "model", "backend": "small", "source": "ablation",
        "wordings": 1, "with_it": ("mood@v1",), "without": (f"mood@v1 -{practice}",),
    }  # fmt: skip
    return PracticeEffect(**_concluded({**_CONTRAST, **named, **changes}, of_effect))


def _concluded(values: dict[str, Any], of_effect: dict[str, Any]) -> dict[str, Any]:
    """Add what a family of one says: the same p-value and interval; nothing where refused."""
    effect = replace(EFFECT, **of_effect)
    refused = values["verdict"] == "refused"
    of_family = {
        "family": Family("which version", 1),
        "p": None if refused else effect.p,
        "p_family": None if refused else values["p_adjusted"],
        "ci_simultaneous": None if refused else effect.ci,
    }
    return {**of_family, **values, "effect": effect}


def build_reason(code: Code, text: str, *arms: str) -> Reason:
    """Return a reason of which the test reads the text alone, on these arms if on any."""
    return Reason(code, text, {key: [*arms] if key == "arms" else None for key in code.about})


def print_comparisons(
    console: Console, scorer: str, comparisons: Sequence[Comparison], rule: Rule
) -> None:
    """Print the view of comparisons."""
    view = comparison_view(Basis(("r1",), scorer), comparisons, rule)
    terminal_compare.print_comparisons(console, view)


def print_practices(console: Console, scorer: str, effects: Practices, rule: Rule) -> None:
    """Print the view of effects."""
    terminal_practices.print_practices(
        console, practices_view(Basis(("r1",), scorer), effects, rule)
    )

"""What the documents of comparisons and of effects have in common."""

from __future__ import annotations

from promptlab.analysis.contrast import Change, Contrast
from promptlab.core.reasons import Reason
from promptlab.report.documents.reasons import reasons_json
from promptlab.stats.intervals import Interval


def contrast_json(one: Contrast, still_open: Reason | None) -> dict[str, object]:
    """Return a contrast as JSON; `still_open` says what more cases would show.

    `reason` and `warnings` are what people read, `reasons` and `notes` the same for programs.
    """
    refusals = one.reasons if still_open is None else (*one.reasons, still_open)
    return {
        "n": one.n,
        "n_groups": one.effect.n_groups,
        "mean_a": one.mean_a,
        "mean_b": one.mean_b,
        "delta": one.delta,
        "se": one.effect.se,
        "ci": _pair(one.ci),
        "p": one.effect.p,
        "p_adjusted": one.p_adjusted,
        "method": one.effect.method,
        "verdict": one.verdict,
        "reason": one.reason,
        "reasons": reasons_json(refusals),
        "wins": len(one.won),
        "losses": len(one.lost),
        "ties": one.ties,
        "won": list(one.won),
        "lost": list(one.lost),
        "cases_needed": one.cases_needed,
        "detectable": one.detectable,
        "stopped_at": one.stopped_at,
        **_changes(one),
        "usd_per_point": one.usd_per_point,
        "warnings": [warning.text for warning in one.warnings],
        "notes": reasons_json(one.warnings),
    }


def _changes(one: Contrast) -> dict[str, object]:
    """Return what b takes more than a, in the mean of a trial, with intervals."""
    document: dict[str, object] = {}
    changes: tuple[tuple[str, Change | None], ...] = (
        ("tokens", one.tokens),
        ("output_tokens", one.output_tokens),
        ("cost_usd", one.cost_usd),
        ("latency_s", one.latency_s),
    )
    for name, change in changes:
        document[f"delta_{name}"] = None if change is None else change.delta
        document[f"delta_{name}_ci"] = None if change is None else _pair(change.ci)
        document[f"{name}_a"] = None if change is None else change.mean_a
        document[f"{name}_b"] = None if change is None else change.mean_b
    return document


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [*interval]

"""What the documents of comparisons and of effects have in common."""

from __future__ import annotations

from promptlab.analysis.changes import Change
from promptlab.analysis.compare import Comparison
from promptlab.analysis.contrast import Contrast
from promptlab.core.reasons import Reason
from promptlab.report.documents.causes import causes_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.stats.intervals import Interval
from promptlab.stats.paired import probability_better


def contrast_json(contrast: Contrast, still_open: Reason | None) -> dict[str, object]:
    """Return a contrast as JSON; `still_open` says what more cases would show.

    `reason` and `warnings` are for people, `reasons` and `notes` the same for programs.
    """
    refusals = contrast.reasons if still_open is None else (*contrast.reasons, still_open)
    return {
        "n": contrast.n,
        "n_groups": contrast.effect.n_groups,
        "reduced": contrast.reduced,
        "mean_a": contrast.mean_a,
        "mean_b": contrast.mean_b,
        "delta": contrast.delta,
        "se": contrast.effect.se,
        "ci": _pair(contrast.ci),
        "ci_simultaneous": _pair(contrast.ci_simultaneous),
        "p": contrast.p,
        "null": contrast.null,
        "p_adjusted": contrast.p_adjusted,
        "p_family": contrast.p_family,
        "family": None
        if contrast.family is None
        else {"question": contrast.family.question, "size": contrast.family.size},
        "method": contrast.effect.method,
        "verdict": contrast.verdict,
        "claim": contrast.claim.to_json(),
        "reason": contrast.reason,
        "reasons": reasons_json(refusals),
        "wins": len(contrast.won),
        "losses": len(contrast.lost),
        "ties": contrast.ties,
        "won": list(contrast.won),
        "lost": list(contrast.lost),
        "cases_needed": contrast.cases_needed,
        "detectable": contrast.detectable,
        "probability_better": _probability_better(contrast),
        "stopped_at": contrast.stopped_at,
        "look": None
        if contrast.look is None
        else {"number": contrast.look.number, "level": contrast.look.level},
        **_changes(contrast),
        "causes": causes_json(contrast.causes),
        "usd_per_point": contrast.usd_per_point,
        "usd_per_point_ci": _pair(contrast.usd_per_point_ci),
        "warnings": [warning.text for warning in contrast.warnings],
        "notes": reasons_json(contrast.warnings),
    }


def comparison_json(comparison: Comparison, still_open: Reason | None) -> dict[str, object]:
    """Return one comparison as JSON; `still_open` says what more cases would show."""
    return {
        "a": comparison.a,
        "b": comparison.b,
        "backend": comparison.backend,
        "group": comparison.group,
        "tag": comparison.tag,
        "scorer": comparison.scorer,
        **contrast_json(comparison, still_open),
    }


def _probability_better(contrast: Contrast) -> float | None:
    """Return how probable it is that b wins more of the cases that differ: display, no verdict.

    None where cases are not just won and lost, or come in groups.
    """
    if not contrast.effect.method.startswith("mcnemar"):
        return None
    return probability_better(len(contrast.won), len(contrast.lost))


def _changes(contrast: Contrast) -> dict[str, object]:
    """Return what b takes more than a per trial, on average, with intervals."""
    document: dict[str, object] = {}
    changes: tuple[tuple[str, Change | None], ...] = (
        ("tokens", contrast.tokens),
        ("output_tokens", contrast.output_tokens),
        ("cost_usd", contrast.cost_usd),
        ("latency_s", contrast.latency_s),
    )
    for name, change in changes:
        document[f"delta_{name}"] = None if change is None else change.delta
        document[f"delta_{name}_ci"] = None if change is None else _pair(change.ci)
        document[f"{name}_a"] = None if change is None else change.mean_a
        document[f"{name}_b"] = None if change is None else change.mean_b
    return document


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [*interval]

"""Comparisons and effects of practices as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from promptlab.analysis.compare import Comparison
from promptlab.analysis.contrast import Change, Contrast
from promptlab.analysis.practices import PracticeEffect, Practices
from promptlab.core.decision import Rule
from promptlab.stats.intervals import Interval


def compare_json(
    runs: Sequence[str], scorer: str, rule: Rule, comparisons: Iterable[Comparison]
) -> dict[str, object]:
    """Return comparisons as the document that `compare --json` writes."""
    return {
        "run": list(runs),
        "scorer": scorer,
        "alpha": rule.alpha,
        "min_effect": rule.min_effect,
        "comparisons": [
            {"a": one.a, "b": one.b, "backend": one.backend, "group": one.group, **_contrast(one)}
            for one in comparisons
        ],
    }


def practices_json(
    runs: Sequence[str], scorer: str, rule: Rule, found: Practices
) -> dict[str, object]:
    """Return effects as the document that `practices --json` writes."""
    return {
        "run": list(runs),
        "scorer": scorer,
        "alpha": rule.alpha,
        "min_effect": rule.min_effect,
        "practices": [_effect_json(one) for one in found.effects],
        "aliases": [[list(pair) for pair in group] for group in found.aliases],
    }


def _effect_json(one: PracticeEffect) -> dict[str, object]:
    return {
        "practice": one.practice,
        "scope": one.scope,
        "backend": one.backend,
        "design": one.source,
        "wordings": one.wordings,
        "with": list(one.with_it),
        "without": list(one.without),
        **_contrast(one),
        "models": None if one.general is None else asdict(one.general),
    }


def _contrast(one: Contrast) -> dict[str, object]:
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
        "warnings": list(one.warnings),
    }


def _changes(one: Contrast) -> dict[str, object]:
    """Return what b takes more than a, in the mean of a trial, with intervals."""
    found: dict[str, object] = {}
    changes: tuple[tuple[str, Change | None], ...] = (
        ("tokens", one.tokens),
        ("output_tokens", one.output_tokens),
        ("cost_usd", one.cost_usd),
        ("latency_s", one.latency_s),
    )
    for name, change in changes:
        found[f"delta_{name}"] = None if change is None else change.delta
        found[f"delta_{name}_ci"] = None if change is None else _pair(change.ci)
        found[f"{name}_a"] = None if change is None else change.mean_a
        found[f"{name}_b"] = None if change is None else change.mean_b
    return found


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [*interval]

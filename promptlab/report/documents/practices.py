"""The document of `practices --json`."""

from __future__ import annotations

from dataclasses import asdict

from promptlab.analysis.interactions import Interaction
from promptlab.report.documents.contrast import contrast_json
from promptlab.report.documents.reasons import reasons_json
from promptlab.report.views.practices import PracticeRow, PracticesView


def practices_json(view: PracticesView) -> dict[str, object]:
    """Return effects as the document that `practices --json` writes."""
    return {
        "run": list(view.run_ids),
        "scorer": view.scorer,
        "secondary": view.secondary,
        "alpha": view.rule.alpha,
        "min_effect": view.rule.min_effect,
        "practices": [_row_json(row) for row in view.rows],
        "interactions": [_interaction_json(each) for each in view.interactions],
        "aliases": [[list(pair) for pair in group] for group in view.aliases],
        "notes": reasons_json(view.evidence),
    }


def _row_json(row: PracticeRow) -> dict[str, object]:
    effect = row.effect
    return {
        "practice": effect.practice,
        "scope": effect.scope,
        "backend": effect.backend,
        "design": effect.source,
        "wordings": effect.wordings,
        "wordings_without": effect.wordings_without,
        "distinct_models": effect.models,
        "with": list(effect.with_it),
        "without": list(effect.without),
        **contrast_json(effect, row.open),
        "models": None if effect.general is None else asdict(effect.general),
    }


def _interaction_json(one: Interaction) -> dict[str, object]:
    return {
        "practice": one.practice,
        "beside": one.beside,
        "on": list(one.on),
        "backend": one.backend,
        "aliases": [list(pair) for pair in one.aliases],
        "effects": {name: {"without": a, "with": b} for name, (a, b) in one.effects.items()},
        "n": one.n,
        "delta": one.delta,
        "se": one.se,
        "p": one.p,
        "p_family": one.p_family,
        "ci_simultaneous": None if one.ci is None else list(one.ci),
        "family": None if one.family is None else asdict(one.family),
        "method": one.method,
        "shown": one.is_shown,
        "reasons": reasons_json(one.reasons),
        "notes": reasons_json(one.notes),
    }

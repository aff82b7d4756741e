"""The document of `plan --json`."""

from __future__ import annotations

from dataclasses import asdict

from promptlab.analysis.planning import ASSUMED_SHARE
from promptlab.analysis.texts import Texts, sources_of
from promptlab.report.views.planning import Parts, PlannedRow, PlanningView, Takes


def planning_json(view: PlanningView) -> dict[str, object]:
    """Return what a suite can show as the document that `plan --json` writes."""
    prospect, forecast = view.prospect, view.forecast.forecast
    pilot = prospect.pilot
    return {
        "suite": prospect.plan.suite,
        "scorer": prospect.plan.primary,
        "cases": len(prospect.plan.cases),
        "groups": prospect.units if prospect.in_groups else None,
        "repeats": prospect.plan.repeats,
        "arms": [arm.label for arm in prospect.plan.arms],
        "family": {"question": prospect.question, "size": prospect.family},
        "alpha": prospect.rule.alpha,
        "level": prospect.aim.alpha,
        "until_decided": prospect.early,
        "min_effect": prospect.aim.margin,
        "effect": prospect.aim.effect,
        "detectable": view.detectable,
        "cases_needed": view.needed,
        "groups_needed": view.units_needed if prospect.in_groups else None,
        "power": view.power,
        "half_width": view.half_width,
        "assumed_share": ASSUMED_SHARE if pilot is None else None,
        "pilot": None
        if pilot is None
        else {"run": pilot.run_id, "cases": pilot.cases, "repeats": pilot.repeats},
        "wordings": dict(prospect.wordings),
        "comparisons": [_row_json(row) for row in view.rows],
        "variance": None if view.parts is None else _parts_json(view.parts),
        "calls": forecast.calls,
        "stored": forecast.stored,
        "cost_usd": None if forecast.cost_usd is None else [*forecast.cost_usd],
        "needed": None if view.takes is None else _takes_json(view.takes),
        "text": [view.headline, *view.lines],
    }


def _row_json(row: PlannedRow) -> dict[str, object]:
    spread = row.spread
    return {
        "pair": row.pair,
        "backend": row.backend,
        "kind": spread.kind,
        "cases": spread.cases,
        "differ": spread.differ,
        "sd": spread.sd,
        "upper": spread.upper,
        "detectable": row.detectable,
        "cases_needed": row.needed,
        "wordings": None if row.texts is None else _texts_json(row.texts, row.wordings),
    }


def _texts_json(texts: Texts, needed: int | None) -> dict[str, object]:
    return {
        "number": texts.number,
        "paired": texts.paired,
        "sd": texts.likely,
        "upper": texts.upper,
        "needed": needed,
        "sources": [asdict(source) for source in sources_of(texts)],
    }


def _parts_json(parts: Parts) -> dict[str, object]:
    return {
        "sources": [asdict(source) for source in parts.sources],
        "repeats_needed": parts.repeats,
        "best_repeats": parts.best,
    }


def _takes_json(takes: Takes) -> dict[str, object]:
    cost = None if takes.cost_usd is None else [*takes.cost_usd]
    return {"calls": takes.calls, "cost_usd": cost}

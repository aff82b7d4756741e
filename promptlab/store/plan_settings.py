"""The parts of a plan that have no table of their own, kept as JSON with its run."""

from __future__ import annotations

from dataclasses import asdict, fields

from promptlab.core.reducers import MEAN
from promptlab.core.types import Plan, PlanSettings, Sequential
from promptlab.store.connection import Connection
from promptlab.store.encode import from_json, to_json


def settings_to_json(plan: Plan) -> str:
    """Return as JSON the parts of a plan that have no table of their own."""
    settings = {field.name: getattr(plan, field.name) for field in fields(PlanSettings)}
    # What is not stored where there is none: settings from before it stay as they are.
    if reduced := {s.label: str(s.reduce) for s in plan.scorers if s.reduce != MEAN}:
        settings["reduce"] = reduced
    if largest := {s.label: s.largest for s in plan.scorers if s.largest is not None}:
        settings["largest"] = largest
    if plan.sample_of is None:
        del settings["sample_of"]
    if plan.sequential is None:
        del settings["sequential"]
    else:
        settings["sequential"] = _declared(plan.sequential)
    return to_json(settings)


def load_settings(connection: Connection, run: int) -> PlanSettings:
    """Return the parts of a run's plan that have no table of their own."""
    text = connection.value("SELECT settings FROM runs WHERE id = :run", run=run)
    settings = from_json(text)
    for of_a_scorer in ("reduce", "largest"):  # see `load_scorers`
        settings.pop(of_a_scorer, None)
    settings["gates"] = tuple(settings["gates"])
    if sequential := settings.get("sequential"):
        pairs = tuple((a, b) for a, b in sequential["pairs"])
        settings["sequential"] = Sequential(**{**sequential, "pairs": pairs})
    return PlanSettings(**settings)


def _declared(sequential: Sequential) -> dict[str, object]:
    """Return what a run that may stop early declares, without what has its default."""
    usual = asdict(Sequential(sequential.alpha, ()))
    given = asdict(sequential)
    return {name: given[name] for name in given if name == "alpha" or given[name] != usual[name]}

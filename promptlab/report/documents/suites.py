"""Suites as JSON."""

from __future__ import annotations

from promptlab.experiments.outline import SuiteOutline
from promptlab.report.documents.run import runs_json
from promptlab.report.views.runs import runs_view


def suite_json(suite: SuiteOutline) -> dict[str, object]:
    """Return a suite; what cannot be read is null, and `problem` says why."""
    settings = suite.settings
    runs = [run.run_id for run in suite.runs]
    if settings is None:
        return {"suite": suite.name, "problem": str(suite.problem), "runs": runs}
    return {
        "suite": suite.name,
        "problem": None,
        "description": settings.description,
        "templates": list(settings.templates),
        "versions": list(suite.versions),
        "cases": suite.cases,
        "groups": suite.groups,
        "tags": dict(suite.tags),
        "backends": list(settings.backends),
        "scorers": list(suite.scorers),
        "kinds": dict(suite.scorers),
        "primary": suite.primary,
        "repeats": settings.repeats,
        "seed": settings.seed,
        "design": settings.design,
        "holdout": settings.holdout,
        "held_out": suite.held_out,
        "gates": list(settings.gates),
        "runs": runs,
    }


def shown_suite_json(suite: SuiteOutline) -> dict[str, object]:
    """Return a suite with its runs as `runs --json` has them."""
    return {**suite_json(suite), "runs": runs_json(runs_view(suite.runs))}

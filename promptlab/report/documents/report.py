"""The document of `report --json`: everything that the page shows."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.report.documents.comparison import compare_json
from promptlab.report.documents.ledger import ledger_json
from promptlab.report.documents.matrix import matrix_json
from promptlab.report.documents.practices import practices_json
from promptlab.report.documents.run import run_json
from promptlab.report.documents.steps import step_json
from promptlab.report.documents.trial_detail import trial_detail_json
from promptlab.report.views.made import Made, MadeRun, command
from promptlab.report.views.past_scores import History, Rounds
from promptlab.report.views.report import ReportView
from promptlab.report.views.run import ScoreView


def report_json(view: ReportView) -> dict[str, object]:
    """Return a report as the document that `report --json` writes."""
    return {
        "runs": list(view.run_ids),
        "title": view.title,
        "headline": view.headline,
        "compare": None if view.comparison is None else compare_json(view.comparison),
        "practices": None if view.practices is None else practices_json(view.practices),
        "run": [run_json(each, 0) for each in view.runs],
        "matrix": _matrix_json(view),
        "hunks": [step_json(step) for step in view.steps],
        "history": [_history_json(each) for each in view.histories],
        "rounds": [_rounds_json(each) for each in view.rounds],
        "ledger": [ledger_json(each) for each in view.ledgers],
        "made": _made_json(view.made),
    }


def _matrix_json(view: ReportView) -> dict[str, object]:
    """Return the table of the shown cases, with every trial in full, and how many there are."""
    document = matrix_json(view.matrix)
    cases = document["cases"]
    assert isinstance(cases, list)
    for case in cases:
        for cell in case["cells"]:
            cell["trials"] = [
                {**trial, **trial_detail_json(view.trials[trial["run"], trial["seq"]])}
                for trial in cell["trials"]
            ]
    kinds = {"flipped": view.tallies.flipped, "failed": view.tallies.failed}
    shown = {
        name: {"cases": tally.all, "shown": tally.shown}
        for name, tally in {**kinds, "rest": view.tallies.rest}.items()
    }
    return {**document, "shown": len(view.matrix.rows), "kinds": shown}


def _history_json(history: History) -> dict[str, object]:
    return {
        "template": history.template,
        "texts": [
            {
                "version": point.version,
                "digest": point.digest,
                "backend": point.backend,
                "run": point.run_id,
                **_score_json(point.score),
            }
            for point in history.points
        ],
    }


def _rounds_json(rounds: Rounds) -> dict[str, object]:
    return {
        "scorer": rounds.scorer,
        "answers": list(rounds.answers),
        "scores": [
            {"arm": one.arm.arm.label, "answer": one.answer, **_score_json(one.score)}
            for one in rounds.points
        ],
    }


def _score_json(score: ScoreView) -> dict[str, object]:
    return {
        "scorer": score.scorer,
        "n": score.n,
        "mean": score.mean,
        "ci": None if score.low is None else [score.low, score.high],
    }


def _made_json(made: Made) -> dict[str, object]:
    return {
        "versions": dict(made.versions),
        "compare": command(made.compare),
        "report": command(made.report),
        "cases": made.n_cases,
        "cases_digest": made.cases,
        "runs": [_made_run_json(run) for run in made.runs],
    }


def _made_run_json(run: MadeRun) -> dict[str, object]:
    return {
        "run": run.run_id,
        "command": command(run.words) if run.imported is None else None,
        "imported": run.imported,
        "seed": run.seed,
        "repeats": run.repeats,
        "split": run.split,
        "templates": _named([(f"{one.name}@{one.version}", one.digest) for one in run.templates]),
        "backends": _named([(one.name, one.digest) for one in run.backends]),
        "scorers": [
            {"label": one.label, "name": one.name, "version": one.version, "params": one.params}
            for one in run.scorers
        ],
    }


def _named(pairs: Sequence[tuple[str, str]]) -> list[dict[str, object]]:
    return [{"name": name, "digest": digest} for name, digest in pairs]

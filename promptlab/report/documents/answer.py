"""The document of one answer."""

from __future__ import annotations

from promptlab.core.types import Score
from promptlab.report.documents.trial import turns_json
from promptlab.report.views.answer import AnswerView


def answer_json(view: AnswerView) -> dict[str, object]:
    """Return an answer as the document of `try --json`."""
    return {
        "template": view.template.name,
        "version": view.template.version,
        "digest": view.template.digest,
        "backend": view.backend.name,
        "model": view.model,
        "case_id": view.case.id,
        "vars": dict(view.case.vars),
        "expect": view.case.expect,
        "answer": view.text,
        "thoughts": view.thoughts,
        "outcome": view.outcome,
        "error": view.error,
        "input_tokens": view.input_tokens,
        "output_tokens": view.output_tokens,
        "cost_usd": view.cost_usd,
        "latency_s": view.latency_s,
        "cached": view.cached,
        "calls": view.calls,
        "scores": [_score_json(label, score) for label, score in view.scores.items()],
        "not_graded": dict(view.left_out),
        "turns": turns_json(view.turns),
    }


def _score_json(label: str, score: Score) -> dict[str, object]:
    return {
        "scorer": label,
        "score": score.value,
        "passed": score.passed,
        "reason": score.reason,
        "error": score.error,
    }

"""A trial in every detail, as JSON."""

from __future__ import annotations

from promptlab.report.views.trial import TurnView
from promptlab.report.views.trial_detail import GradeDetail, Passage, TrialDetail, TurnDetail


def trial_detail_json(trial: TrialDetail) -> dict[str, object]:
    """Return what a trial took, its output, what each scorer says, and its turns.

    A text that was too long for a page has the number of characters left out beside it.
    """
    return {
        "outcome": trial.outcome.value,
        **_text_json("output", trial.output),
        **_text_json("thoughts", trial.thoughts),
        **_text_json("error", trial.error),
        "cached": trial.cached,
        "input_tokens": trial.input_tokens,
        "output_tokens": trial.output_tokens,
        "cost_usd": trial.cost_usd,
        "latency_s": trial.latency_s,
        "scores": [_grade_json(grade) for grade in trial.grades],
        "turns": [_turn_json(turn) for turn in trial.turns],
    }


def _grade_json(grade: GradeDetail) -> dict[str, object]:
    return {
        "scorer": grade.scorer,
        "score": grade.score,
        "passed": grade.passed,
        **_text_json("reason", grade.reason),
        "found": grade.found,
        "graded": grade.graded,
    }


def _turn_json(turn: TurnDetail) -> dict[str, object]:
    return {
        "answer": turn.view.name,
        "aside": turn.aside,
        "backend": turn.view.asked_backend,
        "messages": [
            {"role": message.role, **_text_json("content", message.text)}
            for message in turn.messages
        ],
        **_text_json("output", turn.answer),
        **_text_json("thoughts", turn.thoughts),
        "outcome": turn.view.outcome.value,
        "finish_reason": turn.finish_reason,
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "warnings": list(turn.view.warnings),
        "weighed": _weighed_json(turn.view),
    }


def _weighed_json(view: TurnView) -> list[dict[str, object]]:
    return [{"answer": one.text, "logprob": one.logprob} for one in view.weighed]


def _text_json(name: str, text: Passage | None) -> dict[str, object]:
    if text is None:
        return {name: None}
    return {name: text.text, **({f"{name}_cut": text.cut} if text.cut else {})}

"""What a difference comes from, as JSON."""

from __future__ import annotations

from promptlab.analysis.causes import Causes, Part, Shares


def causes_json(causes: Causes | None) -> dict[str, object] | None:
    """Return what became of the answers of both sides, and the parts of their difference."""
    if causes is None:
        return None
    return {
        "a": _shares_json(causes.a),
        "b": _shares_json(causes.b),
        "form": _part_json(causes.form),
        "content": _part_json(causes.content),
        "constant_answers": [
            {
                "arm": one.arm,
                "backend": one.backend,
                "answer": one.answer,
                "given": one.given,
                "answers": one.answers,
                "constant_score": one.score,
                "score": one.own,
                "wins": one.won,
                "losses": one.lost,
                "p": one.p,
            }
            for one in causes.constants
        ],
        "other_scorers": [
            {"scorer": other.scorer, "delta": other.delta, "p": other.p}
            for other in causes.otherwise
        ],
        "tipping_points": [
            {
                "kind": point.kind,
                "arms": [*point.side.arms],
                "answers": point.answers,
                "ends_at": point.ends_at,
            }
            for point in causes.tipping
        ],
    }


def _shares_json(shares: Shares) -> dict[str, object]:
    return {
        "trials": shares.trials,
        "errors": shares.errors,
        "refused": shares.refused,
        "filtered": shares.filtered,
        "empty": shares.empty,
        "cut_off": shares.cut_off,
        "not_gradable": shares.ungradable,
        "gradable": shares.gradable,
        "right_given_gradable": shares.right,
        "found": dict(shares.found),
        "majority": None
        if shares.majority is None
        else {"answer": shares.majority.answer, "score": shares.majority.score},
    }


def _part_json(part: Part | None) -> dict[str, object] | None:
    if part is None:
        return None
    return {
        "delta": part.delta,
        "se": part.se,
        "ci": None if part.ci is None else [*part.ci],
    }

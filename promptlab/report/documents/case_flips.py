"""The cases that a comparison won and lost, as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from promptlab.report.views.case_flips import CaseFlipView


def case_flips_json(flips: Iterable[CaseFlipView]) -> list[dict[str, object]]:
    """Return cases as `compare --full --json` writes them: lost ones first."""
    return [
        {
            "case_id": each.case.case_id,
            "won": each.won,
            "vars": dict(each.case.vars),
            "expect": each.case.expect,
            "answers": [
                {
                    "arm": answer.arm,
                    "backend": answer.backend,
                    "score": answer.score,
                    "output": answer.output,
                }
                for answer in each.case.answers
            ],
        }
        for each in flips
    ]

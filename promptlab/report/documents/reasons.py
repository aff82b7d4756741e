"""Reasons as JSON, the same in every document."""

from __future__ import annotations

from collections.abc import Iterable

from promptlab.core.reasons import Reason


def reasons_json(reasons: Iterable[Reason]) -> list[dict[str, object]]:
    """Return reasons as JSON."""
    return [
        {"code": reason.code.value, "text": reason.text, "about": dict(reason.about)}
        for reason in reasons
    ]

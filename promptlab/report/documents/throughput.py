"""How much backends got done that answer many requests together, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.worked import Worked


def throughput_json(batched: Mapping[str, Worked | None]) -> dict[str, object]:
    """Return what each of these backends did, None where that was not kept."""
    return {
        name: None
        if worked is None
        else {
            **worked.to_json(),
            "answers_per_s": worked.answers_per_s,
            "tokens_per_s": worked.tokens_per_s,
        }
        for name, worked in batched.items()
    }

"""How much backends got done in a run that answer many requests together, in words.

The seconds of one of their answers are those of a queue, so that throughput stands in their place.
"""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.worked import Worked
from promptlab.report.wording import rate


def throughput_lines(batched: Mapping[str, Worked | None]) -> tuple[str, ...]:
    """Return a line for each backend whose throughput is known."""
    return tuple(
        f"{name} answers many together: {done}"
        for name, worked in batched.items()
        if worked is not None and (done := _done(worked)) is not None
    )


def _done(worked: Worked) -> str | None:
    if worked.answers_per_s is None:
        return None
    text = f"{rate(worked.answers_per_s)} answers/s"
    if worked.tokens_per_s is not None:
        text += f", {rate(worked.tokens_per_s)} tokens/s"
    return text

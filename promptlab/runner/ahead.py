"""First calls of trials that the check has rendered, so that the run need not do it again."""

from __future__ import annotations

from promptlab.core.types import Trial
from promptlab.templates.template import Call

_MOST_CALLS = 16_000
_MOST_CHARACTERS = 16_000_000


class RenderedAhead:
    """Keeps first calls, which depend on no answer, as far as they take little memory.

    All repeats of a trial share one. A call with an image, which is large, is not kept.
    """

    def __init__(self) -> None:
        self._calls: dict[tuple[int, int], Call] = {}
        self._characters = 0

    def keep(self, trial: Trial, call: Call) -> None:
        """Keep the first call of a trial, if there is room for it."""
        characters = self._characters
        for message in call.messages:
            if not isinstance(message.content, str):
                return
            characters += len(message.content)
        if characters <= _MOST_CHARACTERS and len(self._calls) < _MOST_CALLS:
            self._calls[trial.arm, trial.case] = call
            self._characters = characters

    def take(self, trial: Trial, repeats: int) -> Call | None:
        """Return the first call of a trial, if it was kept; the last of its repeats drops it."""
        place = (trial.arm, trial.case)
        if trial.repeat + 1 < repeats:
            return self._calls.get(place)
        return self._calls.pop(place, None)

"""How long each backend works in a run, and what it answers meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from promptlab.core.types import Completion, Outcome
from promptlab.core.worked import Worked


@dataclass(slots=True)
class _Backend:
    awaited: int = 0
    since: float = 0.0
    answers: int = 0
    output_tokens: int | None = 0
    seconds: float = 0.0


class WorkTime:
    """Counts the seconds in which answers are awaited, backend by backend.

    What is still awaited in the end counts up to the last answer: it may never have been worked on.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self._clock = clock
        self._backends: defaultdict[str, _Backend] = defaultdict(_Backend)

    def opened(self, backend: str) -> None:
        """Start anew what is awaited: until now the backend was loading."""
        self._backends[backend].since = self._clock()

    def asked(self, backend: str, requests: int) -> None:
        """Note that requests are on their way."""
        one = self._backends[backend]
        if not one.awaited:
            one.since = self._clock()
        one.awaited += requests

    def answered(self, backend: str, completion: Completion) -> None:
        """Note an answer that has arrived."""
        one, now = self._backends[backend], self._clock()
        one.awaited -= 1
        one.seconds += now - one.since
        one.since = now
        if completion.outcome is not Outcome.ERROR:
            one.answers += 1
            before, tokens = one.output_tokens, completion.usage.output_tokens
            one.output_tokens = None if before is None or tokens is None else before + tokens

    def done(self) -> Iterator[tuple[str, Worked]]:
        """Yield the backends that have answered, and what they did."""
        for name, one in self._backends.items():
            if one.answers:
                yield name, Worked(one.answers, one.output_tokens, one.seconds)

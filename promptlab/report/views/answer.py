"""One answer, asked for by itself, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptlab.core.types import (
    BackendSpec,
    Case,
    Outcome,
    Score,
    TemplateSource,
    TrialResult,
    Turn,
)
from promptlab.report.views.trial import Grade, grade_of
from promptlab.report.wording import UNKNOWN, counted, quantity, usd


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What one version answered to one case, and what it took.

    `text` is the answer that counts: the last, or the one that the suite grades. It is None if
    there is none, and `error` says why. Sums are None where a part is unknown. `cached` means that
    no call was made for the conversation. `left_out` are scorers that did not grade, with reasons.
    """

    template: TemplateSource
    backend: BackendSpec
    case: Case
    turns: tuple[Turn, ...]
    text: str | None
    thoughts: str | None
    outcome: Outcome
    error: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    latency_s: float | None
    cached: bool
    calls: int
    scores: Mapping[str, Score]
    left_out: Mapping[str, str]

    @property
    def reference(self) -> str:
        """Return the name of the version."""
        return f"{self.template.name}@{self.template.version}"

    @property
    def grades(self) -> tuple[Grade, ...]:
        """Return what scorers say of it."""
        return tuple(grade_of(label, score) for label, score in self.scores.items())

    @property
    def failed(self) -> bool:
        """Return whether there is no answer, or a scorer could not grade it."""
        return self.outcome is Outcome.ERROR or any(s.value is None for s in self.scores.values())

    @property
    def sentence(self) -> str:
        """Return how it ended and what it took, in one line."""
        known = (quantity(self.input_tokens), quantity(self.output_tokens))
        parts = [str(self.outcome), self.model or self.backend.name]
        if known != (UNKNOWN, UNKNOWN):
            parts.append(f"{known[0]} tokens in, {known[1]} out")
        if self.latency_s is not None:
            parts.append(f"{self.latency_s:.2f} s")
        if self.cost_usd:
            parts.append(f"{usd(self.cost_usd)} USD")
        parts.append("from the store" if self.cached else counted(self.calls, "call"))
        return ", ".join(parts)


def answer_view(
    template: TemplateSource,
    backend: BackendSpec,
    case: Case,
    result: TrialResult,
    calls: int,
    left_out: Mapping[str, str],
) -> AnswerView:
    """Return the view of one trial that belongs to no run."""
    own = [turn for turn in result.turns if not turn.aside]
    graded = None if result.graded is None else result.turns[result.graded].completion
    answers = [turn.completion for turn in own]
    return AnswerView(
        template=template,
        backend=backend,
        case=case,
        turns=result.turns,
        text=None if graded is None else graded.text,
        thoughts=None if graded is None else (graded.thoughts or "").strip() or None,
        outcome=result.outcome,
        error=result.error,
        model=next((each.model for each in reversed(answers) if each.model), None),
        input_tokens=_sum(each.usage.input_tokens for each in answers),
        output_tokens=_sum(each.usage.output_tokens for each in answers),
        cost_usd=_total(each.cost_usd for each in answers),
        latency_s=_total(each.latency_s for each in answers),
        cached=bool(own) and all(turn.cached for turn in own),
        calls=calls,
        scores=result.scores,
        left_out=left_out,
    )


def _sum(values: Iterable[int | None]) -> int | None:
    total = _total(values)
    return None if total is None else int(total)


def _total(values: Iterable[float | None]) -> float | None:
    known = [*values]
    return (
        None if not known or None in known else sum(value for value in known if value is not None)
    )

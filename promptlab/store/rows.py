"""What finished generations and trials look like as rows of their tables.

Content loses known keys on its way here; names, messages and reasons lose all that looks like one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from promptlab.core.digest import digest_text
from promptlab.core.types import Request, Score, TrialResult, Turn
from promptlab.store.connection import Value
from promptlab.store.encode import (
    amount,
    likelihoods_to_json,
    mapping_to_json,
    messages_to_json,
    optional,
    sampling_to_json,
    storable,
    to_json,
    told,
)

Number = TypeVar("Number", int, float)


def request_row(request: Request, texts: dict[str, str]) -> tuple[Value, ...]:
    """Return key, digests of prompt, schema and continuations, and sampling; note the texts."""
    prompt = _note(messages_to_json(request.messages), texts)
    schema = None if request.schema is None else _note(mapping_to_json(request.schema), texts)
    continuations = _note(to_json(request.continuations), texts) if request.continuations else None
    return request.key, prompt, schema, continuations, sampling_to_json(request.sampling)


def _note(text: str, texts: dict[str, str]) -> str:
    digest = digest_text(text)
    texts[digest] = text
    return digest


def trial_row(result: TrialResult) -> tuple[Value, ...]:
    """Return a trial as the values between its run and its moment."""
    trial = result.trial
    # What scorers ask aside from the conversation does not describe the template.
    completions = [turn.completion for turn in result.turns if not turn.aside]
    return (
        trial.seq,
        trial.arm,
        trial.case,
        trial.repeat,
        result.outcome.value,
        told(result.error),
        result.graded,
        _total([completion.usage.input_tokens for completion in completions]),
        _total([completion.usage.output_tokens for completion in completions]),
        _total([completion.cost_usd for completion in completions]),
        _total([completion.latency_s for completion in completions]),
        bool(result.turns) and all(turn.cached for turn in result.turns),
    )


def _total(values: Sequence[Number | None]) -> Number | None:
    """Return the sum, or None if a part is unknown or there are no values."""
    if len(values) == 1:
        return values[0] if amount(values[0]) is not None else None
    known = [value for value in values if value is not None and amount(value) is not None]
    return sum(known) if known and len(known) == len(values) else None


def turn_row(turn: Turn) -> tuple[Value, ...]:
    """Return the answer of a turn as the values by which its generation is found."""
    completion = turn.completion
    return (
        turn.cached,
        turn.request.key,
        storable(completion.text),
        completion.outcome.value,
        likelihoods_to_json(completion.likelihoods),
        optional(completion.thoughts),
    )


def failed_turn_row(turn: Turn) -> tuple[Value, ...]:
    """Return the request of a turn that has no answer."""
    key, prompt, *_, sampling = request_row(turn.request, {})
    return False, key, prompt, sampling


def score_row(score: Score) -> tuple[Value, ...]:
    """Return a score as the last values of `INSERT_SCORE`."""
    return (
        score.value,
        score.passed,
        told(score.reason),
        told(score.error),
        told(score.traceback),
        score.gradable,
        *(score.graded or (None, None)),
        told(score.found),
        told(score.expected),
    )


def readings(scores: Iterable[Score]) -> Iterator[tuple[str]]:
    """Yield what these scores refer to in the table `readings`, each text once."""
    texts = {text: None for score in scores for text in (score.found, score.expected)}
    yield from ((told(text) or "",) for text in texts if text is not None)

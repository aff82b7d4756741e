"""Check that an answer of a user-defined backend can be graded, counted and stored."""

from __future__ import annotations

from dataclasses import astuple
from types import NoneType

from promptlab.core.failure import Failure
from promptlab.core.types import Completion, Likelihood, Outcome, Usage

_TEXT = (str, NoneType)
_NUMBER = (float, int, NoneType)
_MOST = 1e15  # more than any number of seconds or dollars; NaN is not below it
_KINDS: dict[str, tuple[type, ...]] = {
    "outcome": (Outcome,),
    "text": (str,),
    "usage": (Usage,),
    "latency_s": _NUMBER,
    "model": _TEXT,
    "finish_reason": _TEXT,
    "cost_usd": _NUMBER,
    "error": _TEXT,
    "failure": (Failure, NoneType),
    "fingerprint": _TEXT,
    "warnings": (tuple,),
    "likelihoods": (tuple,),
    "thoughts": _TEXT,
}


def flaw(completion: object) -> str | None:
    """Describe what is wrong with a completion; return None if nothing is."""
    if not isinstance(completion, Completion):
        return f"{type(completion).__name__}, not a Completion"
    for name, kinds in _KINDS.items():
        value = getattr(completion, name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            return f"a Completion whose {name} is {type(value).__name__}"
    return _wrong_outcome(completion) or _wrong_number(completion)


def _wrong_outcome(completion: Completion) -> str | None:
    if completion.outcome is Outcome.ERROR and not completion.error:
        return "an error without a reason"
    if not all(isinstance(text, str) for text in completion.warnings):
        return "warnings that are not texts"
    if not all(isinstance(value, Likelihood) for value in completion.likelihoods):
        return "likelihoods that are not of type Likelihood"
    return None


def _wrong_number(completion: Completion) -> str | None:
    """Describe a number that cannot be what its name says, or that no database can hold."""
    if not all(_is_count(count) for count in astuple(completion.usage)):
        return "a usage that is not in whole numbers from 0 to 2^63 - 1"
    for name in ("latency_s", "cost_usd"):
        if not _is_measure(getattr(completion, name)):
            return f"a {name} that is not a number from 0"
    if not all(_is_likely(value) for value in completion.likelihoods):
        return "likelihoods that are not finite numbers"
    return None


def _is_measure(value: float | None) -> bool:
    """Return whether these are seconds or dollars; None is unknown."""
    return value is None or 0 <= value < _MOST


def _is_likely(value: Likelihood) -> bool:
    number = isinstance(value.logprob, (float, int)) and abs(value.logprob) < _MOST
    return number and _is_count(value.tokens)


def _is_count(value: object) -> bool:
    """Return whether this counts tokens, as far as a database can hold it; None is unknown."""
    return value is None or (type(value) is int and 0 <= value < 2**63)

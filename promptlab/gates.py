"""Gates: conditions on a run's scores that decide its exit code, such as `exact_match >= 0.8`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from promptlab.errors import PromptlabError
from promptlab.registry import unknown

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_GATE = re.compile(rf"\s*(?P<scorer>[\w.-]+)\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>{_NUMBER})\s*")


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound that every arm's mean must keep."""

    text: str
    scorer: str
    sign: str
    bound: float

    def holds(self, mean: float | None) -> bool:
        """Tell whether a mean keeps the bound; one that could not be measured does not."""
        return mean is not None and _OPERATORS[self.sign](mean, self.bound)


def parse_gate(text: str, scorers: Iterable[str], where: str) -> Gate:
    """Read a gate; its scorer must be one of the suite's."""
    match = _GATE.fullmatch(text)
    if match is None:
        raise PromptlabError(
            f"cannot read the gate {text!r}",
            where=where,
            hint="write a scorer, one of >= > <= <, and a number: exact_match >= 0.8",
        )
    known = list(scorers)
    if match["scorer"] not in known:
        told = unknown("scorer", match["scorer"], known)
        raise PromptlabError(f"{told.message} in a gate", where=where, hint=told.hint)
    return Gate(text, match["scorer"], match["sign"], float(match["bound"]))

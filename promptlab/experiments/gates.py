"""Gates: conditions on a run's scores that decide its exit code.

    exact_match >= 0.8                                  every arm's mean is within the bound
    exact_match: sentiment@v3 > sentiment@v2            v3 is shown to be better
    no-worse sentiment@best by 0.02                     no arm is worse by more than that

A gate that compares must hold on every backend that ran both. Since all of these must hold, no
correction for multiple tests is needed: the probability of passing wrongly is that of one test
(R. L. Berger, Technometrics 24 (1982), 295-300).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import TemplateSource

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SCORER = r"(?P<scorer>[\w.-]+)"
_NAMED = r"(?:(?P<scorer>[\w.-]+)\s*:\s*)?"
_BOUND = re.compile(rf"\s*{_SCORER}\s*(?P<sign>>=|<=|>|<)\s*(?P<bound>-?{_NUMBER})\s*")
_BEATS = re.compile(
    rf"\s*{_NAMED}(?P<left>[\w.-]+@\S+)\s*(?P<sign>[<>])\s*(?P<right>[\w.-]+@\S+)\s*"
)
_NO_WORSE = re.compile(rf"\s*{_NAMED}no-worse\s+(?P<baseline>\S+)\s+by\s+(?P<margin>{_NUMBER})\s*")

Resolve = Callable[[str], TemplateSource]
"""Resolves a reference to the one version that it means."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound that every arm's mean must satisfy."""

    text: str
    scorer: str
    sign: str
    bound: float

    def holds(self, mean: float | None) -> bool:
        """Return whether a mean satisfies the bound; one that could not be measured does not."""
        return mean is not None and _OPERATORS[self.sign](mean, self.bound)


@dataclass(frozen=True, slots=True)
class Beats:
    """A version that must be shown to be better than another."""

    text: str
    scorer: str
    better: TemplateSource
    than: TemplateSource


@dataclass(frozen=True, slots=True)
class NoWorse:
    """A version than which no other may be worse by `margin` or more: non-inferiority."""

    text: str
    scorer: str
    baseline: TemplateSource
    margin: float


Gate = Bound | Beats | NoWorse


def parse_gate(
    text: str, scorers: Sequence[str], primary: str, where: str, resolve: Resolve
) -> Gate:
    """Read a gate; its scorer must be one of the suite's, by default the primary one."""
    gate = _parse(text, primary, where, resolve)
    if gate.scorer not in scorers:
        raise _in_a_gate(unknown("scorer", gate.scorer, scorers), where)
    return gate


def check_scale(gate: Gate, where: str, *, may_fail: bool = False) -> None:
    """Refuse a gate that cannot be meant where every score lies between 0 and 1.

    Per cent instead of shares are such a case: it could never fail, or never hold. With `may_fail`,
    one that can never hold is left to fail: a suite may have had it for long.
    """
    if isinstance(gate, Bound):
        number, holds = gate.bound, {gate.holds(mean) for mean in (0.0, 0.5, 1.0)}
        if len(holds) == 2 or (may_fail and holds == {False}):
            return
        what = "always holds" if holds == {True} else "can never hold"
    elif isinstance(gate, NoWorse) and gate.margin >= 1:
        number, what = gate.margin, "always holds"
    else:
        return
    meant = f": write {number / 100:g} for {number:g} %" if 1 < number <= 100 else ""
    raise PromptlabError(
        f"the gate {gate.text!r} {what}", where=where,
        hint=f"scores of {gate.scorer} are shares between 0 and 1{meant}",
    )  # fmt: skip


def _parse(text: str, primary: str, where: str, resolve: Resolve) -> Gate:
    if match := _BOUND.fullmatch(text):
        return Bound(text, match["scorer"], match["sign"], float(match["bound"]))
    try:
        if match := _NO_WORSE.fullmatch(text):
            baseline = resolve(match["baseline"])
            return NoWorse(text, match["scorer"] or primary, baseline, float(match["margin"]))
        if match := _BEATS.fullmatch(text):
            left, right = resolve(match["left"]), resolve(match["right"])
            if left.digest == right.digest:
                raise PromptlabError("a version is compared with itself", hint="name two")
            better, than = (left, right) if match["sign"] == ">" else (right, left)
            return Beats(text, match["scorer"] or primary, better, than)
    except PromptlabError as error:
        raise _in_a_gate(error, where) from None
    raise PromptlabError(
        f"cannot read the gate {text!r}",
        where=where,
        hint="write `exact_match >= 0.8`, `exact_match: name@v3 > name@v2`"
        " or `no-worse name@v1 by 0.02`",
    )


def _in_a_gate(error: PromptlabError, where: str) -> PromptlabError:
    return error.saying(f"{error.message} in a gate").at(where)

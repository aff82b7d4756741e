"""What scorers read out of answers: how often which, and arms that say hardly anything else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from promptlab.analysis.inference import Scale, infer
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.sides import Side, Where
from promptlab.core.decision import Rule
from promptlab.stats.decomposition import constant_answer
from promptlab.stats.distinct import distinct

_CONSTANT = 0.8  # of an arm's answers: one that is given so often may be given whatever is asked
_EXCESS = 0.1  # by which it must be given more often than it is right
_MOST_ANSWERS = 20  # different ones: with more they are no labels


@dataclass(frozen=True, slots=True)
class Majority:
    """The right answer to most cases, and what always giving it scores."""

    answer: str
    score: float


@dataclass(frozen=True, slots=True)
class ConstantAnswer:
    """An arm that gives nearly always one answer, and how it does against always giving it."""

    arm: str
    backend: str
    answer: str
    given: int
    answers: int
    score: float
    own: float
    won: int
    lost: int
    p: float | None


def found_of(table: Measurements, side: Side, shared: Where) -> Mapping[str, int]:
    """Count what was found in a side's answers, if that is one of a few answers."""
    counts: defaultdict[int, int] = defaultdict(int)
    for arm in side:
        found = arm.cells.became.found
        known = found.found[shared[found.case] & (found.found >= 0)]
        for code, count in zip(*np.unique(known, return_counts=True), strict=True):
            counts[int(code)] += int(count)
    if not 0 < len(counts) <= _MOST_ANSWERS:
        return {}
    by_count = sorted(counts.items(), key=lambda item: (-item[1], _text(table, item[0])))
    return {_text(table, code): count for code, count in by_count}


def majority_of(table: Measurements, side: Side, shared: Where) -> Majority | None:
    """Return the right answer to most cases, where each has one of a few."""
    found = side[0].cells.became.found
    here = shared[found.case]
    expected, first = found.expected[here], np.unique(found.case[here], return_index=True)[1]
    codes, counts = np.unique(expected[first], return_counts=True)
    if not 0 < codes.size <= _MOST_ANSWERS or codes[0] < 0:
        return None
    return Majority(_text(table, int(codes[np.argmax(counts)])), float(counts.max() / first.size))


def constants_of(
    table: Measurements, sides: tuple[Side, Side], shared: Where, rule: Rule
) -> Iterator[ConstantAnswer]:
    """Yield the arms that give nearly always one answer, more often than it is right."""
    for arm in chain.from_iterable(sides):
        found = arm.cells.became.found
        here = shared[found.case]
        constant = constant_answer(found.found[here], found.expected[here], found.case[here])
        if constant is None or constant.share < _CONSTANT:
            continue
        if constant.share - constant.score < _EXCESS:
            continue
        places = distinct(found.case[here])
        d = constant.d
        whole = bool(np.all(np.isin(d, (-1, 0, 1))))
        scale = Scale(verdicts=True, whole=whole, largest=1.0)
        judged = infer(d, table.groups[places], scale, strict=rule.strict)
        yield ConstantAnswer(
            arm=arm.label,
            backend=arm.arm.backend,
            answer=_text(table, constant.code),
            given=constant.given,
            answers=constant.answers,
            score=constant.score,
            own=constant.score + float(d.mean()),
            won=int((d > 0).sum()),
            lost=int((d < 0).sum()),
            p=judged.two_sided(),
        )


def _text(table: Measurements, code: int) -> str:
    return next((run.readings[code] for run in table.runs if code in run.readings), "")

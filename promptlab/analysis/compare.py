"""Arms against arms, case by case: which is better, by how much, how certain, and at what cost.

A family of comparisons is declared (all pairs, or all against a baseline) and corrected as one.
Each comparison is paired on the cases that both arms have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from promptlab.analysis import early
from promptlab.analysis.account import Account, Within
from promptlab.analysis.averages import averaged
from promptlab.analysis.contrast import Contrast, estimate
from promptlab.analysis.interactions import of_models, together
from promptlab.analysis.looking import concluded, left_of
from promptlab.analysis.measurements import JoinedArm, Measurements, by_backend
from promptlab.analysis.sides import Side, Where
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError

By = Literal["version", "backend", "group", "tag"]
Toward = str | frozenset[tuple[str, str]] | None
"""The label of side b wherever it is compared, or the labels of pairs as a and b."""

SECONDARY = ", by scorers beside the primary one"
_QUESTIONS: dict[By, str] = {
    "version": "which version",
    "backend": "which backend",
    "group": "which version in which group",
    "tag": "which version on cases of which tag",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Contrast):
    """Arm b against arm a, on one backend, on all of them (`backend` None), or on a part of cases.

    That part is a `group`, or all cases with a `tag`.
    """

    a: str
    b: str
    backend: str | None
    group: str | None
    scorer: str
    tag: str | None = None

    @property
    def part(self) -> str | None:
        """Return the group or the tag, None where all cases are compared."""
        return self.tag if self.group is None else self.group


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two sides to compare. Several arms on a side: one version on several backends."""

    a: Side
    b: Side
    names: tuple[str, str]
    backend: str | None
    within: Where | None = None
    group: str | None = None
    tag: str | None = None

    @property
    def part(self) -> str | None:
        """Return the group or the tag that it is restricted to."""
        return self.tag if self.group is None else self.group


def compare(
    table: Measurements,
    rule: Rule,
    *,
    by: By = "version",
    baseline: str | None = None,
    toward: Toward = None,
    account: Account | None = None,
) -> list[Comparison]:
    """Compare all pairs of arms, or all arms against the one that `baseline` names.

    `by` is what differs within a pair: the version, on each backend and on all together; the
    backend, for each version; or the version again, within each group of cases or on the cases of
    each tag, of which a case may have several. The arm labelled
    `toward` is side b of all its pairs, or the pairs of labels in it are a and b in this order;
    which side is which changes nothing but signs.

    With an `account`, each pair is judged in the family in which it was first asked, at the level
    that earlier looks at it have left; comparisons of the tables beside it are of the same family.
    """
    pairs = [_toward(pair, toward) for pair in _pairs(table, by, baseline)]
    if not pairs:
        lone = {
            "group": all(case.group is None for case in table.cases),
            "tag": not any(case.tags for case in table.cases),
        }.get(by, False)
        hint = "run more than one version or backend, or name several runs"
        raise PromptlabError(
            f"there is nothing to compare by {by}",
            hint=f"give the cases {by}s" if lone else hint,
        )
    rows = [_estimated(table, pair, rule, account) for pair in pairs]

    def more(questions: frozenset[str]) -> list[Comparison]:
        others = (_toward(pair, toward) for pair in _pairs(table, by, None))
        return [
            _estimated(table, pair, rule, account)
            for pair in others
            if account is not None and account.question(pair.a, pair.b, pair.part) in questions
        ]

    beside = [
        _estimated(other, pair, rule, None)
        for other in (() if account is None else account.beside)
        for pair in _pairs(other, by, baseline)
    ]
    question = _QUESTIONS[by] + SECONDARY * bool(beside)
    return _over_models(table, pairs, concluded(rows, rule, question, more, beside), rule)


def _over_models(
    table: Measurements, pairs: Sequence[_Pair], rows: list[Comparison], rule: Rule
) -> list[Comparison]:
    """Let no two versions be equivalent on several models together if they may differ by model."""
    if all(row.verdict != "equivalent" for row in rows):
        return rows
    sides = {str(place): _by_backend(pair) for place, pair in enumerate(pairs) if len(pair.a) > 1}
    left = left_of(rows, rule)
    joint = together([*of_models(table, sides, left)], left)
    return [
        averaged(row, str(place), [one for one in joint if one.practice == str(place)], rule)
        if row.verdict == "equivalent"
        else row
        for place, row in enumerate(rows)
    ]


def _by_backend(pair: _Pair) -> dict[str, tuple[Side, Side]]:
    return {a.arm.backend: ((a,), (b,)) for a, b in zip(pair.a, pair.b, strict=True)}


def _estimated(table: Measurements, pair: _Pair, rule: Rule, account: Account | None) -> Comparison:
    row = Comparison(
        a=pair.names[0],
        b=pair.names[1],
        backend=pair.backend,
        group=pair.group,
        scorer=table.scorer.label,
        tag=pair.tag,
        **estimate(table, pair.a, pair.b, rule, pair.within).parts(),
    )
    if account is None:
        return row
    within = Within(pair.part, pair.within, row.stopped_at)
    return replace(row, look=account.look(pair.a, pair.b, within, rule.alpha))


def _toward(pair: _Pair, toward: Toward) -> _Pair:
    there = toward if isinstance(toward, frozenset) else {(pair.names[1], toward)}
    if pair.names[::-1] not in there:
        return pair
    return replace(pair, a=pair.b, b=pair.a, names=pair.names[::-1])


def _pairs(table: Measurements, by: By, baseline: str | None) -> Iterator[_Pair]:
    if by == "backend":
        yield from _backend_pairs(table, baseline)
        return
    arms_on = by_backend(table.arms)
    for backend, arms in arms_on.items():
        for a, b in _chosen(table, arms, baseline):
            pair = _Pair((a,), (b,), (a.label, b.label), backend)
            yield from _PARTS[by](table, pair) if by in _PARTS else (pair,)
    if by == "version" and len(arms_on) > 1 and early.declared_pairs(table) is None:
        yield from _pooled(arms_on, baseline)


def _chosen(
    table: Measurements, arms: Sequence[JoinedArm], baseline: str | None
) -> Iterator[tuple[JoinedArm, JoinedArm]]:
    """Yield the pairs of a backend's arms: against the baseline, as declared by the run, or all."""
    declared = early.declared_pairs(table)
    if baseline is not None:
        first = next((arm for arm in arms if arm.label == baseline), None)
        if first is not None:
            yield from ((first, arm) for arm in arms if arm is not first)
    elif declared is not None:
        yield from ((a, b) for a, b in declared if any(a is arm for arm in arms))
    else:
        yield from combinations(arms, 2)


def _pooled(arms_on: dict[str, list[JoinedArm]], baseline: str | None) -> Iterator[_Pair]:
    """Yield the pairs of versions that several backends ran, each pooled over those backends."""
    by_label: defaultdict[str, dict[str, JoinedArm]] = defaultdict(dict)
    for backend, arms in arms_on.items():
        for arm in arms:
            by_label[arm.label][backend] = arm
    for names in combinations(by_label, 2):
        if baseline in (None, *names):
            a, b = names[::-1] if names[1] == baseline else names
            shared = [backend for backend in by_label[a] if backend in by_label[b]]
            if len(shared) > 1:
                side_a, side_b = (tuple(by_label[name][on] for on in shared) for name in (a, b))
                yield _Pair(side_a, side_b, (a, b), None)


def _backend_pairs(table: Measurements, baseline: str | None) -> Iterator[_Pair]:
    by_prompt: defaultdict[str, list[JoinedArm]] = defaultdict(list)
    for arm in table.arms:
        by_prompt[arm.label].append(arm)
    for prompt, arms in by_prompt.items():
        for pair in combinations(arms, 2):
            if baseline in (None, *(arm.arm.backend for arm in pair)):
                a, b = pair[::-1] if pair[1].arm.backend == baseline else pair
                names = (f"{prompt} on {a.arm.backend}", f"{prompt} on {b.arm.backend}")
                yield _Pair((a,), (b,), names, None)


def _by_group(table: Measurements, pair: _Pair) -> Iterator[_Pair]:
    named: defaultdict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(table.cases):
        if case.group is not None:
            named[case.group].append(place)
    for name, places in named.items():
        within = np.zeros(len(table.cases), dtype=bool)
        within[places] = True
        yield replace(pair, within=within, group=name)


def _by_tag(table: Measurements, pair: _Pair) -> Iterator[_Pair]:
    for tag in dict.fromkeys(tag for case in table.cases for tag in case.tags):
        within = np.array([tag in case.tags for case in table.cases])
        yield replace(pair, within=within, tag=tag)


_PARTS: dict[By, Callable[[Measurements, _Pair], Iterator[_Pair]]] = {
    "group": _by_group,
    "tag": _by_tag,
}

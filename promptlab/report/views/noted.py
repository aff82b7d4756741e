"""What people noted, counted: tags and notes, by arm."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from promptlab.core.ratings import Rating
from promptlab.core.types import Arm, Plan
from promptlab.report.views.arm_names import ArmNames, arm_names

What = Literal["tag", "note"]


@dataclass(frozen=True, slots=True)
class NotedRow:
    """A tag or a note: of how many outputs it was said, by arm, and of how many pairs."""

    what: What
    text: str
    by_arm: Mapping[str, int]
    pairs: int

    @property
    def outputs(self) -> int:
        """Return of how many outputs it was said."""
        return sum(self.by_arm.values())


@dataclass(frozen=True, slots=True)
class NotedView:
    """What people noted of a run, the most frequent first.

    `rated` counts the outputs of each arm that have a verdict, a note or a tag, by the arm's label,
    `pairs` the pairs.
    """

    run_id: str
    arms: tuple[Arm, ...]
    names: tuple[ArmNames, ...]
    raters: tuple[str, ...]
    rated: Mapping[str, int]
    pairs: int
    rows: tuple[NotedRow, ...]


def noted_view(run_id: str, plan: Plan, ratings: Iterable[Rating]) -> NotedView:
    """Count what was noted: once for an output or pair, however many raters say the same.

    Texts that differ in upper and lower case alone are the same, as it was first written.
    """
    said: defaultdict[tuple[What, str], set[frozenset[int]]] = defaultdict(set)
    written: dict[tuple[What, str], str] = {}
    rated: set[frozenset[int]] = set()
    raters: dict[str, None] = {}
    for rating in ratings:
        if rating.opinion.says_nothing:
            continue
        rated.add(rating.item)
        raters[rating.rater] = None
        for what, text in _noted(rating):
            key = what, text.casefold()
            said[key].add(rating.item)
            written.setdefault(key, text)
    arms = _used(plan, rated)
    rows = [
        NotedRow(key[0], written[key], _by_arm(plan, arms, items), _pairs(items))
        for key, items in said.items()
    ]
    return NotedView(
        run_id=run_id,
        arms=arms,
        names=tuple(arm_names(arms or plan.arms)),
        raters=tuple(raters),
        rated=_by_arm(plan, arms, rated),
        pairs=_pairs(rated),
        rows=tuple(sorted(rows, key=lambda row: -row.outputs - row.pairs)),
    )


def _noted(rating: Rating) -> list[tuple[What, str]]:
    noted: list[tuple[What, str]] = [("tag", tag) for tag in rating.opinion.tags]
    return [*noted, ("note", rating.opinion.note)] if rating.opinion.note else noted


def _used(plan: Plan, items: Iterable[frozenset[int]]) -> tuple[Arm, ...]:
    """Return the arms of which single outputs were rated, in the order of the plan."""
    places = {plan.trial(seq).arm for item in items if len(item) == 1 for seq in item}
    return tuple(plan.arms[place] for place in sorted(places))


def _by_arm(plan: Plan, arms: Iterable[Arm], items: Iterable[frozenset[int]]) -> Mapping[str, int]:
    singles = (seq for item in items if len(item) == 1 for seq in item)
    counts = Counter(plan.arms[plan.trial(seq).arm].label for seq in singles)
    return {arm.label: counts[arm.label] for arm in arms}


def _pairs(items: Iterable[frozenset[int]]) -> int:
    return sum(len(item) == 2 for item in items)

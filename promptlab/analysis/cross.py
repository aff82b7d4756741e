"""What two practices do together on each case, beyond what each does alone.

The effect of a practice where another is followed, and where it is not, both from arms that differ
in nothing else: all arms of a factorial design, or four versions with the same other practices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from promptlab.analysis.inference import Floats
from promptlab.analysis.measurements import JoinedArm
from promptlab.analysis.showing import designs, is_factorial, texts_of, wording_of
from promptlab.analysis.sides import Where
from promptlab.experiments.designs import alias_groups

Pair = tuple[str, str]
Aliases = tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class JointChange:
    """A change of an effect, case by case: `halves`, of all arms, differ by half of `change`.

    `effects` has the effect of each practice concerned before the change and after it.
    """

    change: Floats
    halves: tuple[Floats, Floats]
    effects: Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True)
class Cross:
    """Two practices on each case: the scores with neither, with one of them, and with both.

    `aliases` are the pairs of practices that the design cannot tell from this one, itself included.
    """

    pair: Pair
    aliases: Aliases
    neither: Floats
    first: Floats
    second: Floats
    both: Floats

    @property
    def joint(self) -> JointChange:
        """Return by how much each practice changes the effect of the other."""
        return JointChange(
            change=(self.both - self.second) - (self.first - self.neither),
            halves=((self.first + self.second) / 2, (self.neither + self.both) / 2),
            effects={
                self.pair[0]: (self.first - self.neither, self.both - self.second),
                self.pair[1]: (self.second - self.neither, self.both - self.first),
            },
        )


def by_people(arm: JoinedArm) -> JoinedArm:
    """Return an arm with what people say in place of its scores, NaN where they were not asked."""
    return replace(arm, cells=replace(arm.cells, score=arm.people))


def crossed(arms: Sequence[JoinedArm], where: Where) -> list[Cross]:
    """Return what the arms of one backend show of every two practices, on these cases."""
    parts: defaultdict[Pair, list[Cross]] = defaultdict(list)
    factorial = [family for family in designs(arms) if is_factorial(family)]
    for family in _by_text(factorial):
        for cross in _of_design(family, where):
            parts[cross.pair].append(cross)
    if not factorial:
        for cross in _of_versions([arm for arm in arms if not arm.arm.off], where):
            parts[cross.pair].append(cross)
    return [mean_cross(several) for several in parts.values()]


def _by_text(families: Iterable[list[JoinedArm]]) -> list[list[JoinedArm]]:
    """Join the designs of one text."""
    by_text: defaultdict[str, list[JoinedArm]] = defaultdict(list)
    for family in families:
        by_text[wording_of(family[0])] += family
    return list(by_text.values())


def _of_design(family: Sequence[JoinedArm], where: Where) -> Iterator[Cross]:
    offs = [arm.arm.off for arm in family]
    toggled = sorted({name for off in offs for name in off})
    groups = alias_groups(offs)
    confounded = {pair for group in groups for pair in group[1:]}
    for a, b in combinations(toggled, 2):
        if (a, b) in confounded:  # told with the first of its group
            continue
        aliases = next((group for group in groups if group[0] == (a, b)), ((a, b),))
        cells = {
            (with_a, with_b): np.mean([
                arm.cells.score[where]
                for arm in family
                if (a not in arm.arm.off, b not in arm.arm.off) == (with_a, with_b)
            ], axis=0)
            for with_a in (False, True)
            for with_b in (False, True)
        }  # fmt: skip
        yield _cross((a, b), aliases, cells)


def _of_versions(arms: Sequence[JoinedArm], where: Where) -> Iterator[Cross]:
    """Yield what four versions show that follow both, one or none, and are otherwise alike."""
    followed: defaultdict[tuple[str, frozenset[str]], list[JoinedArm]] = defaultdict(list)
    for arm in arms:
        followed[arm.arm.template, frozenset(arm.arm.practices)].append(arm)
    means = {key: _of_texts(several, where) for key, several in followed.items()}
    names = sorted({name for _, practices in means for name in practices})
    for a, b in combinations(names, 2):
        for template, rest in means:
            if rest & {a, b}:
                continue
            cells = {
                (with_a, with_b): means.get(
                    (template, rest | ({a} if with_a else set()) | ({b} if with_b else set()))
                )
                for with_a in (False, True)
                for with_b in (False, True)
            }
            known = {key: values for key, values in cells.items() if values is not None}
            if len(known) == len(cells):
                yield _cross((a, b), ((a, b),), known)


def _of_texts(arms: Sequence[JoinedArm], where: Where) -> Floats:
    texts = [
        np.mean([arm.cells.score[where] for arm in text.arms], axis=0) for text in texts_of(arms)
    ]
    values: Floats = np.mean(texts, axis=0)
    return values


def _cross(pair: Pair, aliases: Aliases, cells: Mapping[tuple[bool, bool], Floats]) -> Cross:
    return Cross(
        pair,
        aliases,
        neither=cells[False, False],
        first=cells[True, False],
        second=cells[False, True],
        both=cells[True, True],
    )


def mean_cross(several: Sequence[Cross]) -> Cross:
    """Return the mean over texts, over other practices or over models, which weigh alike."""
    neither, first, second, both = (
        np.mean([getattr(cross, name) for cross in several], axis=0)
        for name in ("neither", "first", "second", "both")
    )
    return Cross(several[0].pair, several[0].aliases, neither, first, second, both)

"""Which arms show a practice: texts with it and texts without it that differ in nothing else.

They come from a factorial design (all arms take part), from an ablation (the full template against
the one without), or from versions whose practices differ only in this one. A text that ran several
times, with other sampling or under other names, is one text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, combinations
from math import gcd, lcm
from typing import Literal

from promptlab.analysis.measurements import JoinedArm, by_backend
from promptlab.analysis.sides import Side

Source = Literal["factorial", "ablation", "versions"]


@dataclass(frozen=True, slots=True)
class Wording:
    """A wording on one backend: what identifies it, and the arms that ran it, which weigh alike."""

    key: str
    arms: tuple[JoinedArm, ...]


@dataclass(frozen=True, slots=True)
class Stratum:
    """Texts with a practice and texts without it, whose other practices are the same.

    `key` is the same on every backend. In a design it is one text and the same without the block.
    """

    key: tuple[str, ...]
    with_it: tuple[Wording, ...]
    without: tuple[Wording, ...]

    @property
    def pairs(self) -> int:
        """Return how many pairs of texts there are, by which strata are weighted."""
        return len(self.with_it) * len(self.without)

    @property
    def paired(self) -> bool:
        """Return whether this is one text with the practice and one without it."""
        return self.pairs == 1


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that shows a practice on one backend."""

    source: Source
    strata: tuple[Stratum, ...]

    @property
    def with_it(self) -> Side:
        """Return the arms with the practice, each as often as it weighs."""
        return _side([(stratum.pairs, stratum.with_it) for stratum in self.strata])

    @property
    def without(self) -> Side:
        """Return the arms without the practice, each as often as it weighs."""
        return _side([(stratum.pairs, stratum.without) for stratum in self.strata])

    def shares(self) -> Iterator[tuple[Stratum, float]]:
        """Yield the strata, each with its share of the effect."""
        total = sum(stratum.pairs for stratum in self.strata)
        for stratum in self.strata:
            yield stratum, stratum.pairs / total


def shown_by_backend(arms: Iterable[JoinedArm], practice: str) -> Mapping[str, Shown]:
    """Return what shows a practice on each backend, preferring designs to versions."""
    found = {name: _shown(of_one, practice) for name, of_one in by_backend(arms).items()}
    return {name: shown for name, shown in found.items() if shown is not None}


def designs(arms: Iterable[JoinedArm]) -> list[list[JoinedArm]]:
    """Group the arms of a backend by text and sampling: each group may be a design."""
    families: defaultdict[tuple[object, ...], list[JoinedArm]] = defaultdict(list)
    for arm in arms:
        families[arm.arm.digest, arm.settings[0].arm.sampling].append(arm)
    return list(families.values())


def is_factorial(family: Sequence[JoinedArm]) -> bool:
    """Return whether all practices are balanced, each by itself and against every other.

    A design with one practice is equally an ablation, and is reported as one.
    """
    offs = [frozenset(arm.arm.off) for arm in family]
    toggled = sorted(frozenset().union(*offs))
    alone = all(sum(name in off for off in offs) * 2 == len(offs) for name in toggled)
    together = all(
        sum(a in off and b in off for off in offs) * 4 == len(offs)
        for a, b in combinations(toggled, 2)
    )
    return len(toggled) > 1 and alone and together


def wording_of(arm: JoinedArm) -> str:
    """Return what identifies an arm's text; one of which nothing is known is its version."""
    return arm.settings[0].text or arm.arm.digest


def texts_of(arms: Iterable[JoinedArm]) -> tuple[Wording, ...]:
    """Group arms by their text."""
    by_text: defaultdict[str, list[JoinedArm]] = defaultdict(list)
    for arm in arms:
        by_text[wording_of(arm)].append(arm)
    return tuple(Wording(key, tuple(alike)) for key, alike in by_text.items())


def _shown(arms: Sequence[JoinedArm], practice: str) -> Shown | None:
    designed = [
        (source, sides) for family in designs(arms) for source, sides in _designed(family, practice)
    ]
    if designed:  # if designs differ, only those of the first one's kind are joined
        source = designed[0][0]
        return Shown(source, _by_text([sides for kind, sides in designed if kind == source]))
    strata = tuple(_of_versions(arms, practice))
    return Shown("versions", strata) if strata else None


def _designed(
    family: Sequence[JoinedArm], practice: str
) -> Iterator[tuple[Source, tuple[Side, Side]]]:
    """Yield the arms of one template in a design, none if the practice was never switched off."""
    without = tuple(arm for arm in family if practice in arm.arm.off)
    with_it = tuple(arm for arm in family if practice in arm.arm.practices)
    if without and with_it and is_factorial(family):
        yield "factorial", (with_it, without)
        return
    whole = tuple(arm for arm in with_it if not arm.arm.off)
    alone = tuple(arm for arm in without if arm.arm.off == (practice,))
    if whole and alone:
        yield "ablation", (whole[:1], alone[:1])


def _by_text(designed: Iterable[tuple[Side, Side]]) -> tuple[Stratum, ...]:
    """Make a stratum of each text; copies of it are joined if they have as many arms."""
    by_text: defaultdict[str, list[tuple[Side, Side]]] = defaultdict(list)
    for with_it, without in designed:
        by_text[wording_of(with_it[0])].append((with_it, without))
    strata = []
    for key, copies in by_text.items():
        first = copies[0]
        alike = [copy for copy in copies if [*map(len, copy)] == [*map(len, first)]]
        joined = [tuple(chain.from_iterable(sides)) for sides in zip(*alike, strict=True)]
        strata.append(Stratum((key,), (Wording(key, joined[0]),), (Wording(key, joined[1]),)))
    return tuple(strata)


def _of_versions(arms: Sequence[JoinedArm], practice: str) -> Iterator[Stratum]:
    """Yield versions with and without a practice, by template and by their other practices."""
    strata: dict[tuple[str, ...], tuple[list[JoinedArm], list[JoinedArm]]] = {}
    for arm in arms:
        if not arm.arm.off:
            rest = sorted(set(arm.arm.practices) - {practice})
            sides = strata.setdefault((arm.arm.template, *rest), ([], []))
            sides[practice not in arm.arm.practices].append(arm)
    for key, (with_it, without) in strata.items():
        if with_it and without:
            yield Stratum(key, texts_of(with_it), texts_of(without))


def _side(strata: Iterable[tuple[int, tuple[Wording, ...]]]) -> Side:
    """Repeat arms until their mean is that of strata by weight, of texts, of the arms of a text."""
    weights = [
        (arm, Fraction(weight, len(texts) * len(text.arms)))
        for weight, texts in strata
        for text in texts
        for arm in text.arms
    ]
    common = lcm(*(weight.denominator for _, weight in weights))
    times = [int(weight * common) for _, weight in weights]
    least = gcd(*times)
    return tuple(
        chain.from_iterable(
            (arm,) * (count // least) for (arm, _), count in zip(weights, times, strict=True)
        )
    )

"""What every theme shares: a setting, what is seen in one run of it, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Generic, TypeVar
from zlib import crc32

import numpy as np

from bench.coverage.draws import Chance
from bench.coverage.judge import Seen, compared
from bench.coverage.plain import plainly
from bench.coverage.quick import quickly

DrawnT = TypeVar("DrawnT")
Conclude = Callable[[Any], Seen]
CHECKED = 50  # runs of a setting that go the whole way of the command too
ERRORS = 2.0  # of the simulation, that are taken for chance


@dataclass(frozen=True, slots=True)
class Keep:
    """The rates that a setting must keep; None asks for nothing.

    `coverage` and `at_once` are the least shares of intervals, and of families all of whose
    intervals, hold the truth; `false` the most families with a false verdict; `found` the least
    power, `refused` the least share of refused rows, `lost` the most power lost against the plain
    method where that keeps its own rates. A setting all of whose rows were refused
    holds nothing, unless it `may_refuse`. `marks` names shares of runs: the least that each may be,
    `at_most` the most; `stated` are those that are printed only. `known` names rates that
    fall short, as docs/trust.md says: they are printed as such, and not held against the whole.
    """

    coverage: float | None = None
    at_once: float | None = None
    false: float | None = 0.05
    found: float | None = None
    refused: float | None = None
    may_refuse: bool = False
    lost: float | None = 0.05
    marks: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    stated: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting(Generic[DrawnT]):
    """One way in which data come about, drawn and concluded from again and again.

    `share` is the part of the runs that it gets: less than 1 where a run takes long. `quick` says
    the same as `conclude` in less time; by default, what `compare` says has one.
    """

    label: str
    draw: Callable[[Chance], DrawnT]
    keep: Keep = Keep()
    conclude: Callable[[DrawnT], Seen] = compared  # type: ignore[assignment]
    plain: Callable[[DrawnT], Seen] | None = plainly  # type: ignore[assignment]
    share: float = 1.0
    quick: Callable[[DrawnT], Seen] | None = None

    def ways(self) -> tuple[Conclude, Conclude | None]:
        """Return how to conclude, and the whole way to check some runs by, if that is another."""
        quick: Conclude | None = quickly if self.conclude is compared else self.quick
        return (self.conclude, None) if quick is None else (quick, self.conclude)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of runs, or the mean over runs of shares of their rows, and its error."""

    value: float
    error: float

    @classmethod
    def of(cls, each: Sequence[float | None]) -> Share | None:
        """Return the mean of what is known of each run, None if nothing is."""
        known = np.array([one for one in each if one is not None], dtype=float)
        if not known.size:
            return None
        return cls(float(known.mean()), float(known.std()) / sqrt(known.size))

    def __str__(self) -> str:
        return f"{self.value * 100:.1f}±{self.error * 100:.1f}"


@dataclass(frozen=True, slots=True)
class Held:
    """What was seen in the runs of a setting."""

    label: str
    runs: int
    shares: Mapping[str, Share | None]
    plain: Mapping[str, Share | None]
    lost: Share | None
    marks: Mapping[str, Share | None]
    against: int
    examples: tuple[str, ...]
    missed: tuple[str, ...]
    short: tuple[str, ...] = ()


def held(setting: Setting[Any], runs: int, seed: int, errors: float = ERRORS) -> Held:
    """Draw runs of a setting, conclude from each, and count.

    The label and `seed` fix the draws; a rate may be missed by `errors` errors of the simulation.
    """
    chance = np.random.default_rng([seed, crc32(setting.label.encode())])  # noqa: TID251 - seeded
    runs = max(2, round(runs * setting.share))
    conclude, whole = setting.ways()
    seen, beside, otherwise = [], [], 0
    for number in range(runs):
        drawn = setting.draw(chance)
        seen.append(conclude(drawn))
        if whole is not None and number < CHECKED:
            otherwise += not seen[-1].like(whole(drawn))
        if setting.plain is not None:
            beside.append(setting.plain(drawn))
    shares, marks = _shares(seen), _marks(seen, setting.keep)
    contradictions = [text for one in seen for text in one.contradictions()]
    plain = _shares(beside)
    lost = _lost(seen, beside) if _valid(plain) else None
    found = _missed(setting.keep, {**marks, **shares, "lost": lost}, errors)
    missed = tuple(text for name, text in found if name not in setting.keep.known)
    short = tuple(text for name, text in found if name in setting.keep.known)
    may_refuse = setting.keep.may_refuse or setting.keep.refused is not None
    if not may_refuse and all(one.refused == 1 for one in seen):
        missed = (*missed, "every row was refused: nothing is measured")
    if otherwise:
        missed = (*missed, f"{otherwise} of {CHECKED} runs are concluded otherwise by the command")
    if contradictions:
        missed = (*missed, f"{len(contradictions)} contradictions")
    return Held(
        setting.label,
        runs,
        shares,
        plain,
        lost,
        marks,
        len(contradictions),
        tuple(contradictions[:3]),
        missed,
        short,
    )


def _shares(seen: Sequence[Seen]) -> dict[str, Share | None]:
    return {
        "coverage": Share.of([one.covered for one in seen]),
        "at_once": Share.of([one.at_once for one in seen]),
        "false": Share.of([float(one.false) for one in seen]),
        "refused": Share.of([one.refused for one in seen]),
        "found": Share.of([one.found for one in seen]),
    }


def _valid(plain: Mapping[str, Share | None]) -> bool:
    """Say whether the plain method keeps the rates that everything must keep."""
    coverage, false = plain["coverage"], plain["false"]
    covers = coverage is not None and not _short(coverage, 0.93, ERRORS)
    return covers and not _short(false, 0.05, ERRORS, -1)


def _lost(seen: Sequence[Seen], beside: Sequence[Seen]) -> Share | None:
    """Return the power that the plain method has more, run by run."""
    both = [(one.found, plain.found) for one, plain in zip(seen, beside, strict=True)]
    return Share.of([None if x is None or y is None else y - x for x, y in both])


def _marks(seen: Sequence[Seen], keep: Keep) -> dict[str, Share | None]:
    """Return the share of each mark that was seen or asked for; a run without it counts as 0."""
    names = dict.fromkeys([*keep.marks, *keep.at_most, *keep.stated])
    names.update(dict.fromkeys(name for one in seen for name in one.marks))
    return {name: Share.of([one.marks.get(name, 0.0) for one in seen]) for name in names}


def _missed(keep: Keep, seen: Mapping[str, Share | None], errors: float) -> list[tuple[str, str]]:
    """Name and describe the rates that were not kept, of those that were asked for."""
    least = {
        "coverage": keep.coverage,
        "at_once": keep.at_once,
        "found": keep.found,
        "refused": keep.refused,
        **keep.marks,
    }
    missed = [
        (name, f"{name} {seen.get(name) or 'unknown'}, at least {rate * 100:g}")
        for name, rate in least.items()
        if rate is not None and _short(seen.get(name), rate, errors)
    ]
    return missed + [
        (name, f"{name} {seen.get(name) or 'unknown'}, at most {rate * 100:g}")
        for name, rate in {"false": keep.false, "lost": keep.lost, **keep.at_most}.items()
        if rate is not None and _short(seen.get(name), rate, errors, -1)
    ]


def _short(share: Share | None, rate: float, errors: float, sign: int = 1) -> bool:
    """Say whether a share is less than a rate, or more if `sign` is -1, by more than chance."""
    if share is None:  # nothing was shown that could be false
        return False
    return sign * (rate - share.value) > errors * share.error + 1e-9

"""What comparisons and effects have in common: figures, notes, and what more cases would show."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from promptlab.analysis.changes import Change
from promptlab.analysis.contrast import Contrast
from promptlab.core.codes import Code
from promptlab.core.decision import Rule, Verdict
from promptlab.core.reasons import Reason
from promptlab.report.wording import (
    NO_VERDICT,
    UNKNOWN,
    bounds,
    counted,
    difference,
    level,
    listed,
    mean,
    more,
    p_value,
    percent,
    size,
    verdict_word,
)

_NAMED = 2  # of what a note is about


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a contrast in words, `-` if unknown.

    Means and differences have no unit: it is in the heading of the table. Interval and p-value
    are those of the whole family. `said` is the verdict in words no wider than what was drawn.
    """

    n: str
    mean_a: str
    mean_b: str
    delta: str
    interval: str
    p: str
    won_lost: str
    tokens: str
    verdict: Verdict
    said: str


@dataclass(frozen=True, slots=True)
class Note:
    """A refusal or a warning, stated once for everything that it is about.

    `text` is the reason's, with names as short as in the view. `about` names what it is about;
    it is empty if the text does so itself, or if it holds for everything.
    """

    reason: Reason
    text: str
    about: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the note as one line."""
        about = f" ({listed(self.about, _NAMED, '; ')})" if self.about else ""
        weight = {"refused": NO_VERDICT, "open": "undecided"}.get(self.reason.code.weight, "note")
        return f"{weight}: {self.text}{about}"


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An undecided contrast: what it is about, and how many cases would decide it."""

    about: str
    reason: Reason

    @property
    def line(self) -> str:
        """Return the question as one line."""
        return f"undecided: {self.about}: {self.reason.text}"


def figures_of(contrast: Contrast) -> Figures:
    """Put the numbers of a contrast into words."""
    rate = contrast.is_rate
    return Figures(
        n=str(contrast.n),
        mean_a=mean(contrast.mean_a, is_rate=rate).removesuffix(" %"),
        mean_b=mean(contrast.mean_b, is_rate=rate).removesuffix(" %"),
        delta=difference(contrast.delta, is_rate=rate),
        interval=bounds(contrast.ci_simultaneous, is_rate=rate),
        p=p_value(contrast.p_family),
        won_lost=f"{len(contrast.won)}:{len(contrast.lost)}",
        tokens=more(ratio(contrast.tokens)),
        verdict=contrast.verdict,
        said=contrast.claim.said(verdict_word(contrast.verdict)),
    )


def held_for(contrasts: Sequence[Contrast], rule: Rule) -> str:
    """Return what the intervals of these hold for: of one level, those of the largest family."""
    alike: defaultdict[float, list[Contrast]] = defaultdict(list)
    for one in _judged(contrasts):
        alike[one.alpha(rule)].append(one)
    *others, last = [level(alpha, family_size(same)) for alpha, same in alike.items()]
    return " or ".join([*(one.removesuffix(" intervals") for one in others), last])


def levels_of(contrasts: Sequence[Contrast], rule: Rule) -> list[str] | None:
    """Return the level of each interval, None if all have the same."""
    if len({one.alpha(rule) for one in _judged(contrasts)}) < 2:
        return None
    return [UNKNOWN if one.verdict == "refused" else percent(one.alpha(rule)) for one in contrasts]


def _judged(contrasts: Sequence[Contrast]) -> Sequence[Contrast]:
    """Return those that have an interval, or all if none has."""
    return [one for one in contrasts if one.verdict != "refused"] or contrasts


def family_size(contrasts: Iterable[Contrast]) -> int:
    """Return the size of the largest family among these."""
    return max((one.family.size for one in contrasts if one.family is not None), default=1)


def ratio(change: Change | None) -> float | None:
    """Return b as a multiple of a, None if unknown."""
    return None if change is None else change.ratio


def notes_on(
    named: Sequence[tuple[Contrast, str]], short: Callable[[str], str] = str
) -> tuple[Note, ...]:
    """Return the reasons of refusals, then the warnings: each once, with what it is about."""
    refusals = _together((reason, name) for contrast, name in named for reason in contrast.reasons)
    warnings = _together((reason, name) for contrast, name in named for reason in contrast.warnings)
    return tuple(
        Note(
            reason,
            _shortened(reason, short),
            () if reason.arms or len(names) == len(named) else tuple(names),
        )
        for reasons in (refusals, warnings)
        for reason, names in reasons
    )


def _together(pairs: Iterator[tuple[Reason, str]]) -> list[tuple[Reason, list[str]]]:
    """Group the names of equal reasons."""
    together: dict[tuple[Code, str], tuple[Reason, list[str]]] = {}
    for reason, name in pairs:
        together.setdefault((reason.code, reason.text), (reason, []))[1].append(name)
    return list(together.values())


def _shortened(reason: Reason, short: Callable[[str], str]) -> str:
    """Return the text with the short names of its arms; the longest is replaced first."""
    text = reason.text
    for label in sorted(reason.arms, key=len, reverse=True):
        text = text.replace(label, short(label))
    return text


def open_question(contrast: Contrast) -> Reason | None:
    """Return which difference an undecided contrast could show, and how many cases show more."""
    if contrast.verdict != "undecided" or contrast.detectable is None:
        return None
    shown = size(contrast.detectable, is_rate=contrast.is_rate)
    text = f"{counted(contrast.n, 'case')} can show {shown}"
    if contrast.family is not None and contrast.family.size > 1:
        text += f" in a family of {contrast.family.size}"
    more_cases = to_detect = None
    if contrast.cases_needed is not None and contrast.cases_needed > contrast.n:
        more_cases = contrast.cases_needed - contrast.n
        to_detect = contrast.aim.effect
        wanted = size(to_detect, is_rate=contrast.is_rate)
        text += f"; {wanted} need{'' if contrast.is_rate else 's'} {contrast.cases_needed:,}"
    return Reason(
        Code.MORE_CASES_NEEDED,
        text,
        {
            "cases": contrast.n,
            "detectable": contrast.detectable,
            "more_cases": more_cases,
            "to_detect": to_detect,
        },
    )

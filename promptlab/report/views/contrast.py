"""What comparisons and effects have in common: figures, notes, and what more cases would show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from promptlab.analysis.conclude import planned_effect
from promptlab.analysis.contrast import Change, Contrast
from promptlab.core.codes import Code
from promptlab.core.decision import Rule, Verdict
from promptlab.core.reasons import Reason
from promptlab.report.wording import bounds, counted, difference, listed, mean, more, p_value, size

_NAMED = 2  # of what a note is about


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of a contrast in words, `-` where one is unknown.

    Means and differences have no unit: the heading of a table says it.
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


@dataclass(frozen=True, slots=True)
class Note:
    """A refusal or a warning, said once for all that it is about.

    `text` is the reason's, with names as short as the view has them. `about` names what it is
    about; nothing, where the text does so itself or where it is of all there is.
    """

    reason: Reason
    text: str
    about: tuple[str, ...]

    @property
    def line(self) -> str:
        """Return the note as a line of its own."""
        about = f" ({listed(self.about, _NAMED, '; ')})" if self.about else ""
        return f"{self.reason.code.weight}: {self.text}{about}"


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """An undecided contrast: what it is of, and which difference more cases would show."""

    about: str
    reason: Reason

    @property
    def line(self) -> str:
        """Return it as a line of its own."""
        return f"undecided: {self.about}: {self.reason.text}"


def figures_of(one: Contrast) -> Figures:
    """Put the numbers of a contrast into words."""
    rate = one.is_rate
    return Figures(
        n=str(one.n),
        mean_a=mean(one.mean_a, is_rate=rate).removesuffix(" %"),
        mean_b=mean(one.mean_b, is_rate=rate).removesuffix(" %"),
        delta=difference(one.delta, is_rate=rate),
        interval=bounds(one.ci, is_rate=rate),
        p=p_value(one.p_adjusted),
        won_lost=f"{len(one.won)}:{len(one.lost)}",
        tokens=more(ratio(one.tokens)),
        verdict=one.verdict,
    )


def ratio(change: Change | None) -> float | None:
    """Return b's share of a, None where it is unknown."""
    return None if change is None else change.ratio


def notes_on(
    named: Sequence[tuple[Contrast, str]], short: Callable[[str], str] = str
) -> tuple[Note, ...]:
    """Return why verdicts were refused, then the warnings: each once, with what it is about."""
    refusals = _together((reason, name) for one, name in named for reason in one.reasons)
    warnings = _together((reason, name) for one, name in named for reason in one.warnings)
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
    """Bring what is told by the same line together."""
    together: dict[tuple[Code, str], tuple[Reason, list[str]]] = {}
    for reason, name in pairs:
        together.setdefault((reason.code, reason.text), (reason, []))[1].append(name)
    return list(together.values())


def _shortened(reason: Reason, short: Callable[[str], str]) -> str:
    """Return the text with the arms that it is about named shortly, the longest name first."""
    text = reason.text
    for label in sorted(reason.arms, key=len, reverse=True):
        text = text.replace(label, short(label))
    return text


def open_question(one: Contrast, rule: Rule) -> Reason | None:
    """Say which difference the cases of what is open can show, and how many show a small one."""
    if one.verdict != "undecided" or one.detectable is None:
        return None
    text = f"{counted(one.n, 'case')} can show {size(one.detectable, is_rate=one.is_rate)}"
    more_cases = to_detect = None
    if one.cases_needed is not None and one.cases_needed > one.n:
        more_cases = one.cases_needed - one.n
        to_detect = planned_effect(rule, bounded=True)
        text += f", {more_cases:,} more {size(to_detect, is_rate=one.is_rate)}"
    return Reason(
        Code.MORE_CASES_NEEDED,
        text,
        {
            "cases": one.n,
            "detectable": one.detectable,
            "more_cases": more_cases,
            "to_detect": to_detect,
        },
    )

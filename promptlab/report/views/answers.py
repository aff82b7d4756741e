"""Which answers each arm gives how often, and what always giving the same one scores, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from promptlab.analysis.causes import Shares
from promptlab.analysis.compare import Comparison
from promptlab.report.wording import counted
from promptlab.scorers.judges.orders import SAID

_NAMED = 4  # answers of an arm, the most frequent ones
_Arm = tuple[str, str | None]


def answer_lines(comparisons: Sequence[Comparison], short: Callable[[str], str]) -> tuple[str, ...]:
    """Return a line for each arm, and one on the constant answer; none where no labels are told."""
    arms = {arm: shares for arm, shares in _arms(comparisons).items() if shares.found}
    places = {backend for _, backend in arms}
    lines = [
        f"{short(name)}{f' on {backend}' if len(places) > 1 else ''}{_line(shares)}"
        for (name, backend), shares in arms.items()
    ]
    constant = dict.fromkeys(
        f"always answering {shares.majority.answer!r} scores {shares.majority.score * 100:.1f} %"
        for shares in arms.values()
        if shares.majority is not None
    )
    return (*lines, *constant)


def _arms(comparisons: Sequence[Comparison]) -> dict[_Arm, Shares]:
    """Return what became of the answers of each arm, on most of its cases."""
    found: dict[_Arm, Shares] = {}
    for arm, shares in _sides(comparisons):
        if arm not in found or found[arm].trials < shares.trials:
            found[arm] = shares
    return found


def _sides(comparisons: Sequence[Comparison]) -> Iterator[tuple[_Arm, Shares]]:
    alone = [one for one in comparisons if one.backend is not None] or comparisons
    for one in alone:
        if one.causes is not None and one.group is None:
            yield (one.a, one.backend), one.causes.a
            yield (one.b, one.backend), one.causes.b


def _line(shares: Shares) -> str:
    """Return what an arm answers, or what a judge of pairs says of its answers."""
    if SAID.issuperset(shares.found):
        said = ", ".join(f"{said} {count:,}" for said, count in shares.found.items())
        return f": {said}, of {shares.trials:,}"
    return f" answers {_said(shares)}"


def _said(shares: Shares) -> str:
    counts = [*shares.found.items()]
    parts = [f"{answer} to {count:,}" for answer, count in counts[:_NAMED]]
    if rest := sum(count for _, count in counts[_NAMED:]):
        parts.append(f"{counted(len(counts) - _NAMED, 'other')} to {rest:,}")
    if nothing := shares.trials - sum(shares.found.values()):
        parts.append(f"none of these to {nothing:,}")
    return f"{', '.join(parts)} of {shares.trials:,}"

"""Comparisons as tables for a terminal of 80 columns, and in one sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from promptlab.analysis.compare import Comparison
from promptlab.analysis.conclude import planned_effect
from promptlab.analysis.contrast import Change, Contrast
from promptlab.core.decision import Rule
from promptlab.report.terminal.diff_lines import visible
from promptlab.report.terminal.figures import bounds, difference, level, mean, more, p_value
from promptlab.report.terminal.tables import Column, counted, print_fitted

TOLD_AS = {"better": "bold green", "worse": "bold red", "refused": "yellow"}
_NAMED = 8  # cases in a line
_TAKES_UP_TO = 12  # comparisons, beyond which not everything is told of each

_Shorten = Callable[[str], str]


def print_comparisons(
    console: Console, scorer: str, comparisons: Sequence[Comparison], rule: Rule
) -> None:
    """Print all comparisons, a table for each arm that others are set against."""
    names = _Names(comparisons)
    tables: defaultdict[tuple[str | None, str], list[Comparison]] = defaultdict(list)
    for one in comparisons:
        tables[one.backend, one.a].append(one)
    for place, ((_, a), rows) in enumerate(tables.items()):
        if place:
            console.print()
        told = f"{scorer}{names.place(rows[0])}, against {names.short(a)}"
        _print_table(console, told, rows, names.short, rule)
    if len(comparisons) <= _TAKES_UP_TO:
        _print_taken(console, comparisons, names)
    named = [(one, names.pair(one)) for one in comparisons]
    whole = [pair for pair in named if pair[0].group is None]
    flips = flipped(comparisons[0], names.short) if len(comparisons) == 1 else ()
    print_lines(console, [*flips, *notes(named, names.short), *needed(whole, rule)])
    print_lines(console, _conclusion(comparisons, names, rule))


class _Names:
    """How arms and pairs are named: no longer than is needed to tell them apart.

    The name of the template is left out where there is only one.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        templates = {name.partition("@")[0] for one in comparisons for name in (one.a, one.b)}
        self._prefix = f"{templates.pop()}@" if len(templates) == 1 else ""
        self._several = len({one.backend for one in comparisons}) > 1

    def short(self, name: str) -> str:
        """Return the name of an arm."""
        return name.removeprefix(self._prefix)

    def place(self, one: Comparison) -> str:
        """Say where a pair was compared: pairs of backends are on none of them."""
        if one.backend is not None:
            return f" on {one.backend}"
        return " on all backends" if self._several else ""

    def apart(self, one: Comparison) -> str:
        """Say where a pair was compared, if others were compared elsewhere."""
        return self.place(one) if self._several else ""

    def pair(self, one: Comparison) -> str:
        """Return the name of a pair."""
        within = f" in {one.group}" if one.group is not None else ""
        return f"{self.short(one.b)} against {self.short(one.a)}{within}{self.apart(one)}"


def _print_table(
    console: Console, told: str, rows: Sequence[Comparison], short: _Shorten, rule: Rule
) -> None:
    is_rate = rows[0].is_rate
    counts, means = {one.n for one in rows}, {mean(one.mean_a, is_rate=is_rate) for one in rows}
    title = f"{told} ({means.pop()})" if len(means) == 1 else told
    if len(counts) == 1:
        title += f", {counted(counts.pop(), 'case')}"
    title += f", {level(rule)}"
    columns = [
        Column("", [_row_name(one, rows, short) for one in rows]),
        Column("n", [str(one.n) for one in rows], number=True, rank=2),
        Column("a", [_bare(one, one.mean_a) for one in rows], number=True, rank=6),
        Column("b", [_bare(one, one.mean_b) for one in rows], number=True, rank=4),
        Column(
            "points" if is_rate else "delta",
            [difference(one.delta, is_rate=is_rate) for one in rows],
            number=True,
        ),
        Column("interval", [bounds(one.ci, is_rate=is_rate) for one in rows], rank=1),
        Column("p", [p_value(one.p_adjusted) for one in rows], number=True, rank=1),
        Column("won:lost", [f"{len(one.won)}:{len(one.lost)}" for one in rows], True, 3),
        Column("tokens", [more(one.tokens) for one in rows], number=True, rank=5),
        Column("verdict", [Text(one.verdict, TOLD_AS.get(one.verdict, "")) for one in rows]),
    ]
    told_above = {name for name, left in (("a", means), ("n", counts)) if not left}
    shown = [column for column in columns if column.heading not in told_above]
    print_fitted(console, title, shown)


def _row_name(one: Comparison, rows: Sequence[Comparison], short: _Shorten) -> str:
    """Name a row by its arm, by its group where that is all that differs, or by both."""
    if one.group is None:
        return short(one.b)
    return one.group if len({row.b for row in rows}) == 1 else f"{short(one.b)}, {one.group}"


def _bare(one: Contrast, value: float | None) -> str:
    """Return a mean without its unit, which the heading of the difference tells."""
    return mean(value, is_rate=one.is_rate).removesuffix(" %")


def _print_taken(console: Console, comparisons: Sequence[Comparison], names: _Names) -> None:
    """Print what a trial takes, where anything of it is known."""
    tokens = [_cells(one.tokens, 0) for one in comparisons]
    seconds = [_cells(one.latency_s, 2) for one in comparisons]
    prices = ["-" if one.cost_usd is None else f"{one.cost_usd.delta:+.2g}" for one in comparisons]
    columns = [
        Column("tokens more", [delta for delta, _ in tokens], number=True),
        Column("interval", [ci for _, ci in tokens], number=True, rank=2),
        Column("s more", [delta for delta, _ in seconds], number=True),
        Column("interval", [ci for _, ci in seconds], number=True, rank=3),
        Column("USD more", prices, number=True),
        Column("USD a point", [_usd_a_point(one) for one in comparisons], number=True, rank=1),
    ]
    known = [column for column in columns if set(column.cells) != {"-"}]
    if known:
        pairs = Column("b against a", [names.pair(one) for one in comparisons])
        console.print()
        print_fitted(console, "What a trial takes", [pairs, *known])


def _cells(change: Change | None, digits: int) -> tuple[str, str]:
    if change is None:
        return "-", "-"
    low_high = "-" if change.ci is None else " to ".join(f"{v:+,.{digits}f}" for v in change.ci)
    return f"{change.delta:+,.{digits}f}", low_high


def _usd_a_point(one: Contrast) -> str:
    """Return the price of one more point, of a hundred where scores are rates."""
    if one.usd_per_point is None:
        return "-"
    return f"{one.usd_per_point / 100 if one.is_rate else one.usd_per_point:.2g}"


def print_lines(console: Console, lines: Iterable[str]) -> None:
    """Print lines, in which users may have named anything anyhow, and an empty one above them."""
    for place, line in enumerate(lines):
        if not place:
            console.print()
        console.print(Text(visible(line)))


def flipped(one: Comparison, short: _Shorten) -> Iterator[str]:
    """Yield the cases that flipped, won and lost."""
    for told, cases in (("won by", one.won), ("lost by", one.lost)):
        if cases:
            more_than = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
            yield f"{told} {short(one.b)}: {', '.join(cases[:_NAMED])}{more_than}"


def notes(named: Sequence[tuple[Contrast, str]], short: _Shorten) -> Iterator[str]:
    """Yield why verdicts were refused, and the warnings, each once with what it is about.

    A line that names an arm itself is about that arm, whatever it is set against.
    """
    arms = {label for one, _ in named for label in one.labels}
    refused: defaultdict[str, list[str]] = defaultdict(list)
    warned: defaultdict[str, list[str]] = defaultdict(list)
    for one, name in named:
        for reason in one.reasons:
            refused[reason].append(name)
        for warning in one.warnings:
            if not any(warning in reason for reason in one.reasons):
                warned[warning].append(name)
    for kind, found in (("refused", refused), ("note", warned)):
        for text, names in found.items():
            of_arm = any(label in text for label in arms)
            about = "" if of_arm or len(named) == len(names) else f" ({_few(names)})"
            for label in sorted(arms, key=len, reverse=True) if of_arm else ():
                text = text.replace(label, short(label))
            yield f"{kind}: {text}{about}"


def _few(names: Sequence[str]) -> str:
    return "; ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


def needed(named: Iterable[tuple[Contrast, str]], rule: Rule) -> Iterator[str]:
    """Yield which difference the cases of what is open can show, and how many show a small one."""
    lines = []
    for one, name in named:
        if one.verdict != "undecided" or one.detectable is None:
            continue
        told = f"{counted(one.n, 'case')} can show {_size(one.detectable, one)}"
        if one.cases_needed is not None and one.cases_needed > one.n:
            effect = _size(planned_effect(rule, bounded=True), one)
            told += f", {one.cases_needed - one.n:,} more {effect}"
        lines.append(f"undecided: {name}: {told}")
    yield from lines[:_TAKES_UP_TO]
    if len(lines) > _TAKES_UP_TO:
        yield f"undecided: {len(lines) - _TAKES_UP_TO} more, which --json tells"


def _size(effect: float, one: Contrast) -> str:
    return f"{effect * 100:.2g} points" if one.is_rate else f"{effect:.3g}"


def _conclusion(comparisons: Sequence[Comparison], names: _Names, rule: Rule) -> Iterator[str]:
    """Yield the clearest conclusion as one would tell it, of all backends rather than of one."""
    decided = [one for one in comparisons if one.verdict in ("better", "worse")]
    against_first = [one for one in decided if one.a == comparisons[0].a]
    if decided and all(one.group is None for one in comparisons):
        told = against_first or decided
        best = max(told, key=lambda one: (one.backend is None, abs(one.delta or 0.0)))
        yield _sentence(best, names, rule)


def _sentence(one: Comparison, names: _Names, rule: Rule) -> str:
    """Return a comparison in words: by how much, how sure, on which cases, at what cost."""
    unit = " points" if one.is_rate else ""
    told = f"{names.short(one.b)} is {one.verdict} than {names.short(one.a)}{names.apart(one)}:"
    told += f" {difference(one.delta, is_rate=one.is_rate)}{unit}"
    told += f", {rule.level * 100:g} % interval {bounds(one.ci, is_rate=one.is_rate)}"
    told += f", p {_p(one.p_adjusted)}; {counted(len(one.won), 'case')} won, {len(one.lost)} lost"
    if one.tokens is not None:
        told += f"; {more(one.tokens)} tokens"
    return told + "."


def _p(p: float | None) -> str:
    return "< 0.001" if p is not None and p < 0.001 else f"= {p_value(p)}"

"""How far people agree, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from promptlab.analysis.raters import RaterPair, RatersAgreement
from promptlab.report.terminal.tables import Column, print_fitted
from promptlab.report.terminal.text import plain_text
from promptlab.report.wording import UNKNOWN, counted, mean, mean_interval
from promptlab.stats.agreement import FEWEST, Agreement


def print_raters(console: Console, found: RatersAgreement) -> None:
    """Print what each rater said how often, and how far they agree."""
    verdicts = list(found.raters[0].verdicts) if found.raters else []
    columns = [
        Column("rater", [each.rater for each in found.raters]),
        _numbers("rated", [each.rated for each in found.raters]),
        *(_numbers(v, [each.verdicts[v] for each in found.raters]) for v in verdicts),
    ]
    print_fitted(console, f"Who said what of {found.kind}", columns)
    console.print()
    for line in _told(found):
        console.print(plain_text(line))
    pairs = [pair for pair in found.pairs if pair.n]
    if pairs:
        console.print()
        kappas = [pair.kappa for pair in pairs]
        columns = [
            Column("raters", [f"{pair.a}, {pair.b}" for pair in pairs]),
            _numbers("both", [pair.n for pair in pairs]),
            Column("same", [mean(p.same / p.n, is_rate=True) for p in pairs], number=True, rank=1),
            Column("95 % interval", [_of_share(pair) for pair in pairs], rank=2),
            Column("kappa", [_value(kappa) for kappa in kappas], number=True, rank=1),
            Column("95 % interval", [_interval(kappa) for kappa in kappas], rank=1),
        ]
        print_fitted(console, "Two by two, by Cohen's kappa", columns)


def _told(found: RatersAgreement) -> Iterator[str]:
    if not found.units:
        yield f"No {_one(found)} has verdicts of two raters yet: how far they agree is not known."
        return
    on = f"on {counted(found.units, _one(found))} with verdicts of two or more"
    if found.alpha.value is None:
        yield f"Krippendorff's alpha is not known {on}: all verdicts are the same."
        return
    interval = f"95 % interval {_interval(found.alpha)}, "
    if found.alpha.ci is None:
        interval = ""
    yield f"Krippendorff's alpha {_value(found.alpha)}, {interval}{on}."
    yield "1 is full agreement, 0 what chance gives."
    if found.units < FEWEST:
        yield f"An interval takes {FEWEST} of them."
    elif found.alpha.ci is None:
        yield "They never differ, which leaves open how often they would."


def _one(found: RatersAgreement) -> str:
    return found.kind.removesuffix("s")


def _numbers(heading: str, numbers: list[int]) -> Column:
    return Column(heading, [f"{number:,}" for number in numbers], number=True, rank=1)


def _value(agreement: Agreement) -> str:
    return UNKNOWN if agreement.value is None else f"{agreement.value:.2f}"


def _of_share(pair: RaterPair) -> str:
    return UNKNOWN if pair.share is None else mean_interval(*pair.share, is_rate=True)


def _interval(agreement: Agreement) -> str:
    return UNKNOWN if agreement.ci is None else "{:.2f} to {:.2f}".format(*agreement.ci)

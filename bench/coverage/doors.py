"""A/A by other doors: equal versions, looked at again and again until a verdict is told.

Every look goes the way of the verbs: through a ledger in a database of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from bench.coverage import looks
from bench.coverage.draws import Chance
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, marks_of, told
from bench.coverage.looks import Look
from promptlab.analysis.contrast import Contrast
from promptlab.store import Store

MOST = 0.055  # over all looks
USUAL = Keep(false=MOST, at_most={"at the first look": 0.05}, may_refuse=True)
SHARE = 0.25  # of the runs of other settings: each takes a database and up to 100 looks
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Door:
    """A way to look again: `draw` yields the looks. `truth` is the difference of any two arms."""

    label: str
    draw: Callable[[Chance], list[Look]]
    keep: Keep = USUAL
    truth: float = 0.0
    share: float = SHARE


def settings() -> Iterator[Setting[list[Look]]]:
    """Yield the settings."""
    for door in doors():
        conclude = partial(walked, truth=door.truth)
        yield Setting(door.label, door.draw, door.keep, conclude, plain=None, share=door.share)


def doors() -> Iterator[Door]:
    """Yield the ways."""
    once = replace(USUAL, false=0.05)  # what is one family, or declared, gains nothing by looking
    yield Door("--repeats 1 to 10, 60 cases", partial(looks.repeated, n=60))
    yield Door("--fresh, ten runs, 60 cases", partial(looks.anew, n=60))
    for first, by, last in ((20, 20, 200), (60, 60, 600), (100, 50, 1_000)):
        label = f"cases appended, {first} by {by} to {last}"
        yield Door(label, partial(looks.grown, sizes=range(first, last + 1, by)))
    sizes = range(20, 201, 20)
    yield Door("cases appended by imports, 20 by 20 to 200", partial(looks.imported, sizes=sizes))
    yield Door("subsets, ten halves of 100 cases", partial(looks.halves, n=100))
    label = "--tag, --case, -n, --split, ten parts of 100 cases"
    yield Door(label, partial(looks.selected, n=100))
    label = "five tags of 40 cases each, then all"
    yield Door(label, partial(looks.apart, tags=5, n=200))
    label = "ten seeds of --until-decided, stored answers, 100 cases"
    yield Door(label, partial(looks.reordered, n=100), once)
    label = "five versions in turn on one holdout, 60 cases"
    yield Door(label, partial(looks.in_turns, n=60))
    label = "ten scorers one by one, 100 cases"
    own = {"by the primary scorer": 0.05, "by the others": 0.05}  # two families
    keep = Keep(false=None, at_most=own, may_refuse=True)
    yield Door(label, partial(looks.graded, n=100, scorers=10), keep)
    label = "--baseline changed four times, then all pairs, 72 cases"
    yield Door(label, partial(looks.turned, n=72), once)
    label = "compare, diff of every pair, three practices, 100 cases"
    arms = looks.practices_alone()
    yield Door(label, partial(looks.by_all_verbs, n=100, arms=arms), once)
    label = "compare, then 2 x 2 practices, 100 cases"  # which are no pairs: another question
    own = {"by compare": 0.05, "by practices": 0.05}
    keep = Keep(false=None, at_most=own, may_refuse=True)
    yield Door(label, partial(looks.by_all_verbs, n=100, arms=looks.two_by_two()), keep)
    label = "diff of every pair of four versions, run one by one, 100 cases"
    apart = replace(USUAL, known=("false",))  # a new version asks a new question
    yield Door(label, partial(looks.run_apart, n=100, versions=4), apart)
    label = "--until-decided, looked at after every case, 60 cases"
    yield Door(label, partial(looks.raced, n=60), once)
    label = "compare, then --until-decided twice, every 10 of 60 cases"
    yield Door(label, partial(looks.raced_again, n=60))
    price = Keep(false=MOST, stated=("undecided at 60", "found at 400"), may_refuse=True)
    label = "true +10 of 400 cases, looked at after 60"
    yield Door(label, partial(looks.twice, n=400), price, 0.1)


def walked(drawn: list[Look], truth: float) -> Seen:
    """Take the looks one after the other, in a database of their own."""
    shown: list[list[Contrast]] = []
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as store:
        shown.extend([*look.rows(store)] for look in drawn)
    rows: list[Told] = [told(one, truth) for each in shown for one in each]
    decided = [any(one.verdict in ("better", "worse") for one in each) for each in shown]
    marks = marks_of([one for each in shown for one in each])
    marks["at the first look"] = float(decided[0])
    for verb in dict.fromkeys(look.verb for look in drawn):
        told_by = zip(drawn, decided, strict=True)
        marks[f"by {verb}"] = float(any(each for look, each in told_by if look.verb == verb))
    if truth:
        marks = {"undecided at 60": float(not decided[0]), "found at 400": None}
        if not decided[0]:
            marks["found at 400"] = float(decided[1])
    return Seen(tuple(rows), marks=marks)


def database(folder: Path) -> Store:
    """Return a new database."""
    path = folder / "p.db"
    shutil.copy(_empty(), path)
    return Store.open(path, lambda: NOW)


@cache
def _empty() -> Path:
    path = Path(tempfile.mkdtemp(prefix="doors-")) / "empty.db"
    Store.open(path, lambda: NOW).close()
    return path

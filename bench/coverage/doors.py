"""A/A by other doors: equal versions, looked at again and again until a verdict is told.

Every look goes the way of the verbs: through a ledger in a database of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

import numpy as np

from bench.coverage.draws import RULE, Chance, Drawn, Floats, Ints, arm_of, measured_run
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, Told, marks_of, told
from promptlab.analysis.compare import Comparison
from promptlab.analysis.measurements import join
from promptlab.core.measured import MeasuredCase, MeasuredRun
from promptlab.core.types import Sequential
from promptlab.store import Store
from promptlab.workbench.ledger import compared

MOST = 0.055  # over all looks
USUAL = Keep(false=MOST, at_most={"at the first look": 0.05}, may_refuse=True)
SHARE = 0.25  # of the runs of other settings: each takes a database and up to 20 looks
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Look:
    """One look: the run that is compared, and the arm that all others are compared with, if any."""

    run: MeasuredRun
    baseline: str | None = None


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
    yield Door("--repeats 1 to 10, 60 cases", partial(repeated, n=60))
    yield Door("--fresh, ten runs, 60 cases", partial(anew, n=60))
    for first, by, last in ((20, 20, 200), (60, 60, 600), (100, 50, 1_000)):
        label = f"cases appended, {first} by {by} to {last}"
        yield Door(label, partial(grown, sizes=range(first, last + 1, by)))
    yield Door("subsets (--tag, --case, -n), ten halves of 100 cases", partial(halves, n=100))
    yield Door("five versions in turn on one holdout, 60 cases", partial(in_turns, n=60))
    pairs = replace(USUAL, false=0.05)
    yield Door(
        "--baseline changed four times, then all pairs, 72 cases", partial(turned, n=72), pairs
    )
    yield Door("--until-decided, looked at after every five cases", partial(raced, n=200), pairs)
    price = Keep(false=MOST, stated=("undecided at 60", "found at 400"), may_refuse=True)
    yield Door("true +10 of 400 cases, looked at after 60", partial(twice, n=400), price, 0.1)


# How looks are drawn. All arms are equally good; a case is easy or hard for all of them.


def passes(chance: Chance, arms: int, n: int, repeats: int = 1) -> Floats:
    """Return passes and failures of shape (arms, cases, repeats)."""
    ease = chance.random(n)[None, :, None]
    return (chance.random((arms, n, repeats)) < ease).astype(np.float64)


def part(scores: Floats, places: Sequence[int] | Ints, number: int) -> MeasuredRun:
    """Return a run on the cases at these places of a suite."""
    taken = np.asarray(places)
    run = measured_run(Drawn(scores[:, taken], means=(0.0,) * len(scores)), number)
    cases = tuple(MeasuredCase(f"c{place}", None, f"d:{place}") for place in taken.tolist())
    return replace(run, cases=cases)


def repeated(chance: Chance, n: int) -> list[Look]:
    scores = passes(chance, 2, n, 10)
    return [Look(part(scores[:, :, :k], range(n), k)) for k in range(1, 11)]


def anew(chance: Chance, n: int) -> list[Look]:
    scores = passes(chance, 2, n, 10)
    return [Look(part(scores[:, :, k : k + 1], range(n), k + 1)) for k in range(10)]


def grown(chance: Chance, sizes: Sequence[int]) -> list[Look]:
    scores = passes(chance, 2, sizes[-1])
    return [Look(part(scores, range(size), number)) for number, size in enumerate(sizes, 1)]


def halves(chance: Chance, n: int) -> list[Look]:
    scores = passes(chance, 2, n)
    order = [np.sort(chance.permutation(n)[: n // 2]) for _ in range(10)]
    return [Look(part(scores, places, number)) for number, places in enumerate(order, 1)]


def in_turns(chance: Chance, n: int) -> list[Look]:
    scores = passes(chance, 6, n)
    looks = []
    for version in range(1, 6):
        run = part(scores[[0, version]], range(n), version)
        arms = (arm_of("v0"), arm_of(f"v{version}"))
        looks.append(Look(replace(run, arms=arms, split="holdout")))
    return looks


def turned(chance: Chance, n: int) -> list[Look]:
    run = part(passes(chance, 5, n), range(n), 1)
    return [*(Look(run, f"t@v{version}") for version in range(4)), Look(run)]


def raced(chance: Chance, n: int) -> list[Look]:
    whole = part(passes(chance, 2, n), range(n), 1)
    rows = sorted(whole.rows, key=lambda row: row[1] or 0)  # case by case, as a run has them
    declared = replace(whole, sequential=Sequential(RULE.alpha, ((0, 1),)))
    return [Look(replace(declared, rows=rows[: 2 * cases])) for cases in range(5, n + 1, 5)]


def twice(chance: Chance, n: int) -> list[Look]:
    """Draw a true difference of 10 points, where 30 % of the cases differ."""
    signs = np.where(chance.random(n) < 2 / 3, 1.0, -1.0)
    d = np.where(chance.random(n) < 0.3, signs, 0.0)
    base = np.where(d == 0, (chance.random(n) < 0.6).astype(float), (d < 0).astype(float))
    scores = np.stack([base, base + d])[:, :, None]
    return [Look(part(scores, range(size), size)) for size in (60, n)]


# What is told at them.


def walked(looks: list[Look], truth: float) -> Seen:
    """Take the looks one after the other, in a database of their own, up to a false verdict."""
    rows: list[Told] = []
    shown: list[list[Comparison]] = []
    with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as store:
        for look in looks:
            table = join([look.run])
            shown.append(compared(store, (table,), RULE, baseline=look.baseline))
            rows += [told(one, truth) for one in shown[-1]]
    decided = [any(one.verdict in ("better", "worse") for one in each) for each in shown]
    marks = marks_of([one for each in shown for one in each])
    marks["at the first look"] = float(decided[0])
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

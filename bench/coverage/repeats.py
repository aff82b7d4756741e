"""Repeats that one arm lacks: those that were wrong, or any. Both arms are equal in truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.coverage.draws import Chance, Drawn
from bench.coverage.frame import Keep, Setting
from bench.coverage.judge import Seen, compare_rows, marks_of, seen
from bench.coverage.plain import plainly
from bench.coverage.sources import BASE, Latent

SOURCE = Latent(1, 5)
Twins = tuple[Drawn, Drawn]


def lacking(chance: Chance, n: int, share: float, of_all: bool) -> Twins:
    """Return two equal arms with 5 repeats, complete and lacking a share.

    The second arm lacks a share of its wrong repeats, or of all.
    """
    means = (BASE, BASE)
    scores = SOURCE.scores(chance, np.arange(n), means)
    gone = chance.random(scores.shape[1:]) < share
    if not of_all:
        gone &= scores[1] == 0
    less = scores.copy()
    less[1][gone] = np.nan
    return Drawn(scores, means), Drawn(less, means)


def conclude(twins: Twins) -> Seen:
    """Say as well whether anything is told that is not told of the complete twin."""
    complete, lacks = (compare_rows(drawn) for drawn in twins)
    more = marks_of(lacks).keys() - marks_of(complete).keys()
    return seen(twins[1], lacks, {"told": float(bool(more))})


def settings() -> Iterator[Setting[Twins]]:
    """Yield the settings."""
    for of_all in (False, True):
        for share in (0.05, 0.1, 0.2, 0.4):
            what = "all" if of_all else "its wrong ones"
            label = f"b lacks {share * 100:g} % of {what}"
            keep = Keep(marks={"told": 1.0}, may_refuse=True)
            yield setting(label, share, of_all, keep)
    yield setting("b lacks 1 % of its wrong ones", 0.01, False, Keep(stated=("told",)))
    yield setting("nothing is lacking", 0.0, False, Keep(0.93, at_most={"told": 0.0}))


def setting(label: str, share: float, of_all: bool, keep: Keep) -> Setting[Twins]:
    draw = partial(lacking, n=80, share=share, of_all=of_all)
    return Setting(f"{label}, n 80", draw, keep, conclude, lambda twins: plainly(twins[1]))

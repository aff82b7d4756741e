"""Concludes from joined runs by what the ledger leaves, and writes down what is new to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from promptlab.analysis.account import Account, Within
from promptlab.analysis.compare import SECONDARY, By, Comparison, Toward, compare
from promptlab.analysis.estimates import Estimated, PracticeEffect
from promptlab.analysis.looking import concluded, to_keep, without_trace
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.practices import Asked
from promptlab.core.decision import Rule
from promptlab.core.errors import StoreError
from promptlab.core.looks import PastFamily
from promptlab.core.plugins import unknown
from promptlab.store import Store
from promptlab.workbench.bench import Workbench

RowT = TypeVar("RowT", Comparison, PracticeEffect)
_TRIES = 5  # while others conclude from the same database


def compared(
    store: Store,
    tables: Sequence[Measurements],
    rule: Rule,
    *,
    by: By = "version",
    baseline: str | None = None,
    toward: Toward = None,
) -> list[Comparison]:
    """Compare as `analysis.compare` does, each pair at the level that earlier looks have left.

    Comparisons of all `tables` are one family; those of the first are returned.
    """
    how = partial(compare, tables[0], rule, by=by, baseline=baseline, toward=toward)
    return _kept(store, tables, by, how)


def each_alone(store: Store, table: Measurements, rule: Rule, baseline: str) -> list[Comparison]:
    """Compare all with a baseline to show that they are no worse: no pair corrects another."""
    alone = replace(rule, correct=False)
    return _kept(store, (table,), "no-worse", partial(compare, table, alone, baseline=baseline))


def practised(
    store: Store, table: Measurements, rule: Rule, rows: Sequence[Estimated], asked: Asked
) -> list[PracticeEffect]:
    """Conclude on practices, each at the level that earlier looks have left."""

    def conclude(account: Account) -> list[PracticeEffect]:
        looked = [
            replace(
                one.effect,
                look=account.look(
                    one.without, one.with_it, Within(one.effect.practice), rule.alpha
                ),
            )
            for one in rows
        ]
        beside = [one.effect for one in asked.beside]
        apart = asked.size - len(rows) - len(beside)
        return concluded(looked, rule, asked.question, _nothing_more, beside, apart=apart)

    return _kept(store, (table,), asked.question.removesuffix(SECONDARY), conclude)


def _nothing_more(questions: frozenset[str]) -> Sequence[PracticeEffect]:
    """Return what else was asked: nothing, since a table always shows the same practices."""
    return ()


def _kept(
    store: Store,
    tables: Sequence[Measurements],
    kind: str,
    conclude: Callable[..., list[RowT]],
) -> list[RowT]:
    """Conclude by the ledger, and add to it; where it takes nothing, the rows say so."""
    rows: list[RowT] = []
    for _ in range(_TRIES):
        past = store.ledger.past()
        account = Account(tables[0], kind, past, store.ledger.cases, tables[1:])
        rows = conclude(account=account)
        family = to_keep(rows, account, _named)
        if family is None:
            return rows
        try:
            if store.ledger.add([family], account.cases.tobytes(), account.newest):
                return rows
        except StoreError as error:
            return without_trace(rows, error.message)
    return without_trace(rows, "other programs wrote into it all the time")


def _named(row: Comparison | PracticeEffect) -> tuple[str, str, str | None]:
    """Return the names of both sides, and the backend if it is one."""
    if isinstance(row, Comparison):
        return row.a, row.b, row.backend
    return f"without {row.practice}", f"with {row.practice}", row.backend


def looks_at(bench: Workbench, suite: str) -> tuple[PastFamily, ...]:
    """Return what was concluded of the cases of a suite, oldest first."""
    with bench.open_store() as store:
        families = store.ledger.past(suite).families
        if not families:
            known = dict.fromkeys(run.suite for run in store.runs())
            if suite not in known:
                raise unknown("suite", suite, [*known])
    return families

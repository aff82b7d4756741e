"""Runs looked through page by page: the pages together are the whole, and say what tables say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from promptlab.cli import run_cli
from promptlab.core.types import Outcome
from promptlab.core.wanted import Change, ResultFilter
from promptlab.report.views.matrix import MatrixRow, matrix_view, page_of_matrix
from promptlab.store import Store
from promptlab.workbench.bench import Workbench
from promptlab.workbench.browsing import Book, open_book, page_of_cases, page_of_trials
from promptlab.workbench.matrix import read_grid
from promptlab.workbench.session import Session

CHECKS = '''\
from promptlab import Score


def wide(sample):
    """Score beyond 1, and fail on every fourth case."""
    rank = sample.case.vars["rank"]
    if rank % 4 == 0:
        raise ValueError("no score")
    return 2.5 * rank if "again" in sample.turns[0].completion.text else 2.5 * (rank % 3)


def share(sample):
    """A share that fails on every fifth case."""
    rank = sample.case.vars["rank"]
    if rank % 5 == 0:
        raise ValueError("no score")
    return (rank % 3) / 2


def verdict(sample):
    """Right where the rank is odd, or the prompt is the second."""
    passed = sample.case.vars["rank"] % 2 == 1 or "again" in sample.turns[0].completion.text
    return Score(float(passed), passed)
'''
FILES = {
    "templates/task/v1.j2": "Do {{ rank }} {{ word }}\n",
    "templates/task/v2.j2": "Do again {{ rank }} {{ word }}\n",
    "suites/task.yaml": (
        'templates: ["task@*"]\nbackends: [odd, echo]\ncases: cases.jsonl\nrepeats: 2\n'
        "primary: verdict\nscorers:\n  - checks_of_pages:wide\n  - checks_of_pages:share\n"
        "  - checks_of_pages:verdict\n"
    ),
    "promptlab.toml": '[backends.odd]\nkind = "echo"\nfail = "7 "\n',
    "checks_of_pages.py": CHECKS,
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """Return a project with a run of which some trials fail and some have no score."""
    root = tmp_path_factory.mktemp("paged")
    rows = [
        {"id": f"c{n}", "vars": {"rank": n, "word": "x"}, "tags": ["even"] * (n % 2 == 0)}
        for n in range(23)
    ]
    files = {**FILES, "suites/cases.jsonl": "".join(f"{json.dumps(row)}\n" for row in rows)}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", sys.path.copy())
        assert run_cli(["--project", str(root), "run", "task", "--json"]) == 4  # some scores failed
    return Workbench(Session(folder=root))


@pytest.fixture
def store(bench: Workbench) -> Iterator[Store]:
    with closing(Store.open(bench.database, Session.now, readonly=True)) as store:
        yield store


def paged(store: Store, book: Book, wanted: ResultFilter, size: int) -> list[MatrixRow]:
    """Return the rows of all pages of cases."""
    rows: list[MatrixRow] = []
    after: int | None = None
    while True:
        found = page_of_cases(store, book, wanted, after, size)
        view = page_of_matrix(found.page)
        assert 0 < len(view.rows) <= size or not rows
        rows += view.rows
        after = found.next
        if after is None:
            return rows


@pytest.mark.parametrize("scorer", ["verdict", "share", "wide"])
def test_pages_say_what_the_whole_table_says(bench: Workbench, store: Store, scorer: str) -> None:
    whole = matrix_view(read_grid(bench, scorer=scorer))
    by_part = {row.part: row for row in whole.rows}
    rows = paged(store, open_book(store, "latest", scorer), ResultFilter(), 7)
    assert len(rows) == len(by_part) == 23
    for row in rows:
        assert row == by_part[row.part]
    assert any(row.flips for row in rows) is (scorer != "share")
    assert any(cell.score is None for row in rows for cell in row.cells)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (ResultFilter(), 23),
        (ResultFilter(tags=("even",)), 12),
        (ResultFilter(outcomes=(Outcome.ERROR,)), 2),
        (ResultFilter(cases=("c4", "c9")), 2),
        (ResultFilter(change=Change("verdict", 2, 3, "fixed")), 12),
        (ResultFilter(change=Change("verdict", 2, 3, "regressed")), 0),
        (ResultFilter(failed=True), 12),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 50])
def test_pages_together_are_the_whole(
    store: Store, wanted: ResultFilter, expected: int, size: int
) -> None:
    book = open_book(store, "latest")
    cases = [row.case_id for row in paged(store, book, wanted, size)]
    assert cases == sorted(set(cases), key=lambda case: int(case[1:]))
    trials: list[int] = []
    after: int | None = None
    while True:
        found = page_of_trials(store, book, wanted, after, 8 * size)
        trials += [trial.rows[0].seq for trial in found.trials]
        after = found.next
        if after is None:
            break
    assert trials == store.matching_trials(book.run_id, wanted)
    assert {f"c{book.plan.trial(seq).case}" for seq in trials} == set(cases)
    assert len(cases) == expected

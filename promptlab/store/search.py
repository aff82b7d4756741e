"""Finds words in what models were asked, what they answered, and what people noted of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from itertools import islice

from promptlab.core.found import Found, Hit, Where
from promptlab.store import search_index
from promptlab.store.connection import Connection, Value
from promptlab.store.runs import run_number
from promptlab.store.search_index import unread
from promptlab.store.spelled import CLOSE, OPEN, pieces, query

_AT_ONCE = 20_000  # new texts that a search reads itself; `prepare_search` reads any number
_TOKENS = 24  # of a snippet

# Newest texts first. The index leads, so that the first hits are there before all are known.
_FOUND: tuple[tuple[Where, str], ...] = (
    (
        "note",
        """
        SELECT s.rowid, n.run, n.trial FROM search_note s
        CROSS JOIN standing_ratings n ON n.id = s.rowid
        WHERE search_note MATCH :query {of_run_n} ORDER BY s.rowid DESC
        """,
    ),
    (
        "output",
        """
        SELECT s.rowid, u.run, u.seq FROM search_output s
        CROSS JOIN trial_turns u ON u.generation = s.rowid AND NOT u.aside
        WHERE search_output MATCH :query AND {within} {of_run_u} ORDER BY s.rowid DESC
        """,
    ),
    (
        "prompt",
        """
        SELECT s.rowid, u.run, u.seq FROM search_prompt s
        CROSS JOIN generations g ON g.prompt = s.rowid
        CROSS JOIN trial_turns u ON u.generation = g.id AND NOT u.aside
        WHERE search_prompt MATCH :query {of_run_u} ORDER BY s.rowid DESC
        """,
    ),
    (
        "prompt",  # of questions that nothing answered
        """
        SELECT s.rowid, u.run, u.seq FROM search_prompt s
        CROSS JOIN trial_turns u ON u.prompt = s.rowid AND NOT u.aside
        WHERE search_prompt MATCH :query {of_run_u} ORDER BY s.rowid DESC
        """,
    ),
)

_TRIAL = """
SELECT r.run_id, r.suite, t.seq, c.case_id, a.label, t.repeat FROM trials t
JOIN runs r ON r.id = t.run
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
WHERE t.run = :run AND t.seq = :seq
"""

_SNIPPET = """
SELECT snippet(search_{0}, 0, :open, :close, '…', {1}) FROM search_{0}
WHERE search_{0} MATCH :query AND rowid = :id
"""

# Between which ids the answers of a run are: no others need be looked through.
_WITHIN = """
SELECT coalesce(min(generation), 0), coalesce(max(generation), 0) FROM trial_turns WHERE run = :run
"""

_Place = tuple[Where, int, int, int]
"""In what, the id of the text, and the run and the place of the trial."""


def search(connection: Connection, text: str, limit: int, offset: int, run_id: str | None) -> Found:
    """Return the trials with all words and "phrases" of a text, in any one of their texts."""
    wanted = query(text)
    run = None if run_id is None else run_number(connection, run_id)
    if wanted is None:
        return Found(())
    waiting = unread(connection)
    if waiting <= _AT_ONCE:
        prepare(connection)
        waiting = unread(connection)
    if not search_index.is_made(connection):
        return Found((), unread=waiting)
    with closing(_places(connection, wanted, run)) as found:
        page = list(islice(found, offset, offset + limit + 1))
    hits = tuple(_hit(connection, wanted, *place) for place in page[:limit])
    return Found(hits, more=len(page) > limit, unread=waiting)


def prepare(connection: Connection, progress: Callable[[int], None] | None = None) -> None:
    """Read what is new into the index; `progress` is told how many texts were read, each time."""
    for read in search_index.read_on(connection, connection.waits):
        if progress is not None:
            progress(read)


def _places(connection: Connection, wanted: str, run: int | None) -> Generator[_Place, None, None]:
    """Yield each trial once for notes, once for answers, once for prompts."""
    values: dict[str, Value] = {"query": wanted}
    conditions = {"within": "1", "of_run_u": "", "of_run_n": ""}
    if run is not None:
        values["run"] = run
        values["low"], values["high"] = connection.row(_WITHIN, run=run) or (0, 0)
        conditions = {
            "within": "s.rowid BETWEEN :low AND :high",
            "of_run_u": "AND u.run = :run",
            "of_run_n": "AND n.run = :run",
        }
    seen: set[tuple[str, int, int]] = set()
    for where, sql in _FOUND:
        with closing(connection.rows(sql.format(**conditions), **values)) as rows:
            for text, of_run, seq in rows:
                if (where, of_run, seq) not in seen:
                    seen.add((where, of_run, seq))
                    yield where, text, of_run, seq


def _hit(connection: Connection, wanted: str, where: Where, text: int, run: int, seq: int) -> Hit:
    snippet = connection.value(
        _SNIPPET.format(where, _TOKENS), open=OPEN, close=CLOSE, query=wanted, id=text
    )
    run_id, suite, place, case_id, arm, repeat = connection.row(_TRIAL, run=run, seq=seq) or ()
    return Hit(run_id, suite, place, case_id, arm, repeat, where, pieces(snippet))

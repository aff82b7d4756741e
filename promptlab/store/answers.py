"""Answers that belong to no run: asked one at a time, and found by later runs like any other."""

from __future__ import annotations

from promptlab.core.types import Turn
from promptlab.store.area import Area
from promptlab.store.encode import iso
from promptlab.store.faults import decoded
from promptlab.store.records import generation_row
from promptlab.store.rows import request_row
from promptlab.store.statements import INSERT_GENERATION, INSERT_TEXT


class LoneAnswers(Area):
    """Keeps answers that no run paid for."""

    @decoded
    def keep(self, turn: Turn) -> None:
        """Store an answer, unless the same one is stored for its request already."""
        texts: dict[str, str] = {}
        request = request_row(turn.request, texts)
        row = generation_row(turn, request, "", (iso(self._clock()), None))
        with self._connection.transaction():
            self._connection.executemany(INSERT_TEXT, texts.items())
            self._connection.executemany(INSERT_GENERATION, [row])

"""What an open database tells of runs: answers, results, trials, figures, and words in texts."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from promptlab.core.budget import Spent
from promptlab.core.lazy import lazy_module
from promptlab.core.results import ArmOutcomes, ArmScores, Result
from promptlab.core.types import Completion, Turn
from promptlab.core.wanted import ResultFilter
from promptlab.store import aggregates, queries
from promptlab.store.area import Area
from promptlab.store.faults import decoded
from promptlab.store.figures import figures
from promptlab.store.places import places as trial_places
from promptlab.store.runs import run_number

if TYPE_CHECKING:
    from promptlab.core.found import Found
    from promptlab.store import search
else:  # what few verbs need
    search = lazy_module("promptlab.store.search")


class Reading(Area):
    """What the store offers to those who read results."""

    @decoded
    def completions(self, keys: Sequence[str], fresh_run: str | None) -> dict[str, Completion]:
        """Return the newest stored answer of each key; for a fresh run, only its own answers."""
        return queries.completions(self._connection, keys, fresh_run)

    @decoded
    def finished(self, run_id: str) -> set[int]:
        """Return the places in the plan of all trials that ended without an error."""
        return queries.finished(self._connection, run_number(self._connection, run_id))

    def results(
        self,
        run_id: str,
        wanted: ResultFilter | None = None,
        places: Sequence[int] | None = None,
    ) -> Generator[Result, None, None]:
        """Yield the results of a run, one per trial and scorer, in the order of the plan.

        With `places`, as `matching_trials` returns them, only those of these trials are read.
        """
        number, wanted = run_number(self._connection, run_id), wanted or ResultFilter()
        if places is None and (wanted.tags or wanted.outcomes or wanted.arms or wanted.change):
            places = trial_places(self._connection, number, wanted, None, None)
        return queries.results(self.path, run_id, wanted, places)

    @decoded
    def matching_trials(
        self,
        run_id: str,
        wanted: ResultFilter,
        limit: int | None = None,
        after: int | None = None,
    ) -> list[int]:
        """Return the places in the plan of the first trials that have a matching result.

        With `after`, of those behind this place: the last of one page is where the next begins.
        """
        number = run_number(self._connection, run_id)
        if wanted.where is None:
            return trial_places(self._connection, number, wanted, after, limit)
        return queries.matching_trials(self.path, run_id, wanted, limit)

    @decoded
    def search(self, text: str, limit: int = 50, offset: int = 0, run: str | None = None) -> Found:
        """Return the trials whose notes, answers or prompts have all words of a text, newest first.

        Words between double quotes must stand in this order. Thousands of texts that are new to
        the index are read at once; of more than that, `Found.unread` tells (see `prepare_search`).
        """
        return search.search(self._connection, text, limit, offset, run)

    def prepare_search(self, progress: Callable[[int], None] | None = None) -> None:
        """Read all that is new into the index, telling how many texts were read, batch by batch."""
        search.prepare(self._connection, progress)

    @decoded
    def conversation(self, run_id: str, seq: int) -> tuple[Turn, ...]:
        """Return the turns of one trial."""
        return queries.conversation(self._connection, run_number(self._connection, run_id), seq)

    @decoded
    def tracebacks(self, run_id: str, seq: int) -> dict[str, str]:
        """Return the tracebacks of the scorers that failed on one trial, by their label."""
        return queries.tracebacks(self._connection, run_number(self._connection, run_id), seq)

    @decoded
    def arm_outcomes(self, run_id: str) -> list[ArmOutcomes]:
        """Return how the trials of each arm ended and what they took."""
        return list(figures(self._connection, run_number(self._connection, run_id)).outcomes)

    @decoded
    def spent(self, run_id: str) -> Spent:
        """Return what a run has spent from its beginning, whichever processes carried it out."""
        return aggregates.spent(self._connection, run_number(self._connection, run_id))

    @decoded
    def arm_scores(self, run_id: str, tag: str | None = None) -> list[ArmScores]:
        """Return the scores of each arm, by scorer; with a `tag`, on the cases that have it."""
        return list(figures(self._connection, run_number(self._connection, run_id), tag).scores)

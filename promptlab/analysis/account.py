"""The account of a table: what was concluded of its cases before, and what that leaves.

It reads a ledger that others keep, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis import early, questions
from promptlab.analysis.changes import means_of
from promptlab.analysis.look import Look
from promptlab.analysis.measurements import Floats, JoinedArm, Measurements
from promptlab.analysis.sides import mean_over
from promptlab.core.looks import NO_PAST, Past, PastFamily, PastLook

Side = Sequence[JoinedArm]
Where = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Within:
    """The part of a table that a contrast is about.

    `about` names it, `cases` are the only ones that may count, and `groups` of cases in the order
    of the run are all that do where a run stopped early. None sets no bounds.
    """

    about: str | None = None
    cases: Where | None = None
    groups: int | None = None


class Account:
    """What a ledger says of the cases of a table, for families that ask one `kind` of question.

    `cases` returns a set of cases that the ledger knows, by its digest. `beside` are the same runs
    by other scorers whose comparisons are of the same family: those by any but the primary one.
    """

    def __init__(
        self,
        table: Measurements,
        kind: str,
        past: Past = NO_PAST,
        cases: Callable[[str], bytes] = lambda _: b"",
        beside: Sequence[Measurements] = (),
    ) -> None:
        self.table = table
        self.beside = beside
        self.kind = kind
        self.newest = past.newest
        self._past = past.families
        self._cases = cases
        self._sets: dict[str, questions.Keys] = {}
        self._shared: dict[tuple[str, str], bool] = {}
        self._arms = {id(arm): questions.digest_of(arm) for arm in table.arms}
        sequential = early.declared_pairs(table)
        self.declared = None if sequential is None else table.runs[0].info.run_id

    @cached_property
    def cases(self) -> questions.Keys:
        """The set of all cases of the table, with the suites that it has parts of."""
        return questions.set_of(self._all, questions.part_keys(self.table))

    @cached_property
    def _all(self) -> questions.Keys:
        return questions.set_of(self._contents, questions.named_keys(self.table))

    @cached_property
    def digest(self) -> str:
        """The digest of the set of all cases of the table."""
        return questions.digest_of_set(self.cases)

    @cached_property
    def runs(self) -> tuple[str, ...]:
        """The runs of the table, in no order."""
        return tuple(sorted({run.info.run_id for run in self.table.runs}))

    @property
    def arms(self) -> tuple[str, ...]:
        """The digests of all arms of the table."""
        return tuple(sorted(set(self._arms.values())))

    def question(self, a: Side, b: Side, about: str | None = None) -> str:
        """Return the digest of the question about two sides; `about` restricts it to a part."""
        sides = sorted(self._sides(a, b))
        return questions.question_of(sides, self.table.scorer, [self.kind, about])

    def look(self, a: Side, b: Side, within: Within, alpha: float) -> Look:
        """Return which look at its question a contrast of two sides is, for a level of `alpha`."""
        both = (*a, *b)
        shared = np.all([~np.isnan(arm.cells.score) for arm in both], axis=0)
        if within.cases is not None:
            shared &= within.cases
        if within.groups is not None:
            shared &= self.table.declared < within.groups
        before, after = (means_of(side, shared, "score") for side in (a, b))
        first, second = self._sides(a, b)
        people = self._people(a, b, shared)
        evidence = questions.evidence_of(
            self._contents[shared], before, after, swapped=second < first, people=people
        )
        trials = sum(int(arm.cells.trials[shared].sum()) for arm in both)
        look = Look(self.question(a, b, within.about), evidence, trials, alpha)
        return self._placed(look, {*first, *second})

    def next_look(self, a: Side, b: Side, alpha: float, again: Collection[str]) -> Look:
        """Return which look a run on these cases will be, before there are scores.

        It is an earlier one where that was of a run on the same cases that could stop early, and is
        carried out `again`, with its stored answers. These are the ids of such runs.
        """
        first, second = self._sides(a, b)
        look = self._placed(Look(self.question(a, b), "", 0, alpha), {*first, *second})
        for past in reversed(self._past):
            asked = {row.question: row.number for row in past.looks}
            if past.declared in again and past.cases == self.digest and look.question in asked:
                return replace(look, number=asked[look.question], known=past)
        return look

    @cached_property
    def _contents(self) -> questions.Keys:
        return questions.case_keys(self.table)

    def _people(self, a: Side, b: Side, shared: Where) -> list[Floats]:
        """Return what people say of both sides: with more labels, it is another look."""
        if self.table.passport_for((*a, *b)) is None:
            return []
        told = [mean_over(side, shared, lambda arm: arm.people) for side in (a, b)]
        return [] if np.isnan(told[0] + told[1]).all() else told

    def _sides(self, a: Side, b: Side) -> tuple[list[str], list[str]]:
        first, second = (sorted(self._arms[id(arm)] for arm in side) for side in (a, b))
        return first, second

    def _placed(self, look: Look, arms: set[str]) -> Look:
        """Return the look with its number, and with what was looked at before."""
        asked = [
            (past, row)
            for past in self._past
            for row in past.looks
            if row.question == look.question
        ]
        connected = self._connected(asked)
        known = next((each for each in connected if self._is_same(look, *each)), None)
        earlier = connected if known is None else connected[: connected.index(known)]
        before = _distinct((past, row) for past, row in earlier if row.verdict != "refused")
        number = 1 + max([len(before), *(row.number for row in before)])
        beside = () if connected else self._beside(arms)
        if beside:
            number = 1 + max(row.number for past in beside for row in past.looks)
        if known is not None:
            past, row = known
            kept = any(row.evidence == look.evidence for _, row in connected)
            given = replace(look, known=past, kept=kept, before=before, use=past.use)
            return replace(given, number=row.number)
        number = max(number, self.use or 0)
        return replace(look, number=number, before=before, beside=beside, use=self.use)

    def _is_same(self, look: Look, past: PastFamily, row: PastLook) -> bool:
        same_run = self.declared is not None and past.declared == self.declared
        return same_run or row.evidence == look.evidence

    def _beside(self, arms: set[str]) -> tuple[PastFamily, ...]:
        """Return the families of the same kind that both sides were measured for."""
        label = self.table.scorer.label
        return tuple(
            past
            for past in self._past
            if past.scorer == label
            and past.question == self.kind
            and past.looks
            and arms <= {*past.arms}
            and self._share(past.cases, self.digest)
        )

    def _connected(
        self, asked: Sequence[tuple[PastFamily, PastLook]]
    ) -> list[tuple[PastFamily, PastLook]]:
        """Return the looks at a question whose cases are linked with those of the table.

        Sets of cases are linked if they share one, or by other sets that were looked at.
        """
        linked, rest = {self.digest}, {past.cases for past, _ in asked} - {self.digest}
        while found := {one for one in rest if any(self._share(one, other) for other in linked)}:
            linked |= found
            rest -= found
        return [(past, row) for past, row in asked if past.cases in linked]

    @cached_property
    def use(self) -> int | None:
        """Which use of a holdout this table is, None if its cases are none."""
        sharing = [
            past for past in self._past if questions.overlap(self._set(past.cases), self._all)
        ]
        held_out = [past.cases for past in sharing if past.use is not None]
        if all(run.split != "holdout" for run in self.table.runs):
            known = [self._set(digest) for digest in dict.fromkeys(held_out)]
            if not known or not questions.within(self._contents_set, questions.set_of(*known)):
                return None
        uses = {past.runs: past.use for past in sharing}
        return uses.pop(self.runs, None) or len(uses) + 1

    @cached_property
    def _contents_set(self) -> questions.Keys:
        return questions.set_of(self._contents)

    def _share(self, one: str, other: str) -> bool:
        if one == other:
            return True
        pair = (min(one, other), max(one, other))
        if pair not in self._shared:
            self._shared[pair] = questions.overlap(self._set(one), self._set(other))
        return self._shared[pair]

    def _set(self, digest: str) -> questions.Keys:
        if digest == self.digest:
            return self.cases
        if digest not in self._sets:
            self._sets[digest] = np.frombuffer(self._cases(digest), dtype="<u8").astype(np.uint64)
        return self._sets[digest]


def _distinct(asked: Iterable[tuple[PastFamily, PastLook]]) -> tuple[PastLook, ...]:
    """Return the looks with different evidence; a run that was to stop early is one look."""
    looks: dict[str, PastLook] = {}
    for past, row in asked:
        looks[past.declared or row.evidence] = row
    return tuple(looks.values())

"""What a conclusion rests on: the runs, the suites and cases they are of, and the scorer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from promptlab.analysis.measurements import Measurements
from promptlab.core.reasons import Reason
from promptlab.core.worked import Worked


@dataclass(frozen=True, slots=True)
class Basis:
    """The runs behind a conclusion, and `notes` on them.

    `suites` are those that can be run again: outcomes of other tools have none. `splits` are the
    sides of the holdout that the cases are from. `reduced` says what the repeats of a case were
    reduced to, None for their mean. A `secondary` scorer is not the suite's primary one. `batched`
    are the backends that answer many requests together, whose seconds are not compared, with what
    they did in these runs, None where that was not kept.
    """

    run_ids: tuple[str, ...]
    scorer: str
    suites: frozenset[str] = frozenset()
    splits: frozenset[str] = frozenset({"all"})
    notes: tuple[Reason, ...] = ()
    reduced: str | None = None
    secondary: bool = False
    batched: Mapping[str, Worked | None] = field(default_factory=dict)

    @property
    def scores(self) -> str:
        """Return what a table of these scores is of: the scorer, and how it counts repeats."""
        named = self.scorer if self.reduced is None else f"{self.scorer}, {self.reduced}"
        return f"{named} (secondary)" if self.secondary else named

    @classmethod
    def of(
        cls, table: Measurements, notes: tuple[Reason, ...] = (), *, secondary: bool = False
    ) -> Basis:
        """Return what joined runs are."""
        return cls(
            run_ids=tuple(dict.fromkeys(run.info.run_id for run in table.runs)),
            scorer=table.scorer.label,
            suites=frozenset(
                run.info.suite for run in table.runs if run.info.settings.imported is None
            ),
            splits=frozenset(run.split for run in table.runs),
            notes=notes,
            reduced=table.reduced,
            secondary=secondary,
            batched=_batched(table),
        )


def _batched(table: Measurements) -> dict[str, Worked | None]:
    done: dict[str, Worked | None] = {}
    for run in {run.info.run_id: run for run in table.runs}.values():
        for name, facts in run.info.facts.items():
            if facts.in_batches:
                known = done.get(name)
                more = facts.worked
                done[name] = known + more if known and more else known or more
    return done

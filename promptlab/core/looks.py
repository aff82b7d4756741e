"""What was concluded before: the ledger of looks, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PastLook:
    """One comparison as it was concluded: what was asked, of which scores, and what it showed.

    `question` and `evidence` are digests. `number` tells which look at its question it was, and
    `level` the level that this left. `p` is that of the claim by itself.
    """

    question: str
    evidence: str
    a: str
    b: str
    backend: str | None
    cases: int
    trials: int
    number: int
    level: float
    delta: float | None
    p: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class PastFamily:
    """The comparisons that a verb concluded together, at one moment.

    `looks` has those without a verdict too, which show nothing and are no looks. `arms` are digests
    of all arms that were measured; `cases` is the digest of the set of cases. `declared` is the run
    that was to stop early, where that was declared beforehand. `use` tells which use of a holdout
    it was, None for other cases.
    """

    at: str
    question: str
    size: int
    scorer: str
    suites: tuple[str, ...]
    runs: tuple[str, ...]
    arms: tuple[str, ...]
    cases: str
    declared: str | None
    use: int | None
    looks: tuple[PastLook, ...]

    @property
    def concluded(self) -> tuple[PastLook, ...]:
        """Return the looks that bore a verdict."""
        return tuple(look for look in self.looks if look.verdict != "refused")


@dataclass(frozen=True, slots=True)
class Past:
    """What a ledger says: its families, oldest first, and the number of the newest."""

    families: tuple[PastFamily, ...] = ()
    newest: int = 0


NO_PAST = Past()

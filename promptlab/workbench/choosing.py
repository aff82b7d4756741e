"""Which part of a stored run is meant: its cases by their ids, its versions by references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from promptlab.core.digest import TAG
from promptlab.core.plugins import unknown
from promptlab.core.types import Arm, Plan
from promptlab.templates.references import (
    as_digest,
    choose,
    natural_key,
    no_such_version,
    parse_reference,
)
from promptlab.workbench.bench import Workbench

if TYPE_CHECKING:
    from promptlab.analysis.measurements import Measurements


def known_cases(plan: Plan, cases: tuple[str, ...]) -> tuple[str, ...]:
    """Return these ids of cases; raise `PromptlabError` for one that the run does not have."""
    known = {case.id for case in plan.cases}
    for case in cases:
        if case not in known:
            raise unknown("case", case, known, of="this run")
    return cases


class _Tested:
    """The versions of a run, as references name them. Aliases are those of the project today."""

    def __init__(self, bench: Workbench, arms: Iterable[Arm]) -> None:
        self._bench = bench
        self._digests = {(arm.template, arm.version): arm.digest for arm in arms}

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._digests))

    def versions(self, name: str) -> list[str]:
        versions = (version for template, version in self._digests if template == name)
        return sorted(versions, key=natural_key)

    def aliases(self, name: str) -> Mapping[str, str]:
        if self._bench.project_if_any is None or name not in self._bench.library.names():
            return {}
        return self._bench.library.aliases(name)

    def digest_of(self, name: str, version: str) -> str | None:
        return self._digests.get((name, version))


def versions_of(
    bench: Workbench, plan: Plan, references: tuple[str, ...]
) -> tuple[tuple[str, str | None], ...]:
    """Resolve references to versions of the run: names, each with a version."""
    tested = _Tested(bench, plan.arms)
    found: list[tuple[str, str | None]] = []
    for reference in references:
        versions = choose(tested, reference)
        if not versions:
            raise no_such_version(tested, reference, of="this run")
        found += versions
    return tuple(found)


def arms_named(bench: Workbench, table: Measurements, references: Sequence[str]) -> list[int]:
    """Return the places of the arms of joined runs that references mean, in the table's order.

    A reference may be a label as tables show it, or any that means versions of these runs.
    """
    found: set[int] = set()
    for reference in references:
        named = [at for at, arm in enumerate(table.arms) if arm.label == reference]
        found.update(named or _arms_of(bench, table, reference))
    return sorted(found)


def _arms_of(bench: Workbench, table: Measurements, reference: str) -> list[int]:
    """Return the places of the arms of the versions that a reference means.

    A version may have had several texts; without a digest, all of them are meant.
    """
    arms = [arm.arm for arm in table.arms]
    tested, wanted = _Tested(bench, arms), parse_reference(reference)
    found: list[int] = []
    if wanted.digest is None:
        versions = set(choose(tested, reference))
        found = [at for at, arm in enumerate(arms) if (arm.template, arm.version) in versions]
        wanted = as_digest(wanted) or wanted
    if not found and wanted.digest is not None:
        begins = TAG + wanted.digest
        found = [
            at
            for at, arm in enumerate(arms)
            if arm.digest.startswith(begins) and wanted.name in (None, arm.template)
        ]
    if not found:
        raise no_such_version(tested, reference, of="this run")
    return found

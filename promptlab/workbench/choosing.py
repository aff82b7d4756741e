"""Which part of a stored run is meant: its cases by their ids, its versions by references."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.plugins import unknown
from promptlab.core.types import Plan
from promptlab.templates.references import choose, natural_key, no_such_version
from promptlab.workbench.bench import Workbench


def known_cases(plan: Plan, cases: tuple[str, ...]) -> tuple[str, ...]:
    """Return these ids of cases; raise `PromptlabError` for one that the run does not have."""
    known = {case.id for case in plan.cases}
    for case in cases:
        if case not in known:
            raise unknown("case", case, known, of="this run")
    return cases


class _Tested:
    """The versions of a run, as references name them. Aliases are those of the project today."""

    def __init__(self, bench: Workbench, plan: Plan) -> None:
        self._bench = bench
        self._digests = {(arm.template, arm.version): arm.digest for arm in plan.arms}

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
    tested = _Tested(bench, plan)
    found: list[tuple[str, str | None]] = []
    for reference in references:
        versions = choose(tested, reference)
        if not versions:
            raise no_such_version(tested, reference, of="this run")
        found += versions
    return tuple(found)

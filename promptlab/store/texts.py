"""The texts of templates that were run, and the names that they had."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.lazy import lazy_module
from promptlab.core.results import TemplateHistory
from promptlab.store.connection import Connection
from promptlab.store.encode import from_json, to_json
from promptlab.store.faults import decoded

if TYPE_CHECKING:
    from promptlab.core import measured as nouns
    from promptlab.core.measured import TextArm
else:
    nouns = lazy_module("promptlab.core.measured")  # for versions that are compared

_HISTORY = """
SELECT l.version, l.digest, l.first_seen, count(DISTINCT a.run), count(t.seq)
FROM template_labels l LEFT JOIN run_arms a ON a.template = l.id
LEFT JOIN trials t ON t.run = a.run AND t.arm = a.position
WHERE l.name = :name GROUP BY l.id ORDER BY l.id
"""

_LABELS = "SELECT name, version, digest FROM template_labels ORDER BY id"

_TEXT = "SELECT source, includes FROM templates WHERE digest = :digest"

_LABEL_DIGESTS = """
SELECT l.digest FROM template_labels l WHERE l.name = :name AND l.version = :version AND EXISTS (
    SELECT 1 FROM run_arms a JOIN trials t ON t.run = a.run AND t.arm = a.position
    WHERE a.template = l.id
) ORDER BY l.id
"""

_ARMS = """
SELECT r.run_id, r.suite, r.status = 'finished',
    (SELECT max(c.position) + 1 FROM run_cases c WHERE c.run = r.id),
    l.name, l.version, l.digest, a.off, b.name, b.digest, a.sampling
FROM run_arms a JOIN runs r ON r.id = a.run JOIN template_labels l ON l.id = a.template
JOIN backends b ON b.id = a.backend
WHERE l.name IN (SELECT value FROM json_each(:names)) AND EXISTS (
    SELECT 1 FROM trials t WHERE t.run = a.run AND t.arm = a.position
)
ORDER BY r.id DESC, a.position
"""


class Texts:
    """Reads the texts of an open database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def path(self) -> Path:
        """Return the file."""
        return self._connection.path

    @decoded
    def history(self, name: str) -> list[TemplateHistory]:
        """Return all texts that the versions of a template have had, oldest first."""
        rows = self._connection.rows(_HISTORY, name=name)
        return [TemplateHistory(*row) for row in rows]

    @decoded
    def labels(self) -> list[tuple[str, str, str]]:
        """Return name, version and digest of every text that was run, oldest first."""
        rows = self._connection.rows(_LABELS)
        return [(str(name), str(version), str(digest)) for name, version, digest in rows]

    @decoded
    def read(self, digest: str) -> tuple[str, dict[str, str]]:
        """Return a text that was run, and what it included, by path."""
        [(source, includes)] = self._connection.rows(_TEXT, digest=digest)
        return str(source), from_json(includes)

    @decoded
    def measured(self, name: str, version: str) -> list[str]:
        """Return the digests under which a template's version has results, oldest first."""
        rows = self._connection.rows(_LABEL_DIGESTS, name=name, version=version)
        return [str(digest) for (digest,) in rows]

    @decoded
    def arms(self, names: Sequence[str]) -> list[TextArm]:
        """Return the arms of these templates that have trials, those of the newest run first."""
        rows = self._connection.rows(_ARMS, names=to_json(names))
        return [
            nouns.TextArm(
                run_id=run,
                suite=suite,
                finished=bool(finished),
                cases=cases or 0,
                template=name,
                version=version,
                digest=digest,
                off=tuple(from_json(off)),
                backend=backend,
                backend_digest=identity,
                sampling=sampling,
            )
            for run, suite, finished, cases, name, version, digest, off, *on in rows
            for backend, identity, sampling in [on]
        ]

"""Opens what verbs work with: the project, its store, backends and scorers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from promptlab.backends import Backend
from promptlab.cli.session import Session
from promptlab.core.errors import PromptlabError
from promptlab.core.types import BackendSpec
from promptlab.project.backends import describe_backend, entry_of, make_backend
from promptlab.project.folder import DATABASE, BackendEntry, Project, find_project, open_project
from promptlab.store import Store
from promptlab.templates.library import TemplateLibrary


def project_of(session: Session) -> Project:
    """Open the project that is named, else find the nearest one."""
    if session.folder is not None:
        return open_project(session.folder.resolve())
    return find_project(Path.cwd())


def database_path(session: Session) -> Path:
    """Return the database that is named, else the project's."""
    return session.database or project_of(session).root / DATABASE


@contextmanager
def open_store(session: Session, *, readonly: bool = True) -> Iterator[Store]:
    """Open the database; reading one that is not there yet is a clear error."""
    path = database_path(session)
    if readonly and not path.exists():
        raise PromptlabError(
            "there is no database yet", where=str(path), hint="`promptlab run SUITE` makes it"
        )
    store = Store.open(path, session.now, readonly=readonly)
    try:
        yield store
    finally:
        store.close()


class Workbench:
    """One project, as a verb needs it. Everything is opened when it is first asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.project: Project = project_of(session)
        self.library = TemplateLibrary(self.project.templates)
        self._environment = session.environment(self.project.root)

    def backend(self, name: str, where: str) -> tuple[BackendSpec, Backend]:
        """Make the backend `name`, with the spec that is kept with the run.

        `where` is the place that names it, told if there is no such backend.
        """
        try:
            return self._made(self.project.backend(name))
        except PromptlabError as error:
            raise error.at(where) from None

    def _made(self, entry: BackendEntry) -> tuple[BackendSpec, Backend]:
        backend = make_backend(entry, self.project.root, self._environment)
        return describe_backend(entry, backend), backend

    def stored_backends(self, specs: Iterable[BackendSpec]) -> Mapping[str, Backend]:
        """Make the backends of a stored run again, and refuse ones that are not the same.

        They cost what they cost today.
        """
        made = {}
        for spec in specs:
            described, made[spec.name] = self._made(self._priced(spec))
            if described.digest != spec.digest:
                raise PromptlabError(
                    f"backend {spec.name!r} is not what it was when the run began",
                    hint="start a new run: its answers would not be comparable",
                )
        return made

    def _priced(self, spec: BackendSpec) -> BackendEntry:
        """Return the entry of a stored backend, with the price that the same one has by now."""
        entry, today = entry_of(spec), self.project.backends.get(spec.name)
        if today is None or "price" not in today.options:
            return entry
        if (today.kind, today.model) != (spec.kind, spec.model):
            return entry
        if self._made(today)[0].digest != spec.digest:
            return entry
        return replace(entry, options={**entry.options, "price": today.options["price"]})

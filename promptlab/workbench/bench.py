"""One project with its database and backends, opened on first use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists
from promptlab.core.lazy import lazy_module
from promptlab.core.types import BackendSpec, TemplateSource
from promptlab.project.folder import DATABASE, BackendEntry, Project, find_project, open_project
from promptlab.store import UNEXPECTED, Store, Waits
from promptlab.templates.past import PastLabel
from promptlab.workbench.patience import patient
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from promptlab.backends import Backend
    from promptlab.project import backends
    from promptlab.templates import judge_prompts as judges
    from promptlab.templates import library as templates
else:
    backends = lazy_module("promptlab.project.backends")
    judges = lazy_module("promptlab.templates.judge_prompts")
    templates = lazy_module("promptlab.templates.library")


class Workbench:
    """What every verb works with: the project, its templates, its database, its backends."""

    def __init__(self, session: Session, waits: Waits | None = None) -> None:
        """Keep where to look; nothing is opened yet.

        `waits` is how to wait for a database that others have locked; by default as the session
        allows.
        """
        self.session = session
        self._waits = waits
        session.know_keys()

    @cached_property
    def project(self) -> Project:
        """The named project, or else the nearest one."""
        if self.session.folder is not None:
            return open_project(self.session.folder.resolve())
        return find_project(Path.cwd())

    @cached_property
    def project_if_any(self) -> Project | None:
        """The project; None where the named database does not belong to one."""
        try:
            return self.project
        except PromptlabError as error:
            written = error.where is not None  # there is a project, with a mistake in its files
            named = self.session.folder is not None
            if written or named or self.session.database is None:
                raise
            return None

    @cached_property
    def root_if_any(self) -> Path | None:
        """The project's folder, for what works without a project; None outside of one."""
        try:
            return self.project.root
        except PromptlabError:
            return None

    @cached_property
    def library(self) -> templates.TemplateLibrary:
        """The versions of the project's templates."""
        project = self.project
        breaks = project.keeps_breaks
        return templates.TemplateLibrary(project.templates, keeps_breaks=breaks, past=_Past(self))

    @cached_property
    def judge_prompts(self) -> judges.JudgePrompts:
        """The prompts of judges: the project's, then the built-in ones."""
        return judges.JudgePrompts(None if self.root_if_any is None else self.library)

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The environment, with the project's `.env` file as fallback."""
        return self.session.environment(self.project.root)

    @property
    def rule(self) -> Rule:
        """How the project decides; the default rule where there is only a database."""
        project = self.project_if_any
        return Rule() if project is None else project.rule

    @property
    def database(self) -> Path:
        """The named database, or else the project's."""
        return self.session.database or self.project.root / DATABASE

    @property
    def has_database(self) -> bool:
        """Return whether anything has been stored yet."""
        return exists(self.database)

    @contextmanager
    def open_store(self, *, readonly: bool = True) -> Iterator[Store]:
        """Open the database; reading one that does not exist yet is a clear error."""
        path = self.database
        if readonly and not exists(path):
            raise PromptlabError(
                "there is no database yet", where=str(path), hint="`promptlab run SUITE` creates it"
            )
        waits = self._waits or patient(self.session.tell)
        store = Store.open(path, self.session.now, readonly=readonly, waits=waits)
        try:
            yield store
        except UNEXPECTED as error:
            store.blame(error)
            raise
        finally:
            store.close()

    def verify_database(self) -> list[str]:
        """Return what is wrong with the database, one line per problem."""
        return Store.verify_file(self.database, self.session.now)

    def make(self, entry: BackendEntry) -> Backend:
        """Create the backend of an entry; nothing is loaded yet.

        In a stranger's project that is `echo` alone: others send keys where the project says, or
        load what it names.
        """
        if self.session.safe and entry.kind != "echo":
            raise PromptlabError(
                f"backend {entry.name!r} is of kind {entry.kind}, and --safe uses echo alone",
                hint="-b echo",
            )
        return backends.make_backend(entry, self.project.root, self.environment)

    def backend(self, name: str, where: str) -> tuple[BackendSpec, Backend]:
        """Create the backend `name`, with the spec that is stored with the run.

        `where` is the place that names it, reported if there is no such backend.
        """
        try:
            return self._described(self.project.backend(name))
        except PromptlabError as error:
            raise error.at(where) from None

    def stored_backends(self, specs: Iterable[BackendSpec]) -> Mapping[str, Backend]:
        """Create the backends of a stored run, and refuse any that has changed.

        Today's prices apply.
        """
        made = {}
        for spec in specs:
            described, made[spec.name] = self._described(self._priced(spec))
            if described.digest != spec.digest:
                raise PromptlabError(
                    f"backend {spec.name!r} has changed since the run began",
                    hint="start a new run: the answers would not be comparable",
                )
        return made

    def weighing(self, specs: Iterable[BackendSpec]) -> Iterator[str]:
        """Yield the names of those backends of a stored run that can weigh given answers.

        One that cannot be created any more is not among them.
        """
        for spec in specs:
            with suppress(PromptlabError):
                if self.make(backends.entry_of(spec)).weighs_answers:
                    yield spec.name

    def _described(self, entry: BackendEntry) -> tuple[BackendSpec, Backend]:
        backend = self.make(entry)
        return backends.describe_backend(entry, backend), backend

    def _priced(self, spec: BackendSpec) -> BackendEntry:
        """Return the entry of a stored backend, with the price that it has now."""
        entry, today = backends.entry_of(spec), self.project.backends.get(spec.name)
        if today is None or "price" not in today.options:
            return entry
        if (today.kind, today.model) != (spec.kind, spec.model):
            return entry
        if self._described(today)[0].digest != spec.digest:
            return entry
        return replace(entry, options={**entry.options, "price": today.options["price"]})


class _Past:
    """The texts in the database of a workbench, read when they are asked for."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def labels(self) -> Sequence[PastLabel]:
        if not self._bench.has_database:
            return ()
        with self._bench.open_store() as store:
            return [PastLabel(*label) for label in store.texts.labels()]

    def read(self, label: PastLabel) -> TemplateSource:
        with self._bench.open_store() as store:
            source, includes = store.texts.read(label.digest)
        return TemplateSource(label.name, label.version, source, includes, label.digest)

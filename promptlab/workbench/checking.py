"""Which backends a project has, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptlab.backends import Backend, Health
from promptlab.core.errors import PromptlabError
from promptlab.core.keys import is_key, named_without_key, without_literals
from promptlab.core.masking import STRUCK, strike
from promptlab.project.folder import BackendEntry
from promptlab.workbench.bench import Workbench
from promptlab.workbench.looping import run_to_end


@dataclass(frozen=True, slots=True)
class Configured:
    """A backend as the project's files define it, without secrets written there."""

    name: str
    kind: str
    model: str | None
    options: Mapping[str, object]


def configured_backends(bench: Workbench) -> list[Configured]:
    """List the backends that the project names."""
    return [_without_keys(entry) for entry in bench.project.backends.values()]


def check_backends(bench: Workbench, names: Iterable[str]) -> list[tuple[str, Health]]:
    """Ask each backend for one token; by default all of the project's."""
    chosen = tuple(names) or tuple(bench.project.backends) or ("echo",)
    return [(named_without_key(name), _check(bench, name)) for name in chosen]


def _without_keys(entry: BackendEntry) -> Configured:
    model = STRUCK if entry.model is not None and is_key(entry.model) else entry.model
    options = {strike(key): without_literals(value, key) for key, value in entry.options.items()}
    return Configured(strike(entry.name), strike(entry.kind), model and strike(model), options)


def _check(bench: Workbench, name: str) -> Health:
    try:
        health = run_to_end(_answer(bench.make(bench.project.backend(name))))
        return Health(health.ok, strike(health.detail), health.hint and strike(health.hint))
    except PromptlabError as error:
        where = f"{error.where}: " if error.where else ""
        return Health(False, f"{where}{error.message}", error.hint)


async def _answer(backend: Backend) -> Health:
    try:
        return await backend.check()
    finally:
        await backend.close()

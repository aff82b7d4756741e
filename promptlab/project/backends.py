"""From a configured backend to a working object and the spec that is stored with a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydantic import BaseModel, ValidationError

from promptlab.backends import NO_ENVIRONMENT, Backend
from promptlab.backends.foreign.function import Function, FunctionBackend
from promptlab.backends.foreign.guarded import GuardedBackend
from promptlab.backends.foreign.members import require_facts, require_methods
from promptlab.core import plugins
from promptlab.core.digest import backend_digest
from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists
from promptlab.core.foreign import foreign
from promptlab.core.keys import key_in_place_of
from promptlab.core.masking import userinfo
from promptlab.core.modules import module_file, sources
from promptlab.core.types import BackendSpec, Json
from promptlab.core.validation import unfit_value, wrong_value
from promptlab.project.addresses import require_model
from promptlab.project.folder import BackendEntry


def make_backend(
    entry: BackendEntry, root: Path, environment: Mapping[str, str] = NO_ENVIRONMENT
) -> Backend:
    """Make the backend of an entry; its options are checked, but nothing is loaded yet.

    `environment` is where the backend looks up its key. A backend that is not built-in is guarded.
    """
    with _placed(entry):
        _require_no_keys(entry, root)
        plugin = plugins.load("backends", entry.kind, root)
        kind = _class_of(plugin, entry)
        options = _options(kind, entry, root)
        model = _model_of(entry, root, kind)
    if kind.__module__.startswith("promptlab.backends.") and kind is plugin:
        return kind(model, options, environment)
    with _placed(entry):
        with foreign(f"backend {entry.name!r}: its __init__ fails", passing=(PromptlabError,)):
            backend: Backend
            if kind is plugin:
                require_methods(kind, entry.name)
                backend = kind(model, options, environment)
            else:
                backend = FunctionBackend(entry.kind, cast(Function, plugin), model, options)
        require_facts(backend, entry.name)
        guarded = GuardedBackend(entry.name, backend, _origin(entry, root))
        guarded.require_facts()
    return guarded


@contextmanager
def _placed(entry: BackendEntry) -> Iterator[None]:
    """Add the place of the backend's entry to errors."""
    try:
        yield
    except PromptlabError as error:
        raise error.at(entry.where) from error


def _class_of(plugin: object, entry: BackendEntry) -> type[Backend]:
    """Return the class of the backend: the plugin itself, or one that calls it."""
    if not callable(plugin):
        raise PromptlabError(f"{entry.kind!r} is not a backend", hint="see CONTRIBUTING.md")
    if not isinstance(plugin, type):
        return FunctionBackend
    if not hasattr(plugin, "options_model"):
        require_methods(plugin, entry.name)
    return cast(type[Backend], plugin)


def _options(kind: type[Backend], entry: BackendEntry, root: Path) -> BaseModel:
    for name, value in entry.options.items():
        if problem := unfit_value(name, value):
            raise PromptlabError(problem, hint="fix this value")
    about = f"backend {entry.name!r}: its options fail"
    try:
        with foreign(about, passing=(ValidationError, PromptlabError)):
            return kind.options_model.model_validate(dict(entry.options), context={"project": root})
    except ValidationError as error:
        raise _bad_option(error, kind, entry) from None


def _origin(entry: BackendEntry, root: Path) -> Mapping[str, Json]:
    """Return what is known about a backend that does not say what its answers depend on."""
    module, colon, _ = entry.kind.partition(":")
    file = module_file(module, root) if colon else None
    return {
        "kind": entry.kind,
        "model": entry.model,
        "options": dict(entry.options),  # type: ignore[arg-type] # TOML and options contain only JSON
        "source": {} if file is None else {**sources(file, root)},
    }


def _require_no_keys(entry: BackendEntry, root: Path) -> None:
    """Refuse a key or a password in the place of a name: names are shown, stored and sent."""
    model = None if _is_path(entry, root) else entry.model
    if part := key_in_place_of(entry.name, entry.kind, model):
        raise PromptlabError(
            f"{part} looks like a key",
            hint="write the model there, and set the key in the environment",
        )
    if any(map(userinfo, (entry.name, entry.kind, entry.model or ""))):
        raise PromptlabError(
            "the address holds a user or a password",
            hint="leave them out, and send them as a header that names a variable: see"
            " docs/backends.md",
        )


def _is_path(entry: BackendEntry, root: Path) -> bool:
    return entry.model is not None and exists(root / entry.model)


def _model_of(entry: BackendEntry, root: Path, kind: type[Backend]) -> str | None:
    """Return the model; the path of a folder or file is relative to the project.

    A server's model has nothing to do with a folder of its name.
    """
    if entry.model is not None and _is_path(entry, root) and not hasattr(kind, "default_url"):
        return str(root / entry.model)
    if entry.model is not None and "base_url" not in entry.options:
        require_model(entry.model)
    return entry.model


def describe_backend(entry: BackendEntry, backend: Backend) -> BackendSpec:
    """Describe a backend by what its answers depend on; raise BackendError without weights."""
    identity = backend.identity()
    return BackendSpec(
        name=entry.name,
        kind=entry.kind,
        model=entry.model,
        options=dict(entry.options),  # type: ignore[arg-type] # TOML and the options model contain only JSON
        identity=identity,
        digest=backend_digest(identity),
    )


def entry_of(spec: BackendSpec) -> BackendEntry:
    """Return the entry that a stored spec was made from."""
    where = f"backend {spec.name!r} of the stored run"
    return BackendEntry(spec.name, spec.kind, spec.model, spec.options, where)


def _bad_option(error: ValidationError, kind: type[Backend], entry: BackendEntry) -> PromptlabError:
    mistakes = error.errors()
    key = ".".join(str(part) for part in mistakes[0]["loc"][:1])
    if mistakes[0]["type"] == "extra_forbidden":
        known = kind.options_model.model_fields
        return plugins.unknown("option", key, known, of=entry.kind).at(entry.where)
    if mistakes[0]["type"] == "missing":
        path = ".".join(map(str, mistakes[0]["loc"]))
        return PromptlabError(f"the option {path} is missing", where=entry.where, hint="add it")
    message, hint = wrong_value([m for m in mistakes if m["loc"][:1] == mistakes[0]["loc"][:1]])
    return PromptlabError(f"{key}: {message}" if key else message, where=entry.where, hint=hint)

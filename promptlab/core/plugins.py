"""Find a plugin by name: a built-in module, an entry point, or `module:attr` of the project.

One registry serves backends and executors. Scorers, of which a file has many, have their own table,
filled by their decorator, but use the same `load_attr` and `unknown` below.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.lazy import lazy_module
from promptlab.core.modules import load_module, require_allowed

if TYPE_CHECKING:
    import difflib
    from importlib import metadata
else:
    difflib = lazy_module("difflib")
    metadata = lazy_module("importlib.metadata")

_ABSENT = object()
_LISTED = 20  # names at most that a hint lists


def names(family: str) -> list[str]:
    """List the plugins of `family` ('backends', 'executors'): built-in ones, then entry points."""
    built_in = _modules(family)
    others = {point.name for point in metadata.entry_points(group=f"promptlab.{family}")}
    return built_in + sorted(others - set(built_in))


def load(family: str, name: str, root: Path | None = None) -> object:
    """Load the plugin `name` of `family`; `module:attr` is looked up in the project at `root`."""
    if ":" in name:
        return load_attr(name, root)
    singular = family.removesuffix("s")
    if name in _modules(family):
        module = importlib.import_module(f"promptlab.{family}.{name}")
        plugin: object = getattr(module, singular)
        return plugin
    for point in metadata.entry_points(group=f"promptlab.{family}", name=name):
        return load_point(point)
    raise unknown(singular, name, [*names(family), "module:attr"])


def load_point(point: metadata.EntryPoint) -> object:
    """Load a plugin that another distribution provides as an entry point."""
    hint = f"fix or uninstall the distribution that provides {point.value}"
    with foreign(f"cannot load the plugin {point.name!r}", hint=hint):
        plugin: object = point.load()
    return plugin


def load_attr(reference: str, root: Path | None) -> object:
    """Import `module:attr`, first from the project's folder."""
    require_allowed(reference)
    module_name, _, attr = reference.partition(":")
    module = _import(reference, module_name, root)
    with foreign(f"cannot import {reference!r}", hint=f"fix {module_name}"):
        value: object = getattr(module, attr, _ABSENT)  # a module's own __getattr__ may run
    if value is _ABSENT:
        offered = [name for name in vars(module) if not name.startswith("_")]
        raise unknown("attribute", attr, offered, of=module_name)
    return value


def _import(reference: str, name: str, root: Path | None) -> ModuleType:
    hint = f"fix {name}" if name else "write module:attribute"
    try:
        with foreign(f"cannot import {reference!r}", hint=hint):
            return load_module(name, root)
    except PromptlabError as error:
        if isinstance(cause := error.__cause__, ModuleNotFoundError):
            hint = f"put {cause.name}.py into the project's folder or install it"
            raise PromptlabError(error.message, hint=hint) from cause
        raise


def _modules(family: str) -> list[str]:
    package = importlib.import_module(f"promptlab.{family}")
    modules = (info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg)
    return sorted(name for name in modules if not name.startswith("_"))


def unknown(what: str, name: str, known: Iterable[str], of: str | None = None) -> PromptlabError:
    """Return the error for an unknown name (in `of`), suggesting the nearest known one."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif known:
        hint = "known: " + ", ".join(known[:_LISTED])
        if len(known) > _LISTED:
            hint += f" and {len(known) - _LISTED} more"
    else:
        hint = "there are none yet"
    owner = f" of {of}" if of else ""
    return PromptlabError(f"unknown {what} {name!r}{owner}", hint=hint)

"""Find a plugin by name: a module of ours, an entry point, or `module:attr` of the project.

One registry serves backends and executors; scorers are many to a file and have their own table,
filled by their decorator, but use the same `load_attr` and `unknown` below.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from promptlab.core.errors import PromptlabError

_LISTED = 20  # names in the remedy of an unknown one


def names(family: str) -> list[str]:
    """List what `family` ('backends', 'executors') offers: our modules, then entry points."""
    ours = _modules(family)
    theirs = {point.name for point in entry_points(group=f"promptlab.{family}")}
    return ours + sorted(theirs - set(ours))


def load(family: str, name: str, root: Path | None = None) -> object:
    """Load the plugin `name` of `family`; `module:attr` is looked up in the project at `root`."""
    if ":" in name:
        return load_attr(name, root)
    singular = family.removesuffix("s")
    if name in _modules(family):
        module = importlib.import_module(f"promptlab.{family}.{name}")
        found: object = getattr(module, singular)
        return found
    for point in entry_points(group=f"promptlab.{family}", name=name):
        return load_point(point)
    raise unknown(singular, name, names(family))


def load_point(point: EntryPoint) -> object:
    """Load what another distribution offers under an entry point."""
    try:
        found: object = point.load()
    except Exception as error:  # anything can go wrong in a module of others
        raise PromptlabError(
            f"cannot load the plugin {point.name!r}: {_last_line(error)}",
            hint=f"mend or uninstall the distribution that offers {point.value}",
        ) from error
    return found


def load_attr(reference: str, root: Path | None) -> object:
    """Import `module:attr`, with the project's folder in front of the import path."""
    module_name, _, attr = reference.partition(":")
    if root is not None and str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the user's module runs here, and may raise anything
        hint = f"mend {module_name}" if module_name else "write module:attribute"
        if isinstance(error, ModuleNotFoundError):
            hint = f"put {error.name}.py into the project's folder or install it"
        raise PromptlabError(
            f"cannot import {reference!r}: {_last_line(error)}", hint=hint
        ) from error
    try:
        found: object = getattr(module, attr)
    except AttributeError:
        offered = [name for name in vars(module) if not name.startswith("_")]
        raise unknown("attribute", attr, offered, of=module_name) from None
    return found


def _modules(family: str) -> list[str]:
    package = importlib.import_module(f"promptlab.{family}")
    found = (each.name for each in pkgutil.iter_modules(package.__path__) if not each.ispkg)
    return sorted(name for name in found if not name.startswith("_"))


def _last_line(error: Exception) -> str:
    """Return an error as the last line of a traceback shows it."""
    return traceback.format_exception_only(error)[-1].strip()


def unknown(what: str, name: str, known: Iterable[str], of: str | None = None) -> PromptlabError:
    """Make the error for a name that is not there (in `of`), with the nearest one that is."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    elif known:
        hint = "known: " + ", ".join(known[:_LISTED])
        if len(known) > _LISTED:
            hint += f" and {len(known) - _LISTED} more"
    else:
        hint = "there is none yet"
    owner = f" of {of}" if of else ""
    return PromptlabError(f"unknown {what} {name!r}{owner}", hint=hint)

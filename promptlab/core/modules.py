"""The modules of a project: imported without shadowing a library, and identified by their source.

A project's folder comes last on the import path, so that a project file called `json.py` is not
what other code imports as `json`. A module requested as `module:attr` is still the project's own.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections import ChainMap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

from promptlab.core.digest import digest_text
from promptlab.core.errors import PromptlabError
from promptlab.core.files import MAX_TEXT, is_file, read_bytes

_Sources = dict[str, str]

# Digests of the sources of a project's modules when each was loaded. There is one project at a
# time: two of them may have modules of the same name.
_loaded: dict[Path, dict[Path, _Sources]] = {}

# Whether `module:attr` may not be imported. Of the process, as imports are: threads share them.
_forbidden = False


@contextmanager
def no_user_code() -> Iterator[None]:
    """Refuse every `module:attr` meanwhile: the project is a stranger's."""
    global _forbidden
    before, _forbidden = _forbidden, True
    try:
        yield
    finally:
        _forbidden = before


def require_allowed(reference: str) -> None:
    """Raise PromptlabError if user-defined code may not be run."""
    if _forbidden:
        raise PromptlabError(
            f"{reference!r} is code of the project, which --safe does not run",
            hint="look at it first; without --safe it can do whatever you can",
        )


def load_module(name: str, root: Path | None) -> ModuleType:
    """Import a module: the project's own where its folder has one of that name.

    One that was edited since is reloaded, along with all that it imports from the project.
    """
    top, _, rest = name.partition(".")
    with _fresh_source():
        if root is None or not name:
            return importlib.import_module(name)
        _enter(root)
        if (file := _file_of(root, name.split("."))) is not None:
            _forget_edited(file, root)
        if (own := _file_of(root, [top])) is not None and _is_taken(top, own):
            top = _load_beside(top, own, root)
        return importlib.import_module(f"{top}.{rest}" if rest else top)


def module_file(name: str, root: Path | None) -> Path | None:
    """Return a module's source file, None where there is none to read."""
    own = None if root is None else _file_of(root, name.split("."))
    if own is not None or _forbidden:  # looking for a module imports the packages it is in
        return own
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def sources(file: Path, root: Path | None) -> _Sources:
    """Digest the source of a module and of all that it imports from the project, by path."""
    if root is None or not file.is_relative_to(root):
        return {file.name: digest_text(_read(file))}
    digests: _Sources = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
        if name and name not in digests:
            text = _read(path)
            digests[name] = digest_text(text)
            packages = _along(root, [*path.relative_to(root).parent.parts])
            waiting += [*packages, *_imported(text, path, root)]
    return digests


def _read(path: Path) -> str:
    return read_bytes(path, path.name, MAX_TEXT).decode("utf-8", "replace")


@contextmanager
def _fresh_source() -> Iterator[None]:
    """Leave no compiled files in a project.

    Python compares only size and time in seconds: an edit right after a run would be missed.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def _enter(root: Path) -> None:
    """Put a project's folder at the end of the import path, replacing another project's."""
    for other in [other for other in _loaded if other != root]:
        _forget(dict(ChainMap(*_loaded.pop(other).values())), other)
        if str(other) in sys.path[1:]:  # the first is a script's folder, not put there by us
            sys.path.remove(str(other))
    _loaded.setdefault(root, {})
    if str(root) not in sys.path:
        sys.path.append(str(root))


def _forget_edited(file: Path, root: Path) -> None:
    """Unload a module whose source has changed since: a notebook outlives many edits."""
    now = sources(file, root)
    before = _loaded[root].get(file, now)
    _loaded[root][file] = now
    if now != before:
        _forget(before, root)


def _forget(known: _Sources, root: Path) -> None:
    stale = {str(root / path) for path in known}
    for name, module in list(sys.modules.items()) if stale else []:
        # Not `getattr`: a module that loads what it is asked for is not to be asked.
        if getattr(module, "__dict__", {}).get("__file__") in stale:
            del sys.modules[name]


def _file_of(folder: Path, parts: list[str]) -> Path | None:
    """Return the file of a module below a folder, if there is one."""
    place = folder.joinpath(*parts)
    for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if is_file(path):
            return path
    return None


def _is_taken(name: str, own: Path) -> bool:
    """Return whether importing the name gives a module other than the project's file."""
    if (loaded := sys.modules.get(name)) is not None:
        file = getattr(loaded, "__file__", None)
    else:
        spec = importlib.util.find_spec(name)
        file = None if spec is None else spec.origin
    return file is None or Path(file).resolve() != own.resolve()


def _load_beside(name: str, own: Path, root: Path) -> str:
    """Load a project's module whose name is taken under an alias, and return the alias."""
    alias = f"_project_{digest_text(str(root))[3:11]}_{name}"
    if alias in sys.modules:
        return alias
    spec = importlib.util.spec_from_file_location(alias, own)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[alias] = importlib.util.module_from_spec(spec)
    with ExitStack() as stack:
        stack.callback(sys.modules.pop, alias)
        spec.loader.exec_module(module)
        stack.pop_all()  # it loaded completely
    return alias


def _imported(text: str, file: Path, root: Path) -> Iterator[Path]:
    """Yield the project files that a module's import statements name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield from _along(root, name.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            above = [root, *file.parents]
            folder = above[min(node.level, len(above) - 1)]
            parts = node.module.split(".") if node.module else []
            yield from _along(folder, parts)
            for name in node.names:
                yield from filter(None, [_file_of(folder, [*parts, name.name])])


def _along(folder: Path, parts: list[str]) -> Iterator[Path]:
    """Yield the files of a module and of the packages it is in: importing executes all of them."""
    for length in range(1, len(parts) + 1):
        yield from filter(None, [_file_of(folder, parts[:length])])

"""User-defined executors, isolated so that their errors are reported as theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from promptlab.backends import Backend
from promptlab.core import plugins
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.watch import Watch
from promptlab.executors import Executor, Work

_HINT = "see docs/plugins.md"
_EXECUTE = "execute(work, backends, watch)"


def make_executor(name: str, root: Path, jobs: int | None) -> Executor:
    """Create the executor of that name; `jobs` is the number of calls in flight per backend."""
    kind = plugins.load("executors", name, root)
    if not callable(kind):
        raise PromptlabError(f"executor {name!r} is not a class", hint=_HINT)
    if getattr(kind, "__module__", "").startswith("promptlab.executors."):
        return cast(type[Executor], kind)(jobs)
    if isinstance(kind, type):
        _require_execute(kind, name)
    with foreign(f"executor {name!r}: its __init__ fails", passing=(PromptlabError,)):
        instance = kind(jobs)
    _require_execute(instance, name)
    return _GuardedExecutor(name, instance)


def _require_execute(instance: object, name: str) -> None:
    if not callable(getattr(instance, "execute", None)):
        raise PromptlabError(f"executor {name!r} lacks {_EXECUTE}", hint=_HINT)


class _GuardedExecutor(Executor):
    """Wraps a user-defined executor. What our work and the backends raise passes through."""

    def __init__(self, name: str, inner: Executor) -> None:
        self._name = name
        self._inner = inner

    async def execute(self, work: Work, backends: Mapping[str, Backend], watch: Watch) -> None:
        """Run the wrapped executor."""
        with foreign(f"executor {self._name!r}: its execute fails", passing=(PromptlabError,)):
            done: Any = self._inner.execute(work, backends, watch)
            await done

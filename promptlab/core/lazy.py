"""Modules that load on first use, so that a command pays only for what it does."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType


class _LazyModule(ModuleType):
    """A stand-in for a module that imports it when one of its attributes is first accessed.

    It is never put in `sys.modules`. `importlib.util.LazyLoader` puts its modules there, and code
    that iterates over them (inspect does, while torch is being imported) loads them in the middle
    of something else.
    """

    _module: ModuleType | None = None

    def __getattr__(self, name: str) -> object:
        # Kept: a look-up in `sys.modules`, with its locks, costs more than many a function.
        if self._module is None:
            self._module = importlib.import_module(self.__name__)
        return getattr(self._module, name)


def lazy_module(name: str) -> ModuleType:
    """Return the module `name`, which is executed when one of its attributes is first accessed."""
    if name in sys.modules:
        return sys.modules[name]
    if importlib.util.find_spec(name) is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _LazyModule(name)

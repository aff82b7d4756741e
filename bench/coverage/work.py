"""Carries out the settings of a theme, in this process or in several.

It stands apart from the command: other processes do not find what is defined in `__main__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import bench.coverage
from bench.coverage.frame import Held, Setting, held


def themes() -> dict[str, ModuleType]:
    """Return the modules of this package that yield settings, by name."""
    names = sorted(found.name for found in iter_modules(bench.coverage.__path__))
    modules = {
        name: import_module(f"bench.coverage.{name}") for name in names if name != "__main__"
    }
    return {name: module for name, module in modules.items() if hasattr(module, "settings")}


def results(
    theme: str, places: list[int], runs: int, seed: int, processes: int = 1
) -> Iterator[Held]:
    """Yield what the settings at these places of a theme held, in their order."""
    work = [(theme, place, runs, seed) for place in places]
    if processes == 1:
        yield from (_result(*one) for one in work)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_result, *zip(*work, strict=True))


def _result(theme: str, place: int, runs: int, seed: int) -> Held:
    """Carry out the setting at this place of a theme; only its name goes to another process."""
    module = import_module(f"bench.coverage.{theme}")
    settings: list[Setting[Any]] = list(module.settings())
    return held(settings[place], runs, seed)

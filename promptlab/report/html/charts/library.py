"""The packages of the extra `report`, loaded on first use."""

from __future__ import annotations

from types import ModuleType

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module

_PACKAGES = {"altair": "altair", "vl_convert": "vl-convert-python"}
"""Modules of the extra, and the distributions that they come from."""


def library(module: str) -> ModuleType:
    """Return a module of the extra `report`; raise `PromptlabError` if it is not installed."""
    try:
        return lazy_module(module)
    except ModuleNotFoundError:
        raise PromptlabError(
            f"charts need the package {_PACKAGES[module]}, which is not installed",
            hint=extras.install("report", _PACKAGES[module]),
        ) from None


def require_charts() -> None:
    """Raise `PromptlabError` where no chart can be drawn, before any work is done."""
    for module in _PACKAGES:
        library(module)

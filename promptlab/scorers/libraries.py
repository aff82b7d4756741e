"""The packages of the extra `metrics`, loaded on first use."""

from __future__ import annotations

from types import ModuleType

from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module


def library(module: str, distribution: str, what: str) -> ModuleType:
    """Return a module of the extra `metrics`; raise `PromptlabError` if it is not installed.

    `what` needs it, in words.
    """
    try:
        return lazy_module(module)
    except ModuleNotFoundError:
        raise PromptlabError(
            f"{what} needs the package {distribution}, which is not installed",
            hint=extras.install("metrics", distribution),
        ) from None

"""`promptlab.types`, whose documented names are now in `promptlab` itself."""

from __future__ import annotations

import warnings

from promptlab.core import types


def __getattr__(name: str) -> object:
    """Return what had this name here, and warn where it is now."""
    value: object = getattr(types, name)
    warnings.warn(
        f"promptlab.types.{name} is deprecated: use promptlab.{name}, or promptlab.core.types",
        DeprecationWarning,
        stacklevel=2,
    )
    return value

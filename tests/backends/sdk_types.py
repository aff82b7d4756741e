"""The vendors' own Python packages as oracles of what is sent: their request types, made strict.

They take a second or two to import, and so are imported by the tests that ask them alone.
A `TypedDict` lets unknown keys pass, and takes any iterable for a list unread. Here neither passes.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator


def sdk_type(module: str, name: str) -> Any:
    """Return a type of a vendor's package."""
    return getattr(importlib.import_module(module), name)


@cache
def strict_validator(module: str, name: str) -> SchemaValidator:
    """Return what checks a body against a `TypedDict` of a vendor's package, to its last key."""
    return SchemaValidator(_closed(TypeAdapter(sdk_type(module, name)).core_schema))


def _closed(node: Any) -> Any:
    if isinstance(node, (list, tuple)):
        return type(node)(_closed(part) for part in node)
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(value) for key, value in node.items()}
    if closed.get("type") == "typed-dict":
        closed["extra_behavior"] = "forbid"
    if closed.get("type") == "generator":
        closed["type"] = "list"
    return closed

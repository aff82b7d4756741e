"""The vendors' own Python packages as oracles of what is sent: their request types, made strict.

A `TypedDict` lets unknown keys pass, and takes any iterable for a list unread. Here neither passes.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator


def strict_validator(form: Any) -> SchemaValidator:
    """Return what checks a body against a `TypedDict`, to its last key."""
    return SchemaValidator(_closed(TypeAdapter(form).core_schema))


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

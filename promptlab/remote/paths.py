"""A model's name within the path of an address: it never leaves its part."""

from __future__ import annotations

from urllib.parse import quote

from promptlab.core.errors import BackendError


def segment(model: str) -> str:
    """Return a model's name as one part of a path, percent-encoded.

    Raise BackendError for what no encoding keeps in its place: `.`, `..` and the empty name.
    """
    if model.strip(".") == "":
        raise BackendError(
            f"{model!r} cannot be part of an address", hint="write the name of a model"
        )
    return quote(model, safe="@:")

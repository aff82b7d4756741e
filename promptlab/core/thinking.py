"""Whether a model is to think before it answers, as users write it: `on`, `off` or a budget."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field


def _from_yaml(value: object) -> object:
    """YAML reads `on` and `off` as true and false."""
    return ("on" if value else "off") if isinstance(value, bool) else value


Thinking = Annotated[
    Literal["on", "off"] | Annotated[int, Field(strict=True, ge=1, lt=2**31)],
    BeforeValidator(_from_yaml),
]
"""`on`, `off`, or the most tokens that it may think, at least one. Without it, the model decides.

Each kind of backend says it in its own way (a vendor's parameter, an argument of a chat template),
and refuses what it cannot say.
"""

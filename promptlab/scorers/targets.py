"""What an answer is compared with, as suites write it: one text, or a list of several."""

from __future__ import annotations

# One or more texts. A number stands for its JSON text; true and false are refused.
Texts = str | int | float | list[str | int | float]


def texts_of(value: Texts) -> list[str]:
    """Return the texts, in their order."""
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items]

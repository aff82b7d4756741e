"""Texts as suites write them: one or several, some of them numbers."""

from __future__ import annotations

import json

# A number stands for its JSON text; YAML's bare `yes` is refused.
Text = str | int | float
Texts = Text | list[Text]


def texts_of(value: Texts) -> list[str]:
    """Return one text or several as a list of texts."""
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]

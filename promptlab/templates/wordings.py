"""What a version says, apart from how it is run and marked: its wording."""

from __future__ import annotations

import re
from collections.abc import Mapping

from promptlab.core.digest import template_digest
from promptlab.templates.fences import body_of

# Comments, and the tags that mark a practice: neither says anything to a model.
_UNSAID = re.compile(r"\{#.*?#\}|\{%-?\s*(?:practice\b.*?|endpractice)\s*-?%\}", re.DOTALL)


def wording(source: str, includes: Mapping[str, str]) -> str:
    """Return a digest that versions share if their texts are the same.

    Front matter, comments, marks of practices and space at the ends of lines make no other text.
    """
    return template_digest(_said(source), {path: _said(text) for path, text in includes.items()})


def _said(source: str) -> str:
    text = _UNSAID.sub("", body_of(source))
    return "\n".join(line.rstrip() for line in text.strip().splitlines())

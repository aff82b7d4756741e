"""Where the front matter of a template version ends and its body begins; it reads neither."""

from __future__ import annotations

import re

_FENCE = r"---[ \t]*(?:\r?\n|\Z)"
FRONT = re.compile(rf"\A{_FENCE}(.*?)^{_FENCE}", re.DOTALL | re.MULTILINE)
"""Front matter with both of its fences; its first group is what stands between them."""

OPENED = re.compile(rf"\A{_FENCE}")
"""The first fence alone."""


def has_front_matter(source: str) -> bool:
    """Return whether a text begins with front matter."""
    return FRONT.match(source) is not None


def body_of(source: str) -> str:
    """Return a version's text without its front matter."""
    match = FRONT.match(source)
    return source[match.end() :] if match else source

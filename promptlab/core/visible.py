"""The only way of a text to a terminal: what a terminal would obey is spelled out.

A terminal obeys some characters instead of showing them: it clears the screen, sets the clipboard,
hides or reorders what stands around them. Answers, files, servers and arguments may hold any.
"""

from __future__ import annotations

import re

# C0 except tab and line feed, DEL, C1, the separators of lines and paragraphs, Unicode's
# Bidi_Control, and halves of surrogate pairs, which cannot be encoded.
_CLASS = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)
_OBEYED = re.compile(_CLASS)


def visible(text: str) -> str:
    """Return a text with what a terminal would obey spelled out: `^[` for escape, `<U+202E>`."""
    return _OBEYED.sub(_spelled, text)


def is_visible(text: str) -> bool:
    """Return whether a text has nothing to be spelled out."""
    return _OBEYED.search(text) is None


def escaped_in_json(json: str) -> str:
    """Return a JSON text in which such characters are escaped: its data are unchanged."""
    return _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20 or code == 0x7F:
        return f"^{chr(code ^ 0x40)}"
    return f"<U+{code:04X}>"

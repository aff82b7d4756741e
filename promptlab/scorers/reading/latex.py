"""LaTeX and fractions of Unicode, written as plain text: what the other readers then read."""

from __future__ import annotations

import unicodedata

import regex

FRACTION_SLASH = "⁄"
_GAP = "\N{NO-BREAK SPACE}"  # where LaTeX sets a narrow gap, as between groups of digits

_SPACING = regex.compile(r"(?<=\d)(?:\\[,;: ]|~)(?=\d)")
_NEGATIVE_SPACE = regex.compile(r"\\!")
_BRACED_MARK = regex.compile(r"(?<=\d)\{([.,])\}(?=\d)")
_DEGREES = regex.compile(r"\s?\^\s?(?:\{\s*(?:\\circ|∘)\s*\}|\\circ(?![a-zA-Z])|∘)")
_ESCAPED = regex.compile(r"\\([$%&#_])")
_SIZING = regex.compile(r"\\(?:left|right)(?=[()\[\].|])")
_FRACTION = regex.compile(
    r"(?P<whole>(?<=\d)\s?)?\\[dtc]?frac\s*"
    r"(?:\{(?P<num>[^{}]*+)\}\s*+\{(?P<den>[^{}]*+)\}|(?P<num>\d)\s*+(?P<den>\d))"
)
_VULGAR = regex.compile(r"(?P<whole>(?<=\d)\s?)?(?P<sign>[¼-¾⅐-⅞↉])")
_ONE_OVER = regex.compile(r"(?P<whole>(?<=\d)\s?)?⅟(?=\d)")
_NESTED = 3  # fractions within fractions that are looked into: deeper ones are no number anyway
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LOWERED = "₀₁₂₃₄₅₆₇₈₉"
_SET_FRACTION = regex.compile(
    rf"(?P<whole>(?<=\d)\s?)?(?P<num>[{_RAISED}]+)[⁄∕/](?P<den>[{_LOWERED}]+)"
)
_TEXT = regex.compile(
    r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:bf|it|rm|sf|tt|bb)?|emph|operatorname|mbox)\s*"
    r"\{(?P<inside>[^{}]*)\}"
)
_BOX = regex.compile(r"\\f?box(?:ed)?\s*\{(?P<inside>(?:[^{}]|\{[^{}]*\})*)\}")
_MATHS = regex.compile(r"\\[()\[\]]|\$\$?(?=[^\s$])(?P<inside>[^$\n]*+)(?<=[^\s$])\$\$?(?!\d)")


def plain_numbers(text: str) -> str:
    """Write LaTeX's separators and fractions, and those of Unicode, so that numbers are plain.

    A fraction is numerator, U+2044 and denominator; a whole number before it is set off by a space.
    """
    if "\\" in text or "{" in text or "~" in text:
        text = _NEGATIVE_SPACE.sub("", text)
        text = _BRACED_MARK.sub(r"\1", text)
        text = _SPACING.sub(_GAP, text)
        text = _DEGREES.sub("°", text)
        text = _SIZING.sub("", text)
        text = _ESCAPED.sub(r"\1", text)
        for _ in range(_NESTED):
            text = _FRACTION.sub(_written, text)
    if text.isascii():
        return text
    text = _SET_FRACTION.sub(_set_plain, text)
    text = _VULGAR.sub(_vulgar, text)
    return _ONE_OVER.sub(lambda match: f"{_gap(match)}1{FRACTION_SLASH}", text)


def plain_words(text: str) -> str:
    """Take off what LaTeX puts around words: boxes, styles and the signs of formulas."""
    if "\\" not in text and "$" not in text:
        return text
    text = _TEXT.sub(r"\g<inside>", text)
    text = _BOX.sub(r"\g<inside>", text)
    return _ESCAPED.sub(r"\1", _MATHS.sub(lambda match: match["inside"] or "", text))


def boxes(text: str) -> list[str]:
    r"""Return what stands within each \boxed of a text."""
    return [match["inside"] for match in _BOX.finditer(_TEXT.sub(r"\g<inside>", text))]


def _gap(match: regex.Match[str]) -> str:
    return "" if match["whole"] is None else " "


def _written(match: regex.Match[str]) -> str:
    return f"{_gap(match)}{match['num'].strip()}{FRACTION_SLASH}{match['den'].strip()}"


def _vulgar(match: regex.Match[str]) -> str:
    return _gap(match) + unicodedata.normalize("NFKC", match["sign"])


def _set_plain(match: regex.Match[str]) -> str:
    num, den = (unicodedata.normalize("NFKC", match[part]) for part in ("num", "den"))
    return f"{_gap(match)}{num}{FRACTION_SLASH}{den}"

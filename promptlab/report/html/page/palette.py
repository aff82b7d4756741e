"""The colours of pages and charts, each for a light and a dark page, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour by its name: on a light page, and on a dark one."""

    name: str
    light: str
    dark: str


PAPER = Colour("paper", "#ffffff", "#15181b")
SHADE = Colour("shade", "#f5f6f7", "#1e2226")
LINE = Colour("line", "#d4d8dc", "#3a4147")
INK = Colour("ink", "#1b1e21", "#e7e9eb")
MUTED = Colour("muted", "#565d64", "#a6adb4")
BLUE = Colour("blue", "#1d5c99", "#79b3ee")
ORANGE = Colour("orange", "#a84b0a", "#f2a365")
GREY = Colour("grey", "#6d747b", "#969da5")
VIOLET = Colour("violet", "#7a4a9e", "#c59be8")
TEAL = Colour("teal", "#17756b", "#5fc4b8")
BLUE_TINT = Colour("blue-tint", "#dce9f6", "#1d3a55")
ORANGE_TINT = Colour("orange-tint", "#fbe6d6", "#55301a")

COLOURS = (
    *(PAPER, SHADE, LINE, INK, MUTED, BLUE, ORANGE, GREY, VIOLET, TEAL),
    *(BLUE_TINT, ORANGE_TINT),
)
DRAWN = (INK, MUTED, BLUE, ORANGE, GREY, VIOLET, TEAL)
"""What charts draw shapes and letters with: each stands out from the page by 3:1 at least."""

FAINT = LINE
"""What charts draw grids with, which only help the eye."""


def variables() -> str:
    """Return the colours as variables of a style sheet, for both schemes."""
    pairs = (f"--{one.name}:light-dark({one.light},{one.dark});" for one in COLOURS)
    return f":root{{{''.join(pairs)}}}"


def repainted() -> str:
    """Return rules that give the shapes of charts, drawn for a light page, the page's colours."""
    return "".join(
        f".chart [{kind}='{one.light}']{{{kind}:var(--{one.name})}}"
        for one in (*DRAWN, FAINT)
        for kind in ("fill", "stroke")
    )


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

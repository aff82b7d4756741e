"""A console that shows texts as they stand: no markup, no emoji codes, nothing that is obeyed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from promptlab.core.streams import Ready
from promptlab.core.visible import is_visible, visible

_AS_IT_STANDS = {"markup": False, "emoji": False}
_USUAL = (80, 25)  # columns and lines
_WIDEST = 1000  # columns; what is padded to more would take the memory


class Screen(Console):
    """A console of which every text may come from anywhere; only styles and layout are ours.

    A plain text is made visible before it is measured. What reaches the screen otherwise, inside a
    `Text`, is made visible at the latest when it is rendered.
    """

    def __init__(self, file: IO[str], width: int | None = None, **options: Any) -> None:
        options = {"file": Ready(file), "highlight": False, **_AS_IT_STANDS, **options}
        try:
            super().__init__(width=width, **options)
        except ValueError:  # COLUMNS or LINES holds digits that are no number
            super().__init__(width=width or _USUAL[0], height=_USUAL[1], **options)
        if not 0 < self.width <= _WIDEST:
            self.width = _WIDEST if self.width > 0 else _USUAL[0]

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as it stands, visible."""
        plain = {**options, **_AS_IT_STANDS, "highlight": False, "highlighter": None}
        return super().render_str(visible(text), **plain)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, each of them visible."""
        for segment in super().render(renderable, options):
            if segment.control is None and not is_visible(segment.text):
                yield Segment(visible(segment.text), segment.style)
            else:
                yield segment

"""A console that shows texts as they stand: no markup, no emoji codes, nothing that is obeyed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from promptlab.core.streams import Ready
from promptlab.core.visible import is_visible, visible


class Screen(Console):
    """A console of which every text may come from anywhere; only styles and layout are ours.

    A plain text is made visible before it is measured. What reaches the screen otherwise, inside a
    `Text`, is made visible at the latest when it is rendered.
    """

    def __init__(self, file: IO[str], width: int | None = None, **options: Any) -> None:
        super().__init__(
            file=Ready(file),  # type: ignore[arg-type]  # it has what rich uses
            width=width,
            highlight=False,
            markup=False,
            emoji=False,
            **options,
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text as it stands, visible."""
        plain = {"emoji": False, "markup": False, "highlight": False, "highlighter": None}
        return super().render_str(visible(text), **{**options, **plain})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of a renderable, each of them visible."""
        for segment in super().render(renderable, options):
            if segment.control is None and not is_visible(segment.text):
                yield Segment(visible(segment.text), segment.style)
            else:
                yield segment

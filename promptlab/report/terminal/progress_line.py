"""The line that shows how far a run is: what matters most is whole, the rest as there is room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from promptlab.core.visible import visible
from promptlab.report.terminal.text import plain_text

_BAR_LEAST, _BAR_MOST = 10, 40  # columns
_ELASTIC_LEAST = 12  # columns, to which an elastic detail may be shortened
_GAP, _BETWEEN = " ", ", "
_ENDED_BY = " ..."


@dataclass(frozen=True, slots=True)
class Detail:
    """A part of the line, shown in the order given; the highest `rank` is left out first.

    One that is `elastic` is shortened rather than left out.
    """

    text: str
    rank: int
    elastic: bool = False


@dataclass(frozen=True, slots=True)
class ProgressLine:
    """Name, bar and count, then details. At any width the count is whole, and the name or absent.

    A bar has at least ten columns, or is left out; so is each detail that does not fit.
    """

    label: str
    done: int
    total: int
    details: Sequence[Detail] = ()

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the parts of the line."""
        width = options.max_width - 1  # the last column would make some terminals begin a new line
        count = f"{self.done}/{self.total}"
        head = f"{visible(self.label)}{_GAP}"
        if cell_len(head) + len(count) > width:
            head = ""
        room = width - cell_len(head) - len(count)
        details = _fitting(self.details, room - len(_GAP))
        room -= cell_len(details) + len(_GAP)
        yield _unended(head, "bold")
        if room >= _BAR_LEAST + len(_GAP):
            bar_width = min(room - len(_GAP), _BAR_MOST)
            yield ProgressBar(total=max(self.total, 1), completed=self.done, width=bar_width)
            yield _unended(_GAP)
        yield _unended(f"{count}{_GAP}{details}".rstrip())


def shortened(text: str, width: int) -> str:
    """Return a text that fits, ended after a whole word where it can be."""
    if cell_len(text) <= width:
        return text
    kept = text[: max(width - len(_ENDED_BY), 0)]
    if not text[len(kept) :].startswith(" "):
        kept = kept.rpartition(" ")[0] or kept
    return kept + _ENDED_BY


def _fitting(details: Sequence[Detail], room: int) -> str:
    """Join the most important details that fit, in the order in which they are given."""
    kept: dict[int, str] = {}
    for place in sorted(range(len(details)), key=lambda place: details[place].rank):
        detail = details[place]
        left = room - cell_len(_joined(kept)) - (len(_BETWEEN) if kept else 0)
        text = visible(detail.text)
        if detail.elastic and left >= _ELASTIC_LEAST:
            text = shortened(text, left)
        if cell_len(text) <= left:
            kept[place] = text
    return _joined(kept)


def _joined(kept: Mapping[int, str]) -> str:
    return _BETWEEN.join(kept[place] for place in sorted(kept))


def _unended(text: str, style: str = "") -> Text:
    """Return a part of a line, after which no new line begins."""
    part = plain_text(text, style)
    part.end = ""
    return part

"""What a rater sees, as texts for a terminal. Whatever a model or a file says is only shown."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from promptlab.core.ratings import Verdict
from promptlab.report.terminal.text import BOLD, DIM, plain_text
from promptlab.report.views.rating import OutputView, RatingView

_DIFFERS = Style(bold=True, underline=True, color="yellow")
_NAME = Style(color="cyan")
_KEY = Style(bold=True, color="cyan")
_RIGHT = Style(bold=True, color="green")
_DONE = Style(color="green")
_TOLD = Style(color="yellow")
_TAGS = Style(color="magenta")
_NOTE = Style(italic=True)
_BAR = 8  # columns, of which a bar has at least so many
_EXPECTED = "expected"
_NAMES = 16  # columns that the names of variables are given
_STYLES: dict[Verdict, str] = {"pass": "bold green", "fail": "bold red"}
_SAID: dict[Verdict, str] = {"left": "left is better", "right": "right is better"}


def case_text(view: RatingView) -> Text:
    """Return what was asked and what is expected, each beside its name, or below it."""
    rows = [(name, value.strip(), _NAME) for name, value in view.asked]
    if view.expected is not None:
        rows.append((_EXPECTED, view.expected.strip(), _RIGHT))
    if not rows:
        return plain_text("This case has no variables.", DIM)
    width = max((len(name) for name, value, _ in rows if "\n" not in value), default=0)
    text = plain_text("")
    for place, (name, value, style) in enumerate(rows):
        between = "\n" if "\n" in value else " " * (max(0, min(width, _NAMES) - len(name)) + 2)
        text.append_text(plain_text(f"\n{name}" if place else name, style))
        text.append_text(plain_text(f"{between}{value}"))
    return text


def output_text(output: OutputView, *, marked: bool) -> Text:
    """Return an output, with the words that the other one lacks marked if that is wished."""
    text = plain_text("")
    done = 0
    for start, end in output.marks if marked else ():
        text.append_text(plain_text(output.text[done:start]))
        text.append_text(plain_text(output.text[start:end], _DIFFERS))
        done = end
    text.append_text(plain_text(output.text[done:]))
    if output.remark is not None:
        gap = "\n\n" if output.text.strip() else ""
        text.append_text(plain_text(f"{gap}({output.remark})", DIM))
    return text


def progress_text(view: RatingView, rater: str, width: int) -> Text:
    """Return a line that says where the rater is, with a bar."""
    left = plain_text(f" {view.noun} {view.number} of {view.of}", BOLD)
    right = plain_text(f"{view.rated} rated, {rater} ")
    room = width - left.cell_len - right.cell_len - 4
    if room < _BAR:
        rest = width - left.cell_len - 2
        right.truncate(max(1, rest), overflow="ellipsis")
        return left if rest < 1 else _joined(left, plain_text("  "), right)
    filled = round(room * view.rated / view.of)
    done, rest_of_it = plain_text("━" * filled, _DONE), plain_text("━" * (room - filled), DIM)
    return _joined(left, plain_text("  "), done, rest_of_it, plain_text("  "), right)


def opinion_text(view: RatingView, told: str | None) -> Text:
    """Return what the rater has said of this, and what else is to be told."""
    opinion = view.opinion
    parts = []
    if told is not None or view.remark is not None:
        parts.append(plain_text(told or view.remark or "", _TOLD))
    if opinion.verdict is not None:
        said = _SAID.get(opinion.verdict, opinion.verdict)
        parts.append(plain_text(said, _STYLES.get(opinion.verdict, BOLD)))
    if opinion.tags:
        parts.append(plain_text(f"[{', '.join(opinion.tags)}]", _TAGS))
    if opinion.note:
        parts.append(plain_text(opinion.note, _NOTE))
    return _in_a_line(parts or [plain_text("No verdict yet.", DIM)])


def keys_text(keys: list[tuple[str, str]]) -> Text:
    """Return a line of keys, each with what it does."""
    return _in_a_line(
        [_joined(plain_text(key, _KEY), plain_text(f" {does}")) for key, does in keys]
    )


def keys_table(rows: list[tuple[str, str]]) -> Text:
    """Return all keys, one a line."""
    width = max(len(key) for key, _ in rows)
    lines = [
        _joined(plain_text(key.rjust(width), _KEY), plain_text(f"  {does}")) for key, does in rows
    ]
    return plain_text("\n").join(lines)


def _in_a_line(parts: list[Text]) -> Text:
    return _joined(plain_text(" "), plain_text("  ").join(parts))


def _joined(*parts: Text) -> Text:
    """Join texts: the style of one does not reach into the next."""
    return plain_text("").join(parts)

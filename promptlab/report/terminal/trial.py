"""One trial for a terminal: its prompts, its answers, and what each scorer says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from promptlab.core.raw_prompt import RawPrompt
from promptlab.core.types import Message, Outcome
from promptlab.report.terminal.text import pieces, plain_text
from promptlab.report.views.trial import Grade, TrialView, TurnView

_INDENT = 2
_STYLES = {"pass": "", "fail": "red", "score": ""}


def print_result(console: Console, view: TrialView, *, full: bool) -> None:
    """Print one trial: its answer, and what each scorer says about it."""
    head = plain_text(f"{view.case}  {view.arm}", style="bold")
    head.append_text(plain_text(f"  {view.outcome}", "" if view.outcome is Outcome.OK else "red"))
    console.print(head)
    if view.asked and not full:
        asked = plain_text(f"asked: {_clip(view.asked, lines=2)}", style="dim")
        console.print(_indented(asked))
    if view.expected is not None:
        expected = view.expected if full else _clip(view.expected, lines=1)
        console.print(_indented(plain_text(f"expected: {expected}", style="dim")))
    if view.thoughts is not None and not full:
        thoughts = plain_text(f"thoughts: {_clip(view.thoughts, lines=1)}", style="dim")
        console.print(_indented(thoughts))
    if view.output is not None and not full:
        console.print(_indented(plain_text(_clip(view.output))))
    for grade in view.grades:
        console.print(_indented(_grade_line(grade)))
    console.print()


def print_messages(console: Console, messages: Sequence[Message]) -> None:
    """Print a conversation: each message under its role, its text unchanged."""
    for message in messages:
        console.print(plain_text(message.role, style="bold"))
        parts = (message.content,) if isinstance(message.content, str) else message.content
        for part in parts:
            if isinstance(part, str):
                _print_whole(console, part)
            else:  # an image is on a line of its own, by its source
                _print_whole(console, f"[image {part.source}]", "dim")


def print_raw(console: Console, prompt: RawPrompt) -> None:
    """Print a prompt as one text, then its tokens: the number of each, and its text in quotes."""
    console.print(plain_text(prompt.text))
    console.print()
    console.print(plain_text(f"{len(prompt.tokens)} tokens", style="bold"))
    console.print(plain_text("  ".join(f"{token.id} {token.text!r}" for token in prompt.tokens)))


def print_tracebacks(console: Console, tracebacks: Mapping[str, str]) -> None:
    """Print the tracebacks of the scorers that failed on a trial."""
    for scorer, text in tracebacks.items():
        console.print(plain_text(f"{scorer} raised", style="bold"))
        _print_whole(console, text.rstrip())


def print_turns(console: Console, turns: Sequence[TurnView]) -> None:
    """Print the conversation of a trial: only what each turn adds, then its answer."""
    for turn in turns:
        print_messages(console, turn.messages)
        if turn.weighed:
            _print_weighed(console, turn)
            continue
        asked = "" if turn.asked_backend is None else f", asked of {turn.asked_backend}"
        if turn.thoughts:
            console.print(plain_text(f"thoughts before {turn.name}", style="bold"))
            _print_whole(console, turn.thoughts, "dim")
        console.print(plain_text(f"{turn.name}{asked} ({turn.outcome})", style="bold"))
        _print_whole(console, turn.answer)
        for warning in turn.warnings:
            console.print(_indented(plain_text(f"warning: {warning}")))
    console.print()


def _print_weighed(console: Console, turn: TurnView) -> None:
    """Print how likely the model finds each given answer."""
    console.print(plain_text(f"{turn.name} (log-probability of each answer)", style="bold"))
    for answer in turn.weighed:
        likeliest = " <- likeliest" if answer.is_likeliest else ""
        console.print(_indented(plain_text(f"{answer.logprob:9.4f}  {answer.text}{likeliest}")))


def _grade_line(grade: Grade) -> Text:
    if grade.kind == "error":
        return plain_text(f"{grade.label}: {grade.text}", style="red")
    line = plain_text(f"{grade.label}: ")
    line.append_text(plain_text(grade.text, _STYLES[grade.kind]))
    if grade.reason:
        line.append_text(plain_text(f", {grade.reason}", "dim"))
    return line


def _print_whole(console: Console, text: str, style: str = "") -> None:
    """Print a text of any length below its heading."""
    for piece in pieces(text, max(console.width - _INDENT, 1)):
        console.print(_indented(plain_text(piece, style)))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT))


def _clip(text: str, lines: int = 3, width: int = 300) -> str:
    """Shorten an output to what a list can show."""
    kept = "\n".join(text.strip().splitlines()[:lines])[:width]
    return kept if len(kept) == len(text.strip()) else kept + " ..."

"""The screen of `promptlab review`: the case, one output or a pair beside it, one key a verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from promptlab.core.errors import StoreError
from promptlab.core.ratings import Verdict
from promptlab.report.terminal import rating as shown
from promptlab.report.terminal.text import plain_text
from promptlab.report.views.rating import Progress, RatingView, rating_view
from promptlab.tui.asking import Keys, Line
from promptlab.workbench.rating_of_run import RunReview

_WIDE = 110  # columns from which the case stands beside the outputs
_ALL_RATED = "All of it has a verdict: b goes back, u takes the last word back, q quits."

KeyRows = list[tuple[str, str]]
_BRIEF: KeyRows = [
    *(("n", "note"), ("g", "tags"), ("u", "undo"), ("s", "skip"), ("b", "back")),
    *(("?", "keys"), ("q", "quit")),
]
_MORE: KeyRows = [
    ("n", "write a note"),
    ("g", "say what is wrong, by tags"),
    ("u", "take back the last verdict, note or tag"),
    ("s", "skip: it comes again at the end"),
    ("b", "back to the one before"),
    ("↓ ↑ j k", "scroll; also Space, Page Down, Page Up"),
    ("Tab", "scroll the case, or the outputs"),
    ("q", "quit; every word is stored, and you go on where you were"),
]


class ReviewScreen(Screen[None]):
    """A rater's screen. What a rater does is `RatingSession`'s; here it is asked for and shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "note"),
        Binding("g", "tags"),
        Binding("u", "undo"),
        Binding("s", "skip"),
        Binding("b", "back"),
        Binding("question_mark", "keys"),
        Binding("down,j", "scroll(1)"),
        Binding("up,k", "scroll(-1)"),
        Binding("pagedown,space", "page(1)"),
        Binding("pageup", "page(-1)"),
        Binding("home", "top"),
        Binding("tab,shift+tab", "other"),
        Binding("q", "app.quit"),
    ]
    BRIEF: ClassVar[KeyRows] = []
    ALL: ClassVar[KeyRows] = []

    def __init__(self, review: RunReview) -> None:
        super().__init__()
        self._review = review
        self._session = review.session
        self._marked = True
        self._active: Literal["case", "outputs"] = "outputs"

    def compose(self) -> ComposeResult:
        """Lay out a line on top, the case, the outputs, and two lines below."""
        self.set_class(self.app.size.width >= _WIDE, "-wide")
        yield Static(id="progress")
        with Horizontal(id="body"):
            with VerticalScroll(id="case", can_focus=False):
                yield Static(id="asked")
            with Horizontal(id="outputs"):
                for _ in self._session.item.trials:
                    with VerticalScroll(classes="output", can_focus=False):
                        yield Static()
        yield Static(id="opinion")
        yield Static(shown.keys_text([*self.BRIEF, *_BRIEF]), id="keys")

    def on_mount(self) -> None:
        """Show the first item."""
        self._activate("outputs")
        self._show()

    def on_resize(self, event: events.Resize) -> None:
        """Fit the layout and the line on top to the new width."""
        self.set_class(event.size.width >= _WIDE, "-wide")
        self._show_progress(self._view(), event.size.width)

    def action_rate(self, verdict: Verdict) -> None:
        """Give a verdict."""
        self._do(lambda: self._session.rate(verdict))

    def action_note(self) -> None:
        """Ask for a note."""
        ask = Line(f"Note on this {self._view().noun}", self._session.opinion.note)
        self.app.push_screen(ask, self._noted)

    def action_tags(self) -> None:
        """Ask for tags."""
        given = ", ".join(self._session.opinion.tags)
        ask = Line("Tags, with commas in between", given, self._session.tags)
        self.app.push_screen(ask, self._tagged)

    def action_undo(self) -> None:
        """Take back what was said last."""
        self._do(self._undo)

    def action_skip(self) -> None:
        """Go on without a verdict."""
        self._do(self._session.skip)

    def action_back(self) -> None:
        """Go back by one."""
        self._do(self._session.back)

    def action_differences(self) -> None:
        """Mark the words that differ, or not."""
        self._marked = not self._marked
        self._show_outputs(self._view())

    def action_keys(self) -> None:
        """List all keys."""
        self.app.push_screen(Keys([*self.ALL, *_MORE]))

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines, both outputs of a pair together."""
        for pane in self._panes():
            pane.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by almost as much as there is to see."""
        self.action_scroll(pages * max(1, self._panes()[0].size.height - 1))

    def action_top(self) -> None:
        """Scroll to the beginning."""
        for pane in self._panes():
            pane.scroll_home(animate=False)

    def action_other(self) -> None:
        """Let the keys scroll the case instead of the outputs, or the other way round."""
        self._activate("outputs" if self._active == "case" else "case")

    def _undo(self) -> str | None:
        if self._session.undo():
            return None
        if self._session.said_elsewhere:
            return "What you said last is not in this selection, and stays."
        return "There is nothing to take back."

    def _noted(self, text: str | None) -> None:
        if text is not None:
            self._do(lambda: self._session.note(text))

    def _tagged(self, text: str | None) -> None:
        if text is not None:
            self._do(lambda: self._session.tag(text.split(",")))

    def _do(self, act: Callable[[], str | None]) -> None:
        """Act and show what comes of it; what could not be stored is told, and nothing changes."""
        before = self._session.place
        try:
            told = act()
        except StoreError as error:
            told = f"Not stored: {error.message}. Press the key again."
        self._show(told, moved=self._session.place != before)

    def _view(self) -> RatingView:
        session = self._session
        answers = [(each.text, each.outcome) for each in self._review.answers(session.item)]
        alike = len(session.item.also)
        progress = Progress(session.place + 1, len(session.items), session.rated, alike)
        case = self._review.case(session.item)
        return rating_view(session.kind, progress, case, answers, session.opinion)

    def _show(self, told: str | None = None, *, moved: bool = True) -> None:
        view = self._view()
        if told is None and self._session.at_end:
            told = _ALL_RATED
        self._static("#asked").update(shown.case_text(view))
        self.query_one("#case").border_title = plain_text(f"Case {view.case}")
        self._show_outputs(view)
        self._show_progress(view, self.size.width)
        self._static("#opinion").update(shown.opinion_text(view, told))
        if moved:
            for pane in self.query(VerticalScroll):
                pane.scroll_home(animate=False)
            self._activate("outputs")

    def _show_outputs(self, view: RatingView) -> None:
        for pane, output in zip(self.query(".output"), view.outputs, strict=True):
            pane.border_title = output.title
            pane.query_one(Static).update(shown.output_text(output, marked=self._marked))

    def _show_progress(self, view: RatingView, width: int) -> None:
        self._static("#progress").update(shown.progress_text(view, self._session.rater, width))

    def _activate(self, which: Literal["case", "outputs"]) -> None:
        """Let the keys scroll the case or the outputs."""
        self._active = which
        for pane in self.query(VerticalScroll):
            pane.set_class((pane.id == "case") == (which == "case"), "-active")

    def _panes(self) -> list[VerticalScroll]:
        return list(self.query("VerticalScroll.-active").results(VerticalScroll))

    def _static(self, which: str) -> Static:
        return self.query_one(which, Static)


class OutputScreen(ReviewScreen):
    """One output at a time: it passes or fails."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "rate('pass')"),
        Binding("f", "rate('fail')"),
    ]
    BRIEF: ClassVar[KeyRows] = [("p", "pass"), ("f", "fail")]
    ALL: ClassVar[KeyRows] = [("p", "it passes"), ("f", "it fails")]


class PairScreen(ReviewScreen):
    """Two outputs side by side: which one is better."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,l", "rate('left')"),
        Binding("right,r", "rate('right')"),
        Binding("t,equals_sign", "rate('tie')"),
        Binding("d", "differences"),
    ]
    BRIEF: ClassVar[KeyRows] = [("←", "left"), ("→", "right"), ("t", "tie")]
    ALL: ClassVar[KeyRows] = [
        ("← l", "the left one is better"),
        ("→ r", "the right one is better"),
        ("t =", "neither is"),
        ("d", "mark the words that differ, or not"),
    ]


class ReviewApp(App[None]):
    """The terminal, while a rater has it."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "review.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "quit", priority=True)]

    def __init__(self, review: RunReview) -> None:
        super().__init__()
        self._review = review
        self.failure: Exception | None = None

    def _handle_exception(self, error: Exception) -> None:
        """Give the terminal back; what happened is told as the command line tells it.

        Textual would print a traceback with the values of all variables.
        """
        if self.is_headless:  # a test
            super()._handle_exception(error)
            return
        self.failure = self.failure or error
        self.exit(return_code=1)

    def get_default_screen(self) -> Screen[None]:
        """Return the screen for what is rated."""
        screen = PairScreen if self._review.session.kind == "pairs" else OutputScreen
        return screen(self._review)


def run_review(review: RunReview) -> None:
    """Take the terminal until the rater quits."""
    app = ReviewApp(review)
    app.run(mouse=False)
    if app.failure is not None:
        raise app.failure

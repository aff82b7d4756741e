"""A model's chat template: which one it is, what it reads beside the messages, what it leaves out.

A template that reads the clock is given a fixed date, so that a request has one answer. Whatever
Jinja raises while it renders is the failure of these messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateError, meta

from promptlab.core.digest import digest_text
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Json, Message, Role

if TYPE_CHECKING:
    from promptlab.local_model.text import still_clock
else:
    still_clock = lazy_module(
        "promptlab.local_model.text.still_clock"
    )  # transformers takes seconds

END_TOKEN, LOST_TEXT = "end_token", "lost_text"  # what the option `accept` calls them
STILL = date(2024, 7, 26)  # what a template reads in place of today, unless the user names a date
_GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")  # a tag of transformers alone
_CHANCE = re.compile(r"\|\s*random\b|\blipsum\b")
_SWITCHES = ("enable_thinking", "thinking")
_BUDGET = "thinking_budget"
_PROBE = "Probe{}ofwhatisread"  # one word, and unlikely in a template


class ChatError(ValueError):
    """Messages that this model cannot take."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user says of a chat template: its name, the date, thinking, and losses accepted."""

    name: str | None = None
    date: date = STILL
    thinking: str | int | None = None
    accept: tuple[str, ...] = ()


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True)
class Loss:
    """What a template does to the messages of some roles; `refusal` is why it refuses them."""

    left_out: tuple[str, ...] = ()
    moved: bool = False
    refusal: str | None = None


@dataclass
class ChatTemplate:
    """The chat template of one tokenizer, with what it is given beside the messages."""

    tokenizer: Any
    source: str
    wishes: Wishes = NO_WISHES
    _losses: dict[tuple[Role, ...], Loss] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The digest of its text."""
        return digest_text(self.source)

    @property
    def reads_clock(self) -> bool:
        """Return whether it reads the clock."""
        return "strftime_now" in self.source

    @property
    def reads_chance(self) -> bool:
        """Return whether it draws at random."""
        return _CHANCE.search(self.source) is not None

    @cached_property
    def arguments(self) -> Mapping[str, Json]:
        """What it is given beside the messages; raise `BackendError` if it does not read that."""
        wanted = self.wishes.thinking
        if wanted is None:
            return {}
        switches = [name for name in _SWITCHES if name in self._variables]
        if isinstance(wanted, int) and _BUDGET in self._variables:
            return {**dict.fromkeys(switches, True), _BUDGET: wanted}
        if isinstance(wanted, str) and switches:
            return dict.fromkeys(switches, wanted == "on")
        what = "how much to think" if isinstance(wanted, int) else "whether to think"
        raise BackendError(
            f"the model's chat template cannot be told {what}",
            hint="leave out the option `thinking`, or choose a model that has it",
        )

    def render(self, messages: Sequence[Message], texts: Iterable[str]) -> str:
        """Return the prompt; raise `ChatError` if the template refuses the messages or fails."""
        chat = [{"role": m.role, "content": t} for m, t in zip(messages, texts, strict=True)]
        return self._render(chat, answering=True)

    def loss(self, messages: Sequence[Message]) -> Loss:
        """Return what it leaves out of messages of these roles, whatever their texts are."""
        roles = tuple(message.role for message in messages)
        if roles not in self._losses:
            self._losses[roles] = self._probe(roles)
        return self._losses[roles]

    @cached_property
    def after_answer(self) -> str:
        """What it writes after the text of an answer; empty if that cannot be seen."""
        said = _PROBE.format(1)
        chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": said}]
        try:
            return self._render(chat, answering=False).rpartition(said)[2].strip()
        except ChatError:
            return ""

    @cached_property
    def before_user(self) -> str:
        """What it writes before the text of a single user message; empty if it refuses one."""
        asked = _PROBE.format(0)
        try:
            rendered = self._render([{"role": "user", "content": asked}], answering=False)
        except ChatError:
            return ""
        before, found, _ = rendered.partition(asked)
        return before if found else ""

    def _probe(self, roles: Sequence[Role]) -> Loss:
        texts = [_PROBE.format(place) for place in range(len(roles))]
        chat = [{"role": r, "content": t} for r, t in zip(roles, texts, strict=True)]
        try:
            rendered = self._render(chat, answering=True)
        except ChatError as error:  # perhaps of these texts alone: the real ones will tell
            return Loss(refusal=str(error))
        return loss_of(rendered, roles, texts)

    def _render(self, chat: Sequence[Mapping[str, str]], *, answering: bool) -> str:
        arguments, source = self.arguments, self.source
        try:
            if self.reads_clock:
                source = still_clock.with_still_clock(source, self.wishes.date)
            rendered = self.tokenizer.apply_chat_template(
                chat,
                tokenize=False,
                add_generation_prompt=answering,
                chat_template=source,
                **arguments,
            )
        except Exception as error:  # a template may make Jinja raise anything
            roles = ", ".join(message["role"] for message in chat)
            raise ChatError(
                f"the model's chat template refuses these messages ({roles}): {_line(error)}"
            ) from error
        return str(rendered)

    @cached_property
    def _variables(self) -> frozenset[str]:
        """The variables that it reads; none of a template with unknown syntax."""
        environment = Environment(extensions=["jinja2.ext.loopcontrols"], autoescape=True)
        try:
            tree = environment.parse(_GENERATION.sub("", self.source))
            return frozenset(meta.find_undeclared_variables(tree))
        except (TemplateError, RecursionError):
            return frozenset()


def find_template(tokenizer: Any, wishes: Wishes) -> ChatTemplate | None:
    """Return the tokenizer's template, None if it has none.

    Raises:
        BackendError: It has several and none is the default, or not the one that is wanted.
    """
    found = tokenizer.chat_template
    if isinstance(found, Mapping):
        wanted = wishes.name or "default"
        if wanted not in found:
            raise BackendError(
                f"the model has chat templates named {', '.join(sorted(found))}, none {wanted!r}",
                hint=f'choose one: chat_template = "{min(found, default="")}"',
            )
        found = found[wanted]
    elif wishes.name is not None:
        raise BackendError(
            "the model has no named chat templates", hint="leave out the option `chat_template`"
        )
    return ChatTemplate(tokenizer, str(found), wishes) if found else None


def loss_of(rendered: str, roles: Sequence[Role], texts: Sequence[str]) -> Loss:
    """Compare a prompt with the texts of the messages, white space at their ends aside."""
    at, moved = 0, False
    left_out: list[str] = []
    for role, text in zip(roles, (text.strip() for text in texts), strict=True):
        place = rendered.find(text, at)
        if place < 0 and (place := rendered.find(text)) < 0:
            left_out.append(role)
            continue
        moved = moved or place < at
        at = max(at, place + len(text))
    return Loss(tuple(left_out), moved)


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__

"""What a user must know of a local model before a run: where it is given other than was asked.

Each is a line for `backend check`, the dry run and the run's notes; what would spoil the answers is
refused unless the user accepts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from promptlab.core.errors import BackendError
from promptlab.core.types import Json, Message
from promptlab.local_model.files import generation
from promptlab.local_model.files.adapter import Adapter
from promptlab.local_model.files.cache import Cache
from promptlab.local_model.files.weights import Weights, is_path
from promptlab.local_model.options import Options
from promptlab.local_model.reading import reading
from promptlab.local_model.text.chat_template import END_TOKEN, LOST_TEXT

if TYPE_CHECKING:
    from promptlab.local_model.text.chat import Chat

_TRIED = (
    (Message("system", "s"), Message("user", "u")),
    (Message("user", "u"), Message("assistant", "a"), Message("user", "v")),
)
_FORMAT = 1  # of the lines that are kept in the cache folder
_LONGEST = 60  # characters of a setting's value


@dataclass(frozen=True, slots=True)
class Notes:
    """What is to be told of one backend's model.

    It is kept in the cache folder, so that a run whose answers are all stored does not read the
    tokenizer. `about` is the backend's identity, `chat` reads its tokenizer.
    """

    about: Mapping[str, Json]
    chat: Callable[[], Chat]
    weights: Weights
    adapter: Adapter | None
    options: Options
    cache: Cache

    def of_model(self) -> list[str]:
        """Describe what is odd about the model's files, and what is made of it."""
        return self._kept(
            "model", lambda: of_model(self.chat(), self.weights, self.adapter, self.options)
        )

    def of_messages(self, messages: Sequence[Message]) -> list[str]:
        """Describe what is lost of such messages; raise `BackendError` if that is not accepted."""
        roles: list[Json] = [message.role for message in messages]
        accept = self.options.accept
        return self._kept(roles, lambda: of_messages(self.chat(), messages, accept))

    def of_usual_messages(self) -> list[str]:
        """Describe what is lost of usual messages, whatever is accepted."""
        with reading(self.weights.model):
            return of_usual_messages(self.chat())

    def _kept(self, what: Json, find: Callable[[], list[str]]) -> list[str]:
        options = self.options.model_dump(mode="json")
        about = [_FORMAT, dict(self.about), options, what, _version("tokenizers")]
        with reading(self.weights.model):
            return self.cache.lines([*about, _version("transformers")], find)


def of_messages(chat: Chat, messages: Sequence[Message], accept: Sequence[str]) -> list[str]:
    """Describe what the model will not be given of messages of these roles, or not as they are.

    Raises:
        BackendError: The chat template leaves out their text, and the user does not accept it.
    """
    roles = ", ".join(dict.fromkeys(message.role for message in messages))
    if chat.template is None:
        if roles == "user" and len(messages) == 1:
            return []
        return [f"it has no chat template: {roles} messages reach it as bare text, without roles"]
    loss = chat.loss(messages)
    if loss.refusal is not None:
        return [loss.refusal]
    lines = ["its chat template gives the messages in another order"] if loss.moved else []
    if not loss.left_out:
        return lines
    lost = f"its chat template leaves out text of messages ({', '.join(loss.left_out)})"
    if LOST_TEXT in accept:
        return [*lines, lost]
    raise BackendError(
        f"{lost}, so the model would not read what the prompt says",
        hint=f'choose another model or template, or accept = ["{LOST_TEXT}"]',
    )


def of_usual_messages(chat: Chat) -> list[str]:
    """Describe the same for a system message and for a dialogue, whatever is accepted."""
    lines = [line for tried in _TRIED for line in of_messages(chat, tried, [LOST_TEXT])]
    if chat.preamble:
        begun = shorten(chat.preamble, _LONGEST, placeholder=" ...")
        lines.append(f'without a system message, its chat template begins with "{begun}"')
    return list(dict.fromkeys(lines))


def of_model(chat: Chat, weights: Weights, adapter: Adapter | None, options: Options) -> list[str]:
    """Describe what is odd about the model's files, and what is made of it."""
    lines = _of_template(chat)
    if chat.appended:
        used = "as accepted" if END_TOKEN in options.accept else "which is left out"
        lines.append(f"its tokenizer appends an end token to prompts, {used}")
    if weights.path is not None and (found := generation.penalties(weights.path)):
        used = "as accepted" if generation.ACCEPTED in options.accept else "which is left out"
        lines.append(f"its authors set {_shown(found)}, {used}")
    if adapter is not None:
        lines += _of_base(adapter, weights, options.revision)
    return lines


def _of_template(chat: Chat) -> list[str]:
    template = chat.template
    if template is None:
        return []
    template.arguments  # noqa: B018 - refuses what cannot be told it
    lines = []
    if template.reads_clock:
        lines.append(
            f"its chat template reads the clock: it is given {template.wishes.date} (option `date`)"
        )
    if template.reads_chance:
        lines.append("its chat template draws at random: the same request has several answers")
    return lines


def _shown(settings: Mapping[str, Json]) -> str:
    shown = [f"{name} = {value}"[:_LONGEST] for name, value in settings.items()]
    return ", ".join(shown)


def _of_base(adapter: Adapter, weights: Weights, revision: str | None) -> list[str]:
    """Compare what an adapter says of its base with the base it is put on."""
    if adapter.base is not None and not _same(adapter.base, weights.model):
        return [f"the adapter was made for {adapter.base}, not for {weights.model}"]
    made_for = adapter.base_revision
    if weights.source != "hub" or made_for in (None, "main", revision):
        return []
    if weights.revision.startswith(made_for or ""):
        return []
    return [f"the adapter was made for revision {made_for} of its base, not {weights.revision}"]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _same(one: str, other: str) -> bool:
    """Return whether two names, on the hub or of folders that may have moved, are of one model."""
    if is_path(one) or is_path(other):
        return Path(one).name.casefold() == Path(other).name.casefold()
    return one.casefold() == other.casefold()

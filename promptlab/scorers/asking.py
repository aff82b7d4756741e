"""The questions that scorers ask models, and the requests made from them.

A question is identified by its content alone: if two scorers or two trials ask the same thing, it
is asked once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, get_args

from promptlab.core.digest import canonical_json, generation_key, seed_from, weighing_key
from promptlab.core.types import Json, Message, Request, Sampling

_A_BACKEND = "the name of a backend"

BackendName = Annotated[str, _A_BACKEND]
"""Annotates a parameter that names a backend to ask, or a list of several."""

_APART = 1_000_000  # repeats of a question between those of one time and those of the next

# For requests that weigh given answers: nothing is generated, so sampling has no effect.
_SILENT = Sampling(max_tokens=0)


@dataclass(frozen=True, slots=True)
class Ask:
    """One question from a scorer to a model.

    `messages` is a text, a conversation, or None for the prompt whose answer is graded. `backend`
    is the value of a parameter that names one; None is the one that gave that answer. With
    `continuations` nothing is generated: the model is asked how likely each of these texts is as
    its answer. `repeat` distinguishes equal questions that should be asked more than once, and
    `purpose` is the name of the answer wherever people read it.
    """

    messages: str | Sequence[Message] | None = None
    backend: str | None = None
    sampling: Sampling = field(default=Sampling())
    schema: Mapping[str, Json] | None = None
    continuations: Sequence[str] = ()
    repeat: int = 0
    purpose: str = ""


def flaw_of(ask: object) -> str | None:
    """Describe why a user-defined question makes no request; None if it does. May raise, too."""
    if not isinstance(ask, Ask):
        return "that is not an Ask"
    messages, texts = ask.messages, ask.continuations
    sampling: object = ask.sampling
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        return "its continuations are not a list of texts"
    if not (messages is None or isinstance(messages, str) or _is_conversation(messages)):
        return "its messages are neither a text nor a list of Messages"
    if not isinstance(sampling, Sampling):
        return "its sampling is not a Sampling"
    if ask.schema is not None:
        canonical_json(dict(ask.schema))
    return None


def _is_conversation(messages: Sequence[object]) -> bool:
    return bool(messages) and all(isinstance(message, Message) for message in messages)


@dataclass(frozen=True, slots=True)
class Asker:
    """Turns questions about one trial into requests.

    `prompt` is the prompt of the graded answer, which the backend named `backend` gave. `digests`
    are those of all backends of the plan; `seed` is the plan's. `weighing` are the backends that
    are known to weigh given answers: all that do, while a run asks; none where its stored answers
    are graded. A judge that is asked
    `again`, which counts from 1, answers anew what it has answered before.
    """

    prompt: tuple[Message, ...]
    backend: str
    digests: Mapping[str, str]
    seed: int
    case_id: str
    weighing: frozenset[str] = frozenset()
    again: int = 0

    def request(self, ask: Ask) -> Request:
        """Return the request for a question. Its key covers everything that affects the answer."""
        if self.again:
            ask = replace(ask, repeat=ask.repeat + _APART * self.again)
        backend = self.digests[ask.backend or self.backend]
        messages = self._messages(ask)
        if ask.continuations:
            texts = tuple(ask.continuations)
            return Request(weighing_key(backend, messages, texts), messages, _SILENT, None, texts)
        sampling = self._sampling(ask)
        key = generation_key(backend, messages, sampling, ask.schema, ask.repeat)
        return Request(key, messages, sampling, ask.schema)

    def _messages(self, ask: Ask) -> tuple[Message, ...]:
        if ask.messages is None:
            return self.prompt
        if isinstance(ask.messages, str):
            return (Message("user", ask.messages),)
        return tuple(ask.messages)

    def _sampling(self, ask: Ask) -> Sampling:
        """Derive the seed as for trials: from case and repeat, never from the template."""
        if ask.sampling.temperature == 0:
            return ask.sampling
        base = self.seed if ask.sampling.seed is None else ask.sampling.seed
        return replace(ask.sampling, seed=seed_from("ask", base, self.case_id, ask.repeat))


def names_backend(annotation: object) -> bool:
    """Return whether a parameter with this annotation names one or more backends."""
    parts = get_args(annotation)
    return _A_BACKEND in parts or any(map(names_backend, parts))


def backends_named(value: object) -> tuple[str, ...]:
    """Return the backend names in the value of such a parameter."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list | tuple) else ()

"""The nouns of a model call: what is asked, and what comes back.

Other packages import them from `types`, beside the nouns of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from promptlab.core.failure import Failure

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Role = Literal["system", "user", "assistant"]

NO_TURN = 1_000_000
"""The place of an answer that a trial does not have: no conversation has as many turns."""


class Outcome(StrEnum):
    """How a generation or a trial ended. Only `error` has no answer at all."""

    OK = "ok"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    EMPTY = "empty"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Image:
    """An image part of a message, identified by the digest of its content.

    `source` is its URL, or its path as the case gives it; `path` is where that file is on this
    machine, None for a URL and for an image from the store.
    """

    source: str
    media_type: str
    digest: str
    path: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `content` is text, or text and images in order."""

    role: Role
    content: str | tuple[str | Image, ...]

    @property
    def text(self) -> str:
        """Return the text of the message, without its images."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part for part in self.content if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model is asked to choose its tokens. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One model call. `key` addresses it by everything that can change its answer.

    With `continuations` nothing is generated: the model is asked how likely each of these texts is
    as its answer. `followed` means that another call will begin with the same messages, so that
    the backend may keep what it has read.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    schema: Mapping[str, Json] | None = None
    continuations: tuple[str, ...] = ()
    followed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `None` means unknown. `output_tokens` includes `reasoning_tokens`;
    `input_tokens` includes tokens served from a prompt cache.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a model considers a text as its answer.

    `logprob` is the natural logarithm of the text's probability given the prompt, a sum over its
    `tokens`. `greedy` means that each of these is the most likely one in its place, so that the
    model would produce the text at temperature 0.
    """

    logprob: float
    tokens: int
    greedy: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """A backend's answer to one request. With outcome `error`, `error` says why.

    `failure` tells the executor whether to retry; without it, retrying is pointless.
    `fingerprint` names the server's configuration, `warnings` what it did not honour.
    `text` is the answer alone; `thoughts` are what the model thought before it, an empty text if it
    did not, None as long as `core.answers.settled` has not taken them out of the text.
    `likelihoods` has one entry for each of the request's continuations, in order; `text` is then
    the most likely one, the first in case of a tie.
    """

    outcome: Outcome
    text: str = ""
    usage: Usage = field(default=Usage())
    latency_s: float | None = None
    model: str | None = None
    finish_reason: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    failure: Failure | None = None
    fingerprint: str | None = None
    warnings: tuple[str, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()
    thoughts: str | None = None

"""`anthropic`: Anthropic's Messages API, and servers that speak it, such as llama.cpp.

Uses version 2023-06-01 of the API: the next one, 2026-10-21, accepts neither temperature nor top_p
for any model. In this one, models since Claude Opus 4.7 refuse them: list them in `omit`. Only
older models accept a number of tokens for `thinking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from promptlab.core.capacity import NO_ENVIRONMENT
from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.thinking import Thinking
from promptlab.core.types import (
    Completion,
    Image,
    Json,
    Message,
    Outcome,
    Request,
    Sampling,
    Usage,
)
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.endings import ending
from promptlab.remote.joining import join_blocks
from promptlab.remote.options import RemoteOptions
from promptlab.remote.pictures import in_base64, is_url
from promptlab.remote.reading import added, count, thoughts_in, word
from promptlab.remote.streams import Event
from promptlab.remote.thinking import MEANING
from promptlab.remote.usage import cached, thought

_LEAST_BUDGET = 1024  # tokens
_VERSION = "2023-06-01"
_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "stop": "stop_sequences",
}


class Options(RemoteOptions):
    """The options of `anthropic`."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="How much effort goes into an answer; by default the model's own choice."
    )
    thinking: Literal["adaptive", "disabled"] | Thinking | None = Field(
        None,
        description=f"{MEANING} `adaptive` means `on`, `disabled` means `off`.",
    )


class Anthropic(RemoteBackend):
    """A model behind Anthropic's Messages API."""

    kind: ClassVar[str] = "anthropic"
    options_model: ClassVar[type[BaseModel]] = Options
    default_url: ClassVar[str] = "https://api.anthropic.com"
    default_key: ClassVar[str | None] = "ANTHROPIC_API_KEY"
    options: Options

    def __init__(
        self,
        model: str | None,
        options: Options,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
    ) -> None:
        super().__init__(model, options, environment)
        base = self.base_url.removesuffix("/v1")  # both forms mean the same API
        self.address = replace(self.address, base=base)

    def path(self) -> str:
        """Return the path of the Messages API."""
        return "/v1/messages"

    def authorization(self, key: str) -> Mapping[str, str]:
        """Send the key in a header of its own."""
        return {"x-api-key": key}

    def extra_headers(self) -> Mapping[str, str]:
        """Name the version of the API."""
        return {"anthropic-version": _VERSION}

    def variant(self) -> Mapping[str, Json]:
        """Return the options that are not the default."""
        given: dict[str, Json] = {"effort": self.options.effort, "thinking": self._thinking}
        return {name: value for name, value in given.items() if value is not None}

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Refuse sampling that the API refuses for every model, and report an unused seed."""
        omit = self.options.omit
        if "max_tokens" in omit:
            raise BackendError(
                "Anthropic's API requires max_tokens",
                hint="remove it from the backend's omit",
            )
        if "temperature" not in omit:
            self._check_temperature(sampling.temperature)
        self._check_budget(sampling.max_tokens)
        if "stop" not in omit and not all(text.strip() for text in sampling.stop):
            raise BackendError(
                "Anthropic's API does not accept stop sequences of white space only",
                hint="choose another, or set omit = ['stop'] in the backend's table",
            )
        lines = list(super().shortfalls(sampling, schema))
        if sampling.seed is not None and "seed" not in omit:
            lines.append("seed is not sent: Anthropic's API does not support it")
        return lines

    def _check_temperature(self, temperature: float) -> None:
        if temperature > 1:
            raise BackendError(
                f"Anthropic's API does not accept temperature {temperature:g}; the maximum is 1",
                hint="lower it in the sampling of the suite or template",
            )
        if self.thinks and temperature != 1:
            raise BackendError(
                f"a model that thinks accepts only temperature 1, not {temperature:g}",
                hint="set it to 1, or set omit = ['temperature'] in the backend's table",
            )

    def _check_budget(self, max_tokens: int) -> None:
        budget = self._thinking
        if not isinstance(budget, int):
            return
        if budget < _LEAST_BUDGET:
            raise BackendError(
                f"thinking: {budget} tokens are fewer than Anthropic accepts, {_LEAST_BUDGET}",
                hint='raise it, or set thinking = "off"',
            )
        if budget >= max_tokens:
            raise BackendError(
                f"thinking: {budget} tokens leave none of max_tokens, {max_tokens}, for the answer",
                hint="raise max_tokens in the sampling of the suite or template",
            )

    @property
    def _thinking(self) -> str | int | None:
        """Return the option in Anthropic's words."""
        told = self.options.thinking
        return {"on": "adaptive", "off": "disabled"}.get(str(told), told)

    @property
    def thinks(self) -> bool | None:
        """Return what the options say."""
        return None if self._thinking is None else self._thinking != "disabled"

    def join(self, events: Sequence[Event]) -> Mapping[str, Any]:
        """Join the events of a stream."""
        return join_blocks(events)

    def body(self, request: Request) -> dict[str, Any]:
        """Write system text apart from the conversation, which must begin with a user message.

        Consecutive messages of one role are left as they are: the API makes one turn of them.
        """
        messages = request.messages
        system = messages[0].text if messages and messages[0].role == "system" else None
        conversation = messages if system is None else messages[1:]
        if not conversation or conversation[0].role != "user":
            raise PromptlabError(
                "Anthropic's API requires the conversation to begin with a user message",
                hint="begin the template with a user message, after any system message",
            )
        body: dict[str, Any] = {"model": self.model}
        if system is not None:
            body["system"] = system
        body["messages"] = [_message(message) for message in conversation]
        body |= self.sampled(request.sampling, _NAMES)
        config = self._output_config(request.schema)
        if config:
            body["output_config"] = config
        thinking = self._thinking
        if isinstance(thinking, int):
            body["thinking"] = {"type": "enabled", "budget_tokens": thinking}
        elif thinking is not None:
            body["thinking"] = {"type": thinking}
        return body

    def _output_config(self, schema: Mapping[str, Json] | None) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if schema is not None:
            config["format"] = {"type": "json_schema", "schema": dict(schema)}
        if self.options.effort is not None:
            config["effort"] = self.options.effort
        return config

    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read the text of an answer, with thinking apart; a server may keep it to itself.

        A refusal without text gets Anthropic's explanation as its text.
        """
        blocks = body["content"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        finish = body.get("stop_reason")
        outcome, warnings = ending(finish, text)
        if outcome is Outcome.REFUSED and not text:
            text = word((body.get("stop_details") or {}).get("explanation")) or ""
        return Completion(
            outcome,
            text=text,
            usage=_usage(body.get("usage")),
            model=word(body.get("model")),
            finish_reason=word(finish),
            warnings=warnings,
            thoughts="\n\n".join(filter(None, map(_thoughts, blocks))) or None,
        )


def _thoughts(block: Mapping[str, Any]) -> str:
    if block["type"] == "redacted_thinking":
        return "[kept secret by the server]"
    return thoughts_in(block) if block["type"] == "thinking" else ""


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_block(part) for part in message.content]}


def _block(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if is_url(part):
        return {"type": "image", "source": {"type": "url", "url": part.source}}
    source = {"type": "base64", "media_type": part.media_type, "data": in_base64(part)}
    return {"type": "image", "source": source}


def _usage(usage: Mapping[str, Any] | None) -> Usage:
    """Count tokens; the API lists those read from and written to a cache separately."""
    written = count(usage, "cache_creation_input_tokens")
    read = count(usage, "cache_read_input_tokens")
    return Usage(
        input_tokens=added(count(usage, "input_tokens"), written, read),
        output_tokens=count(usage, "output_tokens"),
        cache_read_tokens=cached(usage) if read is None else read,
        cache_write_tokens=written,
        reasoning_tokens=thought(usage),
    )


backend = Anthropic

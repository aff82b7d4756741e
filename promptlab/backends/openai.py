"""`openai`: OpenAI's chat completions or responses API, and any server with one of them.

These include vLLM, llama.cpp, LM Studio, OpenRouter and `transformers serve`; set `base_url`. A
schema is sent as `strict` if it meets OpenAI's requirements; otherwise it only guides the model,
and an answer may depart from it. Other servers enforce it either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from promptlab.core.errors import BackendError
from promptlab.core.thinking import Thinking
from promptlab.core.types import Completion, Image, Json, Message, Request, Sampling
from promptlab.remote import openai_responses as responses
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.endings import ending
from promptlab.remote.joining import join_chat, join_response
from promptlab.remote.options import RemoteOptions
from promptlab.remote.pictures import data_url
from promptlab.remote.reading import thoughts_in, word
from promptlab.remote.streams import Event
from promptlab.remote.strict_schema import is_strict
from promptlab.remote.thinking import MEANING, chat_keys, effort, no_budget
from promptlab.remote.usage import openai_usage

_HOST = "api.openai.com"
_MOST_STOPS = 4
_ID = r"^[!-~]+$"
_THOUGHT = {"thinking", "reasoning", "reasoning_text"}
_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_LOGPROBS = {"logprobs": True, "top_logprobs": 1}


class Options(RemoteOptions):
    """The options of `openai`."""

    api: Literal["chat", "responses"] = Field(
        "chat", description="Whether to use chat completions or responses."
    )
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        None,
        description="The name of `max_tokens` in chat completions: by default"
        " `max_completion_tokens` at OpenAI and `max_tokens` elsewhere.",
    )
    organization: str | None = Field(
        None, pattern=_ID, description="The id of the organization that pays."
    )
    project: str | None = Field(None, pattern=_ID, description="The id of the project that pays.")
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        Field(None, description="How much a reasoning model thinks; by default its own choice.")
    )
    thinking: Thinking | None = Field(None, description=MEANING)

    @model_validator(mode="after")
    def _fit_together(self) -> Options:
        if self.thinking is not None and self.reasoning_effort is not None:
            raise ValueError("thinking and reasoning_effort exclude one another")
        if self.api == "responses" and self.max_tokens_field is not None:
            raise ValueError('max_tokens_field is for api = "chat"')
        return self


class OpenAI(RemoteBackend):
    """A model behind OpenAI's chat completions or responses API, or a compatible server."""

    kind: ClassVar[str] = "openai"
    options_model: ClassVar[type[BaseModel]] = Options
    default_url: ClassVar[str] = f"https://{_HOST}/v1"
    default_key: ClassVar[str | None] = "OPENAI_API_KEY"
    options: Options

    def path(self) -> str:
        """Return the path of the API in use."""
        return "/responses" if self._responses else "/chat/completions"

    def authorization(self, key: str) -> Mapping[str, str]:
        """Send the key as a bearer token."""
        return {"authorization": f"Bearer {key}"}

    def extra_headers(self) -> Mapping[str, str]:
        """Name the organization and the project that pay."""
        given = {
            "openai-organization": self.options.organization,
            "openai-project": self.options.project,
        }
        return {name: value for name, value in given.items() if value is not None}

    def variant(self) -> Mapping[str, Json]:
        """Return the options that are not the default."""
        given: dict[str, Json] = {
            "api": "responses" if self._responses else None,
            "max_tokens_field": self.options.max_tokens_field,
            "reasoning_effort": self.options.reasoning_effort,
            "thinking": self.options.thinking,
        }
        return {name: value for name, value in given.items() if value is not None}

    def logprob_keys(self) -> Mapping[str, Any]:
        """Ask for the log-probability of each token and its likeliest alternative."""
        return responses.LOGPROBS if self._responses else _LOGPROBS

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Refuse unsupported stop sequences; report an unused seed or a loose schema."""
        lines = list(super().shortfalls(sampling, schema))
        self._thinking_keys()  # refuses what the server has no word for
        if "stop" not in self.options.omit:
            self._refuse_stop(len(sampling.stop))
        if self._responses and sampling.seed is not None and "seed" not in self.options.omit:
            lines.append("seed is not sent: the responses API does not support it")
        if schema is not None and not is_strict(schema):
            lines.append(
                "the schema is not sent as strict, which wants an object with additionalProperties"
                " false and all properties required at every level: answers may depart from it"
            )
        return lines

    def _refuse_stop(self, number: int) -> None:
        if self._responses and number:
            raise BackendError(
                "the responses API does not support stop sequences",
                hint='set api = "chat" in the backend\'s table',
            )
        if self._at_openai and number > _MOST_STOPS:
            raise BackendError(
                f"OpenAI accepts at most {_MOST_STOPS} stop sequences, not {number}",
                hint="use fewer, or set omit = ['stop'] in the backend's table",
            )

    def body(self, request: Request) -> dict[str, Any]:
        """Write a request for the API in use."""
        named = None
        if request.schema is not None:
            schema = dict(request.schema)
            named = {"name": "answer", "schema": schema, "strict": is_strict(schema)}
        return self._response(request, named) if self._responses else self._chat(request, named)

    def _chat(self, request: Request, named: Mapping[str, Any] | None) -> dict[str, Any]:
        names = {
            "temperature": "temperature",
            "top_p": "top_p",
            "max_tokens": self._max_tokens_field,
            "stop": "stop",
            "seed": "seed",
        }
        body = {
            "model": self.model,
            "messages": [_message(message) for message in request.messages],
            **self.sampled(request.sampling, names),
        }
        if named is not None:
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        if self.options.reasoning_effort is not None:
            body["reasoning_effort"] = self.options.reasoning_effort
        return body | self._thinking_keys()

    def _response(self, request: Request, named: Mapping[str, Any] | None) -> dict[str, Any]:
        body = {
            "model": self.model,
            "input": [responses.write_item(message) for message in request.messages],
            "store": False,
            "stream": False,  # `transformers serve` streams a response unless it is told not to
            **self.sampled(request.sampling, responses.NAMES),
        }
        if named is not None:
            body["text"] = {"format": {"type": "json_schema", **named}}
        if self.options.reasoning_effort is not None:
            body["reasoning"] = {"effort": self.options.reasoning_effort}
        return body | self._thinking_keys()

    @property
    def thinks(self) -> bool | None:
        """Return what the options say; an effort of none is no thinking."""
        told = self.options.thinking or self.options.reasoning_effort
        return None if told is None else told not in ("off", "none")

    def _thinking_keys(self) -> dict[str, Any]:
        thinking = self.options.thinking
        if thinking is None:
            return {}
        if not self._responses:
            return dict(chat_keys(thinking, urlsplit(self.base_url).hostname or ""))
        if (word := effort(thinking)) is None:
            raise no_budget("the responses API", 'set reasoning_effort = "low", for example')
        return {"reasoning": {"effort": word}}

    def stream_keys(self) -> Mapping[str, Any]:
        """Ask for the usage too, which chat completions leave out of a stream."""
        usage = {} if self._responses else {"stream_options": {"include_usage": True}}
        return {"stream": True, **usage}

    def join(self, events: Sequence[Event]) -> Mapping[str, Any]:
        """Join the events of the API in use."""
        return join_response(events) if self._responses else join_chat(events)

    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read an answer of the API in use."""
        return responses.read_response(body) if self._responses else _read_chat(body)

    @property
    def _responses(self) -> bool:
        return self.options.api == "responses"

    @property
    def _at_openai(self) -> bool:
        """Return whether this is OpenAI's own server, in any region."""
        return f".{urlsplit(self.base_url).hostname}".endswith(f".{_HOST}")

    @property
    def _max_tokens_field(self) -> str:
        by_default = "max_completion_tokens" if self._at_openai else "max_tokens"
        return self.options.max_tokens_field or by_default


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message.content, str):
        return {"role": message.role, "content": message.content}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": data_url(part)}}


def _read_chat(body: Mapping[str, Any]) -> Completion:
    choice = body["choices"][0]
    if body.get("error") or choice.get("error"):
        raise LookupError("an error instead of an answer")
    finish = choice.get("finish_reason")
    message = choice["message"]
    refusal = word(message.get("refusal"))
    text = refusal or _text(message.get("content"))
    outcome, warnings = ending(finish, text, refused=bool(refusal))
    return Completion(
        outcome,
        text=text,
        usage=openai_usage(body.get("usage") or choice.get("usage")),
        model=word(body.get("model")),
        finish_reason=word(finish),
        fingerprint=word(body.get("system_fingerprint")),
        warnings=warnings,
        thoughts=_thoughts(message) or None,
    )


def _thoughts(message: Mapping[str, Any]) -> str:
    """Return what a model thought, in the fields and parts that servers have for it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    known = [thoughts_in(part) for part in parts if part.get("type") in _THOUGHT]
    known += [thoughts_in(message.get(name)) for name in _THOUGHT_FIELDS]
    return next(filter(None, known), "")


def _text(content: Any) -> str:
    """Return the text of a message, which some servers send in parts, without thinking."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content if part.get("type") == "text")


backend = OpenAI

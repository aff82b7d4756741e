"""`openai`: OpenAI's chat completions, responses or decisions API, and any server with one of them.

These include vLLM, llama.cpp, LM Studio, OpenRouter and `transformers serve`; set `base_url`. A
schema is sent as `strict` if it meets OpenAI's requirements; otherwise it only guides the model,
and an answer may depart from it. Other servers enforce it either way. The decisions API weighs
given answers, and writes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from promptlab.core.capacity import Health
from promptlab.core.errors import BackendError
from promptlab.core.thinking import Thinking
from promptlab.core.types import Completion, Json, Request, Sampling
from promptlab.remote import openai_chat as chat
from promptlab.remote import openai_decisions as decisions
from promptlab.remote import openai_responses as responses
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.bodies import object_in, unlike_an_answer
from promptlab.remote.exchange import Reply
from promptlab.remote.joining import join_chat, join_response
from promptlab.remote.options import RemoteOptions
from promptlab.remote.probes import check_weighing
from promptlab.remote.streams import Event
from promptlab.remote.strict_schema import is_strict
from promptlab.remote.thinking import MEANING, chat_keys, effort, no_budget

_HOST = "api.openai.com"
_PATHS = {"chat": "/chat/completions", "responses": "/responses", "decisions": "/decisions"}
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_MOST_STOPS = 4
_ID = r"^[!-~]+$"
_LOGPROBS = {"logprobs": True, "top_logprobs": 1}


class Options(RemoteOptions):
    """The options of `openai`."""

    api: Literal["chat", "responses", "decisions"] = Field(
        "chat",
        description="Whether to use chat completions, responses or, to weigh given answers, "
        "decisions.",
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
        if self.api != "chat" and self.max_tokens_field is not None:
            raise ValueError('max_tokens_field is for api = "chat"')
        written = self.stream or self.thinking is not None or self.reasoning_effort is not None
        if self.api == "decisions" and written:
            raise ValueError('api = "decisions" takes no stream, thinking or reasoning_effort')
        return self


class OpenAI(RemoteBackend):
    """A model behind OpenAI's chat completions, responses or decisions API, or a server like it."""

    kind: ClassVar[str] = "openai"
    options_model: ClassVar[type[BaseModel]] = Options
    default_url: ClassVar[str] = f"https://{_HOST}/v1"
    default_key: ClassVar[str | None] = "OPENAI_API_KEY"
    options: Options

    def path(self) -> str:
        """Return the path of the API in use."""
        return _PATHS[self.options.api]

    @property
    def weighs_answers(self) -> bool:
        """Return whether it uses the API that does this, and nothing else."""
        return self._decides

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
            "api": None if self.options.api == "chat" else self.options.api,
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
        if self._decides:
            raise BackendError(
                f'{self.model} writes no answers under api = "decisions": it weighs given ones',
                hint="let it judge, by the scorer decision",
            )
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
        if self._decides:
            return decisions.write_decision(self.model, request)
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
            "messages": [chat.write_message(message) for message in request.messages],
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
        if self._decides:
            return decisions.read_decision(body)
        return responses.read_response(body) if self._responses else chat.read_chat(body)

    async def ask(
        self, request: Request, extra: Mapping[str, Any] = _NOTHING
    ) -> tuple[Completion, Reply]:
        """Make a call; add to a decision how likely each of the request's answers is."""
        completion, reply = await super().ask(request, extra)
        if not self._decides:
            return completion, reply
        try:
            found = decisions.likelihoods_in(object_in(reply), request.continuations)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise unlike_an_answer(reply) from None
        return replace(completion, likelihoods=found), reply

    async def check(self) -> Health:
        """Ask for one token, then check which options the API honours."""
        if not self._decides:
            return await super().check()
        try:
            return await check_weighing(self)
        except BackendError as error:
            return Health(False, error.message, error.hint)
        finally:
            await self.close()

    @property
    def _decides(self) -> bool:
        return self.options.api == "decisions"

    @property
    def _responses(self) -> bool:
        return self.options.api == "responses"

    @cached_property
    def _at_openai(self) -> bool:
        """Return whether this is OpenAI's own server, in any region."""
        return f".{urlsplit(self.base_url).hostname}".endswith(f".{_HOST}")

    @property
    def _max_tokens_field(self) -> str:
        by_default = "max_completion_tokens" if self._at_openai else "max_tokens"
        return self.options.max_tokens_field or by_default


backend = OpenAI

"""`gemini`: Google's Gemini API (AI Studio), `generateContent`.

Gemini accepts at most five stop sequences, and its thoughts count towards `max_tokens`: a model
that thinks may have no tokens left for its answer. It fetches image URLs itself (models since 2.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

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
from promptlab.remote.joining import join_candidates
from promptlab.remote.options import RemoteOptions
from promptlab.remote.paths import segment
from promptlab.remote.pictures import in_base64, is_url
from promptlab.remote.reading import added, count, word
from promptlab.remote.streams import Event
from promptlab.remote.thinking import MEANING
from promptlab.remote.usage import cached, thought

_MOST_STOPS = 5
_TUNED = "tunedModels"
_NAMES = {
    "temperature": "temperature",
    "top_p": "topP",
    "max_tokens": "maxOutputTokens",
    "stop": "stopSequences",
    "seed": "seed",
}
_FILTERS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")


class Options(RemoteOptions):
    """The options of `gemini`."""

    thinking: Thinking | None = Field(None, description=MEANING)
    thinking_budget: int | None = Field(
        None,
        ge=-1,
        lt=2**31,
        description="Tokens for thinking (Gemini 2.5): 0 for none, -1 for the model's choice.",
    )
    thinking_level: Literal["minimal", "low", "medium", "high", "xhigh"] | None = Field(
        None, description="How much the model thinks (Gemini 3)."
    )
    safety: (
        Literal[
            "off",
            "block_none",
            "block_only_high",
            "block_medium_and_above",
            "block_low_and_above",
        ]
        | None
    ) = Field(None, description="The safety filter, in all categories; by default Google's choice.")

    @model_validator(mode="after")
    def _think_one_way(self) -> Options:
        given = [
            name
            for name in ("thinking", "thinking_budget", "thinking_level")
            if getattr(self, name) is not None
        ]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude one another")
        return self


class Gemini(RemoteBackend):
    """A model behind Google's `generateContent`."""

    kind: ClassVar[str] = "gemini"
    options_model: ClassVar[type[BaseModel]] = Options
    default_url: ClassVar[str] = "https://generativelanguage.googleapis.com/v1beta"
    default_key: ClassVar[str | None] = "GEMINI_API_KEY"
    options: Options

    def __init__(
        self,
        model: str | None,
        options: Options,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
    ) -> None:
        name = model.removeprefix("models/") if model else None  # one model has one identity
        super().__init__(name, options, environment)
        self.path()  # a name that has no place there is refused before a run

    def path(self) -> str:
        """Name the model in the path, where it is one part; `tunedModels/NAME` has two."""
        collection, slash, name = self.model.rpartition("/")
        if slash and collection != _TUNED:
            raise BackendError(
                f"the model {self.model!r} holds a slash",
                hint=f"write NAME or {_TUNED}/NAME; what precedes it belongs into base_url",
            )
        return f"/{collection or 'models'}/{segment(name)}:generateContent"

    def stream_path(self) -> str:
        """Use the streaming method, with server-sent events."""
        return self.path().replace(":generateContent", ":streamGenerateContent?alt=sse")

    def stream_keys(self) -> Mapping[str, Any]:
        """Return none: the path says it."""
        return {}

    def join(self, events: Sequence[Event]) -> Mapping[str, Any]:
        """Join the events of a stream."""
        return join_candidates(events)

    @property
    def thinks(self) -> bool | None:
        """Return what the options say."""
        if self.options.thinking is None:
            return False if self.options.thinking_budget == 0 else None
        return self.options.thinking != "off"

    def authorization(self, key: str) -> Mapping[str, str]:
        """Send the key in a header: in the URL it would end up in logs."""
        return {"x-goog-api-key": key}

    def variant(self) -> Mapping[str, Json]:
        """Return the options for thinking and filtering that are set."""
        given = {
            "thinking": self.options.thinking,
            "thinking_budget": self.options.thinking_budget,
            "thinking_level": self.options.thinking_level,
            "safety": self.options.safety,
        }
        return {key: value for key, value in given.items() if value is not None}

    def logprob_keys(self) -> Mapping[str, Any]:
        """Ask for the chosen tokens' log-probabilities."""
        return {"generationConfig": {"responseLogprobs": True, "logprobs": 1}}

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Refuse more stop sequences than the API accepts."""
        if len(sampling.stop) > _MOST_STOPS and "stop" not in self.options.omit:
            raise BackendError(
                f"Gemini accepts at most {_MOST_STOPS} stop sequences, not {len(sampling.stop)}",
                hint="use fewer, or set omit = ['stop'] in the backend's table",
            )
        return super().shortfalls(sampling, schema)

    def body(self, request: Request) -> dict[str, Any]:
        """Write system text apart from the conversation, and the rest as `generationConfig`."""
        system, messages = _without_system(request.messages)
        body: dict[str, Any] = {"contents": [_content(message) for message in messages]}
        if system:
            body["systemInstruction"] = {"parts": [{"text": text} for text in system]}
        body["generationConfig"] = self._config(request)
        if self.options.safety is not None:
            threshold = self.options.safety.upper()
            body["safetySettings"] = [
                {"category": f"HARM_CATEGORY_{name}", "threshold": threshold} for name in _FILTERS
            ]
        return body

    def _config(self, request: Request) -> dict[str, Any]:
        config = self.sampled(request.sampling, _NAMES)
        if request.schema is not None:
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = dict(request.schema)
        if self.options.thinking is not None:
            thinking = self.options.thinking
            budget = {"on": -1, "off": 0}.get(str(thinking), thinking)
            config["thinkingConfig"] = {
                "thinkingBudget": budget,
                "includeThoughts": thinking != "off",
            }
        elif self.options.thinking_budget is not None:
            config["thinkingConfig"] = {"thinkingBudget": self.options.thinking_budget}
        elif self.options.thinking_level is not None:
            config["thinkingConfig"] = {"thinkingLevel": self.options.thinking_level.upper()}
        return config

    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read the first candidate or, if there is none, why the prompt was blocked."""
        usage = _usage(body.get("usageMetadata"))
        model = word(body.get("modelVersion"))
        blocked = (body.get("promptFeedback") or {}).get("blockReason")
        if blocked and not body.get("candidates"):
            return Completion(
                Outcome.REFUSED,
                usage=usage,
                model=model,
                finish_reason=f"prompt blocked: {blocked}",
            )
        candidate = body["candidates"][0]
        finish = candidate.get("finishReason")
        _stop_if_barred(finish)
        parts = (candidate.get("content") or {}).get("parts") or ()
        text = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
        outcome, warnings = ending(finish, text)
        return Completion(
            outcome,
            text=text,
            usage=usage,
            model=model,
            finish_reason=word(finish),
            warnings=warnings,
            thoughts="".join(part.get("text") or "" for part in parts if part.get("thought"))
            or None,
        )


def _without_system(messages: Sequence[Message]) -> tuple[list[str], Sequence[Message]]:
    """Split off the system text at the beginning of a conversation."""
    others = (place for place, message in enumerate(messages) if message.role != "system")
    start = next(others, len(messages))
    if any(message.role == "system" for message in messages[start:]):
        raise PromptlabError(
            "Gemini accepts system text only at the beginning of a conversation",
            hint="move it to the beginning, or into a user message",
        )
    return [message.text for message in messages[:start]], messages[start:]


def _content(message: Message) -> dict[str, Any]:
    parts = (message.content,) if isinstance(message.content, str) else message.content
    role = "model" if message.role == "assistant" else "user"
    return {"role": role, "parts": [_part(part) for part in parts]}


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"text": part}
    if is_url(part):
        return {"fileData": {"mimeType": part.media_type, "fileUri": part.source}}
    return {"inlineData": {"mimeType": part.media_type, "data": in_base64(part)}}


def _usage(usage: Mapping[str, Any] | None) -> Usage:
    """Count tokens; the API lists thoughts apart from candidates, cached tokens within the prompt.

    The output of tools counts as prompt.
    """
    thoughts = thought(usage)
    prompt = added(count(usage, "promptTokenCount"), count(usage, "toolUsePromptTokenCount"))
    output = added(count(usage, "candidatesTokenCount"), thoughts)
    if output is None and prompt is not None and (total := count(usage, "totalTokenCount")):
        output = max(0, total - prompt)  # this API leaves out a number that is zero
    return Usage(
        input_tokens=prompt,
        output_tokens=output,
        cache_read_tokens=cached(usage),
        reasoning_tokens=thoughts,
    )


def _stop_if_barred(finish: object) -> None:
    """Raise if the problem is the account, not this answer."""
    if finish == "PUP_LIMITED_DISABLED":
        raise BackendError(
            "Google has limited or disabled the account because of earlier requests",
            hint="check the account at https://aistudio.google.com",
        )


backend = Gemini

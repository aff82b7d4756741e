"""`ollama`: models on a local or remote Ollama server.

Images come before a message's text, as the API keeps them separate. Servers from 0.12.6 on refuse
prompts longer than the model's context; older ones truncate them: a prompt then fills the context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field, model_validator

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.thinking import Thinking
from promptlab.core.types import Completion, Image, Json, Message, Request, Usage
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.bodies import object_in
from promptlab.remote.complaints import read_complaint
from promptlab.remote.endings import ending
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.failures import judge
from promptlab.remote.joining import join_lines
from promptlab.remote.options import MAX_WAIT_S, RemoteOptions
from promptlab.remote.pictures import in_base64, is_url
from promptlab.remote.reading import count, thoughts_in, word
from promptlab.remote.streams import Event
from promptlab.remote.thinking import MEANING
from promptlab.remote.usage import thought

_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "num_predict",
    "stop": "stop",
    "seed": "seed",
}
# Context sizes of servers that truncate: a prompt of exactly this length was truncated.
_DEFAULT_CONTEXTS = (2048, 4096)
_SHOWN = ("family", "parameter_size", "quantization_level", "format")


class Options(RemoteOptions):
    """The options of `ollama`."""

    concurrency: int = Field(
        4,
        ge=1,
        le=10_000,
        description="Maximum number of calls in flight; see also `-j`. The server queues them.",
    )
    timeout_s: float = Field(600.0, gt=0, le=MAX_WAIT_S, description="Time limit of one try.")
    num_ctx: int | None = Field(
        None,
        ge=1,
        lt=2**31,
        description="Context size in tokens, prompt and answer; by default the server's.",
    )
    think: bool | Literal["low", "medium", "high", "max"] | None = Field(
        None, description="Whether, or how much, the model thinks first; by default its own choice."
    )
    thinking: Thinking | None = Field(None, description=MEANING)
    keep_alive: int | str | None = Field(
        None, description="How long the model stays loaded: seconds or `10m`; -1 means forever."
    )

    @model_validator(mode="after")
    def _think_one_way(self) -> Options:
        if self.think is not None and self.thinking is not None:
            raise ValueError("think and thinking exclude one another")
        if isinstance(self.thinking, int):
            raise ValueError("Ollama takes no number of tokens for thinking: use on, off, or think")
        return self


class Ollama(RemoteBackend):
    """A model on an Ollama server."""

    kind: ClassVar[str] = "ollama"
    options_model: ClassVar[type[BaseModel]] = Options
    charges: ClassVar[bool] = False
    default_url: ClassVar[str] = "http://localhost:11434"
    default_key: ClassVar[str | None] = None
    options: Options

    _capabilities: frozenset[str] | None = None  # None until the server reports them, if it does
    _digest: str | None = None

    def path(self) -> str:
        """Use Ollama's own chat API: the one that imitates OpenAI's has no `num_ctx`."""
        return "/api/chat"

    def authorization(self, key: str) -> Mapping[str, str]:
        """Send the key as servers behind a proxy and ollama.com expect it."""
        return {"authorization": f"Bearer {key}"}

    def variant(self) -> Mapping[str, Json]:
        """Return the options for context and thinking that are set."""
        given: dict[str, Json] = {"num_ctx": self.options.num_ctx, "think": self._think}
        return {key: value for key, value in given.items() if value is not None}

    @property
    def thinks(self) -> bool | None:
        """Return what the options say."""
        return None if self._think is None else bool(self._think)

    @property
    def _think(self) -> bool | str | None:
        told = self.options.thinking
        return self.options.think if told is None else told == "on"

    def join(self, events: Sequence[Event]) -> Mapping[str, Any]:
        """Join the lines of a stream."""
        return join_lines(events)

    def logprob_keys(self) -> Mapping[str, Any]:
        """Ask for log-probabilities, which servers support from 0.12.11 on."""
        return {"logprobs": True}

    @property
    def reads_images(self) -> bool:
        """Return the option, unless the server knows that the model has no vision."""
        return self.options.images and self._can("vision") is not False

    def _can(self, capability: str) -> bool | None:
        """Return whether the model has a capability, None if the server does not say."""
        return None if self._capabilities is None else capability in self._capabilities

    async def open(self) -> Mapping[str, Json]:
        """Look up the model's capabilities and weights. The first call loads it.

        Raise BackendError if it does not exist, or cannot think although `think` is set.
        """
        facts = dict(await super().open())
        try:
            facts |= self._facts(await self._ask("/api/show", {"model": self.model}))
            self._digest = self._find(await self._ask("/api/tags"))
        except CallError:
            return facts  # the server is away for now: the first call will wait for it or report it
        if self._digest is not None:
            facts["digest"] = self._digest
        return facts

    async def _ask(self, path: str, body: Mapping[str, Json] | None = None) -> Mapping[str, Any]:
        """Ask the server for information; return nothing if it does not have that page."""
        assert self._exchange is not None
        method, content = ("GET", b"") if body is None else ("POST", json.dumps(body).encode())
        reply = await self._exchange.send(method, self.url(path), self._headers, content)
        if reply.status == 404 and not _names_model(reply):
            return {}
        if reply.status != 200:
            raise self._judged(reply)
        return object_in(reply)

    def _facts(self, shown: Mapping[str, Any]) -> dict[str, Json]:
        """Return what the server reports about the model, and remember its capabilities."""
        facts: dict[str, Json] = {}
        names = shown.get("capabilities")
        if isinstance(names, list):
            self._capabilities = frozenset(name for name in names if isinstance(name, str))
            facts["capabilities"] = [*sorted(self._capabilities)]
        details = shown.get("details")
        if isinstance(details, dict):
            facts |= {key: details[key] for key in _SHOWN if isinstance(details.get(key), str)}
        if self._think and self._can("thinking") is False:
            raise BackendError(
                f"the model {self.model!r} does not think",
                hint="remove `think` or `thinking` from the backend's table",
            )
        return facts

    def _find(self, listed: Mapping[str, Any]) -> str | None:
        """Return the digest of the model's weights from the server's list."""
        _, _, last = self.model.rpartition("/")
        wanted = (self.model if ":" in last else f"{self.model}:latest").casefold()
        models = listed.get("models")
        for model in models if isinstance(models, list) else ():
            if isinstance(model, dict) and str(model.get("name")).casefold() == wanted:
                digest = model.get("digest")
                return digest if isinstance(digest, str) else None
        return None

    def body(self, request: Request) -> dict[str, Any]:
        """Write a request; a prompt that does not fit must be refused, not truncated."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [self._message(message) for message in request.messages],
            "stream": False,
            "truncate": False,
            "shift": False,
            "options": self.sampled(request.sampling, _NAMES),
        }
        if self.options.num_ctx is not None:
            body["options"]["num_ctx"] = self.options.num_ctx
        if self._think is not None:
            body["think"] = self._think
        if self.options.keep_alive is not None:
            body["keep_alive"] = self.options.keep_alive
        if request.schema is not None:
            body["format"] = dict(request.schema)
        return body

    def _message(self, message: Message) -> dict[str, Any]:
        if isinstance(message.content, str):
            return {"role": message.role, "content": message.content}
        images = [part for part in message.content if isinstance(part, Image)]
        if images and self._can("vision") is False:
            raise BackendError(
                f"the model {self.model!r} does not read images",
                hint=f"choose one with vision: `ollama show {self.model}` lists its capabilities",
            )
        return {
            "role": message.role,
            "content": message.text,
            "images": [_picture(image) for image in images],
        }

    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read an answer, with thinking apart."""
        text = body["message"].get("content") or ""
        finish = body.get("done_reason") or None
        prompt = count(body, "prompt_eval_count")
        broken = body.get("done") is False
        done = "stop" if body.get("done") else None  # old servers say that, but give no reason
        outcome, warnings = ending("length" if broken else finish or done, text)
        return Completion(
            outcome,
            text=text,
            usage=Usage(prompt, count(body, "eval_count"), reasoning_tokens=thought(body)),
            model=word(body.get("model")),
            finish_reason=word(finish),
            fingerprint=self._digest,
            warnings=(*self._warnings(prompt, broken=broken), *warnings),
            thoughts=thoughts_in(body["message"].get("thinking")) or None,
        )

    def _warnings(self, prompt: int | None, *, broken: bool) -> list[str]:
        warnings = []
        if broken:
            warnings.append("the server cut the answer off, as it does if a model repeats itself")
        context = self.options.num_ctx
        if prompt is not None and (
            prompt in _DEFAULT_CONTEXTS if context is None else prompt >= context
        ):
            warnings.append(
                f"the prompt fills the context of {prompt} tokens: it may have been truncated"
            )
        return warnings

    def answer(self, reply: Reply) -> Completion:
        """Read a reply; turn an error into what a user of Ollama can do about it."""
        if reply.status != 200:
            raise self._judged(reply)
        return super().answer(reply)

    def _judged(self, reply: Reply) -> CallError:
        message = read_complaint(reply.content).message
        if reply.status == 404 and _names_model(reply):
            raise BackendError(message, hint=f"ollama pull {self.model}")
        if reply.status == 404:
            raise BackendError(
                f"there is no Ollama at {self.base_url}",
                hint="base_url is the server's address, without /v1 or /api",
            )
        if "invalid model name" in message:
            raise BackendError(
                f"{message}: {self.model!r}", hint="`ollama list` shows the available models"
            )
        if "more system memory" in message:
            raise BackendError(message, hint="choose a smaller model, or a smaller num_ctx")
        if reply.status == 400 and "context" in message:
            return CallError(Fault.REJECTED, f"{message}; set num_ctx in the backend's table")
        return judge(reply)


def _names_model(reply: Reply) -> bool:
    """Return whether a page is missing because the model is."""
    return "model" in read_complaint(reply.content).message


def _picture(image: Image) -> str:
    if is_url(image):
        raise PromptlabError(
            f"Ollama does not fetch images, and {image.source!r} is a URL",
            hint="save the image beside the cases",
        )
    return in_base64(image)


backend = Ollama

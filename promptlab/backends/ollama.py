"""`ollama`: models that an Ollama server runs, on this machine or another.

Images stand in front of a message's text, whatever their order in the template: the API keeps
them apart. Prompts longer than the model's context are refused by servers from 0.12.6 on; older
ones cut them, and all that can be told is that a prompt fills the context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, Field

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.failure import Fault
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Completion, Image, Json, Message, Request, Usage
from promptlab.remote.backend import RemoteBackend
from promptlab.remote.bodies import decoded
from promptlab.remote.complaints import read_complaint
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.failures import judge
from promptlab.remote.options import RemoteOptions
from promptlab.remote.pictures import in_base64, is_url
from promptlab.remote.reading import count, outcome, word

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")

_NAMES = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "num_predict",
    "stop": "stop",
    "seed": "seed",
}
_DEFAULT_CONTEXTS = (2048, 4096)  # of servers that cut; a prompt of exactly that many was cut
_SHOWN = ("family", "parameter_size", "quantization_level", "format")


class Options(RemoteOptions):
    """The options of `ollama`."""

    concurrency: int = Field(
        4, ge=1, le=10_000, description="Calls in flight at most; or `-j`. The server queues them."
    )
    timeout_s: float = Field(
        600.0, gt=0, description="How long one try may take; the first one loads the model."
    )
    num_ctx: int | None = Field(
        None,
        ge=1,
        description="Tokens that the context holds, prompt and answer; by default the server's.",
    )
    think: bool | Literal["low", "medium", "high", "max"] | None = Field(
        None, description="Whether, or how much, the model thinks first; by default as it is made."
    )
    keep_alive: int | str | None = Field(
        None, description="How long the model stays loaded: seconds or `10m`; -1 is for ever."
    )


class Ollama(RemoteBackend):
    """A model of an Ollama server."""

    kind: ClassVar[str] = "ollama"
    options_model: ClassVar[type[BaseModel]] = Options
    charges: ClassVar[bool] = False
    default_url: ClassVar[str] = "http://localhost:11434"
    default_key: ClassVar[str | None] = None
    options: Options

    _capabilities: frozenset[str] | None = None  # None until the server has told, if it tells
    _digest: str | None = None

    def path(self) -> str:
        """Use Ollama's own chat: the one that imitates OpenAI's takes no `num_ctx`."""
        return "/api/chat"

    def authorization(self, key: str) -> Mapping[str, str]:
        """Send the key as servers behind a proxy, and ollama.com, want it."""
        return {"authorization": f"Bearer {key}"}

    def variant(self) -> Mapping[str, Json]:
        """Return the context and the thinking, where they are said."""
        given: dict[str, Json] = {"num_ctx": self.options.num_ctx, "think": self.options.think}
        return {key: value for key, value in given.items() if value is not None}

    def logprob_keys(self) -> Mapping[str, Any]:
        """Ask for log-probabilities, which servers know from 0.12.11 on."""
        return {"logprobs": True}

    @property
    def reads_images(self) -> bool:
        """As the options say, unless the server knows that the model has no vision."""
        return self.options.images and self._can("vision") is not False

    def _can(self, capability: str) -> bool | None:
        """Tell whether the model has a capability, None where the server does not say."""
        return None if self._capabilities is None else capability in self._capabilities

    async def open(self) -> Mapping[str, Json]:
        """Look the model up: what it can and which weights it has. It is loaded by the first call.

        Raise BackendError where it is not there, or cannot think as it is told to.
        """
        facts = dict(await super().open())
        try:
            facts |= self._facts(await self._ask("/api/show", {"model": self.model}))
            self._digest = self._find(await self._ask("/api/tags"))
        except CallError:
            return facts  # the server is away for now: the first call will wait for it, or say so
        except BackendError as error:
            raise self._without_keys(error) from None
        if self._digest is not None:
            facts["digest"] = self._digest
        return facts

    async def _ask(self, path: str, body: Mapping[str, Json] | None = None) -> Mapping[str, Any]:
        """Ask the server for something; a server that has no such page has nothing to say."""
        assert self._exchange is not None
        method, content = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        url = httpx.URL(self.base_url + path)
        reply = await self._exchange.send(method, url, self._headers, content)
        if reply.status == 404 and not _names_model(reply):
            return {}
        if reply.status != 200:
            raise self._judged(reply)
        return decoded(reply, self.keys)

    def _facts(self, shown: Mapping[str, Any]) -> dict[str, Json]:
        """Take in what the server shows of the model."""
        facts: dict[str, Json] = {}
        told = shown.get("capabilities")
        if isinstance(told, list):
            self._capabilities = frozenset(name for name in told if isinstance(name, str))
            facts["capabilities"] = [*sorted(self._capabilities)]
        details = shown.get("details")
        if isinstance(details, dict):
            facts |= {key: details[key] for key in _SHOWN if isinstance(details.get(key), str)}
        if self.options.think and self._can("thinking") is False:
            raise BackendError(
                f"the model {self.model!r} does not think",
                hint="take `think` out of the backend's table",
            )
        return facts

    def _find(self, listed: Mapping[str, Any]) -> str | None:
        """Return the digest of the model's weights among all that the server has."""
        _, _, last = self.model.rpartition("/")
        wanted = (self.model if ":" in last else f"{self.model}:latest").casefold()
        models = listed.get("models")
        for model in models if isinstance(models, list) else ():
            if isinstance(model, dict) and str(model.get("name")).casefold() == wanted:
                digest = model.get("digest")
                return digest if isinstance(digest, str) else None
        return None

    def body(self, request: Request) -> dict[str, Any]:
        """Write a request; a prompt that does not fit is to be refused, not cut."""
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
        if self.options.think is not None:
            body["think"] = self.options.think
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
                f"the model {self.model!r} reads no images",
                hint=f"choose one with vision: `ollama show {self.model}` lists what it can",
            )
        return {
            "role": message.role,
            "content": message.text,
            "images": [_picture(image) for image in images],
        }

    def read(self, body: Mapping[str, Any]) -> Completion:
        """Read an answer; what the model thought is left out."""
        text = body["message"].get("content") or ""
        finish = word(body.get("done_reason")) or None
        prompt = count(body, "prompt_eval_count")
        broken = body.get("done") is False
        return Completion(
            outcome(text, truncated=broken or finish == "length"),
            text=text,
            usage=Usage(prompt, count(body, "eval_count")),
            model=word(body.get("model")),
            finish_reason=finish,
            fingerprint=self._digest,
            warnings=tuple(self._warnings(prompt, broken=broken)),
        )

    def _warnings(self, prompt: int | None, *, broken: bool) -> list[str]:
        found = []
        if broken:
            found.append("the server broke the answer off, as it does where a model repeats itself")
        context = self.options.num_ctx
        if prompt is not None and (
            prompt in _DEFAULT_CONTEXTS if context is None else prompt >= context
        ):
            found.append(f"the prompt fills the context of {prompt} tokens: it may be cut")
        return found

    def answer(self, reply: Reply) -> Completion:
        """Read a reply; say of an error what Ollama's user can do about it."""
        if reply.status != 200:
            raise self._judged(reply)
        return super().answer(reply)

    def _judged(self, reply: Reply) -> CallError:
        told = read_complaint(reply.content).message
        if reply.status == 404 and _names_model(reply):
            raise BackendError(told, hint=f"ollama pull {self.model}")
        if reply.status == 404:
            raise BackendError(
                f"there is no Ollama at {self.base_url}",
                hint="base_url is where the server is, without /v1 or /api",
            )
        if "invalid model name" in told:
            raise BackendError(
                f"{told}: {self.model!r}", hint="`ollama list` names those there are"
            )
        if "more system memory" in told:
            raise BackendError(told, hint="choose a smaller model, or a smaller num_ctx")
        if reply.status == 400 and "context" in told:
            return CallError(Fault.REJECTED, f"{told}; num_ctx in the backend's table sets it")
        return judge(reply)


def _names_model(reply: Reply) -> bool:
    """Tell whether a page is not there because the model is not."""
    return "model" in read_complaint(reply.content).message


def _picture(image: Image) -> str:
    if is_url(image):
        raise PromptlabError(
            f"Ollama fetches no images, and {image.source!r} is an address",
            hint="save the image beside the cases",
        )
    return in_base64(image)


backend = Ollama

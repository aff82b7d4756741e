"""The options that all API backends share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from promptlab.core.keys import holds_key, url_holds_key
from promptlab.core.prices import MAX_PRICE, Price

_NO_KEY_HERE = "a key must not be in a file: set it in the environment and "
_REMEDIES = {
    "headers": "write ${NAME} here",
    "extra_body": "send it as a header, ${NAME}",
    "query": "send it as a header, ${NAME}",
}
_ELSEWHERE = "name its variable in api_key_env"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = {"accept-encoding", "connection", "content-encoding", "content-length", "transfer-encoding"}

MAX_WAIT_S = 604_800  # a week

Omittable = Literal["temperature", "top_p", "max_tokens", "stop", "seed"]


class PriceOptions(BaseModel):
    """Prices in US dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float = Field(ge=0, le=MAX_PRICE)
    output: float = Field(ge=0, le=MAX_PRICE)
    cached: float | None = Field(None, ge=0, le=MAX_PRICE)
    cache_write: float | None = Field(None, ge=0, le=MAX_PRICE)

    def noun(self) -> Price:
        """Return the price as the noun that the rest of the program uses."""
        return Price(self.input, self.output, self.cached, self.cache_write)


class RemoteOptions(BaseModel):
    """The options of an API backend; vendors add their own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    base_url: str | None = Field(
        None, description="The address of the API; by default the vendor's."
    )
    query: dict[str, str] = Field(
        {}, description="Parameters of the address, such as `api-version`; or write them in it."
    )
    stream: bool = Field(
        False, description="Ask for answers as streams; a server that insists gets this anyway."
    )
    api_key_env: str | None = Field(
        None,
        description="The environment variable that holds the key; read also from the file `.env`.",
    )
    price: PriceOptions | None = Field(
        None,
        description="US dollars per million tokens: `{input, output, cached, cache_write}`.",
    )
    concurrency: int = Field(
        32, ge=1, le=10_000, description="Maximum number of calls in flight; see also `-j`."
    )
    requests_per_minute: float | None = Field(
        None, ge=0.01, le=1e9, description="Maximum requests per minute."
    )
    tokens_per_minute: float | None = Field(
        None, ge=1, le=1e12, description="Maximum tokens per minute, prompt and answer together."
    )
    timeout_s: float = Field(120.0, gt=0, le=MAX_WAIT_S, description="Time limit of one attempt.")
    max_retries: int = Field(
        10, ge=0, le=10_000, description="How often a call is retried after a transient failure."
    )
    time_limit_s: float = Field(
        900.0,
        gt=0,
        le=MAX_WAIT_S,
        description="Time limit of all attempts of one call, including waits.",
    )
    images: bool = Field(True, description="Whether the model reads images.")
    omit: tuple[Omittable, ...] = Field(
        (), description="Sampling keys that are not sent, for models that refuse them."
    )
    headers: dict[str, str] = Field(
        {}, description="Additional headers; `${NAME}` stands for a key."
    )
    extra_body: dict[str, JsonValue] = Field(
        {}, description="Keys to add to the body of each request."
    )

    @model_validator(mode="before")
    @classmethod
    def _hold_no_keys(cls, given: object) -> object:
        """Look for keys before any other check: the message about a wrong value shows the value."""
        for option, value in given.items() if isinstance(given, dict) else ():
            for name, text in _texts(str(option), value):
                if _is_key(str(option), name, text):
                    place = option if name == option or not name else f"{option}: {name}"
                    remedy = _REMEDIES.get(str(option), _ELSEWHERE)
                    raise ValueError(f"{place}: {_NO_KEY_HERE}{remedy}")
        return given

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.strip()
        if not _is_address(value):
            raise ValueError("expected an address such as http://127.0.0.1:8000/v1")
        if "#" in value:
            raise ValueError("the address must end with its path, or with ? and parameters: no #")
        return value

    @field_validator("api_key_env")
    @classmethod
    def _is_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _VARIABLE.fullmatch(value):
            raise ValueError("expected the name of an environment variable, such as MY_API_KEY")
        return value

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER.fullmatch(name) or not (text.isascii() and text.isprintable()):
                raise ValueError(f"{name!r} is not a valid header")
            if name.lower() in _OURS:
                raise ValueError(f"{name} belongs to the connection and is set by promptlab")
        return value

    @field_validator("extra_body")
    @classmethod
    def _asks_for_one_reply(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if value.get("stream"):
            raise ValueError("stream: write stream = true beside extra_body")
        return value


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield all texts in an option with their names; names in a table count as texts too."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield "", str(key)
            yield from _texts(str(key), inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(name, inner)


def _is_key(option: str, name: str, text: str) -> bool:
    if option == "base_url":
        return _is_address(text.strip()) and url_holds_key(text)
    return holds_key(name, text, or_id=option not in ("headers", "api_key_env"))


def _is_address(text: str) -> bool:
    if not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0

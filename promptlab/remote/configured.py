"""What a backend behind an API says of itself before any call: its options and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from promptlab.core.capacity import NO_ENVIRONMENT, Capacity, Pace, Patience, Throughput
from promptlab.core.errors import BackendError
from promptlab.core.keys import Keyring
from promptlab.core.prices import Price
from promptlab.core.types import Json, Request, Sampling
from promptlab.remote.address import read_address
from promptlab.remote.dialect import Dialect
from promptlab.remote.options import RemoteOptions


class Configured(Dialect):
    """A configured model behind an API, of which nothing is asked yet.

    `default_url` is the address of the vendor's API, `default_key` the environment variable that
    customarily holds its key. That key is only sent to the vendor's own address.
    """

    options_model: ClassVar[type[BaseModel]] = RemoteOptions
    charges: ClassVar[bool] = True
    throughput: Throughput | None = None  # the server computes
    default_url: ClassVar[str]
    default_key: ClassVar[str | None]

    def __init__(
        self,
        model: str | None,
        options: RemoteOptions,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
    ) -> None:
        if not model:
            raise BackendError(f"{self.kind} needs a model", hint=f'for example "{self.kind}:NAME"')
        self.model = model
        self.options = options
        self.address = read_address(options.base_url or self.default_url, options.query)
        self.keys = Keyring(environment)

    def shortfalls(self, sampling: Sampling, schema: Mapping[str, Json] | None) -> Sequence[str]:
        """Describe what the options omit; vendors add what their API does not support."""
        given = {
            "temperature": True,
            "top_p": sampling.top_p is not None,
            "max_tokens": True,
            "stop": bool(sampling.stop),
            "seed": sampling.seed is not None,
        }
        return [
            f"{key} is not sent: the options omit it" for key in self.options.omit if given[key]
        ]

    @property
    def base_url(self) -> str:
        """Return the address without its parameters."""
        return self.address.base

    def sampled(self, sampling: Sampling, names: Mapping[str, str]) -> dict[str, Any]:
        """Return sampling by a vendor's names (`names`: our key to theirs), minus omitted keys."""
        values: dict[str, Any] = {
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "stop": list(sampling.stop) or None,
            "seed": sampling.seed,
        }
        omitted = self.options.omit
        return {
            name: values[key]
            for key, name in names.items()
            if values[key] is not None and key not in omitted
        }

    @property
    def capacity(self) -> Capacity:
        """Return many calls of one request each, limited by the options."""
        options = self.options
        return Capacity(
            calls=options.concurrency,
            batch=1,
            pace=Pace(options.requests_per_minute, options.tokens_per_minute),
            patience=Patience(options.max_retries, options.time_limit_s),
        )

    @property
    def weighs_answers(self) -> bool:
        """Return False: APIs that write answers do not report how likely others are."""
        return False

    @property
    def reads_images(self) -> bool:
        """Return the option: most servers only reveal it when they get an image."""
        return self.options.images

    @property
    def price(self) -> Price | None:
        """Return the configured price."""
        return None if self.options.price is None else self.options.price.noun()

    def identity(self) -> Mapping[str, Json]:
        """Return the address, the model and all options that affect answers."""
        options = self.options
        identity: dict[str, Json] = {"kind": self.kind, "model": self.model, "url": self.base_url}
        if self.address.query:
            identity["query"] = self.address.parameters
        if options.omit:
            identity["omit"] = [*sorted(options.omit)]
        if options.headers:
            identity["headers"] = dict(options.headers)
        if options.extra_body:
            identity["extra_body"] = dict(options.extra_body)
        return {**identity, **self.variant()}

    def count_tokens(self, request: Request) -> int | None:
        """Return None: only the server knows."""
        return None

    def notice(self) -> str | None:
        """Return None: nothing takes long."""
        return None

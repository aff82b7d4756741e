"""What calls cost, and how many tokens they will take, estimated without a tokenizer.

English text has about four characters to a token (OpenAI, "What are tokens and how to count
them?"), other languages and code have fewer; small vocabularies need a token for every second
byte of Japanese. The bounds are deliberately wide, and not a guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass

from promptlab.core.types import Image, Request, Usage

MAX_PRICE = 1e6
"""US dollars per million tokens; nothing costs a dollar for a token."""

_LIKELY = 4.0  # bytes per token
_FEWEST, _MOST = 6.0, 1.5
_AROUND = 12  # tokens that a chat template adds to a message, at most
_IMAGE = 85, 1600, 6000  # tokens per image: fewest, likely, most


@dataclass(frozen=True, slots=True)
class Price:
    """What a backend charges, in US dollars per million tokens.

    Cached tokens count as ordinary input where `cached` is None: their cost is then an upper
    bound. Tokens written to a cache at an unknown price make the cost unknown; so does an
    impossible count, with more tokens from a cache than there are.
    """

    input: float
    output: float
    cached: float | None = None
    cache_write: float | None = None

    def cost(self, usage: Usage) -> float | None:
        """Return the cost of a call in US dollars, None where it cannot be known."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
        if (written and self.cache_write is None) or read + written > usage.input_tokens:
            return None
        cached = self.input if self.cached is None else self.cached
        plain = (usage.input_tokens - read - written) * self.input
        other = (
            read * cached + written * (self.cache_write or 0) + usage.output_tokens * self.output
        )
        return (plain + other) / 1e6


@dataclass(frozen=True, slots=True)
class TokenRange:
    """A number of tokens that is only known roughly."""

    low: int
    high: int

    def __add__(self, other: TokenRange) -> TokenRange:
        return TokenRange(self.low + other.low, self.high + other.high)


NO_TOKENS = TokenRange(0, 0)


def likely_tokens(request: Request) -> float:
    """Estimate the tokens of prompt and answer together, with the answer at its longest."""
    size, images = _size(request)
    return size / _LIKELY + images * _IMAGE[1] + request.sampling.max_tokens


def prompt_range(request: Request) -> TokenRange:
    """Bound the tokens of a prompt from below and above."""
    size, images = _size(request)
    high = size / _MOST + images * _IMAGE[2] + _AROUND * len(request.messages)
    return TokenRange(int(size / _FEWEST + images * _IMAGE[0]), int(high) + 1)


def highest_cost(request: Request, price: Price) -> float:
    """Return the most a call can cost in US dollars, used where a server does not report usage."""
    cost = price.cost(Usage(prompt_range(request).high, request.sampling.max_tokens))
    return 0.0 if cost is None else cost


def _size(request: Request) -> tuple[int, int]:
    """Return the bytes of a request's text and the number of its images."""
    size = sum(len(message.text.encode("utf-8", "replace")) for message in request.messages)
    images = sum(
        isinstance(part, Image)
        for message in request.messages
        if not isinstance(message.content, str)
        for part in message.content
    )
    return size, images

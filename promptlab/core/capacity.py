"""What a backend reports about itself: how much it takes at once, how fast, and its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a backend may be sent per minute; None means no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to retry a call that failed for a temporary reason.

    At most `retries` times, and no longer than `limit_s` in all. A busy or unreachable server is
    retried until `limit_s`, however many attempts that takes.
    """

    retries: int = 0
    limit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a backend takes at once: parallel `calls` of `generate`, of `batch` requests each.

    A remote backend takes many calls of one request; a local model takes one call of many.
    """

    calls: int
    batch: int
    pace: Pace = Pace()
    patience: Patience = Patience()


@dataclass(slots=True)
class Throughput:
    """What a model on this machine has done so far.

    Of the `prompt_tokens` of all prompts begun, `read_tokens` went through the model and
    `recalled_tokens` were known from an earlier call; the rest were shared. A continuation counts
    as prompt except for its last token, which need not be read. `output_tokens` counts those of
    the answers, and `seconds` is the time that all of it took.
    """

    prompt_tokens: int = 0
    read_tokens: int = 0
    recalled_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Throughput) -> Throughput:
        return Throughput(
            self.prompt_tokens + other.prompt_tokens,
            self.read_tokens + other.read_tokens,
            self.recalled_tokens + other.recalled_tokens,
            self.output_tokens + other.output_tokens,
            self.seconds + other.seconds,
        )

    @property
    def shared(self) -> float | None:
        """Return the share of prompt tokens that needed no reading, None without prompts."""
        if not self.prompt_tokens:
            return None
        return max(0.0, 1 - self.read_tokens / self.prompt_tokens)


@dataclass(frozen=True, slots=True)
class Health:
    """The result of `backend check`: `ok` or not, one line of detail, and the remedy."""

    ok: bool
    detail: str
    hint: str | None = None

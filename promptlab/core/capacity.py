"""What a backend says of itself: how much it wants at once, how fast, and whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a backend may be sent in a minute; None is without limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call is tried again that failed for a passing reason.

    At most `retries` times, and no longer than `limit_s` in all. A server that is busy or away
    is waited for until `limit_s`, however often that makes.
    """

    retries: int = 0
    limit_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a backend wants at once: `calls` of `generate` side by side, of `batch` requests.

    A remote backend takes many calls of one request; a local model one call of all there is.
    """

    calls: int
    batch: int
    pace: Pace = Pace()
    patience: Patience = Patience()


@dataclass(slots=True)
class Throughput:
    """What a model on this machine has done so far.

    Of the `prompt_tokens` of all prompts begun, `read_tokens` went through the model and
    `recalled_tokens` were known from an earlier call; the rest was shared. A continuation counts
    among them but for its last token, which need not be read. `said_tokens` is what the answers
    have, and `seconds` what all of it took.
    """

    prompt_tokens: int = 0
    read_tokens: int = 0
    recalled_tokens: int = 0
    said_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Throughput) -> Throughput:
        return Throughput(
            self.prompt_tokens + other.prompt_tokens,
            self.read_tokens + other.read_tokens,
            self.recalled_tokens + other.recalled_tokens,
            self.said_tokens + other.said_tokens,
            self.seconds + other.seconds,
        )

    @property
    def shared(self) -> float | None:
        """Return the share of the prompts' tokens that needed no reading, None without any."""
        if not self.prompt_tokens:
            return None
        return max(0.0, 1 - self.read_tokens / self.prompt_tokens)


@dataclass(frozen=True, slots=True)
class Health:
    """What `backend check` found: one line, `ok` or not, and the remedy."""

    ok: bool
    detail: str
    hint: str | None = None

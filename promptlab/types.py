"""The nouns: frozen, picklable values that every other module speaks of.

They know no file format, no database, no model library and no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from promptlab.failure import Failure

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Role = Literal["system", "user", "assistant"]


class Outcome(StrEnum):
    """How a generation or a trial ended. Only `error` has no answer at all."""

    OK = "ok"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    EMPTY = "empty"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Image:
    """An image part of a message, known by the digest of its content.

    `source` is its URL, or its path as the case gives it; `path` is where that file lies on this
    machine, None for a URL and for an image that comes from the store.
    """

    source: str
    media_type: str
    digest: str
    path: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `content` is text, or text and images in order."""

    role: Role
    content: str | tuple[str | Image, ...]

    @property
    def text(self) -> str:
        """Return the text of the message, its images left out."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part for part in self.content if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model is asked to choose its tokens. Temperature 0 is greedy."""

    temperature: float = 0.0
    top_p: float | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One model call. `key` addresses it by all that can change its answer.

    With `continuations` nothing is generated: the model is asked how likely each of these texts is
    as its answer. `followed` says that another call is to begin with the same messages, so that who
    answers may keep what it has read.
    """

    key: str
    messages: tuple[Message, ...]
    sampling: Sampling
    schema: Mapping[str, Json] | None = None
    continuations: tuple[str, ...] = ()
    followed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. `None` is unknown. `output_tokens` includes `reasoning_tokens`;
    `input_tokens` includes what a prompt cache served.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a model finds a text as its answer.

    `logprob` is the natural logarithm of the text's probability given the prompt, a sum over its
    `tokens`. `greedy` says that each of these is the likeliest one in its place, so that the model
    would say the text at temperature 0.
    """

    logprob: float
    tokens: int
    greedy: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """What a backend says to one request. With outcome `error`, `error` says why.

    `failure` tells who carries requests whether to try again; without one there is no use.
    `fingerprint` names the server's configuration, `warnings` what it did not honour.
    `likelihoods` has one entry for each of the request's continuations, in their order; `text` is
    then the likeliest of them, the first of equals.
    """

    outcome: Outcome
    text: str = ""
    usage: Usage = field(default=Usage())
    latency_s: float | None = None
    model: str | None = None
    finish_reason: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    failure: Failure | None = None
    fingerprint: str | None = None
    warnings: tuple[str, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One test input with what is expected of it. `digest` addresses its content."""

    id: str
    vars: Mapping[str, Json]
    expect: Json
    tags: tuple[str, ...]
    group: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Score:
    """What one scorer says of one trial.

    `value` is None when the scorer failed; then `error` is its last line and `traceback` the rest.
    `passed` is None for scores that are numbers rather than verdicts.
    """

    value: float | None
    passed: bool | None = None
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """A backend as configured: its name in the project, its kind, model and options.

    `identity` is what the answers depend on; its digest is part of every request's key.
    Options never hold a key, only the name of the variable that holds it.
    """

    name: str
    kind: str
    model: str | None
    options: Mapping[str, Json]
    identity: Mapping[str, Json]
    digest: str


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """A scorer as a suite configures it: `label` is its unique name in the run.

    `judge` says that a model or a person decides, whose own mistakes must be known first.
    """

    label: str
    name: str
    version: str
    params: Mapping[str, Json]
    judge: bool = False


@dataclass(frozen=True, slots=True)
class Arm:
    """One template version, with some practices switched off, on one backend."""

    template: str
    version: str
    digest: str
    practices: tuple[str, ...]
    off: tuple[str, ...]
    backend: str

    @property
    def prompt(self) -> str:
        """Return the arm's name without its backend: `sentiment@v2 -context`."""
        return " ".join([f"{self.template}@{self.version}", *(f"-{name}" for name in self.off)])

    @property
    def label(self) -> str:
        """Return the arm's whole name: `sentiment@v2 -context on smollm2`."""
        return f"{self.prompt} on {self.backend}"


@dataclass(frozen=True, slots=True)
class TemplateSource:
    """The text of one template version. `digest` covers the source and every included file.

    `includes` maps a path below `templates/` to its text, over the whole include closure.
    """

    name: str
    version: str
    source: str
    includes: Mapping[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class Trial:
    """One arm on one case, one repeat. `seq` is its place in the plan, from 0.

    `arm` and `case` are indices into the plan's arms and cases.
    """

    seq: int
    arm: int
    case: int
    repeat: int


@dataclass(frozen=True, slots=True)
class Sequential:
    """That a run stops comparing when it knows: at level `alpha` over all `pairs` together.

    A pair names two arms of the plan by their places: a baseline, and what is set against it.
    """

    alpha: float
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a run will do, as a value: the arms, on the cases, so many times.

    `samplings` holds one entry an arm. `grade` names the answer that is graded, None the last.
    `split` says which side of the suite's holdout the cases are from. `gates` are the conditions
    that the results are to meet. `assets` is the folder that image paths start from,
    itself a path from the project's folder. With `sequential` the cases stand in a shuffled order,
    and arms may be stopped early.
    """

    suite: str
    arms: tuple[Arm, ...]
    samplings: tuple[Sampling, ...]
    cases: tuple[Case, ...]
    repeats: int
    seed: int
    scorers: tuple[ScorerSpec, ...]
    primary: str
    grade: str | None
    templates: tuple[TemplateSource, ...]
    backends: tuple[BackendSpec, ...]
    split: str
    gates: tuple[str, ...]
    assets: str
    sequential: Sequential | None = None

    @property
    def size(self) -> int:
        """Return the number of trials."""
        return len(self.arms) * len(self.cases) * self.repeats

    def trial(self, seq: int) -> Trial:
        """Return the trial at place `seq`: arms vary fastest, so a pair's arms stand together."""
        rest, arm = divmod(seq, len(self.arms))
        case, repeat = divmod(rest, self.repeats)
        return Trial(seq, arm, case, repeat)


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished generation of a trial: `name` is what the template calls the answer.

    One that stands `aside` is no part of the conversation: the model was asked after it how likely
    given answers are, and `name` is that of the scorer which wanted to know.
    """

    name: str
    request: Request
    completion: Completion
    cached: bool
    aside: bool = False


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A finished trial: its turns in order, the one that was graded, and its scores by label."""

    trial: Trial
    turns: tuple[Turn, ...]
    graded: int | None
    outcome: Outcome
    error: str | None
    scores: Mapping[str, Score]

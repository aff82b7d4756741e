"""The nouns: frozen, picklable values that every other module speaks of.

They know no file format, no database, no model library and no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from promptlab.core.messages import (
    Completion,
    Image,
    Json,
    Likelihood,
    Message,
    Outcome,
    Request,
    Role,
    Sampling,
    Usage,
)

__all__ = [
    "Arm",
    "BackendSpec",
    "Case",
    "Completion",
    "Image",
    "Json",
    "Likelihood",
    "Message",
    "Outcome",
    "Plan",
    "PlanSettings",
    "Request",
    "Role",
    "Sampling",
    "Score",
    "ScorerSpec",
    "Sequential",
    "TemplateSource",
    "Trial",
    "TrialResult",
    "Turn",
    "Usage",
]


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
    `identity` is what else its scores depend on, as JSON: its source and the versions of its
    libraries. None where it is not known, as of runs from before it was kept.
    """

    label: str
    name: str
    version: str
    params: Mapping[str, Json]
    judge: bool = False
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """One template version, with some practices switched off, on one backend.

    `sampling` is what template and suite say together; a `generate` may still say otherwise.
    """

    template: str
    version: str
    digest: str
    practices: tuple[str, ...]
    off: tuple[str, ...]
    backend: str
    sampling: Sampling = field(default_factory=Sampling)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How a plan is carried out; the store keeps and loads these by field, whatever they are.

    `primary` is the label of the scorer that decides. `grade` names the answer that is graded, None
    the last. `split` says which side of the suite's holdout the cases are from. `gates` are the
    conditions that the results are to meet. `assets` is the folder that image paths start from,
    itself a path from the project's folder. With `sequential` the cases stand in a shuffled order,
    and arms may be stopped early.
    """

    repeats: int = 1
    seed: int = 0
    primary: str
    grade: str | None = None
    split: str = "all"
    gates: tuple[str, ...] = ()
    assets: str = "."
    sequential: Sequential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PlanSettings):
    """All that a run will do, as a value: the arms, on the cases, so many times.

    A suite, the store and an import each say what they know of it; the rest is as `PlanSettings`
    has it.
    """

    suite: str
    arms: tuple[Arm, ...]
    cases: tuple[Case, ...]
    scorers: tuple[ScorerSpec, ...]
    templates: tuple[TemplateSource, ...]
    backends: tuple[BackendSpec, ...]

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

    One that stands `aside` is no part of the conversation: a scorer asked it, whose label is in
    `name`. `backend` is whom it asked, None for the one that the trial is about.
    """

    name: str
    request: Request
    completion: Completion
    cached: bool
    aside: bool = False
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A finished trial: its turns in order, the one that was graded, and its scores by label."""

    trial: Trial
    turns: tuple[Turn, ...]
    graded: int | None
    outcome: Outcome
    error: str | None
    scores: Mapping[str, Score]

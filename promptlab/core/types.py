"""The nouns: frozen, picklable values that every other module uses.

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
from promptlab.core.ratings import HUMAN, RATED
from promptlab.core.reducers import MEAN, Reducer

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
    """One test input with its expected answer. `digest` addresses its content.

    `scorers` are those of a suite's case alone, each with its place. They say how it is graded, not
    what it is: the digest does not cover them, and no stored case has any.
    """

    id: str
    vars: Mapping[str, Json]
    expect: Json
    tags: tuple[str, ...]
    group: str | None
    digest: str
    scorers: tuple[tuple[str | Mapping[str, Json], str], ...] = field(
        default=(), compare=False, repr=False
    )


NOT_GRADABLE = "not gradable"

BY_CASE, CASES = "by_case", "cases"
"""The scorer that stands for those which cases have of their own, and its parameter for whose."""


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's result for one trial.

    `value` is None when the scorer failed; then `error` is its last line and `traceback` the rest.
    An error that begins with `NOT_GRADABLE` says that the scorer cannot tell of this output.
    `passed` is None for scores that are numbers, not verdicts.

    `gradable` is False where the output holds nothing to grade (no label, no number, no JSON), None
    where the scorer does not tell. `found` is what the scorer took for the answer, `expected` what
    would be right, both as short texts for which equality has a meaning, such as labels. `graded`
    is set, not by scorers, where the suite has one grade another answer than the trial's: the place
    of its turn, `NO_TURN` where the trial has no such answer, and its name.
    """

    value: float | None
    passed: bool | None = None
    reason: str | None = None
    error: str | None = None
    traceback: str | None = None
    gradable: bool | None = None
    found: str | None = None
    expected: str | None = None
    graded: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """A backend as configured: its name in the project, its kind, model and options.

    `identity` is what the answers depend on; its digest is part of every request's key.
    Options never contain a key, only the name of the variable that holds it.
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

    `judge` means that a model or a person decides, whose own error rate must be known first.
    `identity` is what else its scores depend on, as JSON: its source and the versions of its
    libraries. It is None where unknown, as in runs from before it was recorded. `reduce` makes one
    score of a case's repeats, by default their mean; it changes no score of a trial. `largest` is
    the largest difference that a case can show between two arms, where the suite says so.
    """

    label: str
    name: str
    version: str
    params: Mapping[str, Json]
    judge: bool = False
    identity: str | None = None
    reduce: Reducer = MEAN
    largest: float | None = None

    @property
    def cases(self) -> Mapping[str, Json] | None:
        """Return the cases that it grades, by their id; None for all of them."""
        cases = self.params.get(CASES) if self.name == BY_CASE else None
        return cases if isinstance(cases, Mapping) else None

    @property
    def by_people(self) -> bool:
        """Return whether people give its scores, to the outputs that they choose."""
        return self.name == HUMAN and RATED in self.params


@dataclass(frozen=True, slots=True)
class Arm:
    """One template version, with some practices switched off, on one backend.

    `sampling` combines template and suite; a single `generate` may still override it.
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
        """Return the arm's full name: `sentiment@v2 -context on smollm2`."""
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
    """One arm on one case, one repeat. `seq` is its position in the plan, from 0.

    `arm` and `case` are indices into the plan's arms and cases.
    """

    seq: int
    arm: int
    case: int
    repeat: int


@dataclass(frozen=True, slots=True)
class Sequential:
    """That a run stops comparing once it is decided, at level `alpha` over all `pairs` together.

    A pair is two indices into the plan's arms: a baseline, and the arm compared with it. It is
    decided once its difference is known to be beyond `margin`, or within it. `order` is the seed
    that drew the order of the cases, None for the plan's own.
    """

    alpha: float
    pairs: tuple[tuple[int, int], ...]
    margin: float = 0.0
    order: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How a plan is carried out; the store saves and loads these settings field by field.

    `primary` is the label of the scorer that decides. `grade` names the answer that is graded, None
    for the last. `split` is the side of the suite's holdout that the cases are from. `gates` are
    the conditions that the results must meet. `assets` is the folder that image paths start from,
    itself relative to the project's folder. With `sequential` the cases are shuffled, and arms may
    be stopped early. `sample_of` is the number of cases from which a sample was to be drawn by the
    seed, None if none was asked for.
    """

    repeats: int = 1
    seed: int = 0
    primary: str
    grade: str | None = None
    split: str = "all"
    gates: tuple[str, ...] = ()
    assets: str = "."
    sequential: Sequential | None = None
    sample_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(PlanSettings):
    """All that a run will do, as a value: the arms, the cases and the number of repeats.

    A suite, the store and an import each set the fields they know; the rest keep the defaults of
    `PlanSettings`.
    """

    suite: str
    arms: tuple[Arm, ...]
    cases: tuple[Case, ...]
    scorers: tuple[ScorerSpec, ...]
    templates: tuple[TemplateSource, ...]
    backends: tuple[BackendSpec, ...]

    @property
    def graded_here(self) -> tuple[ScorerSpec, ...]:
        """Return the scorers without those whose scores people give."""
        return tuple(spec for spec in self.scorers if not spec.by_people)

    @property
    def size(self) -> int:
        """Return the number of trials."""
        return len(self.arms) * len(self.cases) * self.repeats

    def trial(self, seq: int) -> Trial:
        """Return the trial at position `seq`: arms vary fastest, so a pair's arms are adjacent."""
        rest, arm = divmod(seq, len(self.arms))
        case, repeat = divmod(rest, self.repeats)
        return Trial(seq, arm, case, repeat)


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished generation of a trial: `name` is what the template calls the answer.

    One that is `aside` is not part of the conversation: the scorer labelled `name` requested it.
    `backend` is the one it was sent to, None for the trial's own.
    """

    name: str
    request: Request
    completion: Completion
    cached: bool
    aside: bool = False
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """A finished trial: its turns in order, which one was graded, and its scores by label."""

    trial: Trial
    turns: tuple[Turn, ...]
    graded: int | None
    outcome: Outcome
    error: str | None
    scores: Mapping[str, Score]

"""The passport of a judge: how it errs, held against what people say, and what it is good for.

Plain values. It is bound by a digest to all that the judge's word depends on: a judge that was
changed in any way has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from promptlab.core.digest import digest_json
from promptlab.core.messages import Json
from promptlab.core.types import ScorerSpec

Standing = Literal["trusted", "provisional", "refused"]
Kind = Literal["verdicts", "numbers"]
Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Share:
    """How often something was so: `right` of `n`, with the interval of the share."""

    right: int
    n: int
    ci: Bounds | None = None

    @property
    def value(self) -> float | None:
        """Return the share, None where nothing was counted."""
        return self.right / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of agreement by its name, `kappa` or `alpha`, of so many answers."""

    name: str
    value: float | None
    ci: Bounds | None
    n: int


@dataclass(frozen=True, slots=True)
class ArmErrors:
    """How a judge errs on the answers of one arm.

    `bias` is by how much its mean score exceeds that of people. Sensitivity and specificity are its
    shares of correct passes and failures, None for scores that are numbers.
    """

    arm: str
    labels: int
    bias: float
    ci: Bounds | None
    sensitivity: Share | None = None
    specificity: Share | None = None


@dataclass(frozen=True, slots=True)
class Unevenness:
    """By how much the bias on arm `b` exceeds that on `a`, with the p-value of no difference."""

    a: str
    b: str
    difference: float
    p: float
    opposite: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """What became of a judge's score when the same answer was given in another way.

    Of `n` answers `up` scored more and `down` less, by `shift` on average; `p` is that of the test
    of up against down. For an answer that is empty, or the reference itself, they are the answers
    that passed and failed. `caught` says that the judge gave way.
    """

    name: str
    n: int
    up: int
    down: int
    shift: float | None
    p: float | None
    caught: bool


@dataclass(frozen=True, slots=True)
class Repeats:
    """Whether a judge agrees with itself when asked again: of `n` answers, and its own spread."""

    n: int
    agreement: float
    sd: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All that was measured of a judge. None where it cannot be known.

    `labels` are the answers that people have labelled, by `raters` people; `by_model` those that
    only a model has, `kept_apart` those that were used to write the rubric, and `unscored` those
    that the judge gave no score, none of which count. `of_people` is False where there were no
    others than those of a model. `ceiling` is how far people agree with one another. `constant` is
    the accuracy of a judge that always says the same. `equal` says that the errors of all arms are
    shown to be equal. `smallest` is the smallest difference that the judge can see on `cases`
    cases.
    """

    kind: Kind
    labels: int
    raters: int
    by_model: int
    kept_apart: int
    of_people: bool
    agreement: Measure
    ceiling: Measure | None
    accuracy: float | None
    constant: float | None
    sensitivity: Share | None
    specificity: Share | None
    arms: tuple[ArmErrors, ...]
    uneven: tuple[Unevenness, ...]
    equal: bool
    cases: int
    unscored: int = 0
    order: Share | None = None
    probes: tuple[Probe, ...] = ()
    repeats: Repeats | None = None
    smallest: float | None = None

    @property
    def informedness(self) -> float | None:
        """Return J, sensitivity + specificity - 1."""
        shares = [each.value for each in (self.sensitivity, self.specificity) if each is not None]
        known = [share for share in shares if share is not None]
        return sum(known) - 1 if len(known) == 2 else None


@dataclass(frozen=True, slots=True)
class Finding:
    """What keeps a judge from being trusted; one that is `deep` no labels can make up for."""

    code: str
    text: str
    weight: Standing
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """A stored answer that a judge is asked about in every later run, with the score it had then.

    It is the answer in the turn at this place of a trial.
    """

    run_id: str
    seq: int
    turn: int
    score: float


@dataclass(frozen=True, slots=True)
class Passport:
    """What a judge is good for. `digest` is that of the judge, `labels` that of the labels.

    `judge` is what it is bound to. One that asks the model of each answer has a passport for each:
    that of `judge["backend"]`.
    """

    scorer: str
    suite: str
    digest: str
    labels: str
    verdict: Standing
    findings: tuple[Finding, ...]
    figures: Figures
    issued_at: str = ""
    judge: Mapping[str, Json] = field(default_factory=dict, hash=False)

    @property
    def deep(self) -> tuple[Finding, ...]:
        """Return what no labels can make up for."""
        return tuple(finding for finding in self.findings if finding.deep)


def bound_to(spec: ScorerSpec, model: str | None = None) -> dict[str, Json]:
    """Return what a passport is bound to: all that the scores of a judge depend on.

    The identity of a scorer has the backends that it names, and the template that it asks with.
    Where it names none and asks the model of each answer, `model` is the digest of that backend:
    every model is another judge.
    """
    bound: dict[str, Json] = {
        "name": spec.name,
        "version": spec.version,
        "params": dict(spec.params),
        "identity": spec.identity,
    }
    return bound if model is None else {**bound, "model": model}


def passport_digest(spec: ScorerSpec, model: str | None = None) -> str:
    """Return the digest that binds a passport to a judge: one character changed makes another."""
    return digest_json(bound_to(spec, model))


def together(passports: Sequence[Passport]) -> Passport:
    """Return what several models are good for that judge side by side: no more than the worst.

    They err each in its own way, so that no errors are shown to be equal.
    """
    if len(passports) == 1:
        return passports[0]
    order: tuple[Standing, ...] = ("refused", "provisional", "trusted")
    worst = min(passports, key=lambda each: order.index(each.verdict))
    arms = tuple(arm for each in passports for arm in each.figures.arms)
    figures = replace(worst.figures, arms=arms, equal=False, sensitivity=None, specificity=None)
    findings = dict.fromkeys(finding for each in passports for finding in each.findings)
    return replace(worst, figures=figures, findings=tuple(findings))

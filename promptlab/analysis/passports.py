"""A judge's passport made from what was measured of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from promptlab.analysis.errors import (
    Judgement,
    accuracy_of,
    agreement_of,
    by_arm,
    ceiling_of,
    kind_of,
    raters_of,
    sensitivity_of,
    shown_equal,
    specificity_of,
    uneven,
)
from promptlab.analysis.probing import smallest
from promptlab.analysis.standing import standing_of
from promptlab.core.decision import Limits
from promptlab.core.digest import digest_json
from promptlab.core.passport import (
    Figures,
    Passport,
    Probe,
    Repeats,
    Share,
    bound_to,
    passport_digest,
)
from promptlab.core.types import ScorerSpec


@dataclass(frozen=True, slots=True)
class Counted:
    """Labels that do not count, and why: made by a model, kept apart, without a score."""

    by_model: int = 0
    kept_apart: int = 0
    unscored: int = 0
    of_people: bool = True


@dataclass(frozen=True, slots=True)
class Probed:
    """What became of a judge when it was probed, and asked again."""

    probes: tuple[Probe, ...] = ()
    repeats: Repeats | None = None
    order: Share | None = None


def figures_of(
    judgements: Sequence[Judgement], counted: Counted, probed: Probed, cases: int
) -> Figures:
    """Return all that was measured of a judge; `cases` are those of its suite."""
    kind = kind_of(judgements)
    verdicts = kind == "verdicts"
    accuracy, constant = accuracy_of(judgements) if verdicts else (None, None)
    shares = (sensitivity_of(judgements), specificity_of(judgements)) if verdicts else (None, None)
    arms = by_arm(judgements, kind)
    figures = Figures(
        kind=kind,
        labels=len(judgements),
        raters=len(list(raters_of(judgements))),
        by_model=counted.by_model,
        kept_apart=counted.kept_apart,
        of_people=counted.of_people,
        agreement=agreement_of(judgements, kind),
        ceiling=ceiling_of(judgements, kind),
        accuracy=accuracy,
        constant=constant,
        sensitivity=shares[0],
        specificity=shares[1],
        arms=arms,
        uneven=uneven(judgements),
        equal=verdicts and shown_equal(arms),
        cases=cases,
        unscored=counted.unscored,
        order=probed.order,
        probes=probed.probes,
        repeats=probed.repeats,
    )
    least = smallest(figures.repeats, figures.informedness, figures.cases)
    return replace(figures, smallest=least)


def issued(
    suite: str,
    judge: ScorerSpec,
    labels: object,
    figures: Figures,
    limits: Limits,
    model: tuple[str, str] | None = None,
) -> Passport:
    """Return the passport of a judge; `labels` is what it was held against, as JSON.

    `model` is the name and the digest of the backend, where it asks the model of each answer.
    """
    name, digest = (None, None) if model is None else model
    verdict, findings = standing_of(figures, limits)
    return Passport(
        scorer=judge.label,
        suite=suite,
        digest=passport_digest(judge, digest),
        labels=digest_json(labels),
        verdict=verdict,
        findings=findings,
        figures=figures,
        judge={**bound_to(judge, digest), **({} if name is None else {"backend": name})},
    )

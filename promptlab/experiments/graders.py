"""What scorers ask of a plan: answers that templates give, and enough repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.reducers import MEAN
from promptlab.core.types import Arm, ScorerSpec
from promptlab.experiments.suite import Suite
from promptlab.scorers.sample import SEVERAL
from promptlab.templates.template import Template


@dataclass(frozen=True, slots=True)
class Places:
    """Where the suite has each scorer, by its label, and where it names each graded answer.

    `rivals` are the arms that scorers compare with.
    """

    scorers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    rivals: Mapping[str, str] = field(default_factory=dict)


NOWHERE = Places()


def check_answers(suite: Suite, templates: Sequence[Template], places: Places = NOWHERE) -> None:
    """Refuse an answer to be graded that a template does not give."""
    grade = suite.settings.grade
    own = {} if grade is None else {grade: suite.document.where(("grade",))}
    for name, place in [*own.items(), *places.answers.items()]:
        several = name in SEVERAL and name not in own
        for template in templates:
            if several and name in template.answers:
                raise PromptlabError(
                    f"{template.reference} gives an answer named {name!r}, and so {name!r} would"
                    " mean two things",
                    where=place,
                    hint="give that answer another name",
                )
            if not several and name not in template.answers:
                raise PromptlabError(
                    f"{template.reference} gives no answer named {name!r}",
                    where=place,
                    hint="it gives: " + (", ".join(sorted(template.answers)) or "an unnamed one"),
                )


def check_rivals(arms: Sequence[Arm], places: Places) -> None:
    """Refuse to compare with an arm that the run does not have."""
    known = list(dict.fromkeys(arm.prompt for arm in arms))
    for name, place in places.rivals.items():
        if name not in known:
            raise unknown("arm", name, known, of="this run").at(place)


def check_reducers(
    scorers: Sequence[ScorerSpec], repeats: int, early: str | None, places: Places = NOWHERE
) -> None:
    """Refuse a reducer that needs more repeats, or that stopping early by it cannot follow."""
    for spec in scorers:
        reducer, where = spec.reduce, places.scorers.get(spec.label)
        if reducer.least > repeats:
            raise PromptlabError(
                f"scorer {spec.label!r} reduces by {reducer}, which takes {reducer.least} repeats:"
                f" there {'is' if repeats == 1 else 'are'} {repeats}",
                where=where,
                hint=f"set repeats: {reducer.least} or more",
            )
        if spec.label == early and spec.cases is not None:
            raise PromptlabError(
                f"scorer {spec.label!r} grades only cases that have it, and --until-decided takes"
                " all cases in their order",
                where=where,
                hint="make another scorer primary",
            )
        if spec.label == early and repeats > 1 and reducer != MEAN:
            raise PromptlabError(
                f"scorer {spec.label!r} reduces by {reducer}, and --until-decided compares means",
                where=where,
                hint="leave one of the two out",
            )

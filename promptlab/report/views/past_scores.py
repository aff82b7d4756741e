"""What versions of a template scored over time, and what the answers of one version score in turn.

The first is the history of a template, the second what each round of a conversation adds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.digest import canonical_json
from promptlab.core.types import ScorerSpec
from promptlab.report.views.run import ArmView, RunView, ScoreView
from promptlab.scorers.entries import GRADE_KEY
from promptlab.templates.references import natural_key

LAST = "last answer"
"""What is graded where no answer is named."""


@dataclass(frozen=True, slots=True)
class PastScore:
    """What a text scored on one backend, in the newest run that has it."""

    template: str
    version: str
    digest: str
    backend: str
    run_id: str
    score: ScoreView

    @property
    def name(self) -> str:
        """Return what the text was called in that run."""
        return f"{self.template}@{self.version}"


@dataclass(frozen=True, slots=True)
class History:
    """The texts of one template, by version, then oldest first."""

    template: str
    points: tuple[PastScore, ...]


@dataclass(frozen=True, slots=True)
class RoundScore:
    """What one answer of a conversation scores: `answer` is its name in the template."""

    arm: ArmView
    answer: str
    score: ScoreView


@dataclass(frozen=True, slots=True)
class Rounds:
    """One scorer that grades several answers of the same conversation, in the order of its turns.

    Each arm has a score for each of the `answers`.
    """

    scorer: str
    answers: tuple[str, ...]
    points: tuple[RoundScore, ...]


def histories(
    runs: Sequence[RunView], labels: Sequence[tuple[str, str, str]], scorer: str
) -> tuple[History, ...]:
    """Return what each template's texts scored, for templates with more than one text.

    `runs` are in the order of their weight: of each text the first run with a score counts.
    `labels` are name, version and digest of all texts, oldest first.
    """
    found: dict[tuple[str, str], PastScore] = {}
    for view in runs:
        for point in _points(view, scorer):
            found.setdefault((point.digest, point.backend), point)
    oldest = {digest: place for place, (_, _, digest) in reversed([*enumerate(labels)])}
    by_template: defaultdict[str, list[PastScore]] = defaultdict(list)
    for point in found.values():
        by_template[point.template].append(point)
    return tuple(
        History(
            template,
            tuple(
                sorted(
                    points,
                    key=lambda one: (natural_key(one.version), oldest.get(one.digest, 0)),
                )
            ),
        )
        for template, points in by_template.items()
        if len({point.digest for point in points}) > 1
    )


def _points(view: RunView, scorer: str) -> Iterator[PastScore]:
    for arm in view.arms:
        if arm.arm.off:
            continue
        for score in arm.scores:
            if score.scorer == scorer and score.mean is not None:
                one = arm.arm
                yield PastScore(
                    one.template, one.version, one.digest, one.backend, view.run.run_id, score
                )


def rounds_of(view: RunView, graded: Mapping[str, str], turns: Sequence[str]) -> tuple[Rounds, ...]:
    """Return scorers that grade several answers of a conversation.

    `graded` names the answer of each scorer by its label, `turns` are the answers in their order.
    """
    alike: defaultdict[tuple[str, str], list[ScorerSpec]] = defaultdict(list)
    for spec in view.plan.scorers:
        params = {key: value for key, value in spec.params.items() if key != GRADE_KEY}
        alike[spec.name, canonical_json(params)].append(spec)
    found = []
    for specs in alike.values():
        answers = {spec.label: graded.get(spec.label) or LAST for spec in specs}
        order = sorted(set(answers.values()), key=lambda one: _place(turns, one))
        if len(order) > 1:
            points = tuple(
                RoundScore(arm, answers[score.scorer], score)
                for arm in view.arms
                for score in sorted(
                    arm.scores, key=lambda one: _place(order, answers.get(one.scorer))
                )
                if score.scorer in answers
            )
            found.append(Rounds(specs[0].name, tuple(order), points))
    return tuple(found)


def _place(order: Sequence[str], name: str | None) -> int:
    """Return the place of a name in an order, after all others where it has none."""
    return order.index(name) if name in order else len(order)

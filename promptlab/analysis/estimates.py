"""The effect of a practice as it is estimated: on one model, on several together, in general."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Literal

from promptlab.analysis.claims import of_practice
from promptlab.analysis.contrast import Contrast, estimate
from promptlab.analysis.generalizing import in_general
from promptlab.analysis.measurements import Measurements
from promptlab.analysis.models import by_model
from promptlab.analysis.showing import Shown, Source
from promptlab.analysis.sides import Side
from promptlab.analysis.wordings import over_wordings, share_of_texts, wordings_of
from promptlab.core.codes import Code
from promptlab.core.decision import Rule
from promptlab.core.reasons import Reason
from promptlab.stats.meta import RandomEffects

Scope = Literal["model", "these models", "models in general"]
_HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeEffect(Contrast):
    """What a practice changes: on one model, on these models together, or on models in general.

    Side a is `without` it, side b `with_it`. `backend` is None for more than one. `wordings` counts
    the texts with the practice, `wordings_without` those without it, `models` the models.
    `general` is set for models in general, if there are enough. One that `is_a_pair` of arms has
    the row of `compare`.
    """

    practice: str
    scope: Scope
    backend: str | None
    source: Source
    wordings: int
    wordings_without: int = 1
    models: int = 1
    with_it: tuple[str, ...]
    without: tuple[str, ...]
    general: RandomEffects | None = None
    is_a_pair: bool = False


@dataclass(frozen=True, slots=True)
class Estimated:
    """An effect before its family is known, and what shows it, by backend."""

    effect: PracticeEffect
    shown: Mapping[str, Shown]

    @property
    def with_it(self) -> Side:
        """Return the arms with the practice, each as often as it weighs on its backend."""
        return tuple(chain.from_iterable(one.with_it for one in self.shown.values()))

    @property
    def without(self) -> Side:
        """Return the arms without the practice, each as often as it weighs on its backend."""
        return tuple(chain.from_iterable(one.without for one in self.shown.values()))

    @property
    def pair(self) -> tuple[str, str] | None:
        """Return the names of the arms if it rests on one pair of them, on each backend."""
        names = {
            (one.without[0].label, one.with_it[0].label)
            if len(one.without) == len(one.with_it) == 1
            else None
            for one in self.shown.values()
        }
        alone = len(names) == 1 and self.effect.scope != "models in general"
        return names.pop() if alone else None


def estimates(
    table: Measurements, name: str, shown: Mapping[str, Shown], rule: Rule
) -> Iterator[Estimated]:
    """Estimate a practice on each model, on these together, and on models in general."""
    for backend, one in shown.items():
        yield _estimate(table, name, "model", {backend: one}, rule)
    if len(shown) > 1:
        pooled = _estimate(table, name, "these models", shown, rule)
        yield pooled
        yield _in_general(table, pooled, rule)


def _estimate(
    table: Measurements, name: str, scope: Scope, shown: Mapping[str, Shown], rule: Rule
) -> Estimated:
    wordings = wordings_of([*shown.values()])
    with_it = tuple(chain.from_iterable(one.with_it for one in shown.values()))
    without = tuple(chain.from_iterable(one.without for one in shown.values()))
    over = None
    if wordings.drawn:
        over = partial(over_wordings, wordings=wordings, rule=rule, bounded=table.bounded)
    contrast = _more_wordings(estimate(table, without, with_it, rule, over=over))
    claim = of_practice(max(wordings.with_it, wordings.without), drawn=wordings.drawn)
    effect = PracticeEffect(
        practice=name,
        scope=scope,
        backend=next(iter(shown)) if scope == "model" else None,
        source=next(iter(shown.values())).source,
        wordings=wordings.with_it,
        wordings_without=wordings.without,
        models=len(by_model(table, shown)),
        with_it=tuple(dict.fromkeys(arm.label for arm in with_it)),
        without=tuple(dict.fromkeys(arm.label for arm in without)),
        **{**contrast.parts(), "claim": claim},
    )
    return Estimated(effect, shown)


def _more_wordings(contrast: Contrast) -> Contrast:
    """Ask for more wordings, and not for more cases, where their choice matters most."""
    share = share_of_texts(contrast.effect)
    if share <= _HALF:
        return contrast
    text = (
        f"{share * 100:.0f} % of the uncertainty is due to the wordings:"
        " more of them would help, more cases would not"
    )
    reason = Reason(Code.WORDINGS_DIFFER, text, {"share": share})
    return replace(contrast, spread=None, warnings=(*contrast.warnings, reason))


def _in_general(table: Measurements, pooled: Estimated, rule: Rule) -> Estimated:
    """Generalize from these models to others."""
    found = in_general(table, pooled.shown, pooled.effect.effect, rule)
    effect = replace(
        pooled.effect,
        scope="models in general",
        effect=found.effect,
        spread=None,
        general=found.among,
        claim=replace(pooled.effect.claim, models="random"),
    )
    if found.refused is not None:
        effect = replace(effect, reasons=(found.refused,))
    return replace(pooled, effect=effect)

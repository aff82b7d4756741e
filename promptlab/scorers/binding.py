"""From a suite's scorer entry to a scorer that is ready to grade: named, checked, filled in.

A parameter's value is checked against the function's annotation as soon as it is known: a plain
value when the suite is read, one with `{{ ... }}` for every case before the first model call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.reducers import MEAN
from promptlab.core.types import Arm, BackendSpec, Case, Json, Score, ScorerSpec
from promptlab.core.validation import shown
from promptlab.scorers.asking import backends_named
from promptlab.scorers.bound import BoundScorer, Parts, check_together
from promptlab.scorers.conditions import NO_BOUNDS
from promptlab.scorers.entries import (
    LABEL_KEY,
    LARGEST_KEY,
    REDUCE_KEY,
    Entry,
    Where,
    apart,
    parse_scorer_entry,
    refuse_same_labels,
    told_at,
    within,
)
from promptlab.scorers.given import (
    as_json,
    asks_a_backend,
    prompts_of,
    refuse_wrong_names,
    rivals_of,
    values_of,
)
from promptlab.scorers.identity import (
    identity_of,
    with_backends,
    with_parts,
    with_prompts,
    with_rivals,
)
from promptlab.scorers.parameters import Field, fields_of, placed
from promptlab.scorers.parts import Part, takes_one, takes_scorers, takes_verdicts
from promptlab.scorers.per_case import scorers_of_cases
from promptlab.scorers.prompts import FindPrompt, no_prompts
from promptlab.scorers.registry import get_scorer
from promptlab.scorers.running import TIME_LIMIT_S, runner
from promptlab.scorers.sets import Folder, Given, Item, items
from promptlab.scorers.signature import gives_a_number

__all__ = ["BoundScorer", "bind", "knowing"]

_UNGRADED = Score(None, error="not graded yet")


def bind(  # noqa: PLR0913 - one for each thing that entries may name
    entries: Iterable[Given],
    root: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    *,
    where: Where | None = None,
    folder: Folder | None = None,
    cases: Iterable[Case] = (),
    prompts: FindPrompt = no_prompts,
) -> tuple[BoundScorer, ...]:
    """Bind every scorer of a suite or of a stored run, each with a unique label.

    `where` returns the place of what stands at a path within the entries, for errors. Files that
    they use are looked up from `folder`, and the prompts of judges by `prompts`. Scorers that
    `cases` have of their own come last.
    """
    binder = _Binder(root, time_limit_s, prompts)
    read = _read(entries, where, folder, cases)
    return tuple(binder.bind(entry, item) for entry, item in read)


def kinds_of(
    entries: Iterable[Given],
    *,
    where: Where | None = None,
    folder: Folder | None = None,
    cases: Iterable[Case] = (),
) -> dict[str, str]:
    """Return the label that `bind` gives to each scorer, with its kind: no scorer is loaded."""
    return {entry.label: entry.name for entry, _ in _read(entries, where, folder, cases)}


def _read(
    entries: Iterable[Given], where: Where | None, folder: Folder | None, cases: Iterable[Case]
) -> list[tuple[Entry, Item]]:
    found = [*items([*entries], where, folder), *scorers_of_cases(cases, folder)]
    parsed = [_parsed(item) for item in found]
    refuse_same_labels(parsed, [item.where for item in found])
    return list(zip(parsed, found, strict=True))


def _parsed(item: Item) -> Entry:
    with told_at(item.where):
        return parse_scorer_entry(item.given)


def knowing(
    scorers: Iterable[BoundScorer], backends: Iterable[BackendSpec], arms: Iterable[Arm] = ()
) -> tuple[BoundScorer, ...]:
    """Add the backends that scorers ask, and the arms they compare with, to their identities."""
    digests = {spec.name: spec.digest for spec in backends}
    texts = {arm.prompt: arm.digest for arm in arms}
    return tuple(_knowing(scorer, digests, texts) for scorer in scorers)


def _knowing(
    scorer: BoundScorer, digests: Mapping[str, str], texts: Mapping[str, str]
) -> BoundScorer:
    identity = scorer.spec.identity
    if scorer.backends:
        identity = with_backends(identity, {name: digests[name] for name in scorer.backends})
    if rivals := scorer.rivals():
        identity = with_rivals(identity, {name: texts[name] for name in rivals})
    return replace(scorer, spec=replace(scorer.spec, identity=identity))


@dataclass(frozen=True, slots=True)
class _Binder:
    """What is the same for all scorers of a suite: the project's folder, the limit, the prompts."""

    root: Path | None
    time_limit_s: float
    find: FindPrompt

    def bind(self, entry: Entry, item: Item) -> BoundScorer:
        """Bind one scorer, and those that it is made of."""
        with told_at(item.inside):
            return self._bound(entry, item)

    def _bound(self, entry: Entry, item: Item) -> BoundScorer:
        scorer, where = get_scorer(entry.name, self.root), item.inside
        with foreign(f"scorer {entry.label!r} cannot be read", passing=(PromptlabError,)):
            fields = fields_of(scorer.function)  # annotations may be strings, which are evaluated
        entry = apart(entry, fields, where)
        made_of = [field for field in fields.values() if takes_scorers(_annotation(field))]
        plain = {field.parameter.name for field in made_of}
        given = as_json(entry, fields, plain)
        names = [*given, *(name for name in entry.params if name in plain)]
        refuse_wrong_names(entry.label, fields, names, where)
        parts = self._parts(entry, made_of[0], item) if made_of else None
        fixed, blanks = values_of(entry.label, fields, given, where, plain)
        prompts = prompts_of(entry.label, fields, fixed, self.find, where)
        fixed |= prompts
        if parts is not None:
            fixed |= parts.of([Part(part.spec.label, _UNGRADED) for part in parts.scorers])
            given |= _written(made_of[0], parts)
        if not blanks:
            check_together(scorer, fixed, f"scorer {entry.label!r}", where)
        members = () if parts is None else parts.scorers
        spec = ScorerSpec(
            label=entry.label,
            name=scorer.name,
            version=scorer.version,
            params={**given, **entry.kept},
            judge=scorer.judge or any(part.spec.judge for part in members),
            identity=with_parts(
                with_prompts(identity_of(scorer, self.root), prompts),
                [part.spec for part in members],
            ),
            reduce=entry.reduce,
            largest=entry.largest,
        )
        named = [fixed[f.parameter.key] for f in fields.values() if asks_a_backend(f)]
        backends = [name for value in named for name in backends_named(value)]
        backends += [name for part in members for name in part.backends]
        return BoundScorer(
            spec,
            scorer,
            fixed,
            blanks,
            runner(scorer, self.time_limit_s),
            tuple(dict.fromkeys(backends)),
            where,
            entry.grade,
            entry.bounds,
            parts,
            tuple(prompts.values()),
            rivals_of(fields, fixed),
        )

    def _parts(self, entry: Entry, field: Field, item: Item) -> Parts:
        """Bind the scorers that another is made of."""
        name = field.parameter.name
        where = item.inside if entry.short else within(item.inside, name)
        given, one = entry.params[name], takes_one(_annotation(field))
        place = f"scorer {entry.label!r}, parameter {name!r}"
        if one and not isinstance(given, list):
            found = [Item(given, where, item.folder)]  # type: ignore[arg-type] # it is parsed next
        elif not one and isinstance(given, list):
            found = items(given, where, item.folder)  # type: ignore[arg-type] # so are these
        else:
            with told_at(where):
                raise PromptlabError(
                    f"{place}: must be {field.parameter.type_text}, not {shown(given)}"
                )
        with placed(place):
            parsed = [_parsed(part) for part in found]
        bound = tuple(self._part(entry, *pair) for pair in zip(parsed, found, strict=True))
        if takes_verdicts(_annotation(field)):
            for part, item in zip(bound, found, strict=True):
                _require_verdict(part, entry, item)
        return Parts(field.parameter.key, bound, one)

    def _part(self, whole: Entry, entry: Entry, item: Item) -> BoundScorer:
        bound = self.bind(entry, item)
        spec = bound.spec
        wrong = (REDUCE_KEY, spec.reduce != MEAN), (LARGEST_KEY, spec.largest is not None)
        for key in [key for key, given in wrong if given]:
            with told_at(item.inside, key):
                raise PromptlabError(
                    f"{key} of {spec.label!r} has no effect within {whole.label!r}",
                    hint=f"set it for {whole.label!r}",
                )
        return bound


def _require_verdict(part: BoundScorer, whole: Entry, item: Item) -> None:
    """Refuse a part that gives a number without a bound."""
    if part.bounds == NO_BOUNDS and gives_a_number(part.scorer.function):
        with told_at(item.where):
            raise PromptlabError(
                f"{part.spec.label!r} gives a number, and {whole.name} takes verdicts",
                hint="set what passes, such as at_least: 0.8",
            )


def _annotation(field: Field) -> object:
    return field.parameter.annotation


def _written(field: Field, parts: Parts) -> dict[str, Json]:
    """Return the scorers that another is made of as a suite writes them."""
    written: list[Json] = [_entry_of(part.spec) for part in parts.scorers]
    return {field.parameter.name: written[0] if parts.one else written}


def _entry_of(spec: ScorerSpec) -> Json:
    usual = spec.label == spec.name.rpartition(":")[2]
    return {spec.name: {**spec.params, **({} if usual else {LABEL_KEY: spec.label})}}

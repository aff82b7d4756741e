"""From a suite's scorer entry to a scorer that is ready to grade: named, checked, filled in.

A parameter's value is checked against the function's annotation as soon as it is known: a plain
value when the suite is read, one with `{{ ... }}` for every case before the first model call.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from promptlab.core.digest import canonical_json
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.plugins import unknown
from promptlab.core.types import BackendSpec, Case, Json, Score, ScorerSpec
from promptlab.scorers.asking import Ask, backends_named, flaw_of, names_backend
from promptlab.scorers.decorator import Scorer
from promptlab.scorers.entries import (
    Entry,
    Where,
    apart,
    parse_scorer_entry,
    refuse_same_labels,
    told_at,
    within_item,
)
from promptlab.scorers.fill import Blank, blank
from promptlab.scorers.identity import identity_of, with_backends
from promptlab.scorers.parameters import Field, WrongValue, fields_of
from promptlab.scorers.registry import get_scorer
from promptlab.scorers.running import TIME_LIMIT_S, Run, failed_score, runner
from promptlab.scorers.sample import Sample


@dataclass(frozen=True, slots=True)
class BoundScorer:
    """A scorer with its parameters. `spec` is what a run stores about it.

    `fixed` are the parameters that are the same for every case, by the function's own names.
    `backends` are the names of those it may ask, besides the one whose answers it grades, `where`
    is where its parameters are told to be wrong.
    """

    spec: ScorerSpec
    scorer: Scorer
    fixed: Mapping[str, Any]
    blanks: tuple[tuple[Field, Blank], ...]
    run: Run
    backends: tuple[str, ...] = ()
    where: Where | None = None

    def asks(self, sample: Sample) -> list[Ask]:
        """Return its questions to a model, whether or not they are already answered.

        Raise `PromptlabError` if they cannot be determined.
        """
        if self.scorer.asks is None:
            return []
        params = self.prepare(sample.case)
        place = f"scorer {self.spec.label!r}, case {sample.case.id!r}"
        with foreign(f"{place}: its asks fail"):
            asks = list(self.scorer.asks(sample, **params))
            flaws = [flaw_of(ask) for ask in asks]
        for ask, flaw in zip(asks, flaws, strict=True):
            self._check_ask(ask, flaw, place)
        return asks

    def asks_ahead(self, sample: Sample) -> list[Ask]:
        """Return what it will ask, given only a stand-in for the output.

        A function that reads the output may fail on that but not on a model's answer.
        """
        try:
            with told_at(self.where):
                return self.asks(sample)
        except PromptlabError as error:
            if self.scorer.reads_output and error.__cause__ is not None:
                return []
            raise

    def _check_ask(self, ask: Ask, flaw: str | None, place: str) -> None:
        if flaw is not None:
            raise PromptlabError(f"{place}: it asks {reprlib.repr(ask)}: {flaw}")
        if "" in ask.continuations:
            raise PromptlabError(
                f"{place}: there is an empty answer to weigh",
                hint="name one answer or more, none of them empty",
            )
        if ask.backend is not None and ask.backend not in self.backends:
            raise PromptlabError(
                f"{place}: it asks the backend {ask.backend!r}, which none of its parameters names",
                hint="annotate the parameter as promptlab.BackendName",
            )

    def prepare(self, case: Case) -> Mapping[str, Any]:
        """Return the parameters for this case. Raise `PromptlabError` if they do not fit."""
        if not self.blanks:
            return self.fixed
        params = self._filled(case, self.where)
        place = f"scorer {self.spec.label!r}, case {case.id!r}"
        _check_together(self.scorer, params, place, self.where)
        return params

    async def score(self, sample: Sample) -> Score:
        """Grade a sample; any error is a failed score.

        A synchronous built-in scorer never suspends, so awaiting it does not yield to the loop.
        """
        try:
            params = self._filled(sample.case) if self.blanks else self.fixed
        except PromptlabError as error:
            return failed_score(error)
        score = await self.run(sample, params)
        return self._explained(score, sample) if score.value is None else score

    def _explained(self, score: Score, sample: Sample) -> Score:
        """Add to a failed score what prevented the scorer from asking, if anything did."""
        try:
            self.asks(sample)
        except PromptlabError as error:
            return failed_score(error.__cause__ or error)
        return score

    def _filled(self, case: Case, where: Where | None = None) -> dict[str, Any]:
        params = dict(self.fixed)
        for field, fill in self.blanks:
            try:
                params[field.parameter.key] = field.parse(fill(case))
            except PromptlabError:
                name = field.parameter.name
                place = f"{_place(self.spec.label, name)}, case {case.id!r}"
                with told_at(where, name), _placed(place):
                    raise
        return params


def bind(
    entries: Iterable[str | Mapping[str, Any] | ScorerSpec],
    root: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    *,
    where: Where | None = None,
) -> tuple[BoundScorer, ...]:
    """Bind every scorer of a suite or of a stored run, each with a unique label.

    `where` returns the place of what stands at a path within the entries, for errors.
    """
    entries = list(entries)
    parsed: list[Entry] = []
    for number, entry in enumerate(entries):
        with told_at(where, number):
            parsed.append(parse_scorer_entry(entry))
    refuse_same_labels(parsed, where)
    return tuple(
        _bind_one(entry, root, time_limit_s, within_item(where, number, given))
        for number, (entry, given) in enumerate(zip(parsed, entries, strict=True))
    )


def knowing(
    scorers: Iterable[BoundScorer], backends: Iterable[BackendSpec]
) -> tuple[BoundScorer, ...]:
    """Add the backends that scorers ask to the scorers' identities."""
    digests = {spec.name: spec.digest for spec in backends}
    return tuple(_knowing(scorer, digests) if scorer.backends else scorer for scorer in scorers)


def _knowing(scorer: BoundScorer, digests: Mapping[str, str]) -> BoundScorer:
    used = {name: digests[name] for name in scorer.backends}
    spec = replace(scorer.spec, identity=with_backends(scorer.spec.identity, used))
    return replace(scorer, spec=spec)


def _bind_one(
    entry: Entry, root: Path | None, time_limit_s: float, where: Where | None
) -> BoundScorer:
    with told_at(where):
        return _bound(entry, root, time_limit_s, where)


def _bound(
    entry: Entry, root: Path | None, time_limit_s: float, where: Where | None
) -> BoundScorer:
    scorer = get_scorer(entry.name, root)
    with foreign(f"scorer {entry.label!r} cannot be read", passing=(PromptlabError,)):
        fields = fields_of(scorer.function)  # its annotations may be strings, which are evaluated
    entry = apart(entry, fields, where)
    given = _as_json(entry, fields)
    _refuse_wrong_names(entry.label, fields, given, where)
    fixed: dict[str, Any] = {}
    blanks: list[tuple[Field, Blank]] = []
    for name, field in fields.items():
        with told_at(where, name), _placed(_place(entry.label, name)):
            fill = blank(given.get(name, field.parameter.default))
            if fill is not None:
                _refuse_blank_backend(field)
                blanks.append((field, fill))
            elif name in given:
                fixed[field.parameter.key] = field.parse(given[name])
            else:
                fixed[field.parameter.key] = field.parameter.default
    if not blanks:
        _check_together(scorer, fixed, f"scorer {entry.label!r}", where)
    spec = ScorerSpec(
        label=entry.label,
        name=scorer.name,
        version=scorer.version,
        params=given,
        judge=scorer.judge,
        identity=identity_of(scorer, root),
        reduce=entry.reduce,
        largest=entry.largest,
    )
    named = [fixed[f.parameter.key] for f in fields.values() if _names_backend(f)]
    backends = tuple(dict.fromkeys(name for value in named for name in backends_named(value)))
    run = runner(scorer, time_limit_s)
    return BoundScorer(spec, scorer, fixed, tuple(blanks), run, backends, where)


def _names_backend(field: Field) -> bool:
    return names_backend(field.parameter.annotation)


def _refuse_blank_backend(field: Field) -> None:
    """Refuse a backend that would differ between cases: a plan names all of its backends."""
    if _names_backend(field):
        raise PromptlabError(
            "the name of a backend cannot be filled in from the case", hint="write the name itself"
        )


def _as_json(entry: Entry, fields: Mapping[str, Field]) -> dict[str, Json]:
    """Return the parameters as plain JSON, to be stored and digested (a YAML date is text)."""
    try:
        params = {
            name: fields[name].as_written(value) if name in fields else value
            for name, value in entry.params.items()
        }
        given: dict[str, Json] = from_json(to_json(params))
        canonical_json(given)
    except ValueError as error:
        raise PromptlabError(
            f"scorer {entry.label!r} has a parameter that is not JSON: {error}"
        ) from None
    return given


def _refuse_wrong_names(
    label: str, fields: Mapping[str, Field], given: Mapping[str, Json], where: Where | None
) -> None:
    for name in given:
        if name not in fields:
            with told_at(where, name), _placed(f"scorer {label!r}"):
                raise unknown("parameter", name, fields)
    for name, field in fields.items():
        if field.parameter.required and name not in given:
            raise PromptlabError(
                f"scorer {label!r} needs the parameter {name!r}",
                hint=f"it is {field.parameter.type_text}: {field.parameter.help}".rstrip(": "),
            )


def _check_together(
    scorer: Scorer, params: Mapping[str, Any], place: str, where: Where | None
) -> None:
    if scorer.check is None:
        return
    known = (ValueError, PromptlabError)
    fails = foreign(f"{place}: the check of {scorer.name} fails", passing=known)
    with told_at(where):
        try:
            with nullcontext() if scorer.built_in else fails:
                scorer.check(**params)
        except ValueError as error:
            raise PromptlabError(f"{place}: {error}") from error


def _place(label: str, parameter: str) -> str:
    return f"scorer {label!r}, parameter {parameter!r}"


@contextmanager
def _placed(place: str) -> Iterator[None]:
    """Begin the message of an error with what it is about."""
    try:
        yield
    except PromptlabError as error:
        placed = error.saying(f"{place}: {error.message}")
        if isinstance(error, WrongValue) and isinstance(placed, WrongValue):
            placed.path = error.path
        raise placed from error

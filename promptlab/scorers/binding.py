"""From a suite's scorer entry to a scorer that is ready to grade: named, checked, filled in.

    exact_match                                     by name alone
    exact_match: {ignore_case: true}                with parameters
    my_module:my_scorer: {name: tone, level: 3}     the user's own, under a label of its own

A parameter's value is checked against the function's annotation as soon as it is known: a plain
one when the suite is read, one that holds `{{ ... }}` for every case before the first model call.
"""

from __future__ import annotations

import re
import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from promptlab.core.digest import canonical_json
from promptlab.core.errors import PromptlabError
from promptlab.core.foreign import foreign
from promptlab.core.plugins import unknown
from promptlab.core.types import Case, Json, Score, ScorerSpec
from promptlab.scorers import Sample, Scorer, get_scorer
from promptlab.scorers.fill import Blank, blank
from promptlab.scorers.identity import identity_of
from promptlab.scorers.parameters import Field, fields_of
from promptlab.scorers.running import TIME_LIMIT_S, Run, failed_score, runner

_LABEL = re.compile(r"\w[\w.-]*")
_LABEL_KEY = "name"  # the one parameter that is ours: no scorer can have it


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a suite's `scorers`, read but not yet looked up."""

    name: str
    label: str
    params: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class BoundScorer:
    """A scorer with its parameters. `spec` is what a run keeps of it.

    `fixed` are the parameters that are the same for every case, by the function's own names.
    """

    spec: ScorerSpec
    scorer: Scorer
    fixed: Mapping[str, Any]
    blanks: tuple[tuple[Field, Blank], ...]
    run: Run

    @property
    def weighs(self) -> bool:
        """Tell whether it wants to know how likely given answers are."""
        return self.scorer.continuations is not None

    def continuations(self, case: Case) -> tuple[str, ...]:
        """Return the answers to this case that it wants weighed, none where it wants to know none.

        Raise `PromptlabError` where they cannot be told.
        """
        if self.scorer.continuations is None:
            return ()
        params, place = self.prepare(case), f"scorer {self.spec.label!r}, case {case.id!r}"
        with foreign(f"{place}: its continuations fail"):
            texts = self.scorer.continuations(**params)
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise PromptlabError(
                f"{place}: its continuations are {reprlib.repr(texts)}, not a list of texts"
            )
        if not texts or "" in texts:
            raise PromptlabError(
                f"{place}: there is an empty answer to weigh",
                hint="name one answer or more, none of them empty",
            )
        return tuple(texts)

    def prepare(self, case: Case) -> Mapping[str, Any]:
        """Return the parameters for this case. Raise `PromptlabError` where they do not fit."""
        if not self.blanks:
            return self.fixed
        params = self._filled(case)
        _check_together(self.scorer, params, f"scorer {self.spec.label!r}, case {case.id!r}")
        return params

    async def score(self, sample: Sample) -> Score:
        """Grade a sample; whatever goes wrong is a failed score.

        A synchronous scorer of ours never suspends, so awaiting it costs no turn of the loop.
        """
        try:
            params = self._filled(sample.case) if self.blanks else self.fixed
        except PromptlabError as error:
            return failed_score(error)
        return await self.run(sample, params)

    def _filled(self, case: Case) -> dict[str, Any]:
        params = dict(self.fixed)
        for field, fill in self.blanks:
            try:
                params[field.parameter.key] = field.parse(fill(case))
            except PromptlabError as error:
                place = _place(self.spec.label, field.parameter.name)
                raise _placed(error, f"{place}, case {case.id!r}") from error
        return params


def bind(
    entries: Iterable[str | Mapping[str, Any] | ScorerSpec],
    root: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> tuple[BoundScorer, ...]:
    """Bind every scorer of a suite or of a stored run, each under a label of its own."""
    parsed = [parse_scorer_entry(entry) for entry in entries]
    for label, count in Counter(entry.label for entry in parsed).items():
        if count > 1:
            raise PromptlabError(
                f"{count} scorers are called {label!r}",
                hint=f"give each its own name, such as {_LABEL_KEY}: {label}_2",
            )
    return tuple(_bind_one(entry, root, time_limit_s) for entry in parsed)


def parse_scorer_entry(entry: str | Mapping[str, Any] | ScorerSpec) -> Entry:
    """Read one item of a suite's `scorers`, or a stored scorer."""
    if isinstance(entry, ScorerSpec):
        return Entry(entry.name, entry.label, entry.params)
    if isinstance(entry, str):
        entry = {entry: None}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise _misread(entry)
    [(name, params)] = entry.items()
    params = {} if params is None else params
    if not isinstance(name, str) or not isinstance(params, Mapping):
        raise _misread(entry)
    label = params.get(_LABEL_KEY, name.rpartition(":")[2])
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise PromptlabError(
            f"scorer {name!r} cannot be called {label!r}",
            hint="a name is made of letters, digits, '_', '-' and '.'",
        )
    return Entry(name, label, {key: value for key, value in params.items() if key != _LABEL_KEY})


def _bind_one(entry: Entry, root: Path | None, time_limit_s: float) -> BoundScorer:
    scorer = get_scorer(entry.name, root)
    given = _as_json(entry)
    with foreign(f"scorer {entry.label!r} cannot be read", passing=(PromptlabError,)):
        fields = fields_of(scorer.function)  # its annotations may be texts, which are evaluated
    _refuse_wrong_names(entry.label, fields, given)
    fixed: dict[str, Any] = {}
    blanks: list[tuple[Field, Blank]] = []
    for name, field in fields.items():
        try:
            fill = blank(given.get(name, field.parameter.default))
            if fill is not None:
                blanks.append((field, fill))
            elif name in given:
                fixed[field.parameter.key] = field.parse(given[name])
            else:
                fixed[field.parameter.key] = field.parameter.default
        except PromptlabError as error:
            raise _placed(error, _place(entry.label, name)) from error
    if not blanks:
        _check_together(scorer, fixed, f"scorer {entry.label!r}")
    spec = ScorerSpec(
        label=entry.label,
        name=scorer.name,
        version=scorer.version,
        params=given,
        judge=scorer.judge,
        identity=identity_of(scorer, root),
    )
    return BoundScorer(spec, scorer, fixed, tuple(blanks), runner(scorer, time_limit_s))


def _as_json(entry: Entry) -> dict[str, Json]:
    """Return the parameters as plain JSON: they are stored and digested (a YAML date is text)."""
    try:
        given: dict[str, Json] = from_json(to_json(entry.params))
        canonical_json(given)
    except ValueError as error:
        raise PromptlabError(
            f"scorer {entry.label!r} has a parameter that is not JSON: {error}"
        ) from None
    return given


def _refuse_wrong_names(label: str, fields: Mapping[str, Field], given: Mapping[str, Json]) -> None:
    for name in given:
        if name not in fields:
            raise _placed(unknown("parameter", name, fields), f"scorer {label!r}")
    for name, field in fields.items():
        if field.parameter.required and name not in given:
            raise PromptlabError(
                f"scorer {label!r} needs the parameter {name!r}",
                hint=f"it is {field.parameter.type_text}: {field.parameter.help}".rstrip(": "),
            )


def _check_together(scorer: Scorer, params: Mapping[str, Any], place: str) -> None:
    if scorer.check is None:
        return
    known = (ValueError, PromptlabError)
    try:
        with nullcontext() if scorer.ours else foreign(f"{place}: its check fails", passing=known):
            scorer.check(**params)
    except ValueError as error:
        raise PromptlabError(f"{place}: {error}") from error


def _place(label: str, parameter: str) -> str:
    return f"scorer {label!r}, parameter {parameter!r}"


def _placed(error: PromptlabError, place: str) -> PromptlabError:
    return PromptlabError(f"{place}: {error.message}", hint=error.hint)


def _misread(entry: object) -> PromptlabError:
    return PromptlabError(
        f"{entry!r} is not a scorer with its parameters",
        hint="write it as 'exact_match' or as 'exact_match: {ignore_case: true}', one to an item",
    )

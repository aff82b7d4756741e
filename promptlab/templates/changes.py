"""What changed between two texts, one change at a time, and the texts that have some of them.

A change is a hunk: an edit, or several that no template has apart. Knows neither files nor the
store.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from jinja2 import TemplateSyntaxError

from promptlab.core.errors import PromptlabError
from promptlab.core.types import TemplateSource
from promptlab.templates.affected import essence, keeps_breaks, make_source, renders_the_same
from promptlab.templates.edits import (
    Edit,
    applied,
    edits_between,
    has_long_comment,
    keys_of,
    names,
    reached,
    split_text,
    with_keys,
)
from promptlab.templates.fences import body_of
from promptlab.templates.template import Template

_FEW = 8  # changes of which each is tried alone where the edits do not tell
_TOGETHER = 3  # practices that are switched off together
Numbers = frozenset[int]
_Texts = tuple[str, str, Mapping[str, str]]
"""Front matter with its fences, body, and the files that it includes."""


@dataclass(frozen=True, slots=True)
class Change:
    """A hunk by its number, from 1. It has several edits where no template has only some of them.

    A `silent` one changes no prompt and no setting: a comment, the tags of a practice.
    """

    number: int
    edits: tuple[Edit, ...]
    silent: bool = False

    @property
    def is_sampling(self) -> bool:
        """Return whether it changes how answers are sampled."""
        return any((edit.key or "").startswith("sampling.") for edit in self.edits)

    @property
    def has_practice(self) -> bool:
        """Return whether it puts in or takes out the tag of a practice."""
        return any("practice" in text for edit in self.edits for _, text, _ in edit.lines)


class Changes:
    """The changes from one text to another."""

    def __init__(self, a: Template, b: Template) -> None:
        """Compare two versions. Passages come first, in the order of the file."""
        self.a, self.b = a, b
        self._breaks = _breaks(a.source)
        self._known: dict[Numbers, object] = {}
        self._alone: dict[tuple[object, ...], bool] = {}
        self._long_comment = any(
            has_long_comment(body_of(each.source.source), *each.source.includes.values())
            for each in (a, b)
        )
        groups = self._joined([*edits_between(a.source, b.source)])
        self.all = tuple(Change(place, tuple(group)) for place, group in enumerate(groups, 1))
        self.all = tuple(replace(one, silent=self._is_silent(one)) for one in self.all)

    @property
    def loud(self) -> tuple[Change, ...]:
        """Return the changes that an answer may depend on."""
        return tuple(change for change in self.all if not change.silent)

    @property
    def between(self) -> tuple[Numbers, ...]:
        """Return the texts that tell the changes apart, beside the two: the first with each alone.

        Of two changes the second is what then leads to the second text.
        """
        alone = tuple(frozenset({change.number}) for change in self.loud)
        return alone[:1] if len(alone) == 2 else alone if len(alone) > 2 else ()

    def text(self, numbers: Collection[int]) -> TemplateSource:
        """Return the first text with these changes."""
        front, body, files = self._texts(self._edits(numbers))
        a = self.a.source
        return make_source(a.name, a.version, front + body, dict(files), keeps_breaks=self._breaks)

    def place_of(self, source: TemplateSource, off: Collection[str] = ()) -> Numbers | None:
        """Return the loud changes with which the first text sends the same as another, if any do.

        Practices in `off` are left out of the other.
        """
        try:
            found = [*edits_between(self.a.source, source)]
            if not off and (place := self._same_text(source, found)) is not None:
                return place & self._loud
            wanted = None
            for numbers in self._candidates(source, found, off):
                wanted = signature(source, off) if wanted is None else wanted
                if self._signature(numbers) == wanted:
                    return numbers & self._loud
        except (PromptlabError, TemplateSyntaxError):  # a text that this version cannot read
            pass
        return None

    def alone_between(self, x: TemplateSource, y: TemplateSource) -> int | None:
        """Return the one loud change that makes `y` of `x`, wherever in the text it stands."""
        try:
            found = [edit.what for edit in edits_between(x, y)]
        except PromptlabError:
            return None
        for change in self.loud:
            if [edit.what for edit in change.edits] == found:
                return change.number
        return None

    @property
    def _loud(self) -> Numbers:
        return frozenset(change.number for change in self.loud)

    @property
    def _every(self) -> Numbers:
        return frozenset(change.number for change in self.all)

    def _edits(self, numbers: Collection[int]) -> list[Edit]:
        return [edit for one in self.all if one.number in numbers for edit in one.edits]

    def _with(self, found: Collection[Edit]) -> Numbers:
        """Return the changes of which all edits are among these."""
        at = {edit.at for edit in found}
        return frozenset(one.number for one in self.all if all(e.at in at for e in one.edits))

    def _same_text(self, source: TemplateSource, found: Sequence[Edit]) -> Numbers | None:
        """Return the changes that make the very text, as far as their edits or trying tell."""
        if _breaks(source) != self._breaks:
            return None
        numbers = self._with(found)
        tried = [numbers]
        if len(self.all) <= _FEW:
            tried += [frozenset(some) for n in (1,) for some in combinations(self._every, n)]
            tried += [self._every - some for some in tried[1:]]
        wanted = body_of(source.source), dict(source.includes), keys_of(source)
        for each in (*tried, frozenset[int](), self._every):
            edits = self._edits(each)
            _, body, files = self._texts(edits)
            if (body, files) == wanted[:2] and self._keys(edits) == wanted[2]:
                return each
        return None

    def _candidates(
        self, source: TemplateSource, found: Sequence[Edit], off: Collection[str]
    ) -> Iterator[Numbers]:
        """Yield the changes with which a text that is written otherwise may send the same."""
        numbers = self._with(found)
        practices = [one.number for one in self.all if one.has_practice] if off else []
        of_others = [edit for edit in found if edit.at not in {e.at for e in self._edits(numbers)}]
        texts = (body_of(source.source), *source.includes.values())
        comment = self._long_comment or has_long_comment(*texts)
        if off or comment or all(edit.may_be_silent for edit in of_others):
            for size in range(min(len(practices), _TOGETHER) + 1):
                for some in combinations(practices, size):
                    yield numbers ^ frozenset(some)

    def _is_silent(self, change: Change) -> bool:
        if not self._long_comment and not all(edit.may_be_silent for edit in change.edits):
            return False
        return self._signature(frozenset({change.number})) == self._signature(frozenset())

    def _signature(self, numbers: Numbers) -> object:
        if numbers not in self._known:
            edits = self._edits(numbers)
            _, body, files = self._texts(edits)
            try:
                self._known[numbers] = _sent(self._keys(edits), self._breaks, body, files)
            except TemplateSyntaxError:
                self._known[numbers] = numbers  # no template: equal to nothing
        return self._known[numbers]

    def _keys(self, edits: Sequence[Edit]) -> dict[str, object]:
        keys = {**keys_of(self.a.source), **{e.key: e.b for e in edits if e.key is not None}}
        return {key: value for key, value in keys.items() if value is not None}

    def _joined(self, edits: Sequence[Edit]) -> list[list[Edit]]:
        """Group the edits so that each group makes a template of the first text."""
        groups = [[edit] for edit in edits if not edit.whole]
        for edit in (edit for edit in edits if edit.whole):
            naming = (group for group in groups if any(names(one, edit) for one in group))
            found = next(naming, None)
            if found is None:
                groups.append([edit])
            else:
                found.append(edit)
        place = 0
        while place < len(groups) and len(groups) > 1:
            if self._is_template(groups[place]):
                place += 1
                continue
            others = sorted(
                (at for at in range(len(groups)) if at != place), key=lambda at: abs(at - place)
            )
            fitting = (at for at in others if self._is_template(groups[place] + groups[at]))
            other = next(fitting, others[0])
            first, last = sorted((place, other))
            groups[first] += groups.pop(last)
            place = 0
        return groups

    def _is_template(self, edits: Sequence[Edit]) -> bool:
        """Return whether the first text with these edits is a template of the same variables."""
        both = sorted({*self.a.variables} & {*self.b.variables})
        if all(edit.is_plain(both) for edit in edits):
            return True
        at = tuple(edit.at for edit in edits)
        if at not in self._alone:
            known = {*self.a.variables, *self.b.variables}
            front, body, files = self._texts(edits)
            a = self.a.source
            try:
                source = make_source(a.name, a.version, front + body, dict(files))
                self._alone[at] = known.issuperset(Template(source).variables)
            except PromptlabError:
                self._alone[at] = False
        return self._alone[at]

    def _texts(self, edits: Sequence[Edit]) -> _Texts:
        a = self.a.source
        head, body = split_text(a.source)
        keys = {edit.key: edit.b for edit in edits if edit.key is not None}
        front = head if not keys else with_keys(self.a.front, keys)
        own = [edit.hunk for edit in edits if edit.path is None and edit.hunk is not None]
        body = applied(body, own, head.count("\n") + 1)
        files: dict[str, str] = {**self.b.source.includes, **a.includes}
        for path in a.includes:
            hunks = [edit.hunk for edit in edits if edit.path == path and not edit.whole]
            files[path] = applied(files[path], [hunk for hunk in hunks if hunk is not None], 1)
        return front, body, reached(body, files)


def signature(source: TemplateSource, off: Collection[str] = ()) -> object:
    """Return what the calls of a text depend on, with practices left out; see `affected.essence`.

    Raise PromptlabError or TemplateSyntaxError where it cannot be read.
    """
    keys, breaks = keys_of(source), _breaks(source)
    return _sent(keys, breaks, body_of(source.source), source.includes, off)


def _sent(
    keys: Mapping[str, object],
    breaks: bool,
    body: str,
    files: Mapping[str, str],
    off: Collection[str] = (),
) -> object:
    texts = {"": body, **files}
    sent = tuple((path, essence(text, off, breaks=breaks)) for path, text in sorted(texts.items()))
    return json.dumps(keys, sort_keys=True), breaks, sent


def _breaks(source: TemplateSource) -> bool:
    """Return whether a text is rendered as today: older ones may have lost line breaks."""
    texts = (body_of(source.source), *source.includes.values())
    return keeps_breaks(source) or all(map(renders_the_same, texts))

"""What changed between two texts, one change at a time, and the texts that have some of them.

A change is a hunk: a passage of the version's own file, below its front matter, or of a file that
it includes, or a key of the front matter that answers depend on. Knows neither files nor the store.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jinja2 import TemplateSyntaxError

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Json, TemplateSource
from promptlab.templates.affected import essence, keeps_breaks, make_source, renders_the_same
from promptlab.templates.fences import FRONT, body_of
from promptlab.templates.front_matter import FrontMatter, split_front_matter
from promptlab.templates.template import Template
from promptlab.templates.text_diff import Hunk, diff_texts, lines_of

_PARTS = {"sampling": None, "output": ("schema",)}
"""The keys of the front matter of which answers depend on the parts, None for all of these; of the
other keys, on `inputs` as a whole."""
Numbers = frozenset[int]


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference between two texts: a passage of a file, or a key of the front matter.

    `path` is that of an included file below `templates/`, None for the version's own file; `whole`
    says that only one of the texts includes it. A `key` is `a` in the first text and `b` in the
    second, None where it is not set.
    """

    hunk: Hunk | None = None
    path: str | None = None
    whole: bool = False
    key: str | None = None
    a: Json = None
    b: Json = None

    @property
    def lines(self) -> tuple[tuple[str, str, bool], ...]:
        """Return the lines that it takes out and puts in."""
        hunk = self.hunk
        return () if hunk is None else tuple((x.op, x.text, x.newline) for x in hunk.lines)

    @property
    def at(self) -> object:
        """Return what tells it from every other edit of the same first text."""
        return self.what, None if self.hunk is None else self.hunk.start_a

    @property
    def what(self) -> object:
        """Return what it does, wherever that is."""
        return self.path, self.key, json.dumps([self.a, self.b], sort_keys=True), self.lines


@dataclass(frozen=True, slots=True)
class Change:
    """A hunk by its number, from 1. It has several edits where no template has only some of them.

    A `silent` one changes no prompt and no setting: a comment, the name of nothing that is sent.
    """

    number: int
    edits: tuple[Edit, ...]
    silent: bool = False

    @property
    def is_sampling(self) -> bool:
        """Return whether it changes how answers are sampled."""
        return any((edit.key or "").startswith("sampling.") for edit in self.edits)


class Changes:
    """The changes from one text to another."""

    def __init__(self, a: Template, b: Template) -> None:
        """Compare two versions. Passages come first, in the order of the file."""
        self.a, self.b = a, b
        self._breaks = _breaks(a.source)
        self._known: dict[Numbers, object] = {}
        groups = self._joined([*edits_between(a.source, b.source)])
        self.all = tuple(Change(place, tuple(group)) for place, group in enumerate(groups, 1))
        none = self._signature(frozenset())
        silent = {one.number for one in self.all if self._signature({one.number}) == none}
        self.all = tuple(replace(one, silent=one.number in silent) for one in self.all)

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
        edits = [edit for one in self.all if one.number in numbers for edit in one.edits]
        return self._text(edits)

    def place_of(self, source: TemplateSource, off: Collection[str] = ()) -> Numbers | None:
        """Return the loud changes with which the first text sends the same as another, if any do.

        Practices in `off` are left out of the other.
        """
        try:
            wanted = signature(source, off)
        except (PromptlabError, TemplateSyntaxError):  # a text that this version cannot read
            return None
        loud = frozenset(change.number for change in self.loud)
        for numbers in self._candidates(source, off):
            if self._signature(numbers) == wanted:
                return numbers & loud
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

    def _candidates(self, source: TemplateSource, off: Collection[str]) -> Iterator[Numbers]:
        every = frozenset(change.number for change in self.all)
        if not off:
            found = {edit.at for edit in edits_between(self.a.source, source)}
            yield frozenset(
                one.number for one in self.all if all(edit.at in found for edit in one.edits)
            )
        yield frozenset()
        yield every
        for number in sorted(every):
            yield frozenset({number})
            yield every - {number}

    def _signature(self, numbers: Collection[int]) -> object:
        wanted = frozenset(numbers)
        if wanted not in self._known:
            try:
                self._known[wanted] = signature(self.text(wanted))
            except (PromptlabError, TemplateSyntaxError):
                self._known[wanted] = wanted  # no template: equal to nothing
        return self._known[wanted]

    def _joined(self, edits: Sequence[Edit]) -> list[list[Edit]]:
        """Group the edits so that each group makes a template of the first text."""
        groups = [[edit] for edit in edits if not edit.whole]
        for edit in (edit for edit in edits if edit.whole):
            naming = (group for group in groups if any(_names(one, edit) for one in group))
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
        known = {*self.a.variables, *self.b.variables}
        try:
            return known.issuperset(Template(self._text(edits)).variables)
        except PromptlabError:
            return False

    def _text(self, edits: Sequence[Edit]) -> TemplateSource:
        a = self.a.source
        head, body = _split(a.source)
        keys = {edit.key: edit.b for edit in edits if edit.key is not None}
        front = head if not keys else _front(self.a.front, keys)
        own = [edit.hunk for edit in edits if edit.path is None and edit.hunk is not None]
        body = _applied(body, own, head.count("\n") + 1)
        files: dict[str, str] = {**self.b.source.includes, **a.includes}
        for path in a.includes:
            hunks = [edit.hunk for edit in edits if edit.path == path and not edit.whole]
            files[path] = _applied(files[path], [hunk for hunk in hunks if hunk is not None], 1)
        included = _reached(body, files)
        return make_source(a.name, a.version, front + body, included, keeps_breaks=self._breaks)


def edits_between(a: TemplateSource, b: TemplateSource) -> Iterator[Edit]:
    """Yield what differs between two texts: passages, then included files, then keys."""
    (head_a, body_a), (head_b, body_b) = _split(a.source), _split(b.source)
    lines_a, lines_b = head_a.count("\n") + 1, head_b.count("\n") + 1
    for hunk in diff_texts(body_a, body_b, context=0, first_a=lines_a, first_b=lines_b):
        yield Edit(hunk)
    for path in sorted({*a.includes, *b.includes}):
        one, other = a.includes.get(path), b.includes.get(path)
        whole = one is None or other is None
        for hunk in diff_texts(one or "", other or "", context=0):
            yield Edit(hunk, path, whole)
    keys_a, keys_b = _keys(a), _keys(b)
    for key in dict.fromkeys([*keys_a, *keys_b]):
        if keys_a.get(key) != keys_b.get(key):
            yield Edit(key=key, a=keys_a.get(key), b=keys_b.get(key))


def signature(source: TemplateSource, off: Collection[str] = ()) -> object:
    """Return what the calls of a text depend on, with practices left out; see `affected.essence`.

    Raise PromptlabError or TemplateSyntaxError where it cannot be read.
    """
    breaks = _breaks(source)
    texts = {"": body_of(source.source), **source.includes}
    sent = tuple((path, essence(text, off, breaks=breaks)) for path, text in sorted(texts.items()))
    return json.dumps(_keys(source), sort_keys=True), breaks, sent


def _breaks(source: TemplateSource) -> bool:
    """Return whether a text is rendered as today: older ones may have lost line breaks."""
    texts = (body_of(source.source), *source.includes.values())
    return keeps_breaks(source) or all(map(renders_the_same, texts))


def _split(text: str) -> tuple[str, str]:
    """Return a text's front matter with its fences, and its body."""
    match = FRONT.match(text)
    end = match.end() if match else 0
    return text[:end], text[end:]


def _keys(source: TemplateSource) -> dict[str, Json]:
    """Return the keys of the front matter that answers depend on."""
    front = _set_keys(split_front_matter(source.source, source.version)[0])
    keys: dict[str, Json] = {"inputs": front["inputs"]} if "inputs" in front else {}
    for outer, parts in _PARTS.items():
        held = front.get(outer)
        if isinstance(held, Mapping):
            keys |= {f"{outer}.{k}": v for k, v in held.items() if parts is None or k in parts}
    return keys


def _set_keys(front: FrontMatter) -> dict[str, Json]:
    dumped: dict[str, Json] = front.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dumped


def _front(front: FrontMatter, keys: Mapping[str, Json]) -> str:
    """Return front matter with these keys set, or left out where they are None."""
    values = _set_keys(front)
    for key, value in keys.items():
        outer, _, inner = key.partition(".")
        whole = values.get(outer)
        held = {**whole, inner: value} if isinstance(whole, Mapping) and inner else {inner: value}
        values[outer] = {k: v for k, v in held.items() if v is not None} if inner else value
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()]
    return "".join(["---\n", *(line for line in lines if not line.endswith(": null\n")), "---\n"])


def _applied(text: str, hunks: Sequence[Hunk], first: int) -> str:
    """Return a text with hunks that have no lines around them; it begins at line `first`."""
    lines = lines_of(text)
    for hunk in sorted(hunks, key=lambda hunk: hunk.start_a, reverse=True):
        start = hunk.start_a - first + (hunk.length_a == 0)
        added = (line.text + "\n" * line.newline for line in hunk.lines if line.op == "+")
        lines[start : start + hunk.length_a] = added
    return "".join(lines)


def _reached(body: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files that a text includes, by their literal names."""
    found: dict[str, str] = {}
    texts = [body]
    while texts:
        text = texts.pop()
        for path in files:
            if path not in found and (f'"{path}"' in text or f"'{path}'" in text):
                found[path] = files[path]
                texts.append(files[path])
    return dict(sorted(found.items()))


def _names(edit: Edit, file: Edit) -> bool:
    return any(op != " " and f"{file.path}" in text for op, text, _ in edit.lines)

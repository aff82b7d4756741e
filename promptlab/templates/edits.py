"""Single differences between two texts, and texts put together with some of them.

A difference is a passage of the version's own file, below its front matter, or of a file that it
includes, or a key of the front matter that answers depend on. Knows neither files nor the store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.types import Json, TemplateSource
from promptlab.templates.fences import FRONT
from promptlab.templates.front_matter import FrontMatter, split_front_matter
from promptlab.templates.text_diff import Hunk, diff_texts, lines_of

_PARTS = {"sampling": None, "output": ("schema",)}
"""The keys of the front matter of which answers depend on the parts, None for all of these; of the
other keys, on `inputs` as a whole."""

_UNSENT = re.compile(r"\{#.*?#\}|\{%[-+]?\s*(?:end)?practice\b.*?%\}|\s+", re.DOTALL)
_BRACES = re.compile(r"\{[{%#]|[}%#]\}")
_OPEN_COMMENT = re.compile(r"\{#(?!.*#\})")  # it goes on on the next line


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
    def may_be_silent(self) -> bool:
        """Return whether it may change nothing that is sent: a comment, blanks, a tag."""
        taken, put = ("\n".join(t for op, t, _ in self.lines if op == sign) for sign in "-+")
        return self.key is None and _UNSENT.sub("", taken) == _UNSENT.sub("", put)

    def is_plain(self, variables: Sequence[str]) -> bool:
        """Return whether it has no tag and no expression but one of these variables."""
        one_of = "|".join(map(re.escape, variables)) or "(?!)"
        named = re.compile(rf"\{{\{{\s*(?:{one_of})\s*\}}\}}")
        return not any(_BRACES.search(named.sub("", text)) for _, text, _ in self.lines)

    @property
    def what(self) -> object:
        """Return what it does, wherever that is."""
        return self.path, self.key, json.dumps([self.a, self.b], sort_keys=True), self.lines


def edits_between(a: TemplateSource, b: TemplateSource) -> Iterator[Edit]:
    """Yield what differs between two texts: passages, then included files, then keys."""
    (head_a, body_a), (head_b, body_b) = split_text(a.source), split_text(b.source)
    lines_a, lines_b = head_a.count("\n") + 1, head_b.count("\n") + 1
    for hunk in diff_texts(body_a, body_b, context=0, first_a=lines_a, first_b=lines_b):
        yield Edit(hunk)
    for path in sorted({*a.includes, *b.includes}):
        one, other = a.includes.get(path), b.includes.get(path)
        whole = one is None or other is None
        for hunk in diff_texts(one or "", other or "", context=0):
            yield Edit(hunk, path, whole)
    keys_a, keys_b = keys_of(a), keys_of(b)
    for key in dict.fromkeys([*keys_a, *keys_b]):
        if keys_a.get(key) != keys_b.get(key):
            yield Edit(key=key, a=keys_a.get(key), b=keys_b.get(key))


def split_text(text: str) -> tuple[str, str]:
    """Return a text's front matter with its fences, and its body."""
    match = FRONT.match(text)
    end = match.end() if match else 0
    return text[:end], text[end:]


def keys_of(source: TemplateSource) -> dict[str, Json]:
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


def with_keys(front: FrontMatter, keys: Mapping[str, Json]) -> str:
    """Return front matter with these keys set, or left out where they are None."""
    values = _set_keys(front)
    for key, value in keys.items():
        outer, _, inner = key.partition(".")
        whole = values.get(outer)
        held = {**whole, inner: value} if isinstance(whole, Mapping) and inner else {inner: value}
        values[outer] = {k: v for k, v in held.items() if v is not None} if inner else value
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()]
    return "".join(["---\n", *(line for line in lines if not line.endswith(": null\n")), "---\n"])


def applied(text: str, hunks: Sequence[Hunk], first: int) -> str:
    """Return a text with hunks that have no lines around them; it begins at line `first`."""
    lines = lines_of(text)
    for hunk in sorted(hunks, key=lambda hunk: hunk.start_a, reverse=True):
        start = hunk.start_a - first + (hunk.length_a == 0)
        added = (line.text + "\n" * line.newline for line in hunk.lines if line.op == "+")
        lines[start : start + hunk.length_a] = added
    return "".join(lines)


def reached(body: str, files: Mapping[str, str]) -> dict[str, str]:
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


def names(edit: Edit, file: Edit) -> bool:
    """Return whether an edit puts in or takes out the name of a file."""
    return any(op != " " and f"{file.path}" in text for op, text, _ in edit.lines)


def has_long_comment(*texts: str) -> bool:
    """Return whether a comment has several lines: one of them looks like text."""
    return any(_OPEN_COMMENT.search(text) for text in texts)

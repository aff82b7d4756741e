"""Differences between two versions: text, front matter, practices, variables, size, outputs.

Frozen values made from compiled templates and rendered messages. Knows nothing of files, the
store, backends or the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from promptlab.core.types import Json, Message
from promptlab.templates.front_matter import FrontMatter
from promptlab.templates.template import Template
from promptlab.templates.text_diff import Hunk, align, bag, diff_texts, likeness

_SAME_ROLE = 0.05  # messages of one role are paired even if they share no word
_RENAMED = 0.5  # an included file that shares this much of its words with a new one was renamed
Item = TypeVar("Item")
Conversation = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file of the first version and one of the second; None where there is no counterpart."""

    path_a: str | None
    path_b: str | None
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class KeyDiff:
    """A front matter key that differs; None where it is not set."""

    key: str
    a: Json
    b: Json


@dataclass(frozen=True, slots=True)
class Names:
    """The names (of practices, of variables) that each of two versions has."""

    a: tuple[str, ...]
    b: tuple[str, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """Return the names that only the second has."""
        return tuple(name for name in self.b if name not in self.a)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Return the names that only the first has."""
        return tuple(name for name in self.a if name not in self.b)


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """The differences between the texts of two versions, each `name@version`.

    `files` has only those that differ, first the versions' own files without front matter.
    """

    a: str
    b: str
    digest_a: str
    digest_b: str
    files: tuple[FileDiff, ...]
    front_matter: tuple[KeyDiff, ...]
    practices: Names
    variables: Names

    @property
    def same(self) -> bool:
        """Return whether the versions have exactly the same text."""
        return self.digest_a == self.digest_b


@dataclass(frozen=True, slots=True)
class MessageDiff:
    """A message of one conversation and one of another.

    A role is None where there is no such message. `length` counts the lines of the second message,
    or of the only one.
    """

    role_a: str | None
    role_b: str | None
    length: int
    hunks: tuple[Hunk, ...]


@dataclass(frozen=True, slots=True)
class CaseDiff:
    """The conversations that two versions make of one case of a suite."""

    suite: str
    case_id: str
    messages: tuple[MessageDiff, ...]


@dataclass(frozen=True, slots=True)
class PromptSize:
    """How long the prompts of two versions are, in tokens or characters.

    With a suite: the mean, over `cases` of its `cases_in_suite` cases, of all that a trial sends;
    `stand_ins` means that answers not given yet are counted as a short placeholder text. Without
    one: the length of the template's text. `counted_by` names the backend.
    """

    a: float
    b: float
    unit: Literal["tokens", "characters"]
    counted_by: str | None
    suite: str | None = None
    cases: int | None = None
    cases_in_suite: int | None = None
    stand_ins: bool = False

    @property
    def delta(self) -> float:
        """Return how much longer the second is."""
        return self.b - self.a


def diff_versions(a: Template, b: Template) -> VersionDiff:
    """Compare two versions of one template or of two templates."""
    main = FileDiff(a.file, b.file, _diff_bodies(a, b))
    files = (main, *_diff_includes(a.source.includes, b.source.includes))
    return VersionDiff(
        a=a.reference,
        b=b.reference,
        digest_a=a.source.digest,
        digest_b=b.source.digest,
        files=tuple(
            file for file in files if file.hunks or file.path_a is None or file.path_b is None
        ),
        front_matter=_diff_front_matter(a, b),
        practices=Names(a.practices, b.practices),
        variables=Names(a.variables, b.variables),
    )


def diff_conversations(a: Conversation, b: Conversation) -> tuple[MessageDiff, ...]:
    """Compare two conversations message by message, pairing similar messages of the same role."""
    texts_a, texts_b = [_text(message) for message in a], [_text(message) for message in b]
    bags_a, bags_b = [bag(text) for text in texts_a], [bag(text) for text in texts_b]

    def alike(i: int, j: int) -> float:
        same_role = a[i].role == b[j].role
        return _SAME_ROLE + likeness(bags_a[i], bags_b[j]) if same_role else 0.0

    diffs = []
    for i, j in _in_order(align(len(a), len(b), alike), len(a), len(b)):
        text_a, text_b = "" if i is None else texts_a[i], "" if j is None else texts_b[j]
        diffs.append(
            MessageDiff(
                role_a=None if i is None else a[i].role,
                role_b=None if j is None else b[j].role,
                length=(text_a if j is None else text_b).count("\n"),
                hunks=diff_texts(text_a, text_b),
            )
        )
    return tuple(diffs)


def text_size(messages: Conversation) -> int:
    """Count the characters of a conversation."""
    return sum(len(message.text) for message in messages)


def mean_size(
    prompts: Sequence[Sequence[Conversation]], count: Callable[[Conversation], int | None]
) -> float | None:
    """Return the mean size of what each prompt sends in all its calls; None where one is unknown.

    `prompts` has, for each case, the conversations of its calls.
    """
    sizes = [count(messages) for calls in prompts for messages in calls]
    known = [size for size in sizes if size is not None]
    return sum(known) / len(prompts) if prompts and len(known) == len(sizes) else None


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Choose at most `most` items, evenly spaced."""
    if len(items) <= most:
        return [*items]
    return [items[place * len(items) // most] for place in range(most)]


def whole_text(template: Template) -> str:
    """Return all that a version and its includes may send, unrendered."""
    _, text = _body(template)
    return "".join([text, *template.source.includes.values()])


def _diff_bodies(a: Template, b: Template) -> tuple[Hunk, ...]:
    (above_a, body_a), (above_b, body_b) = _body(a), _body(b)
    return diff_texts(body_a, body_b, first_a=above_a + 1, first_b=above_b + 1)


def _body(template: Template) -> tuple[int, str]:
    """Return how many lines of front matter a version has, and its text below them."""
    padded = template.body
    # Its lines are kept as empty ones; the last one that was not empty is the closing fence.
    pairs = zip(template.source.source.split("\n"), padded.split("\n"), strict=True)
    above = max((place for place, (line, kept) in enumerate(pairs, 1) if line != kept), default=0)
    return above, padded[above:]


def _diff_includes(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[FileDiff]:
    """Compare the included files: those with the same path, then possible renames."""
    for path in sorted(a.keys() & b.keys()):
        yield FileDiff(_shown(path), _shown(path), diff_texts(a[path], b[path]))
    only_a, only_b = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
    bags_a, bags_b = [bag(a[path]) for path in only_a], [bag(b[path]) for path in only_b]

    def alike(i: int, j: int) -> float:
        share = likeness(bags_a[i], bags_b[j])
        return share if share >= _RENAMED else 0.0

    for i, j in _in_order(align(len(only_a), len(only_b), alike), len(only_a), len(only_b)):
        path_a, path_b = None if i is None else only_a[i], None if j is None else only_b[j]
        yield FileDiff(
            path_a and _shown(path_a),
            path_b and _shown(path_b),
            diff_texts(a[path_a] if path_a else "", b[path_b] if path_b else ""),
        )


def _shown(path: str) -> str:
    return f"templates/{path}"


def _diff_front_matter(a: Template, b: Template) -> tuple[KeyDiff, ...]:
    keys_a, keys_b = _set_keys(a), _set_keys(b)
    return tuple(
        KeyDiff(key, keys_a.get(key), keys_b.get(key))
        for key in FrontMatter.model_fields
        if keys_a.get(key) != keys_b.get(key)
    )


def _set_keys(template: Template) -> dict[str, Json]:
    """Return the front matter keys that are set, with the practices that the body marks."""
    keys: dict[str, Json] = template.front.model_dump(
        mode="json", by_alias=True, exclude_defaults=True
    )
    return {**keys, "practices": [*template.practices]} if template.practices else keys


def _text(message: Message) -> str:
    """Return a message as lines; an image is on a line of its own."""
    parts = (message.content,) if isinstance(message.content, str) else message.content
    shown = (part if isinstance(part, str) else f"[image {part.source}]" for part in parts)
    return "\n".join(shown) + "\n"


def _in_order(
    pairs: Sequence[tuple[int, int]], size_a: int, size_b: int
) -> Iterator[tuple[int | None, int | None]]:
    """Yield the pairs, and between them the positions in either list without a counterpart."""
    done_a = done_b = 0
    for i, j in [*pairs, (size_a, size_b)]:
        yield from ((place, None) for place in range(done_a, i))
        yield from ((None, place) for place in range(done_b, j))
        if i < size_a:
            yield i, j
        done_a, done_b = i + 1, j + 1

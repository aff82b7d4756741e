"""References of versions: one parser for every name under which a version is shown.

sentiment             the newest version     v2               where one template can be meant
sentiment@v2          one version            sentiment@best   an alias
sentiment@v1..v3      a range                sentiment@*      all
b2:28251978           a text, by the beginning of its digest
sentiment@v2 [282519] the same, as tables write it
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from promptlab.core.digest import TAG
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown

_SHOWN = 8  # characters of a digest that are shown where it stands for a text
_LEAST = 6  # characters of a digest that is written without `b2:`
_DIGEST = re.compile(rf"(?:(?P<name>[^@]+)@)?{TAG}(?P<digest>[0-9a-f]{{4,}})")
_LABEL = re.compile(
    r"(?P<named>.*?)(?: \[(?P<digest>[0-9a-f]{4,})\])?(?: \[#\d+\])?", re.DOTALL
)  # `[#2]` numbers the sampling of an arm; its text is the same
_BARE_DIGEST = re.compile(rf"[0-9a-f]{{{_LEAST},}}")

Version = tuple[str, str]
"""The name of a template and of one of its versions."""


class Catalogue(Protocol):
    """The versions that a reference may mean: those of a project, or of a run."""

    def names(self) -> Sequence[str]:
        """Return the templates."""

    def versions(self, name: str) -> Sequence[str]:
        """Return the versions of a template in natural order."""

    def aliases(self, name: str) -> Mapping[str, str]:
        """Return the aliases of a template: alias -> version."""

    def digest_of(self, name: str, version: str) -> str | None:
        """Return the digest of a version's text, None if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, taken apart: `word` is a template or a version where there is no `@`."""

    name: str | None = None
    wanted: str | None = None
    word: str | None = None
    digest: str | None = None


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key that puts v10 after v9."""
    parts = re.findall(r"\d+|\D+", text)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def short_digest(digest: str) -> str:
    """Return the beginning of a digest, as references take it."""
    return digest[: len(TAG) + _SHOWN]


def parse_reference(text: str) -> Reference:
    """Take a reference apart."""
    if match := _DIGEST.fullmatch(text):
        return Reference(name=match["name"], digest=match["digest"])
    match = _LABEL.fullmatch(text)
    assert match is not None
    name, at, wanted = match["named"].partition("@")
    if at:
        return Reference(name=name, wanted=wanted, digest=match["digest"])
    return Reference(word=name, digest=match["digest"])


def as_digest(reference: Reference) -> Reference | None:
    """Return a reference read as a digest without its `b2:`, None if it cannot be one."""
    bare = reference.wanted or reference.word
    if reference.digest is not None or not bare or not _BARE_DIGEST.fullmatch(bare):
        return None
    return Reference(name=reference.name, digest=bare)


def choose(catalogue: Catalogue, text: str, among: Sequence[str] = ()) -> list[Version]:
    """Return the versions that a reference selects, in natural order; none if it names none.

    A version alone is one of the templates `among`, if these are given. Raise PromptlabError where
    it may mean several things.
    """
    reference = parse_reference(text)
    found = _chosen(catalogue, text, reference, among)
    if not found and (bare := as_digest(reference)):
        reference, found = bare, _chosen(catalogue, text, bare, among)
    if reference.digest is None:
        return found
    digests = {(version, catalogue.digest_of(*version)) for version in found}
    _require_one_text(text, {digest: f"{name}@{at}" for (name, at), digest in sorted(digests)})
    return found[:1]


def _chosen(
    catalogue: Catalogue, text: str, reference: Reference, among: Sequence[str]
) -> list[Version]:
    names = catalogue.names()
    if reference.word in names and reference.word is not None:
        versions = list(catalogue.versions(reference.word))
        chosen = versions if reference.digest is not None else versions[-1:]
        found = [(reference.word, version) for version in chosen]
    elif reference.name is not None:
        found = _selected(catalogue, [reference.name], reference.wanted or "", text)
        if reference.name in names and reference.wanted is None:
            found = [(reference.name, version) for version in catalogue.versions(reference.name)]
    elif reference.word is None:
        found = [(name, version) for name in names for version in catalogue.versions(name)]
    else:
        found = _selected(catalogue, _scope(catalogue, among), reference.word, text)
        if reference.digest is None:
            _require_one_template(reference.word, found)
    if reference.digest is None:
        return found
    begins = TAG + reference.digest
    return [at for at in found if (catalogue.digest_of(*at) or "").startswith(begins)]


def _scope(catalogue: Catalogue, among: Sequence[str]) -> list[str]:
    return [name for name in catalogue.names() if not among or name in among]


def _selected(catalogue: Catalogue, names: Sequence[str], wanted: str, text: str) -> list[Version]:
    """Return the versions of these templates that a version, an alias, a range or `*` means."""
    known = catalogue.names()
    return [
        (name, version)
        for name in names
        if name in known
        for version in _versions(catalogue, name, wanted, text)
    ]


def _versions(catalogue: Catalogue, name: str, wanted: str, text: str) -> Sequence[str]:
    versions, aliases = list(catalogue.versions(name)), catalogue.aliases(name)
    if wanted == "*":
        return versions
    if ".." not in wanted or wanted in versions:
        return list(_one(versions, aliases, wanted))
    first, last = _ends(wanted)
    ends = [*_one(versions, aliases, first), *_one(versions, aliases, last)]
    if len(ends) < 2:
        return []
    low, high = (versions.index(end) for end in ends)
    if low > high:
        owner = f"{name}@" if "@" in text else ""
        raise PromptlabError(f"the range {text!r} is empty", hint=f"write {owner}{last}..{first}")
    return versions[low : high + 1]


def _ends(wanted: str) -> tuple[str, str]:
    first, _, last = wanted.partition("..")
    return first, last


def _one(versions: Sequence[str], aliases: Mapping[str, str], wanted: str) -> Iterator[str]:
    if wanted in versions:
        yield wanted
    elif (meant := aliases.get(wanted)) in versions and meant is not None:
        yield meant


def _require_one_template(word: str, found: Sequence[Version]) -> None:
    owners = list(dict.fromkeys(name for name, _ in found))
    if len(owners) > 1:
        listed = " or ".join(f"{name}@{word}" for name in owners)
        raise PromptlabError(
            f"{word!r} may be a version of {' or of '.join(owners)}", hint=f"write {listed}"
        )


def _require_one_text(text: str, named: Mapping[str | None, str]) -> None:
    """Refuse the beginning of several digests. `named` has a version of each."""
    if len(named) > 1:
        listed = ", ".join(
            f"{short_digest(digest or '')} ({name})" for digest, name in named.items()
        )
        raise PromptlabError(
            f"{text!r} may mean {len(named)} texts", hint=f"give more characters: {listed}"
        )


def no_such_version(
    catalogue: Catalogue, text: str, among: Sequence[str] = (), of: str | None = None
) -> PromptlabError:
    """Return the error for a reference that names nothing, of all that `of` names."""
    reference, names = parse_reference(text), catalogue.names()
    if reference.name is not None and reference.name not in names:
        return unknown("template", reference.name, names, of)
    if reference.digest is not None:
        if of is not None:
            every = [f"{name}@{version}" for name in names for version in catalogue.versions(name)]
            return unknown("text", text, every, of)
        hint = "promptlab template log NAME lists the texts of a template"
        return PromptlabError(f"no text is known as {text!r}", hint=hint)
    if reference.name is not None:
        wanted = reference.wanted or ""
        known = [*catalogue.versions(reference.name), *catalogue.aliases(reference.name)]
        if ".." in wanted:
            wanted = next((end for end in _ends(wanted) if end not in known), wanted)
        return unknown("version", wanted, known, of=reference.name)
    scope = _scope(catalogue, among)
    if len(scope) != 1:
        return unknown("template", text, names, of)
    known = [*names, *catalogue.versions(scope[0]), *catalogue.aliases(scope[0])]
    return unknown("template or version", text, known, of)

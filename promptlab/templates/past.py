"""Texts that were run and that no version has any more: edited since, or deleted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from promptlab.core.digest import TAG
from promptlab.core.errors import PromptlabError
from promptlab.core.types import TemplateSource
from promptlab.templates.references import (
    Reference,
    as_digest,
    natural_key,
    parse_reference,
    short_digest,
)

_IN_LABEL = 6  # characters of a digest, as in the label of an arm
_OLDER = re.compile(rf"(?P<version>.+) \[[0-9a-f]{{{_IN_LABEL}}}\]")


@dataclass(frozen=True, slots=True)
class PastLabel:
    """A text that was run, and the name that it had then."""

    name: str
    version: str
    digest: str

    @property
    def shown(self) -> str:
        """Return the name that tells it from the text of today: `sentiment@v2 [282519]`."""
        return f"{self.name}@{older_version(self.version, self.digest)}"


class Past(Protocol):
    """The texts that were ever run."""

    def labels(self) -> Sequence[PastLabel]:
        """Return them with the names that they had, oldest first."""

    def read(self, label: PastLabel) -> TemplateSource:
        """Return a text with all that it included."""


class NoPast:
    """Stands for the past where nothing was run."""

    def labels(self) -> Sequence[PastLabel]:
        """Return no text."""
        return ()

    def read(self, label: PastLabel) -> TemplateSource:
        """Never called: there is no label."""
        raise KeyError(label)


def older_version(version: str, digest: str) -> str:
    """Return the name of a text that its version no longer has."""
    return f"{version} [{digest.removeprefix(TAG)[:_IN_LABEL]}]"


def is_older(version: str) -> bool:
    """Return whether a version's name says that it no longer has this text."""
    return _OLDER.fullmatch(version) is not None


def label_of(version: str) -> str:
    """Return the name that a version had when it was run."""
    older = _OLDER.fullmatch(version)
    return older["version"] if older else version


def restoring(name: str, digest: str) -> str:
    """Return the command that writes a past text to a file again, under a new label."""
    return f"promptlab template new --from {short_digest(digest)} {shlex.quote(name)}"


def past_text(
    labels: Sequence[PastLabel], text: str, among: Sequence[str] = ()
) -> PastLabel | None:
    """Return the text that was once run under a reference, None if there is none.

    Raise PromptlabError where several were.
    """
    reference = parse_reference(text)
    found = _past(labels, reference, among)
    if not found and (bare := as_digest(reference)):
        found = _past(labels, bare, among)
    digests = {label.digest: label for label in found}
    if len(digests) > 1:
        listed = ", ".join(f"{label.shown!r}" for label in digests.values())
        raise PromptlabError(f"{text!r} may mean {len(digests)} texts", hint=f"write {listed}")
    return found[0] if found else None


def _past(
    labels: Sequence[PastLabel], reference: Reference, among: Sequence[str]
) -> list[PastLabel]:
    if reference.digest is not None:
        begins = TAG + reference.digest
        labels = [label for label in labels if label.digest.startswith(begins)]
    if reference.name is not None:
        labels = [label for label in labels if label.name == reference.name]
    if reference.wanted is not None:
        return [label for label in labels if label.version == reference.wanted]
    if reference.word is None:
        return list(labels)
    near = [label for label in labels if not among or label.name in among]
    found = [label for label in near if label.version == reference.word]
    if found or reference.digest is not None:
        return found or [label for label in labels if label.name == reference.word]
    of_name = [label for label in labels if label.name == reference.word]
    newest = max((natural_key(label.version) for label in of_name), default=None)
    return [label for label in of_name if natural_key(label.version) == newest]

"""Lists of scorers as suites write them, of which an item may be a file with more of them.

- use: sets/tone.yaml     # a list of scorers, beside the suite or below it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptlab.core.errors import PromptlabError
from promptlab.core.files import read_text
from promptlab.core.types import ScorerSpec
from promptlab.core.validation import shown
from promptlab.core.yamlfile import parse_yaml
from promptlab.scorers.entries import Where, told_at, within

Given = str | Mapping[str, Any] | ScorerSpec

_USE_KEY = "use"


@dataclass(frozen=True, slots=True)
class Folder:
    """Where paths start from: a folder, its name in errors, and the files that led to it."""

    path: Path
    shown: str
    through: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One scorer of a list: as it is written, its place, and where paths within it start."""

    given: Given
    where: Where | None = None
    folder: Folder | None = None

    @property
    def inside(self) -> Where | None:
        """Return where its parts are: below its own key, if it has one."""
        return within(self.where, *(self.given if isinstance(self.given, Mapping) else ()))


def items(given: Sequence[Given | Item], where: Where | None, folder: Folder | None) -> list[Item]:
    """Return a list of scorers, with those of the files that it uses in their place."""
    found: list[Item] = []
    for number, entry in enumerate(given):
        if isinstance(entry, Item):
            found.append(entry)
            continue
        place = within(where, number)
        if isinstance(entry, Mapping) and [*entry] == [_USE_KEY]:
            found += _used(entry[_USE_KEY], place, folder)
        else:
            found.append(Item(entry, place, folder))
    return found


def _used(name: object, where: Where | None, folder: Folder | None) -> Iterator[Item]:
    with told_at(where, _USE_KEY):
        if not isinstance(name, str) or not name:
            raise PromptlabError(
                f"{_USE_KEY} names a file, not {shown(name)}", hint="such as use: sets/tone.yaml"
            )
        if folder is None:
            raise PromptlabError(
                f"{_USE_KEY}: {name} has no folder to start from", hint="write its scorers here"
            )
        path = folder.path / name
        if path.resolve() in folder.through:
            raise PromptlabError(
                f"{name} uses itself", hint="a set may use others, but not in a circle"
            )
        file = name if Path(name).is_absolute() else f"{folder.shown}/{name}"
        text = read_text(path, file)
    document = parse_yaml(text, file)
    if not isinstance(document.data, list) or not document.data:
        raise PromptlabError(
            "a set is a list of scorers, which this file does not hold",
            where=document.where(),
            hint="begin each with '- ', as in a suite",
        )
    inner = Folder(path.parent, file.rpartition("/")[0], (*folder.through, path.resolve()))
    yield from items(document.data, document.where, inner)

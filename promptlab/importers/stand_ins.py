"""What stands in a run that was measured elsewhere for a version whose text nobody told."""

from __future__ import annotations

from promptlab.core.digest import template_digest
from promptlab.core.types import TemplateSource


def imported_template(name: str, version: str) -> TemplateSource:
    """Return a stand-in for a version whose text was not measured here.

    The same name gives the same digest, so that two imports of it count as one; no text written
    for a model has that digest.
    """
    source = f"(imported: the text of {name}@{version} is not known)\n"
    return TemplateSource(name, version, source, {}, template_digest(source, {}))


def is_stand_in(source: TemplateSource) -> bool:
    """Return whether a text only stands for one that nobody told."""
    return source == imported_template(source.name, source.version)

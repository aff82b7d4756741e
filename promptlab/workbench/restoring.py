"""Texts that were run, written back as files: byte for byte, and never over another text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from promptlab.core.errors import PromptlabError
from promptlab.core.files import exists, is_below, locked, make_folder, read_text, write_text
from promptlab.core.types import TemplateSource
from promptlab.importers.stand_ins import imported_template
from promptlab.templates.past import label_of
from promptlab.workbench.bench import Workbench
from promptlab.workbench.versions import require_version_name


@dataclass(frozen=True, slots=True)
class Restored:
    """A version with the text that it had: the files that were written, and notes.

    `same` means that it has exactly the digest of the text, so that its results belong to it.
    """

    reference: str
    path: Path
    written: tuple[Path, ...]
    same: bool
    notes: tuple[str, ...]


def restore_text(bench: Workbench, reference: str, version: str | None = None) -> Restored:
    """Write a text that was run to the file of its version, or of another `version`.

    Files that it includes are written where they are missing. No file with another text is touched.
    """
    text = bench.library.one(reference)
    wanted = _version_of(text, version)
    folder = bench.project.templates
    path = folder / text.name / f"{wanted}.j2"
    shown = f"templates/{text.name}/{wanted}.j2"
    with locked(folder):
        if exists(path) and read_text(path, shown) != text.source:
            raise PromptlabError(
                "has another text",
                where=shown,
                hint=f"keep both: template restore {reference} --as VERSION",
            )
        files = {path: text.source, **_includes(folder, text)}
        written = tuple(file for file in files if not exists(file))
        for file in written:
            make_folder(file.parent)
            write_text(file, files[file], new=True)
    same = bench.library.digest_of(text.name, wanted) == text.digest
    notes = () if same else (_differs(folder, text, wanted),)
    return Restored(f"{text.name}@{wanted}", path, written, same, notes)


def _version_of(text: TemplateSource, version: str | None) -> str:
    """Return the version that gets the text back."""
    if text.digest == imported_template(text.name, label_of(text.version)).digest:
        raise PromptlabError(
            f"the text of {text.name}@{label_of(text.version)} is not known: it was imported"
        )
    if version is not None:
        return require_version_name(version)
    return label_of(text.version)


def _includes(folder: Path, text: TemplateSource) -> dict[Path, str]:
    """Return what a text includes, by file; only files within the folder."""
    files = {}
    for name, source in text.includes.items():
        file = folder / PurePosixPath(name)
        if ".." in PurePosixPath(name).parts or not is_below(file, folder):
            raise PromptlabError(
                f"it includes {name!r}, which is outside templates/", where=text.name
            )
        files[file] = source
    return files


def _differs(folder: Path, text: TemplateSource, version: str) -> str:
    """Return the note on a version that still has other prompts than the text had."""
    changed = [
        f"templates/{name}"
        for name, source in text.includes.items()
        if read_text(folder / name, f"templates/{name}") != source
    ]
    why = f"{', '.join(changed)} changed since" if changed else "lines are kept otherwise since"
    return (
        f"{text.name}@{version} has this text again, but {why}: its earlier results stay with the"
        " earlier prompts"
    )

"""A suite file: which templates run on which cases and backends, and how they are graded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from promptlab.cases.rows import make_cases, read_cases
from promptlab.core.errors import PromptlabError
from promptlab.core.files import entries, is_file, read_text
from promptlab.core.plugins import unknown
from promptlab.core.sampling import SamplingSettings
from promptlab.core.types import Case
from promptlab.core.yamlfile import YamlDocument, check, parse_yaml

Design = Literal["versions", "ablation", "factorial"]


class SuiteFile(BaseModel):
    """The keys of a suite file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field("", description="What the suite is to find out.")
    templates: tuple[str, ...] = Field(
        min_length=1, description="References: name, name@v2, name@v1..v3, name@*, name@alias."
    )
    backends: tuple[str, ...] = Field(
        min_length=1, description="Names from the project's configuration, or kind:model."
    )
    cases: str | tuple[dict[str, Any], ...] = Field(
        description="A file beside the suite, or a list. "
        "Files: .jsonl .json .csv .tsv .xlsx .yaml .parquet."
    )
    columns: dict[Literal["id", "expect", "tags", "group"], str] = Field(
        {}, description="Which column of a flat row is the id, expect, tags or group."
    )
    scorers: tuple[str | dict[str, Any], ...] = Field(
        min_length=1,
        description="Scorers by name, each with its parameters, or `use: FILE` for a file of them.",
    )
    primary: str | None = Field(None, description="The scorer that decides; by default the first.")
    grade: str | None = Field(None, description="The answer that is graded; by default the last.")
    sampling: SamplingSettings = Field(
        SamplingSettings(), description="For every template that does not say otherwise."
    )
    repeats: int = Field(1, ge=1, le=1000, description="How often each arm runs on each case.")
    seed: int = Field(0, ge=0, lt=2**31, description="Random seed.")
    holdout: float = Field(0, ge=0, lt=1, description="Share of case groups kept for confirmation.")
    design: Design = Field(
        "versions", description="versions, ablation (each practice off), or factorial."
    )
    gates: tuple[str, ...] = Field(
        (),
        description="Conditions such as `exact_match >= 0.8`; one that fails exits with 1.",
    )

    allow_code: bool = Field(
        False, description="Whether `code` may run what models wrote, in its box on this machine."
    )

    @field_validator("templates", "backends", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Suite:
    """A validated suite file with its name; `document` knows the line of each key.

    `cases` are its cases once they are read.
    """

    name: str
    path: Path
    settings: SuiteFile
    document: YamlDocument
    cases: tuple[Case, ...] | None = field(default=None, compare=False, repr=False)

    def read_cases(self) -> tuple[Case, ...]:
        """Read the suite's cases from their file or its inline list, unless they are read."""
        if self.cases is not None:
            return self.cases
        source = self.settings.cases
        columns = {str(role): name for role, name in self.settings.columns.items()}
        if isinstance(source, str):
            path = self.path.parent / source
            if not is_file(path):
                raise PromptlabError(
                    f"there is no file {source!r}",
                    where=self.document.where(("cases",)),
                    hint="paths start from the suite's folder",
                )
            shown = source if Path(source).is_absolute() else f"suites/{source}"
            return read_cases(path, shown, columns)
        rows = ((self.document.where(("cases", place)), row) for place, row in enumerate(source))
        return make_cases(rows, self.document.where(("cases",)), columns)

    def assets_below(self, root: Path) -> str:
        """Return `assets` relative to the project's folder, which may move."""
        return os.path.relpath(self.assets, root)

    @property
    def assets(self) -> Path:
        """Return the folder that image paths start from: the one containing the cases."""
        if isinstance(self.settings.cases, str):
            return (self.path.parent / self.settings.cases).parent
        return self.path.parent


def suite_names(folder: Path) -> list[str]:
    """List the suites of a project."""
    return [path.stem for path in entries(folder, "suites/", ".yaml")]


def load_suite(folder: Path, name: str) -> Suite:
    """Load `suites/<name>.yaml`; a path to such a file is accepted too."""
    stem = Path(name).stem if name.endswith(".yaml") else name
    path = folder / f"{stem}.yaml"
    places = (Path(name), folder / name, folder.parent / name)
    if name != stem and path.resolve() not in [place.resolve() for place in places]:
        raise PromptlabError(f"{name} is not in {folder}", hint="move it there")
    if PurePath(stem).name != stem or not is_file(path):  # a suite is a name, not a path
        raise unknown("suite", stem, suite_names(folder))
    shown = f"suites/{stem}.yaml"
    document = parse_yaml(read_text(path, shown), shown)
    return Suite(stem, path, check(SuiteFile, document), document)

"""Experiments from Python: what the command line does, as plain calls and values.

    import promptlab

    project = promptlab.open_project("my-prompts")
    run = project.run("sentiment", templates=["sentiment@v2..v4"], max_calls=500)
    print(project.compare(run, baseline="sentiment@best"))

    prompt = promptlab.template("sentiment@best").render(review="Broke after a week.")
    client.chat.completions.create(model=..., messages=prompt.to_dicts())

Every call that may ask a model has an `_async` twin. Every mistake is a `PromptlabError`.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from promptlab.api.project import Project
from promptlab.api.prompts import Version
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session

Folder = str | PathLike[str]


def open_project(folder: Folder | None = None, *, database: Folder | None = None) -> Project:
    """Open the project in a folder, by default the nearest one with `templates/` and `suites/`.

    `database` is a file other than the project's `promptlab.db`.
    """
    session = Session(
        folder=None if folder is None else Path(folder),
        database=None if database is None else Path(database),
    )
    return Project(Workbench(session))


def template(reference: str, *, project: Folder | None = None) -> Version:
    """Load the version that a reference names, for rendering in an application.

    It is looked up in the nearest project, or in the folder `project`. No database is needed.
    """
    return open_project(project).template(reference)

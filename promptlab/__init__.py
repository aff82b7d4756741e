"""promptlab: experiments on prompts, with conclusions that hold.

The documented names for programs are here, each loaded on first use:

    import promptlab

    project = promptlab.open_project()
    run = project.run("sentiment")
    print(project.compare(run))
"""

from __future__ import annotations

import importlib
import os

# Not from `typing`: under `python -m promptlab` that might be a file of the project.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from promptlab.api import open_project, template
    from promptlab.api.answers import Answer
    from promptlab.api.judges import JudgePassport, Ratings
    from promptlab.api.outlooks import Forecast, Looks, Planning
    from promptlab.api.project import Project
    from promptlab.api.prompts import Prompt, Version
    from promptlab.api.report import Report
    from promptlab.api.results import Comparisons, Difference, Effects, Matrix, Results
    from promptlab.api.run import Run
    from promptlab.backends import Backend
    from promptlab.core.errors import PromptlabError
    from promptlab.core.types import Case, Completion, Message, Outcome, Request, Score
    from promptlab.executors import Executor
    from promptlab.remote.backend import RemoteBackend
    from promptlab.scorers.asking import Ask, BackendName
    from promptlab.scorers.decorator import scorer
    from promptlab.scorers.sample import Sample

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Ask",
    "Backend",
    "BackendName",
    "Case",
    "Comparisons",
    "Completion",
    "Difference",
    "Effects",
    "Executor",
    "Forecast",
    "JudgePassport",
    "Looks",
    "Matrix",
    "Message",
    "Outcome",
    "Planning",
    "Project",
    "Prompt",
    "PromptlabError",
    "Ratings",
    "RemoteBackend",
    "Report",
    "Request",
    "Results",
    "Run",
    "Sample",
    "Score",
    "Version",
    "open_project",
    "scorer",
    "template",
]

_AT = {
    "promptlab.api": ("open_project", "template"),
    "promptlab.api.judges": ("JudgePassport", "Ratings"),
    "promptlab.api.answers": ("Answer",),
    "promptlab.api.outlooks": ("Forecast", "Looks", "Planning"),
    "promptlab.api.project": ("Project",),
    "promptlab.api.prompts": ("Prompt", "Version"),
    "promptlab.api.report": ("Report",),
    "promptlab.api.results": ("Comparisons", "Difference", "Effects", "Matrix", "Results"),
    "promptlab.api.run": ("Run",),
    "promptlab.backends": ("Backend",),
    "promptlab.core.errors": ("PromptlabError",),
    "promptlab.core.types": ("Case", "Completion", "Message", "Outcome", "Request", "Score"),
    "promptlab.executors": ("Executor",),
    "promptlab.remote.backend": ("RemoteBackend",),
    "promptlab.scorers.asking": ("Ask", "BackendName"),
    "promptlab.scorers.decorator": ("scorer",),
    "promptlab.scorers.sample": ("Sample",),
}
_MODULE_OF = {name: module for module, names in _AT.items() for name in names}

# Where modules are found under the names they had before they moved into packages.
__path__.append(os.path.join(__path__[0], "deprecated"))  # noqa: PTH118 - pathlib would load slowly


def __getattr__(name: str) -> object:
    """Load a documented name on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the documented names, loaded or not."""
    return sorted([*globals(), *_MODULE_OF])

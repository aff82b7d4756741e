"""What `import promptlab` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import promptlab

PROMISED = [
    *(
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
    ),
    *("JudgePassport", "Ratings"),
    *("Forecast", "Looks", "Matrix", "Message", "Outcome", "Planning", "Project", "Prompt"),
    *("PromptlabError", "RemoteBackend"),
    *("Report", "Request", "Results", "Run", "Sample", "Score", "Version"),
    *("open_project", "scorer", "template"),
]


def test_the_surface_is_what_was_promised() -> None:
    assert promptlab.__all__ == sorted(PROMISED)


@pytest.mark.parametrize("name", PROMISED)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert (getattr(promptlab, name).__doc__ or "").strip()
    assert name in dir(promptlab)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = promptlab.nothing


def test_the_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, promptlab\n"
        "heavy = 'numpy', 'scipy', 'pydantic', 'click', 'rich', 'jinja2', 'sqlite3', 'yaml'\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert _python(code) == "[]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "name", "now"),
    [
        ("promptlab.types", "Score", "use promptlab.Score, or promptlab.core.types"),
        ("promptlab.scorers", "Sample", "use promptlab.Sample"),
        ("promptlab.scorers", "scorer", "use promptlab.scorer"),
    ],
)
def test_documented_names_that_moved_go_on_working_with_a_warning(
    path: str, name: str, now: str
) -> None:
    code = (
        "import warnings\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        f"    from {path} import {name}\n"
        "import promptlab\n"
        f"print({name} is promptlab.{name}, [str(each.message) for each in caught])"
    )
    assert _python(code) == f"True ['{path}.{name} is deprecated: {now}']"


CLICKLESS = """
import sys
sys.modules["click"] = None
import promptlab
project = promptlab.open_project(sys.argv[1])
run = project.run("greet")
comparisons = project.compare(run)
assert [row.comparison.verdict for row in comparisons] == ["better"], comparisons
assert [row.effect.verdict for row in project.practices(run)] == ["better"]
assert not project.diff("greet@v1", "v2").same
assert len(project.results(run)) == 40
print(comparisons.sentence)
"""


@pytest.mark.slow
def test_a_program_needs_no_click(folder: Path) -> None:
    sentence = _python(CLICKLESS, str(folder))
    assert sentence.startswith("v2 is better than v1: +100.0 points, 95 % interval ")


def _python(code: str, *words: str) -> str:
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()

"""The documentation names what there is: every module, verb, scorer, backend and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promptlab.cli import VERBS
from promptlab.core import plugins
from promptlab.core.codes import Code
from promptlab.scorers.registry import scorer_names
from promptlab.store.columns import RESULT_COLUMNS

ROOT = Path(__file__).parent.parent


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_design_names_every_module() -> None:
    named = set(re.findall(r"`([a-z_]+)/?`", page("docs/design.md")))
    files = {path.stem for path in (ROOT / "promptlab").glob("*.py")}
    folders = {path.parent.name for path in (ROOT / "promptlab").glob("*/__init__.py")}
    assert (files | folders) - {"__init__", "__main__"} <= named


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("docs/commands.md", [f"## `promptlab {verb}`" for verb in VERBS]),
        ("docs/scorers.md", [f"## `{name}`" for name in scorer_names()]),
        ("docs/backends.md", [f"## `{name}`" for name in plugins.names("backends")]),
        ("docs/conclusions.md", [f"| `{code}` |" for code in Code]),
        ("docs/store.md", [f"`{name}`" for name in RESULT_COLUMNS]),
    ],
)
def test_a_page_names_all_there_is(name: str, wanted: list[str]) -> None:
    assert [text for text in wanted if text not in page(name)] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    for path in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"

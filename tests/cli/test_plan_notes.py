"""What `run` and `--dry-run` note of a plan: names that are nearly the same, repeats that idle."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Promptlab
from .drawn import lay_out, suite, version


def practising(*names: str) -> str:
    return f"---\npractices: [{', '.join(names)}]\n---\n{version('0-9')}"


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_a_practice_that_may_be_misspelt_is_noted(
    project: Path, promptlab: Promptlab, words: tuple[str, ...]
) -> None:
    versions = {"v1": practising("clear"), "v2": practising("claer"), "v3": practising("role")}
    lay_out(project, versions, suite(12))
    ran = promptlab("run", "task", *words)
    assert ran.code == 0
    [note] = [line for line in ran.err.splitlines() if "misspelt" in line]
    assert "'clear' of task@v1" in note
    assert "'claer' of task@v2" in note


@pytest.mark.slow
def test_standard_practices_are_never_taken_for_one_another(
    project: Path, promptlab: Promptlab
) -> None:
    names = (
        "clear",
        "context",
        "structure",
        "length",
        "examples",
        "ambiguity",
        "role",
        "reasoning",
    )
    versions = {f"v{place}": practising(name) for place, name in enumerate((*names, "refine"), 1)}
    lay_out(project, versions, suite(12))
    assert "misspelt" not in promptlab("run", "task").err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("repeats: 3\n", True),
        ("repeats: 3\nsampling: {temperature: 0.7}\n", False),
        ("", False),
    ],
)
def test_repeats_that_cannot_differ_are_noted(
    project: Path, promptlab: Promptlab, more: str, told: bool
) -> None:
    lay_out(project, {"v1": version("0-9")}, suite(12, more=more))
    ran = promptlab("run", "task")
    assert ran.code == 0
    assert ("echo gives the same answer in each of the 3 repeats" in ran.err) is told

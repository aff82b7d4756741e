"""Variables on the command line: `-p KEY VALUE` and `-p KEY=VALUE`."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Promptlab, query


@pytest.fixture
def typed(project: Path) -> Path:
    (project / "templates/greet/v9.j2").write_text(
        "---\ninputs: {n: integer}\n---\n{{ n + 1 }} {{ tone }} {{ name }}", encoding="utf-8"
    )
    return project


@pytest.mark.parametrize(
    "words",
    [
        ["-p", "n", "3", "-p", "tone", "a=b"],
        ["-p", "n=3", "-p", "tone=a=b"],
        ["-pn=3", "-ptone", "a=b"],
        ["--param", "n=3", "--param=tone=a=b"],
        ["--param=n", "3", "--param", "tone", "a=b"],
    ],
)
def test_a_variable_is_given_in_one_word_or_in_two(
    typed: Path, promptlab: Promptlab, words: list[str]
) -> None:
    ran = promptlab("template", "render", "greet@v9", "-p", "name=", *words)
    assert (ran.code, ran.err) == (0, "")
    assert "4 a=b" in ran.out


def test_a_run_takes_both_forms(typed: Path, promptlab: Promptlab) -> None:
    words = ["--case", "ada", "-p", "n=3", "-p", "tone", "calm", "-t", "greet@v9"]
    ran = promptlab("run", "greet", *words)
    assert (ran.code, ran.err) == (0, "")
    assert {row for (row,) in query(typed, "SELECT output FROM results")} == {"4 calm Ada"}


@pytest.mark.parametrize("words", [["-p"], ["-p", "n"], ["--param"], ["--param=n"]])
def test_half_a_variable_is_told_how_it_is_written(
    typed: Path, promptlab: Promptlab, words: list[str]
) -> None:
    option = words[0].partition("=")[0]
    ran = promptlab("run", "greet", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"Error: {option} takes a variable: {option} KEY VALUE or {option} KEY=VALUE"
        " (see promptlab run --help)\n"
    )


def test_words_after_two_dashes_are_left_alone(typed: Path, promptlab: Promptlab) -> None:
    ran = promptlab("run", "-n", "1", "-p", "n=1", "-p", "tone=x", "-t", "greet@v9", "--", "-p")
    assert ran.code == 2
    assert "-p" in ran.err
    assert "takes a variable" not in ran.err

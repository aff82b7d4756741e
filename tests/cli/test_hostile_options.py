"""No word of a command line is a bug of ours: every option and argument takes it or refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptlab.cli import cli

from .conftest import Promptlab

WORDS = [
    "", " ", "nan", "inf", "-inf", "-1", "0", "9" * 30, "1e999", "0x10", "1_0",
    "\u0663", "\U0001d7d9",
    "x" * 5000, "\udcff", "\x1b[2J", "v1\nv2", "[/]", "%s", "{{", "{{ 9 ** 9 }}", "=", "a=b", "--",
    "@", "greet@", "@v1", "greet@*..", "greet@v1..v0", "greet@" + "9" * 5000, "latest", "-2",
    "../../x", "/", "/dev/zero", "echo:" + "x" * 3000, "openai:m@http://[::1", "'; --", "\ufeff",
]  # fmt: skip
# What a verb needs before another of its words is tried, by the verb.
NEEDED = {
    ("run",): ["greet", "--dry-run"],
    ("import",): ["outcomes.csv", "--suite", "x"],
    ("diff",): ["greet@v1", "greet@v2"],
    ("template", "show"): ["greet@v1"],
    ("template", "render"): ["greet@v1"],
    ("template", "log"): ["greet"],
    ("template", "tag"): ["greet@v1", "best"],
    ("template", "new"): ["greet"],
    ("template", "split"): ["greet@v1", "greet@v2"],
}


Call = tuple[str, ...]


def verbs(group: click.Group, path: Call = ()) -> Iterator[tuple[Call, click.Command]]:
    """Yield every verb with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            if command.invoke_without_command:
                yield (*path, name), command
            yield from verbs(command, (*path, name))
        else:
            yield (*path, name), command


def lines() -> list[tuple[list[str], int, list[str]]]:
    """Return each verb with each place of a word: what comes before, how many, what after."""
    found = []
    for path, command in verbs(cli):
        if path == ("init",):
            continue  # it would write wherever a word leads
        needed = NEEDED.get(path, [])
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        options = [each for each in command.params if isinstance(each, click.Option)]
        found += [
            ([*path, *needed[:place]], 1, needed[place + 1 :]) for place in range(len(arguments))
        ]
        found += [
            ([*path, *needed, each.opts[0]], each.nargs, []) for each in options if not each.is_flag
        ]
    return found


LINES = lines()


def test_every_verb_is_tried() -> None:
    assert len({tuple(before[:1]) for before, _, _ in LINES}) > 12
    assert len(LINES) > 60


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(LINES), st.sampled_from(WORDS), st.sampled_from(WORDS))
@pytest.mark.slow
def test_any_word_is_taken_or_refused(
    ran_project: Path,
    promptlab: Promptlab,
    line: tuple[list[str], int, list[str]],
    first: str,
    second: str,
) -> None:
    (ran_project / "outcomes.csv").write_text("template,case,score\nt@v1,a,1\n", encoding="utf-8")
    before, count, after = line
    ran = promptlab(*before, *[first, second][:count], *after)
    assert ran.code in (0, 1, 2, 4)
    assert "a bug in promptlab" not in ran.err


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=lambda line: " ".join(line[0]))
def test_all_words_are_taken_or_refused(
    ran_project: Path, promptlab: Promptlab, line: tuple[list[str], int, list[str]]
) -> None:
    (ran_project / "outcomes.csv").write_text("template,case,score\nt@v1,a,1\n", encoding="utf-8")
    before, count, after = line
    for word in WORDS:
        ran = promptlab(*before, *[word] * count, *after)
        assert ran.code in (0, 1, 2, 4), word

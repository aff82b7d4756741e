"""The help of every verb, groups included: an example, `-h`, and one word for one thing."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from promptlab.cli import cli

from .conftest import Promptlab

METAVARS = {
    "--suite": "NAME",
    "--case": "ID",
    "--backend": "BACKEND",
    "-b": "BACKEND",
    "-t": "REF",
    "--scorer": "LABEL",
}


def verbs(group: click.Group = cli, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every verb with the words that name it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from verbs(command, *path, name)


VERBS = [pytest.param(*verb, id=" ".join(verb[0])) for verb in verbs()]


@pytest.mark.parametrize(("words", "command"), VERBS)
def test_it_has_an_example_of_itself(
    promptlab: Promptlab, words: tuple[str, ...], command: click.Command
) -> None:
    shown = promptlab(*words, "-h")
    assert (shown.code, shown.err) == (0, "")
    _, heading, examples = shown.out.partition("\n  Example")
    assert heading
    assert f"promptlab {' '.join(words)}" in examples
    assert promptlab(*words, "--help").out == promptlab("help", *words).out == shown.out


@pytest.mark.parametrize(("words", "command"), VERBS)
def test_one_option_takes_one_thing_everywhere(
    words: tuple[str, ...], command: click.Command
) -> None:
    options = [param for param in command.params if isinstance(param, click.Option)]
    taken = {name: option.metavar for option in options for name in option.opts}
    wanted = {name: metavar for name, metavar in METAVARS.items() if name in taken}
    assert {name: taken[name] for name in wanted} == wanted


def test_every_option_has_help() -> None:
    bare = [
        (*words, param.name)
        for words, command in verbs()
        for param in command.params
        if isinstance(param, click.Option) and not param.help
    ]
    assert bare == []

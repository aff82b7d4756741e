"""`promptlab scorer`."""

from __future__ import annotations

import click

from promptlab.cli.output import print_json, say, stdout
from promptlab.cli.verbs import VerbGroup, example
from promptlab.core.errors import PromptlabError
from promptlab.report.terminal.tables import plain_table
from promptlab.scorers.prompts import names_prompt
from promptlab.scorers.registry import Description, describe, get_scorer, scorer_names
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session


@click.group(cls=VerbGroup, epilog=example("scorer list", "scorer show label"))
def scorer() -> None:
    """List scorers, and show their parameters."""


@scorer.command("list", epilog=example("scorer list"))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def list_(as_json: bool) -> None:
    """List the scorers known by name."""
    descriptions = [describe(get_scorer(name)) for name in scorer_names()]
    if as_json:
        print_json([_as_json(description) for description in descriptions])
        return
    table = plain_table("scorer", "meaning")
    for description in descriptions:
        table.add_row(description.name, description.summary)
    stdout().print(table)
    say("Your own function can be a scorer too: `module:attr`.")


@scorer.command(
    epilog=example(
        "scorer show label",
        "scorer show rubric --prompt > templates/_judges/rubric/v2.j2",
    )
)
@click.argument("name")
@click.option("--prompt", is_flag=True, help="The text of a judge's prompt, to start your own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def show(session: Session, name: str, prompt: bool, as_json: bool) -> None:
    """Show what NAME grades and which parameters it takes."""
    bench = Workbench(session)
    description = describe(get_scorer(name, bench.root_if_any))
    if prompt:
        say(_prompt_of(bench, description).rstrip("\n"))
        return
    if as_json:
        print_json(_as_json(description))
        return
    head = f"{description.name} (version {description.version}): {description.summary}"
    stdout().print(head)
    table = plain_table("parameter", "type", "default", "what it does")
    for parameter in description.parameters:
        default = "required" if parameter.required else repr(parameter.default)
        table.add_row(parameter.name, parameter.type_text, default, parameter.help)
    stdout().print(table)
    if description.limits:
        stdout().print(f"What it does not do: {description.limits}")


def _prompt_of(bench: Workbench, description: Description) -> str:
    """Return the text of the prompt that a judge uses unless a suite names another."""
    named = (each for each in description.parameters if names_prompt(each.annotation))
    reference = next((each.default for each in named), None)
    if not isinstance(reference, str):
        raise PromptlabError(f"scorer {description.name!r} has no prompt", hint="only judges do")
    return bench.judge_prompts(reference).source.source


def _as_json(description: Description) -> dict[str, object]:
    return {
        "name": description.name,
        "version": description.version,
        "summary": description.summary,
        "limits": description.limits,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type_text,
                "required": parameter.required,
                "default": None if parameter.required else parameter.default,
                "help": parameter.help,
            }
            for parameter in description.parameters
        ],
    }

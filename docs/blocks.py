"""The generated parts of the documentation; `cog` writes them in, and the tests check them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from promptlab.backends import Backend
from promptlab.cli import VERBS, cli
from promptlab.core import plugins
from promptlab.core.codes import Code
from promptlab.experiments.suite import SuiteFile
from promptlab.project.settings import CompareSettings
from promptlab.remote.options import RemoteOptions
from promptlab.scorers.instructions import every
from promptlab.scorers.instructions.kinds import Check
from promptlab.scorers.registry import describe, get_scorer, scorer_names
from promptlab.store.columns import RESULT_COLUMNS
from promptlab.templates.front_matter import FrontMatter

_MODULES = re.compile(r"\b(?:\w+\.)+(?=[A-Z])")  # in front of the name of a type


def help_of(*verbs: str) -> str:
    """Return the help text of a verb, as a user of 80 columns sees it."""
    context = click.Context(cli, info_name="promptlab", terminal_width=80, **cli.context_settings)
    command: click.Command = cli
    for name in verbs:
        assert isinstance(command, click.Group)
        verb = command.get_command(context, name)
        assert verb is not None, name
        command = verb
        context = click.Context(command, info_name=name, parent=context, terminal_width=80)
    return f"```text\n{command.get_help(context)}\n```"


def all_verbs() -> str:
    """Return a chapter for every verb, with the verbs of groups below it."""
    context = click.Context(cli)
    chapters = []
    for name in VERBS:
        chapters.append(f"## `promptlab {name}`\n\n{help_of(name)}")
        command = cli.get_command(context, name)
        if isinstance(command, click.Group):
            chapters += [
                f"### `promptlab {name} {verb}`\n\n{help_of(name, verb)}"
                for verb in command.list_commands(context)
            ]
    return "\n\n".join(chapters)


def suite_keys() -> str:
    """Return a table of the keys of a suite file."""
    return _keys(SuiteFile)


def compare_keys() -> str:
    """Return a table of the keys of `[tool.promptlab.compare]`."""
    return _keys(CompareSettings)


def _keys(model: type[BaseModel]) -> str:
    rows = (
        (f"`{name}`", "required" if field.is_required() else _default(field), field.description)
        for name, field in model.model_fields.items()
    )
    return table(("key", "default", "meaning"), rows)


def front_matter_keys() -> str:
    """Return the keys of a template's front matter, in one line."""
    return ", ".join(f"`{name}`" for name in FrontMatter.model_fields)


def scorers() -> str:
    """Return a chapter for every scorer: what passes, and its parameters."""
    chapters = []
    for name in scorer_names():
        scorer = get_scorer(name)
        description = describe(scorer)
        rows = (
            (
                f"`{parameter.name}`",
                f"`{parameter.type_text}`",
                "required" if parameter.required else f"`{parameter.default!r}`",
                parameter.help,
            )
            for parameter in description.parameters
        )
        parameters = table(("parameter", "type", "default", "meaning"), rows)
        limits = f"\n\n**What it does not do.** {description.limits}" if description.limits else ""
        text = f"{description.summary}{_details(scorer.function)}\n\n{parameters}{limits}"
        chapters.append(f"## `{name}`\n\n{text}")
    return "\n\n".join(chapters)


def instructions() -> str:
    """Return a table of the kinds of instructions of IFEval: ids, arguments, what is asked."""
    return _kinds(every.kinds_of_ifeval())


def instructions_of_ifbench() -> str:
    """Return the same of IFBench."""
    return _kinds(every.kinds_of_ifbench())


def _kinds(kinds: Mapping[str, Check]) -> str:
    rows = []
    for name, check in kinds.items():
        _, *arguments = inspect.signature(check).parameters
        summary = (inspect.getdoc(check) or "").replace("\n", " ")
        rows.append((f"`{name}`", ", ".join(f"`{each}`" for each in arguments), summary))
    return table(("id", "arguments", "the answer follows where"), rows)


def _details(function: object) -> str:
    """Return the paragraphs of a docstring between its first line and its sections."""
    _, _, rest = (inspect.getdoc(function) or "").partition("\n\n")
    details = rest[: re.search(r"^(?:Limits|Args):$", rest, re.M).start()].strip()  # type: ignore[union-attr]
    return f"\n\n{details}" if details else ""


def backends() -> str:
    """Return a chapter for every kind of backend: its options and their defaults."""
    chapters = []
    for name in plugins.names("backends"):
        kind = cast(type[Backend], plugins.load("backends", name))
        fields = kind.options_model.model_fields
        more = ""
        if issubclass(kind.options_model, RemoteOptions):
            common = RemoteOptions.model_fields
            fields = {
                key: field for key, field in fields.items() if not _same(field, common.get(key))
            }
            more = "\n\nIt also has the [options of all remote models](#remote-models)."
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        chapters.append(f"## `{name}`\n\n{summary}\n\n{_options(fields)}{more}")
    return "\n\n".join(chapters)


def remote_options() -> str:
    """Return the options that all backends behind an API have."""
    return _options(RemoteOptions.model_fields)


def _options(fields: Mapping[str, FieldInfo]) -> str:
    rows = (
        (
            f"`{option}`",
            f"`{_plain(field.annotation)}`",
            _default(field),
            field.description,
        )
        for option, field in fields.items()
    )
    return table(("option", "type", "default", "meaning"), rows)


def _plain(annotation: Any) -> str:
    """Return a type as a reader needs it: without modules, and without how it is checked."""
    return _MODULES.sub("", inspect.formatannotation(_bare(annotation)))


def _bare(annotation: Any) -> Any:
    """Return a type with the types in it unannotated."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [_bare(member) for member in get_args(annotation)]
        return annotation if members == [*get_args(annotation)] else reduce(or_, members)
    return annotation


def _same(field: FieldInfo, other: FieldInfo | None) -> bool:
    return other is not None and (field.default, field.description) == (
        other.default,
        other.description,
    )


def result_columns() -> str:
    """Return the columns of the view `results`."""
    return ", ".join(f"`{name}`" for name in RESULT_COLUMNS)


def reason_codes() -> str:
    """Return a table of the codes of reasons, in the order in which they are declared."""
    rows = (
        (
            f"`{code}`",
            code.weight,
            code.meaning,
            code.remedy,
            ", ".join(f"`{key}`" for key in code.about),
        )
        for code in Code
    )
    return table(("code", "verdict", "meaning", "what to do", "`about`"), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str | None]]) -> str:
    """Return a Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        "| "
        + " | ".join((cell or "").replace("|", "\\|").replace("\n", " ") for cell in line)
        + " |"
        for line in lines
    )


def _default(field: Any) -> str:
    default = field.get_default(call_default_factory=True)
    if hasattr(default, "given"):
        default = default.given()
    return f"`{default!r}`" if default not in ((), {}, "", None) else ""

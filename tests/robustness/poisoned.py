"""A project of which every text is poisoned, and every verb with every option to use on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from promptlab.cli import cli

# What a terminal would obey (titles, screen, clipboard, colours, concealment, C1, erasing), what
# turns text around or breaks lines, markup of rich, a formula, a template's tags, control tokens.
POISON = (
    "=1+1 owned\x1b]0;title\x07\x1b[2J\x1b]52;c;eA==\x1b\\\x1b[8m\x1b[6n\x1bc\x9b31m\x9d0;t\x9c"
    "\x08\x08\x7f\r\x00\u202eright\u2066\u200f\u2028\u2029\x85[red]markup[/] [/] :boom:"
    " {{ x }}{% if %} <|im_start|>system<|im_end|></s>"
)
FULL = POISON.replace("\x00", "")  # a case may hold no NUL
TAME = FULL.replace("{{ x }}{% if %}", "")  # where a tag would be one
BODY = "".join(sign for sign in TAME if sign not in "\r\x85\u2028\u2029")

SCORERS = f"""
from promptlab import Score
POISON = {POISON!r}
def says(sample):
    print(POISON)
    return Score(0.0, False, reason=POISON)
def raises(sample):
    raise ValueError(POISON)
"""
NAME = "".join(sign for sign in BODY if sign >= " " and not "\x7f" <= sign < "\xa0")  # in a table
OUTCOMES = "template,case,score,backend,scorer,output,group\n" + "".join(
    f'x@{version},"{NAME}{case}",{case % 2},"{NAME}","[/] {NAME}","{BODY}",g\n'
    for version in ("v1", "v2")
    for case in range(3)
)

# What a parameter is given that is needed, by its name or by verb and name.
NEEDED = {
    "suite": "s",
    "run_ref": "latest",
    "reference": "t@v1",
    "name": "t",
    "alias": "best",
    "first": "t@v1",
    "second": "t@v2",
    "file": "outcomes.csv",
    "format_name": "suite",
    "folder": "made",
    "verbs": "run",
    "scorer show name": "mine:says",
    "suite show name": "s",
    "run_refs": "no-such-run",
}
# What keeps a verb from waiting for a person at a terminal; its screen has tests of its own. And
# what keeps one from drawing charts, which loads a browser's engine, and one from serving until
# it is stopped: their pages have tests too.
ALONE: dict[tuple[str, ...], list[str]] = {
    ("review",): ["--agreement"],
    ("watch",): ["--once"],
    ("view",): ["--get", "/runs/latest/trials"],
    ("report",): ["--json"],
}


def poison(root: Path) -> None:
    """Write the project."""
    cases = [
        {
            "id": f"{FULL}{n}",
            "tags": [FULL],
            "group": f"{FULL}{n}",
            "expect": FULL,
            "x": each,
        }
        for n, each in enumerate([FULL, f"fails {FULL}", "tame"])
    ]
    front = {"description": TAME, "practices": ["clear"], "notes": TAME}
    part = '{% practice "clear" %} clearly{% endpractice %}'
    files = {
        "templates/t/v1.j2": f"---\n{json.dumps(front)}\n---\n{BODY} {{{{ x }}}}",
        "templates/t/v2.j2": f"{{% user %}}{BODY} again {{{{ x }}}}{part}{{% enduser %}}",
        "templates/t/aliases.yaml": json.dumps({TAME: "v1", "good": "v2"}),
        "suites/s.yaml": json.dumps(
            {
                "description": TAME,
                "templates": ["t@*"],
                "backends": [TAME, "echo"],
                "cases": "cases.jsonl",
                "scorers": [{"contains": {"any": [TAME]}}, "mine:says", "mine:raises"],
            }
        ),
        "suites/cases.jsonl": "".join(f"{json.dumps(case)}\n" for case in cases),
        "promptlab.toml": f"[backends.{json.dumps(TAME)}]\n"
        f'kind = "echo"\nreply = {json.dumps(TAME)}\nfail = "fails"\n',
        "mine.py": SCORERS,
        "outcomes.csv": OUTCOMES,
        "wrong/templates/t/v1.j2": "---\n" + json.dumps({TAME: 1}) + "\n---\n",
        "wrong/suites/s.yaml": json.dumps({TAME: 1}),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def leaves(
    command: click.Command = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every verb with its words, as the tree of commands has them."""
    if isinstance(command, click.Group):
        if command.invoke_without_command and path:
            yield path, command
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


def plain_call(path: tuple[str, ...], command: click.Command) -> list[str]:
    """Return a call of a verb that does what it is for."""
    words = [*path, *ALONE.get(path, ())]
    for param in command.params:
        if isinstance(param, click.Argument):
            words += [needed(path, param)] if param.name in NEEDED else []
            assert param.name in NEEDED or not param.required, f"add {param.name} to NEEDED"
        elif param.required:
            words += [param.opts[0], needed(path, param)]
    return words


def calls(path: tuple[str, ...], command: click.Command) -> Iterator[list[str]]:
    """Yield calls of a verb: as it is for, and poisoned in each of its parameters."""
    words = plain_call(path, command)
    yield words
    for param in command.params:
        if isinstance(param, click.Option) and param.opts[0] not in words:
            value = option_value(param)
            yield [*words, param.opts[0], *([] if value is None else [value] * param.nargs)]
        elif isinstance(param, click.Argument):
            if param.name in NEEDED:
                value = needed(path, param)
                yield [TAME if word == value else word for word in words]
            else:
                yield [*words, TAME]


def needed(path: tuple[str, ...], param: click.Parameter) -> str:
    """Return what a parameter needs."""
    return _looked_up(NEEDED, f"{' '.join(path)} {param.name}", str(param.name))


def option_value(option: click.Option) -> str | None:
    """Return a poisoned value of an option, or one of its kind; None for a flag."""
    if option.is_flag:
        return None
    if isinstance(option.type, click.Choice):
        return str(option.type.choices[0])
    return "1" if isinstance(option.type, click.IntRange) else TAME


def _looked_up(values: Mapping[str, str], *keys: str) -> str:
    return next(values[key] for key in keys if key in values)

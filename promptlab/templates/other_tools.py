"""Marks of other tools in a template: what they seem to be, and what to write instead.

Some break Jinja, and become the hint of its error; the others would reach the model as they stand,
and become notes. JSON is no such mark, and a note never stops anything: a prompt may be about them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from jinja2 import TemplateSyntaxError

from promptlab.core.errors import place
from promptlab.core.types import TemplateSource
from promptlab.templates.fences import body_of
from promptlab.templates.line_breaks import prompt_lexer

_RAW = "put it between {% raw %} and {% endraw %}"
_OPENINGS = re.compile(r"\{\{")
# What begins with braces of Jinja and means something elsewhere, most telling first.
_BROKEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\{\{~?\s*(?:[#/^>&!@*]|else\b)"),
        "this looks like Handlebars or Mustache; here it is {% if x %} ... {% endif %},"
        " {% for x in xs %} ... {% endfor %} or {# a comment #}",
    ),
    (
        re.compile(r"\{\{\{\s*[\w.]+\s*\}\}\}"),
        "three braces are Handlebars or Mustache; here it is {{ name }}",
    ),
    (re.compile(r"\{\{-?\s*\$"), "here a variable is its plain name: {{ name }}"),
    (re.compile(r"\{\{-?\s*\.\w"), "this looks like a template of Go; here it is {{ name }}"),
    (
        re.compile(r"\{\{\s*(?:[\"'\]\[}\n]|\w+\s*:|$)"),
        "double braces are Jinja's; where an f-string or LangChain has them for braces of the text,"
        f" write single ones, or {_RAW}",
    ),
)
_COMMENT = f"{{# begins a comment, which #}} ends; if it is text, {_RAW}"
_TAGS_OF_OTHERS: Mapping[str, str] = {
    "assign": "{% set name = value %}",
    "capture": "{% set name %} ... {% endset %}",
    "comment": "{# ... #}",
    "unless": "{% if not x %} ... {% endif %}",
    "elsif": "{% elif x %}",
    "elseif": "{% elif x %}",
    "foreach": "{% for x in xs %} ... {% endfor %}",
    "each": "{% for x in xs %} ... {% endfor %}",
    "while": "{% for i in range(9) %} ... {% endfor %}",
    "generation": "{% assistant %} ... {% endassistant %}",
}
_UNKNOWN_TAG = re.compile(r"unknown tag '(\w+)'")

_NAME = r"([A-Za-z_]\w*)[\w.]*"
_PLACEHOLDERS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\$\{{\s*{_NAME}\s*\}}",
        rf"#\{{\s*{_NAME}\s*\}}",
        rf"(?<![{{$#\w\\])\{{\s*{_NAME}(?:![rsa])?\s*\}}(?!\}})",
        rf"<%=?\s*{_NAME}\s*-?%>",
        rf"\[\[\s*{_NAME}\s*\]\]",
        rf"<<\s*{_NAME}\s*>>",
        rf"%\({_NAME}\)[sdf]",
        r"(?<![\w$\\])\$([A-Za-z_]\w*)",
    )
)
_ROLES = ("system", "user", "assistant")
_ROLE_LINE = re.compile(
    r"^[ \t]*(?:#+[ \t]*)?\**(system|developer|user|human)\**:\**[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
_CONTROL = re.compile(r"<\|[a-z_]+\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>")
_TAG = "\ufffc"  # stands for a tag or an expression where a text is looked through


def hint_for(error: TemplateSyntaxError, text: str) -> str | None:
    """Return what a text that is not Jinja seems to be; None if it looks like nothing known."""
    if "end of comment" in str(error.message):
        return _COMMENT
    tag = _UNKNOWN_TAG.search(str(error.message))
    if tag is not None:
        meant = _TAGS_OF_OTHERS.get(tag[1])
        return meant and f"here it is {meant}"
    lines = text.split("\n")[: error.lineno]
    until = len("\n".join(lines))
    begin = until - len(lines[-1]) if lines else 0
    starts = [found.start() for found in _OPENINGS.finditer(text, 0, until)]
    on_line = [start for start in starts if start >= begin]
    for start in on_line or starts[-1:]:
        for pattern, hint in _BROKEN:
            if pattern.match(text, start):
                return hint
    return None


def notes_on(source: TemplateSource, names: Collection[str]) -> tuple[str, ...]:
    """Return a note for each kind of mark that would reach the model as it stands.

    `names` are the variables of the cases, which a placeholder of another tool may mean.
    """
    body = body_of(source.source)
    above = source.source[: len(source.source) - len(body)].count("\n")
    texts = [(f"templates/{source.name}/{source.version}.j2", above, body)]
    texts += [(f"templates/{path}", 0, text) for path, text in source.includes.items()]
    found: dict[str, str] = {}
    for file, skipped, text in texts:
        has_roles, sent = _sent_text(text)
        for mark, start, note in _marks(sent, names, has_roles=has_roles):
            line = skipped + sent[:start].count("\n") + 1
            found.setdefault(mark, f"{place(file, line)}: {note}")
    return tuple(found.values())


def _sent_text(text: str) -> tuple[bool, str]:
    """Return whether a text has role tags, and what it sends, line by line.

    What is marked as raw is meant as it stands.
    """
    pieces, line, raw, has_roles = [], 1, False, False
    for start, kind, value in prompt_lexer().tokeniter(text, None):
        raw = kind == "raw_begin" or (raw and kind != "raw_end")
        has_roles = has_roles or (kind == "name" and value in _ROLES)
        pieces.append("\n" * (start - line))
        line = max(line, start)
        if kind == "data" and not raw:
            pieces.append(value)
            line += value.count("\n")
        else:
            pieces.append(_TAG)
    return has_roles, "".join(pieces)


def _marks(text: str, names: Collection[str], *, has_roles: bool) -> Iterator[tuple[str, int, str]]:
    """Yield the marks of a text: their kind, where they stand, and the note."""
    for pattern in _PLACEHOLDERS:
        for match in pattern.finditer(text):
            if match[1] in names:
                note = (
                    f"{match[0]!r} is sent as it stands; if it is to be the case's value, write"
                    f" {{{{ {match[1]} }}}}"
                )
                yield "placeholder", match.start(), note
    role = None if has_roles else _ROLE_LINE.search(text)
    if role is not None:
        name = "system" if role[1].lower() in ("system", "developer") else "user"
        note = (
            f"the line {role[0].strip()!r} is text of one user message; if a message is to begin"
            f" there, as in Prompty, write {{% {name} %}} ... {{% end{name} %}}"
        )
        yield "role", role.start(1), note
    control = _CONTROL.search(text)
    if control is not None:
        note = (
            f"{control[0]!r} is sent as plain text; messages begin with tags such as {{% user %}}"
        )
        yield "control", control.start(), note

"""Whether a template renders the same with and without the line breaks that are kept today.

Until they were kept, a line that ended with a tag was joined to the next one. A text to which this
makes no difference has the digest that it always had; all others have another one, so that results
of the former prompts and of today's are never taken for the same.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache

from jinja2 import Environment, TemplateSyntaxError
from jinja2.lexer import Lexer

from promptlab.core.digest import template_digest
from promptlab.core.types import TemplateSource
from promptlab.templates.fences import body_of
from promptlab.templates.line_breaks import Token, prompt_lexer

_ROLES = ("system", "user", "assistant")
_INSIDE = (*_ROLES, "macro", "call", "filter", "block")  # what stands in these may be sent
_SILENT = ("comment_begin", "comment", "comment_end", "raw_begin", "raw_end", "whitespace")
_EDGES = ("block_begin", "block_end", "variable_begin", "variable_end")


def make_source(
    name: str, version: str, text: str, includes: dict[str, str], *, keeps_breaks: bool = True
) -> TemplateSource:
    """Return a version from its text and those of its includes, with its digest.

    Without `keeps_breaks` it is rendered as it was before line breaks were kept.
    """
    texts = (body_of(text), *includes.values())
    differs = keeps_breaks and not all(map(renders_the_same, texts))
    digest = template_digest(text, includes, keeps_breaks=differs)
    return TemplateSource(name, version, text, includes, digest)


def keeps_breaks(source: TemplateSource) -> bool:
    """Return whether a version is rendered with the line breaks that are kept today."""
    return source.digest != template_digest(source.source, source.includes)


def without_breaks(source: TemplateSource) -> TemplateSource:
    """Return a version as it was before its prompts kept line breaks after tags."""
    return replace(source, digest=template_digest(source.source, source.includes))


def with_crlf(source: TemplateSource) -> TemplateSource:
    """Return a version as it was known when the line ends of its files were a part of it."""
    text = source.source.replace("\n", "\r\n")
    includes = {path: text.replace("\n", "\r\n") for path, text in source.includes.items()}
    return replace(source, source=text, includes=includes, digest=template_digest(text, includes))


def renders_the_same(text: str) -> bool:
    """Return whether it makes no difference to a text which line breaks are kept.

    It may say no of a text whose prompts are the same all the same, never yes of one whose are not.
    """
    lexers = (prompt_lexer(), _former_lexer())
    try:
        kept, cut = ([*_essence([*lexer.tokeniter(text, None)])] for lexer in lexers)
    except TemplateSyntaxError:
        return True  # it cannot be rendered at all
    return kept == cut


def essence(
    text: str, off: Collection[str] = (), *, breaks: bool = True
) -> tuple[tuple[str, str], ...]:
    """Return what the prompts of a text depend on, with the practices in `off` left out.

    Two texts may send the same all the same if theirs differ, never something else if they do not.
    `breaks` says whether line breaks are kept as they are today. Raise TemplateSyntaxError where
    the text cannot be read.
    """
    lexer = prompt_lexer() if breaks else _former_lexer()
    return tuple(_essence([*_practised(lexer.tokeniter(text, None), off)]))


def _practised(tokens: Iterable[Token], off: Collection[str]) -> Iterator[Token]:
    """Yield tokens without the tags of practices, and without all that is in one of `off`."""
    left_out: list[bool] = []
    tag: list[Token] = []
    for token in tokens:
        if token[1] != "block_begin" and not tag:
            yield from () if any(left_out) else (token,)
            continue
        tag.append(token)
        if token[1] != "block_end":
            continue
        name = next((text for _, kind, text in tag if kind == "name"), "")
        if name == "practice":
            named = next((text for _, kind, text in tag if kind == "string"), "''")
            left_out.append(literal_eval(named) in off)
        elif name == "endpractice":
            del left_out[-1:]
        elif not any(left_out):
            yield from tag
        tag = []


@cache
def _former_lexer() -> Lexer:
    return Lexer(Environment(trim_blocks=True, lstrip_blocks=True))  # noqa: S701 - for its rules


def _essence(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Yield what a prompt depends on: tags, and text, but for blanks that messages lose."""
    has_roles = any(kind == "name" and text in _ROLES for _, kind, text in tokens)
    depth, text, edge = 0, "", False
    for name, kind, value in _with_names(tokens):
        if kind == "data":
            text += value
            continue
        if text:
            sent = depth > 0 or not has_roles
            shown = text if sent else text.strip()
            shown = shown.lstrip() if edge else shown
            shown = shown.rstrip() if name.removeprefix("end") in _ROLES else shown
            yield from [("data", shown)] if shown else []
            text = ""
        if kind == "block_end":
            depth += (name in _INSIDE) - (name.removeprefix("end") in _INSIDE and name[:3] == "end")
        edge = kind == "block_end" and name in _ROLES
        yield kind, "" if kind in _EDGES else value
    if text and not (has_roles and not text.strip()):
        yield "data", text


def _with_names(tokens: Iterable[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield tokens with the name of the tag that they are in; comments and blanks are left out."""
    waiting: list[Token] = []
    for token in tokens:
        if token[1] in _SILENT:
            continue
        if token[1] == "block_begin" or waiting:
            waiting.append(token)
            if token[1] == "block_end":
                name = next((text for _, kind, text in waiting if kind == "name"), "")
                yield from ((name, kind, text) for _, kind, text in waiting)
                waiting = []
        else:
            yield "", token[1], token[2]

"""The files of one version, each parsed once: for its includes, its checks and its code.

Knows no folder: the caller reads the files and passes their texts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.filters import FILTERS

from promptlab.core.errors import PromptlabError, place
from promptlab.core.types import TemplateSource
from promptlab.sandbox.errors import BadSourceError
from promptlab.sandbox.filters import REFUSED
from promptlab.templates.affected import keeps_breaks
from promptlab.templates.front_matter import split_front_matter
from promptlab.templates.other_tools import hint_for
from promptlab.templates.tags import IMPLICIT_ANSWER, PromptEnvironment

_NUL = "\0"
_NO_FILTER = re.compile(r"No filter named '(\w+)'")


class ParsedVersion:
    """A version's front matter, its body below it, and the syntax trees of its files.

    `file` is the name of its own file and that file's key in `trees`; the key of an included file
    is its path below `templates/`.
    """

    def __init__(self, name: str, version: str, text: str, *, keeps_breaks: bool = True) -> None:
        """Parse the version's own file. Raise PromptlabError, with its line, where it is wrong."""
        self.file = f"templates/{name}/{version}.j2"
        self.front, self.body = split_front_matter(text, self.file)
        self.trees: dict[str, nodes.Template] = {}
        self.environment = PromptEnvironment(keeps_breaks=keeps_breaks, loader=_Trees(self.trees))
        self._final_answers: dict[str, str | None] = {}
        self.parse(self.file, self.body)

    def parse(self, file: str, text: str) -> None:
        """Parse a file of the version. Raise PromptlabError, with its line, where it is wrong."""
        self.environment.final_answer = None
        with self.compiling(file, text):
            if _NUL in text:
                line = text[: text.index(_NUL)].count("\n") + 1
                raise BadSourceError("a NUL character", "remove it from the file", line)
            self.trees[file] = self.environment.parse(text, file)
        self._final_answers[file] = self.environment.final_answer

    @property
    def final_answer(self) -> str:
        """Return the answer that the last tag leads to, in the body or the last file with any."""
        *included, last = (*sorted(self.trees.keys() - {self.file}), self.file)
        answers = (self._final_answers[file] for file in (last, *reversed(included)))
        return next((name for name in answers if name is not None), IMPLICIT_ANSWER)

    def compile(self) -> JinjaTemplate:
        """Compile all files and return the version's own; call it once all are parsed."""
        compiled = {}
        for file in self.trees:
            with self.compiling(file):
                compiled[file] = self.environment.get_template(file)
        return compiled[self.file]

    def read_answers(self) -> None:
        """Make every file read answers from the transcript; all their names are known by now."""
        for file, tree in self.trees.items():
            with self.compiling(file):
                self.environment.read_answers(tree)

    @contextmanager
    def compiling(self, file: str | None = None, text: str = "") -> Iterator[None]:
        """Turn whatever Jinja or Python raises over a file, the version's own, into its mistake."""
        shown = self.shown(file or self.file)
        try:
            yield
        except TemplateSyntaxError as error:
            raise syntax_error(error, shown, text) from None
        except PromptlabError:
            raise
        except Exception as error:  # noqa: BLE001 - a stack or a compiler that is full, a number
            raise not_compiled(error, shown) from None

    def shown(self, file: str) -> str:
        """Return the name of a file as the user sees it."""
        return file if file == self.file else f"templates/{file}"


def parse_version(source: TemplateSource) -> ParsedVersion:
    """Parse a version whose files are all known."""
    breaks = keeps_breaks(source)
    parsed = ParsedVersion(source.name, source.version, source.source, keeps_breaks=breaks)
    for file, text in source.includes.items():
        parsed.parse(file, text)
    return parsed


class _Trees(BaseLoader):
    """Gives Jinja the trees, which it would otherwise parse again from the texts."""

    def __init__(self, trees: Mapping[str, nodes.Template]) -> None:
        self._trees = trees

    def load(
        self, environment: Environment, name: str, globals: MutableMapping[str, Any] | None = None
    ) -> JinjaTemplate:
        if name not in self._trees:
            raise TemplateNotFound(name)
        code = environment.compile(self._trees[name], name)
        return environment.template_class.from_code(environment, code, globals or {}, lambda: True)


def syntax_error(error: TemplateSyntaxError, file: str, text: str) -> PromptlabError:
    """Convert a syntax error in a text of `file` to a PromptlabError."""
    where = place(file, error.lineno)
    message = str(error.message).rstrip(".")
    if isinstance(error, BadSourceError):
        return PromptlabError(message, where=where, hint=error.hint)
    hint = "check its spelling and that every tag is closed"
    if meant := hint_for(error, text):
        hint = meant
    elif "unknown tag" in message:
        hint = (
            "the tags are system, user, assistant, generate, practice and Jinja's own; if it is"
            " text, put it between {% raw %} and {% endraw %}"
        )
    elif lacking := _NO_FILTER.match(message):
        near = difflib.get_close_matches(lacking[1], FILTERS.keys() - REFUSED.keys(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "the filters are Jinja's own"
        hint = REFUSED.get(lacking[1], hint)
    return PromptlabError(f"bad template: {message}", where=where, hint=hint)


def not_compiled(error: Exception, file: str) -> PromptlabError:
    """Return the error for a template that is valid, but more than Python can compile."""
    if isinstance(error, (RecursionError, MemoryError, SyntaxError)):
        message, hint = "tags or brackets are nested too deeply", "use fewer levels"
    elif isinstance(error, ValueError):
        message, hint = "a number is too long", "use fewer digits"
    else:
        message, hint = f"it cannot be compiled ({type(error).__name__})", "write it more simply"
    return PromptlabError(f"bad template: {message}", where=file, hint=hint)

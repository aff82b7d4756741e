"""The files of one version, each parsed once: for its includes, its checks and its code.

Knows no folder: the caller reads the files and passes their texts.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError, nodes
from jinja2 import Template as JinjaTemplate

from promptlab.core.errors import PromptlabError, place
from promptlab.core.types import TemplateSource
from promptlab.templates.front_matter import split_front_matter
from promptlab.templates.tags import IMPLICIT_ANSWER, BadTagError, PromptEnvironment


class ParsedVersion:
    """A version's front matter, its body below it, and the syntax trees of its files.

    `file` is the name of its own file and that file's key in `trees`; the key of an included file
    is its path below `templates/`.
    """

    def __init__(self, name: str, version: str, text: str) -> None:
        """Parse the version's own file. Raise PromptlabError, with its line, where it is wrong."""
        self.file = f"templates/{name}/{version}.j2"
        self.front, self.body = split_front_matter(text, self.file)
        self.trees: dict[str, nodes.Template] = {}
        self.environment = PromptEnvironment(loader=_Trees(self.trees))
        self._final_answers: dict[str, str | None] = {}
        self.parse(self.file, self.body)

    def parse(self, file: str, text: str) -> None:
        """Parse a file of the version. Raise PromptlabError, with its line, where it is wrong."""
        self.environment.final_answer = None
        try:
            self.trees[file] = self.environment.parse(text, file)
        except TemplateSyntaxError as error:
            raise syntax_error(error, self.shown(file)) from None
        except (RecursionError, ValueError):
            raise not_compiled(self.shown(file)) from None
        self._final_answers[file] = self.environment.final_answer

    @property
    def final_answer(self) -> str:
        """Return the answer that the last tag leads to, in the body or the last file with any."""
        *included, last = (*sorted(self.trees.keys() - {self.file}), self.file)
        answers = (self._final_answers[file] for file in (last, *reversed(included)))
        return next((name for name in answers if name is not None), IMPLICIT_ANSWER)

    def compile(self) -> JinjaTemplate:
        """Compile all files and return the version's own; call it once all are parsed."""
        try:
            compiled = {file: self.environment.get_template(file) for file in self.trees}
        except TemplateSyntaxError as error:
            raise syntax_error(error, self.shown(error.name or self.file)) from None
        except (RecursionError, SyntaxError, ValueError):  # what Python's own compiler rejects
            raise not_compiled(self.file) from None
        return compiled[self.file]

    def read_answers(self) -> None:
        """Make every file read answers from the transcript; all their names are known by now."""
        for file, tree in self.trees.items():
            try:
                self.environment.read_answers(tree)
            except BadTagError as error:
                raise syntax_error(error, self.shown(file)) from None

    def shown(self, file: str) -> str:
        """Return the name of a file as the user sees it."""
        return file if file == self.file else f"templates/{file}"


def parse_version(source: TemplateSource) -> ParsedVersion:
    """Parse a version whose files are all known."""
    parsed = ParsedVersion(source.name, source.version, source.source)
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


def syntax_error(error: TemplateSyntaxError, file: str) -> PromptlabError:
    """Convert a syntax error in `file` to a PromptlabError."""
    where = place(file, error.lineno)
    message = str(error.message).rstrip(".")
    if isinstance(error, BadTagError):
        return PromptlabError(message, where=where, hint=error.hint)
    hint = "check its spelling and that every tag is closed"
    if "unknown tag" in message:
        hint = "the tags are system, user, assistant, generate, practice and Jinja's own"
    return PromptlabError(f"bad template: {message}", where=where, hint=hint)


def not_compiled(file: str) -> PromptlabError:
    """Return the error for a template that is valid, but more than Python can compile."""
    return PromptlabError(
        "bad template: tags or brackets are nested too deeply, or a number is too long",
        where=file,
        hint="use fewer levels or digits",
    )

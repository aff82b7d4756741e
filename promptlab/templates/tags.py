"""The tags of a template, as a Jinja extension: roles, `generate`, `practice`, `image`.

A body is rendered with a `Transcript` in its context. The tags call it: they open and close
messages, use the answers already given, and stop rendering where the model must answer. Because
only tags in the source reach the transcript, no text in a variable can open a message. This module
knows nothing of files, front matter or references.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined, nodes, pass_context
from jinja2.ext import Extension
from jinja2.lexer import Lexer, get_lexer
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer
from pydantic import ValidationError

from promptlab.core.plugins import unknown
from promptlab.core.sampling import SamplingSettings
from promptlab.core.types import Role
from promptlab.core.validation import wrong_value
from promptlab.sandbox.environment import SandboxEnvironment
from promptlab.sandbox.errors import BadSourceError
from promptlab.templates.line_breaks import END_LINE, end_line, prompt_lexer
from promptlab.templates.transcript import TagError, Transcript

ROLES: tuple[Role, ...] = ("system", "user", "assistant")
IMPLICIT_ANSWER = "answer"  # the name of an answer that the template leaves unnamed
GENERATE_OPTIONS = ("max_tokens", "temperature", "top_p", "stop")

# No identifier of a template can spell this name, so a template cannot reach its transcript.
_RECORDER = "promptlab:transcript"
# Names with a meaning in Jinja, which an answer of that name would hide.
_RESERVED = frozenset(
    ("true", "false", "none", "True", "False", "None", "loop", "self", "super", "caller", "varargs",
     "kwargs", "not", "and", "or", "if", "else", "in", "is", "recursive")
)  # fmt: skip


class BadTagError(BadSourceError):
    """A malformed tag, with its remedy."""


class PromptTags(Extension):
    """The tags `system`, `user`, `assistant`, `generate` and `practice`."""

    tags = {*ROLES, "generate", "practice"}  # noqa: RUF012 - Jinja's own declaration

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """Turn one tag into calls on the transcript."""
        token = next(parser.stream)
        if token.value == "generate":
            return self._parse_generate(parser, token.lineno)
        if token.value == "practice":
            return self._parse_practice(parser, token.lineno)
        self._environment.has_roles = True
        self._environment.final_answer = IMPLICIT_ANSWER
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        call = self._call("_open", nodes.Const(token.value))
        return nodes.CallBlock(call, [], [], body).set_lineno(token.lineno)

    def _parse_generate(self, parser: Parser, lineno: int) -> nodes.Node:
        name = IMPLICIT_ANSWER
        if parser.stream.current.type == "name" and parser.stream.look().type != "assign":
            name = next(parser.stream).value
        if name in _RESERVED or name in self._environment.globals:
            raise BadTagError(
                f"an answer cannot be named {name!r}", "Jinja reserves that word; rename it", lineno
            )
        options = self._parse_options(parser, lineno)
        call = self._call("_generate", nodes.Const(name), nodes.Const(options))
        node = nodes.ExprStmt(call, lineno=lineno)
        self._environment.generate_names.add(name)
        self._environment.final_answer = name
        return node

    def _parse_options(self, parser: Parser, lineno: int) -> Mapping[str, object]:
        options: dict[str, object] = {}
        while parser.stream.current.type == "name":
            key = next(parser.stream).value
            if key not in GENERATE_OPTIONS:
                error = unknown("option", key, GENERATE_OPTIONS, of="generate")
                raise BadTagError(error.message, error.hint, lineno)
            parser.stream.expect("assign")
            try:
                options[key] = _constant(
                    parser.parse_expression(with_condexpr=False), self.environment
                )
            except nodes.Impossible:
                raise BadTagError(
                    f"{key} of generate is an expression", "write a plain value", lineno
                ) from None
        try:
            return SamplingSettings.model_validate(options).given()
        except ValidationError as error:
            wrong = error.errors()[0]
            message, hint = wrong_value([wrong])
            raise BadTagError(f"{wrong['loc'][0]} of generate: {message}", hint, lineno) from None

    def _parse_practice(self, parser: Parser, lineno: int) -> nodes.Node:
        token = parser.stream.current
        if token.type != "string":
            raise BadTagError(
                "practice takes one quoted name", 'write {% practice "context" %}', lineno
            )
        name = next(parser.stream).value
        self._environment.practice_names.add(name)
        body = parser.parse_statements(("name:endpractice",), drop_needle=True)
        test = self._call("_is_on", nodes.Const(name))
        return nodes.If(test, body, [], [], lineno=lineno)

    @property
    def _environment(self) -> PromptEnvironment:
        assert isinstance(self.environment, PromptEnvironment)
        return self.environment

    def _call(self, method: str, *arguments: nodes.Expr) -> nodes.Call:
        return self.call_method(method, [nodes.ContextReference(), *arguments])

    def _open(self, context: Context, role: Role, caller: Callable[[], str]) -> str:
        transcript = _transcript(context)
        if transcript.role is not None:
            raise TagError(
                f"{role} is inside {transcript.role}", f"close {transcript.role} before it"
            )
        transcript.role = role
        text = caller()
        transcript.role = None
        transcript.say(role, text)
        return ""

    def _generate(self, context: Context, name: str, options: Mapping[str, Any]) -> None:
        transcript = _transcript(context)
        if transcript.role is not None:
            raise TagError(
                f"generate is inside {transcript.role}", f"close {transcript.role} before it"
            )
        transcript.answer(name, options)

    def _is_on(self, context: Context, name: str) -> bool:
        return name not in _transcript(context).off

    def _answer(self, context: Context, name: str) -> object:
        given = _transcript(context).given
        if name in given:
            return given[name]
        return StrictUndefined(f"{name!r} is used before {{% generate {name} %}}")


def _constant(expression: nodes.Expr, environment: Environment) -> object:
    """Return the value of an expression. Raise Impossible if it must be computed."""
    return expression.as_const(nodes.EvalContext(environment))


def _transcript(context: Context) -> Transcript:
    transcript = context.resolve(_RECORDER)
    if not isinstance(transcript, Transcript):
        raise TagError(
            "an imported macro contains tags",
            'import it like this: {% import "..." as x with context %}',
        )
    return transcript


class _AnswersByName(NodeTransformer):
    """Makes the names of answers read from the transcript, whatever scope they were generated in.

    Jinja discards what a loop body assigns; an answer given in one iteration must be visible in
    the next one and after the loop.
    """

    def __init__(self, names: frozenset[str], tags: PromptTags) -> None:
        self.names = names
        self.tags = tags

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        if node.name not in self.names:
            return node
        if node.ctx != "load":
            raise BadTagError(
                f"{node.name!r} is the name of an answer and cannot be assigned",
                "rename the variable",
                node.lineno,
            )
        call = self.tags._call("_answer", nodes.Const(node.name))
        return call.set_lineno(node.lineno)


class PromptEnvironment(SandboxEnvironment):
    """The sandbox that templates are compiled in.

    One environment belongs to one template version, whose closure defines `generate_names`. Without
    `keeps_breaks` a line that ends with a tag is joined to the next one, as before 2027.
    """

    def __init__(self, *, keeps_breaks: bool = True, **options: Any) -> None:
        cuts = not keeps_breaks
        super().__init__(trim_blocks=cuts, lstrip_blocks=cuts, extensions=[PromptTags], **options)
        self._keeps_breaks = keeps_breaks
        self.filters[END_LINE] = end_line
        self.generate_names: set[str] = set()
        self.final_answer: str | None = None  # what the last tag leads to, None without any
        self.practice_names: set[str] = set()
        self.has_roles = False
        self.globals["image"] = _image

    @property
    def lexer(self) -> Lexer:
        """The lexer, which decides about line breaks."""
        return prompt_lexer() if self._keeps_breaks else get_lexer(self)

    def read_answers(self, tree: nodes.Template) -> None:
        """Make a tree read answers from the transcript; all names of the closure must be known."""
        if self.generate_names:
            tags = self.extensions[PromptTags.identifier]
            assert isinstance(tags, PromptTags)
            _AnswersByName(frozenset(self.generate_names), tags).visit(tree)


@pass_context
def _image(context: Context, source: object) -> str:
    return _transcript(context).image(source)


def context_for(transcript: Transcript, variables: Mapping[str, object]) -> dict[str, object]:
    """Return the variables of one rendering, with its transcript among them."""
    return {**variables, _RECORDER: transcript}

"""A template version: front matter and body, compiled, checked and rendered.

It is made from a `TemplateSource`, whether read from a file or from the store, and knows no folder.
`library` finds the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import meta, nodes

from promptlab.core.errors import PromptlabError, place
from promptlab.core.types import Image, Json, Message, TemplateSource
from promptlab.core.validation import shown
from promptlab.sandbox.budget import MAX_SECONDS
from promptlab.templates.failures import explain, template_line
from promptlab.templates.front_matter import SLUG
from promptlab.templates.inputs import as_type, is_of_type
from promptlab.templates.parsed import ParsedVersion, parse_version
from promptlab.templates.tags import IMPLICIT_ANSWER, context_for
from promptlab.templates.transcript import Awaiting, Transcript

# Placeholder for an answer that no model has given yet, when all is rendered before the run.
STAND_IN = "(an answer not given yet)"

_MAX_CALLS = 200  # a loop with more iterations than this is a mistake, not a conversation
_USER = "{% user %} ... {% enduser %}"


@dataclass(frozen=True, slots=True)
class Call:
    """A model call: the name of its answer, its messages and its sampling keys."""

    name: str
    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]


def no_images(source: str) -> Image:
    """Reject images: the loader for templates that are rendered without a folder of cases."""
    raise PromptlabError(
        f"there is no folder to find the image {source!r} in", hint="render it with a suite's case"
    )


class Template:
    """One compiled template version.

    Attributes: `source`, `front` (its front matter), `body` (the text below it, after as many
    empty lines), `practices` (declared or marked in the body), `blocks` (practices that can be
    switched off), `answers` (names that `generate` gives), `final_answer` (that of the body's last
    tag) and `variables` (what a case must provide).
    """

    def __init__(self, source: TemplateSource, parsed: ParsedVersion | None = None) -> None:
        """Compile `source`; `parsed` is given if its files have just been parsed.

        Raise PromptlabError, with file and line, where it is wrong.
        """
        parsed = parsed or parse_version(source)
        self.source = source
        self.file = parsed.file
        self.front = parsed.front
        self.body = parsed.body
        self.answers = frozenset(parsed.environment.generate_names)
        self.final_answer = parsed.final_answer
        self._parsed = parsed
        self._environment = parsed.environment
        with parsed.compiling():
            parsed.read_answers()
            self._check_text(parsed.trees[self.file])
            self._compiled = parsed.compile()
            self.variables = self._find_variables(parsed.trees)
        self._globals = dict(self._compiled.globals)
        self.blocks = tuple(sorted(self._environment.practice_names))
        self._check_names()
        extra = (name for name in self.blocks if name not in self.front.practices)
        self.practices = (*self.front.practices, *extra)

    @property
    def reference(self) -> str:
        """Return `name@version`."""
        return f"{self.source.name}@{self.source.version}"

    def schema_of(self, call: Call) -> Mapping[str, Json] | None:
        """Return the schema that an answer must follow: only the final answer has one."""
        return self.front.output.schema_ if call.name == self.final_answer else None

    def render(
        self,
        variables: Mapping[str, object],
        answers: Sequence[str] = (),
        off: frozenset[str] = frozenset(),
        load_image: Callable[[str], Image] = no_images,
    ) -> Call | None:
        """Render up to the model call that follows `answers`; None if there is none.

        Practices in `off` are left out. Raise PromptlabError with file, line and variable.
        """
        if self._has_all(answers):
            return None
        self._environment.budget.start()
        return self._render(self._typed(variables), answers, off, load_image)

    def calls(
        self,
        variables: Mapping[str, object],
        off: frozenset[str] = frozenset(),
        load_image: Callable[[str], Image] = no_images,
    ) -> Iterator[Call]:
        """Render every call, with placeholder text for answers: the check of one case.

        The time that one rendering may take is for all of them.
        """
        variables = self._typed(variables)
        self._check_inputs(variables)
        budget, seconds = self._environment.budget, MAX_SECONDS
        answers: list[str] = []
        while not self._has_all(answers):
            budget.start(seconds)
            call = self._render(variables, answers, off, load_image)
            seconds = budget.seconds_left()
            if call is None:
                return
            yield call
            answers.append(STAND_IN)
            if len(answers) > _MAX_CALLS:
                raise self._error(f"more than {_MAX_CALLS} model calls", "end the loop earlier")

    def _has_all(self, answers: Sequence[str]) -> bool:
        """Return whether nothing follows: a body without `generate` makes one call, at its end."""
        return bool(answers) and not self.answers

    def _render(
        self,
        variables: Mapping[str, object],
        answers: Sequence[str],
        off: frozenset[str],
        load_image: Callable[[str], Image],
    ) -> Call | None:
        transcript = Transcript(answers, off, load_image)
        # What Jinja would assemble itself, but faster: its globals are a chain of mappings.
        given = {**self._globals, **context_for(transcript, variables)}
        context = self._compiled.new_context(given, shared=True)
        try:
            text = self._environment.concat(self._compiled.root_render_func(context))
            return self._last_call(transcript, text)
        except Awaiting as stop:
            return Call(stop.name, tuple(transcript.messages), stop.options)
        except Exception as error:  # noqa: BLE001 - what a template raises is its own mistake
            raise self._render_error(error, variables) from None

    def _typed(self, variables: Mapping[str, object]) -> Mapping[str, object]:
        """Return the variables with texts read as the type that the front matter declares."""
        declared = self.front.inputs.items()
        if not declared:
            return variables
        typed = {
            name: as_type(variables[name], kind) for name, kind in declared if name in variables
        }
        return {**variables, **typed}

    def _check_inputs(self, variables: Mapping[str, object]) -> None:
        for name, wanted in self.front.inputs.items():
            if name in variables and not is_of_type(variables[name], wanted):
                raise self._error(
                    f"the input {name!r} is {shown(variables[name])}, not of type {wanted}",
                    "fix the case, or inputs in the front matter",
                )

    def _last_call(self, transcript: Transcript, text: str) -> Call | None:
        """Return the call that the end of the body makes, None if the conversation is complete."""
        if self._environment.has_roles or self.answers:
            if text.strip():
                raise self._error(
                    f"text outside the role tags: {_clip(text)}", f"put it inside {_USER}"
                )
        else:
            transcript.say("user", text)
        if not transcript.messages:
            raise self._error(
                "nothing is left to send: every message is empty",
                "leave some text outside the practices, and check the case's values",
            )
        turn, last = len(transcript.names), transcript.messages[-1].role
        if last == "user":
            wanted = len(transcript.answers) <= turn
            return Call(IMPLICIT_ANSWER, tuple(transcript.messages), {}) if wanted else None
        if last == "assistant" and turn and transcript.ends_with_answer:
            return None
        raise self._error(
            f"the body ends with the {last}'s message",
            "end it with a user message or with {% generate NAME %}",
        )

    def _check_text(self, tree: nodes.Template) -> None:
        if not self.body.strip():
            raise self._error("the template has no body", "write the prompt below the front matter")
        if not (self._environment.has_roles or self.answers) or tree.find(nodes.Extends):
            return  # a file that extends another fills in its blocks, inside the tags or not
        for line, text in _outside(tree.body):
            raise PromptlabError(
                f"text outside the role tags: {_clip(text)}",
                where=place(self.file, line),
                hint=f"put it inside {_USER}",
            )

    def _check_names(self) -> None:
        for name in self.blocks:
            if not SLUG.match(name):
                raise self._error(
                    f"a practice is a lower-case slug such as 'context', not {name!r}",
                    "rename it",
                )
        for name in self.answers & set(self.front.inputs):
            raise self._error(
                f"{name!r} is both an input and the name of an answer", "rename one of them"
            )

    def _find_variables(self, trees: Mapping[str, nodes.Template]) -> tuple[str, ...]:
        """List what a case must provide, which excludes what a template sets for its includes."""
        wanted = {file: meta.find_undeclared_variables(tree) for file, tree in trees.items()}
        names = (name for tree in trees.values() for name in tree.find_all(nodes.Name))
        assigned = {name.name for name in names if name.ctx != "load"}
        undeclared = wanted.pop(self.file).union(*(names - assigned for names in wanted.values()))
        return tuple(sorted(undeclared - self.answers - set(self._environment.globals)))

    def _error(self, message: str, hint: str | None = None) -> PromptlabError:
        return PromptlabError(message, where=self.file, hint=hint)

    def _render_error(self, error: Exception, variables: Mapping[str, object]) -> PromptlabError:
        file, line = template_line(error.__traceback__, self.file)
        where = place(self._parsed.shown(file), line)
        if isinstance(error, PromptlabError):
            return error.at(where)
        message, hint = explain(error, variables)
        return PromptlabError(message, where=where, hint=hint)


def _outside(body: Sequence[nodes.Node]) -> Iterator[tuple[int, str]]:
    """Find text and expressions outside every role tag of the main body."""
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                if not isinstance(part, nodes.TemplateData):
                    yield part.lineno, "{{ ... }}"
                elif part.data.strip():
                    skipped = len(part.data) - len(part.data.lstrip())
                    yield part.lineno + part.data[:skipped].count("\n"), part.data
        elif not isinstance(node, (nodes.CallBlock, nodes.Macro, nodes.AssignBlock)):
            for field in ("body", "else_", "elif_"):
                yield from _outside(getattr(node, field, None) or ())


def _clip(text: str) -> str:
    line = text.strip().splitlines()[0]
    return repr(line if len(line) <= 40 else line[:37] + "...")

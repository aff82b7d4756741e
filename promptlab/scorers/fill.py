"""Fill in scorer parameters from the case: `{{ expect }}` and the like.

A text that is exactly one `{{ expression }}` becomes that expression's value, such as a list, a
number or a dict; any other text is rendered, by the rules of a prompt. An expression sees `expect`,
`case_id`, `tags` and `group`, and every variable of the case with another name. It is strict,
sandboxed and bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.environment import TemplateExpression
from jinja2.meta import find_undeclared_variables

from promptlab.core.errors import PromptlabError
from promptlab.core.types import Case
from promptlab.core.validation import shown
from promptlab.sandbox.environment import SandboxEnvironment
from promptlab.sandbox.errors import ExpressionError

Fill = Callable[[Case], Any]

_OPENS, _CLOSES = "{{", "}}"
_TEXT_BRACES = "write braces that are text between {% raw %} and {% endraw %}"
_ENVIRONMENT = SandboxEnvironment(keep_trailing_newline=True)
_CASE_NAMES: Mapping[str, Fill] = {
    "expect": lambda case: case.expect,
    "case_id": lambda case: case.id,
    "tags": lambda case: list(case.tags),
    "group": lambda case: case.group,
}


@dataclass(frozen=True, slots=True)
class Blank:
    """A value to be filled in from each case. Unless it `computes`, it is read from there."""

    fill: Fill
    uses_expect: bool
    computes: bool

    def __call__(self, case: Case) -> Any:
        """Return the value for this case. Raise `PromptlabError` if it has none."""
        if self.uses_expect and case.expect is None:
            raise PromptlabError(
                "the case has no `expect`", hint="give the case an `expect` or set the parameter"
            )
        if self.computes:
            _ENVIRONMENT.budget.start()
        try:
            return self.fill(case)
        except ExpressionError as error:
            raise PromptlabError(str(error), hint=error.hint) from error
        except Exception as error:
            raise PromptlabError(str(error), hint=_known_names(case)) from error


def blank(value: object) -> Blank | None:
    """Compile a value that contains `{{`, at any depth; return None for a plain value.

    Raise `PromptlabError` if the text is not valid Jinja.
    """
    try:
        fill = _compile(value)
    except TemplateError as error:
        message = f"{shown(value)} is not a valid template: {error}"
        hint = getattr(error, "hint", None) or _TEXT_BRACES
        raise PromptlabError(message, hint=hint) from error
    except Exception:  # noqa: BLE001 - a stack or a compiler that is full
        raise PromptlabError(
            "a template is nested too deeply, or holds too long a number", hint="use fewer levels"
        ) from None
    return Blank(fill, _uses_expect(value), not _is_name(value)) if fill else None


def _compile(value: object) -> Fill | None:
    if isinstance(value, str):
        return _compile_text(value) if _OPENS in value else None
    if isinstance(value, Mapping):
        inner = {key: _compile(item) for key, item in value.items()}
        if not any(inner.values()):
            return None
        return lambda case: {key: fill(case) if fill else value[key] for key, fill in inner.items()}
    if isinstance(value, list):
        fills = [_compile(item) for item in value]
        if not any(fills):
            return None
        return lambda case: [
            fill(case) if fill else item for fill, item in zip(fills, value, strict=True)
        ]
    return None


def _compile_text(text: str) -> Fill:
    expression = _sole_expression(text)
    if isinstance(expression, nodes.Name):
        return _look_up(expression.name)
    if expression is None:
        template = _ENVIRONMENT.from_string(text)
        return lambda case: template.render(_scope(case))
    body = [nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)]
    compiled = _ENVIRONMENT.from_string(nodes.Template(body, lineno=1))
    evaluate = TemplateExpression(compiled, undefined_to_none=False)
    return lambda case: _defined(evaluate(_scope(case)))


def _sole_expression(text: str) -> nodes.Expr | None:
    """Return the expression of a text that consists of one `{{ expression }}`."""
    if not (text.startswith(_OPENS) and text.endswith(_CLOSES)):
        return None
    match _ENVIRONMENT.parse(text).body:
        case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
            return expression
    return None


def _is_name(value: object) -> bool:
    """Return whether a value with a template in it is `{{ name }}` and no more."""
    return isinstance(value, str) and isinstance(_sole_expression(value), nodes.Name)


def _look_up(name: str) -> Fill:
    """Read one name from the case: the usual case, and much faster than Jinja."""
    if name in _CASE_NAMES:
        return _CASE_NAMES[name]

    def variable(case: Case) -> Any:
        if name not in case.vars:
            raise LookupError(f"{name!r} is undefined")
        return case.vars[name]

    return variable


def _defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # a strict Undefined raises the error that names what is missing
    return value


def _scope(case: Case) -> dict[str, Any]:
    return {**case.vars, **{name: read(case) for name, read in _CASE_NAMES.items()}}


def _known_names(case: Case) -> str:
    return "known here: " + ", ".join(_scope(case))


def _uses_expect(value: object) -> bool:
    names = (find_undeclared_variables(_ENVIRONMENT.parse(text)) for text in _templates(value))
    return any("expect" in used for used in names)


def _templates(value: object) -> Iterator[str]:
    """Yield every text within `value` that has to be filled in."""
    if isinstance(value, str):
        if _OPENS in value:
            yield value
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_templates, value.values()))
    elif isinstance(value, list):
        yield from chain.from_iterable(map(_templates, value))

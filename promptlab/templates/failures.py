"""What goes wrong while a template is rendered: where it was, what it was, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import TracebackType

from jinja2 import Template as JinjaTemplate
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from promptlab.sandbox.errors import ExpressionError


def explain(error: Exception, variables: Mapping[str, object]) -> tuple[str, str]:
    """Return message and hint for what went wrong while rendering."""
    message = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    if isinstance(error, ExpressionError):
        return message, error.hint
    if isinstance(error, UndefinedError):
        return message, _hint_undefined(message, variables)
    if isinstance(error, SecurityError):
        return message, "templates run in a sandbox; use the case's values and Jinja's filters"
    if isinstance(error, RecursionError):
        return "the template calls itself endlessly", "look for a macro that calls itself"
    return f"an expression fails: {message}", "check it against the case's values"


def _hint_undefined(message: str, variables: Mapping[str, object]) -> str:
    if "is used before" in message:
        return "use an answer only after its tag"
    name, matched, _ = message.partition(" is undefined")
    if not matched:
        return "check the keys of the case's values"
    near = difflib.get_close_matches(name.strip("'"), variables, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "the case gives: " + (", ".join(sorted(variables)) or "nothing")


def template_line(trace: TracebackType | None, main: str) -> tuple[str, int | None]:
    """Find the innermost template line of a traceback."""
    innermost: tuple[str, int | None] = (main, None)
    while trace is not None:
        compiled = trace.tb_frame.f_globals.get("__jinja_template__")
        if isinstance(compiled, JinjaTemplate):
            innermost = (compiled.name or main, compiled.get_corresponding_lineno(trace.tb_lineno))
        trace = trace.tb_next
    return innermost

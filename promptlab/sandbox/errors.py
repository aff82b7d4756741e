"""What is wrong with an expression, with its remedy: when compiled, and when rendered."""

from __future__ import annotations

from jinja2 import TemplateSyntaxError
from jinja2.exceptions import TemplateRuntimeError


class ExpressionError(TemplateRuntimeError):
    """An error that occurs while a template is rendered, with its remedy."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class BadSourceError(TemplateSyntaxError):
    """A text that cannot be compiled, with its remedy."""

    def __init__(self, message: str, hint: str | None, lineno: int) -> None:
        super().__init__(message, lineno)
        self.hint = hint

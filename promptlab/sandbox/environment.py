"""The environment that texts with expressions are compiled in: strict, bounded, without a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from types import BuiltinMethodType, MethodType
from typing import Any, cast

from jinja2 import StrictUndefined, nodes
from jinja2.ext import Extension
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptlab.sandbox.budget import MAX_BITS, MAX_LENGTH, Budget
from promptlab.sandbox.errors import ExpressionError
from promptlab.sandbox.filters import install_filters
from promptlab.sandbox.formats import Formatter, percent
from promptlab.sandbox.guards import guard, install_guards
from promptlab.sandbox.methods import check_method
from promptlab.sandbox.values import as_text

# What Jinja's compiled code passes to every call in a loop or a block.
_SCOPES = ("_loop_vars", "_block_vars")
_LOOP = frozenset(("index", "index0", "first", "last", "length"))
# What could make one case render differently each time.
_UNSTEADY_GLOBALS = ("lipsum",)


class SandboxEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with a budget: nothing in it takes memory or time without end.

    `budget` is begun anew for each rendering by whoever renders.
    """

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))

    def __init__(self, **options: Any) -> None:
        super().__init__(
            undefined=StrictUndefined, autoescape=False, finalize=self.written, **options
        )
        self.budget = Budget()
        install_filters(self.filters, self.budget)
        install_guards(self, self.budget)
        for name, test in [*self.tests.items()]:
            self.tests[name] = self._counting(cast(Callable[..., Any], test))
        for name in _UNSTEADY_GLOBALS:
            del self.globals[name]

    def written(self, value: Any) -> str:
        """Return what `{{ value }}` writes."""
        text = value if type(value) is str else as_text(value, self.budget)
        self.budget.work(len(text))
        return text

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a text, and guard what it does. Raise TemplateSyntaxError where it is wrong."""
        self.budget.start()
        return guard(super()._parse(source, name, filename), self)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read an attribute; those of a loop, which are read in every iteration, at once."""
        if type(obj) is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method, a macro or a global within the budget."""
        if type(obj) is MethodType and isinstance(obj.__self__, Extension):
            for name in _SCOPES:
                kwargs.pop(name, None)
            return obj(*args, **kwargs)  # a tag of ours: no template can name its method
        budget = self.budget
        budget.step()
        if type(obj) is BuiltinMethodType:
            check_method(obj, args, kwargs, budget)
        elif type(obj) is LoopContext and args:
            args = (budget.counted(args[0]), *args[1:])
        else:
            given = (value for name, value in kwargs.items() if name not in _SCOPES)
            for value in (*args, *given):
                budget.need(budget.weigh(value))
        return budget.made(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an operation within the budget."""
        self.budget.step()
        if operator == "%" and isinstance(left, str):
            return self.budget.made(percent(left, right, self.budget))
        if operator == "*":
            self._check_product(left, right)
        elif operator == "**":
            _check_power(left, right)
        return self.budget.made(self.binop_table[operator](left, right))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Replace `format` and `format_map` of a text by ours."""
        if not isinstance(value, (MethodType, BuiltinMethodType)):
            return None
        if value.__name__ not in ("format", "format_map"):
            return None
        text = value.__self__
        if not isinstance(text, str):
            return None
        formatter = Formatter(self, self.budget)

        def format(*args: Any, **kwargs: Any) -> str:
            return formatter.format(text, args, kwargs)

        def format_map(values: Any) -> str:
            return formatter.format(text, (), values)

        return format if value.__name__ == "format" else format_map

    def _check_product(self, left: Any, right: Any) -> None:
        for many, times in ((left, right), (right, left)):
            if isinstance(many, (str, list, tuple)) and isinstance(times, int):
                self.budget.need(self.budget.weigh(many) * times)
        if isinstance(left, int) and isinstance(right, int):
            _check_bits(left.bit_length() + right.bit_length())

    def _counting(self, test: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(test)
        def counted(*args: Any) -> Any:
            self.budget.step()
            return test(*args)

        return counted

    def concat(self, pieces: Iterable[str]) -> str:
        """Join what a template, a macro or a block has written."""
        texts = pieces if type(pieces) is list else [*pieces]
        if len(texts) == 1:
            return texts[0]
        size = sum(map(len, texts))
        if size > MAX_LENGTH:
            self.budget.need(size)
        self.budget.work(size)
        return "".join(texts)


def _check_power(base: Any, exponent: Any) -> None:
    if isinstance(base, int) and isinstance(exponent, int):
        _check_bits(base.bit_length() * abs(exponent))


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise ExpressionError("a number of thousands of digits", "put the number into the case")

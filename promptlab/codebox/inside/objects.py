"""Objects of the code as the tests see them: names that stand for it, and ask its process.

Nothing that the tests expect goes to the code. An object of a class of its own is never compared or
computed with a plain value there, where it could answer what pleases: it equals none, and has no
operators with them. Where the tests name that class, they may mean it to have: that is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol


class Undecidable(BaseException):
    """The tests need what only works in one process with the code."""


class Asked(Protocol):
    """The way to the code's process."""

    def ask(self, kind: str, it: Any, *rest: Any) -> Any:
        """Ask something of an object of the code; values among the rest are encoded already."""

    def call(self, it: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call an object of the code; arguments that it changes are changed here, too."""

    def encode(self, value: Any) -> Any:
        """Return a value for the code."""

    def means(self, it: Any) -> bool:
        """Return whether the tests name the class of an object."""


class Remote:
    """An object of the code, as the tests see it."""

    def __init__(self, channel: Asked, number: int) -> None:
        object.__setattr__(self, "_channel", channel)
        object.__setattr__(self, "_number", number)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of the code>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name not in ("__name__", "__doc__", "__dict__"):
            raise AttributeError(name)
        return self._channel.ask("attr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._channel.ask("set", self, name, self._channel.encode(value))

    def __instancecheck__(self, value: Any) -> bool:
        if not isinstance(value, Remote):
            return False
        return self._channel.ask("isinstance", value, self._channel.encode(self)) is True

    def __mro_entries__(self, bases: object) -> tuple[type, ...]:
        raise Undecidable("the tests derive a class from one of the code")


# Special methods whose arguments, if any, cannot be what the tests expect.
_FORWARDED = (
    "len bool str repr int float complex bytes index hash neg pos abs invert reversed enter iter"
    " getitem setitem delitem round format"
)
_COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_COMPUTED = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**",
    "matmul": "@", "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
    "divmod": "divmod",
}  # fmt: skip


def remote_class(name: str, abilities: frozenset[str]) -> type[Remote]:
    """Return a class for objects of a class of the code that has these special methods."""
    methods = {each: method for each, method in _methods().items() if each in abilities}
    if "__eq__" in methods:
        methods.setdefault("__ne__", _differ)
        methods.setdefault("__hash__", object.__hash__)
    return type(name, (Remote,), methods)


@cache
def _methods() -> Mapping[str, Any]:
    """Return all special methods that objects of the code may have here."""
    pairs = {**_COMPARED, **_COMPUTED}
    return {
        **{f"__{each}__": _forwarded(f"__{each}__") for each in _FORWARDED.split()},
        **{f"__{each}__": _paired(f"__{each}__", symbol) for each, symbol in pairs.items()},
        **{f"__r{each}__": _reflected(symbol) for each, symbol in _COMPUTED.items()},
        "__next__": _next,
        "__call__": lambda it, *given, **named: it._channel.call(it, given, named),
        "__exit__": _exit,
        "__contains__": _contains,
    }


def _differ(it: Any, other: Any) -> bool:
    same: bool = it == other
    return not same


def _forwarded(name: str) -> Callable[..., Any]:
    def method(it: Any, *given: Any) -> Any:
        channel = it._channel
        return channel.ask("op", it, name, [channel.encode(value) for value in given])

    return method


def _next(it: Any) -> Any:
    """Return the next item. The end is one only if the code's own iterator says so."""
    try:
        return it._channel.ask("op", it, "__next__", [])
    except BaseException as error:
        if getattr(error, "code_said", ("",))[0] == "StopIteration":
            raise StopIteration from None
        raise


def _exit(it: Any, kind: type[BaseException] | None, *_: object) -> None:
    """Leave a `with` block. No object of the code may silence what the tests raise in it."""
    it._channel.ask("op", it, "__exit__", [])
    if kind is not None and issubclass(kind, Exception) and kind is not AssertionError:
        raise Undecidable("the tests raise an exception in a `with` block of the code's own class")


def _contains(it: Any, value: Any) -> bool:
    if isinstance(value, Remote):
        found: bool = it._channel.ask("op", it, "__contains__", [it._channel.encode(value)])
        return found
    if it._channel.means(it):
        raise Undecidable("the tests look for a plain value in an object of the code's own class")
    return any(value == each for each in it)


def _paired(name: str, symbol: str) -> Callable[[Any, Any], Any]:
    def method(it: Any, other: Any) -> Any:
        if it is other and name in ("__eq__", "__ne__"):
            return name == "__eq__"
        if isinstance(other, Remote):
            return it._channel.ask("op", it, name, [it._channel.encode(other)])
        return _without_code(it, other, symbol)

    return method


def _reflected(symbol: str) -> Callable[[Any, Any], Any]:
    def method(it: Any, other: Any) -> Any:
        return _without_code(it, other, symbol)

    return method


def _without_code(it: Any, other: Any, symbol: str) -> Any:
    """Return what an operator gives with a plain value, of which the code must not know."""
    if other is not None and it._channel.means(it):
        raise Undecidable(f"the tests have {symbol} of a {type(it).__name__} and a plain value")
    return {"==": False, "!=": True}.get(symbol, NotImplemented)

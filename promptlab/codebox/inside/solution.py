"""The process of the code: carries it out, then answers what the tests ask of it.

Nothing here is trusted: the code may change all of it, and say what it likes. It cannot say more
than which value a call gives.
"""

from __future__ import annotations

import builtins
import importlib
import operator
import types
from collections.abc import Callable, Mapping
from typing import Any

from promptlab.codebox.inside import frames, wire
from promptlab.codebox.inside.program import carry_out

_MOST = 64 * 2**20


def serve(channel: int, program: Mapping[str, Any]) -> None:
    """Carry out a program and answer questions about it until nobody asks any more."""
    side = Side(channel)
    try:
        side.names = carry_out(program)
    except BaseException as error:  # noqa: BLE001 - whatever code raises is an answer
        frames.send(channel, side.raised(error))
        return
    frames.send(channel, ["ok", None])
    try:
        side.answer_all()
    except frames.Ended:
        return


class Side:
    """The code's end of the channel: its names, and the objects that the tests hold."""

    def __init__(self, channel: int) -> None:
        self.names: Mapping[str, Any] = {}
        self._channel = channel
        self._held: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._answers: dict[str, Callable[..., Any]] = {
            "call": self._call,
            "attr": lambda it, name: getattr(self.decode(it), name),
            "set": lambda it, name, value: setattr(self.decode(it), name, self.decode(value)),
            "op": self._operate,
            "isinstance": lambda it, kind: isinstance(self.decode(it), self.decode(kind)),
        }

    def answer_all(self, until: str | None = None) -> Any:
        """Answer questions; with `until`, until a message of that kind comes, and return it."""
        while True:
            kind, *rest = frames.receive(self._channel, _MOST)
            if kind in (until, "raise"):
                return [kind, *rest]
            try:
                reply = self._answer(kind, rest)
            except BaseException as error:  # noqa: BLE001 - whatever code raises is an answer
                reply = self.raised(error)
            frames.send(self._channel, reply)

    def _answer(self, kind: str, rest: list[Any]) -> list[Any]:
        if kind == "get":
            [name] = rest
            known = name in self.names
            return ["ok", self.encode(self.names[name])] if known else ["missing"]
        value = self._answers[kind](*rest)
        return value if kind == "call" else ["ok", self.encode(value)]

    def _call(self, function: Any, given: list[Any], named: dict[str, Any]) -> list[Any]:
        """Call a function; return its value, and what became of the arguments that it changed."""
        called = self.decode(function)
        arguments = [self.decode(value) for value in given]
        keywords = {name: self.decode(value) for name, value in named.items()}
        value = self.encode(called(*arguments, **keywords))
        changed = {
            place: after
            for place, (argument, before) in enumerate(zip(arguments, given, strict=True))
            if isinstance(argument, list | dict | set | bytearray)
            and (after := self.encode(argument)) != before
        }
        return ["ok", value, changed]

    def _operate(self, it: Any, name: str, arguments: list[Any]) -> Any:
        function: Callable[..., Any] = _OPERATIONS.get(name) or getattr(operator, name)
        return function(self.decode(it), *map(self.decode, arguments))

    def encode(self, value: Any) -> Any:
        """Return a value for the tests; they get the number of what is not plain."""
        return wire.encode(value, self._other)

    def decode(self, data: Any) -> Any:
        """Return a value of the tests."""
        return wire.decode(data, self._made)

    def _other(self, value: Any) -> list[Any]:
        if isinstance(value, _Callback):
            return ["k", value.number]
        if isinstance(value, types.ModuleType):
            return ["m", str(value.__name__)]
        if isinstance(value, type):
            name = getattr(value, "__name__", "")
            if getattr(builtins, name, None) is value:
                return ["g", name]
            if BaseException in value.__mro__:
                return ["e", _ancestry(value)]
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._held)
            self._held.append(value)
        return ["o", self._numbers[id(value)], type(value).__name__, _abilities(type(value))]

    def _made(self, data: list[Any]) -> Any:
        match data:
            case ["o", number]:
                return self._held[number]
            case ["k", number]:
                return _Callback(self, number)
            case ["g", module, name]:
                return operator.attrgetter(name)(importlib.import_module(module))
        raise ValueError("no value")

    def call_back(self, number: int, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call a function of the tests."""
        arguments = [self.encode(value) for value in given]
        keywords = {name: self.encode(value) for name, value in named.items()}
        frames.send(self._channel, ["back", number, arguments, keywords])
        kind, *rest = self.answer_all("ok")
        if kind == "ok":
            return self.decode(rest[0])
        name, text = rest
        raised = getattr(builtins, name, RuntimeError)
        raise raised(text)

    def raised(self, error: BaseException) -> list[Any]:
        """Describe what the code raised: its classes, its arguments, attributes, text and line."""
        try:
            arguments = [self.encode(argument) for argument in error.args]
            own = {name: self.encode(value) for name, value in vars(error).items()}
            text = str(error)
        except BaseException:  # noqa: BLE001 - its own code may fail as well
            arguments, own, text = [], {}, ""
        return ["raise", _ancestry(type(error)), arguments, own, text[:500], _line_of(error)]


class _Callback:
    """A function of the tests, as the code sees it."""

    def __init__(self, side: Side, number: int) -> None:
        self._side, self.number = side, number

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._side.call_back(self.number, given, named)


_OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "__len__": len,
    "__iter__": iter,
    "__next__": next,
    "__bool__": bool,
    "__str__": str,
    "__repr__": repr,
    "__int__": int,
    "__float__": float,
    "__complex__": complex,
    "__bytes__": bytes,
    "__hash__": hash,
    "__reversed__": reversed,
    "__round__": round,
    "__format__": format,
    "__divmod__": divmod,
    "__enter__": lambda it: it.__enter__(),
    "__exit__": lambda it: it.__exit__(None, None, None),
}


def _abilities(kind: type) -> list[str]:
    """List the special methods that a class has of its own or from anything but `object`."""
    found = set[str]()
    for each in kind.__mro__[:-1]:
        found |= {name for name in vars(each) if name.startswith("__") and name.endswith("__")}
    absent = {name for name in found if getattr(kind, name, None) is None}
    return sorted(found - absent | _hash_of(kind))


def _hash_of(kind: type) -> set[str]:
    return set() if getattr(kind, "__hash__", None) is None else {"__hash__"}


def _ancestry(kind: type) -> list[list[str]]:
    return [[each.__module__, each.__name__] for each in kind.__mro__[:-1]]


def _line_of(error: BaseException) -> int | None:
    """Return the line of the code where an exception was raised."""
    if isinstance(error, SyntaxError) and error.filename == "<code>":
        return error.lineno
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<code>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

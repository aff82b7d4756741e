"""The tests' end of the channel to the code: what they ask, and what is made of the answers."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from collections.abc import Collection
from typing import Any

from promptlab.codebox.inside import frames, wire
from promptlab.codebox.inside.objects import Remote, Undecidable, remote_class

_MOST = 64 * 2**20


class CodeGone(BaseException):
    """The process of the code has ended."""


class NotDefined(LookupError):
    """The code does not define this name."""


class Channel:
    """The tests' end of the channel to the code."""

    def __init__(self, file: int, names: Collection[str] = ()) -> None:
        """`names` are those of the code that the tests use."""
        self._file, self._named = file, names
        self._functions: list[Any] = []
        self._objects: dict[int, Any] = {}
        self._kinds: dict[tuple[str, ...], type[Any]] = {}
        self._errors: dict[tuple[tuple[str, str], ...], type[BaseException]] = {}

    def begin(self) -> None:
        """Wait until the code has been carried out. Raise what it raised."""
        self._reply()

    def get(self, name: str) -> Any:
        """Return what the code defines as `name`. Raise `NotDefined` if it does not."""
        return self._ask("get", name)

    def ask(self, kind: str, it: Any, *rest: Any) -> Any:
        """Ask something of an object of the code; values among the rest are encoded already."""
        return self._ask(kind, self.encode(it), *rest)

    def call(self, it: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call an object of the code; arguments that it changes are changed here, too."""
        arguments = [self.encode(value) for value in given]
        keywords = {name: self.encode(value) for name, value in named.items()}
        frames_sent(self._file, ["call", self.encode(it), arguments, keywords])
        value, changed = self._reply(2)
        for place, after in changed.items():
            wire.become(given[int(place)], self.decode(after))
        return self.decode(value)

    def encode(self, value: Any) -> Any:
        """Return a value for the code."""
        return wire.encode(value, self._other)

    def decode(self, data: Any) -> Any:
        """Return a value of the code."""
        return wire.decode(data, self._made)

    def means(self, it: Any) -> bool:
        """Return whether the tests name the class of an object."""
        return type(it).__name__ in self._named

    def _ask(self, *question: Any) -> Any:
        frames_sent(self._file, list(question))
        return self.decode(self._reply()[0])

    def _reply(self, count: int = 1) -> list[Any]:
        """Return the code's reply, calling back meanwhile what it wants called."""
        while True:
            try:
                rest: list[Any]
                kind, *rest = frames.receive(self._file, _MOST)
            except (frames.Ended, ValueError, TypeError):
                raise CodeGone from None
            if kind == "ok" and len(rest) == count:
                return rest
            if kind == "missing":
                raise NotDefined
            if kind == "back":
                self._call_back(*rest)
            elif kind == "raise":
                raise self._error(*rest)
            else:
                raise CodeGone

    def _call_back(self, number: int, given: list[Any], named: dict[str, Any]) -> None:
        try:
            arguments = [self.decode(value) for value in given]
            keywords = {name: self.decode(value) for name, value in named.items()}
            reply = ["ok", self.encode(self._functions[number](*arguments, **keywords))]
        except Exception as error:  # noqa: BLE001 - it goes to the code, which called
            reply = ["raise", type(error).__name__, str(error)]
        frames_sent(self._file, reply)

    def _other(self, value: Any) -> list[Any]:
        if isinstance(value, Remote):
            return ["o", object.__getattribute__(value, "_number")]
        if isinstance(value, type | types.BuiltinFunctionType) and (known := _known_as(value)):
            return ["g", *known]
        if callable(value) and not isinstance(value, type):
            self._functions.append(value)
            return ["k", len(self._functions) - 1]
        raise Undecidable(f"the tests give the code an object of type {type(value).__name__}")

    def _made(self, data: list[Any]) -> Any:
        match data:
            case ["o", int(number), str(name), list(abilities)]:
                if number not in self._objects:
                    self._objects[number] = self._kind(name, abilities)(self, number)
                return self._objects[number]
            case ["k", int(number)]:
                return self._functions[number]
            case ["g", str(name)] if isinstance(found := getattr(builtins, name, None), type):
                return found
            case ["m", str(name)] if _of_library(name):
                return importlib.import_module(name)
            case ["e", list(ancestry)]:
                return self._error_class(ancestry)
        raise ValueError("no value")

    def _kind(self, name: str, abilities: list[str]) -> type[Any]:
        key = (name, *map(str, abilities))
        if key not in self._kinds:
            self._kinds[key] = remote_class(name, frozenset(key[1:]))
        return self._kinds[key]

    def _error(
        self, ancestry: Any, arguments: list[Any], own: dict[str, Any], text: str, line: int | None
    ) -> BaseException:
        kind = self._error_class(ancestry)
        try:
            error = kind.__new__(kind, *map(self.decode, arguments))
        except (TypeError, ValueError):  # a group of exceptions wants some
            error = Exception(text)
        for name, value in own.items():
            if not name.startswith("_"):
                setattr(error, name, self.decode(value))
        error.__dict__["code_said"] = (str(ancestry[0][1]), str(text), line)
        return error

    def _error_class(self, ancestry: list[list[str]]) -> type[BaseException]:
        """Return the class here that stands for one of the code, given it and those it is of."""
        key = tuple((str(module), str(name)) for module, name in ancestry)
        (module, name), *above = key
        if key not in self._errors:
            found = getattr(sys.modules.get(module), name, None)
            known = _of_library(module) and _raised_as_it_is(found)
            base = self._error_class([[*each] for each in above]) if above else Exception
            self._errors[key] = found if known and found else type(name, (base,), {})
        return self._errors[key]


def _of_library(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _raised_as_it_is(kind: Any) -> bool:
    """Return whether this is an exception. One that ends an iteration would end the tests' own."""
    ends = (StopIteration, StopAsyncIteration, GeneratorExit)
    return isinstance(kind, type) and issubclass(kind, BaseException) and kind not in ends


def frames_sent(file: int, message: Any) -> None:
    """Send a message to the code. Raise `CodeGone` if it is not there."""
    try:
        frames.send(file, message)
    except frames.Ended:
        raise CodeGone from None


def _known_as(value: Any) -> list[str] | None:
    """Return the module and name by which the code finds a thing of Python's library."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "")
    if not isinstance(module, str) or not _of_library(module) or module not in sys.modules:
        return None
    return [module, name] if getattr(sys.modules[module], name, None) is value else None

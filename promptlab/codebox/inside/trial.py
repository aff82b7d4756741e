"""The process of the tests: carries them out against the code and says how that went.

It alone says so, over a pipe that the code's process does not have, and with a word that only the
job knows. With the code in the same process, that is no secret from code that looks for it.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import types
from collections.abc import Mapping
from typing import Any

from promptlab.codebox.inside import frames
from promptlab.codebox.inside.channel import Channel, CodeGone, NotDefined
from promptlab.codebox.inside.demands import CANDIDATE, CHECK, Demands, demands_of
from promptlab.codebox.inside.objects import Undecidable
from promptlab.codebox.inside.program import carry_out

GONE = b'"gone"'
"""Part of what is said where the code no longer answers."""

_FILE = "<tests>"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SHOWN = 200  # characters of a text in a reason


def run(
    tests: Mapping[str, Any],
    program: Mapping[str, Any] | None,
    channel: int,
    tell: int,
    nonce: str,
) -> None:
    """Carry out tests, say what came of it, and end the process.

    With a `program` the code is carried out in this process; without one it is asked over the
    `channel`.
    """
    send, leave = frames.send, os._exit  # before any code could change them
    said = _outcome(tests, program, channel)
    send(tell, {**said, "nonce": nonce})
    leave(0)


def _outcome(
    tests: Mapping[str, Any], program: Mapping[str, Any] | None, channel: int
) -> dict[str, Any]:
    seen = _Seen(tests["tests"])
    demands = demands_of(tests["tests"], tests["entry_point"])
    try:
        names = _names(demands, tests["entry_point"], program, channel)
    except CodeGone:
        return {"ruling": "gone"}
    except BaseException as error:  # noqa: BLE001 - whatever code raises fails it
        return {"ruling": "failed", "reason": seen.reason(error, begun=False)}
    try:
        space = {**names, "__name__": "tests", "__same__": seen.same}
        exec(seen.compiled(), space)
        if demands.checks:
            space[CHECK](space[CANDIDATE])
    except CodeGone:
        return {"ruling": "gone"}
    except Undecidable as error:
        return {"ruling": "undecided", "reason": str(error)}
    except BaseException as error:  # noqa: BLE001 - whatever the tests raise fails the code
        return {"ruling": "failed", "reason": seen.reason(error, begun=True)}
    return {"ruling": "passed"}


def _names(
    demands: Demands, entry: str | None, program: Mapping[str, Any] | None, channel: int
) -> dict[str, Any]:
    """Return the names that the tests find: what they use of the code, and their candidate."""
    space: dict[str, Any] = {name: importlib.import_module(name) for name in demands.modules}
    if program is not None:
        space.update(carry_out(program))
    else:
        code = Channel(channel, demands.names)
        code.begin()
        for name in sorted(demands.names):
            try:
                space[name] = code.get(name)
            except NotDefined:
                continue
    if not entry:
        return space
    if entry not in space:
        raise NameError(f"the code defines no {entry!r}")
    return {**space, CANDIDATE: space[entry]}


class _Seen:
    """The source of the tests, and what the last comparison in it had on both sides."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines()
        self._source = source
        self._last: tuple[Any, Any] | None = None

    def compiled(self) -> types.CodeType:
        """Compile the tests such that `assert a == b` tells what a was."""
        tree = _Telling().visit(ast.parse(self._source, _FILE))
        return compile(ast.fix_missing_locations(tree), _FILE, "exec", dont_inherit=True)

    def same(self, left: Any, right: Any) -> Any:
        """Compare as `==` does, and remember what was compared."""
        same = left == right
        self._last = None if same else (left, right)
        return same

    def reason(self, error: BaseException, *, begun: bool) -> str:
        """Describe in one line what an exception says of the code."""
        name, text, line = error.__dict__.get("code_said") or (
            type(error).__name__, _text(error), None if begun else _code_line(error),
        )  # fmt: skip
        parts = [_short(f"{name}: {text}" if text else name)]
        if line:
            parts.append(f"line {line} of the code")
        if begun and (place := _last_line(error, _FILE)):
            source = self._lines[place - 1].strip() if place <= len(self._lines) else ""
            parts.append(f"line {place} of the tests: {_short(source)}")
            if isinstance(error, AssertionError) and self._last is not None:
                parts.append(f"it was {_shown(self._last[0])}")
        return "; ".join(parts)


class _Telling(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        match node.test:
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                same = ast.Name("__same__", ast.Load())
                node.test = ast.copy_location(ast.Call(same, [left, right], []), node.test)
        return node


def _code_line(error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == "<code>":
        return error.lineno
    return _last_line(error, "<code>")


def _last_line(error: BaseException, file: str) -> int | None:
    """Return the last line of a file that an exception came through."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - its own code may fail as well
        return ""


def _shown(value: Any) -> str:
    try:
        return _short(repr(value))
    except BaseException:  # noqa: BLE001 - its own code may fail as well
        return f"a {type(value).__name__} that cannot be shown"


def _short(text: str) -> str:
    line = " ".join(_ADDRESS.sub("", text).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"

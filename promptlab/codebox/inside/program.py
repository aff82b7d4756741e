"""The program under test: a prompt and what a model made of it, put together and carried out."""

from __future__ import annotations

import ast
import random
import sys
import textwrap
import types
from collections.abc import Mapping
from typing import Any

NAME = "solution"
"""The program's module, so that `if __name__ == "__main__":` is not carried out."""

_INDENT = "    "


def assemble(prompt: str, code: str, entry_point: str | None) -> str:
    """Return the source of the program.

    Code that goes on where a prompt ends is put behind it, set in if it must be. Code that stands
    by itself comes after the prompt, whose imports and helpers it may use.
    """
    code = code.replace("\r\n", "\n")
    if not prompt:
        return code if _parses(code) else textwrap.dedent(code)
    after = f"{prompt.rstrip()}\n\n{code}"
    if _defines(code, entry_point):
        return after if _parses(after) else code
    candidates = [prompt + code, f"{prompt.rstrip()}\n{textwrap.indent(code, _INDENT)}", after]
    return next(filter(_parses, candidates), candidates[0])


def carry_out(program: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a program as a module of its own; return its names."""
    source = assemble(program["prompt"], program["code"], program["entry_point"])
    module = types.ModuleType(NAME)
    sys.modules[NAME] = module
    random.seed(0)  # what it draws is the same each time that it is graded
    exec(compile(source, "<code>", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def _tree(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _parses(source: str) -> bool:
    """Return whether this can be compiled; a `return` outside of a function still has a tree."""
    try:
        compile(source, "<code>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _defines(code: str, name: str | None) -> bool:
    """Return whether code stands by itself: it defines the name, or anything if none is asked."""
    tree = _tree(code)
    if tree is None:
        return False
    defined = [each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.ClassDef)]
    return bool(defined) if name is None else name in defined

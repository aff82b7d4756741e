"""What tests ask of the code: read from their source, before anything is run."""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass

CHECK = "check"
"""The function that tests in the form of HumanEval define; it is called with the entry point."""

CANDIDATE = "candidate"
"""What tests may call the entry point."""

_TOGETHER = {"asyncio", "redirect_stdout", "redirect_stderr", "mock", "patch", "monkeypatch"}


@dataclass(frozen=True, slots=True)
class Demands:
    """What tests need.

    `names`: what the code must define; `modules`: those of Python's library that the tests use and
    do not import; `checks`: whether there is a function to call. `together` says what the tests
    need that only works in one process with the code, if anything.
    """

    names: frozenset[str]
    modules: frozenset[str]
    checks: bool
    together: str | None


def demands_of(tests: str, entry_point: str | None) -> Demands:
    """Read tests. Raise `ValueError` if they are no Python, or can fail for no code."""
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the tests are no Python: {_first_line(error)}") from None
    nodes = list(ast.walk(tree))
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    checks = any(function.name == CHECK for function in functions)
    if checks and not entry_point:
        raise ValueError(f"the tests define {CHECK}(...): name the function in 'entry_point'")
    if not any(map(_can_fail, nodes)):
        raise ValueError("the tests hold no assert: any code would pass")
    free = _free(nodes) | ({entry_point} if entry_point else set())
    modules = free & sys.stdlib_module_names & _only_before_a_dot(nodes) - {entry_point}
    names = free - modules
    if not names:
        raise ValueError("the tests use nothing that the code defines: any code would pass")
    return Demands(frozenset(names), frozenset(modules), checks, _together(nodes))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _can_fail(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert | ast.Raise):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = getattr(called, "attr", getattr(called, "id", ""))
    return str(name).startswith(("assert", "fail"))


def _free(nodes: list[ast.AST]) -> set[str]:
    """Return the names that tests use and neither define nor find in Python."""
    used, own = set[str](), set[str]()
    for node in nodes:
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.alias):
            own.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            own.add(node.name)
    return used - own - set(dir(builtins)) - {CANDIDATE, "__name__", "__file__"}


def _only_before_a_dot(nodes: list[ast.AST]) -> set[str]:
    """Return the names that are used for their attributes alone, as modules are."""
    dotted = [each.value for each in nodes if isinstance(each, ast.Attribute)]
    before = [each for each in dotted if isinstance(each, ast.Name)]
    alone = {each.id for each in nodes if isinstance(each, ast.Name) and each not in before}
    return {each.id for each in before} - alone


def _together(nodes: list[ast.AST]) -> str | None:
    for node in nodes:
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith | ast.AsyncFunctionDef):
            return "await"
        names = {getattr(node, "id", None), getattr(node, "attr", None)}
        if isinstance(node, ast.alias):
            names |= {*node.name.split("."), node.asname}
        if isinstance(node, ast.ImportFrom):
            names |= set((node.module or "").split("."))
        if found := names & _TOGETHER:
            return str(found.pop())
    return None

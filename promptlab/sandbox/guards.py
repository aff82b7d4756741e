"""Puts into a syntax tree what counts and weighs while it is rendered.

Filters of these names are written into the tree wherever a template loops, compares, cuts or puts
values together. No template can spell their names.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

from promptlab.sandbox.budget import MAX_BITS, Budget
from promptlab.sandbox.errors import BadSourceError
from promptlab.sandbox.methods import joined, text_arguments

MAX_DEPTH = 400
"""Levels of expressions and tags in one another; some more are beyond Python's compiler."""

_COUNTED, _MADE, _JOINED = "promptlab:counted", "promptlab:made", "promptlab:joined"


def install_guards(environment: Environment, budget: Budget) -> None:
    """Give an environment the filters that guarded trees call."""

    def made(value: Any) -> Any:
        budget.step()
        return budget.made(value)

    def join_texts(values: list[Any]) -> str:
        budget.step()
        return str(budget.made(joined(text_arguments(values, budget), "", budget)))

    environment.filters[_COUNTED] = budget.counted
    environment.filters[_MADE] = made
    environment.filters[_JOINED] = join_texts


def guard(tree: nodes.Template, environment: Environment) -> nodes.Template:
    """Return a tree with guards. Raise BadSourceError where it cannot be rendered."""
    _check(tree)
    guarded: nodes.Template = _Guards(environment).visit(tree)
    return guarded


def _check(tree: nodes.Template) -> None:
    """Refuse what is too deep to be walked, too long to be computed with, or not for prompts."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise BadSourceError(
                "tags, brackets or operators are nested too deeply",
                "use fewer levels, or put parts into variables with {% set %}",
                node.lineno,
            )
        value = node.value if isinstance(node, nodes.Const) else None
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise BadSourceError("a number is too long", "use fewer digits", node.lineno)
        if isinstance(node, nodes.ScopedEvalContextModifier):
            raise BadSourceError(
                "autoescape is for web pages, and a prompt is plain text",
                "leave it out; the filter e escapes one value",
                node.lineno,
            )
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]


class _Guards(NodeTransformer):
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        assert isinstance(node.iter, nodes.Expr)
        node.iter = self._filtered(_COUNTED, node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno, environment=self._environment)
        return self._filtered(_JOINED, parts)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        return self._filtered(_MADE, node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        return self._filtered(_MADE, node) if isinstance(node.arg, nodes.Slice) else node

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return self._put_together(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return self._put_together(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        if node.ctx != "load":
            return node
        return self._put_together(node)

    def _put_together(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        constant = all(isinstance(child, nodes.Const) for child in node.iter_child_nodes())
        return node if constant else self._filtered(_MADE, node)

    def _filtered(self, name: str, node: nodes.Expr) -> nodes.Filter:
        return nodes.Filter(
            node, name, [], [], None, None, lineno=node.lineno, environment=self._environment
        )

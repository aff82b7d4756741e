"""All kinds of instructions: those of IFEval, and those of IFBench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptlab.scorers.instructions import checks, layout, tasks, telling, wording
from promptlab.scorers.instructions.kinds import KINDS, Check, Instruction, read_instruction

_OF_IFEVAL = checks.__name__
_OF_IFBENCH = {module.__name__ for module in (wording, telling, layout, tasks)}


def instruction(name: str, given: Mapping[str, Any]) -> Instruction:
    """Return an instruction of one of these kinds. See `read_instruction` for what it raises."""
    return read_instruction(name, given)


def kinds_of_ifeval() -> dict[str, Check]:
    """Return the kinds that IFEval defines."""
    return {name: check for name, check in KINDS.items() if check.__module__ == _OF_IFEVAL}


def kinds_of_ifbench() -> dict[str, Check]:
    """Return the kinds that IFBench defines."""
    return {name: check for name, check in KINDS.items() if check.__module__ in _OF_IFBENCH}

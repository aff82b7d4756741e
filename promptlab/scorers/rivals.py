"""The arm that a scorer compares answers with: named by a parameter, and found among the turns.

A run asks its requests anew, aside of the trial. They are those of the other arm's own trial, so
that they are sent once, whichever comes first, and are in the store with either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, get_args

from promptlab.core.types import Outcome, Turn

_AN_ARM = "the name of an arm"
_MARK = ": "

ArmName = Annotated[str, _AN_ARM]
"""Annotates a parameter that names an arm of the run to compare with, `greet@v1`."""


def names_arm(annotation: object) -> bool:
    """Return whether a parameter with this annotation names an arm."""
    parts = get_args(annotation)
    return _AN_ARM in parts or any(map(names_arm, parts))


def rival_turn(arm: str, answer: str) -> str:
    """Return the name of a turn that has an answer of another arm. No scorer's label has an @."""
    return f"{arm}{_MARK}{answer}"


def is_of_rival(turn: Turn) -> bool:
    """Return whether a turn has an answer of another arm."""
    return turn.aside and turn.backend is None and "@" in turn.name.partition(_MARK)[0]


def own_turns(turns: Sequence[Turn]) -> Iterator[tuple[int, Turn]]:
    """Yield what a trial is made of, with its place: all but what scorers asked aside of it.

    Answers of another arm stand aside too, and belong to it.
    """
    return (
        (place, turn) for place, turn in enumerate(turns) if not turn.aside or is_of_rival(turn)
    )


def turns_of(arm: str, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns of another arm among those of a trial, as they are in its own."""
    own = (turn for turn in turns if _is_of(arm, turn))
    return tuple(
        replace(turn, name=turn.name.removeprefix(arm + _MARK), aside=False) for turn in own
    )


def without(arm: str, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the turns of a trial but for those of another arm."""
    return tuple(turn for turn in turns if not _is_of(arm, turn))


def _is_of(arm: str, turn: Turn) -> bool:
    return turn.aside and turn.backend is None and turn.name.startswith(arm + _MARK)


def failed(turns: Sequence[Turn]) -> bool:
    """Return whether a trial ended with a call that failed."""
    return bool(turns) and turns[-1].completion.outcome is Outcome.ERROR

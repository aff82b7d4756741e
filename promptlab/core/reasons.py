"""Why a verdict was refused or is open, and what weakens one: values with stable codes.

People read a reason's text; programs read its code and what it is about. Nothing compares or
searches the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from promptlab.core.codes import Code
from promptlab.core.messages import Json


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its code, the line that people read, and what it is about as data.

    `about` has the keys that the code lists. `arms` are the labels of the arms that the line names
    and is about, whatever they are compared with; `a` and `b` are the two sides.
    """

    code: Code
    text: str
    about: Mapping[str, Json] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        assert set(self.about) == set(self.code.about), f"{self.code} is about {self.code.about}"

    @property
    def arms(self) -> tuple[str, ...]:
        """Return the labels of the arms that this is about; none where it is about the pair."""
        return self._names("arms")

    @property
    def backends(self) -> tuple[str, ...]:
        """Return the backends of these arms; none where the code does not list them."""
        return self._names("backends")

    def _names(self, key: str) -> tuple[str, ...]:
        names = self.about.get(key, ())
        return tuple(map(str, names)) if isinstance(names, list | tuple) else ()

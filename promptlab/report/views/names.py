"""How arms and pairs are named: no longer than is needed to tell them apart."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.analysis.compare import Comparison


class Names:
    """The names in a family of comparisons, without the template's where there is only one."""

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        templates = {name.partition("@")[0] for one in comparisons for name in (one.a, one.b)}
        self._prefix = f"{templates.pop()}@" if len(templates) == 1 else ""
        self._several = len({one.backend for one in comparisons}) > 1

    def short(self, name: str) -> str:
        """Return the name of an arm."""
        return name.removeprefix(self._prefix)

    def place(self, one: Comparison) -> str | None:
        """Say where a pair was compared: pairs of backends are on none of them."""
        if one.backend is not None:
            return f"on {one.backend}"
        return "on all backends" if self._several else None

    def apart(self, one: Comparison) -> str | None:
        """Say where a pair was compared, if others were compared elsewhere."""
        return self.place(one) if self._several else None

    def pair(self, one: Comparison) -> str:
        """Return the name of a pair."""
        within = None if one.group is None else f"in {one.group}"
        parts = [self.short(one.b), "against", self.short(one.a), within, self.apart(one)]
        return " ".join(part for part in parts if part is not None)

"""The names of arms and pairs: no longer than is needed to distinguish them."""

from __future__ import annotations

from collections.abc import Sequence

from promptlab.analysis.compare import Comparison


class Names:
    """The names in a family of comparisons, without the template's if there is only one."""

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        templates = {
            name.partition("@")[0]
            for comparison in comparisons
            for name in (comparison.a, comparison.b)
        }
        self._prefix = f"{templates.pop()}@" if len(templates) == 1 else ""
        self._several = len({comparison.backend for comparison in comparisons}) > 1

    def short(self, name: str) -> str:
        """Return the name of an arm."""
        return name.removeprefix(self._prefix)

    def place(self, comparison: Comparison) -> str | None:
        """Return where a pair was compared; None for a pair of backends."""
        if comparison.backend is not None:
            return f"on {comparison.backend}"
        return "on all backends" if self._several else None

    def apart(self, comparison: Comparison) -> str | None:
        """Return where a pair was compared, if others were compared elsewhere."""
        return self.place(comparison) if self._several else None

    def pair(self, comparison: Comparison) -> str:
        """Return the name of a pair."""
        within = None if comparison.part is None else f"in {comparison.part}"
        parts = [
            self.short(comparison.b),
            "against",
            self.short(comparison.a),
            within,
            self.apart(comparison),
        ]
        return " ".join(part for part in parts if part is not None)

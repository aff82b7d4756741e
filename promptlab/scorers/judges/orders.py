"""What a judge of pairs is found to say, once it was shown each pair in both orders."""

from __future__ import annotations

from promptlab.core.types import ScorerSpec

PAIRWISE = "pairwise"
"""The scorer."""

IN_BOTH = {
    "better": "better in both orders",
    "worse": "worse in both orders",
    "tie": "tie in both orders",
}
DISAGREE = "orders disagree"
JUDGES_DISAGREE = "judges disagree"
"""Each says the same in both orders, and not all say the same."""

SAID = frozenset((*IN_BOTH.values(), DISAGREE, JUDGES_DISAGREE))
"""All that `pairwise` finds, None where the two texts are the same."""


def base_of(spec: ScorerSpec) -> str | None:
    """Return the version whose answers a judge of pairs compares with, None for all others."""
    base = spec.params.get("against") if spec.name == PAIRWISE else None
    return base if isinstance(base, str) else None

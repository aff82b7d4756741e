"""How wide a claim is: what was drawn from more of its kind, and what is meant by name alone.

A verdict speaks of cases, wordings and models. What was drawn adds its own chance to the interval,
and the claim holds for others like it; what was named adds none, and the claim ends with it. All
sentences get their scope here, so that none is wider than its randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from promptlab.core.decision import Verdict

Sampled = Literal["random", "named"]
DECIDED: tuple[Verdict, ...] = ("better", "worse", "equivalent")
WORDINGS = 3  # on each side: with fewer, nothing can be said of wordings that were not run


@dataclass(frozen=True, slots=True)
class Claim:
    """What a contrast says something about: others like these ("random"), or just these ("named").

    A comparison of two versions names them. `texts` counts the wordings that are named in the
    place of a practice, None where the texts themselves are what is compared.
    """

    cases: Sampled = "random"
    wordings: Sampled = "named"
    models: Sampled = "named"
    texts: int | None = None

    def to_json(self) -> dict[str, str]:
        """Return which of the three were drawn and which named."""
        return {"cases": self.cases, "wordings": self.wordings, "models": self.models}

    @property
    def scope(self) -> str | None:
        """Return what a verdict on a practice is confined to, None if it says so by itself."""
        if self.wordings == "random" or self.texts is None:
            return None
        return "this wording" if self.texts == 1 else "these wordings"

    def said(self, verdict: str) -> str:
        """Return a verdict in words that say no more than the claim."""
        if verdict not in DECIDED or self.scope is None:
            return verdict
        return f"{verdict} ({self.scope})"


OF_VERSIONS = Claim()


def of_practice(texts: int, *, drawn: bool) -> Claim:
    """Return the claim of so many wordings with a practice, `drawn` or named."""
    return Claim(wordings="random" if drawn else "named", texts=texts)

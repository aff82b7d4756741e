"""The document of how far people agree."""

from __future__ import annotations

from promptlab.analysis.raters import RatersAgreement
from promptlab.stats.agreement import Agreement


def raters_json(run_id: str, found: RatersAgreement) -> dict[str, object]:
    """Return how far people agree as the document of `review --agreement --json`."""
    return {
        "run": run_id,
        "kind": found.kind,
        "raters": [
            {"rater": each.rater, "rated": each.rated, "verdicts": dict(each.verdicts)}
            for each in found.raters
        ],
        "units": found.units,
        "alpha": found.alpha.value,
        "ci": _ci(found.alpha),
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "n": pair.n,
                "same": pair.same,
                "same_ci": None if pair.share is None else list(pair.share),
                "kappa": pair.kappa.value,
                "ci": _ci(pair.kappa),
            }
            for pair in found.pairs
        ],
    }


def _ci(agreement: Agreement) -> list[float] | None:
    return None if agreement.ci is None else list(agreement.ci)

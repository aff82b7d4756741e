"""The document of `ledger --json`."""

from __future__ import annotations

from dataclasses import asdict

from promptlab.core.looks import PastFamily
from promptlab.report.views.ledger import LedgerView


def ledger_json(view: LedgerView) -> dict[str, object]:
    """Return a ledger as the document that `ledger --json` writes."""
    return {"suite": view.suite, "families": [_family(table.family) for table in view.tables]}


def _family(family: PastFamily) -> dict[str, object]:
    return {
        "at": family.at,
        "question": family.question,
        "size": family.size,
        "scorer": family.scorer,
        "runs": list(family.runs),
        "until_decided": family.declared is not None,
        "holdout_use": family.use,
        "looks": [asdict(look) for look in family.looks],
    }

"""The documents of `judge calibrate --json` and `judge show --json`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from promptlab.core.passport import Figures, Passport, Share


def passport_json(passport: Passport) -> dict[str, object]:
    """Return a passport as JSON."""
    return {
        "scorer": passport.scorer,
        "suite": passport.suite,
        "verdict": passport.verdict,
        "findings": [asdict(finding) for finding in passport.findings],
        "digest": passport.digest,
        "labels_digest": passport.labels,
        "issued_at": passport.issued_at or None,
        "judge": dict(passport.judge),
        "figures": _figures(passport.figures),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    """Return figures as JSON, each share with its value."""
    arms = [
        {
            **asdict(arm),
            "sensitivity": _share(arm.sensitivity),
            "specificity": _share(arm.specificity),
        }
        for arm in figures.arms
    ]
    return {
        **asdict(figures),
        "arms": arms,
        "sensitivity": _share(figures.sensitivity),
        "specificity": _share(figures.specificity),
        "order": _share(figures.order),
        "informedness": figures.informedness,
    }


def _share(share: Share | None) -> dict[str, Any] | None:
    return None if share is None else {"value": share.value, **asdict(share)}

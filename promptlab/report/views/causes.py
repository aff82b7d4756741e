"""What a difference comes from, as parts of the sentence that concludes."""

from __future__ import annotations

from collections.abc import Callable

from promptlab.analysis.contrast import Contrast
from promptlab.core.codes import Code
from promptlab.core.reasons import Reason

_SAID = (Code.DIFFERENCE_IN_FORM, Code.ANSWERS_SAY_NOTHING, Code.SCORERS_DISAGREE)


def what_moved(contrast: Contrast, short: Callable[[str], str]) -> str | None:
    """Return what a reader must know of a difference in the same breath, None if nothing.

    That is which answers could not be graded, and which scorer says otherwise. Notes say more.
    """
    parts = [_part(reason, short) for reason in contrast.warnings if reason.code in _SAID]
    return "; ".join(parts) or None


def _part(reason: Reason, short: Callable[[str], str]) -> str:
    if reason.code is Code.SCORERS_DISAGREE:
        return reason.text
    arms = [short(arm) for arm in reason.arms]
    whose = f"{arms[0]}'s answers" if len(arms) == 1 else f"the answers of {len(arms)} arms"
    return f"of {whose} {reason.about['said']}"

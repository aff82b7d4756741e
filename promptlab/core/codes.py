"""Every kind of reason to refuse a verdict, leave it open, or doubt it.

Codes are listed only here, each explained in `refusals` or in `notes`; the documentation is
generated from this list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from promptlab.core.explanation import Explanation
from promptlab.core.notes import NOTES, OPEN
from promptlab.core.refusals import REFUSALS

Weight = Literal["refused", "open", "note"]
"""What a reason does to a verdict: it refuses it, leaves it open, or is noted beside it."""

_EXPLAINED: dict[str, tuple[Weight, Explanation]] = {
    **{code: ("refused", explanation) for code, explanation in REFUSALS.items()},
    **{code: ("open", explanation) for code, explanation in OPEN.items()},
    **{code: ("note", explanation) for code, explanation in NOTES.items()},
}


class Code(StrEnum):
    """Every kind of reason.

    A code is never renamed: other people's scripts and reports look for it.
    """

    SAME_ANSWERS = "same-answers"
    RUN_UNFINISHED = "run-unfinished"
    LOOKED_BEFORE = "looked-before"
    HOLDOUT_USED_UP = "holdout-used-up"
    STOPPED_FOR_ANOTHER = "stopped-for-another"
    ORDER_CHANGED = "order-changed"
    SCORER_CHANGED = "scorer-changed"
    SCORER_CONFIGURED_OTHERWISE = "scorer-configured-otherwise"
    SCORER_ASKED_OTHERS = "scorer-asked-others"
    DIFFERENT_CASES = "different-cases"
    FAILED_TRIALS = "failed-trials"
    FAILED_UNEVENLY = "failed-unevenly"
    MISSING_REPEATS = "missing-repeats"
    REPEATS_MISSING_UNEVENLY = "repeats-missing-unevenly"
    JUDGE_UNCHECKED = "judge-unchecked"
    JUDGE_TOO_WEAK = "judge-too-weak"
    JUDGE_STALE = "judge-stale"
    JUDGE_REFUSED = "judge-refused"
    JUDGE_ERRS_UNEVENLY = "judge-errs-unevenly"
    TOO_FEW_CASES = "too-few-cases"
    TOO_FEW_GROUPS = "too-few-groups"
    ONE_LARGE_GROUP = "one-large-group"
    TOO_FEW_DIFFER = "too-few-differ"
    TOO_FEW_MODELS = "too-few-models"
    MODEL_ERRORS_UNKNOWN = "model-errors-unknown"
    MORE_CASES_NEEDED = "more-cases-needed"
    JUDGE_MOVED = "judge-moved"
    REPEATED_CASES = "repeated-cases"
    ANSWERS_REUSED = "answers-reused"
    WORDINGS_DIFFER = "wordings-differ"
    EFFECT_TURNS = "effect-turns"
    EFFECT_MAY_TURN = "effect-may-turn"
    SAMPLING_DIFFERS = "sampling-differs"
    SEVERAL_MODELS = "several-models"
    MODEL_DIFFERS = "model-differs"
    SERVER_DIFFERS = "server-differs"
    BACKEND_DIFFERS = "backend-differs"
    NOT_HONOURED = "not-honoured"
    LONE_CASES = "lone-cases"
    LONE_REPEATS = "lone-repeats"
    CASES_WITHOUT_SCORES = "cases-without-scores"
    DEVELOPMENT_CASES = "development-cases"
    LOOKED_AGAIN = "looked-again"
    ASKED_BESIDE = "asked-beside"
    HOLDOUT_USED = "holdout-used"
    LOOK_NOT_KEPT = "look-not-kept"
    DEVELOPED_BEFORE = "developed-before"
    SAMPLE_OF_CASES = "sample-of-cases"
    FIRST_CASES = "first-cases"
    ANSWERS_CUT_OFF = "answers-cut-off"
    ANSWERS_SAY_NOTHING = "answers-say-nothing"
    DIFFERENCE_IN_FORM = "difference-in-form"
    CONSTANT_ANSWER = "constant-answer"
    AT_THE_CEILING = "at-the-ceiling"
    AT_THE_FLOOR = "at-the-floor"
    SCORERS_DISAGREE = "scorers-disagree"
    TIPPING_POINT = "tipping-point"
    EXPLORATORY = "exploratory"
    FAILURES_LEFT_OUT = "failures-left-out"
    FAILURES_AS_ZERO = "failures-as-zero"
    NO_INTERVAL = "no-interval"
    IMAGINED_UNITS = "imagined-units"
    LARGEST_DIFFERENCE = "largest-difference"
    LOPSIDED = "lopsided"
    JUDGE_CORRECTED = "judge-corrected"
    JUDGE_UNCORRECTED = "judge-uncorrected"
    JUDGE_PROVISIONAL = "judge-provisional"
    TAKEN_FROM = "taken-from"
    MORE_CASES_STORED = "more-cases-stored"
    ALL_STORED = "all-stored"
    STOPPED_EARLY = "stopped-early"
    STOPPED_UNDECIDED = "stopped-undecided"

    @property
    def weight(self) -> Weight:
        """Return what it does to a verdict."""
        return _EXPLAINED[self.value][0]

    @property
    def meaning(self) -> str:
        """Return what it means."""
        return self.explanation.meaning

    @property
    def remedy(self) -> str:
        """Return what to do about it."""
        return self.explanation.remedy

    @property
    def about(self) -> tuple[str, ...]:
        """Return the keys of its `about`."""
        return self.explanation.about

    @property
    def explanation(self) -> Explanation:
        """Return what it says to those who look it up."""
        return _EXPLAINED[self.value][1]

"""Every kind of reason to refuse a verdict, leave it open, or doubt it.

Codes are listed only here; the documentation is generated from this list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Weight = Literal["refused", "open", "note"]
"""What a reason does to a verdict: it refuses it, leaves it open, or is noted beside it."""


class Code(StrEnum):
    """Every kind of reason: what it means, what to do about it, and the keys of its `about`.

    A code is never renamed: other people's scripts and reports look for it.
    """

    weight: Weight
    meaning: str
    remedy: str
    about: tuple[str, ...]

    def __new__(
        cls, code: str, weight: Weight, meaning: str, remedy: str, about: tuple[str, ...] = ()
    ) -> Code:
        """Make a code from its row in the table below."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.weight, member.meaning, member.remedy, member.about = weight, meaning, remedy, about
        return member

    SAME_ANSWERS = (
        "same-answers",
        "refused",
        "Both sides share every stored answer.",
        "Compare versions whose text differs.",
    )
    RUN_UNFINISHED = (
        "run-unfinished",
        "refused",
        "A run is not finished; stopping when the result looks good overstates it.",
        "`promptlab resume RUN`.",
        ("run", "stored", "trials"),
    )
    LOOKED_BEFORE = (
        "looked-before",
        "refused",
        "The run grew in steps of `--limit`, and the results were looked at after each.",
        "Run the whole suite, or use `--until-decided`.",
        ("after",),
    )
    STOPPED_FOR_ANOTHER = (
        "stopped-for-another",
        "refused",
        "The run stopped its arms early to decide another comparison.",
        "Run both versions on all cases, or name the pair with `--baseline`.",
        ("run",),
    )
    SCORER_CHANGED = (
        "scorer-changed",
        "refused",
        "The sides were graded by different versions of the scorer.",
        "Grade both again: `promptlab score RUN`.",
        ("scorer", "runs"),
    )
    SCORER_CONFIGURED_OTHERWISE = (
        "scorer-configured-otherwise",
        "refused",
        "The sides were graded with different parameters of the scorer.",
        "Run the suite again; stored answers cost nothing.",
        ("scorer", "runs"),
    )
    SCORER_ASKED_OTHERS = (
        "scorer-asked-others",
        "refused",
        "The scorer asked another model in each run.",
        "Run the suite again; stored answers cost nothing.",
        ("scorer", "runs"),
    )
    DIFFERENT_CASES = (
        "different-cases",
        "refused",
        "Too many cases were run on one side only.",
        "Run both sides on the same cases.",
        ("arms", "cases"),
    )
    FAILED_TRIALS = (
        "failed-trials",
        "refused",
        "Too many of the trials have no score.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("shares", "most"),
    )
    FAILED_UNEVENLY = (
        "failed-unevenly",
        "refused",
        "One side failed more often than the other.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("shares", "most_apart"),
    )
    JUDGE_UNCHECKED = (
        "judge-unchecked",
        "refused",
        "The scores come from a judge that was never compared with human labels.",
        "State its agreement with human labels in `[tool.promptlab.judges]`.",
        ("judge",),
    )
    JUDGE_TOO_WEAK = (
        "judge-too-weak",
        "refused",
        "The judge agrees too little with human labels, or with itself.",
        "Improve the judge, or label more cases.",
        ("judge", "measure", "value", "least"),
    )
    TOO_FEW_CASES = (
        "too-few-cases",
        "refused",
        "There are fewer cases than a verdict needs.",
        "Add cases.",
        ("cases", "least"),
    )
    TOO_FEW_GROUPS = (
        "too-few-groups",
        "refused",
        "The cases come in fewer groups than a verdict needs.",
        "Add cases of other groups.",
        ("groups", "least"),
    )
    ONE_LARGE_GROUP = (
        "one-large-group",
        "refused",
        "Too many cases belong to one group, so they are hardly independent.",
        "Add cases of other groups.",
        ("share", "most"),
    )
    TOO_FEW_DIFFER = (
        "too-few-differ",
        "refused",
        "The sides score alike on so many cases that no direction can be seen.",
        "Add cases on which they may differ, or test equivalence with `--min-effect`.",
        ("differing", "cases", "least"),
    )
    TOO_FEW_MODELS = (
        "too-few-models",
        "refused",
        "Too few models were run to say anything about models in general.",
        "Run the suite on more models.",
        ("models", "least"),
    )
    MODEL_ERRORS_UNKNOWN = (
        "model-errors-unknown",
        "refused",
        "The standard error is known for too few models.",
        "Add cases.",
        ("models", "known", "least"),
    )
    MORE_CASES_NEEDED = (
        "more-cases-needed",
        "open",
        "The verdict is undecided: these cases can only show a larger difference.",
        "Add cases.",
        ("cases", "detectable", "more_cases", "to_detect"),
    )
    REPEATED_CASES = (
        "repeated-cases",
        "note",
        "Cases with the same id, or with the same answers from every arm, count as one.",
        "Remove duplicates from the cases.",
    )
    ANSWERS_REUSED = (
        "answers-reused",
        "note",
        "A run that may stop early started from stored answers.",
        "Ignore stored answers with `--fresh`.",
        ("run", "reused", "stored"),
    )
    SAMPLING_DIFFERS = (
        "sampling-differs",
        "note",
        "The sides used different sampling settings.",
        "Run both with the same sampling settings.",
        ("setting", "a", "b"),
    )
    SEVERAL_MODELS = (
        "several-models",
        "note",
        "Several models answered one arm under the same name.",
        "Pin a fixed version of the model.",
        ("arms", "backend", "models"),
    )
    MODEL_DIFFERS = (
        "model-differs",
        "note",
        "A different model answered each side.",
        "Run both sides on one model.",
        ("backend", "a", "b"),
    )
    SERVER_DIFFERS = (
        "server-differs",
        "note",
        "The server reports a different configuration for each side.",
        "Run both sides again, close together in time.",
        ("backend", "a", "b"),
    )
    BACKEND_DIFFERS = (
        "backend-differs",
        "note",
        "A backend had other properties in each run, such as revision or batch size.",
        "Run both sides on the same machine and revision.",
        ("backend", "property", "values"),
    )
    NOT_HONOURED = (
        "not-honoured",
        "note",
        "A backend did not honour a setting.",
        "Leave the setting out, or use a backend that honours it.",
        ("what",),
    )
    LONE_CASES = (
        "lone-cases",
        "note",
        "A few cases were run on one side only; they are left out.",
        "Run both sides on the same cases.",
        ("arms", "cases"),
    )
    DEVELOPMENT_CASES = (
        "development-cases",
        "note",
        "Prompts may have been written with these cases in view.",
        "Confirm the result with `--split holdout`.",
    )
    ANSWERS_CUT_OFF = (
        "answers-cut-off",
        "note",
        "Answers were cut off at the token limit.",
        "Raise `max_tokens`.",
        ("arms", "backends", "share"),
    )
    EXPLORATORY = (
        "exploratory",
        "note",
        "There are fewer than 30 cases.",
        "Add cases before relying on the result.",
        ("cases",),
    )
    FAILURES_LEFT_OUT = (
        "failures-left-out",
        "note",
        "Trials without a score are left out, because the scores have no lowest value.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("failed",),
    )
    FAILURES_AS_ZERO = (
        "failures-as-zero",
        "note",
        "Trials without a score count as 0; the difference without them is given too.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("failed", "delta_without"),
    )
    NO_INTERVAL = (
        "no-interval",
        "note",
        "Every case differs by the same amount: p is small, but no interval can be given.",
        "Look at the scores: numbers that never vary hardly measure anything.",
    )
    INTERVAL_TOO_WIDE = (
        "interval-too-wide",
        "note",
        "The interval does not lie beyond the smallest effect that matters, though p is small.",
        "Add cases.",
    )
    TAKEN_FROM = (
        "taken-from",
        "note",
        "An arm that these runs lack was taken from another run.",
        "Run both sides together.",
        ("arm", "run"),
    )
    MORE_CASES_STORED = (
        "more-cases-stored",
        "note",
        "An earlier run measured the same arms on more cases, or further arms.",
        "Name that run: `promptlab compare RUN`.",
        ("run", "cases", "arms", "newer", "newer_cases", "newer_arms"),
    )
    STOPPED_EARLY = (
        "stopped-early",
        "note",
        "The run stopped once it was decided, so the difference looks larger than it is.",
        "Rely on the interval.",
        ("after", "unit"),
    )

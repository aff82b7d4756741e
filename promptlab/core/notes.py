"""What the reasons mean that leave a verdict open, or are noted beside it, by their code."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.explanation import Explanation

OPEN: Mapping[str, Explanation] = {
    "more-cases-needed": Explanation(
        "The verdict is undecided: these cases can only show a larger difference.",
        "Add cases.",
        ("cases", "detectable", "more_cases", "to_detect"),
    ),
    "judge-moved": Explanation(
        "The judge scores known answers otherwise than before, by more than the difference.",
        "Pin the judge's model, then `promptlab judge calibrate` again.",
        ("judge", "moved", "delta"),
    ),
}

NOTES: Mapping[str, Explanation] = {
    "repeated-cases": Explanation(
        "Cases with the same id, or with the same answers from every arm, count as one.",
        "Remove duplicates from the cases.",
    ),
    "answers-reused": Explanation(
        "A run that may stop early started from stored answers.",
        "Ignore stored answers with `--fresh`.",
        ("run", "reused", "stored"),
    ),
    "wordings-differ": Explanation(
        "The wordings of a practice differ so much that they matter more than the cases.",
        "Write the practice in more wordings.",
        ("share",),
    ),
    "effect-turns": Explanation(
        "The effect of a practice is an average: it changes with another practice, or by model.",
        "Look at the effects apart, and follow the practice where it helps.",
        ("practice", "beside", "backends", "without", "with"),
    ),
    "effect-may-turn": Explanation(
        "The mean effect is equivalent, but may hide effects that differ beyond the smallest one.",
        "Add cases.",
        ("practice", "beside", "backends", "interval"),
    ),
    "sampling-differs": Explanation(
        "The sides used different sampling settings.",
        "Run both with the same sampling settings.",
        ("setting", "a", "b"),
    ),
    "several-models": Explanation(
        "Several models answered one arm under the same name.",
        "Pin a fixed version of the model.",
        ("arms", "backend", "models"),
    ),
    "model-differs": Explanation(
        "A different model answered each side.",
        "Run both sides on one model.",
        ("backend", "a", "b"),
    ),
    "server-differs": Explanation(
        "The server reports a different configuration for each side.",
        "Run both sides again, close together in time.",
        ("backend", "a", "b"),
    ),
    "backend-differs": Explanation(
        "A backend had other properties in each run, such as revision or batch size.",
        "Run both sides on the same machine and revision.",
        ("backend", "property", "values"),
    ),
    "not-honoured": Explanation(
        "A backend did not honour a setting.",
        "Leave the setting out, or use a backend that honours it.",
        ("what",),
    ),
    "lone-cases": Explanation(
        "A few cases were run on one side only; they are left out.",
        "Run both sides on the same cases.",
        ("arms", "backends", "cases"),
    ),
    "lone-repeats": Explanation(
        "A few repeats are missing.",
        "Measure or import every repeat.",
        ("missing", "planned"),
    ),
    "cases-without-scores": Explanation(
        "No arm has a score by this scorer on some cases; they are left out.",
        "Grade them, or compare by a scorer that has graded all.",
        ("scorer", "cases"),
    ),
    "development-cases": Explanation(
        "Prompts may have been written with these cases in view.",
        "Confirm the result with `--split holdout`.",
    ),
    "looked-again": Explanation(
        "The same question was concluded on other scores of these cases before; a smaller level is"
        " left for this look.",
        "Ask once, of all cases, or use `--until-decided`; see `promptlab ledger SUITE`.",
        ("number", "level", "cases", "verdicts"),
    ),
    "asked-beside": Explanation(
        "Other comparisons of these cases were asked for first; a smaller level is left for this"
        " one.",
        "Ask for all comparisons at once; see `promptlab ledger SUITE`.",
        ("others", "level"),
    ),
    "holdout-used": Explanation(
        "The cases are a holdout, which bears three uses, whatever versions they compare.",
        "Keep the holdout for the version that is to be used.",
        ("use", "level"),
    ),
    "look-not-kept": Explanation(
        "The ledger could not be written: a later look will not know of this one.",
        "Make the database writable, and compare again.",
        ("why",),
    ),
    "developed-before": Explanation(
        "Some of the cases are of the `dev` side, on which prompts may have been written.",
        "Confirm the result with `--split holdout`.",
        ("developed", "cases"),
    ),
    "sample-of-cases": Explanation(
        "The run took a sample of the cases, drawn by the seed.",
        "Run the whole suite.",
        ("cases", "of", "seed"),
    ),
    "first-cases": Explanation(
        "A run of an older version took the first cases of the file, which are no sample.",
        "Run the suite again; stored answers cost nothing.",
        ("cases",),
    ),
    "answers-cut-off": Explanation(
        "Answers were cut off at the token limit.",
        "Raise `max_tokens`.",
        ("arms", "backends", "share"),
    ),
    "answers-say-nothing": Explanation(
        "Answers were refused, filtered, empty, or hold nothing to grade.",
        '`promptlab show --where "gradable = 0"`, or `--where "outcome = \'refused\'"`.',
        ("arms", "backends", "shares", "said"),
    ),
    "difference-in-form": Explanation(
        "Part of the difference is that one side gives fewer answers that can be graded.",
        "Ask for the form that the scorer reads, and look at what is left then.",
        ("arms", "backends", "shares", "said", "form", "content"),
    ),
    "constant-answer": Explanation(
        "An arm gives nearly always the same answer, more often than it is right.",
        "Compare its score with that of always giving this answer.",
        ("arms", "backend", "answer", "given", "answers", "score", "p"),
    ),
    "at-the-ceiling": Explanation(
        "An arm scores more than 95 % of what can be had, so that hardly more can be gained.",
        "Use harder cases.",
        ("arms", "backends", "mean"),
    ),
    "at-the-floor": Explanation(
        "An arm scores less than 5 % of what can be had.",
        "Look at its answers with `promptlab show`, or use easier cases.",
        ("arms", "backends", "mean"),
    ),
    "scorers-disagree": Explanation(
        "By another scorer of the suite the difference has the other sign.",
        "Look at cases on which the scorers differ, and say which one decides.",
        ("scorer", "delta", "p"),
    ),
    "tipping-point": Explanation(
        "Had so many answers that were cut off or refused been right, there were no verdict.",
        "Raise `max_tokens`, or find out what is refused.",
        ("arms", "backends", "kind", "answers", "ends_at"),
    ),
    "exploratory": Explanation(
        "There are fewer than 30 cases.",
        "Add cases before relying on the result.",
        ("cases",),
    ),
    "failures-left-out": Explanation(
        "Trials without a score are left out, because the scores have no lowest value.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("failed",),
    ),
    "failures-as-zero": Explanation(
        "Trials without a score count as 0; the difference without them is given too.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("failed", "delta_without"),
    ),
    "no-interval": Explanation(
        "Every case differs by the same amount: p is small, but no interval can be given.",
        "Look at the scores: numbers that never vary hardly measure anything.",
    ),
    "imagined-units": Explanation(
        "Hardly anything differs, or scores hardly vary: two imagined cases, or groups of cases,"
        " one with the largest difference there can be and one with its opposite, are added.",
        "Add cases; of those that come in groups, other groups.",
        ("units", "differing", "most", "largest"),
    ),
    "largest-difference": Explanation(
        "The suite declares the largest difference of a case: an assumption, which few cases rest"
        " on.",
        "Leave `largest_difference` out where an answer may change a score by more.",
        ("declared", "seen"),
    ),
    "lopsided": Explanation(
        "A few large differences weigh most. p-value and interval allow for it, in part where one"
        " alone stands out of long tails; where they are very large, the interval may still hold"
        " the truth in 90 % of the cases rather than in 95 %.",
        "Look at the largest differences; add cases.",
        ("skewness",),
    ),
    "judge-corrected": Explanation(
        "The difference, its interval and the verdict are corrected for the errors of the judge.",
        "Label more cases, drawn at random, to narrow the interval.",
        ("labels", "uncorrected", "method"),
    ),
    "judge-uncorrected": Explanation(
        "The verdict rests on the judge as it is: too few of these answers have human labels.",
        "Label 25 cases or more on both sides, then `promptlab judge calibrate`.",
        ("labels", "least", "informedness"),
    ),
    "judge-provisional": Explanation(
        "The judge's passport has something against it.",
        "`promptlab judge show`.",
        ("judge", "verdict", "findings"),
    ),
    "taken-from": Explanation(
        "An arm that these runs lack was taken from another run.",
        "Run both sides together.",
        ("arm", "run"),
    ),
    "more-cases-stored": Explanation(
        "An earlier run measured the same arms on more cases, or further arms.",
        "Name that run: `promptlab compare RUN`.",
        ("run", "cases", "arms", "newer", "newer_cases", "newer_arms"),
    ),
    "all-stored": Explanation(
        "These runs are what is stored of the newest one's suite: without a named run all of it"
        " counts that was measured alike, once.",
        "To conclude from one run alone, name it: `promptlab compare RUN`.",
        ("runs", "newest"),
    ),
    "stopped-early": Explanation(
        "The run stopped once it was decided, so the difference looks larger than it is.",
        "Rely on the interval.",
        ("after", "unit"),
    ),
    "stopped-undecided": Explanation(
        "The run stopped before its last case by another rule, scorer or limit than today's.",
        "Run the suite again: what was answered is not asked again.",
        ("run", "after", "of", "unit"),
    ),
}

"""What the reasons mean that refuse a verdict, by their code."""

from __future__ import annotations

from collections.abc import Mapping

from promptlab.core.explanation import Explanation

REFUSALS: Mapping[str, Explanation] = {
    "same-answers": Explanation(
        "Both sides share every stored answer.",
        "Compare versions whose text differs.",
    ),
    "run-unfinished": Explanation(
        "A run is not finished; stopping when the result looks good overstates it.",
        "`promptlab resume RUN`.",
        ("run", "stored", "trials"),
    ),
    "looked-before": Explanation(
        "The run grew in steps of `--limit`, and the results were looked at after each.",
        "Run the whole suite, or use `--until-decided`.",
        ("after",),
    ),
    "holdout-used-up": Explanation(
        "The holdout was used three times; what is found on it now was selected on it.",
        "Draw new cases for another confirmation.",
        ("uses",),
    ),
    "stopped-for-another": Explanation(
        "The run stopped its arms early to decide another comparison.",
        "Run both versions on all cases, or name the pair with `--baseline`.",
        ("run",),
    ),
    "order-changed": Explanation(
        "A run that may stop early put stored answers in another order than the first such run.",
        "Rely on the first run: some order decides anything.",
        ("run", "first"),
    ),
    "scorer-changed": Explanation(
        "The sides were graded by different versions of the scorer.",
        "Grade both again: `promptlab score RUN`.",
        ("scorer", "runs"),
    ),
    "scorer-configured-otherwise": Explanation(
        "The sides were graded with different parameters of the scorer.",
        "Run the suite again; stored answers cost nothing.",
        ("scorer", "runs"),
    ),
    "scorer-asked-others": Explanation(
        "The scorer asked another model in each run.",
        "Run the suite again; stored answers cost nothing.",
        ("scorer", "runs"),
    ),
    "different-cases": Explanation(
        "Too many cases were run on one side only.",
        "Run both sides on the same cases.",
        ("arms", "cases"),
    ),
    "failed-trials": Explanation(
        "Too many of the trials have no score.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("shares", "most"),
    ),
    "failed-unevenly": Explanation(
        "One side failed more often than the other.",
        "`promptlab show --errors`, then `promptlab resume RUN`.",
        ("shares", "most_apart"),
    ),
    "missing-repeats": Explanation(
        "Too many repeats are missing, of those that other cells have.",
        "Measure or import every repeat.",
        ("shares", "most"),
    ),
    "repeats-missing-unevenly": Explanation(
        "One side lacks more of its repeats than the other.",
        "Measure or import every repeat.",
        ("shares", "most_apart"),
    ),
    "judge-unchecked": Explanation(
        "The scores come from a judge that was never compared with human labels.",
        "`promptlab judge calibrate SUITE --labels FILE`, or `[tool.promptlab.judges]`.",
        ("judge",),
    ),
    "judge-too-weak": Explanation(
        "The judge agrees too little with human labels, or with itself.",
        "Improve the judge, or label more cases.",
        ("judge", "measure", "value", "least"),
    ),
    "judge-stale": Explanation(
        "The judge was changed since it was held against human labels: it is another judge.",
        "`promptlab judge calibrate SUITE --labels FILE` again; the labels still hold.",
        ("judge",),
    ),
    "judge-refused": Explanation(
        "The judge's passport is refused, and labels on both sides cannot make up for that here.",
        "`promptlab judge show`; improve the judge, or label 25 cases or more on both sides.",
        ("judge", "findings"),
    ),
    "judge-errs-unevenly": Explanation(
        "The judge favours one side: its bias differs by arm, and no pooled correction helps.",
        "Label 25 cases or more on both sides; they correct whatever the judge errs.",
        ("judge", "bias"),
    ),
    "too-few-cases": Explanation(
        "There are fewer cases than a verdict needs.",
        "Add cases.",
        ("cases", "least"),
    ),
    "too-few-groups": Explanation(
        "The cases come in fewer groups than a verdict needs.",
        "Add cases of other groups.",
        ("groups", "least"),
    ),
    "one-large-group": Explanation(
        "Too many cases belong to one group, so they are hardly independent.",
        "Add cases of other groups.",
        ("share", "most"),
    ),
    "too-few-differ": Explanation(
        "The sides score alike on so many cases that no direction can be seen.",
        "Add cases on which they may differ, or test equivalence with `--min-effect`.",
        ("differing", "cases", "least"),
    ),
    "too-few-models": Explanation(
        "Too few distinct models were run to say anything about models in general.",
        "Run the suite on more models.",
        ("models", "backends", "least"),
    ),
    "model-errors-unknown": Explanation(
        "On some model the effect or its standard error is not known.",
        "Add cases.",
        ("models", "known", "least", "backends"),
    ),
}

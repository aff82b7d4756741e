"""What to do after a comparison: the one command that tells most."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from promptlab.analysis.basis import Basis
from promptlab.analysis.compare import Comparison
from promptlab.core.codes import Code
from promptlab.report.views.conclusion import clearest

_REMEDIES = {Code.RUN_UNFINISHED: "resume", Code.SCORER_CHANGED: "score"}
_TO_LABEL = (Code.JUDGE_UNCHECKED, Code.JUDGE_STALE, Code.JUDGE_ERRS_UNEVENLY)


@dataclass(frozen=True, slots=True)
class NextStep:
    """A command in words, without the name of the program, and what it is good for.

    `words` are empty where no command can do it.
    """

    words: tuple[str, ...]
    purpose: str

    def line(self, command: str = "promptlab") -> str:
        """Return the step as a line, for a program that is called by `command`."""
        if not self.words:
            return f"Next: {self.purpose}"
        return f"Next: {command} {shlex.join(self.words)}\n({self.purpose})"


def next_step(basis: Basis, comparisons: Sequence[Comparison]) -> NextStep | None:
    """Return what to do after comparing versions; None for groups, backends and several suites.

    A version that is better is confirmed on cases that it was not chosen on; a question that is
    open is planned before more is spent on it.
    """
    if len(basis.suites) != 1 or any(
        comparison.part is not None or " on " in comparison.a for comparison in comparisons
    ):
        return None
    [suite] = basis.suites
    best = clearest(comparisons)
    if best is None:
        return _after_no_verdict(suite, comparisons)
    better, other = (best.b, best.a) if best.verdict == "better" else (best.a, best.b)
    if basis.splits == {"holdout"}:
        purpose = "it held on the holdout; later versions compare with `best`"
        return NextStep(("template", "tag", better, "best"), purpose)
    if basis.splits == {"dev"}:
        words = ("run", suite, "--split", "holdout", "-t", other, "-t", better)
        return NextStep(words, "confirms it on cases that no version was chosen on")
    return NextStep(
        (),
        f"confirm it on new cases, in a suite of their own or with `holdout` set in suite {suite}"
        " before its first run.",
    )


def _after_no_verdict(suite: str, comparisons: Sequence[Comparison]) -> NextStep | None:
    if any(comparison.verdict == "undecided" for comparison in comparisons):
        return NextStep(("plan", suite), "what it takes to decide")
    for comparison in comparisons:
        for reason in comparison.reasons:
            verb = _REMEDIES.get(reason.code)
            runs = reason.about.get("runs", [reason.about.get("run")])
            if reason.code in _TO_LABEL:
                then = f"`review --export FILE` and `judge calibrate {suite} --labels FILE`"
                return NextStep(("review",), f"what people say; then {then}")
            if verb is not None and isinstance(runs, list) and isinstance(runs[0], str):
                return NextStep((verb, runs[0]), "then compare again")
    return None

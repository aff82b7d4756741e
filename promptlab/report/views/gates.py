"""Gates as plain data: which hold, and the findings against those that do not.

Loads no statistics: a gate on a mean needs none, and comparisons are made elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from promptlab.analysis.judged import Judged
from promptlab.core.decision import Verdict
from promptlab.core.reasons import Reason
from promptlab.core.types import Arm
from promptlab.experiments.gates import Beats, Bound
from promptlab.report.wording import NO_VERDICT, bounds, difference, verdict_word
from promptlab.stats.intervals import Interval

if TYPE_CHECKING:
    from promptlab.analysis.compare import Comparison

GateKind = Literal["bound", "better", "no-worse"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding against a gate, possibly about one arm.

    `mean` is the one that missed a bound; `verdict`, `delta`, the intervals and `reasons` are of a
    comparison with the other version.
    """

    text: str
    arm: str | None = None
    backend: str | None = None
    mean: float | None = None
    verdict: Verdict | None = None
    delta: float | None = None
    ci: Interval | None = None
    ci_simultaneous: Interval | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate as written, and the findings against it: it holds if there are none.

    `notes` say what else to know of the scores of a judge.
    """

    text: str
    kind: GateKind
    scorer: str
    findings: tuple[Finding, ...]
    notes: tuple[Reason, ...] = ()

    @property
    def holds(self) -> bool:
        """Return whether the gate holds."""
        return not self.findings

    @property
    def lines(self) -> tuple[str, ...]:
        """Return why the gate failed, one line per finding."""
        return tuple(f"{self.text}: {finding.text}" for finding in self.findings)

    @property
    def told(self) -> tuple[str, ...]:
        """Return what to tell of the gate: that it holds, or why it failed, and the notes."""
        notes = (f"note on {self.text}: {note.text}" for note in self.notes)
        if self.holds:
            return (f"gate holds: {self.text}", *notes)
        return (*(f"gate failed: {line}" for line in self.lines), *notes)


def gate_view(judged: Judged) -> GateView:
    """Return the view of a judged gate."""
    gate = judged.gate
    kind: GateKind = "no-worse"
    if isinstance(gate, Bound):
        kind = "bound"
    elif isinstance(gate, Beats):
        kind = "better"
    problem = [] if judged.problem is None else [Finding(judged.problem)]
    means = [_missed(arm, mean) for arm, mean in judged.means]
    open_ = [_not_shown(comparison, kind) for comparison in judged.comparisons]
    unscored = [_lacking(arm, share) for arm, share in judged.unscored]
    untrusted = [_untrusted(arm, reasons) for arm, reasons in judged.untrusted]
    findings = (*problem, *means, *untrusted, *unscored, *open_)
    return GateView(gate.text, kind, gate.scorer, findings, judged.notes)


def _missed(arm: Arm, mean: float | None) -> Finding:
    """Return the finding that an arm's mean misses a bound."""
    has = "no score" if mean is None else f"{mean:.4g}"
    return Finding(f"{arm.label} has {has}", arm.label, arm.backend, mean)


def _lacking(arm: Arm, share: float) -> Finding:
    """Return the finding that too many trials of an arm have no score."""
    text = f"{share * 100:.1f} % of the trials of {arm.label} have no score"
    return Finding(text, arm.label, arm.backend)


def _untrusted(arm: Arm, reasons: tuple[Reason, ...]) -> Finding:
    """Return the finding that the scores of a judge decide nothing."""
    why = "; ".join(reason.text for reason in reasons)
    text = f"{arm.label} has scores of a judge that decide nothing: {why}"
    return Finding(text, arm.label, arm.backend, reasons=reasons)


def _not_shown(comparison: Comparison, kind: GateKind) -> Finding:
    """Return the finding of a comparison that fails a gate, with the interval that decided it.

    Better is shown within the family; no worse, for each arm by itself.
    """
    ci = comparison.ci if kind == "no-worse" else comparison.ci_simultaneous
    word = verdict_word(comparison.verdict)
    verb = "has" if word == NO_VERDICT else "is"
    text = f"{comparison.b} on {comparison.backend} {verb} {word}"
    if comparison.reason is not None:
        text += f": {comparison.reason}"
    else:
        unit = " points" if comparison.is_rate else ""
        delta = difference(comparison.delta, is_rate=comparison.is_rate)
        text += f", {delta}{unit}, interval {bounds(ci, is_rate=comparison.is_rate)}"
    return Finding(
        text,
        arm=comparison.b,
        backend=comparison.backend,
        verdict=comparison.verdict,
        delta=comparison.delta,
        ci=comparison.ci,
        ci_simultaneous=comparison.ci_simultaneous,
        reasons=comparison.reasons,
    )

"""Gates as plain data: which hold, and what speaks against those that do not.

It loads no statistics: a gate on a mean needs none, and a comparison is made by others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from promptlab.core.decision import Verdict
from promptlab.core.reasons import Reason
from promptlab.experiments.gates import Beats, Bound, Gate
from promptlab.report.views.run import RunView
from promptlab.report.wording import bounds, difference
from promptlab.stats.intervals import Interval

if TYPE_CHECKING:
    from promptlab.analysis.compare import Comparison

GateKind = Literal["bound", "better", "no-worse"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks against a gate, of one arm if it is of one.

    `mean` is what a bound was held against; `verdict`, `delta`, `ci` and `reasons` are those of a
    comparison with the other version.
    """

    text: str
    arm: str | None = None
    backend: str | None = None
    mean: float | None = None
    verdict: Verdict | None = None
    delta: float | None = None
    ci: Interval | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate as it was written, and the findings against it: it holds where there are none."""

    text: str
    kind: GateKind
    scorer: str
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Say whether the gate holds."""
        return not self.findings

    @property
    def lines(self) -> tuple[str, ...]:
        """Return why the gate failed, a line each."""
        return tuple(f"{self.text}: {finding.text}" for finding in self.findings)


def gate_view(gate: Gate, findings: Sequence[Finding]) -> GateView:
    """Make the view of a gate that was judged."""
    kind: GateKind = "no-worse"
    if isinstance(gate, Bound):
        kind = "bound"
    elif isinstance(gate, Beats):
        kind = "better"
    return GateView(gate.text, kind, gate.scorer, tuple(findings))


def judge_bound(gate: Bound, view: RunView) -> GateView:
    """Judge a gate on the mean of every arm."""
    findings = []
    for arm in view.arms:
        mean = next((score.mean for score in arm.scores if score.scorer == gate.scorer), None)
        if not gate.holds(mean):
            has = "no score" if mean is None else f"{mean:.4g}"
            text = f"{arm.arm.label} has {has}"
            findings.append(Finding(text, arm.arm.label, arm.arm.backend, mean))
    return gate_view(gate, findings)


def finding_of(one: Comparison) -> Finding:
    """Say what a comparison says against a gate."""
    text = f"{one.b} on {one.backend} is {one.verdict}"
    if one.reason is not None:
        text += f": {one.reason}"
    else:
        unit = " points" if one.is_rate else ""
        delta = difference(one.delta, is_rate=one.is_rate)
        text += f", {delta}{unit}, interval {bounds(one.ci, is_rate=one.is_rate)}"
    return Finding(
        text,
        arm=one.b,
        backend=one.backend,
        verdict=one.verdict,
        delta=one.delta,
        ci=one.ci,
        reasons=one.reasons,
    )

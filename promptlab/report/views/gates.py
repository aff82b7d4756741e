"""Gates as plain data: which hold, and what speaks against those that do not.

It loads no statistics: a gate on a mean needs none, and a comparison is made by others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from promptlab.analysis.judged import Judged
from promptlab.core.decision import Verdict
from promptlab.core.reasons import Reason
from promptlab.core.types import Arm
from promptlab.experiments.gates import Beats, Bound
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


def gate_view(judged: Judged) -> GateView:
    """Make the view of a gate that was judged."""
    gate = judged.gate
    kind: GateKind = "no-worse"
    if isinstance(gate, Bound):
        kind = "bound"
    elif isinstance(gate, Beats):
        kind = "better"
    problem = [] if judged.problem is None else [Finding(judged.problem)]
    means = [_missed(arm, mean) for arm, mean in judged.means]
    open_ = [_not_shown(one) for one in judged.comparisons]
    return GateView(gate.text, kind, gate.scorer, (*problem, *means, *open_))


def _missed(arm: Arm, mean: float | None) -> Finding:
    """Say by which mean an arm misses a bound."""
    has = "no score" if mean is None else f"{mean:.4g}"
    return Finding(f"{arm.label} has {has}", arm.label, arm.backend, mean)


def _not_shown(one: Comparison) -> Finding:
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

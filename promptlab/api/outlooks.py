"""What the calls of a project return about a suite: a run of it, its plan, its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from promptlab.api.frames import frame_of
from promptlab.core.looks import PastFamily
from promptlab.report.documents.forecast import forecast_json
from promptlab.report.documents.ledger import ledger_json
from promptlab.report.documents.planning import planning_json
from promptlab.report.html.tables import preformatted
from promptlab.report.terminal.ledger import print_ledger
from promptlab.report.terminal.page import as_text
from promptlab.report.terminal.planning import print_planning
from promptlab.report.terminal.runs import print_forecast
from promptlab.report.views.forecast import ForecastView
from promptlab.report.views.ledger import LedgerView
from promptlab.report.views.planning import PlanningView

if TYPE_CHECKING:
    import pandas


class Forecast:
    """What a run would do: trials, calls, stored answers, tokens, cost."""

    def __init__(self, view: ForecastView) -> None:
        self.view = view
        self.calls = view.forecast.calls
        self.stored = view.forecast.stored
        self.cost_usd = view.forecast.cost_usd

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab run SUITE --dry-run --json` writes."""
        return forecast_json(self.view)

    def __repr__(self) -> str:
        return as_text(print_forecast, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


class Planning:
    """What a suite can show before it runs, and what more it takes; None where that is not known.

    `detectable` is the difference that its cases show with a power of 80 %, `cases_needed` how many
    cases the wanted `effect` takes, `power` the chance to see it with the cases at hand.
    """

    def __init__(self, view: PlanningView) -> None:
        self.view = view
        self.effect = view.prospect.aim.effect
        self.detectable = view.detectable
        self.cases_needed = view.needed
        self.power = view.power
        self.half_width = view.half_width

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab plan --json` writes."""
        return planning_json(self.view)

    def __repr__(self) -> str:
        return as_text(print_planning, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


class Looks(Sequence[PastFamily]):
    """What was concluded of a suite, oldest first: families of comparisons, with their `looks`."""

    def __init__(self, view: LedgerView) -> None:
        self.view = view

    @overload
    def __getitem__(self, place: int) -> PastFamily: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PastFamily]: ...
    def __getitem__(self, place: int | slice) -> PastFamily | Sequence[PastFamily]:
        return tuple(table.family for table in self.view.tables)[place]

    def __len__(self) -> int:
        return len(self.view.tables)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab ledger --json` writes."""
        return ledger_json(self.view)

    def to_frame(self) -> pandas.DataFrame:
        """Return a data frame with one row per look."""
        families = self.to_dict()["families"]
        return frame_of([{"at": each["at"], **look} for each in families for look in each["looks"]])

    def __repr__(self) -> str:
        return as_text(print_ledger, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))

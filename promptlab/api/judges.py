"""What the calls of a project return about judges and raters: passports, and what people said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from promptlab.analysis.raters import agreement_among
from promptlab.api.frames import frame_of
from promptlab.core.ratings import Kind
from promptlab.exporters.labels import LabelRow, label_columns
from promptlab.report.documents.passport import passport_json
from promptlab.report.documents.raters import raters_json
from promptlab.report.html.tables import preformatted
from promptlab.report.terminal.page import as_text
from promptlab.report.terminal.passport import print_passport
from promptlab.report.views.passport import PassportView
from promptlab.workbench.rated import Rated, label_rows

if TYPE_CHECKING:
    import pandas


class JudgePassport:
    """How a judge errs, held against people's labels, and what it is good for.

    `verdict` is `trusted`, `provisional` or `refused`; `findings` are what speaks against it,
    `figures` all that was measured, None where it cannot be known.
    """

    def __init__(self, view: PassportView) -> None:
        self.view = view
        self.scorer = view.passport.scorer
        self.suite = view.passport.suite
        self.verdict = view.passport.verdict
        self.findings = view.passport.findings
        self.figures = view.passport.figures

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab judge calibrate --json` writes."""
        return passport_json(self.view.passport)

    def __repr__(self) -> str:
        return as_text(print_passport, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


class Ratings(Sequence[LabelRow]):
    """What people said of the outputs of a run, one row for each rater and output, or pair."""

    def __init__(self, rated: Rated, kind: Kind) -> None:
        self.run = rated.run_id
        self.kind = kind
        self._rated = rated
        self._rows = tuple(label_rows(rated))

    @overload
    def __getitem__(self, place: int) -> LabelRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[LabelRow]: ...
    def __getitem__(self, place: int | slice) -> LabelRow | Sequence[LabelRow]:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def agreement(self) -> dict[str, Any]:
        """Return the document that `promptlab review --agreement --json` writes."""
        return raters_json(self.run, agreement_among(self._rated.ratings, self.kind))

    def to_dicts(self) -> list[dict[str, object]]:
        """Return the rows as plain mappings, as `promptlab review --export` writes them."""
        return [label_columns(row) for row in self._rows]

    def to_frame(self) -> pandas.DataFrame:
        """Return a data frame with one row per rating."""
        return frame_of(self.to_dicts())

    def __repr__(self) -> str:
        raters = len({row.rater for row in self._rows})
        return f"<Ratings of {self.kind} of run {self.run}: {len(self)}, by {raters}>"

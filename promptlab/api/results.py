"""What the calls of a project return: values that a terminal and a notebook can show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from promptlab.api.frames import frame_of
from promptlab.core.results import Result
from promptlab.report.documents.comparison import compare_json
from promptlab.report.documents.diff import diff_json
from promptlab.report.documents.matrix import matrix_json
from promptlab.report.documents.practices import practices_json
from promptlab.report.documents.trial import result_json
from promptlab.report.html.notebook import comparison_html, practices_html, results_html
from promptlab.report.html.tables import preformatted
from promptlab.report.terminal.compare import print_comparisons
from promptlab.report.terminal.diff import print_diff
from promptlab.report.terminal.matrix import print_matrix
from promptlab.report.terminal.page import as_text
from promptlab.report.terminal.practices import print_practices
from promptlab.report.views.comparison import ComparisonRow, ComparisonView
from promptlab.report.views.diff import DiffView
from promptlab.report.views.matrix import MatrixRow, MatrixView
from promptlab.report.views.practices import PracticeRow, PracticesView

if TYPE_CHECKING:
    import pandas

_SHOWN = 20


class Comparisons(Sequence[ComparisonRow]):
    """Comparisons of arms; each row has a `comparison` with its numbers and its verdict.

    `view` is all that a renderer needs. `sentence` is the conclusion, None if there is none.
    """

    def __init__(self, view: ComparisonView) -> None:
        self.view = view

    @property
    def sentence(self) -> str | None:
        """Return the conclusion in one sentence."""
        return None if self.view.conclusion is None else self.view.conclusion.sentence

    @overload
    def __getitem__(self, place: int) -> ComparisonRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[ComparisonRow]: ...
    def __getitem__(self, place: int | slice) -> ComparisonRow | Sequence[ComparisonRow]:
        return self.view.rows[place]

    def __len__(self) -> int:
        return len(self.view.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab compare --json` writes."""
        return compare_json(self.view)

    def to_frame(self) -> pandas.DataFrame:
        """Return a data frame with one row per comparison."""
        return frame_of(self.to_dict()["comparisons"])

    def __repr__(self) -> str:
        return as_text(print_comparisons, self.view)

    def _repr_html_(self) -> str:
        return comparison_html(self.view)


class Matrix(Sequence[MatrixRow]):
    """Cases and arms as a table, cases that flip first: a row for each case, a cell for each arm.

    `arms` are its columns; `view` is all that a renderer needs.
    """

    def __init__(self, view: MatrixView) -> None:
        self.view = view
        self.arms = tuple(arm.label for arm in view.arms)

    @overload
    def __getitem__(self, place: int) -> MatrixRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[MatrixRow]: ...
    def __getitem__(self, place: int | slice) -> MatrixRow | Sequence[MatrixRow]:
        return self.view.rows[place]

    def __len__(self) -> int:
        return len(self.view.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab show --matrix --json` writes."""
        return matrix_json(self.view)

    def __repr__(self) -> str:
        return as_text(print_matrix, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


class Effects(Sequence[PracticeRow]):
    """What each practice changes; each row has an `effect` with its numbers and its verdict."""

    def __init__(self, view: PracticesView) -> None:
        self.view = view

    @overload
    def __getitem__(self, place: int) -> PracticeRow: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PracticeRow]: ...
    def __getitem__(self, place: int | slice) -> PracticeRow | Sequence[PracticeRow]:
        return self.view.rows[place]

    def __len__(self) -> int:
        return len(self.view.rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab practices --json` writes."""
        return practices_json(self.view)

    def to_frame(self) -> pandas.DataFrame:
        """Return a data frame with one row per effect."""
        return frame_of(self.to_dict()["practices"])

    def __repr__(self) -> str:
        return as_text(print_practices, self.view)

    def _repr_html_(self) -> str:
        return practices_html(self.view)


class Difference:
    """How two versions differ, in text and in results. `same` is set if their texts are equal."""

    def __init__(self, view: DiffView) -> None:
        self.view = view

    @property
    def same(self) -> bool:
        """Return whether both versions have the same text."""
        return self.view.version.same

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab diff --json` writes."""
        return diff_json(self.view)

    def __repr__(self) -> str:
        return as_text(print_diff, self.view)

    def _repr_html_(self) -> str:
        return preformatted(repr(self))


class Results(Sequence[Result]):
    """Scored results, one row per trial and scorer, with the columns of the view `results`."""

    def __init__(self, rows: Sequence[Result]) -> None:
        self._rows = tuple(rows)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Result]: ...
    def __getitem__(self, place: int | slice) -> Result | Sequence[Result]:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._rows)

    def to_dicts(self) -> list[dict[str, object]]:
        """Return the rows as plain mappings."""
        return [result_json(row) for row in self._rows]

    def to_frame(self) -> pandas.DataFrame:
        """Return a data frame with one row per result."""
        return frame_of(self.to_dicts())

    def __repr__(self) -> str:
        shown = [
            f"{row.arm}  {row.case_id}  {row.scorer}: {'-' if row.score is None else row.score:}"
            for row in self._rows[:_SHOWN]
        ]
        more = len(self) - len(shown)
        return "\n".join([*shown, *([f"... and {more:,} more"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        return results_html(self._rows[:_SHOWN])

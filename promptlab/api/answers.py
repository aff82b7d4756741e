"""One answer, as a call of a project returns it."""

from __future__ import annotations

from typing import Any

from promptlab.core.types import Outcome
from promptlab.report.documents.answer import answer_json
from promptlab.report.html.tables import preformatted
from promptlab.report.views.answer import AnswerView


class Answer:
    """What one version answered; `view` is all that a renderer needs. Printed, it is its text.

    `text` and `thoughts` are None where there are none; `error` says why there is no answer.
    """

    def __init__(self, view: AnswerView) -> None:
        self.view = view
        self.text = view.text
        self.thoughts = view.thoughts
        self.outcome: Outcome = view.outcome
        self.error = view.error
        self.cached = view.cached
        self.calls = view.calls
        self.cost_usd = view.cost_usd

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab try --json` writes."""
        return answer_json(self.view)

    def __str__(self) -> str:
        return self.text or ""

    def __repr__(self) -> str:
        return f"<Answer of {self.view.reference}: {self.view.sentence}>"

    def _repr_html_(self) -> str:
        return preformatted(str(self))

"""A run, as the calls of a project return it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptlab.report.documents.gates import gates_json
from promptlab.report.documents.run import run_json
from promptlab.report.html.notebook import run_html
from promptlab.report.terminal.page import as_text
from promptlab.report.terminal.run import print_run
from promptlab.report.views.gates import GateView
from promptlab.report.views.run import ArmView, RunView


class Run:
    """A run with the results of its arms; `view` is all that a renderer needs.

    `calls` counts the calls made just now, 0 if the run was only read. `gates` are those that were
    judged.
    """

    def __init__(self, view: RunView, calls: int = 0, gates: Sequence[GateView] = ()) -> None:
        self.view = view
        self.calls = calls
        self.gates = tuple(gates)

    @property
    def id(self) -> str:
        """Return the id, which every call of a project accepts."""
        return self.view.run.run_id

    @property
    def suite(self) -> str:
        """Return the name of the suite."""
        return self.view.run.suite

    @property
    def status(self) -> str:
        """Return `finished`, `interrupted` or `running`."""
        return self.view.run.status

    @property
    def arms(self) -> tuple[ArmView, ...]:
        """Return the arms with their outcomes and scores."""
        return self.view.arms

    @property
    def passed(self) -> bool:
        """Return whether every gate holds."""
        return all(gate.holds for gate in self.gates)

    def to_dict(self) -> dict[str, Any]:
        """Return the document that `promptlab run --json` writes."""
        failed = [line for gate in self.gates for line in gate.lines]
        return {
            **run_json(self.view, self.calls),
            "gates_failed": failed,
            "gates": gates_json(self.gates),
        }

    def __repr__(self) -> str:
        scores = as_text(print_run, self.view)
        return f"Run {self.id} of {self.suite}: {self.status}\n\n{scores}"

    def _repr_html_(self) -> str:
        return run_html(self.view)

"""Renders one text in the sandbox, as templates and scorers do."""

from __future__ import annotations

from typing import Any

from promptlab.sandbox.environment import SandboxEnvironment


def rendered(text: str, /, **variables: Any) -> str:
    """Return what a text gives with these variables."""
    environment = SandboxEnvironment()
    template = environment.from_string(text)
    environment.budget.start()
    return template.render(variables)

"""Contract tests for authors of plugins: subclass one, say what to test, run pytest.

from promptlab.testing import BackendContract

class TestMine(BackendContract):
    def make_backend(self):
        return Mine("some-model", Options())

The only package that needs pytest. The built-in plugins are tested by the same classes.
"""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    "promptlab.testing.backends", "promptlab.testing.executors", "promptlab.testing.scorers"
)

from promptlab.testing.backends import BackendContract
from promptlab.testing.executors import ExecutorContract
from promptlab.testing.scorers import ScorerContract

__all__ = ["BackendContract", "ExecutorContract", "ScorerContract"]

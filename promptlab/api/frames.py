"""Rows as pandas data frames; pandas is imported on first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError

if TYPE_CHECKING:
    import pandas
else:
    try:
        import pandas
    except ImportError:
        pandas = None


def frame_of(rows: Sequence[object]) -> pandas.DataFrame:
    """Return a data frame with one row per mapping."""
    if pandas is None:
        raise PromptlabError("data frames need pandas", hint="pip install pandas")
    return pandas.DataFrame(rows)

"""Rows as data frames of pandas, which is imported when one is asked for."""

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
    """Return a data frame with a row for each of these mappings."""
    if pandas is None:
        raise PromptlabError("data frames need pandas", hint="pip install pandas")
    return pandas.DataFrame(rows)

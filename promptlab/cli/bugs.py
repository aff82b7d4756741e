"""What is kept of a bug: a file that its report can have beside it."""

from __future__ import annotations

import sys
import tempfile
import traceback

from promptlab import __version__
from promptlab.core.masking import strike


def keep_traceback() -> str:
    """Write down the exception that is being handled; return the name of the file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="promptlab-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"promptlab {__version__}, Python {sys.version}\n\n")
        file.write(strike(traceback.format_exc()))
    return file.name

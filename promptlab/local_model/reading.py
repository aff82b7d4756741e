"""The border to what reads a model's files: whatever it raises is an error of that model alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from promptlab.core.errors import BackendError
from promptlab.local_model.host import extra
from promptlab.local_model.text.chat_template import ChatError


@contextmanager
def reading(model: str) -> Iterator[None]:
    """Read the files of a model within; raise nothing but `BackendError`."""
    try:
        with extra.importing_torch(os.environ):
            yield
    except BackendError:
        raise
    except ChatError as error:
        raise BackendError(f"{model}: {error}") from error
    except Exception as error:  # a bad file makes libraries, Jinja or the system raise anything
        reason = next(iter(str(error).splitlines()), "")
        raise BackendError(
            f"cannot read the files of {model}: {type(error).__name__}: {reason}"
        ) from error

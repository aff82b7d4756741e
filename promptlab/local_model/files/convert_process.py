"""Run a conversion in a separate, silent process that is killed at once when cancelled. Its memory
(several times the model's size) is freed before the model is loaded.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import Cache

_PROGRAM = "promptlab.local_model.loading.convert"


class Order(BaseModel):
    """What to convert: the file, its digest, the name to store the copy under, and the cache."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gguf: Path
    source: str
    model: str | None
    cache: Path


class Failure(BaseModel):
    """A `BackendError` passed back from the converting process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    message: str
    hint: str | None


async def convert_apart(order: Order) -> Path:
    """Convert a GGUF file into the cache and return the folder; cancelling stops it at once."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _PROGRAM, order.model_dump_json(), stdout=PIPE, stderr=PIPE
    )
    try:
        output, errors = await process.communicate()
    finally:
        await _end(process)
    if process.returncode:
        raise _failure(order, output, errors)
    return Cache(order.cache).place(order.source)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.communicate()  # until its pipes are closed


def _failure(order: Order, output: bytes, errors: bytes) -> BackendError:
    try:
        failure = Failure.model_validate_json(output)
    except ValidationError:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        return BackendError(f"cannot convert {order.gguf}: {last or 'its process was killed'}")
    return BackendError(failure.message, hint=failure.hint)

"""The boundary to user code: what passes, what is reported as theirs, what is restored."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from promptlab.core.errors import BackendError, PromptlabError
from promptlab.core.foreign import call_foreign, foreign


class Boom(BaseException):
    pass


def raises(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no\nway"), "its part fails: ValueError: no (fix it)"),
        (SystemExit(0), "its part fails: SystemExit: 0 (fix it)"),
        (Boom(), "its part fails: tests.core.test_foreign.Boom (fix it)"),
        (GeneratorExit(), "its part fails: GeneratorExit (fix it)"),
        (StopIteration(3), "its part fails: StopIteration: 3 (fix it)"),
        (asyncio.CancelledError(), "its part fails: asyncio.exceptions.CancelledError (fix it)"),
        (
            PromptlabError("so"),
            "its part fails: promptlab.core.errors.PromptlabError: so (fix it)",
        ),
    ],
)
def test_whatever_is_raised_is_reported_as_theirs(error: BaseException, message: str) -> None:
    with pytest.raises(PromptlabError) as caught, foreign("its part fails", hint="fix it"):
        raises(error)
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


def test_ctrl_c_and_what_is_meant_for_us_pass() -> None:
    with pytest.raises(KeyboardInterrupt), foreign("it fails"):
        raises(KeyboardInterrupt())
    with pytest.raises(BackendError, match=r"^away$"), foreign("it", passing=(BackendError,)):
        raises(BackendError("away"))


@pytest.mark.parametrize("error", [SystemExit(0), Boom(), StopIteration(), KeyboardInterrupt()])
def test_a_thread_hands_over_what_it_raised(error: BaseException) -> None:
    async def leaves() -> Any:
        raise error

    with pytest.raises(PromptlabError, match=f"^it fails: .*{type(error).__name__}"):
        asyncio.run(call_foreign(lambda: raises(error), "it fails"))
    if not isinstance(error, KeyboardInterrupt | StopIteration):
        with pytest.raises(PromptlabError, match=f"^it fails: .*{type(error).__name__}"):
            asyncio.run(call_foreign(leaves, "it fails"))


def test_functions_of_every_kind_can_be_called() -> None:
    async def later() -> int:
        return 1

    class Caller:
        async def __call__(self) -> int:
            return 2

    async def call() -> list[Any]:
        functions: list[Any] = [later, Caller(), lambda: later(), lambda: 3]
        return [await call_foreign(function, "it fails") for function in functions]

    assert asyncio.run(call()) == [1, 2, 1, 3]


def test_a_cancellation_of_ours_passes() -> None:
    async def waits() -> None:
        with foreign("it fails"):
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_the_working_directory_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with foreign("it fails"):
        os.chdir("/")
    assert Path.cwd() == tmp_path
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with foreign("it fails"):
        pass

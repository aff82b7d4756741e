"""The boundary to user code: scorers, backends, executors.

User code may raise anything, exit, print or change the working directory. Whatever it raises
becomes one `PromptlabError` that names the code, what it prints goes to stderr (see `streams`), and
the working directory is restored. Ctrl-C and our own cancellations do not come from user code: they
pass.
"""

from __future__ import annotations

import inspect
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.core.threads import in_thread

if TYPE_CHECKING:
    import asyncio
else:
    asyncio = lazy_module("asyncio")  # most verbs call nothing async

Passing = tuple[type[Exception], ...]

_inside: ContextVar[bool] = ContextVar("inside user code", default=False)


@contextmanager
def foreign(
    what: str, *, hint: str | None = None, where: str | None = None, passing: Passing = ()
) -> Iterator[None]:
    """Run user code; whatever it raises becomes the error `what: the exception`.

    Exceptions of the types in `passing` are meant for us and pass unchanged.
    """
    token, folder = _inside.set(True), _folder()
    try:
        yield
    except passing:
        raise
    except BaseException as error:
        if _is_ours(error):
            raise
        raise PromptlabError(f"{what}: {last_line(error)}", hint=hint, where=where) from error
    finally:
        _inside.reset(token)
        if folder is not None and folder != _folder():
            with suppress(OSError):  # the user code may have removed it
                os.chdir(folder)


async def call_foreign(function: Callable[[], Any], what: str, *, passing: Passing = ()) -> Any:
    """Call a user's function, async or not; a blocking one gets its own thread."""
    if is_async(function):
        with foreign(what, passing=passing):
            return await function()
    result = await _in_thread(function, what, passing)
    if not inspect.isawaitable(result):
        return result
    with foreign(what, passing=passing):
        return await result


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether calling this returns an awaitable."""
    call = getattr(function, "__call__", None)  # noqa: B004  # an object's call may be async
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def last_line(error: BaseException) -> str:
    """Return an error in one line, as the end of a traceback shows it."""
    text = traceback.format_exception_only(error)[-1].strip()
    return text.partition("\n")[0]


def in_user_code() -> bool:
    """Return whether user code is running in this context."""
    return _inside.get()


async def _in_thread(function: Callable[[], Any], what: str, passing: Passing) -> Any:
    """Run a blocking function in a thread that dies with the process.

    `asyncio.to_thread` would do, but its threads are joined at exit: a function that never
    returns would keep the program from exiting.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def work() -> Callable[[], None]:
        # exactly one of them is set, unless the function returned None
        result, failure = None, None
        try:
            with foreign(what, passing=passing):
                result = function()
        except Exception as error:  # noqa: BLE001 - it is passed on to the waiting task
            failure = error

        def finish() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is waiting
                loop.call_soon_threadsafe(settle, result, failure)

        return finish

    in_thread(work)
    return await answer


def _is_ours(error: BaseException) -> bool:
    """Return whether this interrupts user code rather than coming from it."""
    if isinstance(error, KeyboardInterrupt):
        return threading.current_thread() is threading.main_thread()
    if not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop is running here
        return False
    return task is not None and task.cancelling() > 0


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a Path takes longer than many scorers
    except FileNotFoundError:  # it was removed meanwhile
        return None

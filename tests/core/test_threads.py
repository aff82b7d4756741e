"""Threads that are used again: what one call leaves behind reaches no other."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

from promptlab.core import threads

_LIMIT_S = 30
_setting: ContextVar[str] = ContextVar("a setting", default="as at first")


@pytest.fixture(autouse=True)
def _no_idle_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_idle", {})


class Call:
    """A call in a thread; its thread is idle again once it is over."""

    def __init__(self, function: Callable[[], Any] = lambda: None) -> None:
        self._function = function
        self._over = threading.Event()
        self.result: Any = None
        self.thread: threading.Thread | None = None
        threads.in_thread(self._work)

    def _work(self) -> Callable[[], None]:
        self.thread = threading.current_thread()
        self.result = self._function()
        return self._over.set

    def wait(self) -> Call:
        assert self._over.wait(_LIMIT_S)
        return self


def test_a_thread_takes_the_next_call() -> None:
    used = {Call().wait().thread for _ in range(20)}
    assert len(used) == 1
    assert threading.current_thread() not in used


def test_a_call_that_does_not_return_keeps_its_thread_alone() -> None:
    release = threading.Event()
    stuck = Call(release.wait)
    others = {Call().wait().thread for _ in range(3)}
    assert len(others) == 1
    assert stuck.thread not in others
    release.set()
    stuck.wait()


def test_what_a_call_sets_in_its_context_ends_with_it() -> None:
    token = _setting.set("the caller's")
    first = Call(lambda: (_setting.get(), _setting.set("its own"))[0]).wait()
    second = Call(_setting.get).wait()
    _setting.reset(token)
    assert first.thread is second.thread
    assert (first.result, second.result) == ("as at first", "as at first")


def test_an_exception_that_comes_late_costs_no_call() -> None:
    def throw(into: threading.Thread) -> None:
        assert into.ident is not None
        number = ctypes.c_ulong(into.ident)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit)) == 1

    first = Call().wait()
    for _ in range(5):
        assert first.thread is not None
        throw(first.thread)
        assert Call(lambda: "done").wait().result == "done"


def test_no_thread_holds_the_process_at_its_end() -> None:
    thread = Call().wait().thread
    assert thread is not None
    assert thread.daemon


def test_a_forked_process_starts_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Call().wait()
    monkeypatch.setattr(os, "getpid", lambda: 0)  # as a child sees it, which has no such thread
    assert Call().wait().thread is not before.thread

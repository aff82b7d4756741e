"""Every option and argument of every verb with hostile values: an exit code of ours, in seconds."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.cli import cli, run_cli
from promptlab.store.patience import SECONDS, Patience

from .poisoned import ALONE, leaves, needed, poison

LIMIT_S = 20
ENDLESS = "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c)"
HOSTILE = [
    "", " ", "-", "--", "-1", "-0", "0", "00", "1e3", "1_000", "0x10", "+5", "\u0661", "\u00bd",
    "nan", "-nan", "inf", "-inf", "1e999", "1e-999", "1e308", "9" * 26, "-" + "9" * 26, "9" * 5000,
    "a" * 300, "a" * 5000, "../../..", "a/../b", "/", "/dev/null", "/dev/full", "/dev/zero", "pipe",
    ".", "..",
    "~", "*", "?", "t@", "@v1", "t@v1..", "t@..v1", "t@v2..v1", "t@*", "t@@v1", "t@v1@v2",
    "t@v1 -clear", ":", "::", "a:", ":a", "a:b", "os:system", "echo:", "echo:x@y", "echo:x@http://",
    "kind:model", "mine:", "mine:nothing", "mine:POISON", "=", "a=", "=a", "a=b=c", "case=", "[/]",
    "{{ x }}", "{% if %}", "%s", "%(x)s", "{0}", "$(x)", "`x`", "\\", "'", '"', ";", "1;drop", "1)",
    "score >", "contains >= nan", "contains >= 1e999", "contains: t@v1 > t@v2", "x\ny", "\t",
    "\x1b[2J",
    "\u202e", "\ud800", "\udcff", "\ufeff", "\U0010ffff", "latest", "latest-1", "s", "json", "null",
]  # fmt: skip
VALUES = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_characters="\x00"), max_size=40)
GLOBAL = [option for option in cli.params if isinstance(option, click.Option)]
PLACES = [
    (path, command, param)
    for path, command in leaves()
    for param in (*command.params, *GLOBAL)
    if not (isinstance(param, click.Option) and param.is_flag)
    and not (path == ("init",) and isinstance(param, click.Argument))
]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a run, a pipe that nobody writes to, and text where it hurts."""
    root = tmp_path_factory.mktemp("hostile") / "project"
    poison(root)
    os.mkfifo(root / "pipe")
    assert run_cli(["--project", str(root), "run", "s", "--json"]) == 4
    return root


@pytest.fixture
def here(ran: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ran)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    return ran


@contextmanager
def soon_over() -> Iterator[None]:
    """Raise where the time is up: the command line takes that for a bug."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it goes on after {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    faulthandler.dump_traceback_later(3 * LIMIT_S, exit=True, file=2)  # if Python does not run
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def called(place: tuple[tuple[str, ...], click.Command, click.Parameter], value: str) -> list[str]:
    """Return a call in which one parameter has this value, and the others what they need."""
    path, command, hostile = place
    words = [*path]
    for param in command.params:
        if param is hostile:
            continue
        if isinstance(param, click.Argument):
            words += [needed(path, param)] if param.required else []
        elif param.required:
            words += [param.opts[0], needed(path, param)]
    # What serves until it is stopped ends by itself, unless that option is the hostile one.
    if path in (("watch",), ("view",)) and hostile.opts[0] != ALONE[path][0]:
        words += ALONE[path]
    if isinstance(hostile, click.Argument):
        at = len(path) + sum(
            isinstance(param, click.Argument) and param.required
            for param in command.params[: command.params.index(hostile)]
        )
        return [*words[:at], value, *words[at:]]
    given_value = [hostile.opts[0], *[value] * hostile.nargs]
    return [*given_value, *words] if hostile in GLOBAL else [*words, *given_value]


def check(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with soon_over():
        code = run_cli(words)
    heard = "".join(capsys.readouterr())
    assert code in (0, 1, 2, 4), (words, code, heard)
    assert heard or not code, words


@pytest.mark.slow
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_some(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    place: tuple[tuple[str, ...], click.Command, click.Parameter],
    value: str,
) -> None:
    check(called(place, value), capsys)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda place: " ".join([*place[0], place[2].name]))
def test_each(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    place: tuple[tuple[str, ...], click.Command, click.Parameter],
) -> None:
    for value in HOSTILE:
        check(called(place, value), capsys)


@pytest.mark.parametrize("limit_s", [0.3, pytest.param(SECONDS, marks=pytest.mark.slow)])
def test_a_condition_without_an_end(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, limit_s: float
) -> None:
    monkeypatch.setattr(Patience.__init__, "__defaults__", (limit_s,))
    check(["show", "--where", f"score < {ENDLESS}"], capsys)

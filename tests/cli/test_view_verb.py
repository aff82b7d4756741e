"""The verb `view`: where it listens, what it prints, and what it refuses in one line."""

from __future__ import annotations

import importlib.util
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import Promptlab


@pytest.mark.usefixtures("ran_project")
def test_one_page_is_printed(promptlab: Promptlab) -> None:
    page = promptlab("view", "--get", "/runs/latest")
    assert (page.code, page.err) == (0, "")
    assert page.out.startswith("<!doctype html>")
    assert "greet@v2" in page.out


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("runs", "a path begins with /"),
        ("/nowhere", "the viewer answers '/nowhere' with 404"),
        ("/runs/none", "with 404"),
    ],
)
@pytest.mark.usefixtures("ran_project")
def test_a_page_that_is_not_there(promptlab: Promptlab, path: str, told: str) -> None:
    page = promptlab("view", "--get", path)
    assert (page.code, page.out) == (2, "")
    assert told in page.err
    assert page.err.count("\n") == 1


@pytest.mark.usefixtures("ran_project")
def test_a_port_that_another_program_has(promptlab: Promptlab) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        told = promptlab("view", "--no-browser", "--port", str(port))
    assert (told.code, told.out) == (2, "")
    assert f"cannot listen at port {port}: " in told.err
    assert "--port" in told.err


@pytest.mark.parametrize("port", ["0", "65536", "http"])
@pytest.mark.usefixtures("ran_project")
def test_what_is_no_port(promptlab: Promptlab, port: str) -> None:
    assert promptlab("view", "--port", port).code == 2


def test_there_is_no_database_yet(promptlab: Promptlab, tmp_path: Path) -> None:
    told = promptlab("--db", str(tmp_path / "none.db"), "view", "--no-browser")
    assert told.code == 2
    assert "there is no database yet" in told.err


@pytest.mark.usefixtures("ran_project")
def test_the_command_that_installs_what_lacks(
    promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "starlette", raising=False)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "starlette" else find(name, *rest),
    )
    told = promptlab("view", "--get", "/")
    assert told.code == 2
    assert "view needs the package starlette, which is not installed (pip install" in told.err

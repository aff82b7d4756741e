"""`promptlab view`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from promptlab.cli.bugs import keep_traceback
from promptlab.cli.numbers import Whole
from promptlab.cli.output import print_data, say, tell
from promptlab.cli.verbs import example
from promptlab.core import extras
from promptlab.core.errors import PromptlabError
from promptlab.core.lazy import lazy_module
from promptlab.workbench.session import Session

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from promptlab.viewer import app, server
    from promptlab.viewer import desk as desks
else:
    app = lazy_module("promptlab.viewer.app")
    desks = lazy_module("promptlab.viewer.desk")
    server = lazy_module("promptlab.viewer.server")

_NEEDED = ("starlette", "uvicorn")
_PORTS = 65_535
_FOUND = 200


@click.command(epilog=example("view", "view --port 8700 --no-browser", "view --get /runs/latest"))
@click.option(
    "--port", type=Whole(1, _PORTS), metavar="N", help="The port; by default one that is free."
)
@click.option("--no-browser", is_flag=True, help="Open no browser; print the address alone.")
@click.option(
    "--get", "path", metavar="PATH", help="Print the page at this address, and serve nothing."
)
@click.pass_obj
def view(session: Session, port: int | None, no_browser: bool, path: str | None) -> int:
    """Look at all runs in a browser, until Ctrl-C.

    Runs under way, tables of cases, comparisons, search, every conversation; outputs can be rated,
    blind, as by `review`. The pages are served on this machine alone, and load nothing from others.
    """
    _require()
    desk = desks.Desk(session)
    served = app.make_app(desk, _bug)
    if path is not None:
        return _print(served, path)
    if not desk.reading.has_database:
        with desk.reading.open_store():  # which says so
            pass
    listening = server.listen(port)
    address = server.address_of(listening)
    say(f"Serving {desk.reading.database} at {address} (Ctrl-C ends it)")
    sys.stdout.flush()  # whoever reads it from a pipe waits for it
    if not no_browser:
        server.show_in_browser(address)
    server.serve(served, listening)
    return 0


def _print(served: ASGIApp, path: str) -> int:
    if not path.startswith("/"):
        raise PromptlabError(f"--get is {path!r}: a path begins with /", hint="--get /runs/latest")
    status, text = server.page_at(served, path)
    if status != _FOUND:
        raise PromptlabError(f"the viewer answers {path!r} with {status}", where="--get")
    print_data(text)
    return 0


def _require() -> None:
    try:
        for name in _NEEDED:
            lazy_module(name)
    except ModuleNotFoundError as error:
        raise PromptlabError(
            f"view needs the package {error.name}, which is not installed",
            hint=extras.install("view", *_NEEDED),
        ) from None


def _bug(_: Exception) -> str:
    where = keep_traceback()
    tell(f"Error: a bug in promptlab; its traceback is in {where}")
    return where

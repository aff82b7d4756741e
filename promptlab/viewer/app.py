"""The addresses of the viewer, and what answers at each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from promptlab.core.errors import PromptlabError, StoreBusy, StoreError
from promptlab.report.html.page.markup import Html, joined, tag
from promptlab.report.html.page.tables import ticked
from promptlab.viewer.asked import Asked
from promptlab.viewer.cases import cases_page
from promptlab.viewer.cell import cell_page
from promptlab.viewer.compare import compare_page
from promptlab.viewer.desk import Desk
from promptlab.viewer.frame import Moved, Page, Part, Reply, framed, heading, policy
from promptlab.viewer.guard import Guard, form_of
from promptlab.viewer.notes import note, notes_page
from promptlab.viewer.rating import rate, rating_page
from promptlab.viewer.run import run_page
from promptlab.viewer.runs import runs_page
from promptlab.viewer.search import search_page
from promptlab.viewer.templates import diff_page, history_page, templates_page
from promptlab.viewer.trials import trials_page

Answers = Callable[[Desk, Asked], Reply]
Bug = Callable[[Exception], str]
"""Keeps what is known of a bug, and returns where."""

PAGES: dict[str, Answers] = {
    "/": runs_page,
    "/compare": compare_page,
    "/search": search_page,
    "/runs/{run}": run_page,
    "/runs/{run}/cases": cases_page,
    "/runs/{run}/trials": trials_page,
    "/runs/{run}/cell": cell_page,
    "/runs/{run}/review": rating_page,
    "/runs/{run}/notes": notes_page,
    "/templates": templates_page,
    "/templates/{name}": history_page,
    "/templates/{name}/diff": diff_page,
}
FORMS: dict[str, Answers] = {
    "/runs/{run}/review": rate,
    "/runs/{run}/note": note,
}


def make_app(desk: Desk, on_bug: Bug) -> ASGIApp:
    """Return the viewer as an ASGI application."""

    def route(path: str, answers: Answers, method: str) -> Route:
        async def endpoint(request: Request) -> Response:
            asked = Asked(
                {name: str(value) for name, value in request.path_params.items()},
                request.query_params.multi_items(),
                form_of(request.scope),
            )
            return await run_in_threadpool(_answered, desk, asked, answers, on_bug)

        return Route(path, endpoint, methods=[method])

    async def nothing(_: Request) -> Response:
        return Response(status_code=204)

    async def told(request: Request, error: Exception) -> Response:
        code = error.status_code if isinstance(error, HTTPException) else 500
        what = "There is no such page" if code == 404 else "This cannot be done here"
        return _as_response(_problem(what, None, code))

    app = Starlette(
        routes=[
            Route("/favicon.ico", nothing),
            *(route(path, answers, "POST") for path, answers in FORMS.items()),
            *(route(path, answers, "GET") for path, answers in PAGES.items()),
        ],
        exception_handlers={HTTPException: told},
    )
    app.router.redirect_slashes = False
    return Guard(app, desk.token, policy())


def _answered(desk: Desk, asked: Asked, answers: Answers, on_bug: Bug) -> Response:
    """Return the answer; the one place where whatever goes wrong becomes a page."""
    try:
        with _own_errors():
            return _as_response(answers(desk, asked))
    except StoreBusy as error:
        return _as_response(_problem(error.message, error.hint, 503))
    except StoreError as error:
        of_the_file = error.where is not None
        return _as_response(_problem(error.message, error.hint, 500 if of_the_file else 404))
    except PromptlabError as error:
        return _as_response(_problem(str(error.message), error.hint, 404))
    except Exception as error:  # noqa: BLE001 - nothing above would tell the user
        where = on_bug(error)
        return _as_response(_problem(f"a bug in promptlab; its traceback is in {where}", None, 500))


@contextmanager
def _own_errors() -> Iterator[None]:
    """Tell a number that no SQLite holds like any other mistake in an address."""
    try:
        yield
    except OverflowError:
        raise PromptlabError("a number in this address is too large") from None


def _problem(message: str, hint: str | None, status: int) -> Page:
    said = message[:1].upper() + message[1:]
    lines: list[Html] = [tag("p", *ticked(f"{said}."), class_="told", role="alert")]
    if hint:
        lines.append(tag("p", *ticked(f"{hint[:1].upper()}{hint[1:]}.")))
    return Page(said, joined([heading("Not shown"), *lines]), status)


def _as_response(reply: Reply) -> Response:
    match reply:
        case Page():
            return HTMLResponse(framed(reply), reply.status)
        case Part():
            return HTMLResponse(reply.body)
        case Moved():
            return RedirectResponse(reply.to, 303)

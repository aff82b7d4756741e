"""Who may ask what: every request passes here first, and every answer leaves with its policy.

The server listens on this machine alone, but any page that a browser has open can send requests to
it. So the name in `Host` must be this machine's (a foreign name that resolves here is an attack),
`Origin` must be the viewer's own, and whatever changes something needs the token, which only the
viewer's own pages hold.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NAMES = ("127.0.0.1", "localhost")
"""By which names this machine may be asked; the port is any, since a tunnel may have another."""

TOKEN = "token"  # noqa: S105 - the name of a field
_MOST_BYTES = 65_536  # of a form
_MOST_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"


class Guard:
    """Refuses what is not the viewer's own, and adds what every answer needs."""

    def __init__(self, app: ASGIApp, token: str, policy: str) -> None:
        """Guard an application; `policy` is what its pages may load."""
        self._app = app
        self._token = token
        self._headers = tuple(
            (name.encode(), value.encode())
            for name, value in (
                ("content-security-policy", policy),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),  # `no-referrer` would take Origin from forms
                ("cache-control", "no-store"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [each for each in message["headers"] if each[0] != b"server"]
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        request = Request(scope, receive)
        refused = refusal(request) or await self._form_refusal(request)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        await self._app(scope, receive, answer)

    async def _form_refusal(self, request: Request) -> Response | None:
        """Read the form of a request that changes something; return what is wrong with it."""
        if request.method != "POST":
            return None
        if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            return _refused(415, f"a form must be {_FORM}")
        body = await _body(request)
        if body is None:
            return _refused(413, f"a form has at most {_MOST_BYTES:,} bytes")
        form = _fields(body)
        if form is None:
            return _refused(400, "this is no form")
        given = form.get(TOKEN, "").encode()
        if not hmac.compare_digest(given, self._token.encode()):
            return _refused(
                403,
                "the token is missing or of an earlier start of the viewer:"
                " nothing was stored. Load the page again",
            )
        request.scope["promptlab.form"] = form
        return None


def refusal(request: Request) -> Response | None:
    """Return the answer to a request that is not from the viewer's own pages, else None."""
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not _is_here(hosts[0]):
        return _refused(403, "the viewer is asked at 127.0.0.1 or localhost alone")
    origins = request.headers.getlist("origin")
    if any(origin != f"http://{hosts[0]}" for origin in origins):
        return _refused(403, "another site's page must not ask the viewer")
    site = request.headers.get("sec-fetch-site", "none")
    opened = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
    if site not in ("none", "same-origin") and not (opened and request.method in ("GET", "HEAD")):
        return _refused(403, "another site's page must not ask the viewer")
    if request.method not in ("GET", "HEAD", "POST"):
        return _refused(405, f"the viewer has no method {request.method}")
    return None


def form_of(scope: Scope) -> Mapping[str, str]:
    """Return the form that a request came with, whose token was right."""
    form: Mapping[str, str] = scope.get("promptlab.form", {})
    return form


def _is_here(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return False
    return parts.hostname in NAMES and "@" not in host and not (parts.path or parts.query)


def _fields(body: bytes) -> dict[str, str] | None:
    try:
        pairs: Iterable[tuple[str, str]] = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            encoding="utf-8",
            errors="strict",
        )
    except ValueError:
        return None
    return dict(pairs)


async def _body(request: Request) -> bytes | None:
    """Return the body, None if it is too long: then no more of it is read."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            return None
    return bytes(body)


def _refused(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}.\n", status)

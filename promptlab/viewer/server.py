"""The server: on this machine alone, until Ctrl-C."""

from __future__ import annotations

import asyncio
import socket
import threading
import webbrowser
from contextlib import suppress

import httpx
import uvicorn
from starlette.types import ASGIApp

from promptlab.core.errors import PromptlabError

HOST = "127.0.0.1"
PORT = 8642
_GRACE_S = 3  # for requests that are being answered when the server is stopped
_INSIDE = "http://127.0.0.1"


def listen(port: int | None) -> socket.socket:
    """Return a socket that listens on this machine: at a port, or by default at any that is free.

    Raises:
        PromptlabError: another program has the port
    """
    taken: OSError | None = None
    for candidate in (port,) if port is not None else (PORT, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, candidate))
            listening.listen(128)
        except OSError as error:
            listening.close()
            taken = error
            continue
        return listening
    reason = (taken.strerror if taken is not None else None) or "it cannot be had"
    raise PromptlabError(
        f"cannot listen at port {port}: {reason}",
        hint="name another with --port, or leave it out for any that is free",
    )


def address_of(listening: socket.socket) -> str:
    """Return the address at which a browser asks."""
    return f"http://{HOST}:{listening.getsockname()[1]}/"


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answer until the process is interrupted: Ctrl-C is how this ends well."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


def show_in_browser(address: str) -> None:
    """Open the user's browser, which may take its time or be one of the terminal."""
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def page_at(app: ASGIApp, path: str) -> tuple[int, str]:
    """Return the status and the text of one page, without a server."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=_INSIDE) as client:
            return await client.get(path)

    response = asyncio.run(get())
    return response.status_code, response.text

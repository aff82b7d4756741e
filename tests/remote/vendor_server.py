"""A server for tests that speaks the APIs of all vendors, and sees what images show.

It runs in threads of its own on a free port of this machine; `url` is where. The routes are those
of `vendor_formats`, and what an Ollama server tells of its models (`capabilities` may be changed).

It answers with what it sees, `red 2x3, blue 1x1`, or without an image with the words of the last
message, or once with the status and the body that `next_reply` is set to. A token is a word;
`max_tokens` is obeyed. A request that is not in its vendor's format, or with an image that is not
what it says, is refused with 400. While `answering` is cleared,
nothing is answered at all. `calls` holds what models were asked, `paths` every request. Images to
show it are drawn by `VendorServer.draw`.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from .drawn_images import draw
from .vendor_formats import FORMATS, Asked, BadRequest, Format, Said

_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class VendorCall:
    """A call of a model: where it was sent, what it said in full, and what that asked."""

    path: str
    body: Any
    asked: Asked


class VendorServer:
    """A server that speaks every vendor's format."""

    draw = staticmethod(draw)

    def __init__(self) -> None:
        self.capabilities: list[str] | None = ["completion", "vision"]
        self.next_reply: tuple[int, Any] | None = None
        self.calls: list[VendorCall] = []
        self.paths: list[str] = []
        self.answering = threading.Event()
        self.answering.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_WAIT_S)

    @property
    def parts(self) -> list[tuple[str, ...]]:
        """Return what each call asked last, images as what they show."""
        return [call.asked.parts for call in self.calls]

    def reply(self, path: str, headers: Any, content: bytes) -> tuple[int, Any]:
        """Return status and body of what is said to a request."""
        self.paths.append(path)
        self.answering.wait(_WAIT_S)
        if self.next_reply is not None:
            reply, self.next_reply = self.next_reply, None
            return reply
        if path == "/api/tags":
            return 200, {"models": [{"name": "some-model:latest", "digest": "d" * 64}]}
        if path == "/api/show":
            listed = {} if self.capabilities is None else {"capabilities": self.capabilities}
            return 200, {"details": {"family": "some"}, **listed}
        spoken = next((form for pattern, form in FORMATS if pattern.fullmatch(path)), None)
        if spoken is None:
            return 404, {"error": f"nothing at {path}"}
        try:
            return 200, self._answer(spoken, path, headers, content)
        except BadRequest as error:
            return 400, spoken.complain(str(error))
        except (LookupError, TypeError, ValueError) as error:
            return 400, spoken.complain(f"not in the format: {error!r}")

    def _answer(self, spoken: Format, path: str, headers: Any, content: bytes) -> Any:
        for name in spoken.needs:
            if name not in headers:
                raise BadRequest(f"{name}: header is required")
        body = json.loads(content)
        asked = spoken.read(body)
        self.calls.append(VendorCall(path, body, asked))
        return spoken.write(_say(asked))


def _say(asked: Asked) -> Said:
    """Answer with what the images of the last message show, or else with its words."""
    seen = [part[1:-1] for part in asked.parts if part.startswith("[")]
    whole = (", ".join(seen) or " ".join(asked.parts)).split()
    words = whole[: asked.max_tokens]
    read = sum(len(part.split()) for message in asked.messages for part in message)
    return Said(" ".join(words), len(words) < len(whole), read, len(words))


def _handler(server: VendorServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["content-length"])))

        def _reply(self, content: bytes) -> None:
            status, body = server.reply(self.path, self.headers, content)
            said = json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)
            except ConnectionError:
                self.close_connection = True  # who asked is gone

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    return Handler

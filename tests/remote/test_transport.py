from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.remote.exchange import CallError, Exchange, Reply
from promptlab.remote.failures import judge
from promptlab.remote.transport import fault_of, open_transport, raise_if_unsafe, reason_of

from .fault_server import FaultServer


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def get(*urls: str) -> list[Reply]:
    async def calls() -> list[Reply]:
        exchange = Exchange(open_transport(urls[0]), 15.0)
        try:
            return [await exchange.send("POST", url, {}) for url in urls]
        finally:
            await exchange.aclose()

    return asyncio.run(calls())


def test_a_header_that_is_not_utf_8_is_told_in_letters() -> None:
    sent = b"/caf\xe9"

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = [b"HTTP/1.1 302 Found", b"location: " + sent, b"content-length: 0", b"", b""]
        writer.write(b"\r\n".join(lines))
        await writer.drain()
        writer.close()

    async def call() -> Reply:
        server = await asyncio.start_server(redirect, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        exchange = Exchange(open_transport(url), 15.0)
        try:
            return await exchange.send("POST", url, {})
        finally:
            await exchange.aclose()
            server.close()

    error = judge(asyncio.run(call()))
    assert str(error) == f"unreadable: HTTP 302, a redirect to {sent.decode('latin-1')}"
    assert str(error).encode()  # no half of a surrogate


def test_a_redirect_is_not_followed_and_no_cookie_sent_back(fault_server: FaultServer) -> None:
    url = fault_server.base_url.replace("127.0.0.1", "localhost")
    first, _ = get(url, url)
    assert "set-cookie" in first.headers
    assert "cookie" not in fault_server.received[1].headers
    fault_server.fail("redirect")
    [moved] = get(url)
    assert (moved.status, fault_server.requests) == (307, 3)


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_calls_go_by_the_proxy_of_the_environment(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"me:p%40ss@127.0.0.1:{fault_server.port}")
    get("http://model.example.org/v1/x")
    [received] = fault_server.received
    assert received.path == "http://model.example.org/v1/x"
    assert received.headers["proxy-authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"
    assert "authorization" not in received.headers


def test_a_proxy_without_a_password_is_sent_none(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{fault_server.port}")
    get("http://model.example.org/v1/x")
    [received] = fault_server.received
    assert received.path == "http://model.example.org/v1/x"
    assert "proxy-authorization" not in received.headers


def test_a_safe_call_goes_through_the_proxy(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", f"http://me:pass@127.0.0.1:{fault_server.port}")
    fault_server.fail("503")
    with pytest.raises(CallError, match="unreachable: no connection: the proxy says HTTP 503"):
        get("https://model.example.org/v1/x")
    [received] = fault_server.received
    assert received.path == "model.example.org:443"
    assert received.headers["proxy-authorization"] == f"Basic {b64encode(b'me:pass').decode()}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_this_machine_needs_no_proxy(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(fault_server.base_url.replace("127.0.0.1", host))[0].status == 200


def test_a_proxy_that_cannot_be_used_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://user:password@127.0.0.1:1080")
    with pytest.raises(BackendError, match="the proxy for https is a socks5 proxy") as caught:
        open_transport("https://model.example.org/v1")
    assert "password" not in str(caught.value)


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://user:password@127.0.0.1:1")
    with pytest.raises(CallError) as caught:
        get("http://model.example.org/v1")
    assert str(caught.value) == "unreachable: no connection: 127.0.0.1:1: Connection refused"


def test_https_to_a_server_that_speaks_http() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async def call() -> None:
        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        exchange = Exchange(open_transport(url), 15.0)
        with pytest.raises(BackendError, match="does not speak https") as caught:
            await exchange.send("POST", url, {})
        assert caught.value.hint == "write http:// in base_url"
        await exchange.aclose()
        server.close()
        await asyncio.sleep(0.05)

    asyncio.run(call())


KEY = aiohttp.client_reqrep.ConnectionKey("example.org", 443, True, True, None, None, None)


def test_a_certificate_that_is_not_trusted_is_fatal() -> None:
    below = ssl.SSLCertVerificationError(1, "certificate verify failed")
    below.verify_message = "self-signed certificate"
    with pytest.raises(BackendError, match="trusted: self-signed certificate"):
        raise_if_unsafe(aiohttp.ClientConnectorCertificateError(KEY, below))
    raise_if_unsafe(aiohttp.ClientConnectorSSLError(KEY, ssl.SSLEOFError(8, "EOF")))


REQUEST: Any = None
ERRORS = [
    (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "x")), Fault.UNREACHABLE,
     "example.org:443: Connection refused"),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known")),
     Fault.UNREACHABLE, "example.org:443: Name or service not known"),
    (aiohttp.ConnectionTimeoutError("Connection timeout to host"), Fault.UNREACHABLE,
     "connecting took too long"),
    (aiohttp.ClientHttpProxyError(REQUEST, (), status=407), Fault.UNREACHABLE,
     "the proxy says HTTP 407"),
    (aiohttp.ClientResponseError(REQUEST, (), message="x"), Fault.UNREADABLE,
     "a reply that is not HTTP"),
    (aiohttp.ServerDisconnectedError(), Fault.BROKEN, "Server disconnected"),
    (aiohttp.ClientOSError(32, "x"), Fault.BROKEN, "Broken pipe"),
    (aiohttp.ClientPayloadError("x"), Fault.BROKEN, "in the middle of the reply"),
    (ConnectionResetError(104, "x"), Fault.BROKEN, "Connection reset by peer"),
    (ConnectionResetError("Cannot write to closing transport"), Fault.BROKEN,
     "Cannot write to closing transport"),
    (TimeoutError(), Fault.TIMEOUT, "TimeoutError"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "fault", "reason"), ERRORS)
def test_what_the_client_raises_is_reported_in_our_words(
    error: Exception, fault: Fault, reason: str
) -> None:
    assert (fault_of(error), reason_of(error)) == (fault, reason)

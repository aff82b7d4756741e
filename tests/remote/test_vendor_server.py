"""The server that other tests trust: it sees what there is, and refuses what a vendor would."""

from __future__ import annotations

import base64
import json
from http.client import HTTPConnection
from typing import Any

import pytest

from .drawn_images import COLOURS, draw, look
from .vendor_server import VendorServer

MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def post(server: VendorServer, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    line = HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    line.request("POST", path, json.dumps(body), sent)
    reply = line.getresponse()
    answer = reply.status, json.loads(reply.read())
    line.close()
    return answer


def shown(url: str) -> dict[str, Any]:
    content = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url}}]
    return {"messages": [{"role": "user", "content": content}]}


def data_url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("colour", COLOURS)
def test_what_is_drawn_is_seen(media_type: str, colour: str) -> None:
    for width, height in ((1, 1), (2, 3), (8, 8)):
        seen = look(draw(colour, width, height, media_type))
        assert (seen.media_type, str(seen)) == (media_type, f"{colour} {width}x{height}")


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_part_of_an_image_is_none(media_type: str) -> None:
    with pytest.raises(ValueError, match=f"a broken {media_type}"):
        look(draw("red", 2, 3, media_type)[:-1])


def test_it_answers_with_what_it_sees(vendor_server: VendorServer) -> None:
    url = data_url(draw("blue", 2, 3), "image/png")
    status, body = post(vendor_server, "/v1/chat/completions", shown(url))
    assert (status, body["choices"][0]["message"]["content"]) == (200, "blue 2x3")
    assert vendor_server.parts == [("What?", "[blue 2x3]")]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (data_url(draw("red", 1, 1), "image/gif"), "given as image/gif, but appears to be"),
        (data_url(b"pixels", "image/png"), "could not process image: no image"),
        ("data:image/png;base64,===", "could not process image"),
        ("photo.png", "neither an address nor a data URL"),
    ],
)
def test_it_refuses_an_image_that_is_not_what_it_says(
    vendor_server: VendorServer, url: str, message: str
) -> None:
    status, body = post(vendor_server, "/v1/chat/completions", shown(url))
    assert status == 400
    assert message in body["error"]["message"]
    assert (vendor_server.calls, vendor_server.paths) == ([], ["/v1/chat/completions"])


def test_it_wants_what_the_vendors_want(vendor_server: VendorServer) -> None:
    hello = [{"role": "user", "content": "Hello"}]
    version = {"anthropic_version": "2023-06-01"}
    assert post(vendor_server, "/v1/messages", {"messages": hello}, **version)[0] == 400
    brief = {"messages": hello, "max_tokens": 1}
    assert post(vendor_server, "/v1/messages", brief)[0] == 400
    assert post(vendor_server, "/v1/messages", brief, **version)[0] == 200
    assert post(vendor_server, "/v1/responses", {"input": hello})[0] == 400
    assert post(vendor_server, "/api/chat", {"messages": hello, "options": {}})[0] == 400
    assert post(vendor_server, "/v1/completions", {})[0] == 404

"""Who may ask the viewer what, and what every answer says of itself."""

from __future__ import annotations

import re

import pytest

from promptlab.viewer.app import FORMS, PAGES

from .conftest import Viewed

EVERY = [path.replace("{run}", "latest") for path in PAGES]


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8642", "127.0.0.1.evil.example", "127.0.0.1@evil.example"),
        *("[::1]:8642", "0.0.0.0:8642", "", "127.0.0.1:x", "localhost/evil", "127.0.0.2"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/no/such/page"])
def test_a_foreign_host_is_refused(viewed: Viewed, host: str, path: str) -> None:
    assert viewed.client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8642", "LOCALHOST", "127.0.0.1:9"])
def test_this_machine_is_asked_by_its_names(viewed: Viewed, host: str) -> None:
    assert viewed.client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "null", "https://127.0.0.1:8642", "http://127.0.0.1:8000"),
        "http://localhost:8642",  # the viewer was asked by its other name
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_origin_is_refused(viewed: Viewed, origin: str, method: str) -> None:
    answer = viewed.client.request(method, "/", headers={"origin": origin})
    assert answer.status_code == 403


def test_another_site_may_link_here_and_nothing_else(viewed: Viewed) -> None:
    cross = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert viewed.client.get("/", headers=cross).status_code == 200
    assert viewed.client.post("/", headers=cross).status_code == 403
    for mode in ("no-cors", "cors"):
        embedded = {**cross, "sec-fetch-mode": mode}
        assert viewed.client.get("/", headers=embedded).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_there_are_no_other_methods(viewed: Viewed, method: str) -> None:
    assert viewed.client.request(method, "/").status_code == 405


@pytest.mark.parametrize("path", [*EVERY, *FORMS, "/no/such/page"])
def test_whatever_changes_something_needs_the_token(viewed: Viewed, path: str) -> None:
    for token in ({}, {"token": ""}, {"token": "x" * 32}, {"token": "é"}):
        answer = viewed.client.post(path.replace("{run}", "latest"), data={"x": "1", **token})
        assert answer.status_code == 403
    assert viewed.desk.token not in viewed.client.get("/").headers.values()


def test_a_form_is_a_small_form(viewed: Viewed) -> None:
    token = {"token": viewed.desk.token}
    assert viewed.client.post("/", json=token).status_code == 415
    assert viewed.client.post("/", data={**token, "x": "y" * 70_000}).status_code == 413
    many = {f"x{n}": "y" for n in range(99)}
    assert viewed.client.post("/", data={**many, **token}).status_code == 400
    raw = {"content-type": "application/x-www-form-urlencoded"}
    assert viewed.client.post("/", content=b"token=%ff", headers=raw).status_code == 400


@pytest.mark.parametrize("path", ["/", "/runs/latest", "/no/such/page", "/favicon.ico"])
def test_every_answer_has_the_policy(viewed: Viewed, path: str) -> None:
    for headers in ({}, {"host": "evil.example"}):
        answer = viewed.client.get(path, headers=headers).headers
        policy = answer["content-security-policy"].split("; ")
        assert policy[0] == "default-src 'none'"
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in answer["content-security-policy"]
        assert not re.search(r"https?:|\*|data:", answer["content-security-policy"])
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["referrer-policy"] == "same-origin"
        assert answer["cache-control"] == "no-store"
        assert "server" not in answer


@pytest.mark.parametrize(
    "path",
    [
        *("/../pyproject.toml", "/..%2f..%2fetc%2fpasswd", "/runs/..%2f..%2fpromptlab.toml"),
        *("/static/viewer.css", "/runs/latest/cell?at=..%2f..%2fchecks_of_viewer.py", "/%00"),
    ],
)
def test_no_path_reaches_a_file(viewed: Viewed, path: str) -> None:
    answer = viewed.client.get(path)
    assert answer.status_code == 404
    for secret in ("root:", "def right", "[tool", "--paper"):
        assert secret not in re.sub(r"(?s)<style>.*?</style>", "", answer.text)

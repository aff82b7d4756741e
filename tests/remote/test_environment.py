"""Variables of the environment that name nothing are the user's mistake, and are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptlab.core.errors import BackendError
from promptlab.remote.environment import about_trust, proxy_for, require_log, trusted

ADDRESS = "https://model.example.org/v1"
TLS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TLS, "http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def mistake(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> str:
    monkeypatch.setenv(name, str(value))
    with pytest.raises(BackendError) as caught:
        trusted()
    return str(caught.value)


def test_a_file_of_certificates_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "junk.pem").write_text("no certificate\n", encoding="utf-8")
    (tmp_path / "empty.pem").touch()
    for path in ("/nope.pem", tmp_path, tmp_path / "junk.pem", tmp_path / "empty.pem"):
        said = mistake(monkeypatch, "SSL_CERT_FILE", path)
        assert said.startswith(f"the environment variable SSL_CERT_FILE names {str(path)!r}")
        assert said.endswith("(correct it, or unset SSL_CERT_FILE)")


def test_a_folder_of_certificates_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for path in ("/nope", tmp_path / "file", "/nope:/nowhere"):
        said = mistake(monkeypatch, "SSL_CERT_DIR", path)
        assert said.startswith(f"the environment variable SSL_CERT_DIR names {str(path)!r}")
    monkeypatch.setenv("SSL_CERT_DIR", f"/nope:{tmp_path}")
    trusted()


def test_a_log_of_keys_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    require_log()
    monkeypatch.setenv("SSLKEYLOGFILE", "/nope/keys.log")
    with pytest.raises(BackendError, match="the environment variable SSLKEYLOGFILE"):
        require_log()


def test_empty_variables_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TLS, "HTTPS_PROXY"):
        monkeypatch.setenv(name, "")
    trusted()
    assert proxy_for(ADDRESS) is None


def test_where_trust_is_from_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SSL_CERT_FILE" in about_trust()
    monkeypatch.setenv("SSL_CERT_DIR", "/some/folder")
    assert about_trust() == "SSL_CERT_DIR, which names '/some/folder'"


@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "value",
    ["http://", "http://box:port", "http://[::1", "box:99999", "http://a b", "http://:80", ":"],
)
def test_a_proxy_that_is_no_address_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BackendError) as caught:
        proxy_for(ADDRESS)
    assert (
        caught.value.message == f"the environment variable {name} names no proxy that can be used"
    )


def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "me:secret@box:3128")
    proxy = proxy_for(ADDRESS)
    assert proxy is not None
    assert str(proxy.url) == "http://box:3128"
    assert proxy_for("http://model.example.org/v1") is None

"""What the user's environment says about connections: certificates, and proxies.

A variable that names something wrong is the user's mistake, and is reported by its name.
"""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.masking import remember, userinfo

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_module("httpx")

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_FILE, _FOLDER, _LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"


def trusted() -> ssl.SSLContext:
    """Return the certificates that connections trust. Raise BackendError if there are none."""
    _require_folder(os.environ)
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        path = os.environ.get(_FILE)
        if not path:
            raise BackendError(f"no certificates can be read: {error}") from error
        why = _why(error) or "it has no certificate in PEM"
        raise _wrong(_FILE, f"{path!r}, which cannot be used: {why}") from error


def require_log() -> None:
    """Raise BackendError if the log of keys cannot be written: the HTTP client breaks on it."""
    path = os.environ.get(_LOG)
    if not path:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = path
    except (OSError, ValueError) as error:
        raise _wrong(_LOG, f"{path!r}, which cannot be written: {_why(error) or error}") from error


def about_trust() -> str:
    """Return where the trusted certificates are from, for a hint."""
    if path := os.environ.get(_FILE) or os.environ.get(_FOLDER):
        return f"{_FILE if os.environ.get(_FILE) else _FOLDER}, which names {path!r}"
    return f"{_FILE}, which can name a file of additional authorities"


def proxy_for(url: str) -> httpx.Proxy | None:
    """Return the environment's proxy for an address; None for this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or host in _LOOPBACK or proxy_bypass(host):
        return None
    name = proxy_variable(parts.scheme)
    target = _target(proxy, name)
    if target.scheme not in ("http", "https"):
        raise BackendError(
            f"the proxy for {parts.scheme} is a {target.scheme} proxy: see {name}",
            hint="name an HTTP proxy there, or the host in NO_PROXY",
        )
    address = f"{target.scheme}://{target.netloc.rpartition('@')[2]}"
    try:
        return httpx.Proxy(address, headers=_pass_for(target))
    except (ValueError, httpx.InvalidURL):
        raise _no_proxy(name) from None


def proxy_variable(scheme: str) -> str:
    """Return the name of the variable that holds the proxy for a scheme, as far as is known."""
    names = (f"{scheme}_proxy", f"{scheme}_PROXY".upper(), "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), names[1])


def _target(proxy: str, name: str) -> SplitResult:
    """Take the address of a proxy apart, whose user and password are struck out from now on."""
    for part in userinfo(proxy if "://" in proxy else f"http://{proxy}"):
        remember(part)
    try:
        target = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        is_address = bool(target.hostname) and target.port != 0
    except ValueError:
        raise _no_proxy(name) from None
    if not is_address or not target.netloc.isprintable() or " " in target.netloc:
        raise _no_proxy(name)
    return target


def _pass_for(proxy: SplitResult) -> dict[str, str]:
    """Return the login for a proxy; aiohttp makes its own header out of this one."""
    if proxy.username is None:
        return {}
    name, password = unquote(proxy.username), unquote(proxy.password or "")
    return {"authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


def _require_folder(environ: Mapping[str, str]) -> None:
    """Raise BackendError if the folder of certificates is none: OpenSSL would trust nobody."""
    folders = environ.get(_FOLDER)
    if folders and not environ.get(_FILE) and not any(map(os.path.isdir, _parts(folders))):
        raise _wrong(_FOLDER, f"{folders!r}, which is no folder")


def _parts(folders: str) -> Iterator[Path]:
    return (Path(part) for part in folders.split(os.pathsep) if part)


def _why(error: Exception) -> str:
    """Return an operating system's reason, an empty text if there is none."""
    number = None if isinstance(error, ssl.SSLError) else getattr(error, "errno", None)
    return os.strerror(number) if number else ""


def _wrong(name: str, what: str) -> BackendError:
    return BackendError(
        f"the environment variable {name} names {what}", hint=f"correct it, or unset {name}"
    )


def _no_proxy(name: str) -> BackendError:
    return BackendError(
        f"the environment variable {name} names no proxy that can be used",
        hint="write it as http://HOST:PORT, or unset it",
    )

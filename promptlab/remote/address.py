"""The address of an API: where it is, and the parameters that all its calls carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


@dataclass(frozen=True, slots=True)
class Address:
    """An address without its query, and the query's parameters, sorted by name."""

    base: str
    query: tuple[tuple[str, str], ...] = ()

    def url(self, path: str) -> str:
        """Return the URL of a path, which may have parameters of its own."""
        path, _, own = path.partition("?")
        query = "&".join(filter(None, (own, self.parameters)))
        return f"{self.base}{path}?{query}" if query else f"{self.base}{path}"

    @property
    def parameters(self) -> str:
        """Return the query as it is written in a URL."""
        return urlencode(self.query)


def read_address(written: str, query: Mapping[str, str]) -> Address:
    """Return the address that options give; its own query and the parameters beside it are one."""
    parts = urlsplit(written)
    base = urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")).rstrip("/")
    given = [*parse_qsl(parts.query, keep_blank_values=True), *query.items()]
    return Address(base, tuple(sorted(given)))

"""The addresses of the viewer's pages. All of an address is ASCII, whatever a name holds."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

Pairs = Sequence[tuple[str, str]]


def address(path: str, pairs: Pairs = (), **more: str | int | None) -> str:
    """Return an address with what follows `?`; what is None is left out."""
    added = [(name, str(value)) for name, value in more.items() if value is not None]
    query = urlencode([*pairs, *added])
    return f"{path}?{query}" if query else path


def run_at(run_id: str, part: str = "", pairs: Pairs = (), **more: str | int | None) -> str:
    """Return the address of a run, or of one of its parts: `/cases`, `/trials`, ..."""
    return address(f"/runs/{quote(run_id, safe='')}{part}", pairs, **more)


def cell_at(run_id: str, link: str) -> str:
    """Return the address of a case (its part) or of a cell (`part--digest`), as reports name them.

    A part is encoded already, and stands behind `?`, where it arrives as it is.
    """
    return run_at(run_id, "/cell", at=link)


def case_at(run_id: str, case_id: str) -> str:
    """Return the address of the case with this id."""
    return cell_at(run_id, quote(case_id, safe="").replace("~", "%7E"))


def template_at(name: str, part: str = "", pairs: Pairs = ()) -> str:
    """Return the address of a template's history."""
    return address(f"/templates/{quote(name, safe='')}{part}", pairs)

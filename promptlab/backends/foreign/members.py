"""Check that a user-defined backend has every member, and name those that it lacks."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError

_METHODS = {
    "identity": "identity()",
    "count_tokens": "count_tokens(request)",
    "shortfalls": "shortfalls(sampling, schema)",
    "notice": "notice()",
    "open": "open()",
    "generate": "generate(requests)",
    "check": "check()",
    "close": "close()",
}
_FACTS = ("charges", "weighs_answers", "reads_images", "price", "capacity", "throughput")
_ABSENT = object()


def require_methods(kind: type, name: str) -> None:
    """Refuse a class that lacks a method or has something else in its place."""
    lacking = [] if hasattr(kind, "options_model") else ["options_model"]
    lacking += [
        call for member, call in _METHODS.items() if not callable(getattr(kind, member, None))
    ]
    if getattr(kind, "generate", None) is Backend.generate:
        lacking.append(_METHODS["generate"])
    _refuse(name, lacking)


def require_facts(backend: object, name: str) -> None:
    """Refuse a backend without a fact: a property or a plain attribute, of the class or its own."""
    absent = [fact for fact in _FACTS if inspect.getattr_static(backend, fact, _ABSENT) is _ABSENT]
    _refuse(name, absent)


def _refuse(name: str, lacking: Iterable[str]) -> None:
    if members := ", ".join(lacking):
        raise PromptlabError(
            f"backend {name!r} lacks {members}",
            hint="derive it from promptlab.backends.Backend, which has defaults for everything but"
            " generate; see docs/plugins.md",
        )


def streams(kind: type) -> bool:
    """Return whether a class has a `stream` that gives the answers of its `generate`.

    One that is inherited from above the class that answers would give other answers.
    """
    places = {
        member: place
        for place, owner in reversed([*enumerate(kind.__mro__)])
        for member in ("stream", "generate", "ask")
        if member in vars(owner)
    }
    if "stream" not in places:
        return False
    return all(
        places["stream"] <= places.get(member, len(kind.__mro__)) for member in ("generate", "ask")
    )

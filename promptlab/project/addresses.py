"""A model and the address behind its `@`, as they are written inline: `MODEL@http://HOST/PATH`.

A prompt must never go to a host that the user did not name. What looks like an address and is not
a whole one is therefore refused, instead of being taken for a part of the model's name.
"""

from __future__ import annotations

import re

from promptlab.core.errors import PromptlabError

_LONGEST = 2_000
_SCHEME = re.compile(r"(https?)(?=:|/)", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_HOST = re.compile(
    r"(?:localhost|\d+(?:\.\d+){3}|[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,})(?=[:/?#]|\Z)"
    r"|[^\s/@:]+:\d{1,5}(?=[/?#]|\Z)"
    r"|:\d{1,5}(?=[/?#]|\Z)|\[|//|::",
    re.IGNORECASE,
)


def split_address(written: str) -> tuple[str, str | None]:
    """Return the model and the address behind it, None if there is none.

    Raise PromptlabError for half an address: a host without `http://`, another scheme.
    """
    if len(written) > _LONGEST:
        raise PromptlabError(f"the name of a model has at most {_LONGEST:,} characters")
    for match in re.finditer("@", written):
        model, rest = written[: match.start()], written[match.end() :]
        if scheme := _SCHEME.match(rest):
            return model, scheme[1].lower() + rest[scheme.end() :]
        require_whole(model, rest)
    return written, None


def require_model(model: str) -> None:
    """Raise PromptlabError if a model's name ends in an address."""
    if split_address(model)[1] is not None:
        raise PromptlabError(
            "the model's name ends in an address",
            hint='write it apart: model = "NAME" and base_url = "http://..."',
        )


def require_whole(model: str, rest: str) -> None:
    """Raise PromptlabError if what follows an `@` looks like an address.

    A model's own `@` (`@cf/meta/llama`, `name@2024-06-01`) does not: it begins a name or a version.
    """
    is_inside = not model or model.endswith("/")
    other = _OTHER_SCHEME.match(rest)
    if other is None and not _HOST.match(rest) and (is_inside or "/" not in rest.partition("@")[0]):
        return
    shown = rest.rpartition("@")[2]  # what stands before may be a password
    if other is not None:
        scheme = rest.partition(":")[0]
        raise PromptlabError(
            f"what follows the @ is an address with {scheme}://, and only http and https are known",
            hint="write @http://HOST:PORT/PATH or @https://...",
        )
    raise PromptlabError(
        f"what follows the @ looks like an address, but has no http:// or https://: {shown!r}",
        hint=f"write @http://{shown.lstrip('/:')}, or @https://...",
    )

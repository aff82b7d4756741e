"""Keys: looked up in the environment when a call is made, and kept out of everything else.

What a user writes into a file names a key (`api_key_env`, `${NAME}`) and never holds one. Every
key that was looked up is known here, so that it can be struck out of whatever is told or stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from promptlab.core.errors import BackendError

STRUCK = "[key]"

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEME = re.compile(r"[A-Za-z-]*")  # what stands before a reference: `Bearer ${NAME}`
# Names whose values are keys: by any of their words, or by the last one.
_SECRETS = ("secret", "passw", "credential", "authorization", "cookie", "apikey", "bearer")
_LAST_WORDS = {"key", "token", "auth", "sig", "signature"}
_NO_SECRETS = {"cache", "idempotency", "stop", "bos", "eos", "pad", "unk", "mask", "start", "end"}
# How the keys of well-known services begin, and how they are sent.
_KNOWN = re.compile(
    r"\bsk[-_](?:[A-Za-z0-9_-]{16,}|(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{8,})"
    r"|\b(?:[pr]k|csk|xai|pplx|nvapi|glpat|xox[a-z])[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|\b(?:hf|gsk|fw|r8|gh[a-z]|github_pat)_[A-Za-z0-9]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{6,}"
    r"|^\s*(?:Bearer|Basic|Token)\s+\S{6,}\s*$"
)
# What is too random for a word or a name: a run of letters and digits without a hyphen, longer than
# the ids of organizations and the parts of an UUID. Ids and digests are long, but of one case.
_RUN = r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{28,}"
_RANDOM = re.compile(_RUN)
_RANDOM_OR_ID = re.compile(
    _RUN + r"|(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}"
)
# A shorter text is struck out of nothing: it would stand in ordinary words. So may a key that is
# none, which many local servers want to be given: `ollama`.
_SHORTEST, _SHORTEST_OF_LETTERS = 6, 8

# What was ever looked up in this process. A log of a crash is written where no ring is at hand.
_LOOKED_UP: set[str] = set()


class Keyring:
    """The keys that one backend uses. Its representation tells none of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._used: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._used)} used)"

    def get(self, name: str) -> str | None:
        """Return the key of that name, None where there is none."""
        key = self._environment.get(name, "").strip()
        if not key:
            return None
        if not key.isascii() or not key.isprintable():
            raise BackendError(
                f"the key in {name} holds a character that cannot be sent",
                hint="copy it anew, without line ends",
            )
        self._used.add(key)
        _LOOKED_UP.add(key)
        return key

    def require(self, name: str) -> str:
        """Return the key of that name; raise BackendError where there is none."""
        key = self.get(name)
        if key is None:
            raise BackendError(
                f"there is no key: {name} is not set",
                hint=f"export {name}=..., or write it into the file .env of the project",
            )
        return key

    def fill(self, text: str) -> str:
        """Return `text` with each `${NAME}` replaced by the key of that name."""
        return _REFERENCE.sub(lambda found: self.require(found[1]), text)

    def strike(self, text: str) -> str:
        """Return `text` without any key of this ring."""
        return _without(text, self._used)


def strike_all(text: str) -> str:
    """Return `text` without any key that was looked up in this process."""
    return _without(text, _LOOKED_UP)


def _without(text: str, keys: set[str]) -> str:
    for key in sorted(keys, key=len, reverse=True):
        shortest = _SHORTEST_OF_LETTERS if key.isalpha() else _SHORTEST
        if len(key) >= shortest and key in text:
            text = text.replace(key, STRUCK)
    return text


def holds_key(name: str, value: str, *, or_id: bool = False) -> bool:
    """Tell whether a value in a file is, or seems to be, a key instead of the name of one.

    `or_id` says that the value may well be an id or a digest (in a path, in a body): these look
    like some keys.
    """
    literal = _REFERENCE.sub("", value).strip()
    if not literal:
        return False
    scheme = literal != value.strip() and _SCHEME.fullmatch(literal)
    if _names_key(name) and not scheme:
        return True
    random = _RANDOM if or_id else _RANDOM_OR_ID
    return _KNOWN.search(literal) is not None or random.search(literal) is not None


def is_key(text: str) -> bool:
    """Tell whether a text begins as the keys of well-known services do, or is wholly random."""
    return _KNOWN.match(text) is not None or _RANDOM.fullmatch(text) is not None


def named_without_key(backend: str) -> str:
    """Return what names a backend, `kind:model`, without a key that was typed as the model."""
    kind, colon, model = backend.partition(":")
    return f"{kind}:{STRUCK}" if colon and is_key(model.partition("@")[0]) else backend


def without_literals(value: object, name: str = "") -> object:
    """Return options as a file has them, with every text struck out that seems to be a key."""
    if isinstance(value, Mapping):
        return {key: without_literals(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_literals(inner, name) for inner in value]
    if isinstance(value, str):
        is_url = "://" in value
        struck = holds_key(name, value, or_id=is_url) or (is_url and url_holds_key(value))
        return STRUCK if struck else value
    return value


def _names_key(name: str) -> bool:
    """Tell whether something of this name is a key: `x-api-key`, `accessToken`, `Cookie`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.findall(r"[a-z]+", spaced)
    if any(word.startswith(_SECRETS) for word in words):
        return True
    return bool(words) and words[-1] in _LAST_WORDS and not _NO_SECRETS.intersection(words)


def url_holds_key(url: str) -> bool:
    """Tell whether an address holds a user's name, a password or a key among its parameters.

    One that cannot be taken apart may hold anything.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    if "@" in parts.netloc:
        return True
    parameters = [*parse_qsl(parts.query), *parse_qsl(parts.fragment)]
    return any(holds_key(name, value) for name, value in parameters) or any(
        holds_key("", unquote(segment), or_id=True)
        for segment in (*parts.path.split("/"), parts.fragment)
    )

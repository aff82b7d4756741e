"""API keys: looked up in the environment when a call is made, and kept out of everything else.

A user's files name a key (`api_key_env`, `${NAME}`) and never contain one. Every key that was
looked up is remembered here, so that it can be redacted from whatever is shown or stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from promptlab.core.errors import BackendError

STRUCK = "[key]"

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SCHEME = re.compile(r"[A-Za-z-]*")  # what may precede a reference: `Bearer ${NAME}`
# Names whose values are keys: judged by any of their words, or by the last one.
_SECRETS = ("secret", "passw", "credential", "authorization", "cookie", "apikey", "bearer")
_LAST_WORDS = {"key", "token", "auth", "sig", "signature"}
_NO_SECRETS = {"cache", "idempotency", "stop", "bos", "eos", "pad", "unk", "mask", "start", "end"}
# How keys of well-known services begin, and how they are sent.
_KNOWN = re.compile(
    r"\bsk[-_](?:[A-Za-z0-9_-]{16,}|(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{8,})"
    r"|\b(?:[pr]k|csk|xai|pplx|nvapi|glpat|xox[a-z])[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|\b(?:hf|gsk|fw|r8|gh[a-z]|github_pat)_[A-Za-z0-9]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{6,}"
    r"|^\s*(?:Bearer|Basic|Token)\s+\S{6,}\s*$"
)
# Too random for a word or a name: a run of letters and digits without a hyphen, longer than
# organization ids and the parts of a UUID. Ids and digests are long, but not of mixed case.
_RUN = r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{28,}"
_RANDOM = re.compile(_RUN)
_RANDOM_OR_ID = re.compile(
    _RUN + r"|(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32,}"
)
# Shorter texts are never redacted: they would occur in ordinary words. So may the dummy keys that
# many local servers ask for, such as `ollama`.
_SHORTEST, _SHORTEST_OF_LETTERS = 6, 8

# Every key looked up in this process: crash logs are written where no key ring is at hand.
_LOOKED_UP: set[str] = set()


class Keyring:
    """The keys that one backend uses. Its `repr` reveals none of them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._used: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._used)} used)"

    def get(self, name: str) -> str | None:
        """Return the key with that name, None where there is none."""
        key = self._environment.get(name, "").strip()
        if not key:
            return None
        if not key.isascii() or not key.isprintable():
            raise BackendError(
                f"the key in {name} contains a character that cannot be sent",
                hint="copy it again, without line breaks",
            )
        self._used.add(key)
        _LOOKED_UP.add(key)
        return key

    def require(self, name: str) -> str:
        """Return the key with that name; raise BackendError where there is none."""
        key = self.get(name)
        if key is None:
            raise BackendError(
                f"there is no key: {name} is not set",
                hint=f"export {name}=..., or set it in the project's .env file",
            )
        return key

    def fill(self, text: str) -> str:
        """Return `text` with each `${NAME}` replaced by the key with that name."""
        return _REFERENCE.sub(lambda match: self.require(match[1]), text)

    def strike(self, text: str) -> str:
        """Return `text` with every key of this ring redacted."""
        return _without(text, self._used)


def strike_all(text: str) -> str:
    """Return `text` with every key looked up in this process redacted."""
    return _without(text, _LOOKED_UP)


def _without(text: str, keys: set[str]) -> str:
    for key in sorted(keys, key=len, reverse=True):
        shortest = _SHORTEST_OF_LETTERS if key.isalpha() else _SHORTEST
        if len(key) >= shortest and key in text:
            text = text.replace(key, STRUCK)
    return text


def holds_key(name: str, value: str, *, or_id: bool = False) -> bool:
    """Return whether a value in a file is, or looks like, a key instead of the name of one.

    `or_id` means that the value may well be an id or a digest (in a path, in a body), which look
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
    """Return whether a text begins like the keys of well-known services, or is entirely random."""
    return _KNOWN.match(text) is not None or _RANDOM.fullmatch(text) is not None


def named_without_key(backend: str) -> str:
    """Return a backend's name, `kind:model`, with a key typed as the model redacted."""
    kind, colon, model = backend.partition(":")
    return f"{kind}:{STRUCK}" if colon and is_key(model.partition("@")[0]) else backend


def without_literals(value: object, name: str = "") -> object:
    """Return options as a file has them, with every text that looks like a key redacted."""
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
    """Return whether this is the name of a key: `x-api-key`, `accessToken`, `Cookie`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    words = re.findall(r"[a-z]+", spaced)
    if any(word.startswith(_SECRETS) for word in words):
        return True
    return bool(words) and words[-1] in _LAST_WORDS and not _NO_SECRETS.intersection(words)


def url_holds_key(url: str) -> bool:
    """Return whether a URL contains a user name, a password or a key among its parameters.

    One that cannot be parsed may contain anything.
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

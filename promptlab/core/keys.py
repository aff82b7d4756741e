"""API keys: looked up in the environment when a call is made, and kept out of everything else.

A user's files name a key (`api_key_env`, `${NAME}`) and never contain one. Every key that was
looked up is struck out of whatever is shown or stored: see `masking`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from promptlab.core.errors import BackendError
from promptlab.core.masking import STRUCK, remember, shapes, strike, userinfo

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
# What a variable holds that is no key, whatever its name: a path, an address, a number.
_NO_KEY = re.compile(r"[~/.\\]|[A-Za-z]:[\\/]|https?://[^@\s]*$|[-+0-9.,_]*$")
_LEAST, _LEAST_OF_LETTERS = 12, 16  # characters of a value that counts as a key by itself


class Environment(Mapping[str, str]):
    """Variables. A value that is looked up here, or is a key by its name, is struck out later."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        for name, value in values.items():
            _remember_key(name, value)

    def __getitem__(self, name: str) -> str:
        value = self._values[name]
        if _may_be_key(name, value):
            remember(value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} variables)"


def _may_be_key(name: str, value: str) -> bool:
    """Return whether the value of a variable that somebody looked up is anything but ordinary."""
    if _NO_KEY.match(value):
        return False
    mixed = any(letter.isdigit() for letter in value) and any(map(str.isalpha, value))
    return _names_key(name) or len(value) >= (_LEAST if mixed else _LEAST_OF_LETTERS)


def _remember_key(name: str, value: str) -> None:
    """Strike out the value of a variable that is a key, as user-defined code may look it up."""
    value = value.strip()
    if "@" in value:
        for part in userinfo(value):
            remember(part)
    if len(value) >= _LEAST and (
        (_names_key(name) and not _NO_KEY.match(value)) or shapes().fullmatch(value)
    ):
        remember(value)


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
        remember(key)
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
    return f"{kind}:{STRUCK}" if colon and is_key(model.partition("@")[0]) else strike(backend)


def remember_written(value: object, name: str = "") -> None:
    """Strike out from now on what looks like a key in a backend's table: it has no place there."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            remember_written(str(key))
            remember_written(inner, str(key))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            remember_written(inner, name)
    elif isinstance(value, str):
        for part in userinfo(value):
            remember(part)
        if holds_key(name, value, or_id=True):
            remember(_REFERENCE.sub("", value))


def key_in_place_of(name: str, kind: str, model: str | None) -> str | None:
    """Return which part of a backend looks like a key; None if none does."""
    if model is not None and any(is_key(word) for word in model.split("@")):
        return "the model's name"
    if is_key(kind):
        return "the kind"
    return "the backend's name" if is_key(name) else None


def without_literals(value: object, name: str = "") -> object:
    """Return options as a file has them, with every text that looks like a key redacted."""
    if isinstance(value, Mapping):
        return {strike(str(key)): without_literals(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_literals(inner, name) for inner in value]
    if isinstance(value, str):
        is_url = "://" in value
        struck = holds_key(name, value, or_id=is_url) or (is_url and url_holds_key(value))
        return STRUCK if struck else strike(value)
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
    if "@" in parts.netloc or userinfo(url):
        return True
    parameters = [*parse_qsl(parts.query), *parse_qsl(parts.fragment)]
    return any(holds_key(name, value) for name, value in parameters) or any(
        holds_key("", unquote(segment), or_id=True)
        for segment in (*parts.path.split("/"), parts.fragment)
    )

"""What is struck out of everything that leaves the program: its streams, its database, its logs.

`strike` is for what is not the user's content: messages, names, reasons. It strikes out every known
key, whatever has a key's shape, and user and password of addresses. `mask` is for content: prompts
and answers lose the known keys alone, as a text about keys may well contain something like one.

A key is known once it was looked up, or where the environment holds it under a key's name or in a
key's shape. It is found in any spelling: in other case, escaped in any of the usual ways, broken
over lines, in Base64 or in hexadecimal.
"""

from __future__ import annotations

import re
import unicodedata
from base64 import b64encode
from functools import cache, lru_cache
from urllib.parse import unquote

STRUCK = "[key]"

# Shorter texts are never redacted: they would occur in ordinary words. So may the dummy keys that
# many local servers ask for, such as `ollama`.
_SHORTEST, _SHORTEST_OF_LETTERS = 6, 8
# From here on a text is found in every spelling: it is too long to arise by chance.
_LONG, _LONG_OF_LETTERS = 12, 16
_WIDEST_GAP = 200  # what may stand between two letters: a break, with the frame of a table

# What may stand between two letters: breaks, escapes, frames of tables, marks without a width.
_BLANK = "\"' \t\r\n\f\v\x00"
_WIDE = "\x85\xa0\xad\u2028\u2029\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069\u2500-\u257f"
_BREAK = rf"(?-i:[{_BLANK}{_WIDE}])"
_GAP = rf"(?:{_BREAK}|\\++(?!u\{{?[0-9a-f]|U0|x[0-9a-f]{{2}})[nrt]?){{0,{_WIDEST_GAP}}}"
_DELETED = (_BLANK + "\\").encode()
_OFTEN_SEEN = 200  # characters
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "plus": "+", "equals": "="}

# A long text with a key in disguise is struck out whole: taking it apart would take too long.
_TOO_LONG = 1_000_000

_known: frozenset[str] = frozenset()


def remember(value: str) -> None:
    """Strike out this text from now on, unless it is too short to be told from a word."""
    global _known  # of the process, as its streams are
    value = value.strip()
    if len(value) >= (_SHORTEST_OF_LETTERS if value.isalpha() else _SHORTEST):
        _known |= {value}


def known() -> frozenset[str]:
    """Return what is struck out at present."""
    return _known


def forget() -> None:
    """Strike out no known key any more: another project, with other keys, begins."""
    global _known
    _known = frozenset()


def mask(text: str) -> str:
    """Return a text of the user's without the known keys, in whatever spelling."""
    keys = _known
    if not keys or not _may_hold(text, keys):
        return text
    for form in _longest_first(keys):
        text = text.replace(form, STRUCK)
    if not _may_hold(text, keys):
        return text
    if len(text) > _TOO_LONG:
        return STRUCK
    lower, content = text.lower(), _folded(text)
    for form in _longest_first(keys):
        # A pattern takes a tenth of a second to compile: only those that may be found are.
        if form.lower() in lower or _folded(form) in content:
            text = _spelled_key(form).sub(STRUCK, text)
    return text


def strike(text: str) -> str:
    """Return a text of ours without keys, known or not, and without passwords of addresses."""
    return _strike_once(text, _known) if len(text) < _OFTEN_SEEN else _strike(text)


def holds_known_key(text: str) -> bool:
    """Return whether a text holds a known key that is too long to stand there by chance."""
    keys = _long_ones(_known)
    return bool(keys) and _may_hold(text, keys)


@lru_cache(maxsize=8)
def _long_ones(keys: frozenset[str]) -> frozenset[str]:
    return frozenset(key for key in keys if _is_long(key))


@lru_cache(maxsize=1024)
def _strike_once(text: str, keys: frozenset[str]) -> str:
    """Strike a short text, such as the name of a model, which comes with every answer."""
    return _strike(text)


def _strike(text: str) -> str:
    text = mask(text)
    if "@" in text or "%40" in text:
        for pattern in _addresses():
            text = pattern.sub(rf"\g<before>{STRUCK}\g<after>", text)
    if "=" in text:
        text = _parameters().sub(rf"\g<name>{STRUCK}", text)
    return shapes().sub(STRUCK, text)


@cache
def shapes() -> re.Pattern[str]:
    """Return what keys look like, wherever they stand: their beginning, or pure chance."""
    # Bounded, or a long text of beginnings would take a time that grows with its square.
    digit = r"(?=[A-Za-z_-]{0,60}[0-9])"
    return re.compile(
        rf"(?<![A-Za-z0-9-])sk[-_]{digit}[A-Za-z0-9_-]{{8,}}"
        rf"|\b(?:[pr]k|csk|xai|pplx|nvapi|glpat|xox[a-z])[-_]{digit}[A-Za-z0-9_-]{{16,}}"
        rf"|\b(?:hf|gsk|fw|r8|gh[a-z]|github_pat)_(?=[A-Za-z_]{{0,60}}[0-9])[A-Za-z0-9_]{{16,}}"
        r"|\bAIza[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
        r"|\beyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+)?"
        r"|(?<=[Bb]earer )(?=[A-Za-z._~+/=-]{0,60}[0-9])[A-Za-z0-9._~+/=-]{12,}"
        r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\\\s]*(?:-----END [A-Z ]*-----)?"
        # Pure chance, but in a path: mixed case and four digits, which digests and names have not.
        r"|(?<![A-Za-z0-9/\\])(?=(?:[A-Za-z]*[0-9]){4})(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])"
        r"[A-Za-z0-9]{28,}"
    )


@cache
def _addresses() -> tuple[re.Pattern[str], ...]:
    """Return where user and password stand in what looks like an address, in any spelling."""
    slash, at = r"(?:[/\\]|%2f|%5c)", r"(?:@|%40)"
    scheme = (
        rf"(?:(?<![a-z0-9])[a-z][a-z0-9+.-]{{0,30}}(?::|%3a){slash}{{1,4}}|(?<![:/\\]){slash}{{2}})"
    )
    text = r"[^\s\"'<>]"
    return (
        # The usual form, and one whose password holds a slash, which is no port.
        re.compile(rf"(?P<before>{scheme})[^\s/\\?#\"'<>]{{1,200}}(?P<after>{at})", re.I),
        re.compile(
            rf"(?P<before>{scheme})[^\s/:@?#\"'<>]{{0,100}}:(?!\d{{1,5}}[/?#]){text}{{1,200}}"
            rf"(?P<after>{at})",
            re.I,
        ),
        # kind:model@user:password@host
        re.compile(r"(?P<before>@)[^\s@/:\"'<>]{0,100}:[^\s@\"'<>]{1,200}(?P<after>@)", re.I),
    )


@cache
def _parameters() -> re.Pattern[str]:
    """Return the values of parameters of an address that are keys by their name."""
    name = r"(?:[a-z]{1,20}[_-]?)?(?:key|token|sig|signature|secret|password)"
    return re.compile(rf"(?<=[?&])(?P<name>{name}=)[^\s&#\"'<>\[]{{4,500}}", re.I)


def userinfo(address: str) -> list[str]:
    """Return the secrets that an address holds before its host: a password, or a token alone.

    A user's name is none: it stands in many a path.
    """
    found: list[str] = []
    for pattern in _addresses():
        for match in pattern.finditer(address):
            inner = address[match.end("before") : match.start("after")]
            found += filter(None, [unquote(inner).split(":", 1)[-1]])
    return found


def _may_hold(text: str, keys: frozenset[str]) -> bool:
    """Return whether a text may hold a known key. Cheap: nearly every text holds none."""
    plain, folded = _needles(keys)
    lower = text.lower()
    if any(needle in lower for needle in plain):
        return True
    content = _folded(text)
    return any(needle in content for needle in folded)


def _folded(text: str) -> bytes:
    """Return a text as far as spelling does not matter."""
    if "\\u" in text or "\\x" in text or "\\U" in text or "%" in text or "&" in text:
        text = _escapes().sub(_letter, text)
    if not text.isascii():
        text = _wide().sub("", unicodedata.normalize("NFKC", text))
    if "\\" in text:
        text = text.replace("\\n", "").replace("\\r", "").replace("\\t", "")
    return text.lower().encode("utf-8", "surrogatepass").translate(None, _DELETED)


@cache
def _escapes() -> re.Pattern[str]:
    return re.compile(
        r"\\{1,8}(?:u\{?0{0,4}|x|U0{6}|u0{2})([0-9a-f]{2})\}?|%(?:25){0,3}([0-9a-f]{2})"
        r"|&(?:amp;)?#x0{0,4}([0-9a-f]{2});|&(?:amp;)?#0{0,4}([0-9]{2,3});"
        rf"|&(?:amp;)?({'|'.join(_NAMED)});",
        re.I,
    )


@cache
def _wide() -> re.Pattern[str]:
    return re.compile(f"[{_WIDE}]+")


def _letter(match: re.Match[str]) -> str:
    *sixteen, ten, named = match.groups()
    if named is not None:
        return _NAMED[named.lower()]
    if ten is not None:
        return chr(int(ten))
    return chr(int(next(code for code in sixteen if code is not None), 16))


@lru_cache(maxsize=8)
def _needles(keys: frozenset[str]) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Return what a text holds if it holds a key in some form: in small letters, and folded."""
    forms = {form for key in keys for form in _forms(key)}
    return tuple(form.lower() for form in forms), tuple({_folded(form) for form in forms} - {b""})


@lru_cache(maxsize=64)
def _spelled_key(form: str) -> re.Pattern[str]:
    """Return the pattern of a key's form in every spelling."""
    return re.compile(_spelled(form), re.I)


@lru_cache(maxsize=8)
def _longest_first(keys: frozenset[str]) -> list[str]:
    return sorted({form for key in keys for form in _forms(key)}, key=len, reverse=True)


def _forms(key: str) -> set[str]:
    """Return a key as it is and, where it is long, what others encode it to."""
    if not _is_long(key):
        return {key}
    raw = key.encode()
    forms = {key, unquote(key), raw.hex()}
    for shift in range(3):  # where in a longer text, such as `user:key`, the key begins
        coded = b64encode(bytes(shift) + raw).decode()
        whole = coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        forms |= {whole, whole.replace("+", "-").replace("/", "_")}
    return forms


def _is_long(key: str) -> bool:
    return len(key) >= (_LONG_OF_LETTERS if key.isalpha() else _LONG)


def _spelled(form: str) -> str:
    """Return the pattern of a text in every spelling; of a short one only as it is, or escaped."""
    return (_GAP if _is_long(form) else r"\\{0,4}").join(map(_letter_spelled, form))


def _letter_spelled(letter: str) -> str:
    code = ord(letter)
    if not 0x20 < code < 0x7F:
        return re.escape(letter)
    codes = sorted({ord(letter.lower()), ord(letter.upper())})
    sixteen, ten = "|".join(f"{code:02x}" for code in codes), "|".join(map(str, codes))
    names = "".join(f"|{name};" for name, value in _NAMED.items() if value == letter)
    return (
        rf"(?:{re.escape(letter)}|{chr(code + 0xFEE0)}"
        rf"|\\{{1,8}}(?:u\{{?0{{0,4}}|x|U0{{6}})(?:{sixteen})\}}?|%(?:25){{0,3}}(?:{sixteen})"
        rf"|&(?:amp;)?(?:#x0{{0,4}}(?:{sixteen});|#0{{0,4}}(?:{ten});{names}))"
    )

"""Content addresses: a tagged digest of canonical JSON.

Everything that is run is known by such a digest. Changing how it is made changes every address
in every database, so it would be a migration.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

TAG = "b2:"
_SIZE = 16  # bytes: 128 bits keep chance collisions out of reach; nobody attacks their own store
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: object) -> str:
    """Return the one JSON text of `value`: sorted keys, no spaces, UTF-8 kept, no NaN."""
    return _ENCODER.encode(value)


def digest_text(text: str) -> str:
    """Return the tagged BLAKE2b digest of a text."""
    data = text.encode("utf-8", "surrogatepass")
    return TAG + hashlib.blake2b(data, digest_size=_SIZE).hexdigest()


def digest_json(value: object) -> str:
    """Return the tagged BLAKE2b digest of a JSON value."""
    return digest_text(canonical_json(value))


def digest_bytes(data: bytes) -> str:
    """Return the tagged BLAKE2b digest of bytes (an image, a weights file)."""
    return TAG + hashlib.blake2b(data, digest_size=_SIZE).hexdigest()


def seed_from(*parts: object) -> int:
    """Derive a 31-bit seed from its parts, the same on every machine and in every process."""
    data = canonical_json(parts).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big") >> 1


def digest_file(path: Path) -> str:
    """Return the tagged BLAKE2b digest of a file's content, read in pieces."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_SIZE))
    return TAG + found.hexdigest()

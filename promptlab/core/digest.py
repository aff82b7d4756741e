"""Content addresses: tagged digests of canonical JSON, and what each of them covers.

Everything that is run is known by such a digest: what it covers decides which two things are the
same, in the cache, when resuming and when comparing. Changing how a digest is made changes
addresses in every database, so it requires a migration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from promptlab.core import numbers
from promptlab.core.messages import Json, Message, Sampling

TAG = "b2:"
_SIZE = 16  # bytes: 128 bits rule out accidental collisions; nobody attacks their own store
_ID_LENGTH = 12  # digits: short enough to type
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: object) -> str:
    """Return the canonical JSON text of `value`: sorted keys, no spaces, UTF-8 kept, no NaN."""
    return _ENCODER.encode(value)


def case_json(content: object) -> str:
    """Return the canonical JSON of a case's content, its numbers as they were written.

    A case with 3.10 asks something else than one with 3.1.
    """
    return numbers.encode(_ENCODER, content)


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
    """Derive a 31-bit seed from its parts, identical on every machine and in every process."""
    data = canonical_json(parts).encode()
    return int.from_bytes(hashlib.blake2b(data, digest_size=4).digest(), "big") >> 1


def digest_file(path: Path) -> str:
    """Return the tagged BLAKE2b digest of a file's content, read in chunks."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_SIZE))
    return TAG + digest.hexdigest()


def template_digest(source: str, includes: Mapping[str, str], *, keeps_breaks: bool = False) -> str:
    """Address a version by its text and the text of every file it includes.

    Its name is left out: results belong to the text that was run, whatever its name. With
    `keeps_breaks` it is one whose prompts have line breaks that they once lacked.
    """
    content: dict[str, object] = {"source": source, "includes": dict(includes)}
    if keeps_breaks:  # left out of all others: their digests stay valid
        content["line_breaks"] = "kept"
    return digest_json(content)


def case_content(
    variables: Mapping[str, object],
    expect: object,
    tags: Sequence[str],
    group: str | None,
    case_id: str | None = None,
) -> dict[str, object]:
    """Return what a case's digest covers, or, without an id, what its id is derived from.

    A case is what is asked, what is expected, and the cases it is grouped with: with another tag or
    group it belongs to another sample.
    """
    content = {"vars": dict(variables), "expect": expect, "tags": list(tags), "group": group}
    return content if case_id is None else {**content, "id": case_id}


def id_of_content(text: str) -> str:
    """Derive the id of a case that has none from the canonical JSON of its content."""
    return digest_text(text).removeprefix(TAG)[:_ID_LENGTH]


def backend_digest(identity: Mapping[str, Json]) -> str:
    """Address a backend by what its answers depend on, which excludes its name, price and key."""
    return digest_json(dict(identity))


def arm_digest(template: str, off: Sequence[str], backend: str, *, place: int = 0) -> str:
    """Address an arm by its text, the practices switched off and the backend, for permalinks.

    It covers no name and no run, so that a link to a result survives new runs and new labels; it is
    short, to stand in an address. Arms that are alike in all of this are told apart by their
    `place` among each other, which the first one leaves out.
    """
    content: dict[str, Json] = {"backend": backend, "off": [*off], "template": template}
    if place:
        content["place"] = place
    return digest_json(content).removeprefix(TAG)[:_ID_LENGTH]


def generation_key(
    backend: str,
    messages: Sequence[Message],
    sampling: Sampling,
    schema: Mapping[str, Json] | None,
    repeat: int,
) -> str:
    """Address a generating call by everything that can change its answer.

    The repeat is included, or greedy repeats would all be served by the first; template and case
    are not, since two that send the same messages share the answer.
    """
    content: dict[str, Json] = {
        "backend": backend,
        "messages": [_message(message) for message in messages],
        "repeat": repeat,
        "sampling": [
            sampling.temperature,
            sampling.top_p,
            sampling.max_tokens,
            list(sampling.stop),
            sampling.seed,
        ],
    }
    if schema is not None:  # left out where there is none: keys from before schemas stay valid
        content["schema"] = dict(schema)
    return digest_json(content)


def weighing_key(backend: str, messages: Sequence[Message], continuations: Sequence[str]) -> str:
    """Address a call that asks how likely given answers are.

    Nothing is sampled, so neither the sampling settings nor the repeat can change the result.
    """
    return digest_json(
        {
            "backend": backend,
            "continuations": list(continuations),
            "messages": [_message(message) for message in messages],
        }
    )


def imported_key(measured_as: Sequence[str], repeat: int, usage: Sequence[float | None]) -> str:
    """Address an answer that another tool measured, whose request is unknown.

    It covers only what was measured, so that importing a file again shares the answers of the
    first import; and none of our own calls can have the same key.
    """
    return digest_json({"imported": [*measured_as, repeat, *usage]})


def source_version(source: str) -> str:
    """Derive the version of a scorer without one from its source: an edited one grades again."""
    return digest_text(source)


def _message(message: Message) -> Json:
    """Return a message as JSON; an image is identified by its digest, wherever it is stored."""
    if isinstance(message.content, str):
        return [message.role, message.content]
    parts: list[Json] = [
        part if isinstance(part, str) else {"image": part.digest} for part in message.content
    ]
    return [message.role, parts]

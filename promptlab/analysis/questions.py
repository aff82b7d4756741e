"""Which question a contrast asks, and of which scores, by digests: was it asked before?

A question is what both sides are (texts, models, sampling), and the scorer with its version. Sides
have no order: asked the other way round, it is the same question. Evidence is the scores that were
used, case by case, in no order either.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from promptlab.analysis.measurements import JoinedArm, Measurements
from promptlab.core.digest import canonical_json, digest_bytes, digest_json
from promptlab.core.types import Arm, ScorerSpec
from promptlab.stats.distinct import distinct

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]

_LONGEST = 64  # bytes of a text that are mixed as they are; of longer ones it is a digest
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def question_of(
    sides: Sequence[Sequence[str]], scorer: ScorerSpec, asked: Sequence[str | None]
) -> str:
    """Return the digest of a question about two sides, each the digests of its arms, sorted."""
    params = canonical_json(dict(scorer.params))
    return digest_json([*asked, *sides, scorer.name, scorer.version, params])


def digest_of(arm: JoinedArm) -> str:
    """Return the digest of what an arm's answers depend on."""
    setting = arm.settings[0]
    return arm_digest(setting.arm, setting.backend_digest)


def arm_digest(arm: Arm, backend: str) -> str:
    """Return the digest of an arm on a backend with this digest."""
    return digest_json([arm.digest, list(arm.off), backend, asdict(arm.sampling)])


def evidence_of(
    keys: Keys, before: Floats, after: Floats, *, swapped: bool, people: Sequence[Floats] = ()
) -> str:
    """Return the digest of the scores of both sides, one for each case.

    `keys` are those of the cases. Scores count with the seven digits of single precision, so that
    another order of adding them up makes no other evidence. `swapped` says that the second side
    comes first in the question. What `people` say of both sides counts too, where it corrects.
    """
    order = np.argsort(keys)
    sides = [before, after, *people]
    if swapped:
        sides = [sides[place ^ 1] for place in range(len(sides))]
    digest = hashlib.sha256(keys[order].tobytes())
    with np.errstate(over="ignore"):
        for scores in sides:
            digest.update((scores[order].astype(np.float32) + np.float32(0)).tobytes())
    return f"s2:{digest.hexdigest()[:32]}"


def case_keys(table: Measurements) -> Keys:
    """Return a 64-bit number for the content of each case."""
    return keys_of(case.digest for case in table.cases)


def named_keys(table: Measurements) -> Keys:
    """Return a 64-bit number for each case by its name, in its suite and with its parameters.

    A case that was edited, or put into another group, is still the one that was looked at.
    """
    by_digest: dict[str, str] = {}
    for run in reversed(table.runs):
        place = canonical_json([run.info.suite, sorted(run.info.settings.params)])
        by_digest |= {case.digest: place + case.id for case in run.cases}
    return keys_of(by_digest[case.digest] for case in table.cases)


def part_keys(table: Measurements) -> Keys:
    """Return a 64-bit number for each suite of which only chosen cases were run.

    Parts of a suite that have no case in common are still other evidence on the same suite. Its
    holdout is apart.
    """
    return keys_of(
        canonical_json(
            ["part of", run.info.suite, sorted(run.info.settings.params), run.split == "holdout"]
        )
        for run in table.runs
        if run.info.settings.chooses_cases
    )


def set_of(*keys: Keys) -> Keys:
    """Return a set of cases as sorted numbers."""
    return distinct(np.concatenate(keys))


def digest_of_set(cases: Keys) -> str:
    """Return the digest of a set of cases."""
    return digest_bytes(cases.astype("<u8").tobytes())


def overlap(a: Keys, b: Keys) -> bool:
    """Return whether two sets of cases share any."""
    few, many = sorted((a, b), key=len)
    if not few.size:
        return False
    places = np.minimum(np.searchsorted(many, few), many.size - 1)
    return bool((many[places] == few).any())


def shares(stored: bytes, cases: Keys) -> bool:
    """Return whether a set of cases, as the store has it, has any of these."""
    return overlap(np.frombuffer(stored, dtype="<u8").astype(np.uint64), cases)


def within(part: Keys, whole: Keys) -> bool:
    """Return whether all cases of one set are in another."""
    places = np.minimum(np.searchsorted(whole, part), whole.size - 1)
    return bool(whole.size and (whole[places] == part).all())


def keys_of(texts: Iterable[str]) -> Keys:
    """Return a 64-bit number for each text, mixed word by word as splitmix64 does it."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    if not encoded:
        return np.zeros(0, dtype=np.uint64)
    if max(map(len, encoded)) > _LONGEST:
        encoded = [_short(text) for text in encoded]
    lengths = np.fromiter(map(len, encoded), dtype=np.uint64, count=len(encoded))
    width = -(-int(lengths.max()) // 8) * 8 or 8
    words = np.array(encoded, dtype=f"S{width}").view("<u8").reshape(len(encoded), -1)
    keys = lengths.copy()
    for place, column in enumerate(words.T):
        mixed = keys * np.uint64(0x9E3779B97F4A7C15) ^ column
        for shift, factor in zip((30, 27), _FACTORS, strict=True):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
        # Not beyond a text's end: its number is the same whatever texts are beside it.
        keys = np.where(lengths > 8 * place, mixed ^ (mixed >> np.uint64(31)), keys)
    return keys


def _short(text: bytes) -> bytes:
    return text if len(text) <= _LONGEST else hashlib.blake2b(text, digest_size=32).digest()

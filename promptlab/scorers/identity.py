"""What a scorer's verdicts depend on besides version and parameters: source, libraries, judges.

One that runs code depends on the Python that runs it.

The source of a built-in scorer is left out: its `version` stands for it, so that an edit nearby
does not make it another scorer. Data files that a scorer reads are not covered.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from promptlab.core.digest import canonical_json
from promptlab.core.lazy import lazy_module
from promptlab.core.modules import module_file, sources
from promptlab.core.types import Json, ScorerSpec
from promptlab.scorers.decorator import Scorer
from promptlab.scorers.prompts import Prompt
from promptlab.scorers.registry import GROUP

if TYPE_CHECKING:
    from importlib import metadata
else:
    metadata = lazy_module("importlib.metadata")


def identity_of(scorer: Scorer, root: Path | None) -> str:
    """Return the identity as canonical JSON, so that differences can be read."""
    identity: dict[str, Json] = {}
    module, colon, _ = scorer.name.partition(":")
    if colon and (file := module_file(module, root)) is not None:
        identity["source"] = {**sources(file, root)}
    names = [*scorer.libraries, *([] if colon or scorer.built_in else _distributions(scorer.name))]
    if libraries := _versions(names):
        identity["libraries"] = libraries
    if scorer.executes:
        identity["python"] = platform.python_version()
    return canonical_json(identity)


def with_backends(identity: str | None, digests: Mapping[str, str]) -> str:
    """Add the digests of the backends asked, as another model judges differently."""
    return canonical_json({**json.loads(identity or "{}"), "backends": dict(digests)})


def with_rivals(identity: str | None, digests: Mapping[str, str]) -> str:
    """Add the digests of the texts whose answers are compared with."""
    return canonical_json({**json.loads(identity or "{}"), "against": dict(digests)})


def with_prompts(identity: str, prompts: Mapping[str, Prompt]) -> str:
    """Add the digests of a judge's prompts: one changed character makes another judge."""
    digests: dict[str, Json] = {key: prompt.digest for key, prompt in prompts.items()}
    return canonical_json({**json.loads(identity), "prompts": digests}) if prompts else identity


def with_parts(identity: str, parts: Sequence[ScorerSpec]) -> str:
    """Add what the scorers that another is made of depend on."""
    known: list[Json] = [
        {"name": part.name, "version": part.version, "identity": json.loads(part.identity or "{}")}
        for part in parts
    ]
    return canonical_json({**json.loads(identity), "of": known}) if known else identity


def backends_in(identity: str) -> str:
    """Return the backends that an identity has been given, as canonical JSON."""
    return canonical_json(json.loads(identity).get("backends", {}))


def same_grading(first: ScorerSpec, second: ScorerSpec) -> bool:
    """Return whether two specs grade by the same rules.

    Runs from before identities were kept have none; of them nothing but the version is known.
    """
    if (first.version, first.params) != (second.version, second.params):
        return False
    return None in (first.identity, second.identity) or first.identity == second.identity


def _distributions(name: str) -> list[str]:
    """Return the distributions that provide a scorer of this name."""
    offered = metadata.entry_points(group=GROUP, name=name)
    return [point.dist.name for point in offered if point.dist is not None]


def _versions(names: list[str]) -> dict[str, Json]:
    """Return the versions of distributions; one that is not installed graded nothing."""
    return {name: version for name in names if (version := _version(name)) is not None}


@cache
def _version(name: str) -> str | None:
    """Return the version of a distribution; to look it up takes longer than to bind a scorer."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""What a conclusion is to be on: runs, or versions on the newest evidence of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptlab.core.errors import PromptlabError, StoreError
from promptlab.core.types import TemplateSource
from promptlab.store import Store
from promptlab.templates.past import label_of
from promptlab.workbench.evidence import (
    Evidence,
    newest_evidence,
    read_evidence,
    with_version,
)
from promptlab.workbench.evidence import only_versions as only_these
from promptlab.workbench.stored import Current

if TYPE_CHECKING:
    from promptlab.templates.library import TemplateLibrary


def named_versions(
    store: Store, library: TemplateLibrary | None, words: Sequence[str]
) -> list[TemplateSource]:
    """Return the versions that words name, none if they name runs.

    Raise PromptlabError where they are neither, some of both, or one version alone.
    """
    runs = [word for word in words if _is_run(store, word)]
    if library is None or len(runs) == len(words):
        return []
    if not runs and not any(_is_version(library, word) for word in words):
        return []  # the store says what is wrong with them
    if runs:
        raise PromptlabError(
            f"{runs[0]!r} is a run, and others are versions",
            hint="name versions of a run by -t: compare RUN -t REF -t REF",
        )
    if len(words) == 1:
        raise PromptlabError(
            f"{words[0]!r} is a version: with which one is it compared?",
            hint=f"compare {words[0]} REF, or compare --baseline {words[0]}",
        )
    among = _owners(library, words)
    return [library.one(word, among) for word in words]


def evidence_of(
    store: Store, texts: Sequence[TemplateSource], scorer: str | None, current: Current
) -> Evidence:
    """Return the newest run that has all of these versions, else the newest ones of each, joined.

    The first version is the one that others are compared with. All that is stored of the newest run
    counts, where that has all of them.
    """
    digests = list(dict.fromkeys(text.digest for text in texts))
    if len(digests) < len(texts):
        names = " and ".join(f"{text.name}@{text.version}" for text in texts)
        raise PromptlabError(f"{names}: the same text twice", hint="name versions that differ")
    together = store.newest_run_of(digests)
    if together is not None:
        evidence = newest_evidence(store, together, scorer, current)
    else:
        runs = dict.fromkeys(_newest(store, text) for text in texts)
        evidence = read_evidence(store, [*runs], scorer)
    arms = enumerate(evidence.table.arms)
    places = [at for at, arm in arms if arm.arm.digest in digests and not arm.arm.off]
    return with_version(store, only_these(evidence, places), texts[0])


def _newest(store: Store, text: TemplateSource) -> str:
    run_id = store.newest_run_of((text.digest,))
    if run_id is None:
        named = f"{text.name}@{label_of(text.version)}"
        raise PromptlabError(
            f"the text of {named} was never run", hint=f"promptlab run SUITE -t {named}"
        )
    return run_id


def _is_run(store: Store, word: str) -> bool:
    try:
        store.find_run(word)
    except StoreError:
        return False
    return True


def _is_version(library: TemplateLibrary, word: str) -> bool:
    try:
        library.one(word)
    except PromptlabError:
        return "@" in word or bool(library.owners(word))
    return True


def _owners(library: TemplateLibrary, words: Sequence[str]) -> list[str]:
    """Return the templates that all of the words may be about; none where they have none."""
    owners = [library.owners(word) for word in words]
    known = [each for each in owners if each]
    return [name for name in known[0] if all(name in each for each in known)] if known else []

"""How two versions differ: in text, in rendered prompts, in tokens, and in stored results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from promptlab.analysis.hunk_flips import FlipsByHunk
from promptlab.analysis.pair import PairResults
from promptlab.backends import Backend
from promptlab.cases.images import ImageFolder
from promptlab.core.errors import PromptlabError
from promptlab.core.files import decoded, read_bytes
from promptlab.core.plugins import unknown
from promptlab.core.types import Case, Message, Request, Sampling
from promptlab.experiments.suite import Suite, load_suite
from promptlab.templates.diff import (
    CaseDiff,
    Conversation,
    PromptSize,
    VersionDiff,
    diff_conversations,
    diff_versions,
    mean_size,
    spread,
    text_size,
    whole_text,
)
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.past import is_older, restoring
from promptlab.templates.template import Template
from promptlab.templates.text_diff import patch
from promptlab.workbench.bench import Workbench
from promptlab.workbench.flips import flips_by_hunk
from promptlab.workbench.measured import measured
from promptlab.workbench.suite_search import suites_with

_COUNTED_CASES = 20
_Pair = tuple[Template, Template]
_Counter = tuple[str, Backend]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspects:
    """What to compare of two versions: their prompts on one case, of which suite, counted by which
    backend. What is left out is chosen from the project. Versions with the same text are compared
    no further, unless `even_if_same`.
    """

    case_id: str | None = None
    suite: str | None = None
    backend: str | None = None
    even_if_same: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """How two versions differ. `case` compares their prompts on one case, None if none is named.

    `size` and `hunks` are None if the texts are the same and were compared no further, `hunks` also
    with a case.
    """

    versions: VersionDiff
    size: PromptSize | None = None
    case: CaseDiff | None = None
    results: PairResults = field(default_factory=PairResults)
    hunks: FlipsByHunk | None = None


@dataclass(frozen=True, slots=True)
class _Rendered:
    """The calls of two versions on cases of a suite; without a suite, their bare texts."""

    a: Sequence[Sequence[Conversation]]
    b: Sequence[Sequence[Conversation]]
    suite: Suite | None = None
    cases_in_suite: int | None = None

    @property
    def stand_ins(self) -> bool:
        return any(len(calls) > 1 for calls in (*self.a, *self.b))


def diff_of(bench: Workbench, first: str, second: str, aspects: Aspects = Aspects()) -> Difference:
    """Compare two versions in everything that is known about them.

    The second may be just a version of the first one's template; the first may be just a version
    where one template alone has it. Both may be texts that were run and have no file any more.
    """
    pair = _versions(bench.library, first, second)
    versions = diff_versions(*pair)
    if versions.same and not aspects.even_if_same:
        return Difference(versions)
    rendered = _rendered(bench, pair, aspects.suite, aspects.case_id)
    counters = _counters(bench, rendered, aspects.backend)
    case = _case(rendered, aspects.case_id)
    results = measured(bench, pair[0].source, pair[1].source, aspects.case_id)
    size = _size(rendered, counters, named=aspects.backend is not None)
    hunks = flips_by_hunk(bench, *pair, results) if aspects.case_id is None else None
    return Difference(versions, size, case, results, hunks)


def patch_between(bench: Workbench, first: str, second: str) -> str:
    """Return the patch between the files of two versions, as they are on disk."""
    pair = _versions(bench.library, first, second)
    for older in (template for template in pair if is_older(template.source.version)):
        raise PromptlabError(
            f"--patch is between files, and {older.reference} has none any more",
            hint=f"to have it back: {restoring(older.source.name, older.source.digest)}",
        )
    paths = [template.file for template in pair]
    files = [(read_bytes(bench.project.root / path, path), path) for path in paths]
    texts = [decoded(data, path, "utf-8") for data, path in files]  # with a byte order mark
    return patch(paths[0], texts[0], paths[1], texts[1])


def _versions(library: TemplateLibrary, first: str, second: str) -> _Pair:
    """Load the two versions; either may be named without its template, if the other says which."""
    owners = library.owners(second)
    a = library.load_one(first, [name for name in library.owners(first) if name in owners])
    return a, library.load_one(second, (a.source.name,))


def _rendered(
    bench: Workbench, pair: _Pair, suite_name: str | None, case_id: str | None
) -> _Rendered:
    """Render both versions on the cases of the named suite, or else of one that has both."""
    if suite_name is not None or case_id is not None:
        suite = _suite(bench, pair, suite_name)
        return _render(bench, pair, suite, case_id)
    for suite in suites_with(bench, pair):
        with suppress(PromptlabError):  # nobody asked for this suite: the bare texts will do
            return _render(bench, pair, suite, None)
    a, b = ((Message("user", whole_text(template)),) for template in pair)
    return _Rendered([[a]], [[b]])


def _suite(bench: Workbench, pair: _Pair, name: str | None) -> Suite:
    """Load the named suite, or else the first that has both versions."""
    if name is not None:
        return load_suite(bench.project.suites, name)
    for suite in suites_with(bench, pair):
        return suite
    both = " and ".join(template.reference for template in pair)
    raise PromptlabError(f"no suite has both {both}", hint="name the case's suite with --suite")


def _render(bench: Workbench, pair: _Pair, suite: Suite, case_id: str | None) -> _Rendered:
    cases = suite.read_cases()
    chosen = spread(cases, _COUNTED_CASES)
    if case_id is not None:
        by_id = {case.id: case for case in cases}
        if case_id not in by_id:
            raise unknown("case", case_id, by_id, of=f"suite {suite.name}")
        chosen = [by_id[case_id]]
    images = ImageFolder(suite.assets, bench.project.root)
    a, b = ([_calls(template, case, images) for case in chosen] for template in pair)
    return _Rendered(a, b, suite, len(cases))


def _calls(template: Template, case: Case, images: ImageFolder) -> list[Conversation]:
    try:
        return [call.messages for call in template.calls(case.vars, load_image=images.load)]
    except PromptlabError as error:
        raise error.in_case(case.id) from None


def _case(rendered: _Rendered, case_id: str | None) -> CaseDiff | None:
    """Compare the whole conversations of one case: what the last call of each sends."""
    if case_id is None or rendered.suite is None:
        return None
    messages = diff_conversations(rendered.a[0][-1], rendered.b[0][-1])
    return CaseDiff(rendered.suite.name, case_id, messages)


def _counters(bench: Workbench, rendered: _Rendered, name: str | None) -> list[_Counter]:
    """Create the backends that may count: the named one, or else the suite's, then the others."""
    if name is not None:
        return [(name, bench.backend(name, "--backend")[1])]
    own = rendered.suite.settings.backends if rendered.suite else ()
    counters = []
    for candidate in dict.fromkeys([*own, *bench.project.backends]):
        with suppress(PromptlabError):  # nobody asked for this backend
            counters.append((candidate, bench.backend(candidate, "--backend")[1]))
    return counters


def _size(rendered: _Rendered, counters: Sequence[_Counter], *, named: bool) -> PromptSize:
    """Count the prompts in tokens by the first backend that can, else in characters.

    One that lacks an optional dependency is an error only if the user has `named` it.
    """
    for name, backend in counters:
        with suppress(*(() if named else (PromptlabError,))):
            size = _counted(rendered, partial(_tokens, backend), name)
            if size is not None:
                return size
    size = _counted(rendered, text_size, None)
    assert size is not None
    return size


def _tokens(backend: Backend, messages: Conversation) -> int | None:
    return backend.count_tokens(Request("", messages, Sampling()))


def _counted(
    rendered: _Rendered, count: Callable[[Conversation], int | None], counted_by: str | None
) -> PromptSize | None:
    a, b = mean_size(rendered.a, count), mean_size(rendered.b, count)
    if a is None or b is None:
        return None
    return PromptSize(
        a=a,
        b=b,
        unit="tokens" if counted_by else "characters",
        counted_by=counted_by,
        suite=rendered.suite.name if rendered.suite else None,
        cases=len(rendered.a) if rendered.suite else None,
        cases_in_suite=rendered.cases_in_suite,
        stand_ins=rendered.stand_ins,
    )

"""`promptlab diff`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import click

from promptlab.backends import Backend
from promptlab.cases.images import ImageFolder
from promptlab.cli import diff_results
from promptlab.cli.output import print_json, stdout
from promptlab.cli.session import Session
from promptlab.cli.workbench import Workbench
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.types import Case, Message, Request, Sampling
from promptlab.experiments.suite import Suite, load_suite, suite_names
from promptlab.report.terminal.diff import print_case, print_case_size, print_files, print_table
from promptlab.report.terminal.diff_measured import print_measured
from promptlab.report.views.diff import diff_json
from promptlab.templates.diff import (
    CaseDiff,
    Conversation,
    PromptSize,
    diff_conversations,
    diff_versions,
    mean_size,
    spread,
    text_size,
    whole_text,
)
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.template import Template
from promptlab.templates.text_diff import patch

_COUNTED_CASES = 20
_Pair = tuple[Template, Template]
_Counter = tuple[str, Backend]


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


@click.command()
@click.argument("first", metavar="REF")
@click.argument("second", metavar="REF")
@click.option("--case", "case_id", metavar="ID", help="Diff the prompts rendered on this case.")
@click.option("--suite", "suite_name", metavar="NAME", help="Where the cases come from.")
@click.option("-b", "--backend", metavar="BACKEND", help="Whose tokenizer counts.")
@click.option("--full", is_flag=True, help="All flipped cases, and all they said.")
@click.option("--patch", "as_patch", is_flag=True, help="Only a patch for `git apply`.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
@click.pass_obj
def diff(
    session: Session,
    first: str,
    second: str,
    case_id: str | None,
    suite_name: str | None,
    backend: str | None,
    full: bool,
    as_patch: bool,
    as_json: bool,
) -> None:
    """Tell how two versions differ, in text and in results.

    After sentiment@v1 a REF may be a version alone: v3. So may both where the project has one
    template.
    """
    bench = Workbench(session)
    pair = _versions(bench.library, first, second)
    if as_patch:
        _refuse("--patch", {"--json": as_json, "--case": case_id is not None})
        click.echo(_patch(bench, pair).encode(), nl=False)
        return
    found = diff_versions(*pair)
    console = stdout()
    if found.same and not as_json:
        print_files(console, found)
        return
    rendered = _rendered(bench, pair, suite_name, case_id)
    counters = _counters(bench, rendered, backend)
    case = _case(rendered, case_id)
    comparisons, flips = diff_results.measured(session, pair[0].source, pair[1].source, case_id)
    size = partial(_size, rendered, counters, named=backend is not None)
    if as_json:
        print_json(diff_json(found, size(), case, comparisons, flips))
        return
    if case is None:
        print_files(console, found)
        print_table(console, found, size())
    else:
        print_case(console, found, case)
        print_case_size(console, case, size())
    if comparisons or flips:
        console.print()
        print_measured(console, comparisons, flips, full=full)


def _refuse(option: str, others: dict[str, bool]) -> None:
    for name, given in others.items():
        if given:
            raise PromptlabError(f"{option} goes with no {name}", hint="leave one of them out")


def _versions(library: TemplateLibrary, first: str, second: str) -> _Pair:
    """Load the two versions. One that is named without its template is the first one's."""
    names = library.names()
    a = _version(library, first, names[0] if len(names) == 1 else None)
    return a, _version(library, second, a.source.name)


def _version(library: TemplateLibrary, reference: str, default: str | None) -> Template:
    """Load the one version that a reference names, or a version alone of the `default` template."""
    names = library.names()
    if "@" not in reference and reference not in names:
        if default is None:
            raise _no_template(library, reference)
        known = [*library.versions(default), *library.aliases(default)]
        if reference not in known:
            raise unknown("template or version", reference, [*names, *known])
        reference = f"{default}@{reference}"
    return library.load_one(reference)


def _no_template(library: TemplateLibrary, reference: str) -> PromptlabError:
    """Make the error for a first reference that names no template, in a project of several."""
    owners = [
        name
        for name in library.names()
        if reference in {*library.versions(name), *library.aliases(name)}
    ]
    if not owners:
        return unknown("template", reference, library.names())
    listed = ", ".join(f"{name}@{reference}" for name in owners)
    return PromptlabError(f"{reference!r} names no template", hint=f"write one of {listed}")


def _patch(bench: Workbench, pair: _Pair) -> str:
    """Return the patch between the files of two versions, as they lie on the disk."""
    paths = [template.file for template in pair]
    texts = [(bench.project.root / path).read_bytes().decode() for path in paths]
    return patch(paths[0], texts[0], paths[1], texts[1])


def _rendered(
    bench: Workbench, pair: _Pair, suite_name: str | None, case_id: str | None
) -> _Rendered:
    """Render both versions on the cases of the suite that is named, else of one that has both."""
    if suite_name is not None or case_id is not None:
        suite = _suite(bench, pair, suite_name)
        return _render(pair, suite, case_id)
    for suite in _suites_with(bench, pair):
        with suppress(PromptlabError):  # nobody asked for it: the texts can be told without it
            return _render(pair, suite, None)
    a, b = ((Message("user", whole_text(template)),) for template in pair)
    return _Rendered([[a]], [[b]])


def _suite(bench: Workbench, pair: _Pair, name: str | None) -> Suite:
    """Load the suite that is named, else the first that has both versions."""
    if name is not None:
        return load_suite(bench.project.suites, name)
    for suite in _suites_with(bench, pair):
        return suite
    both = " and ".join(template.reference for template in pair)
    raise PromptlabError(f"no suite has both {both}", hint="name the case's suite with --suite")


def _suites_with(bench: Workbench, pair: _Pair) -> Iterator[Suite]:
    """Yield the suites that reference both versions, by name; a broken one is no matter here."""
    wanted = {(template.source.name, template.source.version) for template in pair}
    for name in suite_names(bench.project.suites):
        try:
            suite = load_suite(bench.project.suites, name)
            references = suite.settings.templates
            found = {one for text in references for one in bench.library.resolve(text)}
        except PromptlabError:
            continue
        if wanted <= found:
            yield suite


def _render(pair: _Pair, suite: Suite, case_id: str | None) -> _Rendered:
    cases = suite.read_cases()
    chosen = spread(cases, _COUNTED_CASES)
    if case_id is not None:
        by_id = {case.id: case for case in cases}
        if case_id not in by_id:
            raise unknown("case", case_id, by_id, of=f"suite {suite.name}")
        chosen = [by_id[case_id]]
    images = ImageFolder(suite.assets)
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
    """Make the backends that may count: the one that is named, else the suite's and the others."""
    if name is not None:
        return [(name, bench.backend(name, "--backend")[1])]
    ours = rendered.suite.settings.backends if rendered.suite else ()
    made = []
    for candidate in dict.fromkeys([*ours, *bench.project.backends]):
        with suppress(PromptlabError):  # nobody asked for this one
            made.append((candidate, bench.backend(candidate, "--backend")[1]))
    return made


def _size(rendered: _Rendered, counters: Sequence[_Counter], *, named: bool) -> PromptSize:
    """Count the prompts in tokens by the first backend that can, else in characters.

    One that cannot for want of its extra is an error only where it is `named` by the user.
    """
    for name, backend in counters:
        with suppress(*(() if named else (PromptlabError,))):
            found = _counted(rendered, partial(_tokens, backend), name)
            if found is not None:
                return found
    found = _counted(rendered, text_size, None)
    assert found is not None
    return found


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

"""Which suites of a project have the versions that are asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from promptlab.core.errors import PromptlabError
from promptlab.experiments.suite import Suite, load_suite, suite_names
from promptlab.templates.past import is_older
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench


def suites_with(bench: Workbench, pair: Sequence[Template]) -> Iterator[Suite]:
    """Yield the suites that reference both versions, by name; skip broken ones.

    Of a text without a file, any version of its template will do.
    """
    wanted = {(template.source.name, template.source.version) for template in pair}
    past = {template.source.name for template in pair if is_older(template.source.version)}
    for name in suite_names(bench.project.suites):
        try:
            suite = load_suite(bench.project.suites, name)
            references = suite.settings.templates
            versions = {version for text in references for version in bench.library.resolve(text)}
        except PromptlabError:
            continue
        present = {name for name, _ in versions}
        if all(at in versions or (at[0] in past and at[0] in present) for at in wanted):
            yield suite

"""Watches the files of a suite: what was saved is run on dev cases and held against its parent.

A text that is saved is another text, so every look is at a question of its own: the ledger takes
them like any. The holdout is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from promptlab.analysis.pair import PairResults
from promptlab.core.digest import digest_json
from promptlab.core.errors import PromptlabError
from promptlab.core.files import read_text
from promptlab.core.runs import RunSettings
from promptlab.core.types import TemplateSource
from promptlab.experiments.suite import load_suite
from promptlab.workbench.bench import Workbench
from promptlab.workbench.carrying import carry_out
from promptlab.workbench.graders import bind_scorers
from promptlab.workbench.jobs import Prepared
from promptlab.workbench.measured import measured
from promptlab.workbench.progress import Progress
from promptlab.workbench.run import prepare_run
from promptlab.workbench.session import Session

Amount = TypeVar("Amount", int, float)
Version = tuple[str, str]
Stamp = Mapping[str, tuple[int, int]]
"""When each file was changed last, and its size."""

Showing = Callable[[Prepared], AbstractContextManager[Progress]]
_MOST_FILES = 20_000  # that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is run of a suite on every save, and the limits over the whole watch."""

    suite: str
    templates: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    limit: int | None = None
    offline: bool = False
    max_calls: int | None = None
    max_cost: float | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the files say: the text of every version, the suite's own text, its cases."""

    versions: Mapping[Version, TemplateSource]
    parents: Mapping[Version, str | None]
    suite: str
    cases: int
    cases_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A changed version against its parent, or its text before; `against` names that, if any.

    `before` is set if that is its own text before the save.
    """

    version: str
    against: str | None
    before: bool
    results: PairResults


@dataclass(frozen=True, slots=True)
class Round:
    """What a save led to: the run of what changed, its calls, and the paired differences.

    `limit` is the limit that stopped it.
    """

    run_id: str
    changed: tuple[str, ...]
    trials: int
    calls: int
    cost_usd: float
    failed: int
    limit: str | None
    compared: tuple[Compared, ...]


@dataclass(slots=True)
class SuiteWatch:
    """The watch of one suite: its last good state, and what it has spent."""

    session: Session
    watched: Watched
    state: State | None = None
    calls: int = 0
    cost_usd: float = 0.0
    spent: bool = False  # a limit has stopped a round
    _before: dict[Version, TemplateSource] = field(default_factory=dict)

    def stamp(self) -> Stamp:
        """Return when each file of templates and suites was changed, and its size."""
        project = Workbench(self.session).project
        found = {}
        folders = (project.templates, project.suites)
        files = [path for each in folders for path in islice(each.rglob("*"), _MOST_FILES)]
        if self.state is not None and self.state.cases_file is not None:
            files.append(self.state.cases_file)
        for path in files:
            with suppress(OSError):  # it was there a moment ago
                stat = path.stat()
                found[str(path)] = (stat.st_mtime_ns, stat.st_size)
        return found

    def changes(self) -> tuple[str, ...]:
        """Read the files, and return the versions that are to be run, by name; none at first.

        Raise PromptlabError where a file has a mistake: the last good state stays.
        """
        now = _read(Workbench(self.session), self.watched)
        then, self.state = self.state, now
        if then is None:
            return ()
        if then.suite != now.suite:  # all of it: what is stored costs no call
            changed = list(now.versions)
        else:
            changed = [
                at
                for at, text in now.versions.items()
                if at not in then.versions or then.versions[at].digest != text.digest
            ]
        for at in changed:
            if at in then.versions and then.versions[at].digest != now.versions[at].digest:
                self._before[at] = then.versions[at]
        return tuple(f"{name}@{version}" for name, version in changed)

    def all_versions(self) -> tuple[str, ...]:
        """Return every version as it is now."""
        if self.state is None:
            self.changes()
        assert self.state is not None
        return tuple(f"{name}@{version}" for name, version in self.state.versions)

    async def run(self, changed: Sequence[str], showing: Showing) -> Round:
        """Run versions that changed with those that they are held against, and compare them."""
        bench, state = Workbench(self.session), self.state
        assert state is not None
        pairs = {name: _against(bench, state, self._before, name) for name in changed}
        held = {
            name: f"{text.name}@{text.version}"
            for name, text in pairs.items()
            if text is not None and _has_file(state, text)
        }
        rivals = _rivals(bench, self.watched.suite)
        names = dict.fromkeys((*_parents_first(changed, held), *rivals))
        settings = RunSettings(
            templates=tuple(names),
            backends=self.watched.backends,
            limit=self.watched.limit,
            split="dev",
            offline=self.watched.offline,
            max_calls=_left(self.watched.max_calls, self.calls),
            max_cost=_left(self.watched.max_cost, self.cost_usd),
            label="watch",
        )
        preparing = prepare_run(bench, self.watched.suite, settings)
        with preparing as prepared, showing(prepared) as progress:
            try:
                ended = await carry_out(prepared, progress)
            finally:
                spent = prepared.job.budget.spent
                self.calls += spent.calls
                self.cost_usd += spent.cost_usd
        self.spent = ended.limit is not None
        texts = {f"{name}@{version}": text for (name, version), text in state.versions.items()}
        return Round(
            run_id=ended.results.run.run_id,
            changed=tuple(changed),
            trials=ended.results.run.stored,
            calls=ended.spent.calls,
            cost_usd=ended.spent.cost_usd,
            failed=ended.results.failed_trials + ended.results.failed_scores,
            limit=ended.limit,
            compared=tuple(
                Compared(
                    name,
                    None if text is None else f"{text.name}@{text.version}",
                    text is not None and f"{text.name}@{text.version}" == name,
                    PairResults() if text is None else measured(bench, text, texts[name], None),
                )
                for name, text in pairs.items()
            ),
        )


def _read(bench: Workbench, watched: Watched) -> State:
    suite = load_suite(bench.project.suites, watched.suite)
    references = watched.templates or suite.settings.templates
    names = [reference.partition("@")[0] for reference in suite.settings.templates]
    versions: dict[Version, TemplateSource] = {}
    parents: dict[Version, str | None] = {}
    for reference in references:
        for at in bench.library.resolve(reference, names):
            loaded = bench.library.load(*at)
            versions[at], parents[at] = loaded.source, loaded.front.parent
    cases = suite.read_cases()
    text = read_text(suite.path, suite.path.name)
    source = suite.settings.cases
    return State(
        versions=versions,
        parents=parents,
        suite=digest_json([text, *(case.digest for case in cases)]),
        cases=len(cases),
        cases_file=suite.path.parent / source if isinstance(source, str) else None,
    )


def _against(
    bench: Workbench, state: State, before: Mapping[Version, TemplateSource], name: str
) -> TemplateSource | None:
    """Return what a version is held against: its parent, else its text before the last save."""
    template, _, version = name.partition("@")
    parent = state.parents.get((template, version))
    if parent is not None:
        with suppress(PromptlabError):  # a parent without a file may have been run
            return bench.library.one(f"{template}@{parent}")
    return before.get((template, version))


def _parents_first(changed: Sequence[str], held: Mapping[str, str]) -> Iterator[str]:
    """Yield versions after what they are held against: the first of a run is its baseline."""
    for name in changed:
        line = [name]
        while (parent := held.get(line[-1])) is not None and parent not in line:
            line.append(parent)
        yield from reversed(line)


def _rivals(bench: Workbench, suite: str) -> list[str]:
    """Return the versions that scorers compare answers with, which have to be in every run."""
    scorers = bind_scorers(bench, load_suite(bench.project.suites, suite))
    return [arm for scorer in scorers for arm in scorer.rivals() if " " not in arm]


def _has_file(state: State, text: TemplateSource) -> bool:
    """Return whether a text is that of a version today, so that it can be run."""
    known = state.versions.get((text.name, text.version))
    return " [" not in text.version and (known is None or known.digest == text.digest)


def _left(most: Amount | None, spent: Amount) -> Amount | None:
    return None if most is None else max(most - spent, type(most)(0))


@contextmanager
def in_silence(prepared: Prepared) -> Iterator[Progress]:
    """Watch a round without showing anything."""
    yield Progress(prepared.job.plan, prepared.job.backends.values(), lambda: 0.0)

"""Which cases flipped at which hunk: looks for measured texts between which one hunk changed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from itertools import product

from promptlab.analysis.hunk_flips import Flipped, FlipsByHunk, HunkFlips, flipped
from promptlab.analysis.measurements import join, only_text
from promptlab.analysis.pair import PairResults
from promptlab.core.decision import Rule
from promptlab.core.errors import PromptlabError
from promptlab.core.measured import MeasuredRun, TextArm
from promptlab.core.types import TemplateSource
from promptlab.store import Store
from promptlab.templates.changes import Change, Changes, Numbers
from promptlab.templates.past import is_older, older_version, restoring
from promptlab.templates.template import Template
from promptlab.workbench.bench import Workbench

_MOST = 16  # texts that are held against each other where none between the two was measured

_Prompt = tuple[str, tuple[str, ...]]
"""What is sent: the digest of a text, and the practices that are switched off."""


def flips_by_hunk(bench: Workbench, a: Template, b: Template, results: PairResults) -> FlipsByHunk:
    """Join the hunks between two versions with the cases that flipped where one alone changed.

    `results` is what was measured of the two themselves.
    """
    changes = Changes(a, b)
    found = FlipsByHunk(
        a.reference, b.reference, b.file, tuple(HunkFlips(change) for change in changes.all)
    )
    if not bench.has_database or not changes.all:
        return found
    with bench.open_store() as store:
        search = _Search(bench, store, changes, results)
        pair = tuple(search.pair())
        hunks = tuple(HunkFlips(one, tuple(search.alone(one))) for one in changes.all)
        suite = search.suite
    found = FlipsByHunk(found.a, found.b, found.file, hunks, pair)
    if not found.missing or not found.is_measured:
        return found
    older = [each for each in (a, b) if is_older(each.source.version)]
    restore = tuple(restoring(each.source.name, each.source.digest) for each in older)
    missing = frozenset(hunk.change.number for hunk in found.missing)
    command = None if older else separating(bench, changes, missing, suite)
    return FlipsByHunk(found.a, found.b, found.file, hunks, pair, command, restore)


def separating(
    bench: Workbench, changes: Changes, missing: Numbers, suite: str | None
) -> str | None:
    """Return the command that measures hunks apart: it writes the texts between, or runs them."""
    a, b = changes.a, changes.b
    if a.source.name != b.source.name:
        return None
    words = [bench.session.command, "template", "split", a.reference, b.reference]
    between = versions_between(bench, changes)
    wanted = [numbers for numbers in changes.between if numbers & missing or len(changes.loud) == 2]
    if all(numbers in between for numbers in wanted):
        versions = [f"{a.source.name}@{between[numbers]}" for numbers in wanted]
        return running(bench, suite, [a.reference, *versions, b.reference])
    return f"{words[0]} {shlex.join(words[1:])}"


def versions_between(bench: Workbench, changes: Changes) -> dict[Numbers, str]:
    """Return the versions with a file that have some of the changes, the first of each kind."""
    found: dict[Numbers, str] = {}
    name = changes.a.source.name
    for version in bench.library.versions(name):
        try:
            source = bench.library.read(name, version)
        except PromptlabError:  # another version's mistake
            continue
        numbers = changes.place_of(source)
        if numbers is not None:
            found.setdefault(numbers, version)
    return found


def running(bench: Workbench, suite: str | None, references: Sequence[str]) -> str:
    """Return the command that runs these versions."""
    words = [suite or "SUITE"]
    for reference in references:
        words += ["-t", reference]
    return f"{bench.session.command} run {shlex.join(words)}"


class _Search:
    """Looks through all that is stored of two templates for pairs of texts one hunk apart."""

    def __init__(
        self, bench: Workbench, store: Store, changes: Changes, results: PairResults
    ) -> None:
        self._bench = bench
        self._store = store
        self._changes = changes
        self._results = results
        self._scorer = next((row.scorer for row in results.comparisons), None)
        self._runs: dict[str, MeasuredRun | None] = {}
        self._texts: dict[str, TemplateSource] = {}
        names = {changes.a.source.name, changes.b.source.name}
        self._arms = store.texts.arms(sorted(names))
        self._places: dict[_Prompt, Numbers] = {}
        for prompt in dict.fromkeys(arm.prompt for arm in self._arms):
            place = changes.place_of(self._text(prompt[0]), prompt[1])
            if place is not None:
                self._places[prompt] = place

    @property
    def suite(self) -> str | None:
        """Return the suite that one of the two was last run in."""
        return next((arm.suite for arm in self._arms if arm.prompt in self._places), None)

    @property
    def _rule(self) -> Rule:
        return self._bench.rule

    def pair(self) -> Iterator[Flipped]:
        """Yield what flipped between the two themselves, on each backend."""
        ends = [(each.source.digest, ()) for each in (self._changes.a, self._changes.b)]
        shown = {row.backend: row for row in self._results.comparisons}
        for backend in self._backends():
            found = self._between(ends[0], ends[1], backend, sampling=True)
            row = None if found is None else shown.get(found.backend)
            if found is not None and row is not None:  # the same as stands above it
                yield Flipped(
                    found.a, found.b, found.backend, found.scorer, found.runs, row.won, row.lost,
                    found.deltas,
                )  # fmt: skip
            elif found is not None:
                yield found

    def alone(self, change: Change) -> Iterator[Flipped]:
        """Yield what flipped where this hunk alone changed, on each backend."""
        if change.silent:
            return
        if len(self._changes.loud) == 1:
            yield from self.pair()
            return
        found = False
        for pairs in (self._pairs(change), self._pairs_elsewhere(change)):
            for backend in self._backends():
                for x, y in pairs:
                    flips = self._between(x, y, backend, sampling=change.is_sampling)
                    if flips is not None:
                        found = True
                        yield flips
                        break
            if found:
                return

    def _backends(self) -> list[str]:
        return list(dict.fromkeys(arm.backend_digest for arm in self._arms))

    def _pairs(self, change: Change) -> list[tuple[_Prompt, _Prompt]]:
        """Return the texts without and with a hunk: first beside the first text, then the second.

        All have only the hunks of the two.
        """
        alone, every = {change.number}, {one.number for one in self._changes.loud}
        places = self._places

        def rank(pair: tuple[_Prompt, _Prompt]) -> tuple[bool, bool, int, int]:
            x, y = pair
            off = len(x[1]) + len(y[1])
            return bool(places[x]), places[y] != every, len(places[x]), off

        found = product(places, places)
        return sorted(
            ((x, y) for x, y in found if places[x] < places[y] and places[y] - places[x] == alone),
            key=rank,
        )

    def _pairs_elsewhere(self, change: Change) -> list[tuple[_Prompt, _Prompt]]:
        """Return the texts that differ in a hunk alone, but otherwise from both of the two."""
        prompts = dict.fromkeys(arm.prompt for arm in self._arms if not arm.off)
        newest = [(prompt, self._text(prompt[0])) for prompt in prompts][:_MOST]
        return [
            (x, y)
            for (x, one), (y, other) in product(newest, newest)
            if x != y
            and not (x in self._places and y in self._places)
            and self._changes.alone_between(one, other) == change.number
        ]

    def _between(self, x: _Prompt, y: _Prompt, backend: str, *, sampling: bool) -> Flipped | None:
        """Return what flipped between two texts on a backend, None if they were not measured so.

        `sampling` says that they may be sampled otherwise.
        """
        before, after = (
            [arm for arm in self._arms if arm.prompt == prompt and arm.backend_digest == backend]
            for prompt in (x, y)
        )
        pairs = [
            (one, other)
            for one, other in product(before, after)
            if one.sampling == other.sampling or (sampling and one.run_id == other.run_id)
        ]
        for one, other in sorted(pairs, key=self._standing, reverse=True):
            found = self._flipped(one, other)
            if found is not None:
                return found
        return None

    def _standing(self, pair: tuple[TextArm, TextArm]) -> tuple[bool, bool, bool, int]:
        """Return how much a pair of arms tells: of the run that is shown, of one run, of most."""
        a, b = pair
        shown = (a.run_id, b.run_id) == self._results.runs
        return (
            shown,
            a.finished and b.finished,
            a.run_id == b.run_id,
            min(a.cases, b.cases),
        )

    def _flipped(self, a: TextArm, b: TextArm) -> Flipped | None:
        run_a, run_b = self._run(a.run_id), self._run(b.run_id)
        if run_a is None or run_b is None:
            return None
        spec_a, spec_b = run_a.scorer, run_b.scorer
        graded = [(spec.version, spec.params, spec.identity) for spec in (spec_a, spec_b)]
        if graded[0] != graded[1]:
            return None
        table = join(
            [only_text(run, self._named(arm), arm.off) for run, arm in ((run_a, a), (run_b, b))]
        )
        arms = [
            next(
                (
                    joined
                    for joined in table.arms
                    if (joined.arm.digest, joined.arm.off) == arm.prompt
                    and joined.settings[0].backend_digest == arm.backend_digest
                ),
                None,
            )
            for arm in (a, b)
        ]
        if arms[0] is None or arms[1] is None:
            return None
        return flipped(table, arms[0], arms[1], self._rule, (self._shown(a), self._shown(b)))

    def _run(self, run_id: str) -> MeasuredRun | None:
        """Read a run by the scorer of the first one, None if it has no such scorer."""
        if run_id not in self._runs:
            try:
                self._runs[run_id] = self._store.measured(run_id, self._scorer)
            except PromptlabError:
                self._runs[run_id] = None
        run = self._runs[run_id]
        if run is not None and self._scorer is None:
            self._scorer = run.scorer.label
        return run

    def _text(self, digest: str) -> TemplateSource:
        if digest not in self._texts:
            source, includes = self._store.texts.read(digest)
            self._texts[digest] = TemplateSource("", "", source, includes, digest)
        return self._texts[digest]

    def _named(self, arm: TextArm) -> TemplateSource:
        text = self._text(arm.digest)
        return TemplateSource(arm.template, arm.version, text.source, text.includes, text.digest)

    def _shown(self, arm: TextArm) -> str:
        """Return the name of a text, with its digest where its version has another one today."""
        version = arm.version
        if self._bench.library.digest_of(arm.template, version) != arm.digest:
            version = older_version(version, arm.digest)
        return " ".join([f"{arm.template}@{version}", *(f"-{name}" for name in arm.off)])

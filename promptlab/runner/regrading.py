"""Grades the stored answers of a run again, as far as the store knows what scorers want to know."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from promptlab.core.results import GradedTrial
from promptlab.core.types import Completion, Outcome, Plan, Score, Turn
from promptlab.runner.questions import Questions
from promptlab.runner.samples import Samples
from promptlab.scorers.batches import reads_one_answer, score_all, waits
from promptlab.scorers.binding import BoundScorer
from promptlab.scorers.sample import Sample
from promptlab.store import Store

_CHUNK = 512  # trials that are read together
_AT_ONCE = 64  # user-defined scorers may be slow


@dataclass(frozen=True, slots=True)
class Stored:
    """A run in the store. If it is `fresh`, answers of other runs do not count.

    `weighing` are the backends that can weigh given answers.
    """

    store: Store
    run_id: str
    plan: Plan
    fresh: bool
    weighing: frozenset[str] = frozenset()

    def answers(self, keys: Sequence[str]) -> Mapping[str, Completion]:
        """Return the stored answers to requests, by the keys of these."""
        return self.store.completions(keys, self.run_id if self.fresh else None)

    def conversations(self, seqs: Sequence[int], *, again: bool) -> dict[int, list[Turn]]:
        """Return the turns of trials; with `again`, without the questions that had no answer."""
        found = self.store.gradings.conversations(self.run_id, seqs)
        if not again:
            return found
        return {seq: [each for each in turns if not _failed(each)] for seq, turns in found.items()}


@dataclass(slots=True)
class Graded:
    """The scores so far, by scorer and trial, and the answers aside that are new to each trial.

    `open` are the trials about which scorers have a question that the store cannot answer, each
    with the backend to ask next. `error` is why one of them could not be graded.
    """

    scores: defaultdict[str, dict[int, Score]] = field(default_factory=lambda: defaultdict(dict))
    asides: dict[int, Sequence[Turn]] = field(default_factory=dict)
    open: dict[int, str] = field(default_factory=dict)
    error: str | None = None

    def add(self, seq: int, scores: Mapping[str, Score]) -> None:
        """Keep the scores of a trial."""
        for label, score in scores.items():
            self.scores[label][seq] = score

    @property
    def asked(self) -> Counter[str]:
        """Count the trials that have a question to each backend."""
        return Counter(self.open.values())


def _failed(turn: Turn) -> bool:
    return turn.aside and turn.completion.outcome is Outcome.ERROR


async def grade_stored(
    stored: Stored, trials: Sequence[GradedTrial], scorers: Sequence[BoundScorer]
) -> Graded:
    """Grade trials; scorers that may ask leave out those about which they have an open question."""
    work = _Work(stored, scorers)
    for start in range(0, len(trials), _CHUNK):
        await work.grade(trials[start : start + _CHUNK])
        await asyncio.sleep(0)  # built-in scorers never suspend: let Ctrl-C through
    return work.graded


class _Work:
    def __init__(self, stored: Stored, scorers: Sequence[BoundScorer]) -> None:
        self.graded = Graded()
        self._stored = stored
        self._plan = stored.plan
        self._scorers = scorers
        self._questions = Questions(stored.plan, scorers, stored.weighing)
        self._samples = Samples(stored.plan)
        self._reads_answers = all(map(reads_one_answer, scorers))

    async def grade(self, trials: Sequence[GradedTrial]) -> None:
        """Grade some trials, which are read together."""
        samples = self._answers(trials) if self._reads_answers else self._conversations(trials)
        for scorer in self._scorers:
            known = self.graded.open if scorer.may_ask else ()
            await self._score(scorer, samples, known)

    def _answers(self, trials: Sequence[GradedTrial]) -> Mapping[int, Sample]:
        """Return trials without their conversations, which take most of the time to read."""
        answers = self._stored.store.gradings.answers(
            self._stored.run_id, [trial.seq for trial in trials]
        )
        cases = self._plan.cases
        return {
            trial.seq: Sample(
                answers[trial.seq].text, cases[trial.case], answers[trial.seq].outcome
            )
            for trial in trials
        }

    def _conversations(self, trials: Sequence[GradedTrial]) -> Mapping[int, Sample]:
        """Return trials with their conversations, and with what the store knows of questions."""
        seqs = [trial.seq for trial in trials]
        asking = bool(self._questions.asking)
        turns = self._stored.conversations(seqs, again=asking)
        if asking:
            before = {seq: len(found) for seq, found in turns.items()}
            self._look_up(seqs, turns)
            for seq, found in turns.items():
                if len(found) > before[seq] and seq not in self.graded.open:
                    self.graded.asides[seq] = found[before[seq] :]
        return {
            trial.seq: self._samples.of(self._plan.trial(trial.seq), turns[trial.seq], trial.graded)
            for trial in trials
        }

    def _look_up(self, seqs: Sequence[int], turns: Mapping[int, list[Turn]]) -> None:
        """Add to the turns what the store knows of the questions of scorers."""
        wanted: Sequence[int] = seqs
        while wanted:
            opened = {
                seq: question
                for seq in wanted
                if (question := self._questions.next(self._plan.trial(seq), turns[seq])) is not None
            }
            known = self._stored.answers([each.request.key for each in opened.values()])
            wanted = [seq for seq, each in opened.items() if each.request.key in known]
            for seq, each in opened.items():
                completion = known.get(each.request.key)
                if completion is not None:
                    turns[seq].append(each.answered(completion, cached=True))
                else:
                    own = self._plan.arms[self._plan.trial(seq).arm].backend
                    self.graded.open[seq] = each.backend or own

    async def _score(
        self, scorer: BoundScorer, samples: Mapping[int, Sample], but: Collection[int]
    ) -> None:
        scores = self.graded.scores[scorer.spec.label]
        own = [
            (seq, sample)
            for seq, sample in samples.items()
            if seq not in but and scorer.grades(sample.case)
        ]
        for start in range(0, len(own), _AT_ONCE):
            batch = own[start : start + _AT_ONCE]
            found = await _scores(scorer, [sample for _, sample in batch])
            scores.update(zip((seq for seq, _ in batch), found, strict=True))


async def _scores(scorer: BoundScorer, samples: Sequence[Sample]) -> Sequence[Score]:
    """Grade samples: side by side where a scorer may wait, else one after the other."""
    if waits(scorer):
        return await asyncio.gather(*(scorer.score(sample) for sample in samples))
    if scorer.inline:
        return score_all(scorer, samples)
    return await asyncio.to_thread(score_all, scorer, samples)

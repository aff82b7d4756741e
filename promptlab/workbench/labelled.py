"""The stored answers that labels are about, with what a judge of their runs says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from promptlab.analysis.errors import Judgement
from promptlab.analysis.passports import Counted
from promptlab.core.errors import PromptlabError
from promptlab.core.plugins import unknown
from promptlab.core.results import Result
from promptlab.core.types import ScorerSpec
from promptlab.importers.labels import Kind, Label
from promptlab.scorers.judges.orders import base_of
from promptlab.store import Store

_WRITES, _OF_MODEL = "write", "model"


@dataclass(slots=True)
class LabelledAnswer:
    """A stored answer with the judge's score, and what each rater says of it, by kind of rater.

    `turn` is the place of the answer in its conversation.
    """

    result: Result
    turn: int
    ratings: dict[Kind, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))


@dataclass(frozen=True, slots=True)
class LabelledAnswers:
    """The labelled answers that count, those of people if there are any, and what does not.

    `pairs` says that a judge of pairs is held against what people say of pairs.
    """

    answers: tuple[LabelledAnswer, ...]
    counted: Counted
    pairs: bool = False

    @property
    def kind(self) -> Kind:
        """Return whose labels count."""
        return "human" if self.counted.of_people else "model"

    @property
    def distinct(self) -> tuple[LabelledAnswer, ...]:
        """Return each output of an arm to a case once: who labels its copies judges once.

        Of copies the first one counts, with what raters who labelled only others say of those.
        """
        first: dict[tuple[str, str, str, str | None], LabelledAnswer] = {}
        for answer in self.answers:
            result = answer.result
            key = result.case_id, result.arm, result.backend, result.output
            kept = first.setdefault(key, LabelledAnswer(result, answer.turn))
            for kind, ratings in answer.ratings.items():
                kept.ratings[kind] = {**ratings, **kept.ratings[kind]}
        return tuple(first.values())

    def judgements(self) -> list[Judgement]:
        """Return what judge and raters say of each output."""
        answers = self.distinct
        binary = not self.pairs and all(
            value in (0, 1) for answer in answers for value in answer.ratings[self.kind].values()
        )
        several = len({answer.result.backend for answer in answers}) > 1
        return [
            Judgement(
                arm_of(answer.result, several=several),
                answer.ratings[self.kind],
                score_of(answer.result, binary=binary),
            )
            for answer in answers
        ]


def arm_of(result: Result, *, several: bool) -> str:
    """Return the arm of an answer, with its backend where there are several."""
    return result.arm if several else result.arm.removesuffix(f" on {result.backend}")


def score_of(result: Result, *, binary: bool) -> float:
    """Return what a judge says: pass or fail where people say that, otherwise its number."""
    assert result.score is not None
    if not binary:
        return result.score
    if result.passed is not None:  # a score of 0 may pass, and one of 0.5 is no verdict
        return float(result.passed)
    if result.score in (0, 1):
        return result.score
    raise PromptlabError(
        f"people pass or fail, and {result.scorer!r} gives numbers",
        hint="set what passes in the suite, such as at_least: 0.8, and run it again",
    )


def labelled_answers(
    store: Store, labels: Iterable[Label], judge: ScorerSpec, run_of: Callable[[Label], str]
) -> LabelledAnswers:
    """Find the answer that each label is about; `run_of` returns the id of its run.

    What is said of pairs is for a judge of pairs, where one of both is the version that it compares
    with; other pairs are passed over. Labels that were used to write the rubric are set aside, also
    where others have labelled the same answer: the judge was made to agree there.
    """
    stored: dict[str, _Stored] = {}
    answers: dict[tuple[str, int], LabelledAnswer] = {}
    written: set[tuple[str, int]] = set()
    for label in labels:
        if not _is_for(judge, label):
            continue
        run_id = run_of(label)
        if run_id not in stored:
            stored[run_id] = _Stored(store, run_id, judge.label)
        result = stored[run_id].find(label)
        place = run_id, result.seq
        answer = answers.setdefault(place, LabelledAnswer(result, stored[run_id].turn(result)))
        if label.split == _WRITES:
            written.add(place)
        if label.rater in answer.ratings[label.kind]:
            text = f"{label.rater} has labelled this output before, the output of case"
            raise PromptlabError(
                f"{text} {label.case!r}", where=label.where, hint="keep one of the two labels"
            )
        answer.ratings[label.kind][label.rater] = label.value
    kept = {place: answer for place, answer in answers.items() if place not in written}
    human = [answer for answer in kept.values() if answer.ratings["human"]]
    by_model = [answer for answer in kept.values() if not answer.ratings["human"]]
    chosen = human or by_model
    scored = [answer for answer in chosen if answer.result.score is not None]
    if not scored:
        raise PromptlabError(
            "no label is left that the judge can be held against",
            hint="those of the split `write` do not count, nor pairs of other versions",
        )
    counted = Counted(len(by_model), len(written), len(chosen) - len(scored), bool(human))
    return LabelledAnswers(tuple(scored), counted, base_of(judge) is not None)


def _is_for(judge: ScorerSpec, label: Label) -> bool:
    """Return whether a label says something of what a judge says."""
    if label.against is None:
        return True
    base = base_of(judge)
    if base is None:
        raise PromptlabError(
            f"this is a label of a pair, and {judge.label!r} judges outputs one by one",
            where=label.where,
            hint="label single outputs, or calibrate a judge of pairs",
        )
    return label.against in (base, base.partition("@")[2])


class _Stored:
    """The answers of a run that a judge has graded, by their case."""

    def __init__(self, store: Store, run_id: str, judge: str) -> None:
        self._run_id = run_id
        self._by_case: defaultdict[str, list[Result]] = defaultdict(list)
        self._turns = {trial.seq: trial.graded for trial in store.gradings.trials(run_id)}
        for seq, score in store.gradings.scores(run_id, judge).items():
            if score.graded is not None:  # the suite has it grade another answer
                self._turns[seq] = score.graded[0]
        with closing(store.results(run_id)) as results:
            for result in results:
                if result.scorer == judge and result.was_graded:
                    self._by_case[result.case_id].append(result)

    def turn(self, result: Result) -> int:
        """Return the place of an answer in its conversation."""
        return self._turns[result.seq]

    def find(self, label: Label) -> Result:
        """Return the answer that a label is about. Raise `PromptlabError` unless it is one."""
        if label.case not in self._by_case:
            error = unknown("case", label.case, self._by_case, of=f"run {self._run_id}")
            raise error.at(f"{label.where}: case")
        found: Sequence[Result] = self._by_case[label.case]
        for what, given, matches in _TESTS:
            wanted = given(label)
            if wanted is None:
                continue
            kept = [result for result in found if matches(result, wanted)]
            if not kept:
                raise _no_answer(label, what, str(wanted), found)
            found = kept
        if len({result.output for result in found}) > 1:
            raise PromptlabError(
                f"{len(found)} outputs of run {self._run_id} may be meant",
                where=label.where,
                hint=f"name {_apart(found)}",
            )
        return found[0]


def _is_version(result: Result, version: object) -> bool:
    named = f"{result.template}@{result.version}"
    return version in (result.version, named, result.arm, f"{result.arm} on {result.backend}")


_TESTS: tuple[tuple[str, Callable[[Label], object], Callable[[Result, object], bool]], ...] = (
    ("version", lambda label: label.version, _is_version),
    ("backend", lambda label: label.backend, lambda result, given: result.backend == given),
    ("repeat", lambda label: label.repeat, lambda result, given: result.repeat == given),
    (
        "output",
        lambda label: label.output,
        lambda result, given: (result.output or "").strip() == str(given).strip(),
    ),
)


def _no_answer(label: Label, what: str, wanted: str, found: Sequence[Result]) -> PromptlabError:
    """Return the error for a label whose answer is not stored."""
    if what == "output":
        return PromptlabError(
            f"no stored answer to case {label.case!r} is this output",
            where=f"{label.where}: output",
            hint="name the run that it is from in the column `run`",
        )
    known: Mapping[str, list[str]] = {
        "version": [result.version for result in found],
        "backend": [result.backend for result in found],
        "repeat": [str(result.repeat) for result in found],
    }
    return unknown(what, wanted, dict.fromkeys(known[what])).at(f"{label.where}: {what}")


def _apart(found: Sequence[Result]) -> str:
    """Return by which column answers can be told apart."""
    for what, values in (
        ("the version", {result.arm for result in found}),
        ("the backend", {result.backend for result in found}),
        ("the repeat", {result.repeat for result in found}),
    ):
        if len(values) > 1:
            return what
    return "the output"

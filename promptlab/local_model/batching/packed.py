"""Answer prompts in packed steps: choose tokens, end answers, survive running out of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from promptlab.core.capacity import Throughput
from promptlab.local_model.batching.answers import (
    NO_MEMORY,
    Answer,
    Emit,
    Prompt,
    describe_error,
    end_tokens,
    is_out_of_memory,
    weighed,
)
from promptlab.local_model.batching.batch import Batch, Limits, Work
from promptlab.local_model.batching.held import Job, Live
from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.rows import Decode, Row, choose
from promptlab.local_model.batching.trie import Thrift
from promptlab.local_model.forward_pass.forward import Forward
from promptlab.local_model.forward_pass.kv import Geometry
from promptlab.local_model.forward_pass.step import Cancelled
from promptlab.local_model.forward_pass.weigh import Weighing, affordable_logits, weigh
from promptlab.local_model.host.memory import free_bytes, give_back

ROWS = 128
_LIVE_SHARE, _KEPT_SHARE = 0.6, 0.2  # of free memory
_KEPT_BYTES = 2**29
_LEAST_TOKENS = 16


@dataclass(frozen=True, slots=True)
class _Pace:
    """What suits a device: tokens per step, and the sizes below which sharing does not pay.

    A step of 512 tokens keeps a CPU's caches warm and its matrix products at full speed; a GPU
    wants more. `copied_bytes` is what a layer reads in the time that a separate operation takes
    to start. `logit_bytes` limits the logits of continuations in a step.
    """

    tokens: int
    reading: int
    copied_bytes: float
    logit_bytes: int


@dataclass(frozen=True, slots=True)
class _Break:
    """The jobs of a step that failed. One of them may be the cause: they are tried in parts."""

    jobs: Sequence[Job]

    def apart(self, jobs: Sequence[Job]) -> list[list[Job]]:
        """Return all jobs in parts: those that the step did not concern, and both halves."""
        broken, middle = {job.index for job in self.jobs}, len(self.jobs) // 2
        others = [job for job in jobs if job.index not in broken]
        return [others, [*self.jobs[middle:]], [*self.jobs[:middle]]]


@dataclass(frozen=True, slots=True)
class _Shortage:
    """The jobs for which memory ran out, and whether that happened while reading."""

    jobs: Sequence[Job]
    reading: bool


def _problem(work: Work, error: Exception) -> _Shortage | _Break | None:
    """Return why a step failed that can be tried otherwise; None if its one prompt is at fault."""
    jobs = [live.job for live in work.concerned]
    if is_out_of_memory(error):
        return _Shortage(jobs, bool(work.pieces))
    return _Break(jobs) if len(jobs) > 1 else None


_PACES = {"cpu": _Pace(512, 8, 1.2e6, 2**27), "other": _Pace(4096, 256, 1e7, 2**29)}


class Packed:
    """A model that reads packed steps."""

    def __init__(
        self,
        model: Any,
        geometry: Geometry,
        decode: Decode,
        rows: int | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.stats = Throughput()
        self._clock = clock
        self._decode = decode
        self._geometry = geometry
        self.rows = rows or ROWS
        self._forward = Forward(model, geometry)
        self._eos = end_tokens(model)
        self._penalty = getattr(model.generation_config, "repetition_penalty", None) or 1.0
        self._pace = _PACES.get(geometry.device.type, _PACES["other"])
        self._weighed = affordable_logits(model, self._pace.logit_bytes)
        weights = sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
        most = max(_KEPT_BYTES, weights)  # kept entries must not dominate a model's memory
        self._kept = Kept(min(most, int(_KEPT_SHARE * free_bytes(geometry.device))))

    def generate(self, prompts: Sequence[Prompt], emit: Emit, cancelled: threading.Event) -> None:
        """Answer all prompts, passing each answer to `emit` as soon as it ends."""
        self._forward.cancelled = cancelled
        self._kept.begin(followed=any(prompt.followed for prompt in prompts))
        jobs = [self._job(index, prompt) for index, prompt in enumerate(prompts)]
        free = free_bytes(self._geometry.device)
        limits = Limits(self.rows, self._pace.tokens, int(_LIVE_SHARE * free), self._weighed)
        began = self._clock() - self.stats.seconds

        def timed(index: int, answer: Answer) -> None:
            self.stats.seconds = self._clock() - began  # for progress displays
            emit(index, answer)

        with torch.inference_mode(), suppress(Cancelled):
            parts = [jobs]
            while parts and not cancelled.is_set():
                batch = Batch(parts.pop(), self._geometry, limits, self._kept, self._thrift())
                problem = self._drain(batch, timed, cancelled)
                self.stats.recalled_tokens += batch.recalled
                left = batch.unanswered
                if isinstance(problem, _Shortage):
                    limits = self._narrowed(limits, problem, left, emit)
                parts += problem.apart(left) if isinstance(problem, _Break) else [left]
                parts = [part for part in parts if part]
        give_back()
        self.stats.seconds = self._clock() - began

    def _job(self, index: int, prompt: Prompt) -> Job:
        row = Row(prompt.sampling, self._eos, self._decode, prompt.heard)
        if not prompt.continuation:
            return Job(index, prompt.ids, row, followed=prompt.followed)
        read = [*prompt.ids, *prompt.continuation[:-1]]
        return Job(index, read, row, Weighing(prompt.continuation))

    def _thrift(self) -> Thrift:
        bytes_each = self._geometry.token_bytes / len(self._geometry.layers)
        return Thrift(self._pace.reading, max(64, int(self._pace.copied_bytes / bytes_each)))

    def _drain(
        self, batch: Batch, emit: Emit, cancelled: threading.Event
    ) -> _Shortage | _Break | None:
        """Run all steps of a batch; return what stops it early."""
        while not cancelled.is_set():
            try:
                work = batch.next()
            except (MemoryError, torch.OutOfMemoryError):
                return _Shortage(batch.at_hand, False)
            if work is None:
                break
            self._begin(work)
            try:
                logits = self._forward(work.step)
                weigh(logits[len(work.generating) :], work.targets)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001 - a model's own code, like a plugin's
                if (problem := _problem(work, error)) is not None:
                    return problem
                for live in work.concerned:
                    batch.finish(live, spoilt=True)
                    emit(live.job.index, Answer(error=describe_error(error)))
                continue
            batch.commit(work)
            self._finish(batch, [*self._draw_tokens(work.generating, logits), *work.weighed], emit)
        return None

    def _begin(self, work: Work) -> None:
        for live in work.concerned:
            if live.job.begun is None:
                live.job.begun = self._clock()
                self.stats.prompt_tokens += len(live.job.prompt)
        self.stats.read_tokens += sum(piece.count for piece in work.pieces)

    def _draw_tokens(self, generating: Sequence[Live], logits: torch.Tensor) -> list[Live]:
        """Draw each prompt's next token; return the prompts that end with it."""
        rows = [live.job.row for live in generating]
        texts = (
            [[*live.job.prompt, *live.job.row.tokens] for live in generating]
            if self._penalty != 1.0
            else []
        )
        tokens = choose(rows, logits[: len(rows)], texts, self._penalty)
        self.stats.output_tokens += len(tokens)
        drawn = zip(generating, tokens, strict=True)
        return [live for live, token in drawn if live.job.row.push(token)]

    def _finish(self, batch: Batch, ended: Sequence[Live], emit: Emit) -> None:
        """Emit the complete answers. Only after all tokens are drawn: finishing moves rows."""
        for live in ended:
            answer = self._answer(live.job)
            batch.finish(live, spoilt=answer.error is not None)
            emit(live.job.index, answer)

    def _answer(self, job: Job) -> Answer:
        assert job.begun is not None
        seconds = self._clock() - job.begun
        if job.weighing:
            return weighed(job.weighing.likelihood(), seconds)
        return job.row.answer(seconds)

    def _narrowed(self, limits: Limits, shortage: _Shortage, jobs: list[Job], emit: Emit) -> Limits:
        """Return lower limits; give up a prompt that does not fit even alone and in small steps."""
        self._kept.clear()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(shortage.jobs) > 1:
            return replace(limits, rows=len(shortage.jobs) // 2)
        if limits.tokens > _LEAST_TOKENS and shortage.reading:
            return replace(limits, tokens=limits.tokens // 2)
        (lost,) = shortage.jobs
        jobs.remove(lost)
        emit(lost.index, Answer(error=NO_MEMORY))
        return limits

"""Prompts on their way through a model: what is read next, who speaks, and what is let go of.

Reading comes first: spans that are shared, each once, and after them what every prompt has for
itself, depth first through their tree, until there is no room left. Then all prompts that were
read speak one token a step. Knows tokens, stores and steps; runs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptlab.local_model.batching.build_step import Piece, chain, reading, speaking
from promptlab.local_model.batching.held import Job, Live, Shared, Slab
from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.trie import Thrift, Tree, grow
from promptlab.local_model.forward_pass.kv import Geometry, Store
from promptlab.local_model.forward_pass.step import Step
from promptlab.local_model.forward_pass.weigh import Asked

_FEW = 8  # what less than this part of all prompts have in common will hardly be asked for again


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once: rows, tokens read in one step, bytes of keys and values.

    `weighed` is how many tokens one step may tell the likelihood of.
    """

    rows: int
    tokens: int
    bytes: int
    weighed: int = 2**40


@dataclass(frozen=True, slots=True)
class Work:
    """A step to be done; after it those in `heard` say a token, one for each row of logits.

    `concerned` is who fails with it. A step that reads has `pieces`. The rows of logits after
    those are what is `asked` of continuations; all is known then of those that are `weighed`.
    """

    step: Step
    heard: Sequence[Live]
    concerned: Sequence[Live]
    pieces: Sequence[Piece] = field(default=())
    asked: Sequence[Asked] = field(default=())
    weighed: Sequence[Live] = field(default=())


class Batch:
    """All prompts that wait, are read or speak. `recalled` counts tokens known from before."""

    def __init__(
        self, jobs: Sequence[Job], geometry: Geometry, limits: Limits, kept: Kept, thrift: Thrift
    ) -> None:
        self.recalled = 0
        self._geometry = geometry
        self._limits = limits
        self._kept = kept
        self._speaking: list[Live] = []
        self._full_at = limits.rows
        texts = [[*job.prompt, *job.row.tokens] for job in jobs]
        tree = grow(texts, thrift, [job.own for job in jobs])
        self._spans = _spans(tree, texts)
        self._slabs: dict[int, Slab] = {}
        self._waiting = self._lives(tree, texts, jobs)[::-1]
        for slab in self._slabs.values():
            fitting = max(1, limits.bytes // slab.row_bytes)
            slab.limit = min(slab.limit, limits.rows, fitting)

    @property
    def unanswered(self) -> list[Job]:
        """Return what waits, is read or speaks."""
        return [live.job for live in (*self._speaking, *reversed(self._waiting))]

    @property
    def at_hand(self) -> list[Job]:
        """Return what the next step may be about."""
        return self.unanswered[: len(self._speaking) + 1]

    @property
    def bytes(self) -> int:
        """Return what keys and values take now."""
        spans = sum(span.store.bytes for span in self._spans if span.store is not None)
        return spans + sum(slab.bytes for slab in self._slabs.values())

    def next(self) -> Work | None:
        """Return the next step, None when every prompt is answered."""
        if self._waiting and self._reads_on() and (pieces := self._pieces()):
            return self._reading(pieces)
        if not self._speaking:
            return None
        self._speaking.sort(key=lambda live: live.rank)
        slabs = [slab for slab in self._slabs.values() if slab.rows]
        step = speaking(self._speaking, slabs, self._geometry.device)
        return Work(step, tuple(self._speaking), tuple(self._speaking))

    def commit(self, work: Work) -> None:
        """Note that a step was done."""
        for piece in work.pieces:
            ends = piece.ends
            piece.held.done += piece.count
            if ends:
                piece.held.complete()
        if work.pieces:
            self._speaking += work.heard
            read = len(work.heard) + len(work.weighed)
            self._waiting = self._waiting[: len(self._waiting) - read]

    def finish(self, live: Live) -> None:
        """Let go of a prompt that is answered or failed, and of the spans nobody needs now."""
        if live.left:
            self._waiting.remove(live)
        elif not live.weighed:
            self._speaking.remove(live)
            self._keep(live)
        if live.row >= 0:
            live.slab.remove(live)
        for span in reversed(chain(live)):
            span.users -= 1
            if span.users or span.store is None:
                continue
            if not span.left:
                ids = span.ids[: span.start + span.size]
                self._kept.put(ids, span.start, span.store, span.lead, rare=span.rare)
            span.store = None

    def _reading(self, pieces: Sequence[Piece]) -> Work:
        lives = _prompts(pieces)
        ended = [live for live, piece in lives if piece.ends]
        asked = [
            Asked(live.job.weighing, live.weighed - live.left + piece.count - count, count)
            for live, piece in lives
            if live.job.weighing and (count := piece.weighed)
        ]
        return Work(
            reading(pieces, self._geometry.device),
            [live for live in ended if not live.weighed],
            [live for live, _ in lives] or [self._waiting[-1]],
            pieces,
            asked,
            [live for live in ended if live.weighed],
        )

    def _keep(self, live: Live) -> None:
        """Keep what the next turn of a conversation may begin with."""
        count = live.columns - live.lead
        if live.job.followed and self._kept.takes(count * self._geometry.token_bytes):
            said = [*live.job.prompt, *live.job.row.tokens][: live.start + count]
            store, row = live.place
            own = store.part(row, live.lead, live.columns)
            self._kept.put(said, live.start, own, 0, rare=True)

    def _lives(self, tree: Tree, texts: Sequence[list[int]], jobs: Sequence[Job]) -> list[Live]:
        lives = []
        for rank, leaf in enumerate(tree.leaves):
            job, ids = jobs[leaf.row], texts[leaf.row]
            lead = 0 if job.weighing else leaf.lead  # copies serve those who speak
            columns = lead + job.longest - leaf.start
            slab = self._slabs.setdefault(columns.bit_length(), Slab(self._geometry))
            slab.expect(columns)
            parent = self._spans[leaf.parent] if leaf.parent is not None else None
            size = len(ids) - leaf.start
            lives.append(Live(ids, leaf.start, size, lead, parent, job=job, rank=rank, slab=slab))
        return lives

    def _reads_on(self) -> bool:
        """Tell whether to read: not for a few rows, so that a step of reading is a full one."""
        speaking = len(self._speaking)
        begun = self._waiting[-1].row >= 0
        return begun or not speaking or speaking <= self._full_at - max(1, self._full_at // 8)

    def _pieces(self) -> list[Piece]:
        """Choose what the next step reads; nothing where there is no room for it."""
        pieces: list[Piece] = []
        counts: dict[int, int] = {}
        most = budget = self._limits.tokens
        rows = len(self._speaking)
        weighed = self._limits.weighed
        self._full_at = self._limits.rows
        for live in reversed(self._waiting):
            if rows >= self._limits.rows:
                break
            if live.row < 0 and not self._admit(live, alone=not rows):
                self._full_at = rows
                break
            for held in (*chain(live), live):
                left = held.left - counts.get(id(held), 0)
                unweighed = max(0, left - held.weighed)
                count = min(left, budget, unweighed + weighed)
                if count < left <= most // 2 and pieces:
                    return pieces  # a short one stays whole, and waits for the next step
                if count:
                    pieces.append(Piece(held, count))
                    counts[id(held)] = count
                    budget -= count
                    weighed -= max(0, count - unweighed)
                if count < left:
                    return pieces
            rows += 1
        return pieces

    def _admit(self, live: Live, *, alone: bool) -> bool:
        """Find room for a prompt and the spans above it; one that is alone gets it anyway."""
        spans = [span for span in chain(live) if span.store is None]
        needed = live.slab.room() + sum(span.room(self._geometry) for span in spans)
        if live.slab.full:
            return False
        if not alone and self.bytes + needed > self._limits.bytes:
            return False
        for span in spans:
            span.store = Store(self._geometry, 1, span.lead + span.size)
            self.recalled += span.recall(self._kept)
            if not span.left:
                span.complete()
        live.slab.add(live)
        self.recalled += live.recall(self._kept, own=live.job.own)
        return True


def _prompts(pieces: Sequence[Piece]) -> list[tuple[Live, Piece]]:
    return [(piece.held, piece) for piece in pieces if isinstance(piece.held, Live)]


def _spans(tree: Tree, texts: Sequence[list[int]]) -> list[Shared]:
    spans: list[Shared] = []
    for span in tree.spans:
        parent = spans[span.parent] if span.parent is not None else None
        size = span.end - span.start
        spans.append(
            Shared(
                texts[span.row], span.start, size, span.lead, parent,
                copied=span.copied, rare=span.rows * _FEW < len(texts), users=span.rows,
            )
        )  # fmt: skip
    return spans

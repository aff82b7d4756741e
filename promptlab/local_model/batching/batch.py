"""Prompts on their way through a model: what is read next, which generate, and what is freed.

Reading comes first: each shared span once, then the tokens that belong to each prompt alone, depth
first through their tree, until there is no room left. Then every prompt that was read generates
one token per step. Knows tokens, stores and steps; runs no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptlab.local_model.batching.build_step import Piece, chain, generating, reading
from promptlab.local_model.batching.held import Job, Live, Shared, Slab
from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.trie import Thrift, Tree, grow
from promptlab.local_model.forward_pass.kv import Geometry, Store
from promptlab.local_model.forward_pass.step import Step
from promptlab.local_model.forward_pass.weigh import Target

_FEW = 8  # a span that less than 1/8 of all prompts share is unlikely to be needed again


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on a step: rows, tokens read, bytes of keys and values.

    `weighed` is how many tokens one step may weigh.
    """

    rows: int
    tokens: int
    bytes: int
    weighed: int = 2**40


@dataclass(frozen=True, slots=True)
class Work:
    """A step to run; then each prompt in `generating` draws a token from its row of logits.

    The prompts in `concerned` fail if it fails. A step that reads has `pieces`. The remaining rows
    of logits belong to the `targets` of continuations; the prompts in `weighed` are then complete.
    """

    step: Step
    generating: Sequence[Live]
    concerned: Sequence[Live]
    pieces: Sequence[Piece] = field(default=())
    targets: Sequence[Target] = field(default=())
    weighed: Sequence[Live] = field(default=())


class Batch:
    """All prompts that wait, are read or generate. `recalled` counts tokens that were kept."""

    def __init__(
        self, jobs: Sequence[Job], geometry: Geometry, limits: Limits, kept: Kept, thrift: Thrift
    ) -> None:
        self.recalled = 0
        self._geometry = geometry
        self._limits = limits
        self._kept = kept
        self._generating: list[Live] = []
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
        """Return the jobs that wait, are read or generate."""
        return [live.job for live in (*self._generating, *reversed(self._waiting))]

    @property
    def at_hand(self) -> list[Job]:
        """Return the jobs that the next step may involve."""
        return self.unanswered[: len(self._generating) + 1]

    @property
    def bytes(self) -> int:
        """Return the bytes that keys and values take now."""
        spans = sum(span.store.bytes for span in self._spans if span.store is not None)
        return spans + sum(slab.bytes for slab in self._slabs.values())

    def next(self) -> Work | None:
        """Return the next step, or None when every prompt is answered."""
        if self._waiting and self._reads_on() and (pieces := self._pieces()):
            return self._reading(pieces)
        if not self._generating:
            return None
        self._generating.sort(key=lambda live: live.rank)
        slabs = [slab for slab in self._slabs.values() if slab.rows]
        step = generating(self._generating, slabs, self._geometry.device)
        return Work(step, tuple(self._generating), tuple(self._generating))

    def commit(self, work: Work) -> None:
        """Record that a step has run."""
        for piece in work.pieces:
            ends = piece.ends
            piece.held.done += piece.count
            if ends:
                piece.held.complete()
        if work.pieces:
            self._generating += work.generating
            read = len(work.generating) + len(work.weighed)
            self._waiting = self._waiting[: len(self._waiting) - read]

    def finish(self, live: Live, *, spoilt: bool = False) -> None:
        """Release a prompt that was answered or failed, and the spans that are no longer needed.

        If `spoilt`, its keys and values may be no numbers, and nothing of them is left.
        """
        if live.left:
            self._waiting.remove(live)
        elif not live.weighed:
            self._generating.remove(live)
            if not spoilt:
                self._keep(live)
        if live.row >= 0:
            live.slab.remove(live, spoilt=spoilt)
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
        targets = [
            Target(live.job.weighing, live.weighed - live.left + piece.count - count, count)
            for live, piece in lives
            if live.job.weighing and (count := piece.weighed)
        ]
        return Work(
            reading(pieces, self._geometry.device),
            [live for live in ended if not live.weighed],
            [live for live, _ in lives] or [self._waiting[-1]],
            pieces,
            targets,
            [live for live in ended if live.weighed],
        )

    def _keep(self, live: Live) -> None:
        """Keep the tokens that the next turn of a conversation may begin with."""
        count = live.columns - live.lead
        if live.job.followed and self._kept.takes(count * self._geometry.token_bytes):
            ids = [*live.job.prompt, *live.job.row.tokens][: live.start + count]
            store, row = live.place
            own = store.part(row, live.lead, live.columns)
            self._kept.put(ids, live.start, own, 0, rare=True)

    def _lives(self, tree: Tree, texts: Sequence[list[int]], jobs: Sequence[Job]) -> list[Live]:
        lives = []
        for rank, leaf in enumerate(tree.leaves):
            job, ids = jobs[leaf.row], texts[leaf.row]
            lead = 0 if job.weighing else leaf.lead  # copies pay off only while generating
            columns = lead + job.longest - leaf.start
            slab = self._slabs.setdefault(columns.bit_length(), Slab(self._geometry))
            slab.expect(columns)
            parent = self._spans[leaf.parent] if leaf.parent is not None else None
            size = len(ids) - leaf.start
            lives.append(Live(ids, leaf.start, size, lead, parent, job=job, rank=rank, slab=slab))
        return lives

    def _reads_on(self) -> bool:
        """Return whether to read now: not for a few rows, so that reading steps are full."""
        generating = len(self._generating)
        begun = self._waiting[-1].row >= 0
        return begun or not generating or generating <= self._full_at - max(1, self._full_at // 8)

    def _pieces(self) -> list[Piece]:
        """Choose what the next step reads; nothing if there is no room."""
        pieces: list[Piece] = []
        counts: dict[int, int] = {}
        most = budget = self._limits.tokens
        rows = len(self._generating)
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
                    return pieces  # a short one is not split but waits for the next step
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
        """Make room for a prompt and the spans above it; if it is alone it is always admitted."""
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

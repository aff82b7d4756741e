"""Build the steps of a batch: reading prompts and generating answers.

The pieces of a reading step are in depth-first order, so that all below a span are adjacent and
attend to it together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from promptlab.local_model.batching.held import Held, Live, Shared, Slab
from promptlab.local_model.forward_pass.join import joined
from promptlab.local_model.forward_pass.kv import Store
from promptlab.local_model.forward_pass.step import Causal, Part, Rows, Step, Write


@dataclass(frozen=True, slots=True)
class Piece:
    """The next `count` tokens of a span or a prompt, read in one step."""

    held: Held
    count: int

    @property
    def ends(self) -> bool:
        """Return whether everything is read after it."""
        return self.count == self.held.left

    @property
    def weighed(self) -> int:
        """Return the number of its last tokens whose next token is weighed."""
        return max(0, self.count - max(0, self.held.left - self.held.weighed))

    @property
    def position(self) -> int:
        """Return the position of its first token in the prompt."""
        return self.held.start + self.held.done


def chain(held: Held) -> list[Shared]:
    """Return the spans above, outermost first."""
    spans = []
    above = held.parent
    while above is not None:
        spans.append(above)
        above = above.parent
    return spans[::-1]


def reading(pieces: Sequence[Piece], device: torch.device) -> Step:
    """Return the step that reads these pieces.

    Its logits are those of the prompts that end and will generate, then those that are weighed.
    """
    ids: list[int] = []
    positions: list[int] = []
    firsts: list[int] = []
    keep: list[int] = []
    weighed: list[int] = []
    for piece in pieces:
        firsts.append(len(ids))
        ids += piece.held.ids[piece.position : piece.position + piece.count]
        positions += range(piece.position, piece.position + piece.count)
        weighed += range(len(ids) - piece.weighed, len(ids))
        if piece.ends and isinstance(piece.held, Live) and not piece.held.weighed:
            keep.append(len(ids) - 1)
    return Step(
        ids,
        positions,
        [*keep, *weighed] or [len(ids) - 1],
        writes=_piece_writes(pieces, firsts, device),
        causal=[_causal(run, device) for run in _alike(pieces, firsts)],
        parts=joined([*_above(pieces, firsts), *_before(pieces, firsts)]),
    )


def generating(lives: Sequence[Live], slabs: Iterable[Slab], device: torch.device) -> Step:
    """Return the step in which each prompt, in order of rank, reads its newest token."""
    token = {id(live): index for index, live in enumerate(lives)}
    writes, rows = [], []
    for slab in slabs:
        tokens = torch.tensor([token[id(live)] for live in slab.rows], device=device)
        columns = torch.tensor([live.columns for live in slab.rows], device=device)
        writes.append(
            Write(slab.store, torch.arange(len(slab.rows), device=device), columns, tokens)
        )
        width = max(live.columns for live in slab.rows) + 1
        rows.append(Rows(slab.store, tokens, columns + 1, width))
    return Step(
        [live.job.row.tokens[-1] for live in lives],
        [live.job.length - 1 for live in lives],
        range(len(lives)),
        writes=writes,
        rows=rows,
        parts=[
            Part(first, last, span.place[0], 0, 0, span.lead + span.size, span.start - span.lead)
            for span, first, last in _below(lives, [1] * len(lives), range(len(lives)))
            if not span.copied
        ],
    )


def _piece_writes(
    pieces: Sequence[Piece], firsts: Sequence[int], device: torch.device
) -> list[Write]:
    where: dict[int, tuple[Store, list[int], list[int], list[int]]] = {}
    for piece, first in zip(pieces, firsts, strict=True):
        store, row = piece.held.place
        _, rows, columns, tokens = where.setdefault(id(store), (store, [], [], []))
        column = piece.held.lead + piece.held.done
        rows += [row] * piece.count
        columns += range(column, column + piece.count)
        tokens += range(first, first + piece.count)
    writes = []
    for store, *lists in where.values():
        to_rows, to_columns, chosen = (torch.tensor(values, device=device) for values in lists)
        writes.append(Write(store, to_rows, to_columns, chosen if len(where) > 1 else None))
    return writes


def _alike(pieces: Sequence[Piece], firsts: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Group the runs of tokens (first, count) so that no run is twice as long as another."""
    groups: dict[int, list[tuple[int, int]]] = {}
    for piece, first in zip(pieces, firsts, strict=True):
        groups.setdefault(piece.count.bit_length(), []).append((first, piece.count))
    return list(groups.values())


def _causal(runs: Sequence[tuple[int, int]], device: torch.device) -> Causal:
    longest = max(count for _, count in runs)
    index: list[list[int]] = []
    tokens: list[int] = []
    places: list[int] = []
    for number, (first, count) in enumerate(runs):
        run = list(range(first, first + count))
        index.append(run + [first] * (longest - count))
        tokens += run
        places += range(number * longest, number * longest + count)
    return Causal(*(torch.tensor(values, device=device) for values in (index, tokens, places)))


def _above(pieces: Sequence[Piece], firsts: Sequence[int]) -> list[Part]:
    """Let all below a span attend to its tokens."""
    held = [piece.held for piece in pieces]
    return [
        Part(first, last, span.place[0], 0, span.lead, span.lead + span.size, span.start)
        for span, first, last in _below(held, [piece.count for piece in pieces], firsts)
    ]


def _before(pieces: Sequence[Piece], firsts: Sequence[int]) -> list[Part]:
    """Let each piece attend to the tokens of its span or prompt that were read before."""
    return [
        Part(first, first + piece.count, *piece.held.place, lead, lead + done, piece.held.start)
        for piece, first in zip(pieces, firsts, strict=True)
        for lead, done in [(piece.held.lead, piece.held.done)]
        if done
    ]


def _below(
    held: Sequence[Held], counts: Sequence[int], firsts: Sequence[int]
) -> list[tuple[Shared, int, int]]:
    """Return each span above with the first and last token below it."""
    ranges: dict[int, tuple[Shared, int, int]] = {}
    for item, count, first in zip(held, counts, firsts, strict=True):
        for span in chain(item):
            begin = ranges[id(span)][1] if id(span) in ranges else first
            ranges[id(span)] = (span, begin, first + count)
    return list(ranges.values())

"""The columns that a span or a prompt in progress has in the stores.

Knows tokens and stores, but neither the order of answers nor the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from promptlab.local_model.batching.kept import Kept
from promptlab.local_model.batching.rows import Row
from promptlab.local_model.forward_pass.kv import Geometry, Store
from promptlab.local_model.forward_pass.weigh import Weighing


@dataclass(slots=True, eq=False)
class Job:
    """A prompt to answer, and its answer so far. `begun` is when reading began.

    A job with a `weighing` generates nothing; its prompt includes all tokens of the continuation
    but the last. The own tokens of a job that is `followed` are kept for a later prompt.
    """

    index: int
    prompt: Sequence[int]
    row: Row
    weighing: Weighing | None = None
    followed: bool = False
    begun: float | None = None

    @property
    def length(self) -> int:
        """Return the number of tokens, including generated ones."""
        return len(self.prompt) + len(self.row.tokens)

    @property
    def longest(self) -> int:
        """Return the maximum number of tokens."""
        return len(self.prompt) + (0 if self.weighing else self.row.sampling.max_tokens)

    @property
    def weighed(self) -> int:
        """Return the number of the prompt's last tokens whose next token is weighed."""
        return len(self.weighing.tokens) if self.weighing else 0

    @property
    def own(self) -> int:
        """Return how many of the last tokens must always be read, for the logits after them."""
        return self.weighed or 1


@dataclass(slots=True, eq=False)
class Held:
    """The columns of a span, or of the tokens that belong to one prompt alone.

    Columns 0 to `lead` are copies of what comes before. Of the `size` tokens after them, which
    are `ids` from `start` on, `done` have been read.
    """

    ids: Sequence[int]
    start: int
    size: int
    lead: int
    parent: Shared | None
    done: int = 0

    @property
    def left(self) -> int:
        """Return the number of tokens still to read."""
        return self.size - self.done

    @property
    def weighed(self) -> int:
        """Return the number of its last tokens whose next token is weighed."""
        return 0

    @property
    def place(self) -> tuple[Store, int]:
        """Return the store and the row of the columns."""
        raise NotImplementedError

    def recall(self, kept: Kept, *, own: int = 0) -> int:
        """Copy the kept columns of its tokens, except the last `own`; return their number."""
        store, row = self.place
        stop = min(kept.known(self.ids), self.start + self.size - own)
        self.done = max(0, stop - self.start)
        kept.read(self.ids, (self.start, self.start + self.done), store, (row, self.lead))
        return self.done

    def complete(self) -> None:
        """Copy the columns before it that it keeps for itself."""
        if self.lead and self.parent is not None:
            store, row = self.place
            above, _ = self.parent.place
            store.copy(above, (0, row), (0, self.lead), 0)


@dataclass(slots=True, eq=False)
class Shared(Held):
    """A span. `users` counts the unanswered prompts below it.

    If `copied`, nothing attends to it once it has been read. If `rare`, few prompts share it.
    """

    copied: bool = False
    rare: bool = False
    users: int = 0
    store: Store | None = None

    @property
    def place(self) -> tuple[Store, int]:
        """Return the store and the row of the columns."""
        assert self.store is not None
        return self.store, 0

    def room(self, geometry: Geometry) -> int:
        """Return the bytes that it still needs."""
        return 0 if self.store else (self.lead + self.size) * geometry.token_bytes


@dataclass(slots=True, eq=False)
class Live(Held):
    """A prompt that is being read or answered; `rank` is its place in the overall order."""

    job: Job = field(kw_only=True)
    rank: int = field(kw_only=True)
    slab: Slab = field(kw_only=True)
    row: int = -1

    @property
    def weighed(self) -> int:
        """Return the number of its last tokens whose next token is weighed."""
        return self.job.weighed

    @property
    def place(self) -> tuple[Store, int]:
        """Return the store and the row of the columns."""
        return self.slab.store, self.row

    @property
    def columns(self) -> int:
        """Return the number of filled columns: those of all tokens but the newest."""
        return self.lead + self.job.length - 1 - self.start


class Slab:
    """A store for up to `limit` prompts of similar length; its used rows come first.

    On a CPU it takes only the memory of rows that were ever used: pages are allocated when
    touched. Elsewhere it takes all of its memory at once.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.width = 0
        self.limit = 0
        self.rows: list[Live] = []
        self._geometry = geometry
        self._store: Store | None = None
        self._used = 0
        self._at_once = geometry.device.type != "cpu"

    @property
    def full(self) -> bool:
        """Return whether there is no row left."""
        return len(self.rows) >= self.limit

    @property
    def store(self) -> Store:
        """Return the store, which exists while there is a row."""
        assert self._store is not None
        return self._store

    @property
    def row_bytes(self) -> int:
        """Return the bytes of a row."""
        return self.width * self._geometry.token_bytes

    @property
    def bytes(self) -> int:
        """Return the bytes of the store."""
        return self._used * self.row_bytes

    def expect(self, columns: int) -> None:
        """Plan for one more prompt with this many columns."""
        self.width = max(self.width, columns)
        self.limit += 1

    def room(self) -> int:
        """Return the bytes that one more row needs."""
        if self._at_once:
            return 0 if self._store else self.limit * self.row_bytes
        return self.row_bytes if len(self.rows) == self._used else 0

    def add(self, live: Live) -> None:
        """Give a prompt a row."""
        if self._store is None:
            self._store = Store(self._geometry, self.limit, self.width)
        live.row = len(self.rows)
        self.rows.append(live)
        self._used = self.limit if self._at_once else max(self._used, len(self.rows))

    def remove(self, live: Live, *, spoilt: bool = False) -> None:
        """Free a prompt's row; the last one takes its place.

        A spoilt one is cleared first: columns that are masked must not hold NaN.
        """
        if spoilt:
            self.store.clear(live.row)
        last = self.rows.pop()
        if last is not live:
            self.store.move(last.row, live.row, last.columns)
            self.rows[live.row] = last
            last.row = live.row
        if not self.rows:
            self._store = None
            self._used = 0

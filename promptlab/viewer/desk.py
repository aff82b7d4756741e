"""What every page works with: the workbench, the token of this start, and what is worth keeping."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TypeVar, cast

from promptlab.core.errors import PromptlabError
from promptlab.core.files import last_change
from promptlab.report.html.page.markup import Html
from promptlab.store import wait_a_while
from promptlab.viewer.frame import hidden
from promptlab.viewer.guard import TOKEN
from promptlab.workbench.bench import Workbench
from promptlab.workbench.session import Session

_KEPT = 6  # of what takes long to read: the queues of raters, joined runs
_KEY = 16  # digits
Kept = TypeVar("Kept")


class Desk:
    """What pages share. Every request opens the database for itself, in its own thread."""

    def __init__(self, session: Session) -> None:
        """Take the session of the verb; nothing is opened yet."""
        self._session = replace(session, tell=None)
        self.token = secrets.token_urlsafe(24)
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = threading.Lock()
        self._reads_texts = False

    @property
    def reading(self) -> Workbench:
        """Return a workbench that waits for no lock, and knows the project as it is now."""
        return Workbench(self._session, waits=_hardly)

    @property
    def writing(self) -> Workbench:
        """Return a workbench that waits for a lock, though not for ever."""
        return Workbench(self._session, waits=wait_a_while)

    def token_field(self) -> Html:
        """Return the field by which a form shows that it is from a page of this start."""
        return hidden(TOKEN, self.token)

    def key(self, *parts: object) -> str:
        """Return a name for something that says nothing about it, such as which arm it is of."""
        data = repr((self.token, parts)).encode()
        return hashlib.blake2b(data).hexdigest()[:_KEY]

    def kept(self, name: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what was made under this name, or make it; `name` has all that it depends on."""
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return cast(Kept, self._kept[name])
        made = make()
        with self._lock:
            self._kept[name] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made

    def of_now(self, name: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what was made under this name and holds still; else make it.

        It is kept if the database stayed as it was meanwhile, and holds until that changes.
        """
        key = (name, self._version())
        with self._lock:
            known = key in self._kept
        if known:
            return self.kept(key, make)
        made = make()
        if self._version() == key[1]:
            self.kept(key, lambda: made)
        return made

    def read_texts(self) -> None:
        """Begin to read what is new into the index of the search, unless that goes on already."""
        with self._lock:
            if self._reads_texts:
                return
            self._reads_texts = True
        threading.Thread(target=self._read_texts, name="promptlab search", daemon=True).start()

    def _read_texts(self) -> None:
        try:
            with self.writing.open_store() as store:
                store.prepare_search()
        except PromptlabError:  # the next search tells how many are left, and begins again
            pass
        finally:
            self._reads_texts = False

    def _version(self) -> tuple[tuple[int, int], ...]:
        """Return what changes whenever the database does: SQLite writes to one of two files."""
        path = self.reading.database
        files = path, path.with_name(f"{path.name}-wal")
        return tuple(state for file in files if (state := last_change(file)))


def _hardly(_: float) -> None:
    """Give up on a lock at once: a page that only reads waits for nobody."""
    raise TimeoutError

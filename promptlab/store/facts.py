"""What backends report about themselves in a run, added to what is known of them."""

from __future__ import annotations

from promptlab.core.runs import BackendFacts
from promptlab.store.connection import Connection
from promptlab.store.encode import from_json, to_json, told


def add_facts(connection: Connection, run: int, backend: str, facts: BackendFacts) -> None:
    """Add to the stored facts of a backend in this run, inside a transaction."""
    known = from_json(connection.value("SELECT facts FROM runs WHERE id = :run", run=run))
    known[backend] = (BackendFacts.from_json(known.get(backend)) + facts).to_json()
    connection.execute(
        "UPDATE runs SET facts = :facts WHERE id = :run", facts=told(to_json(known)), run=run
    )

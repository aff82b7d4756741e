"""The tables of the database, as migrations: commented SQL, applied in order, never edited.

A change of the schema is a new entry at the end of `STEPS`; existing entries are frozen and read
nothing from elsewhere. Users read the view `results`; its columns are a promise. All other tables
and the view `trial_results` are internal and may change.
"""

from __future__ import annotations

from promptlab.store.first_schema import FIRST

_PAID_BY = """
-- Which run made the call and so paid for it; NULL for calls older than this step.
ALTER TABLE generations ADD COLUMN run INTEGER REFERENCES runs(id);

-- The server's configuration, as it names it, and what it did not honour (a JSON list).
ALTER TABLE generations ADD COLUMN fingerprint TEXT;
ALTER TABLE generations ADD COLUMN warnings TEXT;

CREATE INDEX generations_by_run ON generations (run) WHERE run IS NOT NULL;
"""

_JUDGES = """
-- Whether a model or a person decides: such scores need a calibration before they conclude.
ALTER TABLE run_scorers ADD COLUMN judge INTEGER NOT NULL DEFAULT 0;
"""

_SPENT = """
-- What the run has spent: calls made, answered or not; dollars, guessed at their highest where a
-- server does not tell; and answers of unknown cost. NULL: nothing, or a run older than this step.
ALTER TABLE runs ADD COLUMN spent_calls INTEGER;
ALTER TABLE runs ADD COLUMN spent_cost_usd REAL;
ALTER TABLE runs ADD COLUMN unpriced_answers INTEGER;
"""

_LIKELIHOODS = """
-- The answers that a call asked to weigh (a JSON list), and for each of them what the model said:
-- [log-probability, tokens, 1 where greedy decoding would say it]. NULL for calls that generate.
ALTER TABLE generations ADD COLUMN continuations INTEGER REFERENCES texts(id);
ALTER TABLE generations ADD COLUMN likelihoods TEXT;

-- 1: asked after the conversation, for a scorer, and no part of it nor of the trial's sums.
ALTER TABLE trial_turns ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;
"""

_GRADINGS = """
-- What a scorer's scores depend on beside version and parameters: its source and the versions of
-- its libraries, as canonical JSON. NULL: not known, a run older than this step.
ALTER TABLE run_scorers ADD COLUMN identity TEXT;

-- A grading that a later one has replaced: `scores` holds the newest of each run and scorer.
CREATE TABLE former_gradings (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs(id),
    scorer INTEGER NOT NULL,
    version TEXT NOT NULL,
    identity TEXT,
    replaced_at TEXT NOT NULL,
    FOREIGN KEY (run, scorer) REFERENCES run_scorers(run, position)
);

-- Its scores, as they stood in `scores`.
CREATE TABLE former_scores (
    grading INTEGER NOT NULL REFERENCES former_gradings(id),
    seq INTEGER NOT NULL,
    score REAL,
    passed INTEGER,
    reason TEXT,
    error TEXT,
    traceback TEXT,
    PRIMARY KEY (grading, seq)
) WITHOUT ROWID;
"""

_ASKED = """
-- Whom a scorer asked in a turn aside; NULL: the backend that the trial is about.
ALTER TABLE trial_turns ADD COLUMN backend INTEGER REFERENCES backends(id);
"""

STEPS: tuple[tuple[str, str], ...] = (
    ("0001_first", FIRST),
    ("0002_paid_by", _PAID_BY),
    ("0003_judges", _JUDGES),
    ("0004_spent", _SPENT),
    ("0005_likelihoods", _LIKELIHOODS),
    ("0006_gradings", _GRADINGS),
    ("0007_asked", _ASKED),
)

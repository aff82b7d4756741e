"""The tables of the database, as migrations: commented SQL, applied in order, never edited.

A change of the schema is a new entry at the end of `STEPS`; what stands there is frozen, and reads
nothing from elsewhere. Users read the view `results`; its columns are a promise. All other tables
and the view `trial_results` are ours to change.
"""

from __future__ import annotations

_FIRST = """
-- CONTENT: known by digest, shared by all runs, never changed.

-- The text of a template version, with every file it includes (path -> text).
CREATE TABLE templates (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    includes TEXT NOT NULL,              -- JSON
    created_at TEXT NOT NULL
) WITHOUT ROWID;

-- What a text was called. A label that was edited has pointed to several digests.
CREATE TABLE template_labels (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES templates(digest),
    first_seen TEXT NOT NULL,
    UNIQUE (name, version, digest)
);

CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    case_id TEXT NOT NULL,
    vars TEXT NOT NULL,                  -- JSON, in the order of the cases file
    expect TEXT NOT NULL,                -- JSON
    tags TEXT NOT NULL,                  -- JSON
    case_group TEXT
);

-- A backend as it was configured. The digest is that of `identity`: what answers depend on.
CREATE TABLE backends (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT,
    options TEXT NOT NULL,               -- JSON
    identity TEXT NOT NULL               -- JSON
);

-- Conversations and answer schemas, as JSON: long, and the same for many generations.
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL
);

-- A model call that was answered. The newest of a key serves as its cached answer.
CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    fresh_run TEXT NOT NULL,             -- the run that measured anew, '' for all others
    prompt INTEGER NOT NULL REFERENCES texts(id),
    schema INTEGER REFERENCES texts(id),
    sampling TEXT NOT NULL,              -- JSON
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'truncated', 'refused', 'empty')),
    output TEXT NOT NULL,
    finish_reason TEXT,
    model TEXT,
    input_tokens INTEGER,
    output_tokens INTEGER,
    cache_read_tokens INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens INTEGER,
    cost_usd REAL,
    latency_s REAL,
    created_at TEXT NOT NULL
);
CREATE INDEX generations_by_key ON generations (key, fresh_run);

-- RUNS: what was asked for.

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    suite TEXT NOT NULL,
    settings TEXT NOT NULL,              -- JSON: the rest of the plan
    overrides TEXT NOT NULL,             -- JSON: what the command line changed
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'interrupted')),
    trials INTEGER NOT NULL,             -- as planned
    fresh INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    process_started TEXT,                -- tells the process from a later one of the same number
    created_at TEXT NOT NULL,
    finished_at TEXT,
    facts TEXT NOT NULL                  -- JSON: by backend: identity, and what it said of itself
);

CREATE TABLE run_templates (
    run INTEGER NOT NULL REFERENCES runs(id),
    position INTEGER NOT NULL,
    label INTEGER NOT NULL REFERENCES template_labels(id),
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE run_backends (
    run INTEGER NOT NULL REFERENCES runs(id),
    position INTEGER NOT NULL,
    backend INTEGER NOT NULL REFERENCES backends(id),
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE run_arms (
    run INTEGER NOT NULL REFERENCES runs(id),
    position INTEGER NOT NULL,
    template INTEGER NOT NULL REFERENCES template_labels(id),
    backend INTEGER NOT NULL REFERENCES backends(id),
    label TEXT NOT NULL,
    practices TEXT NOT NULL,             -- JSON
    off TEXT NOT NULL,                   -- JSON: the practices switched off
    active TEXT NOT NULL,                -- the others, separated by spaces
    sampling TEXT NOT NULL,              -- JSON
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE run_cases (
    run INTEGER NOT NULL REFERENCES runs(id),
    position INTEGER NOT NULL,
    case_ INTEGER NOT NULL REFERENCES cases(id),
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

CREATE TABLE run_scorers (
    run INTEGER NOT NULL REFERENCES runs(id),
    position INTEGER NOT NULL,
    label TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    params TEXT NOT NULL,                -- JSON
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

-- RESULTS: what came of it.

-- A trial that has ended. Tokens, cost and time are sums over its turns, NULL where one is unknown.
CREATE TABLE trials (
    run INTEGER NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,                -- its place in the plan
    arm INTEGER NOT NULL,
    case_ INTEGER NOT NULL,              -- position in run_cases
    repeat INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'truncated', 'refused', 'empty', 'error')),
    error TEXT,
    graded INTEGER,                      -- the turn that was graded
    input_tokens INTEGER,
    output_tokens INTEGER,
    cost_usd REAL,
    latency_s REAL,
    cached INTEGER NOT NULL,             -- 1: it made no call
    created_at TEXT NOT NULL,
    PRIMARY KEY (run, seq),
    FOREIGN KEY (run, arm) REFERENCES run_arms(run, position),
    FOREIGN KEY (run, case_) REFERENCES run_cases(run, position)
) WITHOUT ROWID;

-- The model calls of a trial. A call that failed has no generation: what it asked is kept here.
CREATE TABLE trial_turns (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    name TEXT NOT NULL,
    cached INTEGER NOT NULL,
    generation INTEGER REFERENCES generations(id),
    key TEXT,
    prompt INTEGER REFERENCES texts(id),
    sampling TEXT,
    PRIMARY KEY (run, seq, turn),
    FOREIGN KEY (run, seq) REFERENCES trials(run, seq) ON DELETE CASCADE
) WITHOUT ROWID;

CREATE TABLE scores (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    scorer INTEGER NOT NULL,
    score REAL,                          -- NULL: the scorer failed, `error` says why
    passed INTEGER,
    reason TEXT,
    error TEXT,
    traceback TEXT,
    PRIMARY KEY (run, seq, scorer),
    FOREIGN KEY (run, seq) REFERENCES trials(run, seq) ON DELETE CASCADE,
    FOREIGN KEY (run, scorer) REFERENCES run_scorers(run, position)
) WITHOUT ROWID;

-- One row per trial and scorer, also where there is no score. With what our own queries need more.
CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at
FROM trials t
JOIN runs r ON r.id = t.run
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
JOIN template_labels l ON l.id = a.template
JOIN backends b ON b.id = a.backend
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
LEFT JOIN generations g ON g.id = u.generation
LEFT JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position;

-- The stable view for users, as the design names it.
CREATE VIEW results AS SELECT \
run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, \
repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, \
cost_usd, latency_s, cached, error, created_at \
FROM trial_results;
"""

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
    ("0001_first", _FIRST),
    ("0002_paid_by", _PAID_BY),
    ("0003_judges", _JUDGES),
    ("0004_spent", _SPENT),
    ("0005_likelihoods", _LIKELIHOODS),
    ("0006_gradings", _GRADINGS),
    ("0007_asked", _ASKED),
)

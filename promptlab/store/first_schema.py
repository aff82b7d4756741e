"""The tables of the first version, frozen: the step that every database starts with."""

from __future__ import annotations

FIRST = """
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

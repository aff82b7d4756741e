"""The steps that keep the passports of judges, and what they rest on; frozen."""

from __future__ import annotations

PASSPORTS = """
-- How a judge errs, held against labels of people. The newest of a digest counts.
CREATE TABLE passports (
    id INTEGER PRIMARY KEY,
    created_at TEXT NOT NULL,
    suite TEXT NOT NULL,
    scorer TEXT NOT NULL,                -- its label
    digest TEXT NOT NULL,                -- of all that the judge's scores depend on
    bound_to TEXT NOT NULL,              -- the same as JSON
    labels TEXT NOT NULL,                -- digest of the labels
    verdict TEXT NOT NULL CHECK (verdict IN ('trusted', 'provisional', 'refused')),
    findings TEXT NOT NULL,              -- JSON
    figures TEXT NOT NULL                -- JSON
);
CREATE INDEX passports_by_digest ON passports (digest);

-- What people say of an answer to a case: the mean of their labels. None that a model made.
CREATE TABLE passport_labels (
    passport INTEGER NOT NULL REFERENCES passports(id),
    case_ INTEGER NOT NULL REFERENCES cases(id),
    generation INTEGER NOT NULL REFERENCES generations(id),
    value REAL NOT NULL,
    PRIMARY KEY (passport, case_, generation)
) WITHOUT ROWID;
"""

ANCHORS = """
-- Answers that every later run of the judge is asked about again, with the score they had.
CREATE TABLE passport_anchors (
    passport INTEGER NOT NULL REFERENCES passports(id),
    run INTEGER NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (passport, run, seq)
) WITHOUT ROWID;

-- By how much a judge has moved since its passport: the mean over the anchors, asked for a run.
CREATE TABLE judge_moves (
    passport INTEGER NOT NULL REFERENCES passports(id),
    run INTEGER NOT NULL REFERENCES runs(id),
    anchors INTEGER NOT NULL,
    moved REAL NOT NULL,
    PRIMARY KEY (passport, run)
) WITHOUT ROWID;
"""

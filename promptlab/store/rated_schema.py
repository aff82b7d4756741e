"""The step that keeps what people say of outputs; frozen."""

from __future__ import annotations

RATED = """
-- What people said of outputs, in the order in which they said it. None is ever deleted: what was
-- taken back is marked. Of what a rater said of the same output or pair, the last that stands
-- counts, and the scores of the scorer `human` are made of that.
CREATE TABLE given_ratings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs(id),
    trial INTEGER NOT NULL,              -- its place in the plan; of a pair, the one on the left
    other INTEGER,                       -- the one on the right; NULL: a single output
    rater TEXT NOT NULL,
    created_at TEXT NOT NULL,
    verdict TEXT,                        -- pass, fail; left, right, tie; NULL: not decided
    note TEXT NOT NULL,
    tags TEXT NOT NULL,                  -- JSON
    withdrawn_at TEXT
);
CREATE INDEX ratings_by_trial ON given_ratings (run, trial);
CREATE INDEX ratings_by_other ON given_ratings (run, other) WHERE other IS NOT NULL;

-- The ratings that count. One row per rater and output or pair.
CREATE VIEW standing_ratings AS
SELECT id, run, trial, other, rater, created_at, verdict, note, tags FROM (
    SELECT *, row_number() OVER (
        PARTITION BY run, rater,
            min(trial, coalesce(other, trial)), max(trial, coalesce(other, trial))
        ORDER BY id DESC
    ) AS age FROM given_ratings WHERE withdrawn_at IS NULL
) WHERE age = 1;

-- The stable view for users: who said what of which output, when.
CREATE VIEW ratings AS
SELECT r.run_id, r.suite, c.case_id, t.repeat, a.label AS arm, o.label AS other_arm, g.rater,
    g.verdict, CASE g.verdict WHEN 'left' THEN a.label WHEN 'right' THEN o.label END AS preferred,
    g.note, g.tags, g.created_at
FROM standing_ratings g
JOIN runs r ON r.id = g.run
JOIN trials t ON t.run = g.run AND t.seq = g.trial
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
LEFT JOIN trials u ON u.run = g.run AND u.seq = g.other
LEFT JOIN run_arms o ON o.run = u.run AND o.position = u.arm;
"""

"""The tables of the database, as migrations: commented SQL, applied in order, never edited.

A change of the schema is a new entry at the end of `STEPS`; existing entries are frozen and read
nothing from elsewhere. Users read the view `results`; its columns are a promise. All other tables
and the view `trial_results` are internal and may change.
"""

from __future__ import annotations

from promptlab.store.figured_schema import FIGURED, ROWS_KEPT
from promptlab.store.first_schema import FIRST
from promptlab.store.graded_schema import GRADED
from promptlab.store.passport_schema import ANCHORS, PASSPORTS
from promptlab.store.rated_schema import RATED

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

_THOUGHTS = """
-- What the model thought before its answer, which is `output` alone; '' where it did not think.
-- NULL: an answer from before this step, whose output may hold both.
ALTER TABLE generations ADD COLUMN thoughts TEXT;

DROP VIEW results;
DROP VIEW trial_results;

CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at,
    nullif(trim(g.thoughts), '') AS thoughts
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

CREATE VIEW results AS SELECT \
run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, \
repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, \
cost_usd, latency_s, cached, error, created_at, thoughts \
FROM trial_results;
"""

_HEARTBEAT = """
-- Where the process runs, as only itself sees it: this start of the machine, and its container.
-- NULL: a run older than this step.
ALTER TABLE runs ADD COLUMN place TEXT;

-- When the process last reported that it goes on, for those who cannot see it.
ALTER TABLE runs ADD COLUMN heartbeat TEXT;
"""

_TAGS = """
-- What a suite says of a case stands beside its results, where people filter: a JSON list.
DROP VIEW results;
DROP VIEW trial_results;

CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at,
    nullif(trim(g.thoughts), '') AS thoughts, c.tags
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

CREATE VIEW results AS SELECT \
run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, \
repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, \
cost_usd, latency_s, cached, error, created_at, thoughts, tags \
FROM trial_results;
"""

_LEDGER = """
-- Sets of cases that something was concluded of: sorted 64-bit numbers, one or more for each case.
CREATE TABLE look_cases (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    keys BLOB NOT NULL
);

-- Comparisons that were concluded together, of one set of cases. None is ever deleted.
CREATE TABLE look_families (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    question TEXT NOT NULL,              -- what they ask together
    size INTEGER NOT NULL,               -- how many they are, with those that bear no verdict
    scorer TEXT NOT NULL,
    suites TEXT NOT NULL,                -- names, as JSON
    runs TEXT NOT NULL,                  -- ids, as JSON
    arms TEXT NOT NULL,                  -- digests of all arms that were measured, as JSON
    cases INTEGER NOT NULL REFERENCES look_cases(id),
    declared TEXT,                       -- the run that was to stop early; NULL: none
    holdout_use INTEGER                  -- which use of a holdout it was; NULL: other cases
);

-- One look: a comparison with its verdict. None is ever deleted.
CREATE TABLE looks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    family INTEGER NOT NULL REFERENCES look_families(id),
    question TEXT NOT NULL,              -- digest of both sides and of the scorer
    evidence TEXT NOT NULL,              -- digest of the scores
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    backend TEXT,
    cases INTEGER NOT NULL,
    trials INTEGER NOT NULL,
    number INTEGER NOT NULL,             -- which look at its question it was
    level REAL NOT NULL,                 -- the level that was left for it
    delta REAL,
    p REAL,
    verdict TEXT NOT NULL
);

CREATE INDEX looks_by_family ON looks (family);
"""

_READINGS = """
-- What scorers read out of answers, and what would have been right: short texts such as labels.
CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

-- Whether the answer held anything to grade (a label, a number, JSON), what the scorer found in it,
-- and what would have been right. NULL: the scorer does not tell, or graded before this step.
ALTER TABLE scores ADD COLUMN gradable INTEGER;
ALTER TABLE scores ADD COLUMN found INTEGER REFERENCES readings(id);
ALTER TABLE scores ADD COLUMN expected INTEGER REFERENCES readings(id);
ALTER TABLE former_scores ADD COLUMN gradable INTEGER;
ALTER TABLE former_scores ADD COLUMN found INTEGER REFERENCES readings(id);
ALTER TABLE former_scores ADD COLUMN expected INTEGER REFERENCES readings(id);

DROP VIEW results;
DROP VIEW trial_results;

CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at,
    nullif(trim(g.thoughts), '') AS thoughts, c.tags, s.gradable, f.text AS found
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
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN readings f ON f.id = s.found;

CREATE VIEW results AS SELECT \
run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, \
repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, \
cost_usd, latency_s, cached, error, created_at, thoughts, tags, gradable, found \
FROM trial_results;
"""

STEPS: tuple[tuple[str, str], ...] = (
    ("0001_first", FIRST),
    ("0002_paid_by", _PAID_BY),
    ("0003_judges", _JUDGES),
    ("0004_spent", _SPENT),
    ("0005_likelihoods", _LIKELIHOODS),
    ("0006_gradings", _GRADINGS),
    ("0007_asked", _ASKED),
    ("0008_thoughts", _THOUGHTS),
    ("0009_heartbeat", _HEARTBEAT),
    ("0010_tags", _TAGS),
    ("0011_ledger", _LEDGER),
    ("0012_readings", _READINGS),
    ("0013_graded", GRADED),
    ("0014_rated", RATED),
    ("0015_passports", PASSPORTS),
    ("0016_anchors", ANCHORS),
    ("0017_figures", FIGURED),
    ("0018_rows_kept", ROWS_KEPT),
)

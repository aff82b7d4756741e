-- The tables of a new database, as the steps of `schema` leave them. Not written by hand:
-- `PROMPTLAB_GOLD=write pytest tests/store/test_store_file.py` writes it.

CREATE TABLE templates (
    digest TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    includes TEXT NOT NULL,              -- JSON
    created_at TEXT NOT NULL
) WITHOUT ROWID;

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

CREATE TABLE backends (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT,
    options TEXT NOT NULL,               -- JSON
    identity TEXT NOT NULL               -- JSON
);

CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    text TEXT NOT NULL
);

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
, run INTEGER REFERENCES runs(id), fingerprint TEXT, warnings TEXT, continuations INTEGER REFERENCES texts(id), likelihoods TEXT, thoughts TEXT);

CREATE INDEX generations_by_key ON generations (key, fresh_run);

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
, spent_calls INTEGER, spent_cost_usd REAL, unpriced_answers INTEGER, place TEXT, heartbeat TEXT);

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
    params TEXT NOT NULL, judge INTEGER NOT NULL DEFAULT 0, identity TEXT,                -- JSON
    PRIMARY KEY (run, position)
) WITHOUT ROWID;

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

CREATE TABLE trial_turns (
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    name TEXT NOT NULL,
    cached INTEGER NOT NULL,
    generation INTEGER REFERENCES generations(id),
    key TEXT,
    prompt INTEGER REFERENCES texts(id),
    sampling TEXT, aside INTEGER NOT NULL DEFAULT 0, backend INTEGER REFERENCES backends(id),
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
    traceback TEXT, gradable INTEGER, found INTEGER REFERENCES readings(id), expected INTEGER REFERENCES readings(id), turn INTEGER, answer TEXT,
    PRIMARY KEY (run, seq, scorer),
    FOREIGN KEY (run, seq) REFERENCES trials(run, seq) ON DELETE CASCADE,
    FOREIGN KEY (run, scorer) REFERENCES run_scorers(run, position)
) WITHOUT ROWID;

CREATE INDEX generations_by_run ON generations (run) WHERE run IS NOT NULL;

CREATE TABLE former_gradings (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs(id),
    scorer INTEGER NOT NULL,
    version TEXT NOT NULL,
    identity TEXT,
    replaced_at TEXT NOT NULL,
    FOREIGN KEY (run, scorer) REFERENCES run_scorers(run, position)
);

CREATE TABLE former_scores (
    grading INTEGER NOT NULL REFERENCES former_gradings(id),
    seq INTEGER NOT NULL,
    score REAL,
    passed INTEGER,
    reason TEXT,
    error TEXT,
    traceback TEXT, gradable INTEGER, found INTEGER REFERENCES readings(id), expected INTEGER REFERENCES readings(id), turn INTEGER, answer TEXT,
    PRIMARY KEY (grading, seq)
) WITHOUT ROWID;

CREATE TABLE look_cases (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    keys BLOB NOT NULL
);

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

CREATE TABLE readings (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at,
    nullif(trim(g.thoughts), '') AS thoughts, c.tags, s.gradable, f.text AS found,
    c.vars, c.expect, coalesce(s.answer, u.name) AS graded
FROM trials t
JOIN runs r ON r.id = t.run
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
JOIN template_labels l ON l.id = a.template
JOIN backends b ON b.id = a.backend
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
LEFT JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = coalesce(s.turn, t.graded)
LEFT JOIN generations g ON g.id = u.generation
LEFT JOIN readings f ON f.id = s.found;

CREATE VIEW results AS SELECT run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, cost_usd, latency_s, cached, error, created_at, thoughts, tags, gradable, found, vars, expect, graded FROM trial_results;

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

CREATE VIEW standing_ratings AS
SELECT id, run, trial, other, rater, created_at, verdict, note, tags FROM (
    SELECT *, row_number() OVER (
        PARTITION BY run, rater,
            min(trial, coalesce(other, trial)), max(trial, coalesce(other, trial))
        ORDER BY id DESC
    ) AS age FROM given_ratings WHERE withdrawn_at IS NULL
) WHERE age = 1;

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

CREATE TABLE passport_labels (
    passport INTEGER NOT NULL REFERENCES passports(id),
    case_ INTEGER NOT NULL REFERENCES cases(id),
    generation INTEGER NOT NULL REFERENCES generations(id),
    value REAL NOT NULL,
    PRIMARY KEY (passport, case_, generation)
) WITHOUT ROWID;

CREATE TABLE passport_anchors (
    passport INTEGER NOT NULL REFERENCES passports(id),
    run INTEGER NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    turn INTEGER NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (passport, run, seq)
) WITHOUT ROWID;

CREATE TABLE judge_moves (
    passport INTEGER NOT NULL REFERENCES passports(id),
    run INTEGER NOT NULL REFERENCES runs(id),
    anchors INTEGER NOT NULL,
    moved REAL NOT NULL,
    PRIMARY KEY (passport, run)
) WITHOUT ROWID;

CREATE TABLE run_figures (
    run INTEGER NOT NULL REFERENCES runs(id),
    part TEXT NOT NULL,                  -- JSON: a tag, for the cases that have it; null: all cases
    version INTEGER NOT NULL,            -- of how they are computed: others do not count
    summary TEXT NOT NULL,               -- JSON: how its trials ended and what they cost
    arms TEXT, rows BLOB,                           -- JSON: the same by arm, and the scores; NULL: not asked
    PRIMARY KEY (run, part)
) WITHOUT ROWID;

CREATE TRIGGER figures_of_changed_trial AFTER UPDATE ON trials
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;

CREATE TRIGGER figures_of_lost_trial AFTER DELETE ON trials
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;

CREATE TRIGGER figures_of_changed_score AFTER UPDATE ON scores
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;

CREATE TRIGGER figures_of_lost_score AFTER DELETE ON scores
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;

CREATE TRIGGER figures_of_changed_answer AFTER UPDATE OF run, cost_usd ON generations
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;

CREATE TRIGGER figures_of_lost_answer AFTER DELETE ON generations WHEN OLD.run IS NOT NULL
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;

CREATE TRIGGER figures_of_new_scorer AFTER INSERT ON run_scorers
BEGIN DELETE FROM run_figures WHERE run = NEW.run; END;

CREATE TRIGGER figures_of_changed_scorer AFTER UPDATE ON run_scorers
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;

CREATE TRIGGER figures_of_lost_scorer AFTER DELETE ON run_scorers
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;

CREATE TRIGGER figures_of_changed_settings AFTER UPDATE OF settings ON runs
BEGIN DELETE FROM run_figures WHERE run = NEW.id; END;

CREATE INDEX scores_that_failed ON scores (run, seq) WHERE passed = 0;

CREATE INDEX scores_that_erred ON scores (run, seq) WHERE error IS NOT NULL;

CREATE INDEX trials_that_erred ON trials (run, seq) WHERE error IS NOT NULL;

CREATE INDEX trials_not_ok ON trials (run, outcome, seq) WHERE outcome <> 'ok';

CREATE TABLE unused_answers (
    generation INTEGER PRIMARY KEY REFERENCES generations(id) ON DELETE CASCADE
);

CREATE TRIGGER figures_of_changed_turn AFTER UPDATE ON trial_turns
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;

CREATE TRIGGER figures_of_lost_turn AFTER DELETE ON trial_turns
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;

CREATE TRIGGER figures_of_changed_ending AFTER UPDATE OF finish_reason ON generations
BEGIN DELETE FROM run_figures WHERE run IN (
    SELECT run FROM trial_turns WHERE generation = OLD.id
); END;
